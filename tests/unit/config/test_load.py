"""What a good plant becomes, what is only noted, and what the command line may change."""

from pathlib import Path

import pytest

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.config.find import find_config, shipped_configs
from dcs.config.load import load_plant
from dcs.core.errors import ConfigError
from dcs.core.modes import CAS
from dcs.engine.compile import compile_strategy
from plant_models.model import PLANTS
from tests.unit.config.plants import Hunk, apply


def test_plant_yaml_becomes_nodes_and_model(tank: Path) -> None:
    plant = load_plant(tank, PLANTS)
    assert (plant.name, plant.title) == ("tank", "tank")
    assert plant.nodes == ("bus", "field", "C1A", "C1B", "W1")
    assert (plant.model.type, plant.model.setting, plant.model.step_ns) == (
        "quadruple_tank",
        "minimum_phase",
        100_000_000,
    )
    assert [(c.name, c.period_ns, c.phase_ns) for c in plant.scan_classes] == [
        ("loops", 1_000_000_000, 0),
        ("slow", 5_000_000_000, 500_000_000),
    ]
    assert plant.controllers[0].paired
    assert plant.controllers[0].lease_ns is None
    assert plant.bus.port == 0
    assert plant.notes == ()


def test_signal_is_two_points_of_a_line_in_si(tank: Path) -> None:
    """4 mA is 0 m and 20 mA is 0.20 m, although the file says cm."""
    plant = load_plant(tank, PLANTS)
    points = {point.name: point for device in plant.devices for point in device.points}
    level, flow, pump = points["LT-101"].signal, points["FT-101"].signal, points["P-101"].signal
    assert level is not None
    assert flow is not None
    assert pump is not None
    assert (level.plant_low, level.plant_high, level.field_low, level.field_high) == (0.0, 0.2, 4.0, 20.0)
    assert (flow.plant_low, flow.plant_high, flow.field_low, flow.field_high) == (0.0, 40e-6, 0.0, 40.0)
    assert (pump.plant_low, pump.plant_high, pump.field_low, pump.field_high) == (0.0, 10.0, 0.0, 100.0)
    assert (level.noise, level.lag_s) == (0.01, 0.5)
    assert points["FT-101"].word_order == "low_first"
    assert points["LT-103"].word_order == "high_first"


def test_strategy_resolves_every_name(tank: Path) -> None:
    strategy = load_plant(tank, PLANTS).controllers[0].strategy
    links = {(link.source, link.target) for link in strategy.links}
    assert ("LT-101", "LIC-101.ai.raw") in links
    assert ("LIC-101.ai.out", "LIC-101.pid.pv") in links
    assert ("FIC-101.pid.bkcal_out", "LIC-101.pid.bkcal_in") in links
    assert ("FIC-101.ao.out", "P-101") in links
    blocks = {block.name: block for block in strategy.blocks}
    assert blocks["LIC-101.pid"].params["gain"] == 2.0
    assert blocks["LIC-101.pid"].units == {"pv_scale": "cm", "out_scale": "cm3/s"}
    assert blocks["FIC-101.pid"].params["target"] == CAS
    assert blocks["LI-103.ai"].scan_class == "slow"


def test_an_output_that_is_read_back_is_an_input_channel_too(tank: Path) -> None:
    strategy = load_plant(tank, PLANTS).controllers[0].strategy
    assert [(c.name, c.direction) for c in strategy.channels if c.name == "P-101"] == [
        ("P-101", "in"),
        ("P-101", "out"),
    ]
    compile_strategy(strategy)


def test_published_tags_and_modules(tank: Path) -> None:
    strategy = load_plant(tank, PLANTS).controllers[0].strategy
    tags = {tag.name: tag for tag in strategy.tags}
    pv = tags["LIC-101.PV"]
    assert (pv.source, pv.unit, pv.low, pv.high, pv.decimals, pv.kind) == (
        "LIC-101.pid.pv",
        "cm",
        0.0,
        20.0,
        2,
        "float",
    )
    assert tags["LIC-101.ai.PV"].source == "LIC-101.ai.pv"
    assert tags["LIC-101.SP"].writable
    assert not pv.writable
    assert tags["LIC-101.MODE"].kind == "mode"
    assert (tags["FIC-101.OUT"].unit, tags["FIC-101.OUT"].decimals) == ("%", 1)
    modules = {module.name: module for module in strategy.modules}
    assert [modules[name].kind for name in ("LIC-101", "FIC-101", "LI-103")] == ["loop", "loop", "indicator"]
    assert modules["LIC-101"].parts["SP"] == "LIC-101.SP"
    assert modules["LIC-101"].permitted_modes == ("OOS", "Man", "Auto", "Cas")
    assert len(tags) == len(strategy.tags)


