"""The flowsheet file: what it makes, and one clear sentence with its line for everything that is wrong with it."""

from pathlib import Path

import pytest

from plant_models.library import PLANTS
from plant_models.model import DISTURBANCE, INPUT, OUTPUT, PARAMETER, STATE, PlantFileError
from tests.unit.plants.flowsheets import plant, plant_type

GOOD = """\
title: Two tanks
components: [salt]
ambient: 10 degC
units:
  feed: {type: source, pressure: 3 bar, temperature: 50 degF, salt: 2 %}
  V-1: {type: valve, kv: 6 m3/h}
  T-1: {type: tank, area: 1 m2, height: 200 cm, low_low: 20 cm}
  M-1: {type: motor, rated_current: 2 A, rated_power: 1 kW}
  P-1:
    type: pump
    driven_by: M-1
    shutoff_head: 30 m
    rated_head: 25 m
    rated_flow: 5 m3/h
  X-1: {type: mixer}
  V-2: {type: valve, kv: 6 m3/h}
  V-3: {type: valve, kv: 6 m3/h}
  E-1: {type: exchanger, ua: 5 kW/K, hot_kv: 9 m3/h, cold_kv: 9 m3/h}
  out: {type: sink}
  LT-1: {type: transmitter, measures: T-1.level, dead_time: 2 s}
connections:
  - feed -> V-1 -> T-1
  - T-1 -> P-1 -> E-1.cold -> X-1
  - X-1 -> V-2 -> out
  - X-1 -> V-3 -> E-1.hot -> T-1
initial:
  T-1: {level: 1 m, salt: 1 %}
"""


def said(text: str) -> list[str]:
    with pytest.raises(PlantFileError) as caught:
        plant_type(text)
    return str(caught.value).splitlines()


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, f"the good file must contain exactly once: {old}"
    return GOOD.replace(old, new)


def test_a_file_becomes_a_plant_with_named_variables_in_si() -> None:
    kind = plant_type(GOOD)
    assert kind.title == "Two tanks"
    assert kind.names(INPUT) == ("V-1.demand", "M-1.start", "M-1.speed_demand", "V-2.demand", "V-3.demand")
    assert {"T-1.level", "P-1.running", "M-1.current", "LT-1.reading", "out.flowing_salt"} <= set(kind.names(OUTPUT))
    assert {"feed.pressure", "feed.salt", "T-1.leak", "V-1.air_failed", "ambient"} <= set(kind.names(DISTURBANCE))
    assert {"T-1.h", "T-1.T", "T-1.w_salt", "E-1.hot_T", "M-1.n"} <= set(kind.names(STATE))
    model = kind.create()
    assert model.get("feed.temperature") == pytest.approx(283.15)
    assert model.get("ambient") == pytest.approx(283.15)
    assert (model.get("T-1.height"), model.get("T-1.low_low"), model.get("feed.salt")) == (2.0, 0.2, 0.02)
    assert model.get("V-1.kv") == pytest.approx(6 / 3600)
    assert model.get("LT-1.reading") == 1.0
    assert kind.variable("LT-1.reading").unit == "m"
    assert [c.name for c in kind.conditions] == ["T-1.overflow", "T-1.low_low", "M-1.tripped", "P-1.deadhead"]


def test_what_is_not_chosen_is_not_offered_but_keeps_its_value() -> None:
    """Promise: an input that the file does not name is a parameter, an output that it does not name is left out."""
    text = GOOD + "inputs: [V-1.demand]\noutputs: [T-1.level, V-2.flow]\ndisturbances: [feed.pressure]\n"
    kind, everything = plant_type(text), plant(GOOD)
    assert kind.names(INPUT) == ("V-1.demand",)
    assert kind.names(OUTPUT) == ("T-1.level", "V-2.flow")
    assert kind.names(DISTURBANCE) == ("feed.pressure", "ambient")
    assert {"M-1.start", "T-1.leak"} <= set(kind.names(PARAMETER))
    few = kind.create()
    for model in (few, everything):
        model.set("M-1.start", 1.0)
        model.set("V-2.demand", 0.5)
        model.advance(0.1, 600)
    assert few.get("T-1.level") == everything.get("T-1.level")
    assert few.get("V-2.flow") == everything.get("V-2.flow")


def test_the_step_suits_the_fastest_lag() -> None:
    assert plant_type(GOOD).step_s == 0.1
    assert plant_type(GOOD.replace("V-2: {", "V-2: {lag: 0.1 s, ")).step_s == 0.05
    assert plant_type(GOOD + "step: 20 ms\n").step_s == 0.02


