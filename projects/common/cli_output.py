"""What both command lines print."""

import csv
import json
import sys
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import click

from projects.common.terminal import TerminalStream, tell


def note(message: str) -> None:
    """One line on a terminal about what takes a while, unless it was asked to be quiet."""
    if sys.stderr.isatty() and not click.get_current_context().params.get("quiet"):
        tell(message)


def simulated_mark(about: dict[str, Any]) -> str:
    """What stands before every line and table that simulated data had a part in."""
    return "SIMULATED DATA: " if about["simulated"] else ""


def warn_if_simulated(about: dict[str, Any]) -> None:
    """One line on stderr where predictions, which have no room for a mark, come from simulated data."""
    if about["simulated"]:
        click.echo("SIMULATED DATA: this model was trained on simulated data", err=True)


def warn_if_replaced(table: str, columns: Iterable[str], added: Iterable[str]) -> None:
    """One line on stderr where a table, which itself is never changed, has columns of the same names as the answers."""
    if twice := [name for name in added if name in set(columns)]:
        click.echo(f"{table} has a column {twice[0]} already: the answer is printed in its place", err=True)


def echo_styled(text: str) -> None:
    """A line with colours, on a terminal; without them elsewhere. Its words must be printable."""
    if isinstance(sys.stdout, TerminalStream) and sys.stdout.isatty():
        sys.stdout.write_styled(f"{text}\n")
    else:
        click.echo(click.unstyle(text))


def print_json(value: dict[str, Any]) -> None:
    """One object on one line of stdout."""
    click.echo(json.dumps(value, ensure_ascii=False))


def to_csv(rows: Iterable[dict[str, Any]], header: bool = True) -> str:
    """The rows as CSV whose lines end with a line feed; nothing for none."""
    lines: list[str] = []
    for number, row in enumerate(rows):
        if number == 0:  # csv quotes a carriage return only where lines end with one
            writer = csv.DictWriter(SimpleNamespace(write=lambda line: lines.append(line[:-2] + "\n")), row)
            if header:
                writer.writeheader()
        writer.writerow(row)
    return "".join(lines)


def print_rows(rows: Iterable[dict[str, Any]], header: bool) -> None:
    """Rows of CSV on stdout."""
    sys.stdout.write(to_csv(rows, header))
    sys.stdout.flush()
