"""Mass, heat and components over random flowsheets, and what every flowsheet keeps: one life, the same bits."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plant_models.model import PlantModel
from tests.unit.plants.flowsheets import plant

ROOT = Path(__file__).parents[3]


@st.composite
def sheets(draw: st.DrawFn) -> str:
    """Tanks and mixers, joined at random by branches of valves, pumps and pipes, with two boundaries."""
    tanks, mixers = draw(st.integers(1, 3)), draw(st.integers(0, 3))
    nodes = [*(f"T{i}" for i in range(tanks)), *(f"X{i}" for i in range(mixers))]
    units = [
        "  src: {type: source, pressure: 3 bar, temperature: 70 degC, salt: 5 %}",
        "  snk: {type: sink, pressure: 1.5 bar, temperature: 10 degC, salt: 1 %}",
    ]
    starts = []
    for i in range(tanks):
        units.append(f"  T{i}: {{type: tank, area: {draw(st.sampled_from([0.3, 1, 4]))} m2, height: 3 m}}")
        level, degrees = draw(st.floats(0.0, 2.5)), draw(st.floats(5, 90))
        salt = draw(st.integers(0, 9))
        starts.append(f"  T{i}: {{level: {level:.3f} m, temperature: {degrees:.2f} degC, salt: {salt} %}}")
    units += [f"  X{i}: {{type: mixer, volume: 20 l}}" for i in range(mixers)]
    rows = []

    def branch(number: int, start: str, end: str) -> None:
        row = [start]
        for k in range(draw(st.integers(1, 3))):
            kind, name = draw(st.sampled_from(["valve", "pump", "pipe"])), f"E{number}{k}"
            if kind == "valve":
                units.append(f"  {name}: {{type: valve, kv: {draw(st.sampled_from([2, 8, 20]))} m3/h}}")
                starts.append(f"  {name}: {{demand: {draw(st.sampled_from([0, 30, 100]))} %}}")
            elif kind == "pump":
                check = draw(st.sampled_from(["yes", "no"]))
                units.append(
                    f"  {name}: {{type: pump, shutoff_head: 20 m, rated_head: 12 m, rated_flow: 6 m3/h, "
                    f"check_valve: {check}}}"
                )
                starts.append(f"  {name}: {{speed: {draw(st.sampled_from([0, 60, 100]))} %}}")
            else:
                rise = draw(st.integers(-2, 2))
                units.append(f"  {name}: {{type: pipe, length: 8 m, diameter: 60 mm, cells: 2, rise: {rise} m}}")
            row.append(name)
        rows.append(" -> ".join([*row, end]))

    branch(0, "src", draw(st.sampled_from(nodes)))
    branch(1, draw(st.sampled_from(nodes)), "snk")
    for x in range(mixers):  # every mixer has a way in and a way out, and leads to a tank
        branch(2 + 2 * x, draw(st.sampled_from(nodes[:tanks])), f"X{x}")
        branch(3 + 2 * x, f"X{x}", draw(st.sampled_from(nodes)))
    for extra in range(draw(st.integers(0, 2))):
        branch(20 + extra, draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes)))
    connections = "\n".join(f"  - {row}" for row in rows)
    return (
        "components: [salt]\nunits:\n" + "\n".join(units) + f"\nconnections:\n{connections}\ninitial:\n"
        + "\n".join(starts) + "\n"
    )  # fmt: skip


def volumes(model: PlantModel) -> dict[str, float]:
    """Volume of every content by the name of its temperature."""
    found = {}
    for name in model.type.names("state"):
        unit, _, quantity = name.partition(".")
        if not quantity.startswith("T"):
            continue
        if unit.startswith("T"):
            found[name] = model.get(f"{unit}.area") * max(model.get(f"{unit}.h"), model.get(f"{unit}.dry"))
        elif unit.startswith("X"):
            found[name] = model.get(f"{unit}.volume")
        else:
            found[name] = np.pi / 4 * model.get(f"{unit}.diameter") ** 2 * model.get(f"{unit}.length") / 2
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sheets(), st.integers(0, 300))
def test_what_goes_in_comes_out_or_stays(text: str, steps: int) -> None:
    """Promise: at every instant the rates of volume, heat and salt of all contents add up to what passes the
    boundaries, to the rounding of the flows; and no junction stores anything."""
    model = plant(text)
    model.advance(0.1, steps)
    assert np.all(np.isfinite(model.states))
    rates = dict(zip(model.type.names("state"), model.derivatives(), strict=True))
    model.measure()
    into, out = model.get("src.flow"), model.get("snk.flow")
    # behind closed valves the rounding of pressures remains: 3e-11 Pa are 1e-15 m3/s through an open pipe
    size = 1e-5 + sum(abs(model.get(n)) for n in model.type.names("output") if n.endswith(".flow"))
    for x in (n for n in model.type.names("output") if n.startswith("X") and n.endswith("pressure")):
        assert np.isfinite(model.get(x))
    tanks = [n for n in rates if n.endswith(".h")]
    stored = sum(rates[n] * model.get(n.replace(".h", ".area")) for n in tanks)
    assert abs(stored - (into - out)) <= 1e-9 * size
    heat, salt, brought_heat, brought_salt = 0.0, 0.0, 0.0, 0.0
    for name, volume_m3 in volumes(model).items():
        unit, _, quantity = name.partition(".")
        swelling = rates[f"{unit}.h"] * model.get(f"{unit}.area") if unit.startswith("T") else 0.0
        heat += volume_m3 * rates[name] + swelling * model.get(name)
        fraction = f"{unit}.w_salt{quantity[1:]}"
        salt += volume_m3 * rates[fraction] + swelling * model.get(fraction)
    for end, flow in (("src", into), ("snk", -out)):
        brought_heat += flow * model.get(f"{end}.flowing_temperature")
        brought_salt += flow * model.get(f"{end}.flowing_salt")
    assert abs(heat - brought_heat) <= 1e-9 * size * 350.0
    assert abs(salt - brought_salt) <= 1e-9 * size


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sheets())
def test_the_future_follows_from_the_snapshot(text: str) -> None:
    """Promise: flows are found from states alone: a plant that was restored goes on with the same bits."""
    model, other = plant(text), plant(text)
    model.advance(0.1, 50)
    taken = model.snapshot()
    other.restore(taken)
    for one in (model, other):
        one.advance(0.1, 50)
    assert model.snapshot() == other.snapshot()
    apart = plant(text)
    for _ in range(100):
        apart.advance(0.1)
    assert apart.states.tobytes() == model.states.tobytes()


def test_compiled_and_uncompiled_give_the_same_bits() -> None:
    """Promise: a day of every unit type, run as Python and as machine code, to the last bit."""
    program = """
