"""Units of flowsheets against closed forms and textbook formulas.

Torricelli's drain time, IEC 60534 characteristics, the operating point of a pump on a system curve, ε-NTU, lag and dead
time, Erlang's distribution for a pipe of cells, gas through a choked valve.
"""

import math

import numpy as np
import pytest
from scipy import special

from plant_models.linear import find_steady_state
from plant_models.units.exchanger import effectiveness
from tests.unit.plants.flowsheets import (
    ATMOSPHERE_PA,
    C_J_KGK,
    G_M_S2,
    WATER_KG_M3,
    between_boundaries,
    plant,
)

M3_H = 1.0 / 3600.0


def kv_flow_m3_s(kv_m3_h: float, dp_pa: float) -> float:
    """IEC 60534-2-1 for a liquid: q = Kv √(Δp/bar · 1000/ρ)."""
    return kv_m3_h * M3_H * math.sqrt(dp_pa / 1e5 * 1000.0 / WATER_KG_M3)


def test_a_tank_drains_as_torricelli_says() -> None:
    """Promise: from 2 m to 0.5 m through an opening q = c √h takes 2 A (√2 − √0.5) / c."""
    model = plant(
        """
units:
  T-1: {type: tank, area: 1 m2, height: 3 m, dry: 1 mm}
  V-1: {type: valve, kv: 20 m3/h}
  out: {type: sink}
connections: [T-1 -> V-1 -> out]
initial: {T-1: {level: 2 m}, V-1: {demand: 100 %}}
"""
    )
    c = kv_flow_m3_s(20.0, WATER_KG_M3 * G_M_S2)
    expected_s = 2.0 * (math.sqrt(2.0) - math.sqrt(0.5)) / c
    model.advance(0.1, int(expected_s / 0.1))
    model.advance(expected_s - model.time_s)
    assert model.get("T-1.level") == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize(
    ("characteristic", "share"),
    [
        ("linear", lambda z: z),
        ("equal_percentage", lambda z: 50.0 ** (z - 1.0)),
        ("quick_opening", math.sqrt),
    ],
)
def test_characteristics_of_a_valve(characteristic: str, share) -> None:
    """Promise: at 1 bar the flow is Kv times the inherent characteristic, and nothing at 0."""
    text = between_boundaries(f"V: {{type: valve, kv: 10 m3/h, characteristic: {characteristic}}}", "V")
    for z in (0.02, 0.1, 0.35, 0.8, 1.0):
        model = plant(text.replace("initial: {}", f"initial: {{V: {{demand: {z}}}}}"))
        assert model.get("V.flow") == pytest.approx(kv_flow_m3_s(10.0, 1e5) * share(z), rel=1e-12)
    assert plant(text).get("V.flow") == 0.0


def test_rangeability_is_the_ratio_of_the_ends() -> None:
    text = between_boundaries("V: {type: valve, kv: 10 m3/h, characteristic: equal_percentage, rangeability: 30}", "V")
    half = plant(text.replace("initial: {}", "initial: {V: {demand: 50 %}}")).get("V.flow")
    full = plant(text.replace("initial: {}", "initial: {V: {demand: 100 %}}")).get("V.flow")
    assert full / half == pytest.approx(math.sqrt(30.0), rel=1e-12)


def test_a_pump_runs_where_its_curve_meets_the_system() -> None:
    """Promise: H_0 n² − (H_0 − H_r)(q/q_r)² = Δp/ρg + rise + R q²; solved by hand for q."""
    text = between_boundaries(
        "{P: {type: pump, shutoff_head: 40 m, rated_head: 30 m, rated_flow: 10 m3/h}}"[1:-1]
        + "\n  L: {type: pipe, length: 50 m, diameter: 50 mm, rise: 6 m, friction: 0.025, fittings: 3}",
        "P -> L",
        "{P: {speed: 90 %}}",
        "1 bar",
    )
    model = plant(text)
    area_m2 = math.pi / 4.0 * 0.05**2
    system = (0.025 * 50.0 / 0.05 + 3.0) / (2.0 * G_M_S2 * area_m2**2)
    curve = (40.0 - 30.0) / (10.0 * M3_H) ** 2
    q = math.sqrt((40.0 * 0.9**2 - 6.0) / (curve + system))
    assert model.get("P.flow") == pytest.approx(q, rel=1e-12)
    assert model.get("P.head") == pytest.approx(40.0 * 0.81 - curve * q**2, rel=1e-12)
    assert model.get("P.suction_pressure") == pytest.approx(1e5)
    rise_pa = WATER_KG_M3 * G_M_S2 * model.get("P.head")
    assert model.get("P.discharge_pressure") == pytest.approx(1e5 + rise_pa, rel=1e-12)
    assert model.get("L.pressure_drop") == pytest.approx(rise_pa, rel=1e-9)


