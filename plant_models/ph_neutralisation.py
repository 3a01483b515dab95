r"""pH neutralisation: a stirred tank in which base neutralises acid, with a gain that changes twentyfold.

Called by   ``plant_models.library``; run through ``PLANTS["ph_neutralisation"].create()``.
Knows       its own physics; the delay of the pH meter from ``transport_delay``; stepped by ``plant_models.compiled``.

An acid stream is neutralised with base; a little buffer (bicarbonate) decides how steep the titration curve is. The pH
answers to base with a gain of 0.16 per mL/s at pH 10 and of 2.9 at pH 8.2, and more violently with less buffer: a
controller tuned at one pH is too slow or unstable at another. The meter sits in a sample line and sees the tank 30 s
late.

Equations
---------
.. math::

    A h \dot W_a &= \sum_{i=1}^{3} q_i (W_{ai} - W_a), \qquad A h \dot W_b = \sum_{i=1}^{3} q_i (W_{bi} - W_b) \\
    A \dot h &= q_1 + q_2 + q_3 - q_4, \qquad q_4 = u\, C_v (h + z)^n \\
    0 &= W_a + 10^{\mathrm{pH} - 14} - 10^{-\mathrm{pH}}
         + W_b \frac{1 + 2 \cdot 10^{\mathrm{pH} - pK_2}}{1 + 10^{pK_1 - \mathrm{pH}} + 10^{\mathrm{pH} - pK_2}}

The last one (concentrations in mol/L) rises with pH and is solved by bisection between 0 and 14. W_a counts what acid
and base bring, W_b the carbonate; neither reacts. A tank that holds less than 1 cm mixes as one that holds 1 cm, and
its outflow fades away; one that is full to the rim spills (condition ``overflow``).

Symbols
-------
==========  =======================================  ======  ===========================================================
symbol      variable                                 unit    meaning
==========  =======================================  ======  ===========================================================
W_a         charge                                   mol/m3  reaction invariant of acid and base in the tank
W_b         carbonate                                mol/m3  reaction invariant of the buffer in the tank
h           water_level, level                       m       level of the tank
q_3         base_flow, base_inflow                   m3/s    base, NaOH with a trace of NaHCO3; what its flow meter sees
u           outlet_valve                             1       opening of the outlet valve
q_1         acid_flow, acid_inflow                   m3/s    acid, HNO3; what its flow meter sees
q_2         buffer_flow, buffer_inflow               m3/s    buffer, NaHCO3; what its flow meter sees
q_4         effluent_flow                            m3/s    what leaves
W_ai        acid_charge, buffer_charge, base_charge  mol/m3  W_a of the three streams
W_b1        acid_carbonate                           mol/m3  W_b of the acid
W_b2, W_b3  buffer_carbonate, base_carbonate         mol/m3  W_b of buffer and base
A           area                                     m2      cross-section of the tank
z           outlet_depth                             m       from the bottom of the tank down to the outlet
C_v         outlet_coefficient                       m3/s    flow of the open valve at h + z = 1 m
n           outlet_exponent                          1       of the outlet
pK_1, pK_2  acidity_1, acidity_2                     pH      dissociation of carbonic acid
H           height                                   m       rim of the tank
θ           measurement_delay                        s       from the tank to the pH meter
pH          ph, ph_measured                          pH      in the tank, and what the meter sees
==========  =======================================  ======  ===========================================================

The literature counts in mL/s, cm and mol/L; all of it is converted here: 1 mL/s is 1e-6 m3/s, 1 mol/L 1000 mol/m3. The
C_v of the literature, 4.59 mL/s at h + z = 1 cm, is that of a valve that is half open; fully open and for metres it is
2 · 4.59e-6 · 100^0.607 m3/s.

Validity
--------
Well mixed, equilibrium at once, 25 °C, closed to the air; charges and carbonate −30 to 30 mol/m3, level 0 to 0.30 m.

Reference
---------
R. C. Hall, D. E. Seborg, Modelling and self-tuning control of a multivariable pH neutralization process, American
Control Conference 1989; M. A. Henson, D. E. Seborg, Adaptive nonlinear control of a pH neutralization process, IEEE
Trans. Control Systems Technology 2(3), 1994, 169–182.
"""

