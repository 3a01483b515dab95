"""What the plant is doing when the fault comes, and what the operator does afterwards, equal in both runs.

Called by   tests.simulation.twin.run.
Knows       commands by plant time. ``before`` are given before the fault, ``after`` when a new holder has long settled.
"""

from dataclasses import dataclass

Commands = tuple[tuple[float, str, float | str], ...]
"""(seconds since the start of the run, tag, value)"""


@dataclass(frozen=True)
class Situation:
    """``fault_s``: about when the fault comes; ``end_s``: when the two runs are compared for the last time."""

    name: str
    text: str
    before: Commands
    after: Commands = ()
    fault_s: float = 60.0
    end_s: float = 120.0
    overrides: tuple[str, ...] = ()
    plant: str = "quadruple_tank"
    periods_ms: tuple[int, ...] = (100, 250, 500, 1000)  # one only where the period is not ours to choose


_LIC = "control.modules.LIC-101.blocks.pid"
SITUATIONS: dict[str, Situation] = {
    one.name: one
    for one in (
        Situation(
            "ramp",
            "a setpoint ramp in the master of a cascade",
            ((30.0, "LIC-101.SP", 15.0),),
            overrides=(f"{_LIC}.sp_rate_up=0.02",),
        ),
        Situation(
            "limit",
            "a valve at its limit, integral held back; the deviation alarm is in its on-delay; then back into range",
            ((40.0, "FIC-101.MODE", "AUTO"), (45.0, "FIC-101.SP", 40.0)),
            ((80.0, "FIC-101.SP", 20.0),),
        ),
        Situation(
            "iman",
            "the slave of a cascade in Man, its master in IMan; then the cascade is closed",
            ((40.0, "FIC-101.MODE", "MAN"), (45.0, "FIC-101.OUT", 33.0)),
            ((80.0, "FIC-101.MODE", "CAS"),),
        ),
        Situation(
            "tune",
            "an auto-tune under way",
            ((45.0, "LIC-101.TUNE", "START"),),
            fault_s=200.0,
            end_s=260.0,
        ),
        Situation(
            "sequence",
            "in the middle of a step that moves a valve, with its timer running; the next steps follow",
            ((35.0, "V-101.MODE", "AUTO"), (40.0, "SEQ-1.COMMAND", "START")),
            end_s=150.0,
        ),
        Situation(
            "alarms",
            "an alarm that waits for its acknowledgement, another one acknowledged; they return and are acknowledged",
            (
                (35.0, "FIC-101.MODE", "AUTO"),
                (36.0, "FIC-101.SP", 40.0),
                (35.0, "FIC-102.MODE", "AUTO"),
                (36.0, "FIC-102.SP", 40.0),
                (58.5, "ack", "FIC-102.DEV_LO"),
            ),
            ((80.0, "FIC-101.SP", 20.0), (81.0, "FIC-102.SP", 20.0), (90.0, "ack", "FIC-101.DEV_LO")),
        ),
        Situation(
            "heated_tank",
            "setpoint step of a temperature behind a dead time, a motor running",
            ((40.0, "TIC-101.SP", 65.0), (40.0, "LIC-101.SP", 1.4)),
            plant="heated_tank",
        ),
        Situation(
            "tennessee_eastman",
            "its shutdown, in the middle of the step that takes the load down",
            ((40.0, "SEQ-2.COMMAND", "START"),),
            fault_s=200.0,
            end_s=260.0,
            overrides=("model.parameters.noise=0",),
            plant="tennessee_eastman",
            periods_ms=(1000,),
        ),
    )
}
