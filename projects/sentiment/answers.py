"""Answers for whole tables: each row with a label and its probability, beside what it had."""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from projects.common.errors import ProjectError
from projects.common.files import atomic_file, leftovers
from projects.common.table import Table
from projects.common.written_tables import (
    Row,
    Write,
    as_number_of,
    as_written,
    csv_writer,
    delimiter_like,
    excel_writer,
    has_mark,
)
from projects.sentiment.data import File, chunks
from projects.sentiment.engine import Engine
from projects.sentiment.evaluation import AT_ONCE
from projects.sentiment.layout import find_layout, open_with, text_of
from projects.sentiment.model import NO_TEXT, UNSURE, SentimentModel
from projects.sentiment.reasons import in_short

ADDED = ("label", "probability")
BEST_GUESS = "best_guess"  # a column more with a limit for unsure answers: the label without it
BECAUSE = "because"  # a column more where reasons are asked for: the n-grams that speak for the label and against it
DIGITS = 4  # of a probability in a table that people open
ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx")  # of files that answers can be written to
ANSWERED_AS = {".xls": ".xlsx", ".xlsm": ".xlsx", ".txt": ".csv", ".tab": ".tsv"}  # in a folder; others as JSONL


class Asked(NamedTuple):
    """What is asked of the answers."""

    unsure_below: float = 0.0  # the label is UNSURE where its probability is lower
    reasons: bool = False  # a column says why


LABELS = Asked()  # and their probabilities, no more


class Written(NamedTuple):
    """What became of a table."""

    path: Path
    rows: int
    without_text: int
    without_known_word: int  # of those with a text
    trained_on: int  # whose texts the model was trained on
    unsure: int
    replaced: tuple[str, ...]  # columns of the table in whose place answers stand
    overwrote: bool  # whether there was such a file


def predict_files(
    model: SentimentModel,
    files: Sequence[File],
    out: Path,
    asked: Asked = LABELS,
    engine: Engine | None = None,
) -> Iterator[Written]:
    """Write the answers: for one file to the file `out` if its name ends as one, else each into the folder `out`.

    Raises ProjectError.
    """
    engine = engine or Engine()
    targets = [target.resolve() for target in targets_of(files, out)]
    if len(set(targets)) < len(files):
        raise ProjectError(f"{out}: the answers for two of the files would have the same name")
    overwritten = {file.path.resolve() for file in files} & set(targets)
    if overwritten:
        raise ProjectError(
            f"the answers would take the place of {overwritten.pop()}: name another file or folder with --out"
        )
    pairs = list(zip(files, targets, strict=True))
    try:
        yield from engine.map(answer_file, pairs, engine.hand_out(model), asked)
    finally:
        for target in targets:
            for left in leftovers(target):  # by a worker that died
                left.unlink(missing_ok=True)


def targets_of(files: Sequence[File], out: Path) -> list[Path]:
    """Where the answers for each file go: in a folder in the format of the file, JSON as JSONL. Raises ProjectError."""
    is_file = out.suffix.lower() in ENDINGS and not out.is_dir()
    if out.suffix and not is_file and not out.is_dir():
        endings = f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
        raise ProjectError(f"{out}: answers are written to a {endings}, or to a folder, whose name has no ending")
    if is_file and len(files) > 1:
        raise ProjectError(f"{len(files)} files can't be answered in the one file {out}: name a folder with --out")
    if is_file:
        return [out]
    return [out / name_of_answers(file.path) for file in files]


def name_of_answers(path: Path) -> str:
    """The name of the file of answers for a table, in a folder."""
    name = Path(path.name.removesuffix(".gz").removesuffix(".zip"))
    ending = name.suffix.lower()
    answered_as = ending if ending in ENDINGS else ANSWERED_AS.get(ending, ".jsonl")
    return name.with_suffix(answered_as).name


def answer_file(pair: tuple[File, Path], model: SentimentModel, asked: Asked) -> Written:
    """Write a table's rows with their answers, whole or not at all."""
    file, target = pair
    table = open_with(file.layout, file.path)
    layout = find_layout(table, file.layout, labelled=False)
    rows = ((text_of(row, layout), row) for _, row in table.rows())
    n_rows = n_without_text = n_unknown = n_unsure = n_trained_on = 0
    overwrote = target.exists()
    added = added_columns(asked)
    with atomic_file(target) as out, writer_for(target, table, added, model.layout.delimiter, out) as write:
        for chunk in chunks(rows, AT_ONCE):
            probabilities = model.probabilities(text for text, _ in chunk)
            answered = answer_rows(model, chunk, probabilities, asked)
            write(answered)
            n_rows += len(answered)
            n_without_text += sum(row["label"] == NO_TEXT for row in answered)
            n_unsure += sum(row["label"] == UNSURE for row in answered)
            pairs = zip(chunk, probabilities, strict=True)
            n_unknown += sum(model.knows_nothing_of(text, p) for (text, _), p in pairs if text.strip())
            n_trained_on += sum(model.was_trained_on(text) for text, _ in chunk if text.strip())
    replaced = tuple(name for name in table.columns if name in added)
    return Written(target, n_rows, n_without_text, n_unknown, n_trained_on, n_unsure, replaced, overwrote)


