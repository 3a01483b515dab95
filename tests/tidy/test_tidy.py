"""The tidy test: every file of the project keeps the rules of ``tests/tidy/rules.py``.

A rule that really must be broken somewhere is waived in ``EXCEPTIONS``, with the reason.
"""

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.tidy.rules import EVERYWHERE, EXCEPTIONS, PRODUCT, Rule, Source

ROOT = Path(__file__).parents[2]
PACKAGES = ("dcs", "field_io", "hmi", "plant_models")
TEXT_FOLDERS = (*PACKAGES, "configs", "docs", "tests", "tools", ".ci")
ENDINGS = (".py", ".yaml", ".yml", ".c", ".js", ".sh", ".toml")


@cache
def files(folders: tuple[str, ...], endings: tuple[str, ...]) -> tuple[Source, ...]:
    """Read once, and parsed once, for all rules."""
    return tuple(_read(folders, endings))


def _read(folders: tuple[str, ...], endings: tuple[str, ...]) -> Iterator[Source]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            hidden = any(
                part.startswith(".") or part == "__pycache__" for part in path.relative_to(ROOT / folder).parts
            )
            if path.is_file() and path.suffix in endings and not hidden:
                yield Source.read(ROOT, path)


def check(rule: Rule, sources: tuple[Source, ...]) -> None:
    waived = EXCEPTIONS.get(rule.__name__, {})
    found = [sentence for source in sources if source.path not in waived for sentence in rule(source)]
    assert not found, f"\n{rule.__doc__}\n" + "\n".join(found)


@pytest.mark.parametrize("rule", EVERYWHERE, ids=lambda rule: rule.__name__)
def test_every_file(rule: Rule) -> None:
    check(rule, files(TEXT_FOLDERS, ENDINGS))


@pytest.mark.parametrize("rule", PRODUCT, ids=lambda rule: rule.__name__)
def test_every_module_of_the_product(rule: Rule) -> None:
    check(rule, files(PACKAGES, (".py",)))


def test_every_exception_is_still_needed() -> None:
    """A waiver for a file that is gone, or keeps the rule by now, is deleted."""
    rules = {rule.__name__: rule for rule in (*EVERYWHERE, *PRODUCT)}
    for name, waived in EXCEPTIONS.items():
        for path, reason in waived.items():
            assert reason
            assert (ROOT / path).is_file(), f"{path} is gone; delete its exception from {name}"
            assert list(rules[name](Source.read(ROOT, ROOT / path))), (
                f"{path} keeps {name} by now; delete its exception"
            )


_WITHOUT_QT = """
import importlib.abc, pkgutil, sys

class NoQt(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("PySide6", "PyQt5", "PyQt6", "shiboken6", "pyqtgraph"):
            raise ImportError(f"{name} is not here")

sys.meta_path.insert(0, NoQt())
import hmi.model
for module in pkgutil.walk_packages(hmi.model.__path__, "hmi.model."):
    __import__(module.name)
    print(module.name)
"""


def test_the_operators_model_works_without_qt() -> None:
    """Every module of ``hmi.model`` is imported where no Qt can be."""
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_QT], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "hmi.model." in done.stdout
