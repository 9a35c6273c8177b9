"""Which columns of a table hold the texts and the labels, and which labels are meant."""

import math
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any

from projects.common.errors import ProjectError
from projects.common.names import folded, is_misspelled
from projects.common.table import Table
from projects.common.tables import open_table
from projects.common.words import counted
from projects.sentiment.columns import (
    LABEL_NAMES,
    OTHER_NAMES,
    TEXT_NAMES,
    column_with,
    find_labels,
    guess_text,
    label_text,
    named,
    possible_labels,
    usual,
    values_of,
    with_counts,
)
from projects.sentiment.labels import LISTED, as_number, number_or_name, plain_spelling

GUESSED_FROM = 1_000  # rows
MOST_JOINED = 20  # labels that a ready command joins
LONGEST_NAME = 60  # characters of the name of a column: more are a text


@dataclass(frozen=True)
class Layout:
    """What a person says of a table, and what a model remembers of it. None: to be found."""

    text_column: str | None = None
    label_column: str | None = None
    encoding: str | None = None
    label_map: tuple[tuple[str, str], ...] = ()  # written label and what it counts as; others are left out
    strict: bool = False  # whether a row without text or label is an error
    likely_encoding: str | None = None  # of a file that is no UTF-8, where nothing is said of it
    delimiter: str | None = None  # of the table trained on, for answers to one that has none or tabs

    @property
    def joined_names(self) -> tuple[str, ...]:
        """The names that labels are joined under, in the order in which they were written."""
        return tuple(dict.fromkeys(name for _, name in self.label_map))


ANY_LAYOUT = Layout()


def open_with(layout: Layout, path: Path) -> Table:
    """The table in a file, in the encoding that the layout says or finds likely. Raises ProjectError."""
    return open_table(path, layout.encoding, likely=layout.likely_encoding)


def find_layout(table: Table, layout: Layout, labelled: bool) -> Layout:
    """The layout with the columns of this table: as named, else by their usual names, else by their content.

    labelled: whether there must be a column of labels. Raises ProjectError naming all that is missing.
    """
    columns = table.columns
    if not columns:
        raise ProjectError(f"{table.path} is empty: it has no header")
    given = [name for name in (layout.text_column, layout.label_column) if name]
    missing = [name for name in given if named(columns, name) is None]
    if missing:
        raise ProjectError(f"{table.path} has no column {' and no column '.join(missing)}; it has {listed(columns)}")
    text = named(columns, layout.text_column) if layout.text_column else usual(columns, TEXT_NAMES)
    by_name = usual([column for column in columns if column != text], LABEL_NAMES)
    label = None if layout.label_map else by_name  # with labels to join, what is in the columns decides
    if layout.label_column:
        label = named(columns, layout.label_column)
    if text is None or (labelled and label is None):
        sample = first_rows(table)
        text = text or guess_text(columns, sample, label or by_name)
        if labelled:
            label = label or find_labels(columns, sample, dict(layout.label_map), text)
    unknown = []
    if text is None:
        unknown.append("the texts (--text-column)")
    if labelled and label is None:
        unknown.append("the labels (--label-column)")
    if unknown:
        raise ProjectError(f"{table.path}: which column holds {' and which '.join(unknown)}? It has {listed(columns)}")
    return replace(layout, text_column=text, label_column=label)


def filled_in(layout: Layout, remembered: Layout, columns: Sequence[str]) -> Layout:
    """The layout with what a model remembers where it says nothing, as far as these columns allow."""
    text = remembered.text_column if remembered.text_column in columns else None
    label = remembered.label_column if remembered.label_column in columns else None
    return replace(
        layout,
        text_column=layout.text_column or text,
        label_column=layout.label_column or label,
        label_map=layout.label_map or remembered.label_map,
        likely_encoding=layout.likely_encoding or remembered.likely_encoding,
        delimiter=remembered.delimiter,
    )


def refuse_another_column(table: Table, found: Layout, given: Layout, remembered: Layout) -> None:
    """Raise ProjectError where a model's column of texts is not there, and what was found is not called like one.

    A table of one column is taken as it is.
    """
    known = remembered.text_column
    if given.text_column or known is None or len(table.columns) == 1 or named(table.columns, known):
        return
    if folded(str(found.text_column)) not in TEXT_NAMES:
        raise ProjectError(
            f"{table.path} has no column {known!r}, which the model was trained on; it has {listed(table.columns)}: "
            "name the one with the texts by --text-column"
        )


def guessed(table: Table, found: Layout, given: Layout, remembered: Layout, labelled: bool) -> str | None:
    """A line that names the columns that were neither given, nor remembered, nor have the usual names."""
    guesses = []
    for kind, column, known, names in (
        ("texts", found.text_column, (given.text_column, remembered.text_column), TEXT_NAMES),
        ("labels", found.label_column, (given.label_column, remembered.label_column), LABEL_NAMES),
    ):
        wanted = labelled or kind == "texts"
        if wanted and column and folded(column) not in (*map(folded, filter(None, known)), *names):
            others = other_labels(table, found) if kind == "labels" else {}
            which = f": {with_counts(others)}" if others else ""
            guesses.append(f"{kind} from column {column!r} (--{kind[:-1]}-column names another{which})")
    return f"taking {', '.join(guesses)}" if guesses else None