import hashlib
from tests.unit.plants.test_flowsheet_balances import ALL_UNITS
from tests.unit.plants.flowsheets import plant
model = plant(ALL_UNITS)
model.advance(0.1, 60)
for name, value in (("hw.temperature", 340.0), ("FV.demand", 0.8), ("M.start", 0.0), ("S.vent", 0.2)):
    model.set(name, value)
model.advance(0.1, 60)
print(hashlib.sha256(model.snapshot()).hexdigest())
"""
    answers = []
    for jit in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env=os.environ | {"NUMBA_DISABLE_JIT": jit},
            capture_output=True, text=True, check=True, timeout=110,
        )  # fmt: skip
        answers.append(done.stdout)
    assert answers[0] == answers[1]


ALL_UNITS = """
components: [gas, salt]
units:
  feed: {type: source, pressure: 6 bar, gas: 2 %, salt: 1 %}
  FV: {type: valve, kv: 6 m3/h, characteristic: equal_percentage, stiction: 4 %, jump: 2 %, backlash: 1 %}
  S: {type: separator, gas: gas, area: 0.4 m2, height: 2 m, vent_kv: 2 m3/h}
  LV: {type: valve, kv: 5 m3/h, characteristic: quick_opening}
  T: {type: tank, area: 1 m2, height: 2 m, heat_loss: 500 W/K}
  M: {type: motor, rated_current: 5 A, rated_power: 1 kW, thermal_time: 20 s}
  P: {type: pump, shutoff_head: 30 m, rated_head: 25 m, rated_flow: 5 m3/h, driven_by: M}
  E: {type: exchanger, ua: 5 kW/K, hot_kv: 10 m3/h, cold_kv: 10 m3/h, arrangement: shell_and_tube}
  L: {type: pipe, length: 10 m, diameter: 40 mm, cells: 5}
  X: {type: mixer}
  V1: {type: valve, kv: 6 m3/h}
  V2: {type: valve, kv: 6 m3/h}
  out: {type: sink}
  hw: {type: source, pressure: 3 bar, temperature: 80 degC}
  HV: {type: valve, kv: 6 m3/h}
  hr: {type: sink, pressure: 1.5 bar}
  TT: {type: transmitter, measures: L.temperature, lag: 2 s, dead_time: 3 s}
connections:
  - feed -> FV -> S -> LV -> T
  - T -> P -> E.cold -> L -> X -> V1 -> out
  - X -> V2 -> T
  - hw -> HV -> E.hot -> hr
initial:
  S: {level: 1 m, pressure: 3 bar, vent: 50 %}
  T: {level: 1 m, temperature: 30 degC}
  FV: {demand: 50 %}
  LV: {demand: 50 %}
  V1: {demand: 50 %}
  V2: {demand: 20 %}
  HV: {demand: 50 %}
  M: {start: 1}
"""


def test_a_separator_loses_nothing() -> None:
    """Promise: gas in liquid and gas space, salt, liquid and heat: what enters stays or leaves, and only gas as gas."""
    model = plant(ALL_UNITS)
    model.advance(0.1, 20)
    rates = dict(zip(model.type.names("state"), model.derivatives(), strict=True))
    model.measure()
    area_m2, density = model.get("S.area"), 998.2
    volume_m3, swelling = area_m2 * model.get("S.h"), area_m2 * rates["S.h"]
    into, out, released = model.get("FV.flow"), model.get("LV.flow"), model.get("S.release")
    assert into > 1e-4
    assert out > 1e-4
    assert released > 1e-3
    assert abs(swelling - (into - out - released / density)) < 1e-15
    for component, fed, lost in (("gas", 0.02, released / density), ("salt", 0.01, 0.0)):
        fraction = model.get(f"S.{component}")
        stored = volume_m3 * rates[f"S.w_{component}"] + swelling * fraction
        assert abs(stored - (into * fed - out * fraction - lost)) < 1e-15, component
    assert abs(rates["S.m"] - (released - model.get("S.gas_flow"))) < 1e-15
    temperature_k = model.get("S.temperature")
    heat = volume_m3 * rates["S.T"] + swelling * temperature_k
    carried = into * model.get("feed.flowing_temperature") - (out + released / density) * temperature_k
    assert abs(heat - carried) < 1e-12
