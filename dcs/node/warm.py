"""Whether the compile cache is warm, told without loading the compiler.

Called by   the launcher: five processes would compile the same kernels at the same time, so one does it before they
            start; and importing the compiler only to find that there is nothing to do costs a second of every start.
Knows       a mark in the cache folder, named by everything that the kernels depend on.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dcs.config.plant_config import PlantConfig
from dcs.node.assembly import warm_up

_PACKAGES = ("dcs.blocks", "dcs.engine", "dcs.alarms", "dcs.core", "plant_models")


def ensure_warm(config: PlantConfig, tell: Callable[[str], None]) -> None:
    """Compile what the nodes of this plant need, unless it was done before; ``tell`` hears of the work."""
    mark = cache_root() / f"warm-{_key(config)}"
    if mark.exists():
        return
    warm_up(config, tell)
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    except OSError:
        tell("the cache folder cannot be written")  # the kernels say where and what to do when they need it


def cache_root() -> Path:
    """Beside the run directories, or where the user named it: marks, computed pasts."""
    from dcs.node.run_dirs import state_dir

    return Path(os.environ.get("DCS_CACHE_DIR") or state_dir() / "cache")


def _key(config: PlantConfig) -> str:
    digest = hashlib.blake2b(digest_size=12)
    parts = (sys.version, platform.machine(), platform.processor(), platform.node(), config.model.type)
    digest.update(repr((*parts, config.model.integrator, importlib.metadata.version("numba"))).encode())
    used = {block.type for controller in config.controllers for block in controller.strategy.blocks}
    digest.update(repr(sorted(used)).encode())
    digest.update(os.environ.get("NUMBA_DISABLE_JIT", "").encode())
    for path in config.files:
        if path.suffix == ".py":  # block types of the user
            digest.update(path.read_bytes())
    digest.update(digest_of_sources(_PACKAGES).encode())
    return digest.hexdigest()


def digest_of_sources(packages: Sequence[str]) -> str:
    """Changes when any source of these packages changes."""
    digest = hashlib.blake2b(digest_size=12)
    for package in packages:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        for folder in spec.submodule_search_locations or ():
            for path in sorted(Path(folder).rglob("*.py")):
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
