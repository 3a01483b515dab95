"""Real-time priority of the threads on which an authority hangs: those that renew a lease, and those that scan.

Called by   ``dcs node`` of a controller or a witness; ``dcs.node.scan_schedule`` in its thread.
Why         decision 0021: a lease of 100 ms is lost to whoever computes on the same machine, not to a fault.
"""

import os

WAITS, HOLDS = 1, 2
"""The lowest of the real-time priorities: before every ordinary process, behind everything that asked for more. Who
holds the authority, scans or votes goes before a standby, which may take its time for a full copy."""


def ask_for_priority(priority: int) -> bool:
    """Real-time (round robin) for the calling thread, not for those that it starts; False where it is not granted.

    Linux grants it to root, to CAP_SYS_NICE and below RLIMIT_RTPRIO (sched(7)); without it everything works.
    """
    if not hasattr(os, "SCHED_RESET_ON_FORK"):  # only Linux has it
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except OSError:
        return False
    return True