def test_a_pump_that_stands_lets_nothing_back() -> None:
    pump = "P: {type: pump, shutoff_head: 40 m, rated_head: 30 m, rated_flow: 10 m3/h%s}"
    back = between_boundaries(pump % "", "P", "{}", "0.5 bar")
    assert plant(back).get("P.flow") == 0.0
    assert plant(back).get("P.discharge_pressure") == pytest.approx(1e5)
    assert plant(between_boundaries(pump % ", check_valve: no", "P", "{}", "0.5 bar")).get("P.flow") < -1e-4
    pipe = "L: {type: pipe, length: 5 m, diameter: 50 mm%s}"
    assert plant(between_boundaries(pipe % "", "L", "{}", "0.5 bar")).get("L.flow") < -1e-4
    assert plant(between_boundaries(pipe % ", check_valve: yes", "L", "{}", "0.5 bar")).get("L.flow") == 0.0


@pytest.mark.parametrize(("arrangement", "number"), [("counterflow", 0.0), ("parallel", 1.0), ("shell_and_tube", 2.0)])
@pytest.mark.parametrize(("hot_kv", "cold_kv"), [(4.0, 8.0), (8.0, 4.0), (6.0, 6.0)])
def test_outlets_of_an_exchanger_are_those_of_the_textbook(
    arrangement: str, number: float, hot_kv: float, cold_kv: float
) -> None:
    """Promise: in steady state Q = ε C_min (T_h,in − T_c,in) with the formulas of Incropera, table 11.3."""
    model = plant(
        f"""
units:
  hot: {{type: source, pressure: 2 bar, temperature: 90 degC}}
  cold: {{type: source, pressure: 2 bar, temperature: 15 degC}}
  E: {{type: exchanger, ua: 9 kW/K, arrangement: {arrangement}, hot_kv: {hot_kv} m3/h, cold_kv: {cold_kv} m3/h}}
  a: {{type: sink, pressure: 1 bar}}
  b: {{type: sink, pressure: 1 bar}}
connections: [hot -> E.hot -> a, cold -> E.cold -> b]
"""
    )
    find_steady_state(model)
    hot, cold = (kv_flow_m3_s(kv, 1e5) * WATER_KG_M3 * C_J_KGK for kv in (hot_kv, cold_kv))
    least, most = min(hot, cold), max(hot, cold)
    n, r = 9000.0 / least, least / most
    if arrangement == "parallel":
        epsilon = (1 - math.exp(-n * (1 + r))) / (1 + r)
    elif arrangement == "counterflow":
        epsilon = n / (1 + n) if r == 1.0 else (1 - math.exp(-n * (1 - r))) / (1 - r * math.exp(-n * (1 - r)))
    else:
        s = math.sqrt(1 + r * r)
        epsilon = 2 / (1 + r + s * (1 + math.exp(-n * s)) / (1 - math.exp(-n * s)))
    duty_w = epsilon * least * 75.0
    assert model.get("E.duty") == pytest.approx(duty_w, rel=1e-9)
    assert model.get("E.hot_temperature") == pytest.approx(363.15 - duty_w / hot, rel=1e-10)
    assert model.get("E.cold_temperature") == pytest.approx(288.15 + duty_w / cold, rel=1e-10)
    assert effectiveness(number, n, r) == pytest.approx(epsilon, rel=1e-9)


def test_effectiveness_at_its_limits() -> None:
    """Promise: a large counterflow exchanger reaches 1, a parallel one 1/(1 + r), none has NTU 0; r = 1 joins on."""
    assert effectiveness(0.0, 1e4, 0.5) == pytest.approx(1.0)
    assert effectiveness(1.0, 1e4, 0.5) == pytest.approx(1 / 1.5)
    for arrangement in (0.0, 1.0, 2.0):
        assert effectiveness(arrangement, 0.0, 0.7) == pytest.approx(0.0, abs=1e-12)
    assert effectiveness(0.0, 2.0, 1.0 - 1.0001e-6) == pytest.approx(effectiveness(0.0, 2.0, 1.0), abs=1e-6)


def test_a_step_passes_a_pipe_as_erlang_says() -> None:
    """Promise: n mixed cells answer a step with the regularised incomplete gamma function P(n, n q t / V)."""
    model = plant(
        between_boundaries(
            "L: {type: pipe, length: 10 m, diameter: 50 mm, cells: 8, fittings: 40}", "L", "{}", "1.2 bar"
        )
    )
    q, volume_m3 = model.get("L.flow"), math.pi / 4 * 0.05**2 * 10.0
    model.set("feed.temperature", 303.15)
    for _ in range(20):
        model.advance(0.02, 50)
        expected = 293.15 + 10.0 * special.gammainc(8, 8 * q * model.time_s / volume_m3)
        assert model.get("L.temperature") == pytest.approx(expected, abs=2e-5)
    assert model.get("L.temperature") > 302.9