def test_alarm_limits_are_in_the_unit_of_the_measurement(tank: Path) -> None:
    strategy = load_plant(tank, PLANTS).controllers[0].strategy
    alarms = {alarm.name: alarm for alarm in strategy.alarms}
    assert alarms["LI-103.HI"].limit == 8.0  # written as 80 mm
    assert alarms["LIC-101.HI"].on_delay_s == 2.0
    assert alarms["LIC-101.HI"].source == "LIC-101.pid.pv"


def test_a_minimal_plant_is_short(tank: Path) -> None:
    """Scan class, controller and bus have defaults; what can be only one thing need not be said."""
    (tank / "alarms.yaml").unlink()
    (tank / "plant.yaml").write_text("plant: small\nmodel: {type: quadruple_tank}\n", encoding="utf-8")
    (tank / "field.yaml").write_text(
        "devices:\n  D:\n    port: auto\n    simulate: true\n    points:\n"
        "      LT: {table: input, address: 0, type: float32, unit: cm, direction: in,"
        " signal: {variable: level_1, range: [0, 20, cm]}}\n",
        encoding="utf-8",
    )
    (tank / "control.yaml").write_text(
        "modules:\n  LI:\n    blocks:\n"
        "      ai: {type: AI, inputs: {raw: LT}, xd_scale: [0, 20, cm], out_scale: [0, 20, cm]}\n",
        encoding="utf-8",
    )
    plant = load_plant(tank, PLANTS)
    assert plant.nodes == ("bus", "field", "C1A")
    assert plant.scan_classes[0].period_ns == 500_000_000
    assert plant.model.setting == "minimum_phase"
    assert [str(note) for note in plant.notes] == [
        "tank/field.yaml:2: device D is read every 1 s, but its values are used every 0.5 s, so each is used several "
        "times. Shorten `poll` if that matters."
    ]


def test_an_unused_point_is_noted_and_starts(tank: Path) -> None:
    apply(
        Hunk(
            "control.yaml",
            "        inputs: {raw: LT-103}\n        xd_scale: [0, 20, cm]\n",
            "        inputs: {raw: FT-101}\n        xd_scale: [0, 40, cm3/s]\n",
        ),
        tank,
    )
    notes = load_plant(tank, PLANTS).notes
    assert [str(note) for note in notes] == ["tank/field.yaml:15: LT-103 is read, but no block uses it."]


def test_a_part_of_a_module_can_be_wired(tank: Path) -> None:
    """``LIC-101.OUT`` is the output of its main block."""
    apply(Hunk("control.yaml", "          cas_in: LIC-101.pid.out\n", "          cas_in: LIC-101.OUT\n"), tank)
    strategy = load_plant(tank, PLANTS).controllers[0].strategy
    assert ("LIC-101.pid.out", "FIC-101.pid.cas_in") in {(link.source, link.target) for link in strategy.links}


def test_units_of_parameters_are_converted(tank: Path) -> None:
    apply(Hunk("control.yaml", "        ti_s: 60\n", "        ti_s: 1.5 min\n"), tank)
    blocks = {block.name: block for block in load_plant(tank, PLANTS).controllers[0].strategy.blocks}
    assert blocks["LIC-101.pid"].params["ti_s"] == 90.0


# --- overrides --------------------------------------------------------------------------------------------
def test_overrides_change_what_the_file_says(tank: Path) -> None:
    plant = load_plant(
        tank,
        PLANTS,
        [
            "field.devices.RTU-1.port=auto",
            "scan_classes.loops.period=100ms",
            "bus.host=127.0.0.2",
            "control.modules.LIC-101.blocks.pid.gain=3",
            "alarms.LIC-101.HI.limit=17 cm",
            "field.devices.RTU-1.points.LT-101.signal.range.1=30",
            "plant=other",
        ],
    )
    assert plant.devices[0].port == 0
    assert plant.scan_classes[0].period_ns == 100_000_000
    assert plant.bus.hosts == ("127.0.0.2",)
    assert plant.name == "other"
    strategy = plant.controllers[0].strategy
    assert next(b for b in strategy.blocks if b.name == "LIC-101.pid").params["gain"] == 3.0
    assert strategy.alarms[0].limit == 17.0
    signal = plant.devices[0].points[0].signal
    assert signal is not None
    assert signal.plant_high == 0.3


