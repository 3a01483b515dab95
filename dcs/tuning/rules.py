r"""Tuning rules: from a process model to the parameters of the PID block.

Called by   the command line (``dcs tune``), tests. Knows process models; no engine, no block.
Promise     every proposal is in the standard form :math:`K_c(1 + 1/(T_i s) + T_d s/(1 + T_d s/N))` with K\ :sub:`c`
            in %/% and says what it assumes and how robust it is on the model; what a rule does not cover is a
            ``ConfigError`` with the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dcs.core.errors import ConfigError
from dcs.tuning.model import ProcessModel
from dcs.tuning.robustness import Robustness, Tuning, robustness


@dataclass(frozen=True, slots=True)
class Proposal:
    """One row of the table that an engineer compares."""

    rule: str  # simc | lambda | amigo
    form: str  # PI | PID
    tuning: Tuning
    beta: float  # setpoint weight that goes with it
    assumptions: str
    robustness: Robustness


def simc(process: ProcessModel, form: str = "PI", closed_s: float | None = None) -> Proposal:
    r"""SIMC, Skogestad, Journal of Process Control 13 (2003) 291–309.

    :math:`K_c = T/(K(\tau_c + L))`, :math:`T_i = \min(T, 4(\tau_c + L))`; integrating: :math:`K_c = 1/(K'(\tau_c+L))`,
    :math:`T_i = 4(\tau_c + L)`. PID: a rate time of L/3 in series form, Grimholt & Skogestad (2012), converted to the
    standard form with :math:`f = 1 + T_d/T_i`: :math:`K_c f, T_i f, T_d/f`. ``closed_s`` (:math:`\tau_c`): time
    constant wanted of the closed loop; L when not given ("tight").
    """
    _check(process, form)
    closed_s = _positive(process.dead_s if closed_s is None else closed_s, "tau_c")
    wait_s = closed_s + process.dead_s
    slope = abs(process.slope) if process.integrating or process.lag_s > 0.0 else 0.0
    if slope == 0.0:
        raise ConfigError("SIMC for a process without a lag is a pure integral controller, which the PID is not.")
    gain = 1.0 / (slope * wait_s)
    ti_s = 4.0 * wait_s if process.integrating else min(process.lag_s, 4.0 * wait_s)
    td_s = process.dead_s / 3.0 if form == "PID" else 0.0
    factor = 1.0 + td_s / ti_s
    says = f"closed loop of {closed_s:.3g} s wanted (tau_c{' = L' if closed_s == process.dead_s else ''})"
    return _proposal("simc", form, process, Tuning(gain * factor, ti_s * factor, td_s / factor), 1.0, says)


def lambda_tuning(process: ProcessModel, form: str = "PI", closed_s: float | None = None) -> Proposal:
    r"""Lambda tuning: Dahlin (1968); IMC: Rivera, Morari & Skogestad (1986); table in Seborg et al., ch. 12.

    PI: :math:`K_c = T/(K(\lambda + L))`, :math:`T_i = T`. PID: :math:`K_c = (T + L/2)/(K(\lambda + L/2))`,
    :math:`T_i = T + L/2`, :math:`T_d = TL/(2T + L)`. Integrating PI: :math:`K_c = (2\lambda + L)/(K'(\lambda+L)^2)`,
    :math:`T_i = 2\lambda + L`; PID: :math:`K_c = (2\lambda + L)/(K'(\lambda + L/2)^2)`,
    :math:`T_d = (\lambda L + L^2/4)/(2\lambda + L)`. ``closed_s`` (λ): when not given max(T, 3 L), or 3 L where
    integrating.
    """
    _check(process, form)
    dead_s, lag_s, size = process.dead_s, process.lag_s, abs(process.gain)
    default_s = 3.0 * dead_s if process.integrating else max(lag_s, 3.0 * dead_s)
    wanted_s = _positive(default_s if closed_s is None else closed_s, "lambda")
    if process.integrating:
        ti_s = 2.0 * wanted_s + dead_s
        wait_s = wanted_s + (0.5 * dead_s if form == "PID" else dead_s)
        gain = ti_s / (size * wait_s * wait_s)
        td_s = (wanted_s * dead_s + 0.25 * dead_s * dead_s) / ti_s if form == "PID" else 0.0
    elif form == "PID":
        ti_s = lag_s + 0.5 * dead_s
        gain = ti_s / (size * (wanted_s + 0.5 * dead_s))
        td_s = lag_s * dead_s / (2.0 * lag_s + dead_s)
    else:
        if lag_s <= 0.0:
            raise ConfigError("lambda tuning for a process without a lag is a pure integral controller.")
        ti_s, td_s = lag_s, 0.0
        gain = ti_s / (size * (wanted_s + dead_s))
    says = f"closed loop of {wanted_s:.3g} s wanted (lambda); the reset time cancels the lag"
    if process.integrating:
        says = f"closed loop of {wanted_s:.3g} s wanted (lambda) against a ramp load"
    return _proposal("lambda", form, process, Tuning(gain, ti_s, td_s), 1.0, says)


def amigo(process: ProcessModel, form: str = "PI") -> Proposal:
    r"""AMIGO, Åström & Hägglund, Advanced PID Control (2006), ch. 7: robust load rejection, designed for Ms = 1.4.

    PI: :math:`K_c = \frac{0.15}{K} + (0.35 - \frac{LT}{(L+T)^2})\frac{T}{KL}`,
    :math:`T_i = 0.35L + \frac{13LT^2}{T^2 + 12LT + 7L^2}`. PID: :math:`K_c = \frac1K(0.2 + 0.45\frac TL)`,
    :math:`T_i = \frac{0.4L + 0.8T}{L + 0.1T}L`, :math:`T_d = \frac{0.5LT}{0.3L + T}`. Integrating PI:
    :math:`0.35/(K'L), 13.4L`; PID: :math:`0.45/(K'L), 8L, 0.5L`. Setpoint weight 0 where the lag dominates
    (L/(L+T) ≤ 0.5), else 1.
    """
    _check(process, form)
    dead_s, lag_s, size = process.dead_s, process.lag_s, abs(process.gain)
    td_s = 0.0
    if process.integrating:
        gain, ti_s = (
            (0.45 / (size * dead_s), 8.0 * dead_s) if form == "PID" else (0.35 / (size * dead_s), 13.4 * dead_s)
        )
        td_s = 0.5 * dead_s if form == "PID" else 0.0
    elif form == "PID":
        gain = (0.2 + 0.45 * lag_s / dead_s) / size
        ti_s = (0.4 * dead_s + 0.8 * lag_s) / (dead_s + 0.1 * lag_s) * dead_s
        td_s = 0.5 * dead_s * lag_s / (0.3 * dead_s + lag_s)
    else:
        total_s = dead_s + lag_s
        gain = 0.15 / size + (0.35 - dead_s * lag_s / (total_s * total_s)) * lag_s / (size * dead_s)
        ti_s = 0.35 * dead_s
        ti_s += 13.0 * dead_s * lag_s * lag_s / (lag_s * lag_s + 12.0 * lag_s * dead_s + 7.0 * dead_s * dead_s)
    beta = 0.0 if process.normalised_dead_time <= 0.5 else 1.0
    return _proposal(
        "amigo", form, process, Tuning(gain, ti_s, td_s), beta, "robust against load changes; designed for Ms up to 1.4"
    )


RULES: dict[str, Callable[[ProcessModel, str], Proposal]] = {"simc": simc, "lambda": lambda_tuning, "amigo": amigo}


def proposals(process: ProcessModel) -> list[Proposal]:
    """Every rule as PI and as PID; a rule that does not cover the process is left out."""
    found = []
    for rule in RULES.values():
        for form in ("PI", "PID"):
            try:
                found.append(rule(process, form))
            except ConfigError:
                continue
    return found


def _check(process: ProcessModel, form: str) -> None:
    if form not in ("PI", "PID"):
        raise ConfigError(f"`{form}` is no form of a controller here. Use PI or PID.")
    if process.gain == 0.0 or process.dead_s <= 0.0 or process.lag_s < 0.0:
        raise ConfigError(
            f"the rules need a process with a gain and a dead time, not K = {process.gain:g}, T = {process.lag_s:g} s, "
            f"L = {process.dead_s:g} s. Half a scan is the least dead time that a controller sees."
        )


def _positive(value_s: float, name: str) -> float:
    if not 0.0 < value_s < float("inf"):
        raise ConfigError(f"{name} is {value_s:g} s; a time above 0 is needed.")
    return value_s


def _proposal(rule: str, form: str, process: ProcessModel, tuning: Tuning, beta: float, assumptions: str) -> Proposal:
    return Proposal(rule, form, tuning, beta, assumptions, robustness(process, tuning))
