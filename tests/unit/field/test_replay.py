"""Recording what passes between a driver and a device, and playing it back as a device."""

import asyncio
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from dcs.core.clock import NS_PER_MS, NS_PER_S, WallClock
from dcs.core.errors import LinkDown, Missing
from dcs.core.simulated_time import SimulatedClock, run_simulated
from field_io.devices.modbus_server import free_port
from field_io.devices.simulated import SimulatedModbusDevice, simulated_devices
from field_io.drivers.links.choice import memory_link, wire_link
from field_io.drivers.links.recording_link import RecordingLink
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.memory_network import MemoryNetwork
from field_io.modbus import pdu
from field_io.modbus.pdu import bytes_of
from field_io.recording import RecordingFile, read_exchanges, read_head
from field_io.replay import Player
from field_io.specs import DeviceSpec, PointSpec, ReplaySpec
from tests.support.command_line import dcs

POINTS = (
    PointSpec("LT", "input", 0, "int16", unit="mA", scale=0.001),
    PointSpec("FT", "input", 4, "float32"),
    PointSpec("RUNS", "discrete", 3, "bool"),
    PointSpec("VALVE", "holding", 0, "float32", direction="out"),
)
SPEC = DeviceSpec("RTU-1", port=5020, poll_ns=NS_PER_S, timeout_ns=200 * NS_PER_MS, points=POINTS)
SECONDS = 20
Seen = list[tuple[tuple[float, ...], tuple[int, ...]]]


