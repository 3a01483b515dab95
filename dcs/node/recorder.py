"""What a run in the box leaves behind: every event and every sample, byte for byte the same for the same seed.

Called by   ``dcs simulate``; listens on the box's bus like any other node.
Writes      ``events.jsonl`` (one event a line), ``samples.parquet`` (time, tag, value, status, scan, epoch),
            ``summary.json``.
"""

import json
from bisect import bisect_right
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dcs.bus.api import Bus
from dcs.bus.messages import (
    Event,
    Frame,
    Layout,
    event_subject,
    frame_subject,
    late_subject,
    layout_subject,
    layouts_from_bytes,
)
from dcs.core.errors import Missing

_LAYOUT_TIMEOUT_S = 1.0


def prepare_results(out: Path) -> None:
    """Make the folder for the results. Raises ``Missing`` where it cannot be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise Missing(f"{out}: results cannot be written here ({error.strerror}). Name another with --out.") from None


class Recorder:
    """Collects in memory, writes at the end."""

    def __init__(self, plant: str, bus: Bus) -> None:
        self._plant = plant
        self._bus = bus
        self.events: list[Event] = []
        self.frames: list[Frame] = []
        self._layouts: dict[bytes, Layout] = {}
        self._seen: set[str] = set()  # only asked for membership: its order never shows
        self._times: set[tuple[str, str, int]] = set()  # pair, scan class and time of every frame; the same

    async def start(self) -> None:
        """Listen from now on."""
        await self._bus.subscribe(event_subject(self._plant, "*"), self._on_event)
        frames = frame_subject(self._plant, "*", "*")
        await self._bus.subscribe(frames, self._on_frame)
        await self._bus.subscribe(late_subject(frames), self._on_late)

    async def _on_event(self, subject: str, payload: bytes) -> None:
        event = Event.from_bytes(payload)
        if event.id not in self._seen:  # after a takeover some are published twice
            self._seen.add(event.id)
            self.events.append(event)

    async def _on_frame(self, subject: str, payload: bytes) -> None:
        frame = Frame.from_bytes(payload)
        self._times.add(_when(subject, frame))
        await self._learn(subject, frame)
        self.frames.append(frame)

    async def _on_late(self, subject: str, payload: bytes) -> None:
        """A scan that may have come live: kept where there is none, in the order of time."""
        frame = Frame.from_bytes(payload)
        if _when(subject, frame) not in self._times:
            self._times.add(_when(subject, frame))
            await self._learn(subject, frame)
            self.frames.insert(bisect_right(self.frames, frame.time_ns, key=lambda one: one.time_ns), frame)

    async def _learn(self, subject: str, frame: Frame) -> None:
        if frame.layout_hash not in self._layouts:
            answer = await self._bus.request(layout_subject(self._plant, subject.split(".")[3]), b"", _LAYOUT_TIMEOUT_S)
            for layout in layouts_from_bytes(answer):
                self._layouts[layout.hash] = layout

    # --- what became of it ------------------------------------------------------------------------------------
    def layout(self, frame: Frame) -> Layout:
        """The columns of a recorded frame."""
        return self._layouts[frame.layout_hash]

    def trace(self, tag: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """(UTC times in ns, values) of one tag over the whole run; raises ``KeyError`` for an unknown tag."""
        times, values = [], []
        for frame in self.frames:
            names = [info.name for info in self.layout(frame).tags]
            if tag in names:
                times.append(frame.time_ns)
                values.append(frame.values[names.index(tag)])
        if not times:
            raise KeyError(tag)
        return np.array(times), np.array(values)

    def summary(self, seed: int, simulated_s: float) -> dict[str, Any]:
        """Counts, and where the run ended; nothing in it depends on the machine."""
        last: dict[str, float | None] = {}
        for layout in self._layouts.values():
            frames = [frame for frame in self.frames if frame.layout_hash == layout.hash]
            for i, info in enumerate(layout.tags if frames else ()):
                value = float(frames[-1].values[i])
                last[info.name] = value if value == value else None
        return {
            "plant": self._plant,
            "seed": seed,
            "simulated_s": simulated_s,
            "scans": len(self.frames),
            "epochs": sorted({frame.epoch for frame in self.frames}),
            "events": dict(sorted(Counter(event.kind for event in self.events).items())),
            "last": last,
        }

    def write(self, out: Path, summary: dict[str, Any]) -> None:
        """Write the three files into a folder that ``prepare_results`` has seen."""
        with (out / "events.jsonl").open("wb") as lines:
            for event in self.events:
                lines.write(event.to_bytes() + b"\n")
        (out / "summary.json").write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        pq.write_table(self._samples(), out / "samples.parquet", compression="zstd")

    def _samples(self) -> pa.Table:
        names = list(dict.fromkeys(info.name for layout in self._layouts.values() for info in layout.tags))
        number = {name: i for i, name in enumerate(names)}
        codes = {
            key: np.array([number[t.name] for t in layout.tags], np.int32) for key, layout in self._layouts.items()
        }
        sizes = np.array([len(frame.values) for frame in self.frames], np.int64)

        def repeated(column: list[int]) -> np.ndarray[Any, Any]:
            return np.repeat(np.array(column, np.int64), sizes)

        def joined(columns: list[Any], dtype: Any) -> np.ndarray[Any, Any]:
            return np.concatenate(columns).astype(dtype) if columns else np.zeros(0, dtype)

        tag_codes = pa.array(joined([codes[frame.layout_hash] for frame in self.frames], np.int32))
        return pa.table(
            {
                "time": pa.array(repeated([frame.time_ns for frame in self.frames]), pa.timestamp("ns", "UTC")),
                "tag": pa.DictionaryArray.from_arrays(tag_codes, pa.array(names, pa.string())),
                "value": pa.array(joined([frame.values for frame in self.frames], np.float64)),
                "status": pa.array(joined([frame.statuses for frame in self.frames], np.uint8)),
                "scan": pa.array(repeated([frame.scan for frame in self.frames])),
                "epoch": pa.array(repeated([frame.epoch for frame in self.frames])),
            }
        )


def _when(subject: str, frame: Frame) -> tuple[str, str, int]:
    pair, scan_class = subject.split(".")[3:5]
    return pair, scan_class, frame.time_ns
