"""All wrong answers of an evaluation as a table for people: some of them may be wrong labels."""

from pathlib import Path
from typing import Any

from projects.common.errors import ProjectError
from projects.common.files import atomic_file
from projects.common.written_tables import as_written, csv_writer, excel_writer

COLUMNS = ["place", "label", "answer", "probability", "text"]
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
    with atomic_file(path) as file:
        if ending == ".xlsx":
            writer = excel_writer(COLUMNS, "mistakes", file)
        else:
            writer = csv_writer(COLUMNS, "\t" if ending == ".tsv" else own, with_commas, file)
        with writer as write:
            write([as_row(mistake, with_commas) for mistake in mistakes])


def as_row(mistake: dict[str, Any], with_commas: bool) -> dict[str, Any]:
    """The mistake with a probability that people can read."""
    return mistake | {"probability": as_written(round(mistake["probability"], DIGITS), with_commas)}