import math

from plant_models.compiled import Kernels, compiled_factory
from plant_models.integrators import next_stage, stages_of
from plant_models.kernel import Ends, Parts, finish_step, kernel, note, parts_of
from plant_models.limits import clipped
from plant_models.model import (
    DISTURBANCE,
    INPUT,
    OUTPUT,
    PARAMETER,
    STATE,
    Condition,
    PlantType,
    Setting,
    Variable,
    Vector,
    register,
)
from plant_models.transport_delay import delayed, fill, remember, words_for

FLOW_MAX_M3_S = 40e-6
LONGEST_DELAY_S, GRID_S = 120.0, 0.25
THIN_M = 0.01  # below this level the mixing is that of this level
REARM_M = 1e-3
_LN10 = math.log(10.0)


@kernel
def power_of_ten(exponent: float) -> float:
    """10 to the power of ``exponent``."""
    return math.exp(_LN10 * exponent)


@kernel
def imbalance_mol_l(ph: float, charge_mol_l: float, carbonate_mol_l: float, pk_1: float, pk_2: float) -> float:
    """Net charge at a pH; the pH of the solution is where it is zero. Rises with pH."""
    second = power_of_ten(ph - pk_2)
    share = (1.0 + 2.0 * second) / (1.0 + power_of_ten(pk_1 - ph) + second)
    return charge_mol_l + power_of_ten(ph - 14.0) - power_of_ten(-ph) + carbonate_mol_l * share


@kernel
def ph_of(charge_mol_m3: float, carbonate_mol_m3: float, pk_1: float, pk_2: float) -> float:
    """pH of a solution by bisection, 0 to 14."""
    charge_mol_l, carbonate_mol_l = 1e-3 * charge_mol_m3, 1e-3 * carbonate_mol_m3
    if carbonate_mol_l < 0.0:
        carbonate_mol_l = 0.0
    low, high = 0.0, 14.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        if imbalance_mol_l(middle, charge_mol_l, carbonate_mol_l, pk_1, pk_2) < 0.0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


@kernel
def effluent_m3_s(p: Parts) -> float:
    """Through the outlet valve."""
    head_m = p.states[2] + p.parameters[7]
    if not head_m > 1e-6 or p.states[2] <= 0.0:
        return 0.0
    opening = clipped(p.inputs[1], 0.0, 1.0)
    flow = opening * p.parameters[8] * math.exp(p.parameters[9] * math.log(head_m))
    if p.states[2] < THIN_M:  # the last centimetre lets go gradually, so that an empty tank is a rest
        flow *= p.states[2] / THIN_M
    return float(flow)


@kernel
def derivatives(p: Parts) -> None:
    """The three balances of the module's docstring."""
    acid_m3_s = clipped(p.disturbances[0], 0.0, FLOW_MAX_M3_S)
    buffer_m3_s = clipped(p.disturbances[1], 0.0, FLOW_MAX_M3_S)
    base_m3_s = clipped(p.inputs[0], 0.0, FLOW_MAX_M3_S)
    held_m3 = p.parameters[6] * (p.states[2] if p.states[2] > THIN_M else THIN_M)
    charge, carbonate = p.states[0], p.states[1]
    p.rates[0] = (
        acid_m3_s * (p.parameters[0] - charge)
        + buffer_m3_s * (p.parameters[1] - charge)
        + base_m3_s * (p.parameters[2] - charge)
    ) / held_m3
    p.rates[1] = (
        acid_m3_s * (p.parameters[3] - carbonate)
        + buffer_m3_s * (p.parameters[4] - carbonate)
        + base_m3_s * (p.parameters[5] - carbonate)
    ) / held_m3
    p.rates[2] = (acid_m3_s + buffer_m3_s + base_m3_s - effluent_m3_s(p)) / p.parameters[6]


@kernel
def settle(p: Parts) -> None:
    """Rim and bottom; there is no less than no carbonate."""
    rim_m = p.parameters[12]
    if p.states[1] < 0.0:
        p.states[1] = 0.0
    if p.states[2] < 0.0:
        p.states[2] = 0.0
    if p.states[2] > rim_m:
        note(p, 0, 1.0, p.states[2])
        p.states[2] = rim_m
    elif p.states[2] < rim_m - REARM_M:
        note(p, 0, 0.0, p.states[2])


