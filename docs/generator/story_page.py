"""``reference/story.md``: what a story may do, from the tables of its keys and verbs.

Called by   ``docs/generate_reference.py``.
"""

from generator.markdown import code, page, table
from hmi.model.story import VERBS
from hmi.story_file import KEYS

_EXAMPLE = """```yaml
title: Five minutes
acts:
  - title: Kill the active controller
    watch: While the level moves to a new setpoint the active controller dies; the trend has no gap and no bump.
    takes: 1 min
    open: {trend: LIC-101}
    do:
      - set: {LIC-101.SP: 13.5}
      - {after: 10 s, kill: active of C1}
    undo:
      - set: {LIC-101.SP: was}
```"""


def story_pages() -> dict[str, str]:
    """Text of the page by its path below ``reference``."""
    return {
        "story.md": page(
            "Stories",
            "A plant folder may have a `story.yaml`: acts that the operator station offers with one click, in a bar "
            "under the alarms, each with what to watch and, where it makes sense, a way to put things back. It is "
            "shown in runs that were started for exercises: `dcs demo`, `dcs run --exercises`. Every act has:",
            table(("key", "what"), ([code(key), what] for key, what in KEYS.items())),
            "An action has one of these verbs; `after` is counted in the plant's time from the click on:",
            table(("verb", "takes"), ([code(verb), takes] for verb, takes in VERBS.items())),
            _EXAMPLE,
            "`dcs check` reads the story too and names what the plant does not have, with file and line.",
        )
    }
