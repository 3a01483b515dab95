r"""One evaluation of the plant: from states, valves and disturbances to measurements and derivatives.

Called by   ``plant`` (steps, measurements, derivatives) and ``closed_loop``.
Knows       the memory of the plant; everything per hour, lbmol, MBtu, mmHg, °C, as the published equations are.

Order: random signals, equilibrium and flows, measurements, shutdown, noise, analysers, derivatives.
"""

import math

from plant_models.kernel import Parts, inlined, kernel, note
from plant_models.model import Vector
from plant_models.tennessee_eastman.analysers import begin_analysers, sample, show
from plant_models.tennessee_eastman.constants import (
    A_FEED_B,
    ATMOSPHERE_MMHG,
    CONDENSER_WATER_LB,
    D_FEED_B,
    E_FEED_F,
    FEED_TEMPERATURE_C,
    FT3_PER_M3,
    GAS_ENERGY,
    GAS_PRESSURE,
    KELVIN,
    KPA_PER_MMHG,
    KSCMH,
    LB_TO_KG,
    MIXING_FT3,
    MOLAR_MASS,
    REACTOR_FT3,
    REACTOR_WATER_LB,
    SEPARATOR_FT3,
    TRIP_LIMIT,
    TRIP_SIDE,
    VALVE_RATE_H,
    VALVES,
    VAPOUR_0,
    VAPOUR_1,
    VAPOUR_2,
    VAPOUR_3,
    WATER_LB_H_GPM,
    Eight,
)
from plant_models.tennessee_eastman.conversion import (
    REACTION_1_MBTU,
    REACTION_2_MBTU,
    reaction_rates,
    split_shares,
)
from plant_models.tennessee_eastman.layout import (
    COMMAND,
    NEXT_GAS,
    NEXT_PRODUCT,
    NOISE,
    NOISY_NOW,
    NOW,
    SECONDS,
    TIME_H,
    TRIPPED,
    WARM,
)
from plant_models.tennessee_eastman.noise import NOISY, renew_noise, still_noise
from plant_models.tennessee_eastman.thermodynamics import (
    dot8,
    equilibrium,
    liquid_ft3,
    liquid_temperature,
    positive,
    scaled,
    total,
    vapour_enthalpy,
    vapour_temperature,
)
from plant_models.tennessee_eastman.walks import renew_walks, walk_value

TRIPS = len(TRIP_LIMIT)
_EARLY_S = 1e-6  # a clock that adds up tenths of a second reaches a whole second up to rounding

_D_MASS = D_FEED_B * MOLAR_MASS[1] + (1.0 - D_FEED_B) * MOLAR_MASS[3]
_E_MASS = (1.0 - E_FEED_F) * MOLAR_MASS[4] + E_FEED_F * MOLAR_MASS[5]


def _feed_d(table: tuple[float, ...]) -> float:
    return D_FEED_B * table[1] + (1.0 - D_FEED_B) * table[3]


def _enthalpy(fractions: dict[int, float], t: float) -> float:
    """MBtu per lbmol of vapour of ``fractions`` by component number."""
    return sum(
        x * (VAPOUR_0[i] + t * (VAPOUR_1[i] + t * (VAPOUR_2[i] + t * VAPOUR_3[i]))) for i, x in fractions.items()
    )


_D_ENTHALPY = (_feed_d(VAPOUR_0), _feed_d(VAPOUR_1), _feed_d(VAPOUR_2), _feed_d(VAPOUR_3))
_E_ENTHALPY = _enthalpy({4: 1.0 - E_FEED_F, 5: E_FEED_F}, FEED_TEMPERATURE_C)
_A_ENTHALPY = _enthalpy({0: 1.0 - A_FEED_B, 1: A_FEED_B}, FEED_TEMPERATURE_C)


@kernel
def on(disturbances: Vector, number: int) -> float:
    """1.0 while disturbance IDV ``number`` is active, else 0.0; any positive value counts."""
    return 1.0 if disturbances[number - 1] > 0.0 else 0.0


@kernel
def eight(v: Vector, at: int) -> Eight:
    """Eight components from a vector."""
    return v[at], v[at + 1], v[at + 2], v[at + 3], v[at + 4], v[at + 5], v[at + 6], v[at + 7]


@inlined
def pass_seconds(p: Parts) -> int:
    """Bring the grid of whole seconds up to the clock; returns how many have passed."""
    kept = p.kept
    passed = 0
    while kept[SECONDS] + 1.0 <= p.clock[0] + _EARLY_S:
        kept[SECONDS] += 1.0
        renew_walks(kept, p.disturbances, kept[TIME_H])
        passed += 1
    return passed