@kernel
def ph_now(p: Parts) -> float:
    """In the tank."""
    return float(ph_of(p.states[0], p.states[1], p.parameters[10], p.parameters[11]))


@kernel
def forget(p: Parts) -> None:
    """The sample line is full of what is in the tank now."""
    fill(p.kept, ph_now(p))
    p.kept[0] = p.clock[0]


@kernel
def begin(p: Parts, seed: int) -> None:
    """The same."""
    forget(p)


@kernel
def before(p: Parts, dt_s: float) -> None:
    """What enters the sample line now."""
    remember(p.kept, GRID_S, p.clock[0], ph_now(p))


@kernel
def measure(p: Parts) -> None:
    """pH in the tank and at the meter, level, flows."""
    ph = ph_now(p)
    p.outputs[0] = ph
    p.outputs[1] = delayed(p.kept, GRID_S, p.clock[0], ph, p.parameters[13])
    p.outputs[2] = p.states[2]
    p.outputs[3] = effluent_m3_s(p)
    p.outputs[4] = clipped(p.disturbances[0], 0.0, FLOW_MAX_M3_S)
    p.outputs[5] = clipped(p.disturbances[1], 0.0, FLOW_MAX_M3_S)
    p.outputs[6] = clipped(p.inputs[0], 0.0, FLOW_MAX_M3_S)


@kernel
def advance(memory: Vector, ends: Ends, dt_s: float, steps: int, method: int) -> None:
    """``steps`` steps of ``dt_s``, in one compiled call."""
    p = parts_of(memory, ends)
    start_s = p.clock[0]
    stages = stages_of(method, p.states.shape[0])
    for step in range(steps):
        before(p, dt_s)
        for stage in range(stages):
            derivatives(p)
            next_stage(method, stage, dt_s, p)
        p.clock[0] = start_s + (step + 1) * dt_s
        settle(p)
        finish_step(p)
    measure(p)


_PARAMETERS = {
    "acid_charge": 3.0, "buffer_charge": -30.0, "base_charge": -3.05,
    "acid_carbonate": 0.0, "buffer_carbonate": 30.0, "base_carbonate": 0.05,
    "area": 207e-4, "outlet_depth": 0.115, "outlet_coefficient": 2.0 * 4.59e-6 * math.exp(0.607 * math.log(100.0)),
    "outlet_exponent": 0.607, "acidity_1": 6.35, "acidity_2": 10.25, "height": 0.25, "measurement_delay": 30.0,
}  # fmt: skip


def steady_state(flows_m3_s: tuple[float, float, float], opening: float) -> dict[str, float]:
    """Where acid, buffer and base flows (in this order) bring the tank in the end."""
    par = _PARAMETERS
    total = sum(flows_m3_s)
    charges = (par["acid_charge"], par["buffer_charge"], par["base_charge"])
    carbonates = (par["acid_carbonate"], par["buffer_carbonate"], par["base_carbonate"])
    head_m = math.exp(math.log(total / (opening * par["outlet_coefficient"])) / par["outlet_exponent"])
    return {
        "charge": sum(q * w for q, w in zip(flows_m3_s, charges, strict=True)) / total,
        "carbonate": sum(q * w for q, w in zip(flows_m3_s, carbonates, strict=True)) / total,
        "water_level": head_m - par["outlet_depth"],
    }


def _setting(name: str, meaning: str, buffer_m3_s: float, base_m3_s: float) -> Setting:
    return Setting(
        name,
        meaning,
        steady_state((16.6e-6, buffer_m3_s, base_m3_s), 0.5),
        {"base_flow": base_m3_s, "outlet_valve": 0.5},
        _PARAMETERS,
        {"acid_flow": 16.6e-6, "buffer_flow": buffer_m3_s},
    )


_FLOW = (0.0, FLOW_MAX_M3_S)

