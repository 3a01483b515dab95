"""The Tennessee Eastman equations written a second time, plainly and slowly, to hold the fast kernels against.

Used by     the tests of the plant's branches and of random states.
Knows       the published equations as they are printed, component by component; bisection instead of Newton.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, sqrt

M = (2.0, 25.4, 28.0, 32.0, 46.0, 48.0, 62.0, 76.0)
ANTOINE = {
    3: (15.92, -1444.0, 259.0), 4: (16.35, -2114.0, 265.5), 5: (16.35, -2114.0, 265.5),
    6: (16.43, -2748.0, 232.9), 7: (17.21, -3318.0, 249.6),
}  # fmt: skip
DENSITY = (
    (1, 0, 0), (1, 0, 0), (1, 0, 0), (23.3, -0.07, -0.0002), (33.9, -0.0957, -0.000152),
    (32.8, -0.0995, -0.000233), (49.9, -0.0191, -0.000425), (50.5, -0.0541, -0.00015),
)  # fmt: skip
LIQUID = (
    (1e-6, 0, 0), (1e-6, 0, 0), (1e-6, 0, 0), (0.96e-6, 8.7e-9, 4.81e-11), (0.573e-6, 2.41e-9, 1.82e-11),
    (0.652e-6, 2.18e-9, 1.94e-11), (0.515e-6, 5.65e-10, 3.82e-12), (0.471e-6, 8.7e-10, 2.62e-12),
)  # fmt: skip
VAPOUR = (
    (3.411e-6, 7.18e-10, 6e-13), (0.3799e-6, 1.08e-9, -3.98e-13), (0.2491e-6, 1.36e-11, -3.93e-14),
    (0.3567e-6, 8.51e-10, -3.12e-13), (0.3463e-6, 8.96e-10, -3.27e-13), (0.393e-6, 1.02e-9, -3.12e-13),
    (0.17e-6, 0, 0), (0.15e-6, 0, 0),
)  # fmt: skip
EVAPORATION = (1e-6, 1e-6, 1e-6, 86.7e-6, 160e-6, 160e-6, 225e-6, 209e-6)
TAU_S = (8, 8, 6, 9, 7, 5, 5, 5, 120, 5, 5, 5)
N = range(8)
HEAVY = range(3, 8)


def enthalpy(x: Sequence[float], t: float, vapour: bool) -> float:
    table = VAPOUR if vapour else LIQUID
    total = 0.0
    for i in N:
        a, b, c = table[i]
        own = 1.8 * t * (a + b * t / 2 + c * t * t / 3)
        total += x[i] * M[i] * (own + (EVAPORATION[i] if vapour else 0.0))
    return total


def density(x: Sequence[float], t: float) -> float:
    return 1.0 / sum(x[i] * M[i] / (DENSITY[i][0] + (DENSITY[i][1] + DENSITY[i][2] * t) * t) for i in N)


def root(of: Callable[[float], float]) -> float:
    low, high = -90.0, 204.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if of(middle) < 0.0 else (low, middle)
    return 0.5 * (low + high)


@dataclass
class Answer:
    """What the equations say; ``seen`` has the quantities that decide on branches."""

    rates: list[float]  # 1/h
    flux: list[float]  # gross flow through each balance
    xmeas: list[float]
    seen: dict[str, float]
    tripped: list[bool]


def two_phase(n: Sequence[float], energy: float, volume: float) -> tuple[list[float], float, float, float, list[float]]:
    """(liquid fractions, T, liquid ft3, P, partial pressures)."""
    total = sum(n[3:])
    x = [0.0, 0.0, 0.0, *(n[i] / total for i in HEAVY)]
    t = root(lambda t: enthalpy(x, t, False) - energy / total)
    liquid = total / density(x, t)
    light = [n[i] * 998.9 * (t + 273.15) / (volume - liquid) for i in range(3)]
    heavy = [x[i] * exp(ANTOINE[i][0] + ANTOINE[i][1] / (t + ANTOINE[i][2])) for i in HEAVY]
    p = [*light, *heavy]
    return x, t, liquid, sum(p), p


def equations(y: Sequence[float], u: Sequence[float], idv: Sequence[float], w: Sequence[float]) -> Answer:
    """Derivatives and measurements for 50 states, 12 commands, 20 flags and the 12 random signals."""
    d = [0.0, *(1.0 if flag > 0 else 0.0 for flag in idv)]
    v = [0.0, *y[38:50]]
    n_r, n_s, n_c, n_v = y[0:8], y[9:17], y[18:26], y[27:35]
    _, t_r, v_lr, p_r, pp_r = two_phase(n_r, y[8], 1300.0)
    x_s, t_s, v_ls, p_s, pp_s = two_phase(n_s, y[17], 3500.0)
    y_r, y_s = [p / p_r for p in pp_r], [p / p_s for p in pp_s]
    x_c = [n / sum(n_c) for n in n_c]
    t_c = root(lambda t: enthalpy(x_c, t, False) - y[26] / sum(n_c))
    v_lc = sum(n_c) / density(x_c, t_c)
    z_v = [n / sum(n_v) for n in n_v]
    t_v = root(lambda t: enthalpy(z_v, t, True) - 3.57696e-6 * (t + 273.15) - y[35] / sum(n_v))
    p_v = sum(n_v) * 998.9 * (t_v + 273.15) / 5000.0

    def mass(z: Sequence[float]) -> float:
        return sum(z[i] * M[i] for i in N)

    z1 = [0, 0.0001, 0, 0.9999, 0, 0, 0, 0]
    z2 = [0, 0, 0, 0, 0.9999, 0.0001, 0, 0]
    z3 = [0.9999, 0.0001, 0, 0, 0, 0, 0, 0]
    a4, b4 = w[0] - 0.03 * d[1] - 2.43719e-3 * d[2], w[1] + 0.005 * d[2]
    z4 = [a4, b4, 1.0 - a4 - b4, 0, 0, 0, 0, 0]
    f = {
        1: 4.0 * v[1], 2: 4.0 * v[2], 3: v[3] * (1.0 - d[6]), 4: 15.0 * v[4] * (1.0 - 0.2 * d[7]) + 1e-10,
        11: 15.0 * v[7], 13: 10.0 * v[8],
        6: 1937.6 * sqrt(max(p_v - p_r, 0.0)) / mass(z_v),
        8: 4574.21 * sqrt(max(p_r - p_s, 0.0)) * (1.0 - 0.25 * w[11]) / mass(y_r),
        10: 0.151169 * v[6] * sqrt(max(p_s - 760.0, 0.0)) / mass(y_s),
    }  # fmt: skip
    ratio = min(max(p_v / p_s, 1.0), 1.3)
    machine = 280275.0 + 280275.0 / 1.197 * (1.0 - ratio**3)
    work = machine * (t_s + 273.15) * 1.8e-6 * 1.9872 * (p_v - p_s) / (mass(y_s) * p_s)
    net = machine - 53.349 * v[5] * sqrt(max(p_v - p_s, 0.0))
    f[9] = max(net, 0.001) / mass(y_s)

    t_k = t_r + 273.15
    space = 1300.0 - v_lr
    r1 = r2 = 0.0
    if pp_r[0] > 0.0 and pp_r[2] > 0.0:
        both = pp_r[0] ** 1.1544 * pp_r[2] ** 0.3735
        r1 = w[6] * exp(31.5859536 - 40000.0 / (1.987 * t_k)) * both * pp_r[3] * space
        r2 = w[7] * exp(3.00094014 - 20000.0 / (1.987 * t_k)) * both * pp_r[4] * space
    r3 = exp(53.4060443 - 60000.0 / (1.987 * t_k)) * pp_r[0] * pp_r[4] * space
    r4 = 0.767488334 * exp(53.4060443 - 60000.0 / (1.987 * t_k)) * pp_r[0] * pp_r[3] * space
    made = [-r1 - r2 - r3, 0.0, -r1 - r2, -r1 - 1.5 * r4, -r2 - r3, r3 + r4, r1, r2]

    level = v_lr / 7.8
    covered = 1.0 if level > 50.0 else 0.0 if level < 10.0 else 0.025 * level - 0.25
    a = (v[12] + 150.0) / 100.0
    q_r = covered * (-0.5 * a * a + 2.75 * a - 2.5) * 0.855490 * (y[36] - t_r) * (1.0 - 0.35 * w[9])
    q_s = 0.404655 * (1.0 - 1.0 / (1.0 + (f[8] / 3528.73) ** 4)) * (y[37] - t_r) * (1.0 - 0.25 * w[10])
    q_c = 3e-4 * v[9] * (1.0 + w[8]) * (100.0 - t_c) if t_c < 100.0 else 0.0

    share = [0.995, 0.991, 0.99]
    if f[11] > 0.1:
        phi = t_c - 120.262 if t_c > 170.0 else 0.1 if t_c < 5.292 else 363.744 / (177.0 - t_c) - 2.22579488
        for kappa in (8.5010, 11.402, 11.795, 0.0480, 0.0242):
            q = kappa * phi * f[4] / f[11]
            share.append(q / (1.0 + q))
    else:
        share += [0.9999, 0.999, 0.999, 0.99, 0.98]
    into = [f[4] * z4[i] + f[11] * x_s[i] for i in N]
    f5 = [share[i] * into[i] for i in N]
    f12 = [(1.0 - share[i]) * into[i] for i in N]
    f[5] = sum(f5)
    z5 = [flow / f[5] for flow in f5]

    h = {
        1: enthalpy(z1, w[2] + 5.0 * d[3], True), 2: enthalpy(z2, 45.0, True), 3: enthalpy(z3, 45.0, True),
        4: enthalpy(z4, w[3], True), 5: enthalpy(z5, t_c, True), 6: enthalpy(z_v, t_v, True),
        8: enthalpy(y_r, t_r, True), 10: enthalpy(y_s, t_s, True), 11: enthalpy(x_s, t_s, False),
        13: enthalpy(x_c, t_c, False),
    }  # fmt: skip
    h[9] = h[10] + work / f[9]

    rates, flux = [], []

    def balance(*terms: float) -> None:
        rates.append(sum(terms))
        flux.append(sum(abs(term) for term in terms))

    for i in N:
        balance(z_v[i] * f[6], -y_r[i] * f[8], made[i])
    balance(h[6] * f[6], -h[8] * f[8], 0.06899381054 * r1 + 0.05 * r2, q_r)
    for i in N:
        balance(y_r[i] * f[8], -y_s[i] * f[9], -y_s[i] * f[10], -x_s[i] * f[11])
    balance(h[8] * f[8], -h[9] * f[9], -h[10] * f[10], -h[11] * f[11], q_s)
    for i in N:
        balance(f12[i], -x_c[i] * f[13])
    balance(h[4] * f[4], h[11] * f[11], -h[5] * f[5], -h[13] * f[13], q_c)
    for i in N:
        balance(z1[i] * f[1], z2[i] * f[2], z3[i] * f[3], f5[i], y_s[i] * f[9], -z_v[i] * f[6])
    balance(*(h[k] * f[k] for k in (1, 2, 3, 5, 9)), -h[6] * f[6])
    inlet_r, inlet_s = w[4] + 5.0 * d[4], w[5] + 5.0 * d[5]
    for flow, inlet, outlet, heat, water in (
        (10.0 * v[10], inlet_r, y[36], q_r, 7060.0), (12.0 * v[11], inlet_s, y[37], q_s, 11138.0),
    ):  # fmt: skip
        balance(500.53 * flow * inlet / water, -500.53 * flow * outlet / water, -heat * 1e6 / 1.8 / water)
    for j in range(12):
        balance(u[j] * 3600.0 / TAU_S[j], -v[j + 1] * 3600.0 / TAU_S[j])

    c = 0.359 / 35.3145
    gauge = [(p - 760.0) / 760.0 * 101.325 for p in (p_r, p_s, p_v)]
    xmeas = [
        f[3] * c, f[1] * mass(z1) * 0.454, f[2] * mass(z2) * 0.454, f[4] * c, f[9] * c, f[6] * c, gauge[0],
        (v_lr - 84.6) / 666.7 * 100.0, t_r, f[10] * c, t_s, (v_ls - 27.5) / 290.0 * 100.0, gauge[1],
        f[11] / density(x_s, t_s) / 35.3145, (v_lc - 78.25) / 156.5 * 100.0, gauge[2],
        f[13] / density(x_c, t_c) / 35.3145, t_c, q_c * 1040.0 * 0.454, work * 293.07, y[36], y[37],
    ]  # fmt: skip
    m3 = 35.3145
    tripped = [
        gauge[0] > 3000.0, v_lr / m3 > 24.0, v_lr / m3 < 2.0, t_r > 175.0, v_ls / m3 > 12.0, v_ls / m3 < 1.0,
        v_lc / m3 > 8.0, v_lc / m3 < 1.0,
    ]  # fmt: skip
    if any(tripped):
        rates = [0.0] * 50
    seen = {"level": level, "t_c": t_c, "p_v": p_v, "p_r": p_r, "p_s": p_s, "net": net, "f11": f[11], "r1": r1}
    return Answer(rates, flux, xmeas, seen, tripped)
