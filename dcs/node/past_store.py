"""Where computed pasts lie, and how a run gets one: from the cache, else computed now.

Called by   ``dcs demo``.
Knows       the cache folder; a past is named by everything that it depends on: the configuration, its seed, our code.
Promise     a past that is half written, or half computed, is never used; a past that cannot be had costs nothing but
            empty trends.
"""

import hashlib
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from dcs.config.plant_config import PlantConfig
from dcs.core.clock import NS_PER_S
from dcs.core.errors import DcsError
from dcs.core.units import duration_text
from dcs.node.assembly import build_direct
from dcs.node.checkpoint import write_checkpoint
from dcs.node.keep import Keep
from dcs.node.past import Past
from dcs.node.warm import cache_root, digest_of_sources
from dcs.redundancy.messages import Generation

PIECE, END_PIECE = "past", "past-end"
"""What the field node keeps: the past itself or the file that holds it, and when it ended (ns UTC, eight bytes)."""
_FILE = b"file:"

_PACKAGES = (
    "dcs.blocks", "dcs.engine", "dcs.alarms", "dcs.core", "dcs.config", "dcs.node", "dcs.structured_text", "field_io",
    "plant_models",
)  # fmt: skip
_KEPT = 3
Tell = Callable[[str], None]


def past_of(config: PlantConfig, tell: Tell) -> Past | None:
    """The past that the configuration asks for; None when it asks for none, or when it cannot be had (told)."""
    if not config.demo.past_ns:
        return None
    path = past_file(config)
    try:
        return Past.from_bytes(path.read_bytes())
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        tell(f"The past in {path} is not used: {error}")
    try:
        past = _compute(config, tell)
    except (DcsError, ArithmeticError, ValueError) as error:
        tell(f"The past could not be computed: {error} The plant starts without one.")
        return None
    _keep(past, path, tell)
    return past


def past_file(config: PlantConfig) -> Path:
    """Where the past of this configuration, by this code, lies or would lie."""
    digest = hashlib.blake2b(digest_size=10)
    demo = config.demo
    digest.update(repr((config.digest, config.model.seed, demo.past_ns, demo.sample_ns)).encode())
    digest.update(digest_of_sources(_PACKAGES).encode())
    return cache_root() / f"past-{config.name}-{digest.hexdigest()}"


def lay_out(past: Past, config: PlantConfig, keep_of: Callable[[str], Keep], end_ns: int) -> None:
    """Put it where the nodes of a run that begins now find it: the field node the past, controllers their memories."""
    keep = keep_of("field")
    path = past_file(config)
    keep.write(PIECE, _FILE + str(path.resolve()).encode() if path.is_file() else past.to_bytes())
    keep.write(END_PIECE, struct.pack("<q", end_ns))
    for one in past.controllers:
        words = np.frombuffer(one.copy[-one.memory_bytes :], np.int64).copy()
        words[list(one.time_words)] += end_ns
        copy = one.copy[: -one.memory_bytes] + words.tobytes()
        rank = (Generation(0, 1), one.scan)  # newer than nothing, older than whatever this run brings
        for member in config.controller(one.pair).members:
            write_checkpoint(keep_of(member), one.plan, partial(bytes, one.shape), rank, end_ns, copy, joins=True)


def read_past(keep: Keep) -> tuple[Past, int] | None:
    """What was laid out for the field node, and when it ended; None when nothing was. Raises ``ValueError``."""
    packed, end = keep.read(PIECE), keep.read(END_PIECE)
    if packed is None or end is None:
        return None
    if packed.startswith(_FILE):
        path = Path(packed.removeprefix(_FILE).decode())
        try:
            packed = path.read_bytes()
        except OSError as error:
            raise ValueError(f"{path} cannot be read ({error.strerror})") from None
    return Past.from_bytes(packed), struct.unpack("<q", end)[0]


def _compute(config: PlantConfig, tell: Tell) -> Past:
    from dcs.node.past_run import compute_past  # loads the compiler: only when there is something to compute

    demo = config.demo
    whole = duration_text(demo.past_ns)
    told_s = 0.0

    def progress(done_s: float) -> None:
        nonlocal told_s
        if done_s - told_s >= demo.past_ns / NS_PER_S / 100.0:
            told_s = done_s
            done = duration_text(round(done_s) // 60 * 60 * NS_PER_S)
            tell(f"Computing the last {whole} (only the first time): {done} of {whole}")

    tell(f"Computing the last {whole} (only the first time) …")
    plant = build_direct(config, every_s=0.0)
    return compute_past(config, plant, demo.past_ns, demo.sample_ns, progress)


def _keep(past: Past, path: Path, tell: Tell) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + ".new")
        beside.write_bytes(past.to_bytes())
        beside.replace(path)
        family = path.name.rpartition("-")[0]
        older = sorted(path.parent.glob(f"{family}-*"), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in older[_KEPT:]:
            old.unlink(missing_ok=True)
    except OSError as error:
        tell(f"The past cannot be kept ({error}); the next start computes it again.")
