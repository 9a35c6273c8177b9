"""All wrong answers of an evaluation as a table for people: some of them may be wrong labels."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from projects.common.errors import ProjectError
from projects.common.files import atomic_file
from projects.common.written_tables import Row, csv_writer, excel_writer, first_delimiter
from projects.sentiment.answers import rounded

OF_ANSWER = ["place", "label", "answer", "probability"]  # columns before those of the table
ENDINGS = (".csv", ".tsv", ".xlsx")


def refuse_misfits(path: Path, tables: Iterable[Path], option: str = "--mistakes", called: str = "mistakes") -> None:
    """Raise ProjectError unless the name ends as that of a table for people, and is none of the tables scored.

    option: by which it was given. called: what is written there.
    """
    if path.suffix.lower() not in ENDINGS:
        raise ProjectError(f"{path}: {called} are written to a {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    if path.resolve() in {table.resolve() for table in tables}:
        raise ProjectError(f"the {called} would take the place of {path}: name another file with {option}")


def write_mistakes(mistakes: list[dict[str, Any]], path: Path, delimiter: str | None, called: str = "mistakes") -> None:
    """Write the mistakes, whole or not at all. delimiter: of the table trained on. Raises ProjectError.

    called: what the sheet of an Excel file is.
    """
    ending = path.suffix.lower()
    delimiter = "\t" if ending == ".tsv" else first_delimiter(delimiter)
    with_commas = ending == ".csv" and delimiter == ";"  # as a spreadsheet has them that writes semicolons
    said_twice = {
        name for name in OF_ANSWER if all(mistake[name] == own_row(mistake).get(name) for mistake in mistakes)
    }
    rows = [as_row(mistake, said_twice) for mistake in mistakes]
    columns = list(rows[0]) if rows else [*OF_ANSWER, "text"]
    with atomic_file(path) as file:
        if ending == ".xlsx":
            writer = excel_writer(columns, called, file)
        else:
            writer = csv_writer(columns, delimiter, with_commas, file)
        with rounded(writer, with_commas) as write:
            write(rows)


def own_row(mistake: dict[str, Any]) -> Row:
    """The row of the table, or the text alone."""
    row: Row = mistake["row"] or {"text": mistake["text"]}
    return row


def as_row(mistake: dict[str, Any], said_twice: set[str]) -> Row:
    """The answer and the table's own row.

    A column of the table that is called like one of the answer is told apart, as `label` where labels are joined.
    said_twice: such columns that have nothing else in any row; they are left out.
    """
    row = {name: mistake[name] for name in OF_ANSWER}
    for name, value in own_row(mistake).items():
        if name not in said_twice:
            row[f"{name} (table)" if name in OF_ANSWER else name] = value
    return row
