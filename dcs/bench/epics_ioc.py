"""An EPICS IOC that processes loops of three records in one scan list, and says what that cost; a process of its own.

Started by  the benchmark ``epics_ratio``. Needs the package ``softioc``; its networking is held to this machine.
Knows       EPICS records: per loop a moving calc (measurement), a calc (integrating controller) and an ao (output),
            each with its four alarm limits; no client looks on.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

LOCAL = {
    "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
    "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
    "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
    "EPICS_CA_ADDR_LIST": "127.0.0.1",
    "EPICS_CA_AUTO_ADDR_LIST": "NO",
}

_LOOP = """
record(calc, "L{n}:pv") {{ field(SCAN, ".1 second") field(PHAS, "0") field(INPA, "L{n}:pv") field(CALC, "(A+0.37)%100")
  field(HIGH, "90") field(HSV, "MINOR") field(HIHI, "98") field(HHSV, "MAJOR") field(HYST, "1")
  field(LOW, "2") field(LSV, "MINOR") field(LOLO, "1") field(LLSV, "MAJOR") }}
record(calc, "L{n}:pid") {{ field(SCAN, ".1 second") field(PHAS, "1") field(INPA, "L{n}:pv") field(INPB, "L{n}:pid")
  field(CALC, "B+0.01*(50-A)")
  field(HIGH, "90") field(HSV, "MINOR") field(HIHI, "98") field(HHSV, "MAJOR") field(HYST, "1")
  field(LOW, "-90") field(LSV, "MINOR") field(LOLO, "-98") field(LLSV, "MAJOR") }}
record(ao, "L{n}:out") {{ field(SCAN, ".1 second") field(PHAS, "2") field(OMSL, "closed_loop") field(DOL, "L{n}:pid")
  field(DRVL, "-100") field(DRVH, "100")
  field(HIGH, "90") field(HSV, "MINOR") field(HIHI, "98") field(HHSV, "MAJOR") field(HYST, "1")
  field(LOW, "-90") field(LSV, "MINOR") field(LOLO, "-98") field(LLSV, "MAJOR") }}
"""
_DBR_DOUBLE = 10  # DBF_DOUBLE of dbFldTypes.h
_COUNTER = (
    'record(calc, "scans") { field(SCAN, ".1 second") field(PHAS, "3") field(INPA, "scans") field(CALC, "A+1") }\n'
)


def main(loops: int, seconds: float) -> None:
    """Run the IOC for that long and print records, scans and CPU seconds as JSON."""
    os.environ.update(LOCAL)
    import ctypes

    from softioc import asyncio_dispatcher, imports, softioc

    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "loops.db"
        database.write_text(_COUNTER + "".join(_LOOP.format(n=n) for n in range(loops)), encoding="ascii")
        softioc.dbLoadDatabase(str(database))
        dispatcher = asyncio_dispatcher.AsyncioDispatcher()
        softioc.iocInit(dispatcher, enable_pva=False)

        def scans() -> int:
            value = ctypes.c_double()
            imports.db_get_field("scans.VAL", _DBR_DOUBLE, ctypes.addressof(value), 1)
            return int(value.value)

        time.sleep(1.0)
        first, started_s = scans(), time.process_time()
        time.sleep(seconds)
        taken_s, count = time.process_time() - started_s, scans() - first
        sys.stdout.write(json.dumps({"records": 3 * loops, "scans": count, "cpu_s": taken_s}) + "\n")
        sys.stdout.flush()
    os._exit(0)  # the scan threads are EPICS's own


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
