"""OPC UA status codes, and what each is on our status byte.

Called by   the driver (code -> status byte), simulated devices (which answer with codes).
Knows       numbers and meanings. What is not in the table becomes the family's non-specific status.
Source      OPC 10000-4, 7.39 and OPC 10000-8, table 16 (codes of data access); FF-890 for the status byte.
"""

from dcs.core.status import (
    BAD,
    CONFIGURATION_ERROR,
    CONVERSION_INACCURATE,
    DEVICE_FAILURE,
    GOOD,
    GOOD_CASCADE,
    INITIAL_VALUE,
    LAST_USABLE,
    LO,
    NO_COMM,
    NON_SPECIFIC,
    NOT_CONNECTED,
    OUT_OF_SERVICE,
    RANGE_VIOLATION,
    SENSOR_FAILURE,
    SUB_NORMAL,
    SUBSTITUTE,
    UNCERTAIN,
    make_status,
)

CODES = {
    "Good": 0x00000000,
    "GoodLocalOverride": 0x00960000,
    "GoodClamped": 0x00300000,
    "GoodOverload": 0x002F0000,
    "UncertainNoCommunicationLastUsableValue": 0x408F0000,
    "UncertainLastUsableValue": 0x40900000,
    "UncertainSubstituteValue": 0x40910000,
    "UncertainInitialValue": 0x40920000,
    "UncertainSensorNotAccurate": 0x40930000,
    "UncertainEngineeringUnitsExceeded": 0x40940000,
    "UncertainSubNormal": 0x40950000,
    "UncertainSimulatedValue": 0x42090000,
    "UncertainSensorCalibration": 0x420A0000,
    "UncertainConfigurationError": 0x420F0000,
    "UncertainTransducerInManual": 0x42080000,
    "BadCommunicationError": 0x80050000,
    "BadTimeout": 0x800A0000,
    "BadServiceUnsupported": 0x800B0000,
    "BadShutdown": 0x800C0000,
    "BadServerNotConnected": 0x800D0000,
    "BadServerHalted": 0x800E0000,
    "BadTooManyOperations": 0x80100000,
    "BadCertificateUntrusted": 0x801A0000,
    "BadUserAccessDenied": 0x801F0000,
    "BadIdentityTokenRejected": 0x80210000,
    "BadIdentityTokenInvalid": 0x80200000,
    "BadSecureChannelIdInvalid": 0x80220000,
    "BadSessionIdInvalid": 0x80250000,
    "BadSessionClosed": 0x80260000,
    "BadSessionNotActivated": 0x80270000,
    "BadSubscriptionIdInvalid": 0x80280000,
    "BadNoCommunication": 0x80310000,
    "BadWaitingForInitialData": 0x80320000,
    "BadNodeIdInvalid": 0x80330000,
    "BadNodeIdUnknown": 0x80340000,
    "BadAttributeIdInvalid": 0x80350000,
    "BadNotReadable": 0x803A0000,
    "BadNotWritable": 0x803B0000,
    "BadOutOfRange": 0x803C0000,
    "BadNotSupported": 0x803D0000,
    "BadSecurityChecksFailed": 0x80130000,
    "BadTooManySessions": 0x80560000,
    "BadTypeMismatch": 0x80740000,
    "BadTooManySubscriptions": 0x80770000,
    "BadNoSubscription": 0x80790000,
    "BadConfigurationError": 0x80890000,
    "BadNotConnected": 0x808A0000,
    "BadDeviceFailure": 0x808B0000,
    "BadSensorFailure": 0x808C0000,
    "BadOutOfService": 0x808D0000,
    "BadTooManyMonitoredItems": 0x80DB0000,
}
"""The codes that mean something here, by their symbolic names."""

NAMES = {code: name for name, code in CODES.items()}

_STATUS = {
    "GoodLocalOverride": (GOOD_CASCADE, LO),
    "UncertainNoCommunicationLastUsableValue": (UNCERTAIN, LAST_USABLE),
    "UncertainLastUsableValue": (UNCERTAIN, LAST_USABLE),
    "UncertainSubstituteValue": (UNCERTAIN, SUBSTITUTE),
    "UncertainTransducerInManual": (UNCERTAIN, SUBSTITUTE),
    "UncertainSimulatedValue": (UNCERTAIN, SUBSTITUTE),
    "UncertainInitialValue": (UNCERTAIN, INITIAL_VALUE),
    "UncertainSensorNotAccurate": (UNCERTAIN, CONVERSION_INACCURATE),
    "UncertainSensorCalibration": (UNCERTAIN, CONVERSION_INACCURATE),
    "UncertainEngineeringUnitsExceeded": (UNCERTAIN, RANGE_VIOLATION),
    "UncertainSubNormal": (UNCERTAIN, SUB_NORMAL),
    "BadCommunicationError": (BAD, NO_COMM),
    "BadTimeout": (BAD, NO_COMM),
    "BadShutdown": (BAD, NO_COMM),
    "BadServerNotConnected": (BAD, NO_COMM),
    "BadServerHalted": (BAD, NO_COMM),
    "BadNoCommunication": (BAD, NO_COMM),
    "BadWaitingForInitialData": (BAD, NOT_CONNECTED),
    "BadNotConnected": (BAD, NOT_CONNECTED),
    "BadConfigurationError": (BAD, CONFIGURATION_ERROR),
    "BadUserAccessDenied": (BAD, CONFIGURATION_ERROR),
    "BadNodeIdInvalid": (BAD, CONFIGURATION_ERROR),
    "BadNodeIdUnknown": (BAD, CONFIGURATION_ERROR),
    "BadAttributeIdInvalid": (BAD, CONFIGURATION_ERROR),
    "BadNotReadable": (BAD, CONFIGURATION_ERROR),
    "BadNotSupported": (BAD, CONFIGURATION_ERROR),
    "BadTypeMismatch": (BAD, CONFIGURATION_ERROR),
    "BadDeviceFailure": (BAD, DEVICE_FAILURE),
    "BadSensorFailure": (BAD, SENSOR_FAILURE),
    "BadOutOfService": (BAD, OUT_OF_SERVICE),
}
_BY_CODE = {CODES[name]: make_status(*found) for name, found in _STATUS.items()}
_FAMILIES = (GOOD, UNCERTAIN, BAD, BAD)

_DATA_VALUE = 0x400  # the info bits belong to a data value
_OVERFLOW = 0x80


def ff_status(code: int) -> int:
    """The status byte of a value that came with this code; the limit bits of a data value are kept."""
    status = _BY_CODE.get(code & 0xFFFF0000)
    if status is None:
        status = make_status(_FAMILIES[code >> 30], NON_SPECIFIC)
    limits = (code >> 8) & 3 if code & 0xC00 == _DATA_VALUE else 0  # 1 low, 2 high, 3 constant: as in our byte
    return status | limits


def is_good(code: int) -> bool:
    """True for the Good family."""
    return code >> 30 == 0


def is_bad(code: int) -> bool:
    """True for the Bad family."""
    return bool(code >> 31)


def overflowed(code: int) -> bool:
    """True when the server says that its queue had no room for some values of this item."""
    return code & (0xC00 | _OVERFLOW) == _DATA_VALUE | _OVERFLOW


def code_name(code: int) -> str:
    """``BadNodeIdUnknown``, or the number."""
    return NAMES.get(code & 0xFFFF0000, f"0x{code:08X}")
