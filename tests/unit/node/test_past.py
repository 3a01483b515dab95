"""A computed past: kept by what it depends on, never used half, told when it cannot be had."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dcs.config.find import find_config
from dcs.config.plant_config import PlantConfig
from dcs.core.clock import NS_PER_S
from dcs.node import past_run, past_store
from dcs.node.assembly import load_configuration
from dcs.node.keep import MemoryKeep
from dcs.node.past import MARK, Past
from dcs.node.past_store import lay_out, past_file, past_of, read_past

SHORT = ("demo.past=5 min", "demo.sample=10 s")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DCS_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("DCS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(past_run, "LEAD_IN_S", 10.0)
    return tmp_path


def plant(*overrides: str) -> PlantConfig:
    return load_configuration(find_config("quadruple_tank"), (*SHORT, *overrides))


def test_it_is_computed_once_and_then_taken_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    config = plant()
    first = past_of(config, said.append)
    assert first is not None
    assert said[0] == "Computing the last 5 min (only the first time) …"
    assert said[-1].endswith("5 min of 5 min")
    assert first.groups[0].values.shape[0] == 30
    assert first.groups[0].time_ns[-1] == 0, "the last sample is the end"
    level = first.groups[0].values[:, first.groups[0].tags.index("LIC-101.PV")]
    assert abs(float(level[-1]) - 12.3) < 0.1

    monkeypatch.setattr(past_store, "build_direct", None)
    said.clear()
    again = past_of(config, said.append)
    assert again is not None
    assert said == []
    assert again.to_bytes() == first.to_bytes()


def test_what_it_depends_on_is_in_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    config = plant()
    names = {
        past_file(config),
        past_file(plant("control.modules.LIC-101.blocks.pid.gain=1.9")),
        past_file(replace(config, model=replace(config.model, seed=2))),
        past_file(replace(config, demo=replace(config.demo, past_ns=600 * NS_PER_S))),
        past_file(replace(config, demo=replace(config.demo, sample_ns=5 * NS_PER_S))),
    }
    monkeypatch.setattr(past_store, "digest_of_sources", lambda packages: "other code")
    assert len({*names, past_file(config)}) == 6


def test_what_is_half_computed_or_half_written_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    config, said = plant(), list[str]()

    def interrupted(*_: object) -> Past:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(past_run, "compute_past", interrupted)
        with pytest.raises(KeyboardInterrupt):
            past_of(config, said.append)
    assert not past_file(config).exists()
    whole = past_of(config, said.append)
    assert whole is not None
    path = past_file(config)
    path.write_bytes(path.read_bytes()[:-1])
    said.clear()
    assert past_of(config, said.append) is not None
    assert "is not used: it was not written whole" in said[0]
    assert path.read_bytes() == whole.to_bytes(), "computed anew"


def test_a_past_that_fails_is_told_and_the_plant_starts_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def fails(*_: object) -> Past:
        raise past_run.CannotCompute("the plant left its range.")

    monkeypatch.setattr(past_run, "compute_past", fails)
    assert past_of(plant(), said.append) is None
    assert said[-1] == ("The past could not be computed: the plant left its range. The plant starts without one.")


def test_no_past_is_computed_where_none_is_asked_for() -> None:
    config = plant()
    assert past_of(replace(config, demo=replace(config.demo, past_ns=0)), print) is None


def test_times_are_shifted_so_that_it_ends_where_the_run_begins() -> None:
    config = plant("alarms.alarms.LI-103.HI.limit=1 cm", "alarms.alarms.LI-103.HI.on_delay=60 s")
    past = past_of(config, lambda _: None)
    assert past is not None
    end_ns = 1_800_000_000 * NS_PER_S
    alarms = [event for event in past.events_at(end_ns) if event.kind == "alarm"]
    assert [(event.subject, "in alarm" in event.text) for event in alarms] == [
        ("LI-103.HI", True),
        ("LI-103.HI", False),
    ]
    assert "acknowledged" in alarms[1].text, "at the end, so that nobody's horn sounds for something old"
    assert end_ns - 300 * NS_PER_S < alarms[0].time_ns < end_ns
    assert alarms[0].station == MARK
    assert alarms[0].id.startswith("past:")

    keeps = {name: MemoryKeep() for name in ("field", "C1A", "C1B")}
    lay_out(past, config, keeps.__getitem__, end_ns)
    found = read_past(keeps["field"])
    assert found is not None
    assert found[1] == end_ns
    assert found[0].to_bytes() == past.to_bytes()
    (stand,) = past.controllers
    assert len(stand.time_words) == 1
    from dcs.node.checkpoint import Checkpoints

    for member in ("C1A", "C1B"):
        checkpoint = Checkpoints(keeps[member]).read()
        assert checkpoint is not None
        assert checkpoint.joins
        words = np.frombuffer(checkpoint.copy[-stand.memory_bytes :], np.int64)
        assert words[stand.time_words[0]] == alarms[0].time_ns, "the alarm is as old as the journal says"


def test_only_the_newest_pasts_of_a_plant_are_kept(cache: Path) -> None:
    for gain in (1.5, 1.6, 1.7, 1.8):
        past_of(plant(f"control.modules.LIC-101.blocks.pid.gain={gain}", "demo.past=1 min"), lambda _: None)
    assert len(list((cache / "cache").glob("past-*"))) == 3
