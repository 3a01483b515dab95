"""``dcs tune`` against a loop that answers over the bus as a controller does, in simulated time."""

import asyncio
import json
import re

import numpy as np
import pytest

from dcs.blocks.regulation.relay_fields import RELAY_TEST_PUBLISHED
from dcs.bus.memory import MemoryHub
from dcs.bus.messages import (
    Command,
    Frame,
    Layout,
    Reply,
    TagInfo,
    command_subject,
    frames_to_bytes,
    latest_subject,
    layout_subject,
    layouts_to_bytes,
)
from dcs.cli.client import PlantClient
from dcs.cli.tune import TuneOptions, tune_loop
from dcs.core.clock import sleep
from dcs.core.errors import ConfigError, DcsError
from dcs.core.modes import MAN
from dcs.core.simulated_time import SimulatedClock, SimulatedLoop, run_simulated
from dcs.node.endpoints import Endpoints
from dcs.tuning.model import ProcessModel
from dcs.tuning.rules import amigo, simc
from dcs.tuning.texts import IDLE, RUNNING
from tests.unit.blocks.relay_bench import Loop

PARTS = RELAY_TEST_PUBLISHED | {"GAIN": "gain", "TI": "ti_s", "TD": "td_s"}
REQUESTS = {"OFF": 0, "START": 1, "ABORT": 2}


class Controller:
    """A pair on the bus with one loop, FIC-101, scanned twice a second."""

    def __init__(self, hub: MemoryHub, clock: SimulatedClock, **values: float) -> None:
        self.bus, self.clock = hub.connect("C1A"), clock
        self.loop = Loop(**{"lag_s": 20.0, "dead_s": 10.0, "gain": 0.8, "target": MAN} | values)
        self.tuning = {"gain": 0.5, "ti_s": 20.0, "td_s": 0.0}
        self.written: list[tuple[str, float | str | None]] = []
        self.silent_for = 0
        tags = tuple(TagInfo(f"FIC-101.{part}", writable=True) for part in PARTS)
        self.layout = Layout("tank", "C1", "loops", 500_000_000, (*tags, TagInfo("LI-103.PV")))

    async def run(self) -> None:
        async def layout(subject: str, payload: bytes) -> bytes:
            return layouts_to_bytes([self.layout])

        async def latest(subject: str, payload: bytes) -> bytes:
            if self.silent_for > 0:
                self.silent_for -= 1
                await asyncio.sleep(10.0)
            return frames_to_bytes([self.frame()])

        async def command(subject: str, payload: bytes) -> bytes:
            asked = Command.from_bytes(payload)
            part = asked.subject.rpartition(".")[2]
            self.written.append((part, asked.value))
            if part in ("GAIN", "TI", "TD"):
                self.tuning[PARTS[part]] = float(asked.value or 0.0)
            else:
                setattr(self.loop.block, PARTS[part], REQUESTS[str(asked.value)])
            return Reply(asked.id, True, f"{asked.subject} → {asked.value}").to_bytes()

        await self.bus.serve(layout_subject("tank", "C1"), layout)
        await self.bus.serve(latest_subject("tank", "C1"), latest)
        await self.bus.serve(command_subject("tank", "C1"), command)
        while True:
            self.loop.scan()
            await sleep(self.clock, 0.5)

    def frame(self) -> Frame:
        fields = [float(self.tuning.get(name, getattr(self.loop.block.record, name, 0.0))) for name in PARTS.values()]
        values = np.array([*fields, 12.0])
        return Frame(self.layout.hash, 1, self.clock.time_ns(), 1, 1, values, np.full(len(values), 128, np.uint8))


def on_plant(story, **values):
    """Run ``story(client, clock, controller)`` next to a controller."""

    async def main(loop: SimulatedLoop):
        clock = SimulatedClock(loop)
        hub = MemoryHub()
        controller = Controller(hub, clock, **values)
        task = loop.create_task(controller.run())
        bus = hub.connect("cli")
        endpoints = Endpoints("tank", "tank", "memory:", {"C1A": "controller"}, {"C1": ["C1A"]})
        await sleep(clock, 1.0)
        try:
            return await story(PlantClient(bus, endpoints), clock, controller)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await bus.close()
            await controller.bus.close()

    return run_simulated(main)


def run_tune(options: TuneOptions, **values):
    """Exit code and the controller afterwards."""

    async def story(client, clock, controller):
        return await tune_loop(client, clock, options), controller

    return on_plant(story, **values)


