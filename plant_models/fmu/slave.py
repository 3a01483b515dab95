"""One instance of a co-simulation FMU: FMI 2 and FMI 3 behind the same few calls.

Called by   ``plant_models.fmu.plant``.
Knows       FMPy's two classes of slaves, and the library inside of the FMU. Whatever fails is a ``ValueError`` with the
            FMU's own last words; a step that fails is an answer, because a plant that breaks down is an event.
"""

import ctypes
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

from plant_models.fmu.description import Description, Signal, fmpy
from plant_models.kernel import cache_root

DONE, TERMINATED, FAILED = "done", "terminated", "failed"
_WARNING, _DISCARD = 1, 2
_WORDS_KEPT = 3
_KIND_2 = {"Real": "Real", "Integer": "Integer", "Enumeration": "Integer", "Boolean": "Boolean"}
_TERMINATED_2 = 3  # fmi2Terminated


class Slave:
    """An FMU between its start and its end."""

    def __init__(self, description: Description, name: str) -> None:
        self._of = description
        self._words: list[str] = []
        self._fmu = self._load(name)
        self._refusals = _refusals()
        self._set_up: list[tuple[Signal, float]] = []
        self._running = False
        self._instantiate()

    # --- life -------------------------------------------------------------------------------------------------
    def _load(self, name: str) -> Any:
        of = self._of
        folder = unpacked(of.file)
        module = __import__("fmpy.fmi2" if of.version == 2 else "fmpy.fmi3", fromlist=["slaves"])
        kind = module.FMU2Slave if of.version == 2 else module.FMU3Slave
        try:
            with chdir(Path.cwd()):  # FMPy goes to the library's folder, and stays there when it cannot load it
                return kind(
                    guid=of.token, modelIdentifier=of.identifier, unzipDirectory=str(folder), instanceName=name,
                    requireFunctions=False,
                )  # fmt: skip
        except Exception as error:  # FMPy raises Exception itself
            raise ValueError(f"{of.file.name}: its library cannot be loaded: {' '.join(str(error).split())}") from error

    def _instantiate(self) -> None:
        try:
            if self._of.version == 2:
                self._fmu.instantiate(callbacks=self._callbacks_2(), loggingOn=False)
            else:
                self._fmu.instantiate(logMessage=self._log_3, loggingOn=False)
        except Exception as error:  # FMPy raises Exception itself
            raise ValueError(self._sentence("cannot be instantiated; a licence or a file may be missing")) from error

    def start(self, values: Sequence[tuple[Signal, float]]) -> None:
        """Set start values and go through initialisation. Raises ``ValueError``."""
        with self._speaking("does not start with these values"):
            self.set([signal for signal, _ in values], [value for _, value in values])
            if self._of.version == 2:
                self._fmu.setupExperiment(startTime=self._of.start_s)
                self._fmu.enterInitializationMode()
            else:
                self._fmu.enterInitializationMode(startTime=self._of.start_s)
            self._fmu.exitInitializationMode()
        self._running = True

    def start_again(self, values: Sequence[tuple[Signal, float]]) -> None:
        """Back to the beginning with other start values. Raises ``ValueError``."""
        with self._speaking("cannot be reset"):
            self._fmu.reset()
        self._running = False
        self.start(values)

    def close(self) -> None:
        """Terminate and free."""
        try:
            if self._running:
                self._fmu.terminate()
            self._fmu.freeInstance()
        except self._refusals:
            self._running = False  # it is thrown away; what it says no longer matters

    # --- values -----------------------------------------------------------------------------------------------
    def get(self, signals: Sequence[Signal]) -> list[float]:
        """Values in the order of the signals. Raises ``ValueError``."""
        values = [0.0] * len(signals)
        with self._speaking("does not tell its values"):
            for kind, places in _by_kind(signals, self._of.version):
                got = getattr(self._fmu, f"get{kind}")([signals[at].reference for at in places])
                for at, value in zip(places, got, strict=True):
                    values[at] = float(value)
        return values

    def set(self, signals: Sequence[Signal], values: Sequence[float]) -> None:
        """Set values. Raises ``ValueError``."""
        with self._speaking("does not take a value"):
            for kind, places in _by_kind(signals, self._of.version):
                encoded = [signals[at].encode(values[at]) for at in places]
                getattr(self._fmu, f"set{kind}")([signals[at].reference for at in places], encoded)

    # --- time -------------------------------------------------------------------------------------------------
    def step(self, time_s: float, dt_s: float) -> str:
        """From ``time_s`` after the start for ``dt_s``: done | terminated | failed."""
        at_s = self._of.start_s + time_s
        try:
            if self._of.version == 2:
                self._fmu.doStep(at_s, dt_s, noSetFMUStatePriorToCurrentPoint=not self._of.restorable)
                return DONE
            _, terminated, early, _ = self._fmu.doStep(at_s, dt_s, not self._of.restorable)
            return TERMINATED if terminated else FAILED if early else DONE
        except self._refusals as error:  # the plant has broken down, and says so as an event
            return self._why(error)

    def _why(self, error: Exception) -> str:
        if self._of.version == 2 and getattr(error, "status", None) == _DISCARD:
            try:
                return TERMINATED if self._fmu.getBooleanStatus(_TERMINATED_2) else FAILED
            except self._refusals:
                return FAILED  # it gave up and does not say why
        return FAILED

    # --- going back -------------------------------------------------------------------------------------------
    def snapshot(self) -> bytes:
        """Everything inside of the FMU. Raises ``ValueError``."""
        with self._speaking("does not give away its state"):
            state = self._fmu.getFMUState()
            try:
                data: bytes = self._fmu.serializeFMUState(state)
            finally:
                self._fmu.freeFMUState(state)
        return data

    def restore(self, data: bytes) -> None:
        """Go back to a snapshot. Raises ``ValueError``."""
        with self._speaking("does not take back its state"):
            state = self._fmu.deserializeFMUState(data)
            try:
                self._fmu.setFMUState(state)
            finally:
                self._fmu.freeFMUState(state)

    # --- words ------------------------------------------------------------------------------------------------
    def _callbacks_2(self) -> Any:
        import fmpy.fmi2 as fmi2

        library = fmpy()
        callbacks = fmi2.fmi2CallbackFunctions()
        callbacks.logger = fmi2.fmi2CallbackLoggerTYPE(self._log_2)
        callbacks.allocateMemory = fmi2.fmi2CallbackAllocateMemoryTYPE(library.calloc)
        callbacks.freeMemory = fmi2.fmi2CallbackFreeMemoryTYPE(library.free)
        try:
            from fmpy.logging import addLoggerProxy
        except (ImportError, OSError, AttributeError):
            return callbacks  # messages come without the numbers in them
        addLoggerProxy(ctypes.byref(callbacks))
        return callbacks

    def _log_2(self, environment: Any, name: bytes, status: int, category: bytes, message: bytes) -> None:
        self._log_3(environment, status, category, message)

    def _log_3(self, environment: Any, status: int, category: bytes, message: bytes) -> None:
        if status > _WARNING and message:
            self._words = [*self._words, " ".join(message.decode("utf-8", "replace").split())][-_WORDS_KEPT:]

    def _sentence(self, what: str) -> str:
        said = f" It says: {' '.join(self._words)}" if self._words else ""
        return f"{self._of.file.name} {what}.{said}"

    @contextmanager
    def _speaking(self, what: str) -> Iterator[None]:
        """Failures of FMPy become a sentence."""
        try:
            yield
        except ValueError:
            raise
        except Exception as error:
            raise ValueError(self._sentence(f"{what} ({' '.join(str(error).split())})")) from error


def _refusals() -> tuple[type[Exception], ...]:
    """What FMPy raises when the FMU answers with an error, and what the system raises when its library crashes."""
    from fmpy.fmi1 import FMICallException

    return FMICallException, OSError


def _by_kind(signals: Sequence[Signal], version: int) -> list[tuple[str, list[int]]]:
    """One call for each FMI type."""
    groups: dict[str, list[int]] = {}
    for at, signal in enumerate(signals):
        kind = _KIND_2[signal.kind] if version == 2 else "Int64" if signal.kind == "Enumeration" else signal.kind
        groups.setdefault(kind, []).append(at)
    return list(groups.items())


def unpacked(file: Path) -> Path:
    """The folder with the FMU's files, kept in the cache by the hash of the FMU. Raises ``ValueError``."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    folder = cache_root() / f"fmu-{digest}"
    if folder.is_dir():
        return folder
    extract: Callable[..., object] = fmpy().extract
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="fmu-", dir=folder.parent))
        extract(str(file), str(fresh))
        try:
            fresh.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster
                raise
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise ValueError(f"{file.name} cannot be unpacked into {folder.parent} ({error.strerror})") from error
    return folder
