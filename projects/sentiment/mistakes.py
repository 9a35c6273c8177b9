"""All wrong answers of an evaluation as a table for people: some of them may be wrong labels."""

from pathlib import Path
from typing import Any

from projects.common.errors import ProjectError
from projects.common.files import atomic_file
from projects.common.written_tables import as_written, csv_writer, excel_writer

OF_ANSWER = ["place", "label", "answer", "probability"]  # columns before those of the table
DIGITS = 4  # of a probability
ENDINGS = (".csv", ".tsv", ".xlsx")


def refuse_other_endings(path: Path) -> None:
    """Raise ProjectError unless the name ends as that of a table for people."""
    if path.suffix.lower() not in ENDINGS:
        raise ProjectError(f"{path}: mistakes are written to a {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")


def write_mistakes(mistakes: list[dict[str, Any]], path: Path, delimiter: str | None) -> None:
    """Write the mistakes, whole or not at all. delimiter: of the table trained on. Raises ProjectError."""
    ending = path.suffix.lower()
    own = delimiter if delimiter and delimiter != "\t" else ","
    with_commas = ending == ".csv" and own == ";"  # as a spreadsheet has them that writes semicolons
    own_columns = next((list(mistake["row"]) for mistake in mistakes if mistake["row"]), ["text"])
    columns = [*OF_ANSWER, *(name for name in own_columns if name not in OF_ANSWER)]
    with atomic_file(path) as file:
        if ending == ".xlsx":
            writer = excel_writer(columns, "mistakes", file)
        else:
            writer = csv_writer(columns, "\t" if ending == ".tsv" else own, with_commas, file)
        with writer as write:
            write([as_row(mistake, with_commas) for mistake in mistakes])


def as_row(mistake: dict[str, Any], with_commas: bool) -> dict[str, Any]:
    """The row of the table, or the text alone, with the answer and a probability that people can read."""
    row = mistake["row"] or {"text": mistake["text"]}
    answer = {name: mistake[name] for name in OF_ANSWER}
    return row | answer | {"probability": as_written(round(mistake["probability"], DIGITS), with_commas)}