def test_a_test_is_run_and_its_results_are_shown(capsys):
    """Promise: one command starts the test, follows it and shows process and proposals; the tuning stays as it was."""
    code, controller = run_tune(TuneOptions("FIC-101"))
    assert code == 0
    assert controller.written == [("TUNE", "START")]
    shown = capsys.readouterr().out
    assert "checking that the loop is steady" in shown
    assert "FIC-101: finished" in shown
    assert float(re.findall(r"K = ([0-9.]+) ", shown)[0]) == pytest.approx(0.8, rel=0.02)
    assert "idle" not in shown
    lines = [line.split()[:2] for line in shown.splitlines()]
    for rule in ("simc", "lambda", "amigo"):
        assert [rule, "PI"] in lines
        assert [rule, "PID"] in lines


@pytest.mark.parametrize(("rule", "form", "expected"), [("simc", "PI", simc), ("amigo", "PID", amigo)])
def test_the_chosen_tuning_is_written(rule, form, expected):
    """Promise: GAIN, TI and TD get what the rule says of the process, and nothing else is written."""
    code, controller = run_tune(TuneOptions("FIC-101", rule=rule, form=form))
    wanted = expected(ProcessModel(0.8, 20.0, 10.25), form).tuning
    assert code == 0
    assert [part for part, _ in controller.written] == ["TUNE", "GAIN", "TI", "TD"]
    tuning = controller.tuning
    assert (tuning["gain"], tuning["ti_s"], tuning["td_s"]) == pytest.approx(
        (wanted.gain, wanted.ti_s, wanted.td_s), rel=0.05
    )


def test_the_last_results_can_be_applied_without_a_new_test():
    async def story(client, clock, controller):
        await tune_loop(client, clock, TuneOptions("FIC-101"))
        before = len(controller.loop.history)
        code = await tune_loop(client, clock, TuneOptions("FIC-101", rule="simc", last=True))
        return code, controller, len(controller.loop.history) - before

    code, controller, scans = on_plant(story)
    assert code == 0
    assert scans < 5
    assert controller.tuning["gain"] != 0.5


def test_a_refusal_says_why_and_leaves_everything(capsys):
    code, controller = run_tune(TuneOptions("FIC-101", rule="simc"), noise=0.4)
    assert code == 1
    assert "refused: the noise is more than a third of the hysteresis" in capsys.readouterr().out
    assert controller.written == [("TUNE", "START")]


def test_json_has_the_whole_answer(capsys):
    code, _ = run_tune(TuneOptions("FIC-101", as_json=True))
    answer = json.loads(capsys.readouterr().out)
    assert code == 0
    assert answer["text"] == "finished"
    assert answer["model"]["gain"] == pytest.approx(0.8, rel=0.05)
    assert len(answer["proposals"]) == 6
    assert answer["proposals"][0]["robustness"]["ms"] < 2.0


def test_abort_ends_a_test_that_another_terminal_started(capsys):
    async def story(client, clock, controller):
        waiting = asyncio.ensure_future(tune_loop(client, clock, TuneOptions("FIC-101")))
        await sleep(clock, 60.0)
        assert controller.loop.block.tune_state == RUNNING
        with pytest.raises(DcsError, match="being tested already"):
            await tune_loop(client, clock, TuneOptions("FIC-101"))
        assert await tune_loop(client, clock, TuneOptions("FIC-101", abort=True)) == 0
        return await waiting, controller

    code, controller = on_plant(story)
    assert code == 1
    assert controller.loop.block.out == 50.0
    assert "aborted by the operator" in capsys.readouterr().out


def test_ctrl_c_takes_the_test_back():
    """Promise: nobody leaves a running relay behind by closing the terminal with Ctrl-C."""

    async def story(client, clock, controller):
        waiting = asyncio.ensure_future(tune_loop(client, clock, TuneOptions("FIC-101")))
        await sleep(clock, 60.0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await sleep(clock, 2.0)
        return controller

    controller = on_plant(story)
    assert controller.written == [("TUNE", "START"), ("TUNE", "ABORT")]
    assert controller.loop.block.tune_state == IDLE


def test_a_switchover_of_the_controllers_meanwhile_does_not_matter():
    async def story(client, clock, controller):
        waiting = asyncio.ensure_future(tune_loop(client, clock, TuneOptions("FIC-101")))
        await sleep(clock, 40.0)
        controller.silent_for = 3
        return await waiting

    assert on_plant(story) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (TuneOptions("FIC-102"), r"There is no loop FIC-102\. Did you mean FIC-101\?"),
        (TuneOptions("LI-103"), r"LI-103 has no relay test\. Loops with one: FIC-101"),
        (TuneOptions("FIC-101", rule="ziegler"), "There is no tuning rule `ziegler`"),
        (TuneOptions("FIC-101", form="P"), "There is no form `P`"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(options, message):
    with pytest.raises(ConfigError, match=message):
        run_tune(options)