def find_label(table: Table, layout: Layout) -> str | None:
    """The column with labels, as `find_layout` finds it; None where there is none, or the first rows have none."""
    if layout.label_column:
        return named(table.columns, layout.label_column)
    sample = first_rows(table)
    column = find_labels(table.columns, sample, dict(layout.label_map), layout.text_column)
    is_empty = not any(label_text(row.get(str(column))) for row in sample)
    return None if is_empty else column


def other_labels(table: Table, layout: Layout) -> dict[str, set[str]]:
    """The columns that could hold labels beside those of the layout, and their values in the first rows."""
    possible = possible_labels(table.columns, first_rows(table), layout.text_column)
    possible.pop(str(layout.label_column), None)
    return possible


def first_rows(table: Table) -> list[dict[str, Any]]:
    return [row for _, row in islice(table.rows(), GUESSED_FROM)]


def without_header(table: Table) -> str | None:
    """A line for the user where the names of the columns look like a row of data."""
    names = {folded(column) for column in table.columns}
    if not table.columns or names & {*TEXT_NAMES, *LABEL_NAMES, *OTHER_NAMES}:
        return None
    sample = first_rows(table)
    for column in table.columns:
        is_value = sum(str(row.get(column)) == column for row in sample) >= 2
        if len(column) > LONGEST_NAME or math.isfinite(as_number(column)) or is_value:
            place = "" if table.format != "CSV" else ", such as text,label,"
            return (
                f"{table.path}: the first row looks like data, not like names of columns ({column[:LONGEST_NAME]!r}), "
                f"and is taken for names: put a row of names{place} above it"
            )
    return None


def listed(columns: Sequence[str]) -> str:
    return ", ".join(columns[:20]) + (", …" if len(columns) > 20 else "")


def parse_label_map(written: str) -> tuple[tuple[str, str], ...]:
    """The pairs of `1,2=negative 4,5=positive`; with semicolons between the groups, labels may have spaces.

    Raises ProjectError.
    """
    groups = written.split(";") if ";" in written else written.split()
    pairs: dict[str, str] = {}
    for group in groups:
        labels, is_there, name = group.partition("=")
        if not is_there or not name.strip() or not labels.strip():
            hint = "" if ";" in written else "; between groups whose labels have spaces stands a semicolon"
            raise ProjectError(f"--labels {written!r}: {group.strip()!r} is no group such as 1,2=negative{hint}")
        for label in labels.split(","):
            if label.strip() in pairs:
                raise ProjectError(f"--labels {written!r}: {label.strip()!r} is in two groups")
            pairs[label.strip()] = name.strip()
    if len(set(pairs.values())) < 2:
        raise ProjectError(f"--labels {written!r}: two names at least are needed, as in 1,2=negative 4,5=positive")
    return tuple(pairs.items())


def label_map_in_words(label_map: Sequence[tuple[str, str]]) -> str:
    """What `parse_label_map` reads as these pairs."""
    groups: dict[str, list[str]] = {}
    for written, name in label_map:
        groups.setdefault(name, []).append(written)
    joined = [f"{','.join(labels)}={name}" for name, labels in groups.items()]
    return ("; " if any(" " in group for group in joined) else " ").join(joined)


def joined_alike(labels: Sequence[str], groups: Sequence[Sequence[str]]) -> str | None:
    """All labels for `--labels`, each group under its first one; None where some can't be written or they are many."""
    first_of = {label: group[0] for group in groups for label in group}
    pairs = [(label, first_of.get(label, label)) for label in labels]
    can_be_written = not any(mark in label for label in labels for mark in ",;=")
    several = len(labels) <= MOST_JOINED and len({name for _, name in pairs}) > 1
    return label_map_in_words(pairs) if can_be_written and several else None


