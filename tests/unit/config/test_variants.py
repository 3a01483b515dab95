"""A variant is one file on top of a plant."""

from pathlib import Path

import pytest

from dcs.config.load import load_plant
from dcs.config.plant_config import PlantConfig
from dcs.core.errors import ConfigErrors
from plant_models.library import PLANTS

MODULES = "control:\n  modules:\n"


def write(folder: Path, text: str, name: str = "fast") -> None:
    (folder / "variants").mkdir(exist_ok=True)
    (folder / "variants" / f"{name}.yaml").write_text(text, encoding="utf-8")


def loaded(folder: Path, *overrides: str) -> PlantConfig:
    return load_plant(folder, PLANTS, overrides)


def params(config: PlantConfig, block: str) -> dict[str, object]:
    found = next(one for one in config.controllers[0].strategy.blocks if one.name == block)
    return dict(found.params)


def errors(folder: Path, *overrides: str) -> str:
    with pytest.raises(ConfigErrors) as caught:
        loaded(folder, *overrides)
    return str(caught.value)


def test_values_of_a_variant_replace_those_of_the_plant_and_the_rest_stays(tank: Path) -> None:
    write(tank, "plant: {model: {seed: 77}}\ncontrol: {modules: {LIC-101: {blocks: {pid: {gain: 3.5}}}}}\n")
    plain, varied = loaded(tank), loaded(tank, "variant=fast")
    assert (params(varied, "LIC-101.pid")["gain"], varied.model.seed) == (3.5, 77)
    assert params(varied, "LIC-101.pid") | {"gain": 0} == params(plain, "LIC-101.pid") | {"gain": 0}
    assert params(plain, "LIC-101.pid")["gain"] != 3.5
    assert varied.digest != plain.digest


def test_an_override_goes_over_a_variant(tank: Path) -> None:
    write(tank, "control: {modules: {LIC-101: {blocks: {pid: {gain: 3.5}}}}}\n")
    varied = loaded(tank, "control.modules.LIC-101.blocks.pid.gain=4.5", "variant=fast")
    assert params(varied, "LIC-101.pid")["gain"] == 4.5


def test_nothing_takes_a_key_away_with_its_wire(tank: Path) -> None:
    """Promise: what is taken away is gone for the checks too, so that a wire to it is told."""
    write(tank, "alarms: {alarms: {LIC-101: null}}\n")
    specs = loaded(tank, "variant=fast").controllers[0].strategy.alarms
    assert not any(spec.module == "LIC-101" for spec in specs)
    assert any(spec.module == "LIC-101" for spec in loaded(tank).controllers[0].strategy.alarms)
    write(tank, "control:\n  modules:\n    FIC-101: null\nalarms: {alarms: {FIC-101: null}}\n")
    assert "`FIC-101.pid.bkcal_out` does not exist" in errors(tank, "variant=fast")


def test_a_plant_that_comes_as_texts_brings_its_variant(tank: Path, tmp_path: Path) -> None:
    write(tank, "control: {modules: {LIC-101: {blocks: {pid: {gain: 3.5}}}}}\n")
    config = loaded(tank, "variant=fast")
    again = load_plant(tmp_path / "elsewhere", PLANTS, config.overrides, dict(config.texts))
    assert params(again, "LIC-101.pid")["gain"] == 3.5
    assert again.digest == config.digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{MODULES}    LIC-101:\n      blocks:\n        pid: {{gain: high}}\n", "fast.yaml:5: LIC-101.pid (PID): "),
        ("\ncontrl: {}\n", "fast.yaml:2: there is no file `contrl`. Did you mean `control`?"),
        (f"{MODULES}    LIC-999: null\n", "fast.yaml:3: there is no `modules.LIC-999` that could be taken away"),
        ("plant: 7\n", "fast.yaml:1: `plant` needs keys with values, as in plant.yaml."),
        ("plant: {model: {sead: 1}}\n", "fast.yaml:1: model: unknown key `sead`"),
        ("plant: [\n", "fast.yaml:2: this is not YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_variant_is_told_with_its_line(tank: Path, text: str, message: str) -> None:
    write(tank, text)
    assert message in errors(tank, "variant=fast")


def test_a_variant_that_is_not_there_is_told_with_those_that_are(tank: Path) -> None:
    assert "there is no variant `fast` of tank. It has none." in errors(tank, "variant=fast")
    write(tank, "{}\n", "slow")
    assert "Its variants: slow." in errors(tank, "variant=fats")
    assert "--set variant=../plant: this is no name" in errors(tank, "variant=../plant")
