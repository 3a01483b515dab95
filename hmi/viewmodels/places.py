"""Where an operator can go: pages, modules, tags; and where they have been.

Called by   navigation tree, search, breadcrumb, main window. Knows no Qt.
"""

from dataclasses import dataclass

from hmi.model.displays import Display
from hmi.model.station import Station

GROUP_SIZE = 12
GROUPS_MAX = 3  # more of them stand below one entry of the tree
GROUP_LEVEL = 3
GROUPS = "groups"
"""Key of the entry above the generated groups, where there are many; it is no page of its own."""
FIXED = (
    ("trend", "Trend"),
    ("alarms", "Alarms"),
    ("abnormal", "Forced, simulated, Man"),
    ("journal", "Journal"),
    ("system", "System"),
)


EXERCISE = ("exercise", "Exercise")
"""The page of what can be made to fail, in runs that were started for exercises."""


@dataclass(frozen=True, slots=True)
class Place:
    """One page: ``display:overview``, ``group:0``, ``trend``, ``alarms``, ``abnormal``, ``journal``, ``system``."""

    key: str
    title: str
    modules: tuple[str, ...] = ()
    level: int = 1  # of a drawing, as in ISA-101; generated groups come after every drawing
    parent: str = ""  # key of the entry of the tree that it stands below


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result; ``kind`` is page, module or tag."""

    kind: str
    key: str
    text: str


def places(station: Station, displays: list[Display]) -> list[Place]:
    """Drawings first, then generated groups, then the fixed pages."""
    known = station.tags.modules
    found = []
    for display in displays:
        members = dict.fromkeys(binding.target for binding in display.bindings if binding.target in known)
        found.append(Place(f"display:{display.name}", display.title, tuple(sorted(members)), display.level))
    names = sorted(known)
    groups = [names[at : at + GROUP_SIZE] for at in range(0, len(names), GROUP_SIZE)]
    many = len(groups) > GROUPS_MAX
    if many:
        found.append(Place(GROUPS, "All modules", tuple(names), GROUP_LEVEL))
    for number, members_of in enumerate(groups):
        title = "Loops" if len(groups) == 1 else f"{members_of[0]} … {members_of[-1]}"
        found.append(Place(f"group:{number}", title, tuple(members_of), GROUP_LEVEL, GROUPS if many else ""))
    found.extend(Place(key, title) for key, title in FIXED)
    if station.exercise.allowed:
        found.append(Place(*EXERCISE))
    return found


def search(station: Station, all_places: list[Place], words: str, most: int = 14) -> list[Hit]:
    """Pages, modules and tags that contain every word; names that begin with the first word come first."""
    wanted = words.lower().split()
    candidates = [Hit("page", place.key, place.title) for place in all_places if place.key != GROUPS]
    candidates += [
        Hit("module", module.name, f"{module.name}  {module.description}") for module in station.tags.modules.values()
    ]
    candidates += [
        Hit("tag", name, f"{name}  {info.description}")
        for name in station.tags.names()
        if (info := station.tags.info(name)) is not None
    ]
    hits = [hit for hit in candidates if all(word in hit.text.lower() for word in wanted)]
    if wanted:
        hits.sort(key=lambda hit: not hit.text.lower().startswith(wanted[0]))
    else:
        hits = [hit for hit in hits if hit.kind != "tag"]
    return hits[:most]


class Trail:
    """Pages visited, for back and forward."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._at = -1

    def visit(self, key: str) -> None:
        """A page was opened; what was ahead is forgotten."""
        if self._at >= 0 and self._keys[self._at] == key:
            return
        self._keys = [*self._keys[: self._at + 1], key][-50:]
        self._at = len(self._keys) - 1

    @property
    def at_start(self) -> bool:
        """True until a second page was opened."""
        return len(self._keys) < 2

    def back(self) -> str | None:
        """The page before, None at the start."""
        if self._at <= 0:
            return None
        self._at -= 1
        return self._keys[self._at]

    def forward(self) -> str | None:
        """The page after, None at the end."""
        if self._at + 1 >= len(self._keys):
            return None
        self._at += 1
        return self._keys[self._at]
