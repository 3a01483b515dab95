"""The faults of one simulated device, or of a part of it, begun and ended by kind.

Called by   ``devices.simulation``, which hands it to ``field_io.faults`` as a target.
Knows       the device through its server, its units and its registers; no other device.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

from field_io.devices.answer_faults import AnswerFaults
from field_io.fault_kinds import Subject
from field_io.faults import ActiveFault, FaultyDevice, with_value

_OF_ANSWERS = {"jitter": "jitter_s", "drop": "drop", "duplicate": "duplicate", "garbage": "garbage",
               "slow": "per_byte_s"}  # fmt: skip
_SHARES = ("drop", "duplicate", "garbage")
_OFF = ("disconnect", "reboot")


class DeviceTarget:
    """One device, coupler or card as a target of faults (``field_io.faults.FaultTarget``)."""

    def __init__(self, device: FaultyDevice, subject: Subject) -> None:
        self.subject = subject
        self._device = device
        self._active: dict[str, ActiveFault] = {}
        self._answers = AnswerFaults()
        self._task: asyncio.Task[None] | None = None

    @property
    def active(self) -> Mapping[str, ActiveFault]:
        return self._active

    @property
    def _units(self) -> list[Any]:
        """What answers: the units of a Modbus device (one for each coupler), or an OPC UA device itself."""
        device: Any = self._device
        if hasattr(device, "couplers"):
            return [coupler.unit for coupler in device.couplers]
        return [getattr(device, "unit", device)]

    def begin(self, fault: ActiveFault) -> ActiveFault:
        """See ``FaultTarget``."""
        kind, value = fault.fault.kind, fault.fault.value or 0.0
        if kind == "reboot":  # it ends by itself: its value is how long it takes
            fault = ActiveFault(fault.fault, fault.began_ns, fault.began_ns + round(value * 1e9), fault.key)
        self._active[kind] = with_value(fault, fault.fault.value)
        self._do(kind, value, fault.key)
        return self._active[kind]

    def _do(self, kind: str, value: float, key: int) -> None:
        device: Any = self._device
        match kind:
            case "latency":
                device.set_latency(value)
            case "exception":
                for unit in self._units:
                    unit.refuse_with = int(value)
            case "silent":
                device.cut(silent=True)
            case "disconnect" | "reboot" | "dead":
                device.cut()
            case "clock_wrong":
                device.own_clock.offset_ns = round(value * 1e9)
            case _:
                setattr(self._answers, _OF_ANSWERS[kind], value / 100.0 if kind in _SHARES else value)
                self._answers.key, self._answers.answers = key, 0
                for unit in self._units:
                    unit.answers = self._answers

    def end(self, kind: str) -> Coroutine[Any, Any, None] | None:
        """See ``FaultTarget``."""
        if self._active.pop(kind, None) is None:
            return None
        if kind == "reboot":
            device: Any = self._device
            device.power_up()
        return self._device.heal() if kind == "dead" else self._undo(kind)

    def _undo(self, kind: str) -> Coroutine[Any, Any, None] | None:
        device: Any = self._device
        match kind:
            case "latency":
                device.set_latency(0.0)
            case "exception":
                for unit in self._units:
                    unit.refuse_with = 0
            case "silent":
                for unit in self._units:
                    unit.silent = False
            case "disconnect" | "reboot":
                if not any(other in self._active for other in _OFF):
                    reconnect: Coroutine[Any, Any, None] = device.reconnect()
                    return reconnect
            case "clock_wrong":
                device.own_clock.offset_ns = 0
            case "dead":
                pass
            case _:
                setattr(self._answers, _OF_ANSWERS[kind], 0.0)
                if not any(other in self._active for other in _OF_ANSWERS):
                    for unit in self._units:
                        unit.answers = None
        return None

    # --- snapshot ---------------------------------------------------------------------------------------------
    def count(self) -> int:
        """Answers since the newest fault of answers began: what its random numbers go by."""
        return self._answers.answers

    def restore(self, faults: Mapping[str, ActiveFault], answers: int) -> None:
        """These faults and no others, begun as long ago as they say. Registers and cards are in their own snapshot."""
        for kind in [kind for kind in self._active if kind not in faults]:
            self._active.pop(kind)
            ending = self._undo(kind) if not any(other in faults for other in _OFF if kind in _OFF) else None
            if ending is not None:  # a port is opened: that takes a moment
                self._task = asyncio.get_running_loop().create_task(ending)
        for kind, fault in faults.items():
            self._active[kind] = fault
            self._do(kind, fault.fault.value or 0.0, fault.key)
        self._answers.answers = answers
