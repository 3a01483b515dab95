"""What an FMU says of itself: variables, capabilities, and whether it can be a plant here.

Called by   ``plant_models.fmu.plant``.
Knows       ``modelDescription.xml`` as FMPy reads it. Whatever the FMU lacks is a ``ValueError`` with a sentence.
Source      Functional Mock-up Interface 2.0.4 and 3.0.2, fmi-standard.org.
"""

import math
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

from plant_models.model import INPUT, OUTPUT, PARAMETER

_ROLE_OF = {"input": INPUT, "output": OUTPUT, "parameter": PARAMETER}
_WHOLE = ("Integer", "Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Enumeration")
_NUMBERS = ("Real", "Float32", "Float64", *_WHOLE)
_STEPS_UNASKED = 500
_STEP_UNASKED_S = 0.1


@dataclass(frozen=True, slots=True)
class Signal:
    """One scalar variable. ``kind`` is the FMI type; ``fixed`` parameters can only be set before the start."""

    name: str
    reference: int
    kind: str
    role: str
    unit: str
    low: float
    high: float
    start: float | None
    meaning: str
    fixed: bool

    def encode(self, value: float) -> Any:
        """As the FMU takes it."""
        if self.kind == "Boolean":
            return value > 0.5
        return round(value) if self.kind in _WHOLE else float(value)


@dataclass(frozen=True, slots=True)
class Description:
    """An FMU that can be a plant. ``step_s`` is the step it asks for; ``start_s`` the time at which it begins."""

    file: Path
    version: int
    name: str
    title: str
    about: str
    identifier: str
    token: str
    signals: tuple[Signal, ...]
    left_out: int
    step_s: float
    start_s: float
    variable_step: bool
    inner_step_s: float | None
    restorable: bool

    def of_role(self, role: str) -> tuple[Signal, ...]:
        """The signals of one role, in order."""
        return tuple(signal for signal in self.signals if signal.role == role)


def fmpy() -> ModuleType:
    """The library. Raises ``ValueError`` with what to install."""
    try:
        import fmpy as library
    except ImportError:
        raise ValueError("FMUs are read by FMPy, which is not installed: pip install 'dcs-emulator[fmu]'") from None
    loaded: ModuleType = library
    return loaded


def read_description(file: Path) -> Description:
    """Read and judge an FMU. Raises ``ValueError`` with a sentence."""
    library = fmpy()
    if not file.is_file():
        raise ValueError(f"there is no FMU {file}")
    version = _version(file)
    if not version.startswith(("2.", "3.")):
        raise ValueError(f"{file.name} is an FMU of FMI {version}; 2.0 and 3.0 can be used. Export it anew.")
    try:
        read = library.read_model_description(str(file), validate=False)
        platforms = library.supported_platforms(str(file))
    except Exception as error:  # FMPy raises whatever the XML and ZIP readers raise
        raise ValueError(f"{file.name} cannot be read as an FMU: {_one_line(error)}") from error
    interface = read.coSimulation
    if interface is None:
        kinds = [name for name, has in (("model exchange", read.modelExchange), ("scheduled execution",
                 getattr(read, "scheduledExecution", None))) if has is not None]  # fmt: skip
        raise ValueError(
            f"{file.name} offers {' and '.join(kinds) or 'nothing'} only; a plant needs co-simulation, where the FMU "
            "brings its own integrator. Export it as a co-simulation FMU."
        )
    if interface.needsExecutionTool:
        tool = f" ({read.generationTool})" if read.generationTool else ""
        raise ValueError(f"{file.name} needs the tool it was made with{tool}; export it so that it runs without.")
    _check_platform(file, library, platforms)
    signals, left_out = _signals(read.modelVariables)
    if not any(signal.role == OUTPUT for signal in signals):
        raise ValueError(f"{file.name} has no outputs that are numbers: nothing of it could be measured.")
    step_s, start_s = _times(read.defaultExperiment, interface)
    return Description(
        file, int(version[0]), read.modelName, read.modelName, read.description or "", interface.modelIdentifier,
        read.guid or getattr(read, "instantiationToken", None) or "", signals, left_out, step_s, start_s,
        bool(interface.canHandleVariableCommunicationStepSize), _number(interface.fixedInternalStepSize),
        bool(interface.canGetAndSetFMUstate and interface.canSerializeFMUstate),
    )  # fmt: skip


def _version(file: Path) -> str:
    """Of the standard. Raises ``ValueError`` for what is no FMU at all."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open("modelDescription.xml") as text:
            return str(ElementTree.parse(text).getroot().get("fmiVersion"))
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, OSError) as error:
        raise ValueError(f"{file.name} cannot be read as an FMU: {_one_line(error)}") from error


def _check_platform(file: Path, library: ModuleType, platforms: list[str]) -> None:
    if library.platform in platforms:
        return
    binaries = [name for name in platforms if name != "c-code"]
    has = f"it has some for {', '.join(binaries)}" if binaries else "it has none at all"
    hint = " It brings its source: `fmpy compile` builds them." if "c-code" in platforms else ""
    raise ValueError(f"{file.name} has no binaries for this platform ({library.platform}); {has}.{hint}")


def _signals(variables: Iterable[Any]) -> tuple[tuple[Signal, ...], int]:
    """Inputs, outputs and parameters that are scalar numbers or switches; and how many are not."""
    found: list[Signal] = []
    left_out = 0
    for variable in variables:
        role = _ROLE_OF.get(variable.causality or "")
        if role is None:
            continue
        if variable.type not in (*_NUMBERS, "Boolean") or variable.dimensions:
            left_out += 1
            continue
        found.append(_signal(variable, role))
    return tuple(found), left_out


def _signal(variable: Any, role: str) -> Signal:
    declared = variable.declaredType

    def said(what: str) -> str | None:
        own = getattr(variable, what, None)
        value = own if own is not None else getattr(declared, what, None)
        return None if value is None else str(value)

    low, high = _end(said("min"), -math.inf), _end(said("max"), math.inf)
    if variable.type == "Boolean":
        low, high = 0.0, 1.0
    if not low < high:
        low, high = -math.inf, math.inf
    return Signal(
        variable.name, int(variable.valueReference), variable.type, role, said("unit") or "1", low, high,
        _start(variable), variable.description or variable.name, variable.variability == "fixed",
    )  # fmt: skip


def _end(text: str | None, otherwise: float) -> float:
    value = _number(text)
    return otherwise if value is None else value


def _start(variable: Any) -> float | None:
    text = variable.start
    if variable.type == "Boolean":
        return None if text is None else float(str(text).lower() in ("true", "1"))
    return _number(text)


def _number(text: object) -> float | None:
    try:
        value = float(str(text))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _times(experiment: Any, interface: Any) -> tuple[float, float]:
    """Step and start, from what the FMU says of its default experiment."""
    asked, start, stop = (_number(getattr(experiment, name, None)) for name in ("stepSize", "startTime", "stopTime"))
    inner = _number(interface.fixedInternalStepSize)
    start_s = start or 0.0
    if asked is not None and asked > 0.0:
        return asked, start_s
    if inner is not None and inner > 0.0:
        return inner, start_s
    if stop is not None and stop > start_s:
        return (stop - start_s) / _STEPS_UNASKED, start_s
    return _STEP_UNASKED_S, start_s


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
