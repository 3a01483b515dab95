"""The PID with a short period against the continuous closed loop, worked out with scipy.signal.

The loop is r → C_r → plant → y with C_y on the way back: C = Kc [w + 1/(Ti s) + v Td s/(1 + s Td/N)], where the weights
(w, v) are (beta, gamma) for r and (1, 1) for y; the series form is Kc (1 + 1/(Ti s)) (1 + Td s/(1 + s Td/N)). The plant
is stepped with a zero-order hold, as the field sees the output. A block of period dt acts dt/2 late on average, so the
responses differ in proportion to dt: the tolerance is 1 % of the step at dt = T/1000 or shorter.
"""

import numpy as np
import pytest
from scipy.signal import StateSpace, TransferFunction, cont2discrete, step

from dcs.core.modes import AUTO
from tests.unit.blocks.bench import pid

STEP = 5.0
TOLERANCE = 0.01 * STEP


def fopdt(gain: float, lag_s: float, dead_s: float) -> tuple[list[float], list[float]]:
    """First order with a dead time as Padé of second order; here the plant itself, not an approximation of one."""
    d = dead_s
    numerator = [gain * d * d / 12.0, -gain * d / 2.0, gain]
    return numerator, list(np.polymul([lag_s, 1.0], [d * d / 12.0, d / 2.0, 1.0]))


PLANTS = {
    "lag and dead time": fopdt(1.2, 10.0, 2.0),
    "two lags": ([0.8], list(np.polymul([8.0, 1.0], [3.0, 1.0]))),
    "oscillating": ([1.0], [25.0, 4.0, 1.0]),
    "integrating": ([0.05], [4.0, 1.0, 0.0]),
}
TUNINGS = {
    "PI": {"gain": 1.0, "ti_s": 10.0},
    "PI, beta 0.3": {"gain": 1.2, "ti_s": 9.0, "beta": 0.3},
    "PID": {"gain": 1.5, "ti_s": 9.0, "td_s": 1.5, "n": 8.0},
    "PID, gamma 1": {"gain": 1.0, "ti_s": 10.0, "td_s": 1.5, "n": 4.0, "gamma": 1.0},
    "series": {"gain": 1.2, "ti_s": 9.0, "td_s": 1.0, "n": 8.0, "form": 1},
    "P": {"gain": 1.5, "ti_s": 0.0},
    "I": {"gain": 0.6, "ti_s": 12.0, "proportional": 0},
}


def controllers(tuning: dict[str, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numerators of C_r and C_y and their common denominator, highest power first."""
    p = {"beta": 1.0, "gamma": 0.0, "td_s": 0.0, "n": 10.0, "form": 0, "proportional": 1} | tuning
    filter_part = np.array([p["td_s"] / p["n"], 1.0])
    rate = np.array([p["td_s"], 0.0])
    ti = np.array([p["ti_s"], 0.0]) if p["ti_s"] else np.array([1.0])
    one = np.array([1.0]) if p["ti_s"] else np.array([0.0])

    def law(w: float, v: float) -> np.ndarray:
        proportional = w * np.polymul(ti, filter_part) * p["proportional"]
        integral = np.polymul(one, filter_part)
        derivative = v * np.polymul(ti, rate)
        total = np.polyadd(np.polyadd(proportional, integral), derivative)
        if p["form"]:
            total = np.polyadd(total, v * np.polymul(one, rate))
        return p["gain"] * total

    return law(p["beta"], p["gamma"]), law(1.0, 1.0), np.polymul(ti, filter_part)


def continuous(plant: tuple[list[float], list[float]], tuning: dict[str, float], times: np.ndarray) -> np.ndarray:
    """Response of y to a unit step of r."""
    c_r, c_y, c_den = controllers(tuning)
    closed = np.polyadd(np.polymul(plant[1], c_den), np.polymul(plant[0], c_y))
    _, answer = step(TransferFunction(np.polymul(plant[0], c_r), closed), T=times)
    return answer


def stepped(plant: tuple[list[float], list[float]], tuning: dict[str, float], dt_s: float, scans: int) -> np.ndarray:
    """The same with the block and a plant behind a zero-order hold, as deviations from 50 %."""
    model = StateSpace(TransferFunction(*plant))
    a, bu, c, _, _ = cont2discrete((model.A, model.B, model.C, model.D), dt_s)
    state, measured = np.zeros(len(a)), []
    block = pid(dt_s, target=AUTO, out_low=-1000.0, out_high=1000.0, **tuning)
    block.step(pv=50.0)
    for _ in range(scans):
        out = block.step(pv=50.0 + (c @ state)[0], sp=50.0 + STEP).out
        state = a @ state + bu[:, 0] * (out - 50.0)
        measured.append((c @ state)[0])
    return np.array(measured)


@pytest.mark.parametrize(
    ("plant", "tuning"),
    [(plant, tuning) for plant in PLANTS for tuning in TUNINGS if (plant, tuning) != ("integrating", "I")],  # unstable
)
def test_agrees_with_the_continuous_loop(plant, tuning):
    dt_s, seconds = 0.005, 60.0
    scans = round(seconds / dt_s)
    got = stepped(PLANTS[plant], TUNINGS[tuning], dt_s, scans)
    want = STEP * continuous(PLANTS[plant], TUNINGS[tuning], dt_s * np.arange(1, scans + 1))
    assert np.max(np.abs(got - want)) < TOLERANCE
    assert np.max(np.abs(want)) > 0.5 * STEP  # it is a response


def test_halving_the_period_halves_the_difference():
    """Promise: what is left between block and equation is the period, not the law."""
    plant, tuning = PLANTS["two lags"], TUNINGS["PID"]
    errors = []
    for dt_s in (0.1, 0.05, 0.025):
        scans = round(40.0 / dt_s)
        want = STEP * continuous(plant, tuning, dt_s * np.arange(1, scans + 1))
        errors.append(np.max(np.abs(stepped(plant, tuning, dt_s, scans) - want)))
    assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(2.0, rel=0.15)