def added_columns(asked: Asked) -> tuple[str, ...]:
    """The columns that answers add to a table."""
    guess = (BEST_GUESS,) if asked.unsure_below else ()
    reasons = (BECAUSE,) if asked.reasons else ()
    return (*ADDED, *guess, *reasons)


def answer_rows(
    model: SentimentModel, rows: Sequence[tuple[str, Row]], probabilities: np.ndarray, asked: Asked = LABELS
) -> list[Row]:
    """The rows, each with the label of its text and the probability of that label; probabilities [rows, labels]."""
    return [
        row | answer_of(model, text, of_labels, asked)
        for (text, row), of_labels in zip(rows, probabilities, strict=True)
    ]


def answer_of(model: SentimentModel, text: str, probabilities: np.ndarray, asked: Asked, in_table: bool = True) -> Row:
    """The label of a text, its probability and what else is asked; probabilities [labels]: of all.

    in_table: a row without text gets no label; an empty line or argument gets the base rate.
    """
    if in_table and not text.strip():
        return dict.fromkeys(added_columns(asked)) | {"label": NO_TEXT}
    label, confidence = model.answer_from(text, probabilities, asked.unsure_below)
    answer = {"label": label, "probability": round(confidence, 6)}
    if asked.unsure_below:
        answer[BEST_GUESS] = model.answer_from(text, probabilities, 0.0).label
    if asked.reasons:
        answer[BECAUSE] = in_short(model.explain(text, int(probabilities.argmax()))["ngrams"])
    return answer


def in_digits(row: Row) -> Row:
    """The row with a probability that people can read."""
    probability = row["probability"]
    return row if probability is None else row | {"probability": round(probability, DIGITS)}


# Files


def writer_for(
    target: Path, table: Table, added: Sequence[str], remembered: str | None, file: IO[bytes]
) -> AbstractContextManager[Write]:
    """What writes rows to an open file in the format that the target's name asks for.

    added: the columns of the answers. remembered: the delimiter of the table trained on.
    """
    ending = target.suffix.lower()
    columns = [*table.columns, *(name for name in added if name not in table.columns)]
    if ending == ".parquet":
        return parquet_writer(table, columns, file)
    if ending == ".xlsx":
        return rounded(excel_writer(columns, "answers", file, as_number_of(table)))
    if ending == ".jsonl":
        return json_writer(file)
    delimiter = delimiter_like(table, remembered)
    with_commas = delimiter == ";"  # as a spreadsheet has them that writes semicolons
    delimiter = "\t" if ending == ".tsv" else delimiter
    return rounded(csv_writer(columns, delimiter, has_mark(table) or with_commas, file), with_commas)


@contextmanager
def rounded(writer: AbstractContextManager[Write], with_commas: bool = False) -> Iterator[Write]:
    """The same writer, whose probabilities have few digits and, if that is wanted, a decimal comma."""

    def written(row: Row) -> Row:
        row = in_digits(row)
        return row | {"probability": as_written(row["probability"], with_commas)}

    with writer as write:
        yield lambda rows: write([written(row) for row in rows])


@contextmanager
def json_writer(file: IO[bytes]) -> Iterator[Write]:
    """Of text that is no Unicode, the escape that JSON has for it is written."""

    def write(rows: list[Row]) -> None:
        lines = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
        file.write(lines.encode(errors="backslashreplace"))

    yield write


@contextmanager
def parquet_writer(table: Table, columns: list[str], file: IO[bytes]) -> Iterator[Write]:
    """The columns keep the types that they have in Parquet; others get those of the first rows."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ProjectError("Parquet needs the extra `dask`: .venv/bin/pip install -e '.[dask]'") from error
    types = {"label": pyarrow.string(), "probability": pyarrow.float64(), BEST_GUESS: pyarrow.string()}
    types[BECAUSE] = pyarrow.string()
    writer = None

    def schema_for(rows: list[Row]) -> Any:
        if table.format == "Parquet":
            known = pyarrow.parquet.read_schema(table.path)
            found = {name: known.field(name).type for name in table.columns}
        else:
            guessed = pyarrow.Table.from_pylist(rows).schema
            found = {name: guessed.field(name).type for name in table.columns}
        return pyarrow.schema([(name, (found | types)[name]) for name in columns])

    def write(rows: list[Row]) -> None:
        nonlocal writer
        if writer is None:
            writer = pyarrow.parquet.ParquetWriter(file, schema_for(rows))
        writer.write_table(pyarrow.Table.from_pylist(rows, writer.schema))

    try:
        yield write
    except (pyarrow.ArrowException, ValueError) as error:
        raise ProjectError(f"{table.path} can't be written as Parquet ({error}): name a .csv with --out") from error
    finally:
        if writer is not None:
            writer.close()
