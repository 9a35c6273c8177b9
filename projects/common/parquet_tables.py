"""Tables of Parquet."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from projects.common.errors import ProjectError
from projects.common.table import Row, Table, checked_columns
from projects.common.unpacking import Source

BATCH = 1_000  # rows of Parquet held in memory at a time


@contextmanager
def open_parquet_file(source: Source) -> Iterator[Any]:
    """PyArrow's view of the file, whose errors become a ProjectError."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ProjectError("Parquet needs the extra `dask`: .venv/bin/pip install -e '.[dask]'") from error
    try:
        with source.open_seekable() as file:
            yield pyarrow.parquet.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)  # it would keep all it read
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise ProjectError(f"cannot read {source.path}: {error}") from error


def open_parquet(source: Source) -> Table:
    """A Parquet table; its rows are numbered from 1."""
    with open_parquet_file(source) as parquet:
        columns = checked_columns(parquet.schema_arrow.names, source.path, "the schema")

    def rows() -> Iterator[Row]:
        with open_parquet_file(source) as parquet:
            number = 0
            for batch in parquet.iter_batches(BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", row

    return Table(source.path, "Parquet", columns, rows, packing=source.packing)
