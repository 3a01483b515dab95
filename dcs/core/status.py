"""The status byte that travels with every value.

Called by   every block, driver, alarm and display.
Knows       the Foundation Fieldbus layout: quality (2 bits) | sub-status (4) | limits (2). Nothing else.
Source      FF-890 function-block model, status attribute of DS-65.
"""

BAD, UNCERTAIN, GOOD, GOOD_CASCADE = 0, 1, 2, 3
"""Quality codes (top two bits)."""

# Sub-status of Bad.
NON_SPECIFIC = 0
CONFIGURATION_ERROR, NOT_CONNECTED, DEVICE_FAILURE, SENSOR_FAILURE = 1, 2, 3, 4
NO_COMM_LAST_USABLE, NO_COMM, OUT_OF_SERVICE = 5, 6, 7
# Sub-status of Uncertain.
LAST_USABLE, SUBSTITUTE, INITIAL_VALUE, CONVERSION_INACCURATE, RANGE_VIOLATION, SUB_NORMAL = 1, 2, 3, 4, 5, 6
# Sub-status of Good (non-cascade): 0 is OK, the rest come from devices; no block here makes them.
ACTIVE_BLOCK_ALARM, ACTIVE_ADVISORY, ACTIVE_CRITICAL = 1, 2, 3
UNACKNOWLEDGED_BLOCK_ALARM, UNACKNOWLEDGED_ADVISORY, UNACKNOWLEDGED_CRITICAL = 4, 5, 6
# Sub-status of Good (cascade): what the two sides of a cascade say to each other.
OK, IA, IR, NI, NS, DNS, LO, FSA, IFS = 0, 1, 2, 3, 4, 5, 6, 7, 8

LIMIT_NONE, LIMIT_LOW, LIMIT_HIGH, LIMIT_CONSTANT = 0, 1, 2, 3
"""Limit codes (lowest two bits)."""

QUALITY_NAMES = ("Bad", "Uncertain", "Good", "Good(cascade)")
LIMIT_NAMES = ("", "low limited", "high limited", "constant")
SUB_STATUS_NAMES: tuple[dict[int, str], ...] = (
    {
        NON_SPECIFIC: "non-specific",
        CONFIGURATION_ERROR: "configuration error",
        NOT_CONNECTED: "not connected",
        DEVICE_FAILURE: "device failure",
        SENSOR_FAILURE: "sensor failure",
        NO_COMM_LAST_USABLE: "no communication, last usable value",
        NO_COMM: "no communication",
        OUT_OF_SERVICE: "out of service",
    },
    {
        NON_SPECIFIC: "non-specific",
        LAST_USABLE: "last usable value",
        SUBSTITUTE: "substitute value",
        INITIAL_VALUE: "initial value",
        CONVERSION_INACCURATE: "sensor conversion not accurate",
        RANGE_VIOLATION: "engineering unit range violation",
        SUB_NORMAL: "sub-normal",
    },
    {
        OK: "",
        ACTIVE_BLOCK_ALARM: "active block alarm",
        ACTIVE_ADVISORY: "active advisory alarm",
        ACTIVE_CRITICAL: "active critical alarm",
        UNACKNOWLEDGED_BLOCK_ALARM: "unacknowledged block alarm",
        UNACKNOWLEDGED_ADVISORY: "unacknowledged advisory alarm",
        UNACKNOWLEDGED_CRITICAL: "unacknowledged critical alarm",
    },
    {
        OK: "",
        IA: "initialisation acknowledge",
        IR: "initialisation request",
        NI: "not invited",
        NS: "not selected",
        DNS: "do not select",
        LO: "local override",
        FSA: "fault state active",
        IFS: "initiate fault state",
    },
)


def make_status(quality: int, sub: int = 0, limits: int = 0) -> int:
    """Pack quality (0–3), sub-status (0–15) and limits (0–3) into one status byte (0–255)."""
    return (quality << 6) | (sub << 2) | limits


def quality_of(status: int) -> int:
    """Quality code 0–3 of a status byte."""
    return (status >> 6) & 3


def sub_status_of(status: int) -> int:
    """Sub-status code 0–15 of a status byte."""
    return (status >> 2) & 15


def limits_of(status: int) -> int:
    """Limit code 0–3 of a status byte."""
    return status & 3


def with_limits(status: int, limits: int) -> int:
    """The same status with other limit bits."""
    return (status & 0xFC) | limits


def is_good(status: int) -> bool:
    """True for Good and Good (cascade)."""
    return ((status >> 6) & 3) >= GOOD


def is_usable(status: int) -> bool:
    """True unless the quality is Bad."""
    return ((status >> 6) & 3) != BAD


STATUS_GOOD = make_status(GOOD)
STATUS_BAD = make_status(BAD)
STATUS_OOS = make_status(BAD, OUT_OF_SERVICE)
STATUS_NOT_CONNECTED = make_status(BAD, NOT_CONNECTED)
STATUS_NO_COMM = make_status(BAD, NO_COMM)
STATUS_NO_COMM_LAST_USABLE = make_status(BAD, NO_COMM_LAST_USABLE)


def describe_status(status: int) -> str:
    """Words for a person: ``Bad, no communication`` or ``Good, high limited``."""
    quality = quality_of(status)
    parts = [
        QUALITY_NAMES[quality],
        SUB_STATUS_NAMES[quality].get(sub_status_of(status), f"sub-status {sub_status_of(status)}"),
        LIMIT_NAMES[limits_of(status)],
    ]
    return ", ".join(part for part in parts if part)
