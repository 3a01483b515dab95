"""Every kernel of the product, compiled once by two processes: ``python -m tests.support.kernels``.

Called by   ``make test`` while the linters run. Without it, the tests would still compile what they need, but both
            processes of pytest the same at the same time.
Knows       the block types, the shipped plants and their marks in the cache. A test that needs a cold cache has a
            folder of its own.
"""

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import dcs.blocks.library  # noqa: F401  (fills BLOCK_TYPES)
from dcs.blocks.declare import BLOCK_TYPES, INTERNAL_TYPES
from dcs.config.find import find_config, shipped_configs
from dcs.engine.kernels import warm_cache
from dcs.node.assembly import create_plant, load_configuration
from dcs.node.warm import cache_root, ensure_warm

PROCESSES = 2
_KINDS = {**BLOCK_TYPES, **INTERNAL_TYPES}


def compile_plant(name: str) -> None:
    """The model of a shipped plant."""
    plant = create_plant(load_configuration(find_config(name)))
    plant.advance(plant.type.step_s)


def compile_block(name: str) -> None:
    """A block type, and the driver that all of them need."""
    warm_cache(_quiet, [_KINDS[name]])


def main() -> int:
    """Fill the cache and say how long it took."""
    started_s = time.monotonic()
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:  # models first: they take longest
        work = [pool.submit(compile_plant, name) for name in sorted(shipped_configs())]
        work += [pool.submit(compile_block, name) for name in _KINDS]
        for one in work:
            one.result()
    for name in sorted(shipped_configs()):  # all is there: this leaves the mark by which a launcher knows it
        ensure_warm(load_configuration(find_config(name)), _quiet)
    print(f"{len(work)} kernels are in {cache_root()} after {time.monotonic() - started_s:.0f} s")
    return 0


def _quiet(text: str) -> None:
    del text


if __name__ == "__main__":
    sys.exit(main())
