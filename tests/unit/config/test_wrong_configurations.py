"""Every wrong configuration gives its whole message, with file and line, and nothing else."""

from pathlib import Path

import pytest

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.config.load import load_plant
from dcs.core.errors import ConfigError
from plant_models.model import PLANTS
from tests.unit.config.plants import Case, apply, read_cases

CASES = read_cases(Path(__file__).parent / "wrong_configurations.txt")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_message_says_where_what_and_what_to_do(case: Case, tank: Path) -> None:
    for hunk in case.hunks:
        apply(hunk, tank)
    with pytest.raises(ConfigError) as caught:
        load_plant(tank, PLANTS)
    assert str(caught.value) == case.message
    assert caught.value.exit_code == 2


def test_the_table_is_large_and_has_no_case_twice() -> None:
    """Promise of the issue: at least 25 cases."""
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) >= 100


def test_every_message_has_a_line_and_ends_as_a_sentence() -> None:
    for case in CASES:
        for line in case.message.splitlines():
            file, number, sentence = line.split(":", 2)
            assert file.startswith("tank/")
            assert int(number) >= 1
            assert sentence.endswith((".", "?")), line


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("plant.yaml", None, "tank/plant.yaml: there is no such file. Create it, or correct the path."),
        ("control.yaml", None, "tank/control.yaml: there is no such file. Create it, or correct the path."),
        (
            "plant.yaml",
            b"plant: tank\ntitle: Beh\xe4lter\n",
            "tank/plant.yaml:2: byte 0xe4 is not UTF-8. Save the file in UTF-8 encoding.",
        ),
        (
            "plant.yaml",
            b"",
            "tank/plant.yaml:1: the key `plant` is missing. Add it (short name of the plant).",
        ),
        ("plant.yaml", b"a: \x01\n", "tank/plant.yaml:1: the character U+0001 is not allowed in YAML. Delete it."),
    ],
    ids=["no plant", "no control", "latin-1", "empty", "control character"],
)
def test_files_that_cannot_be_read(file: str, content: bytes | None, message: str, tank: Path) -> None:
    (tank / file).unlink()
    if content is not None:
        (tank / file).write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_plant(tank, PLANTS)
    assert str(caught.value) == message


def test_no_folder(tank: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_plant("tonk", PLANTS)
    assert str(caught.value) == "tonk: does not exist. Give the folder that holds plant.yaml."


def test_a_file_instead_of_a_folder(tank: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_plant(tank / "plant.yaml", PLANTS)
    assert str(caught.value) == (
        "tank/plant.yaml: is a file, but a plant is a folder. Give the folder that holds plant.yaml."
    )


def test_errors_of_all_files_come_at_once(tank: Path) -> None:
    for name in ("plant", "field", "control", "alarms"):
        path = tank / f"{name}.yaml"
        path.write_text(path.read_text(encoding="utf-8") + "nonsense: 1\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_plant(tank, PLANTS)
    files = [line.split(":")[0] for line in str(caught.value).splitlines()]
    assert files == ["tank/alarms.yaml", "tank/control.yaml", "tank/field.yaml", "tank/plant.yaml"]
