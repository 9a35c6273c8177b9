"""Answers for whole files: each row with a label and its probability, written beside what it had."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

from projects.common.errors import ProjectError
from projects.common.files import atomic_file, leftovers
from projects.sentiment.data import (
    File,
    chunks,
    ending,
    parquet_errors,
    rows_of_file,
    value_of,
)
from projects.sentiment.engine import Engine
from projects.sentiment.evaluation import AT_ONCE
from projects.sentiment.model import SentimentModel


def predict_files(
    model: SentimentModel, files: list[File], folder: Path, engine: Engine | None = None
) -> Iterator[tuple[Path, int]]:
    """Write the answers for each file into the folder; each file written and its rows. Raises ProjectError."""
    engine = engine or Engine()
    targets = [target_of(file.path, folder).resolve() for file in files]
    if len(set(targets)) < len(files):
        raise ProjectError(f"{folder}: the answers for two of the files would have the same name")
    overwritten = {file.path.resolve() for file in files} & set(targets)
    if overwritten:
        raise ProjectError(f"the answers would take the place of {overwritten.pop()}: name another folder with --out")
    try:
        yield from engine.map(answer_file, files, engine.share(model), folder.resolve())
    finally:
        for target in targets:
            for left in leftovers(target):  # by a worker that died
                left.unlink(missing_ok=True)


def answer_file(file: File, model: SentimentModel, folder: Path) -> tuple[Path, int]:
    """Write a file's rows with a label and a probability: the file written, whole or not at all, and its rows."""
    path = file.path
    target = target_of(path, folder)
    n = 0
    is_parquet = target.suffix.lower() == ".parquet"
    rows = ((value_of(row, file.names.text_columns, path, line), row) for line, row in rows_of_file(path))
    with atomic_file(target) as out, parquet_writer(path, out) if is_parquet else nullcontext() as write:
        for chunk in chunks(rows, AT_ONCE):
            answered = answer_rows(model, chunk)
            if write is not None:
                write(answered)
            else:  # of text that is no Unicode, the escape that JSON has for it
                lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in answered)
                out.write(lines.encode(errors="backslashreplace"))
            n += len(chunk)
    return target, n


def answer_rows(model: SentimentModel, rows: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The rows, each with the label of its text and the probability of that label."""
    probability = model.predict(text for text, _ in rows)
    labels = probability.argmax(axis=1).tolist()
    sureness = probability.max(axis=1).tolist()
    return [
        row | {"label": model.label_names[label], "probability": round(p, 6)}
        for (_, row), label, p in zip(rows, labels, sureness, strict=True)
    ]


def target_of(path: Path, folder: Path) -> Path:
    """Where in the folder the answers for a file go: Parquet as Parquet, all else as JSONL."""
    if ending(path) == ".parquet":
        return folder / path.name
    unpacked = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return folder / unpacked.with_suffix(".jsonl").name


@contextmanager
def parquet_writer(path: Path, file: IO[bytes]) -> Iterator[Callable[[list[dict[str, Any]]], None]]:
    """What writes rows with the columns that the file at this path has, and those that answers add."""
    with parquet_errors(path) as pyarrow:
        old = [field for field in pyarrow.parquet.read_schema(path) if field.name not in ("label", "probability")]
        added = [pyarrow.field("label", pyarrow.string()), pyarrow.field("probability", pyarrow.float64())]
        schema = pyarrow.schema([*old, *added])
    with pyarrow.parquet.ParquetWriter(file, schema) as writer:
        yield lambda rows: writer.write_table(pyarrow.Table.from_pylist(rows, schema))