@kernel
def note_trips(p: Parts, measured: Eight) -> None:
    """Say which shutdown limits are violated; ``measured`` in the order of the plant's conditions."""
    for number in range(TRIPS):
        beyond = (measured[number] - TRIP_LIMIT[number]) * TRIP_SIDE[number]
        note(p, number, 1.0 if beyond > 0.0 else 0.0, measured[number])


@kernel
def cooling_share(level_ft3: float) -> float:
    """Share of the reactor's cooling coil that is under liquid."""
    height = level_ft3 / 7.8
    if height > 50.0:
        return 1.0
    if height < 10.0:
        return 0.0
    return 0.025 * height - 0.25


@inlined
def evaluate(p: Parts, out: Vector, rates: Vector, offset_h: float, stage: int) -> None:
    """Measurements 1 … 41 into ``out`` and derivatives per hour into ``rates``.

    ``stage`` 0: this is the state at the time on the clock, so whole seconds that have passed are honoured (random
    signals, noise, analysers) and shutdowns are noted; otherwise it is a trial of an integrator, ``offset_h`` later.
    """
    timely = stage == 0
    y, kept, idv = p.states, p.kept, p.disturbances
    passed = pass_seconds(p) if timely else 0
    time_h = kept[TIME_H] + offset_h

    # vessels
    n_r, n_s, n_c, n_v = eight(y, 0), eight(y, 9), eight(y, 18), eight(y, 27)
    t_r, _, volume_r, p_r, partial_r = equilibrium(n_r, y[8], REACTOR_FT3, kept[WARM])
    t_s, liquid_s, volume_s, p_s, partial_s = equilibrium(n_s, y[17], SEPARATOR_FT3, kept[WARM + 1])
    liquid_c = positive(total(n_c))
    t_c = liquid_temperature(n_c, y[26], kept[WARM + 2])
    volume_c = liquid_ft3(n_c, t_c)
    vapour_v = positive(total(n_v))
    t_v = vapour_temperature(n_v, vapour_v, y[35], kept[WARM + 3])
    p_v = vapour_v * GAS_PRESSURE * (t_v + KELVIN) / MIXING_FT3
    kept[NOW] = t_r
    kept[NOW + 1] = t_s
    kept[NOW + 2] = t_c
    kept[NOW + 3] = t_v

    # flows, lbmol/h
    f_d = 4.0 * y[38]
    f_e = 4.0 * y[39]
    f_a = y[40] * (1.0 - on(idv, 6))
    f_ac = 15.0 * y[41] * (1.0 - 0.2 * on(idv, 7)) + 1e-10
    f_underflow = 15.0 * y[44]
    f_product = 10.0 * y[45]
    restriction = 1.0 - 0.25 * walk_value(kept, 11, time_h)
    per_v = 1.0 / vapour_v
    per_r = 1.0 / p_r
    per_s = 1.0 / p_s
    z_v = scaled(per_v, n_v)
    y_r = scaled(per_r, partial_r)
    y_s = scaled(per_s, partial_s)
    per_mass_s = 1.0 / positive(dot8(MOLAR_MASS, y_s))
    f_feed = 1937.6 * math.sqrt(max(p_v - p_r, 0.0)) / positive(dot8(MOLAR_MASS, z_v))
    f_effluent = 4574.21 * math.sqrt(max(p_r - p_s, 0.0)) * restriction / positive(dot8(MOLAR_MASS, y_r))
    f_purge = 0.151169 * y[43] * math.sqrt(max(p_s - ATMOSPHERE_MMHG, 0.0)) * per_mass_s
    ratio = min(max(p_v * per_s, 1.0), 1.3)
    machine_lb_h = 280275.0 + (280275.0 / 1.197) * (1.0 - ratio * ratio * ratio)
    rise = p_v - p_s
    work = machine_lb_h * (t_s + KELVIN) * (1.8e-6 * 1.9872) * rise * (per_mass_s * per_s)
    bypass_lb_h = 53.349 * y[42] * math.sqrt(max(rise, 0.0))
    f_recycle = max(machine_lb_h - bypass_lb_h, 0.001) * per_mass_s

    # heats, MBtu/h
    agitator = (y[49] + 150.0) / 100.0
    stirring = -0.5 * agitator * agitator + 2.75 * agitator - 2.5
    fouling_r = 1.0 - 0.35 * walk_value(kept, 9, time_h)
    q_r = cooling_share(volume_r) * stirring * 0.855490 * (y[36] - t_r) * fouling_r
    relative = f_effluent / 3528.73
    wetted = 1.0 - 1.0 / (1.0 + relative * relative * relative * relative)
    q_s = 0.404655 * wetted * (y[37] - t_r) * (1.0 - 0.25 * walk_value(kept, 10, time_h))
    q_c = 0.0
    if t_c < 100.0:
        q_c = 3e-4 * y[46] * (1.0 + walk_value(kept, 8, time_h)) * (100.0 - t_c)

    # measurements
    out[0] = f_a * KSCMH
    out[1] = f_d * (_D_MASS * LB_TO_KG)
    out[2] = f_e * (_E_MASS * LB_TO_KG)
    out[3] = f_ac * KSCMH
    out[4] = f_recycle * KSCMH
    out[5] = f_feed * KSCMH
    out[6] = (p_r - ATMOSPHERE_MMHG) * KPA_PER_MMHG
    out[7] = (volume_r - 84.6) * (100.0 / 666.7)
    out[8] = t_r
    out[9] = f_purge * KSCMH
    out[10] = t_s
    out[11] = (volume_s - 27.5) * (100.0 / 290.0)
    out[12] = (p_s - ATMOSPHERE_MMHG) * KPA_PER_MMHG
    out[13] = f_underflow * volume_s / (liquid_s * FT3_PER_M3)
    out[14] = (volume_c - 78.25) * (100.0 / 156.5)
    out[15] = (p_v - ATMOSPHERE_MMHG) * KPA_PER_MMHG
    out[16] = f_product * volume_c / (liquid_c * FT3_PER_M3)
    out[17] = t_c
    out[18] = q_c * (1040.0 * LB_TO_KG)
    out[19] = work * 293.07
    out[20] = y[36]
    out[21] = y[37]

    reactor_m3 = volume_r * (1.0 / FT3_PER_M3)
    separator_m3 = volume_s * (1.0 / FT3_PER_M3)
    stripper_m3 = volume_c * (1.0 / FT3_PER_M3)
    trips = (out[6], reactor_m3, reactor_m3, t_r, separator_m3, separator_m3, stripper_m3, stripper_m3)
    tripped = False
    for number in range(TRIPS):
        if (trips[number] - TRIP_LIMIT[number]) * TRIP_SIDE[number] > 0.0:
            tripped = True
    if timely:
        if tripped or kept[TRIPPED] > 0.0:
            kept[TRIPPED] = 1.0 if tripped else 0.0
            note_trips(p, trips)
        if passed > 0 or p.clock[0] == 0.0:
            scale = p.parameters[0] if p.parameters[0] > 0.0 else 0.0
            shared = p.parameters[1] > 0.0
            x_c = scaled(1.0 / liquid_c, n_c)
            if p.clock[0] == 0.0:
                begin_analysers(kept, z_v, y_s, x_c)
                show(kept, out)
            else:
                if tripped:
                    still_noise(kept)
                elif shared or scale > 0.0 or kept[NOISY_NOW] > 0.0:
                    renew_noise(kept, scale, shared)
                if kept[TIME_H] >= min(kept[NEXT_GAS], kept[NEXT_PRODUCT]):
                    sample(kept, z_v, y_s, x_c, scale, shared)
                    show(kept, out)
        if kept[NOISY_NOW] > 0.0:
            for i in range(NOISY):
                out[i] += kept[NOISE + i]

    if tripped:
        for i in range(rates.shape[0]):
            rates[i] = 0.0
        return

    # streams, lbmol/h of every component
    feed = scaled(f_feed, z_v)
    effluent = scaled(f_effluent, y_r)
    recycle = scaled(f_recycle, y_s)
    from_liquid = f_underflow / liquid_s
    a_4 = walk_value(kept, 0, time_h) - 0.03 * on(idv, 1) - 2.43719e-3 * on(idv, 2)
    b_4 = walk_value(kept, 1, time_h) + 0.005 * on(idv, 2)
    into_stripper = (
        f_ac * a_4,
        f_ac * b_4,
        f_ac * (1.0 - a_4 - b_4),
        n_s[3] * from_liquid,
        n_s[4] * from_liquid,
        n_s[5] * from_liquid,
        n_s[6] * from_liquid,
        n_s[7] * from_liquid,
    )
    share = split_shares(t_c, f_ac, f_underflow)
    r_1, r_2, r_3, r_4 = reaction_rates(
        partial_r,
        t_r,
        max(REACTOR_FT3 - volume_r, 1.0),
        walk_value(kept, 6, time_h),
        walk_value(kept, 7, time_h),
    )

    # reactor
    rates[0] = feed[0] - effluent[0] - r_1 - r_2 - r_3
    rates[1] = feed[1] - effluent[1]
    rates[2] = feed[2] - effluent[2] - r_1 - r_2
    rates[3] = feed[3] - effluent[3] - r_1 - 1.5 * r_4
    rates[4] = feed[4] - effluent[4] - r_2 - r_3
    rates[5] = feed[5] - effluent[5] + r_3 + r_4
    rates[6] = feed[6] - effluent[6] + r_1
    rates[7] = feed[7] - effluent[7] + r_2
    h_feed = f_feed * (y[35] * per_v + GAS_ENERGY * (t_v + KELVIN))
    h_effluent = vapour_enthalpy(effluent, t_r)
    rates[8] = h_feed - h_effluent + (REACTION_1_MBTU * r_1 + REACTION_2_MBTU * r_2) + q_r

    # separator; the enthalpy of the recycle contains the compression, as published
    f_gas = f_recycle + f_purge
    h_vapour = vapour_enthalpy(y_s, t_s)
    h_recycle = h_vapour * f_recycle + work
    h_underflow = from_liquid * y[17]
    for i in range(8):
        rates[9 + i] = effluent[i] - f_gas * y_s[i]
    for i in range(3, 8):
        rates[9 + i] -= into_stripper[i]
    rates[17] = h_effluent - h_recycle - h_vapour * f_purge - h_underflow + q_s

    # stripper sump
    from_sump = f_product / liquid_c
    overhead = (
        share[0] * into_stripper[0],
        share[1] * into_stripper[1],
        share[2] * into_stripper[2],
        share[3] * into_stripper[3],
        share[4] * into_stripper[4],
        share[5] * into_stripper[5],
        share[6] * into_stripper[6],
        share[7] * into_stripper[7],
    )
    t_4 = walk_value(kept, 3, time_h)
    h_overhead = vapour_enthalpy(overhead, t_c)
    for i in range(8):
        rates[18 + i] = into_stripper[i] - overhead[i] - from_sump * n_c[i]
    h_ac = into_stripper[0] * (VAPOUR_0[0] + t_4 * (VAPOUR_1[0] + t_4 * (VAPOUR_2[0] + t_4 * VAPOUR_3[0])))
    h_ac += into_stripper[1] * (VAPOUR_0[1] + t_4 * (VAPOUR_1[1] + t_4 * (VAPOUR_2[1] + t_4 * VAPOUR_3[1])))
    h_ac += into_stripper[2] * (VAPOUR_0[2] + t_4 * (VAPOUR_1[2] + t_4 * (VAPOUR_2[2] + t_4 * VAPOUR_3[2])))
    rates[26] = h_ac + h_underflow - h_overhead - from_sump * y[26] + q_c

    # mixing zone
    for i in range(8):
        rates[27 + i] = overhead[i] + recycle[i] - feed[i]
    rates[27] += (1.0 - A_FEED_B) * f_a
    rates[28] += D_FEED_B * f_d + A_FEED_B * f_a
    rates[30] += (1.0 - D_FEED_B) * f_d
    rates[31] += (1.0 - E_FEED_F) * f_e
    rates[32] += E_FEED_F * f_e
    t_d = walk_value(kept, 2, time_h) + 5.0 * on(idv, 3)
    h_d = f_d * (_D_ENTHALPY[0] + t_d * (_D_ENTHALPY[1] + t_d * (_D_ENTHALPY[2] + t_d * _D_ENTHALPY[3])))
    rates[35] = h_d + f_e * _E_ENTHALPY + f_a * _A_ENTHALPY + h_overhead + h_recycle - h_feed

    # cooling water and valves
    water_r = WATER_LB_H_GPM * (10.0 * y[47])
    water_s = WATER_LB_H_GPM * (12.0 * y[48])
    inlet_r = walk_value(kept, 4, time_h) + 5.0 * on(idv, 4)
    inlet_s = walk_value(kept, 5, time_h) + 5.0 * on(idv, 5)
    rates[36] = (water_r * (inlet_r - y[36]) - q_r * (1e6 / 1.8)) * (1.0 / REACTOR_WATER_LB)
    rates[37] = (water_s * (inlet_s - y[37]) - q_s * (1e6 / 1.8)) * (1.0 / CONDENSER_WATER_LB)
    for valve in range(VALVES):
        rates[38 + valve] = (kept[COMMAND + valve] - y[38 + valve]) * VALVE_RATE_H[valve]