PH_NEUTRALISATION = register(
    PlantType(
        name="ph_neutralisation",
        title="pH neutralisation",
        description="A stirred tank in which base neutralises acid: a pH whose gain changes twentyfold, 30 s late.",
        reference="M. A. Henson, D. E. Seborg, IEEE Trans. Control Systems Technology 2(3), 1994, 169–182",
        variables=(
            Variable("charge", "mol/m3", -30.0, 30.0, "reaction invariant of acid and base in the tank", STATE),
            Variable("carbonate", "mol/m3", 0.0, 30.0, "reaction invariant of the buffer in the tank", STATE),
            Variable("water_level", "m", 0.0, 0.30, "level of the tank", STATE),
            Variable("base_flow", "m3/s", *_FLOW, "base, NaOH", INPUT),
            Variable("outlet_valve", "1", 0.0, 1.0, "opening of the outlet valve", INPUT),
            Variable("acid_flow", "m3/s", *_FLOW, "acid, HNO3 (16.6e-6 as designed)", DISTURBANCE),
            Variable("buffer_flow", "m3/s", *_FLOW, "buffer, NaHCO3 (0.55e-6 as designed)", DISTURBANCE),
            Variable("acid_charge", "mol/m3", -100.0, 100.0, "W_a of the acid", PARAMETER),
            Variable("buffer_charge", "mol/m3", -100.0, 100.0, "W_a of the buffer", PARAMETER),
            Variable("base_charge", "mol/m3", -100.0, 100.0, "W_a of the base", PARAMETER),
            Variable("acid_carbonate", "mol/m3", 0.0, 100.0, "W_b of the acid", PARAMETER),
            Variable("buffer_carbonate", "mol/m3", 0.0, 100.0, "W_b of the buffer", PARAMETER),
            Variable("base_carbonate", "mol/m3", 0.0, 100.0, "W_b of the base", PARAMETER),
            Variable("area", "m2", 1e-3, 1.0, "cross-section of the tank", PARAMETER),
            Variable("outlet_depth", "m", 0.0, 1.0, "from the bottom of the tank down to the outlet", PARAMETER),
            Variable("outlet_coefficient", "m3/s", 0.0, 1e-2, "flow of the open valve at 1 m", PARAMETER),
            Variable("outlet_exponent", "1", 0.1, 1.0, "of the outlet", PARAMETER),
            Variable("acidity_1", "pH", 4.0, 9.0, "first dissociation of carbonic acid, pK1", PARAMETER),
            Variable("acidity_2", "pH", 9.0, 13.0, "second dissociation of carbonic acid, pK2", PARAMETER),
            Variable("height", "m", 0.05, 0.30, "rim of the tank", PARAMETER),
            Variable("measurement_delay", "s", 0.0, LONGEST_DELAY_S, "from the tank to the pH meter", PARAMETER),
            Variable("ph", "pH", 0.0, 14.0, "pH in the tank", OUTPUT),
            Variable("ph_measured", "pH", 0.0, 14.0, "what the pH meter sees, after its sample line", OUTPUT),
            Variable("level", "m", 0.0, 0.30, "level of the tank", OUTPUT),
            Variable("effluent_flow", "m3/s", 0.0, 1e-3, "what leaves", OUTPUT),
            Variable("acid_inflow", "m3/s", *_FLOW, "acid, as its flow meter sees it", OUTPUT),
            Variable("buffer_inflow", "m3/s", *_FLOW, "buffer, as its flow meter sees it", OUTPUT),
            Variable("base_inflow", "m3/s", *_FLOW, "base, as its flow meter sees it", OUTPUT),
        ),
        settings=(
            _setting("nominal", "15.6 mL/s of base: pH 7.03", 0.55e-6, 15.6e-6),
            _setting("neutral", "15.55 mL/s of base: pH 7.00", 0.55e-6, 15.55e-6),
            _setting("little_buffer", "0.2 mL/s of buffer: the steep titration curve", 0.2e-6, 15.6e-6),
        ),
        conditions=(Condition("overflow", "the tank is full to the rim and spills"),),
        create_model=compiled_factory(Kernels(advance, derivatives, settle, measure, begin, before, forget)),
        loops=(("ph_measured", "base_flow"), ("level", "outlet_valve")),
        step_s=0.1,
        kept=words_for(LONGEST_DELAY_S, GRID_S),
        dead_times_s={("ph_measured", "base_flow"): _PARAMETERS["measurement_delay"]},
    )
)
