"""A relay experiment and what it says of the process.

Called by   tests and scripts with figures of an experiment of their own; the PID block calls ``dcs.tuning.fit`` itself.
Knows       ``dcs.tuning.fit``, where the formulas and their sources are.
"""

from dataclasses import dataclass

from dcs.tuning.fit import INTEGRATING, NO_MODEL, fit_relay
from dcs.tuning.model import ProcessModel


@dataclass(frozen=True, slots=True)
class RelayExperiment:
    """Averages over whole periods of a settled limit cycle; signals in % of span as deviations from the start.

    ``up_s`` and ``down_s``: how long the relay was up (towards a higher measurement) and down; ``pv_mean`` and
    ``out_mean``: mean values; ``pv_rms``: standard deviation of the measurement with that of its noise taken out;
    ``level_up`` and ``level_down``: mean measurement one scan after the relay left its upper and its lower position;
    ``step_up`` and ``step_down``: amplitudes of the relay, both positive; ``period_s``: time from scan to scan.
    """

    up_s: float
    down_s: float
    pv_mean: float
    pv_rms: float
    out_mean: float
    level_up: float
    level_down: float
    step_up: float
    step_down: float
    period_s: float


@dataclass(frozen=True, slots=True)
class Identification:
    """``model`` is None where the experiment tells no more than the ultimate point (a symmetric relay, for one)."""

    ultimate_gain: float  # %/%
    ultimate_period_s: float
    model: ProcessModel | None
    quality: float  # of the model, 0 … 100 %


def identify(test: RelayExperiment) -> Identification:
    """What an experiment says. The gain of the model is positive: "up" already stands for the side that raises it."""
    kind, ultimate_gain, ultimate_s, gain, lag_s, dead_s, quality = fit_relay(
        test.up_s, test.down_s, test.pv_mean, test.pv_rms, test.out_mean, test.level_up, test.level_down,
        test.step_up, test.step_down, test.period_s,
    )  # fmt: skip
    model = None if kind == NO_MODEL else ProcessModel(gain, lag_s, dead_s, integrating=kind == INTEGRATING)
    return Identification(ultimate_gain, ultimate_s, model, quality)