WRONG = [
    ("type: mixer", "type: mixr", "15: X-1: there is no unit type `mixr`. Did you mean `mixer`?"),
    ("type: mixer", "volume: 2 l", "15: X-1: a unit needs a type. Unit types: source, sink,"),
    ("area: 1 m2", "aera: 1 m2", "7: T-1 (tank): there is no `aera`. Did you mean `area`?"),
    ("area: 1 m2, ", "", "7: T-1 (tank): `area` (cross-section) is not given. Add it."),
    ("area: 1 m2", "area: 1 m", "7: T-1 (tank): area: `1 m` is in m, but m2, cm2 or mm2 is needed. Write for"),
    ("area: 1 m2", "area: 1", "7: T-1 (tank): area: `1` has no unit, and m2, cm2 or mm2 is needed."),
    ("area: 1 m2", "area: wide", "7: T-1 (tank): area: `wide` is not a quantity. Write for example `2 m2`."),
    ("area: 1 m2", "area: -1 m2", "7: T-1 (tank): area: `-1 m2` lies outside 0.0001 … 100000 m2. Write a"),
    ("pressure: 3 bar", "pressure: 3 m", "5: feed (source): pressure: `3 m` is in m, but Pa, kPa, MPa,"),
    ("driven_by: M-1", "driven_by: M-2", "11: P-1: there is no motor `M-2`. Did you mean `M-1`?"),
    ("measures: T-1.level", "measures: T-1.levl", "20: LT-1: there is no output `T-1.levl`. Did you mean `T-1.level`"),
    ("measures: T-1.level, ", "", "20: LT-1: a transmitter needs `measures`. Add `measures: …`."),
    ("- feed -> V-1 -> T-1", "- feed -> V-9 -> T-1", "22: there is no unit `V-9`. Did you mean `V-1`, `V-2` or `V-3`?"),
    ("- feed -> V-1 -> T-1", "- feed -> T-1", "22: between feed and T-1 there is nothing that resists the"),
    ("- feed -> V-1 -> T-1", "- feed", "22: `feed` is not a connection. Write units with arrows:"),
    ("  - X-1 -> V-2 -> out\n", "", "16: V-2.inlet (where the liquid enters) is not connected. Add it"),
    ("X-1 -> V-2 -> out", "X-1 -> V-2 -> V-1 -> out", "24: V-1.inlet is connected twice, first on line 22."),
    ("X-1 -> V-2 -> out", "out -> V-2 -> X-1", "24: nothing can leave out, a sink. Correct the connection."),
    ("E-1.cold ->", "E-1 ->", "23: E-1 (exchanger) has several ports. Write E-1.hot or E-1.cold."),
    ("E-1.cold ->", "E-1.warm ->", "23: E-1 (exchanger) has no port `warm`. Liquid can enter at: hot_inlet,"),
    ("E-1.cold ->", "E-1.cold_outlet ->", "23: E-1.cold_outlet is where liquid leaves. Turn the arrow round."),
    ("level: 1 m", "levl: 1 m", "27: T-1 (tank): there is no `levl`. Did you mean `level`?"),
    ("level: 1 m, ", "", "27: T-1: its level at the start is not given. Add it under `initial:`."),
    ("  T-1: {level", "  T-9: {level", "27: initial: there is no unit `T-9`. Did you mean `T-1`?"),
    ("components: [salt]", "components: [level]", "2: `level` cannot be the name of a component."),
    ("title: Two tanks", "titel: Two tanks", "1: there is no key `titel` in a flowsheet. Did you mean `title`?"),
    ("ambient: 10 degC", "ambient: 10", "3: flowsheet: ambient: `10` has no unit, and K, degC,"),
    ("ambient: 10 degC", "inputs: [V-1.demnd]", "3: inputs: there is no `V-1.demnd`. Did you mean `V-1.demand`?"),
    ("  M-1: {type", "  M 1: {type", "8: `M 1` is not a name. Use letters, digits, `-` and `_`,"),
    ("ambient: 10 degC", "title: Again", "3: the key `title` is given twice. Delete one."),
    ("components: [salt]", "components: [salt", "3: this is not YAML: "),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "sentence"), WRONG, ids=[sentence for _, _, sentence in WRONG])
def test_what_is_wrong_is_said_with_its_line(old: str, new: str, sentence: str) -> None:
    lines = said(changed(old, new))
    assert any(line.startswith(f"plant.yaml:{sentence}") for line in lines), lines


def test_everything_is_said_in_one_run() -> None:
    text = changed("area: 1 m2", "area: 1 s").replace("type: mixer", "type: mixr").replace("-> V-2 ->", "-> V-8 ->")
    lines = said(text)
    assert [line.split(":")[1] for line in lines] == ["7", "15", "24"], lines


def test_a_loop_without_a_pressure_and_a_mixer_without_one() -> None:
    circle = """
units:
  P: {type: pump, shutoff_head: 30 m, rated_head: 25 m, rated_flow: 5 m3/h}
  V: {type: valve, kv: 6 m3/h}
connections: [P -> V -> P]
"""
    assert said(circle) == [
        "plant.yaml:5: V -> P form a loop without a pressure. Put a tank or a mixer into it that is connected to one."
    ]
    mixer = circle.replace("connections:", "  X: {type: mixer}\nconnections:").replace(
        "P -> V -> P", "X -> P -> V -> X"
    )
    assert said(mixer) == [
        "plant.yaml:5: X: nothing around it has a pressure. Connect it to a tank, a source or a sink."
    ]


def test_empty_and_missing_files(tmp_path: Path) -> None:
    assert said("")[0].startswith("plant.yaml:1: the file needs keys with values")
    assert said("units: {}\n")[0] == (
        "plant.yaml:1: a flowsheet needs units. Add `units:` with a tank, a source, a valve …"
    )
    with pytest.raises(PlantFileError, match=r"none.yaml:1: cannot be read \(no such file or directory\)"):
        PLANTS.open("flowsheet", tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("title: Kühler\n".encode("latin-1"))
    with pytest.raises(PlantFileError, match="is not UTF-8"):
        PLANTS.open("flowsheet", tmp_path / "latin.yaml")
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    assert PLANTS.open("flowsheet", tmp_path / "good.yaml").name == "good"
