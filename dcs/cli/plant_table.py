"""Rows of numbers into a file, block by block: CSV with every digit, or Parquet.

Called by   ``dcs plant run``.
Knows       two formats; nothing of plants.
"""

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TextIO

import numpy as np
from numpy.typing import NDArray

from dcs.config.problems import did_you_mean
from dcs.core.errors import ConfigError

Rows = NDArray[np.float64]
ENDINGS = (".csv", ".parquet")


class Table(Protocol):
    """Takes blocks of rows."""

    def write(self, rows: Rows) -> None: ...
    def close(self) -> None: ...


class CsvTable:
    """A line a row; every number can be read back to the same bits."""

    def __init__(self, stream: TextIO, columns: Sequence[str], *, owned: bool) -> None:
        self._stream, self._owned = stream, owned
        stream.write(",".join(columns) + "\n")

    def write(self, rows: Rows) -> None:
        self._stream.write("".join(",".join(map(repr, row)) + "\n" for row in rows.tolist()))

    def close(self) -> None:
        if self._owned:
            self._stream.close()
        else:
            self._stream.flush()


class ParquetTable:
    """A column of doubles each."""

    def __init__(self, stream: io.BufferedWriter, columns: Sequence[str]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._pa: Any = pa
        self._stream = stream
        self._schema = pa.schema([(name, pa.float64()) for name in columns])
        self._writer = pq.ParquetWriter(stream, self._schema, compression="zstd")

    def write(self, rows: Rows) -> None:
        columns = [self._pa.array(np.ascontiguousarray(column)) for column in rows.T]
        self._writer.write_table(self._pa.table(columns, schema=self._schema))

    def close(self) -> None:
        self._writer.close()
        self._stream.close()


class NoTable:
    """The rows are wanted by nobody."""

    def write(self, rows: Rows) -> None: ...
    def close(self) -> None: ...


def check_ending(out: Path) -> None:
    """Raises ``ConfigError`` for a format that there is not."""
    if out.suffix.lower() not in ENDINGS:
        hint = did_you_mean(out.suffix, ENDINGS, "Endings")
        raise ConfigError(f"--out {out}: the ending says what is written, and it must be .csv or .parquet. {hint}")


def open_table(out: Path | None, columns: Sequence[str], *, to_stdout: bool) -> Table:
    """The file, opened now; without one the standard output, or nothing. Raises ``ConfigError``."""
    if out is None:
        return CsvTable(sys.stdout, columns, owned=False) if to_stdout else NoTable()
    try:
        if out.suffix.lower() == ".parquet":
            return ParquetTable(out.open("wb"), columns)
        return CsvTable(out.open("w", encoding="utf-8", newline=""), columns, owned=True)
    except OSError as error:
        raise ConfigError(f"--out {out}: this file cannot be written ({error.strerror}). Name another.") from None