def run(spec: DeviceSpec, record: Path | None, seconds: int, happens: bool = True) -> Seen:
    """Values and statuses at every half second; with ``happens`` the device changes, falls silent and refuses."""
    seen: Seen = []

    async def main(loop: object) -> None:
        clock, network = SimulatedClock(asyncio.get_running_loop()), MemoryNetwork()  # type: ignore[arg-type]
        (device,) = simulated_devices([spec], clock, network)
        link = memory_link(spec, network)
        driver = ModbusDriver(
            spec, RecordingLink(link, RecordingFile(record, "RTU-1", 1), clock) if record else link, clock,
            random.Random(1),
        )  # fmt: skip
        await device.start()
        task = asyncio.create_task(driver.run())
        for half in range(2 * seconds):
            if happens:
                change(device, half)
            if half % 6 == 5:
                await driver.write({"VALVE": float(half)}, lambda: True)
            await clock.sleep_until(half * NS_PER_S // 2 + 300 * NS_PER_MS)
            image = driver.image(clock.monotonic_ns())
            seen.append((tuple(image.values.tolist()), tuple(image.statuses.tolist())))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        device.stop()

    run_simulated(main)
    return seen


def change(device: SimulatedModbusDevice, half: int) -> None:
    device.set_values(("LT", "FT", "RUNS"), (4.0 + 0.1 * half, half / 3.0, float(half % 4 > 1)))
    if half == 12:
        device.unit.silent = True
    if half == 18:
        device.unit.silent = False
        device.set_latency(0.05)
    if half == 26:
        device.refuse(4)
    if half == 30:
        device.refuse(0)


def played(file: Path, end: str = "hold", **changes: object) -> DeviceSpec:
    return replace(SPEC, replay=ReplaySpec(str(file), end), **changes)  # type: ignore[arg-type]


def test_played_back_to_the_same_driver_every_value_and_status_is_the_same(tmp_path: Path) -> None:
    file = tmp_path / "RTU-1.jsonl"
    before = run(SPEC, file, SECONDS)
    assert len({values for values, _ in before}) > 12, "a recording in which nothing happens proves nothing"
    assert len({statuses for _, statuses in before}) >= 3
    assert run(played(file), None, SECONDS, happens=False) == before


def test_recording_changes_nothing(tmp_path: Path) -> None:
    assert run(SPEC, tmp_path / "a.jsonl", SECONDS) == run(SPEC, None, SECONDS)


def test_another_poll_plan_and_period_find_the_values_that_stood(tmp_path: Path) -> None:
    """Other requests than the recorded ones are put together from the registers that were read until then."""
    file = tmp_path / "RTU-1.jsonl"
    before = run(replace(SPEC, gap_max=120), file, 6)
    split = run(played(file, gap_max=0), None, 6, happens=False)
    assert split == before
    often = run(played(file, gap_max=0, poll_ns=NS_PER_S // 4), None, 6, happens=False)
    assert {values[1] for values, _ in often} >= {values[1] for values, _ in before}


@pytest.mark.parametrize("end", ["hold", "loop", "silent"])
def test_behind_the_end(tmp_path: Path, end: str) -> None:
    file = tmp_path / "RTU-1.jsonl"
    before = run(SPEC, file, 5)
    after = run(played(file, end), None, 20, happens=False)
    assert after[:9] == before[:9]
    if end == "hold":
        assert set(after[12:]) == {before[-1]}
    elif end == "silent":
        assert after[-1][1][0] < 64
        assert after[-1][0] == before[-1][0]
    else:
        assert {values[1] for values, _ in after[12:]} >= {values[1] for values, _ in before[2:-2]}
        assert all(statuses == before[-1][1] for _, statuses in after[12:])


# --- the file --------------------------------------------------------------------------------------------------
READ = pdu.read("holding", 0, 2)


def recorded(path: Path, *exchanges: tuple[float, bytes | None, bytes | None]) -> Path:
    file = RecordingFile(path, "DEV", 1)
    for at_s, request, answer in exchanges:
        file.note(NS_PER_S + round(at_s * NS_PER_S), 2_000_000, request, answer, "" if answer else "no answer")
    file.close()
    return path


def holding(*words: int) -> bytes:
    return bytes((3, 2 * len(words))) + bytes_of(words)


def test_the_file_is_lines_of_json_as_documented(tmp_path: Path) -> None:
    path = recorded(tmp_path / "sub" / "a.jsonl", (0.0, READ, holding(1, 2)), (1.5, READ, None), (2.0, None, None))
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines == [
        {"format": "dcs modbus traffic", "version": 1, "device": "DEV", "unit": 1, "start": NS_PER_S},
        [0, 2000, "0300000002", "030400010002"],
        [1_500_000, 2000, "0300000002", None, "no answer"],
        [2_000_000, 2000, None, None, "no answer"],
    ]
    assert [exchange.answer for exchange in read_exchanges(path)] == [holding(1, 2), None, None]


def test_a_file_is_continued_and_a_torn_line_costs_itself_alone(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.jsonl", (0.0, READ, holding(1, 2)), (1.0, READ, holding(3, 4)))
    path.write_text(path.read_text(encoding="utf-8")[:-8], encoding="utf-8")
    recorded(path, (2.0, READ, holding(5, 6)))
    assert [(exchange.asked_ns, exchange.answer) for exchange in read_exchanges(path)] == [
        (0, holding(1, 2)),
        (2 * NS_PER_S, holding(5, 6)),
    ]
    assert path.read_text(encoding="utf-8").count("format") == 1


def test_a_recording_is_bounded(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a.jsonl", "DEV", 1, bytes_max=5000)
    for at in range(1000):
        file.note(at, 0, READ, holding(at, at))
    assert file.full
    assert (tmp_path / "a.jsonl").stat().st_size < 5200
    assert (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()[-1] == '{"end": "full"}'
    assert 50 < len(list(read_exchanges(tmp_path / "a.jsonl"))) < 200


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "there is no recording"),
        ("", "is no recording of Modbus traffic"),
        ("no json\n", "is no recording of Modbus traffic"),
        ('{"format": "other"}\n', "is no recording of Modbus traffic"),
        ('{"format": "dcs modbus traffic", "version": 9, "start": 1}\n', "is a recording of version 9"),
    ],
)
def test_what_is_no_recording_is_one_sentence(tmp_path: Path, text: str | None, sentence: str) -> None:
    path = tmp_path / "a.jsonl"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    for reads in (read_head, Player):
        with pytest.raises(Missing, match=sentence):
            reads(path)


def test_where_nothing_can_be_recorded_it_says_so_at_the_start_and_a_full_disk_ends_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(Missing, match="cannot be recorded here"):
        RecordingFile(tmp_path / "file" / "a.jsonl", "DEV", 1)
    with pytest.raises(Missing, match="is no recording"):
        RecordingFile(tmp_path / "file", "DEV", 1)
    file = RecordingFile(tmp_path / "a.jsonl", "DEV", 1)

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    for at in range(200):
        file.note(at, 0, READ, None)
    file.close()
    assert file.full


def test_rubbish_between_the_lines_is_passed_over(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.jsonl", (0.0, READ, holding(1, 2)))
    with path.open("a", encoding="utf-8") as file:
        file.write('[]\n[1]\n["x", 0, "03", null]\n[5, 0, "zz", null]\n{"a": 1}\nnull\n[7, 0, 5, 6]\n')
    recorded(path, (1.0, READ, holding(3, 4)))
    assert len(list(read_exchanges(path))) == 2


# --- the player --------------------------------------------------------------------------------------------------
def test_an_answer_comes_as_late_as_it_came_then_and_stands_until_the_next(tmp_path: Path) -> None:
    player = Player(recorded(tmp_path / "a.jsonl", (0.0, READ, holding(1, 2)), (3.0, READ, holding(3, 4))))
    for at_s, wanted in ((0.0, holding(1, 2)), (2.999, holding(1, 2)), (3.0, holding(3, 4)), (99.0, holding(3, 4))):
        assert player.answer(READ, round(at_s * NS_PER_S)) == (wanted, 0.002)


def test_requests_that_were_never_recorded_are_put_together_or_refused(tmp_path: Path) -> None:
    coils = pdu.read("coil", 0, 10)
    path = recorded(
        tmp_path / "a.jsonl", (0.0, READ, holding(1, 2)), (0.1, pdu.read("holding", 2, 1), holding(3)),
        (0.2, coils, bytes.fromhex("01 02 05 02")),
    )  # fmt: skip
    player, at_ns = Player(path), NS_PER_S
    assert player.answer(pdu.read("holding", 1, 2), at_ns) == (holding(2, 3), 0.0)
    assert player.answer(pdu.read("coil", 2, 8), at_ns) == (bytes.fromhex("01 01 81"), 0.0)
    assert player.answer(pdu.read("holding", 1, 3), at_ns) == (b"\x83\x02", 0.0)
    assert player.answer(pdu.read("input", 0, 1), at_ns) == (b"\x84\x02", 0.0)
    assert player.answer(b"\x64", at_ns) == (b"\xe4\x02", 0.0)


def test_a_write_is_acknowledged_as_then_with_the_values_of_now(tmp_path: Path) -> None:
    then = pdu.write("holding", 0, b"\0\1\0\2")
    refused = pdu.write("holding", 9, b"\0\1", single=True)
    path = recorded(tmp_path / "a.jsonl", (0.0, then, then[:5]), (0.1, refused, b"\x86\x03"))
    player, at_ns = Player(path), NS_PER_S
    now = pdu.write("holding", 0, b"\7\7\7\7")
    assert player.answer(now, at_ns)[0] == now[:5]
    assert player.answer(pdu.write("holding", 9, b"\7\7", single=True), at_ns)[0] == b"\x86\x03"
    single = pdu.write("holding", 5, b"\7\7", single=True)
    assert player.answer(single, at_ns)[0] == single


def test_while_nobody_accepted_a_connection_nobody_answers(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.jsonl", (0.0, READ, holding(1, 2)), (2.0, None, None), (4.0, READ, holding(1, 2)))
    player = Player(path)
    found = [player.answer(READ, at_s * NS_PER_S)[0] is not None for at_s in range(6)]
    assert found == [True, True, False, False, True, True]


# --- captured from elsewhere, played here ----------------------------------------------------------------------------
@pytest.mark.system
def test_what_was_captured_over_sockets_is_played_back_in_memory_and_over_sockets(tmp_path: Path) -> None:
    file = tmp_path / "real.jsonl"

    async def ask(spec: DeviceSpec, record: bool) -> list[bytes]:
        (device,) = simulated_devices([spec], WallClock(), None)
        if spec.replay is None:
            device.set_values(("LT", "FT"), (12.0, 3.25))
        await device.start()
        link = wire_link(spec)
        heard = RecordingLink(link, RecordingFile(file, "RTU-1", 1), WallClock()) if record else link
        await heard.connect()
        answers = [await heard.read("input", 0, 6), await heard.read("discrete", 3, 1)]
        heard.abort()
        device.stop()
        await asyncio.sleep(0.01)
        return answers

    async def wire() -> None:
        port = await free_port()
        there = await ask(replace(SPEC, port=port), record=True)
        assert there[0] != bytes(12)
        assert await ask(played(file, port=port), record=False) == there

    asyncio.run(wire())

    async def memory(loop: object) -> None:
        network = MemoryNetwork()
        clock = SimulatedClock(asyncio.get_running_loop())  # type: ignore[arg-type]
        (device,) = simulated_devices([played(file)], clock, network)
        await device.start()
        link = memory_link(SPEC, network)
        await link.connect()
        assert (await link.read("input", 0, 6)).hex() == next(iter(read_exchanges(file))).answer.hex()[4:]  # type: ignore[union-attr]
        link.abort()
        device.stop()

    run_simulated(memory)


def test_a_recording_that_is_missing_ends_the_start_of_the_device_with_a_sentence(tmp_path: Path) -> None:
    async def main(loop: object) -> None:
        clock = SimulatedClock(asyncio.get_running_loop())  # type: ignore[arg-type]
        with pytest.raises(Missing, match="there is no recording"):
            simulated_devices([played(tmp_path / "absent.jsonl")], clock, MemoryNetwork())

    run_simulated(main)


def test_a_connection_that_does_not_come_about_is_recorded(tmp_path: Path) -> None:
    async def main(loop: object) -> None:
        clock = SimulatedClock(asyncio.get_running_loop())  # type: ignore[arg-type]
        file = RecordingFile(tmp_path / "a.jsonl", "RTU-1", 1)
        link = RecordingLink(memory_link(SPEC, MemoryNetwork()), file, clock)
        with pytest.raises(LinkDown):
            await link.connect()
        link.abort()

    run_simulated(main)
    (exchange,) = read_exchanges(tmp_path / "a.jsonl")
    assert exchange.request is None
    assert "accepts no connection" in exchange.why


# --- a whole plant ------------------------------------------------------------------------------------------
def levels(out: Path) -> list[tuple[str, float, int]]:
    import pyarrow.parquet as pq

    table = pq.read_table(out / "samples.parquet", columns=["tag", "value", "status"]).to_pydict()
    rows = zip(table["tag"], table["value"], table["status"], strict=True)
    return [row for row in rows if row[0].endswith(".PV")]


def test_a_whole_plant_is_recorded_and_replayed_whatever_its_plant_does_meanwhile(tmp_path: Path) -> None:
    def simulate(out: str, *more: object) -> list[tuple[str, float, int]]:
        done = dcs("simulate", "heated_tank", "--for", "60 s", "--out", tmp_path / out, *more)
        assert done.code == 0, done.err
        return levels(tmp_path / out)

    colder = ("--set", "field.devices.RTU-1.points.TT-101.signal.noise=3 degC")
    first = simulate("first", "--record", tmp_path / "traffic")
    assert sorted(file.name for file in (tmp_path / "traffic").iterdir()) == [
        "MCC-1.C1A.jsonl", "MCC-1.C1B.jsonl", "RTU-1.C1A.jsonl", "RTU-1.C1B.jsonl",
    ]  # fmt: skip
    sets: list[str] = []
    for device in ("MCC-1", "RTU-1"):
        sets += ["--set", f"field.devices.{device}.replay={{file: {tmp_path}/traffic/{device}.C1A.jsonl}}"]
    assert simulate("other", *colder) != first
    assert simulate("again", *colder, *sets) == first
