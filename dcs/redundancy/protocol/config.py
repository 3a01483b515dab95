"""Who belongs to a pair.

Called by   dcs.redundancy.protocol and runtime; built from ``controllers:`` of plant.yaml.
Knows       names and times.
"""

from dataclasses import dataclass, field

from dcs.core.errors import ConfigError
from dcs.redundancy.timing import LeaseTiming


@dataclass(frozen=True, slots=True)
class PairConfig:
    """One controller (pair). One member and no witness = unpaired: it needs no lease and depends on nobody.

    Raises ``ConfigError`` when the names do not make one or three different voters.
    """

    pair: str
    members: tuple[str, ...]
    witness: str = ""
    timing: LeaseTiming = field(default_factory=LeaseTiming)

    def __post_init__(self) -> None:
        if len(self.members) not in (1, 2) or len(set(self.members)) != len(self.members):
            raise ConfigError(f"controller {self.pair}: needs one or two different members, not {list(self.members)}")
        if len(self.members) == 2 and (not self.witness or self.witness in self.members):
            raise ConfigError(
                f"controller {self.pair}: two members need a witness of their own as third voter, found "
                f"{self.witness!r}. Name one, or leave one member out to run unpaired."
            )

    @property
    def paired(self) -> bool:
        """Whether there is a standby at all."""
        return len(self.members) == 2

    @property
    def voters(self) -> tuple[str, ...]:
        """All three, or the one that depends on nobody."""
        return (*self.members, self.witness) if self.paired else self.members

    def others(self, name: str) -> tuple[str, ...]:
        """The voters that are not ``name``, the other member first."""
        return tuple(voter for voter in self.voters if voter != name)