def test_an_override_changes_the_digest(tank: Path) -> None:
    plain, changed = load_plant(tank, PLANTS), load_plant(tank, PLANTS, ["model.seed=2"])
    assert plain.digest == load_plant(tank, PLANTS).digest != changed.digest


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("nothing", "this is not PATH=VALUE. Write for example `--set scan_classes.loops.period=100ms`."),
        (
            "x.y=1",
            "there is no file or key `x`. Known: plant, field, control, alarms, title, description, model, "
            "scan_classes, controllers, bus, demo, labels, devices, faults, blocks, templates, modules.",
        ),
        ("field=3", "`field` is a whole file. Name a key in it."),
        ("field.devises.RTU-1.port=1", "field.yaml has no key `devises`. Did you mean `devices`?"),
        ("field.devices.RTU-9.port=1", "there is no `RTU-9` in devices of field.yaml. Did you mean `RTU-1`?"),
        ("devices.RTU-1.prot=1", "devices.RTU-1: unknown key `prot`. Did you mean `port`?"),
        (
            "bus.a.b=3",
            "bus: unknown key `a`. Known keys: host, port, url, "
            "urls, nodes, hosts, store, store_samples, store_events.",
        ),
        ("controllers.C1.members.7=X", "plant.yaml has no `controllers.C1.members.7`. Correct the path."),
        (
            "scan_classes.loops.period=1 ms",
            "scan_classes.loops.period: `1 ms` does not fit. Write a duration from 10 ms to 60 s.",
        ),
        ("model.seed=[1", "a bracket is not closed, or a comma is missing. Add `]` or `,`."),
        (
            "modules.LIC-101.blocks.pid.inputs.pv=LT-101",
            "LIC-101.pid (PID): terminal `pv` needs cm, but is wired to LT-101 (mA). Put an AI block between them, or "
            "wire a terminal in cm.",
        ),
    ],
)
def test_a_wrong_override_is_named_as_the_user_wrote_it(override: str, message: str, tank: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_plant(tank, PLANTS, [override])
    assert str(caught.value) == f"--set {override}: {message}"


# --- shipped configurations -------------------------------------------------------------------------------
@pytest.mark.parametrize("name", sorted(shipped_configs()))
@pytest.mark.parametrize("faster", [False, True], ids=["as shipped", "100 ms"])
def test_every_shipped_configuration_passes(name: str, faster: bool) -> None:
    plant = load_plant(find_config(name), PLANTS)
    assert plant.name == name
    assert plant.notes == ()
    if faster:
        fastest = min(plant.scan_classes, key=lambda one: one.period_ns).name
        load_plant(find_config(name), PLANTS, [f"scan_classes.{fastest}.period=100ms"])


def test_the_demo_plant_is_complete() -> None:
    plant = load_plant(find_config("quadruple_tank"), PLANTS)
    strategy = plant.controllers[0].strategy
    assert [module.name for module in strategy.modules] == [
        "LIC-101", "FIC-101", "LIC-102", "FIC-102", "LI-103", "LI-104", "V-101", "V-102", "RTU-1", "DRV-1",
        "C1",
    ]  # fmt: skip
    assert all(alarm.consequence and alarm.cause and alarm.action for alarm in strategy.alarms)
    assert {point.type for device in plant.devices for point in device.points} == {"int16", "float32"}
    assert {point.word_order for device in plant.devices for point in device.points} == {"high_first", "low_first"}


def test_find_config_prefers_a_folder(tank: Path) -> None:
    assert find_config("tank") == Path("tank")
    assert find_config("tank/plant.yaml") == Path("tank")


def test_find_config_says_what_there_is(tank: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_config("quadrupel_tank")
    assert str(caught.value) == (
        "quadrupel_tank: there is no such folder, and no plant of that name. Did you mean `quadruple_tank`?"
    )
    Path("empty").mkdir()
    with pytest.raises(ConfigError) as caught:
        find_config("empty")
    assert str(caught.value) == "empty: the folder holds no plant.yaml. Give the folder of a plant."