class LeftOut:
    """Rows that can't be used: how many for each reason, and where the first one is."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[int, str]] = {}
        self.joined: set[str] = set()  # of the labels that --labels names, those of rows that can be used
        self.others: Counter[str] = Counter()  # rows of each label that it does not name

    def note(self, reason: str, place: str, n: int = 1) -> None:
        """Count rows, the first of them at this place."""
        before, first = self.rows.get(reason, (0, place))
        self.rows[reason] = (before + n, first)

    def add(self, other: "LeftOut") -> None:
        self.joined |= other.joined
        self.others += other.others
        for reason, (n, first) in other.rows.items():
            self.note(reason, first, n)

    def description(self) -> str | None:
        """One line, or None where nothing was left out."""
        if not self.rows:
            return None
        parts = []
        for reason, (n, first) in self.rows.items():
            which = ""
            if reason == OTHER_LABEL:
                frequent = [f"{label} ({rows:,})" for label, rows in self.others.most_common(LISTED)]
                which = f": {', '.join(frequent)}{', …' if len(self.others) > LISTED else ''}"
            parts.append(f"{n:,} {'row' if n == 1 else 'rows'} {reason}{which} (the first: {first})")
        return f"left out: {'; '.join(parts)}"


WITHOUT_TEXT, WITHOUT_LABEL, OTHER_LABEL = "without text", "without label", "with a label that --labels does not name"


def usable_rows(table: Table, layout: Layout, left_out: LeftOut) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Place, text, label and all columns of each row that has a text and a label. Raises ProjectError.

    The layout's columns must be known. Rows that are not usable are counted, or with `strict` refused.
    """
    label_map = dict(layout.label_map)
    for place, row in table.rows():
        text = text_of(row, layout)
        label = label_text(row.get(str(layout.label_column)))
        where = f"{table.path}, {place}"
        reason = WITHOUT_TEXT if not text.strip() else WITHOUT_LABEL if not label else None
        if reason is None and label_map:
            if label in label_map:
                left_out.joined.add(label)
                label = label_map[label]
            else:
                reason = OTHER_LABEL
                left_out.others[label] += 1
        if reason is None:
            yield where, text, label, row
        elif layout.strict and reason != OTHER_LABEL:
            raise ProjectError(f"{where}: {reason}; leave out --strict to go on without such rows")
        else:
            left_out.note(reason, where)


def absent_labels(layout: Layout, left_out: LeftOut) -> list[str]:
    """The labels to join that no row has, where others are there."""
    return [label for label, _ in layout.label_map if label not in left_out.joined] if left_out.joined else []


def never_there(layout: Layout, left_out: LeftOut) -> str | None:
    """A line that names the labels to join that no row has, where others are there, and what may be meant."""
    never = absent_labels(layout, left_out)
    if not never:
        return None
    meant = {label: get_close_matches(label, list(left_out.others), 1) for label in never}
    guesses = [f"{found[0]} for {label}" for label, found in meant.items() if found]
    hint = f": did you mean {in_a_row(guesses)}?" if guesses else ""
    return f"{in_a_row(never)}, named by --labels, {'does' if len(never) == 1 else 'do'} not occur{hint}"


def refuse_misspelled(layout: Layout, left_out: LeftOut) -> None:
    """Raise ProjectError where a label to join does not occur, and one that is left out is that with a slip."""
    slips = (is_slip(label, other) for label in absent_labels(layout, left_out) for other in left_out.others)
    if any(slips):
        raise ProjectError(str(never_there(layout, left_out)))


def is_slip(label: str, other: str) -> bool:
    """Whether these may be one label, one of them misspelled: "2 star" and "2 stars", but not "1 star"."""
    digits, others = (re.findall("[0-9]+", name) for name in (label, other))
    letters, of_other = (re.sub("[0-9]+", "", folded(name)) for name in (label, other))
    return digits == others and is_misspelled(letters, of_other)


def like_named(layout: Layout, left_out: LeftOut) -> str | None:
    """A line where labels are left out that look like some that `--labels` names."""
    names = [label for label, _ in layout.label_map]
    plain = {plain_spelling(name, names) for name in names}
    alike = [label for label in left_out.others if plain_spelling(label, names) in plain]
    if not alike:
        return None
    n_rows = sum(left_out.others[label] for label in alike)
    return f"{in_a_row(alike)} ({counted(n_rows, 'row')}) look like labels that --labels names: add them there"


def no_such_labels(table: Table, layout: Layout) -> str:
    """A line for a table of whose labels none is among those to join: what the column has, and which one has them."""
    wanted = [label for label, _ in layout.label_map]
    column = str(layout.label_column)
    sample = first_rows(table)
    there = sorted(values_of(sample, column), key=number_or_name)
    names = {part.strip() for name in layout.joined_names for part in name.split(",")}
    if names & set(there):
        return f"{table.path}: --labels has the name after its labels, as in 1,2=negative: turn the two sides round"
    line = f"column {column!r} has {in_a_row(there)}, none of {', '.join(wanted)}"
    others = [name for name in table.columns if name not in (column, layout.text_column)]
    better = column_with(others, sample, wanted)
    if better is not None:
        found = values_of(sample, better)
        has = "them" if found >= set(wanted) else in_a_row([label for label in wanted if label in found])
        line += f"; column {better!r} has {has}: --label-column {shlex.quote(better)}"
    return f"{table.path}: {line}"


def in_a_row(labels: Sequence[str]) -> str:
    """ "1, 2 and 3", or the first LISTED of many."""
    if len(labels) > LISTED:
        return f"{', '.join(labels[:LISTED])}, …"
    return " and ".join(part for part in (", ".join(labels[:-1]), labels[-1]) if part)


def texts_alone(table: Table, layout: Layout, left_out: LeftOut) -> Iterator[tuple[str, str]]:
    """Place and text of each row of a table without labels that has a text; others are counted."""
    for place, row in table.rows():
        text = text_of(row, layout)
        if text.strip():
            yield place, text
        else:
            left_out.note(WITHOUT_TEXT, f"{table.path}, {place}")


def text_of(row: dict[str, Any], layout: Layout) -> str:
    """The text of a row, "" for none."""
    value = row.get(str(layout.text_column))
    return "" if value is None else str(value)
