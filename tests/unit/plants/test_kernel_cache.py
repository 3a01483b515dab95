"""Compiled kernels are kept between runs, and never outlive the text they were made from."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import plant_models

PACKAGE = Path(plant_models.__file__).parent
HELPER = """
from plant_models.kernel import kernel

@kernel
def factor(x):
    return {factor} * x
"""
CALLER = """
from plant_models.helper import factor
from plant_models.kernel import kernel

@kernel
def answer(x):
    return factor(x) + 1.0

print(answer(10.0), sum(answer.stats.cache_hits.values()))
"""


def answer_of(folder: Path, factor: float) -> tuple[float, int]:
    """(result, cache hits) of a kernel whose helper stands in another file."""
    (folder / "plant_models" / "helper.py").write_text(HELPER.format(factor=factor))
    environment = {**os.environ, "PYTHONPATH": str(folder), "DCS_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "plant_models.caller"], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    result, hits = done.stdout.split()
    return float(result), int(hits)


def test_an_edited_helper_in_another_file_is_not_forgotten(tmp_path: Path) -> None:
    """Numba alone would go on with the old machine code: it looks at the caller's file only."""
    (tmp_path / "plant_models").mkdir()
    for name in ("__init__.py", "kernel.py", "model.py"):
        shutil.copy(PACKAGE / name, tmp_path / "plant_models")
    (tmp_path / "plant_models" / "caller.py").write_text(CALLER)
    assert answer_of(tmp_path, 2.0) == (21.0, 0)
    assert answer_of(tmp_path, 2.0) == (21.0, 1)
    assert answer_of(tmp_path, 3.0) == (31.0, 0)
