"""The simulated devices of the benchmark ``thousand_devices``; a process of its own.

Started by  ``dcs.bench.thousand_devices``: prints its ports, then, asked for ``cpu``, what it has used and served.
"""

import asyncio
import sys
import time
from dataclasses import replace

from dcs.bench.modbus_load import device, tell
from dcs.bench.thousand_devices import allow_files
from dcs.core.clock import WallClock
from field_io.devices.modbus_server import free_port
from field_io.devices.simulated import SimulatedModbusDevice


async def _serve(count: int) -> None:
    clock, served, devices = WallClock(), [0], []

    def on_request() -> None:
        served[0] += 1

    for number in range(count):
        port = await free_port()
        one = SimulatedModbusDevice(replace(device(port), name=f"D{number}"), clock)
        one.on_request = on_request
        one.set_values(tuple(point.name for point in one.spec.points), [number % 100] * len(one.spec.points))
        await one.start()
        devices.append(one)
    tell([one.spec.port for one in devices])
    cpu_s, served[0] = time.process_time(), 0
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    tell({"cpu_s": time.process_time() - cpu_s, "requests": max(1, served[0])})
    for one in devices:
        one.stop()


if __name__ == "__main__":
    allow_files(lambda: _serve(int(sys.argv[1])))
