"""Reads 100 registers as fast as it can and says what that cost; a process of its own.

Started by  the benchmark ``modbus_client``: ``python -m dcs.bench.modbus_load PORT CONNECTIONS SECONDS WHAT LOOP``.
Knows       WHAT ``link`` is the driver's link alone, ``driver`` polls 100 points and decodes them, as in a plant;
            ``pymodbus`` is the client of that library, for comparison; LOOP is ``asyncio`` or ``uvloop``.
"""

import asyncio
import json
import random
import sys
import time

from pymodbus.client import AsyncModbusTcpClient

from dcs.core.clock import WallClock
from dcs.node.event_loop import run_on_loop
from field_io.drivers.links.choice import wire_link
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.specs import DeviceSpec, PointSpec

REGISTERS = 100


def device(port: int) -> DeviceSpec:
    """100 points of one register, each scaled."""
    points = tuple(PointSpec(f"P{at}", "holding", at, "int16", unit="%", scale=0.01) for at in range(REGISTERS))
    return DeviceSpec("LOAD", port=port, points=points, timeout_ns=2_000_000_000)


async def _ask_with_pymodbus(port: int, until_s: float) -> int:
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=2)
    await client.connect()
    done = 0
    while time.monotonic() < until_s:
        answer = await client.read_holding_registers(0, count=REGISTERS)
        done += not answer.isError()
    client.close()
    return done


async def _ask(port: int, what: str, until_s: float) -> int:
    if what == "pymodbus":
        return await _ask_with_pymodbus(port, until_s)
    spec = device(port)
    link = wire_link(spec)
    await link.connect()
    done = 0
    if what == "link":
        while time.monotonic() < until_s:
            await link.read("holding", 0, REGISTERS)
            done += 1
    else:
        driver = ModbusDriver(spec, link, WallClock(), random.Random(1))
        while time.monotonic() < until_s:
            await driver.poll_once()
        done = driver.requests - driver.errors
    link.abort()
    return done


async def _main(port: int, connections: int, seconds: float, what: str) -> None:
    cpu_s, start_s = time.process_time(), time.monotonic()
    counts = await asyncio.gather(*(_ask(port, what, start_s + seconds) for _ in range(connections)))
    cpu_s, elapsed_s = time.process_time() - cpu_s, time.monotonic() - start_s
    tell({"requests": sum(counts), "cpu_s": cpu_s, "elapsed_s": elapsed_s})


def tell(found: object) -> None:
    """One line of JSON to the benchmark that started this process."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    port, connections, seconds, what, loop = sys.argv[1:]
    run_on_loop(_main(int(port), int(connections), float(seconds), what), fast=loop == "uvloop")
