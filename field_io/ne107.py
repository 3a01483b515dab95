"""What a device knows of itself: the status signals of NAMUR NE 107, and what each makes of a value.

Called by   ``drivers.diagnosis`` (status of the values read), ``channels`` and ``devices`` (the simulated ones).
Source      NAMUR NE 107 (2017), self-monitoring and diagnosis of field devices. The codes are those of
            ``DeviceHealthEnumeration`` in OPC 10000-100, so that a register and an OPC UA node are read alike.
"""

from dcs.core.status import (
    ACTIVE_ADVISORY,
    BAD,
    CONVERSION_INACCURATE,
    DEVICE_FAILURE,
    GOOD,
    NON_SPECIFIC,
    OUT_OF_SERVICE,
    STATUS_GOOD,
    UNCERTAIN,
    make_status,
)

NORMAL, FAILURE, CHECK_FUNCTION, OUT_OF_SPECIFICATION, MAINTENANCE_REQUIRED = 0, 1, 2, 3, 4

NAMES = ("NORMAL", "FAILURE", "CHECK FUNCTION", "OUT OF SPECIFICATION", "MAINTENANCE REQUIRED")

# A check function means that somebody works on the device: the signal is a test current, a simulated value, or held.
# NE 107 calls it temporarily invalid. It is Bad and not Uncertain, because an Uncertain value is still controlled on
# unless a block is told otherwise, and a loop that follows a technician's test current moves the plant.
_STATUSES = {
    FAILURE: make_status(BAD, DEVICE_FAILURE),
    CHECK_FUNCTION: make_status(BAD, OUT_OF_SERVICE),
    OUT_OF_SPECIFICATION: make_status(UNCERTAIN, CONVERSION_INACCURATE),
    MAINTENANCE_REQUIRED: make_status(GOOD, ACTIVE_ADVISORY),
}
UNKNOWN = make_status(UNCERTAIN, NON_SPECIFIC)
"""Of a value whose device answers something that is no status."""

WAYS = ("code", "bits")


def encoded(condition: int, way: str) -> float:
    """What a status register says of a condition: its code, or the bit of that number less one."""
    return float(condition if way == "code" or condition == NORMAL else 1 << (condition - 1))


def decoded(raw: float, way: str) -> int:
    """Inverse of ``encoded``; of several bits the lowest, which is the gravest. -1 for what is no status."""
    word = int(raw) if raw == raw and abs(raw) < 2.0**63 else -1
    if way == "code":
        return word if NORMAL <= word <= MAINTENANCE_REQUIRED else -1
    return next((number + 1 for number in range(4) if word >> number & 1), NORMAL) if word >= 0 else -1


def worst(conditions: list[int]) -> int:
    """The gravest of several; the codes are in the order of their weight, NORMAL apart."""
    return min((condition for condition in conditions if condition != NORMAL), default=NORMAL)


def judged(status: int, condition: int) -> int:
    """The status of a value that was read with ``status`` while its device was in ``condition`` (-1 = unknown).

    A device never makes a value better than its signal: Bad stays what it is, and Uncertain becomes Bad at most.
    """
    said = _STATUSES.get(condition, STATUS_GOOD if condition == NORMAL else UNKNOWN)
    if status >> 6 < said >> 6 or said == STATUS_GOOD:
        return status
    if status >> 6 == said >> 6 and status >> 6 != GOOD:
        return status
    return said | (status & 3)
