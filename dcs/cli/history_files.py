"""What tags were in a simulated run, from the folder of its results.

Called by   ``dcs.cli.history``.
Knows       ``samples.parquet`` and ``events.jsonl`` as ``dcs.node.recorder`` writes them. They do not say what a tag's
            unit and decimals are.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dcs.bus.history import Series
from dcs.bus.messages import Event, TagInfo
from dcs.cli.client import unknown_tag
from dcs.core.clock import NS_PER_S
from dcs.core.errors import ConfigError, Missing
from dcs.node.gaps import Gaps

if TYPE_CHECKING:
    from dcs.cli.history import Found, Window

_DECIMALS = 4


def read_results(folder: Path, tags: tuple[str, ...], window_of: "Callable[[int], Window]") -> "Found":
    """``window_of(time of the newest sample)``. Raises ``ConfigError`` for an unknown tag, ``Missing``."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from dcs.cli.history import SAMPLES_FILE, Found

    try:
        samples = pq.read_table(folder / SAMPLES_FILE)
        events = _events(folder)
        known = pc.unique(samples["tag"].cast("string")).to_pylist()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Missing(f"{folder / SAMPLES_FILE}: this cannot be read as the samples of a run ({error}).") from None
    for tag in tags:
        if tag not in known:
            raise ConfigError(unknown_tag(tag, known, of_running=False))
    window = window_of(int(pc.max(samples["time"].cast("int64")).as_py()))
    series = {}
    for tag in tags:
        own = samples.filter(pc.equal(samples["tag"].cast("string"), tag))
        columns = {name: own[name].to_numpy() for name in ("value", "status", "epoch")}
        series[tag] = _series(own["time"].cast("int64").to_numpy(), columns, window)
    infos = {tag: TagInfo(tag, decimals=_DECIMALS, kind="mode" if tag.endswith(".MODE") else "float") for tag in tags}
    return Found(series, infos, events)


def _series(time_ns: "np.ndarray", columns: "dict[str, np.ndarray]", window: "Window") -> Series:
    gaps = Gaps()
    period_ns = int(np.median(np.diff(time_ns))) if len(time_ns) > 1 else 0
    for one in time_ns.tolist():
        gaps.put(one, period_ns)
    inside = (time_ns >= window.from_ns) & (time_ns <= window.to_ns)
    times, epochs = time_ns[inside], columns["epoch"][inside]
    starts = np.flatnonzero(np.diff(epochs, prepend=-1)).tolist()
    return Series(
        times,
        columns["value"][inside],
        columns["status"][inside].astype(np.uint8),
        period_ns / NS_PER_S,
        epochs=tuple((int(times[at]), int(epochs[at])) for at in starts),
        gaps=gaps.between(window.from_ns, window.to_ns),
    )


def _events(folder: Path) -> list[Event]:
    path = folder / "events.jsonl"
    return [Event.from_bytes(line) for line in path.read_bytes().splitlines()] if path.exists() else []
