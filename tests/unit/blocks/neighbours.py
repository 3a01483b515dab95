"""A block on the bench with the neighbours that a cascade has: a primary, a host and a block below that do as they
should, until a test makes them do otherwise."""

from dataclasses import dataclass, field
from typing import Any

from dcs.core.modes import AUTO, CAS, MAN, OOS, RCAS, ROUT, mode_mask
from dcs.core.status import GOOD_CASCADE, IR, NI, OK, STATUS_GOOD, quality_of, sub_status_of
from tests.unit.blocks.bench import CASCADE_IA, CASCADE_OK, OnBench

ALL_MODES = mode_mask((OOS, MAN, AUTO, CAS, RCAS, ROUT))
AO_MODES = mode_mask((OOS, MAN, AUTO, CAS, RCAS))


def says(status: int, sub: int) -> bool:
    """Is it that word of a cascade?"""
    return quality_of(status) == GOOD_CASCADE and sub_status_of(status) == sub


@dataclass
class InCascade:
    """``step`` lets the neighbours answer the last scan, then puts ``forced`` over it, then executes one scan."""

    block: OnBench
    host_writes: bool = True
    host_acknowledges: bool = True
    forced: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for f in self.block.kind.fields:
            if f.dtype == "i8" and f.count == 1:
                setattr(self.block, f.name, int(getattr(self.block, f.name)))

    def step(self, count: int = 1) -> Any:
        for _ in range(count):
            self._primary_answers()
            if self.block.kind.has("rcas_in"):
                self._host_answers("rcas")
            if self.block.kind.has("rout_in"):
                self._host_answers("rout")
            if self.block.kind.has("bkcal_in"):
                self.block.bkcal_in, self.block.bkcal_in_status = self.block.out, CASCADE_OK
            for name, value in self.forced.items():
                setattr(self.block, name, value)
            if self.block.kind.has("elapsed_s"):
                self.block.elapsed_s = self.block.dt_s
            self.block.step()
        return self.block

    def _primary_answers(self) -> None:
        if not self.block.kind.has("cas_in"):
            return
        status = self.block.bkcal_out_status
        if says(status, IR):
            self.block.cas_in, self.block.cas_in_status = self.block.bkcal_out, CASCADE_IA
        else:
            self.block.cas_in_status = CASCADE_OK
            if not says(status, OK):
                self.block.cas_in = self.block.bkcal_out

    def _host_answers(self, what: str) -> None:
        status = getattr(self.block, f"{what}_out_status")
        if not self.host_writes or (says(status, IR) and not self.host_acknowledges):
            return
        if says(status, IR) or says(status, NI):
            setattr(self.block, f"{what}_in", getattr(self.block, f"{what}_out"))
        setattr(self.block, f"{what}_in_written", 1)

    def reach(self, target: int) -> None:
        """Ask for a mode and wait until everybody has answered."""
        self.block.target = target
        self.step(6)


def pid_in_cascade(dt_s: float = 1.0, **values: float) -> InCascade:
    """A PID with all modes permitted, everything linked and Good, after some scans in Man."""
    given = {
        "cas_in_linked": 1, "bkcal_in_linked": 1, "permitted": ALL_MODES, "pv": 50.0, "pv_status": STATUS_GOOD,
        "sp": 50.0, "sp_wrk": 50.0, "out": 50.0, "target": MAN,
    }  # fmt: skip
    loop = InCascade(OnBench("PID", dt_s, **given | values))
    loop.step(3)
    return loop


def ao_in_cascade(dt_s: float = 1.0, **values: float) -> InCascade:
    """An analogue output with a read-back that follows it, after some scans in Man."""
    given = {
        "cas_in_linked": 1, "readback_linked": 1, "readback": 40.0, "readback_status": STATUS_GOOD, "target": MAN,
        "permitted": AO_MODES, "fault_state": 1, "fault_time_s": 3.0, "readback_fail_s": 3.0,
    }  # fmt: skip
    loop = InCascade(OnBench("AO", dt_s, **given | values))
    loop.step(3)
    return loop
