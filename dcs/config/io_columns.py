"""What the columns of an I/O list are called in the field, and what the words in their cells mean.

Called by   ``dcs.config.io_list``.
Knows       names as engineers write them; matching ignores case, spaces and punctuation.
"""

import re

COLUMNS: dict[str, tuple[str, ...]] = {
    "tag": (
        "tag",
        "tag no",
        "tag number",
        "tag name",
        "tagname",
        "instrument tag",
        "point",
        "point name",
        "kks",
        "name",
    ),
    "description": ("description", "service", "service description", "text", "comment", "designation"),
    "signal": ("signal", "signal type", "io type", "i/o type", "io", "i/o", "point type", "channel type", "type"),
    "low": ("range low", "low", "range min", "min", "lrv", "range from", "lower range", "scale low", "eu low"),
    "high": ("range high", "high", "range max", "max", "urv", "range to", "upper range", "scale high", "eu high"),
    "unit": ("unit", "units", "eu", "eng unit", "engineering unit", "engineering units", "uom"),
    "device": ("device", "plc", "rtu", "station", "io station", "remote io", "rio", "node", "module", "controller"),
    "address": (
        "address",
        "register",
        "modbus address",
        "modbus register",
        "register address",
        "reg",
        "channel address",
    ),
    "type": ("data type", "datatype", "format", "data format"),
    "raw_low": ("raw low", "raw min", "counts low", "raw from"),
    "raw_high": ("raw high", "raw max", "counts high", "raw to"),
    "lolo": ("ll", "lolo", "low low", "lowlow", "ll alarm", "lolo alarm", "alarm ll", "lal l"),
    "lo": ("l", "lo", "low alarm", "l alarm", "lo alarm", "alarm l", "alarm low"),
    "hi": ("h", "hi", "high alarm", "h alarm", "hi alarm", "alarm h", "alarm high"),
    "hihi": ("hh", "hihi", "high high", "highhigh", "hh alarm", "hihi alarm", "alarm hh"),
    "alarm": ("alarm", "alarm state", "alarm on"),
    "loop": ("loop", "loop tag", "loop no", "loop number", "control loop", "controller tag"),
    "host": ("host", "ip", "ip address", "address ip"),
    "port": ("port", "tcp port"),
    "unit_id": ("unit id", "slave", "slave id", "modbus id", "station id"),
}
"""Our name of a column, and the headers that mean it."""

NEEDED = ("tag", "signal")

SIGNALS: dict[str, tuple[str, ...]] = {
    "AI": ("ai", "analog in", "analogue in", "analog input", "analogue input", "ain", "4-20ma in"),
    "AO": ("ao", "analog out", "analogue out", "analog output", "analogue output", "aout", "4-20ma out"),
    "DI": ("di", "digital in", "digital input", "discrete in", "discrete input", "binary input", "bi"),
    "DO": ("do", "digital out", "digital output", "discrete out", "discrete output", "binary output", "bo"),
}

DATA_TYPES: dict[str, tuple[str, ...]] = {
    "bool": ("bool", "boolean", "bit"),
    "int16": ("int16", "int", "short", "s16", "sint16"),
    "uint16": ("uint16", "word", "uint", "u16", "ushort"),
    "int32": ("int32", "dint", "long", "s32"),
    "uint32": ("uint32", "dword", "udint", "u32"),
    "float32": ("float32", "float", "real", "single", "f32"),
    "float64": ("float64", "double", "lreal", "f64"),
}

UNIT_ALIASES = {
    "barg": "bar", "bar g": "bar", "bar(g)": "bar", "bara": "bar", "bar a": "bar", "kpag": "kPa", "kpa(g)": "kPa",
    "mbarg": "mbar", "psig": "psi", "deg c": "degC", "° c": "degC", "°c": "degC", "degc": "degC", "deg f": "degF",
    "nm3/h": "m3/h", "sm3/h": "m3/h", "m³/h": "m3/h", "m3/hr": "m3/h", "m³/hr": "m3/h", "kg/hr": "kg/h", "t/hr": "t/h",
    "l/hr": "l/h", "pct": "%", "percent": "%", "-": "", "n/a": "", "none": "", "µs/cm": "uS/cm",
}  # fmt: skip
"""Units as lists write them, and the one that is meant (gauge and absolute pressure are told apart by the tag)."""


def plain(text: str) -> str:
    """A header or a word without case, punctuation and repeated spaces."""
    return re.sub(r"[\s_./()\[\]:#-]+", " ", text).strip().casefold()


_BY_HEADER = {plain(header): name for name, headers in COLUMNS.items() for header in headers}


def column_of(header: str) -> str | None:
    """Our name of the column under a header; None for one that is not known."""
    return _BY_HEADER.get(plain(header))


def word_of(text: str, words: dict[str, tuple[str, ...]]) -> str | None:
    """Our name for a word of a cell; None for one that is not known."""
    wanted = plain(text)
    return next((name for name, known in words.items() if wanted in map(plain, known)), None)