def test_a_transmitter_lags_and_then_waits() -> None:
    """Promise: after a step of the measurement the reading is 1 − e^{−(t−θ)/τ} from θ on, and nothing before."""
    model = plant(
        between_boundaries(
            "V: {type: valve, kv: 10 m3/h}\n  FT: {type: transmitter, measures: V.flow, lag: 2 s, dead_time: 5 s}",
            "V",
            "{V: {demand: 50 %}}",
        )
    )
    before = model.get("V.flow")
    model.advance(0.05, 40)
    model.set("feed.pressure", 5e5)
    jump = model.get("V.flow") - before
    start_s, dt_s = model.time_s, 0.05
    for _ in range(400):
        model.advance(dt_s)
        late_s = model.time_s - start_s - 5.0
        expected = before + (jump * (1.0 - math.exp(-late_s / 2.0)) if late_s > 0.0 else 0.0)
        assert model.get("FT.reading") == pytest.approx(expected, abs=2e-7 * jump)
    model.set("FT.bias", 1e-3)
    assert model.get("FT.reading") == pytest.approx(before + jump + 1e-3, rel=1e-2)
    model.set("FT.bias", 0.0)
    model.advance(dt_s)
    model.set("FT.frozen", 1.0)
    model.set("feed.pressure", 2e5)
    held = model.get("FT.reading")
    model.advance(dt_s, 400)
    assert model.get("FT.reading") == held


def test_gas_leaves_a_separator_choked_and_not() -> None:
    """Promise: W = Kv z Y √(x p ρ · 10) with Kv in m3/s and x limited to 0.7; the gas law gives the pressure."""
    text = """
components: [gas]
units:
  feed: {type: source, pressure: 8 bar, gas: 1 %}
  V: {type: valve, kv: 5 m3/h}
  S: {type: separator, gas: gas, area: 0.5 m2, height: 2 m, vent_kv: 4 m3/h, header: HEADER bar}
  W: {type: valve, kv: 5 m3/h}
  out: {type: sink}
connections: [feed -> V -> S, S -> W -> out]
initial: {S: {level: 1 m, pressure: 5 bar, vent: 60 %}}
"""
    for header_bar in (1.0, 4.0):
        model = plant(text.replace("HEADER", str(header_bar)))
        assert model.get("S.pressure") == pytest.approx(5e5, rel=1e-12)
        x = min((5.0 - header_bar) / 5.0, 0.7)
        density = 5e5 * 0.029 / (8.314462618 * 293.15)
        liquid_like_m3_s = 4.0 * M3_H * 0.6 * math.sqrt(x * 5.0 * 1000.0 / density)
        expected_kg_s = liquid_like_m3_s * density * (1.0 - x / 2.1)
        assert model.get("S.gas_flow") == pytest.approx(expected_kg_s, rel=1e-12)


def test_flow_is_continuous_through_zero() -> None:
    """Promise: around zero the law is smooth and odd: no jump of the flow or of its slope."""
    model = plant(between_boundaries("V: {type: valve, kv: 10 m3/h}", "V", "{V: {demand: 100 %}}"))
    dp_pa = np.array([-10.001, -10.0, -1.0, 0.0, 1.0, 9.999, 10.001])
    flows = []
    for dp in dp_pa:
        model.set("feed.pressure", 1e5 + dp)
        flows.append(model.get("V.flow"))
    np.testing.assert_allclose(flows[0] + flows[-1], 0.0, atol=1e-12)
    assert flows[3] == 0.0
    assert flows[-1] == pytest.approx(kv_flow_m3_s(10.0, 10.001), rel=1e-6)
    assert np.all(np.diff(flows) > 0)
    assert (flows[-1] - flows[-2]) / 0.002 == pytest.approx(0.5 * flows[-1] / 10.0, rel=1e-3)


def test_two_sources_and_a_mixer_by_hand() -> None:
    """Promise: pressure of a junction by bisection on its balance; temperature and composition by the mixing rule."""
    model = plant(
        """
components: [salt]
units:
  a: {type: source, pressure: 3 bar, temperature: 20 degC, salt: 10 %}
  b: {type: source, pressure: 2 bar, temperature: 80 degC}
  Va: {type: valve, kv: 4 m3/h}
  Vb: {type: valve, kv: 6 m3/h}
  M: {type: mixer}
  Vc: {type: valve, kv: 9 m3/h}
  out: {type: sink}
connections: [a -> Va -> M, b -> Vb -> M, M -> Vc -> out]
initial: {Va: {demand: 1}, Vb: {demand: 1}, Vc: {demand: 1}}
"""
    )
    low, high = ATMOSPHERE_PA, 2e5
    for _ in range(200):
        p = 0.5 * (low + high)
        a, b = kv_flow_m3_s(4.0, 3e5 - p), kv_flow_m3_s(6.0, 2e5 - p)
        if a + b > kv_flow_m3_s(9.0, p - ATMOSPHERE_PA):
            low = p
        else:
            high = p
    assert model.get("M.pressure") == pytest.approx(p, rel=1e-12)
    assert model.get("out.flow") == pytest.approx(a + b, rel=1e-12)
    find_steady_state(model)
    assert model.get("M.temperature") == pytest.approx((a * 293.15 + b * 353.15) / (a + b), rel=1e-10)
    assert model.get("M.salt") == pytest.approx(0.1 * a / (a + b), rel=1e-9)
