"""What is in a table of texts, before anything is trained on it."""

import shlex
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from projects.common.errors import ProjectError
from projects.common.names import folded
from projects.common.table import Table
from projects.common.words import counted, percent
from projects.sentiment.columns import LABEL_NAMES, grade_of, is_scale, with_counts
from projects.sentiment.data import TEST_SHARE, File, drawn, files_of, is_table
from projects.sentiment.hashes import text_hash
from projects.sentiment.labels import FEWEST_TEXTS, USUAL, alike, number_or_name, too_few_to_train_on
from projects.sentiment.layout import (
    ANY_LAYOUT,
    OTHER_LABEL,
    Layout,
    LeftOut,
    find_label,
    find_layout,
    joined_alike,
    label_map_in_words,
    never_there,
    no_such_labels,
    open_with,
    other_labels,
    parse_label_map,
    texts_alone,
    usable_rows,
)
from projects.sentiment.tokens import tokens

SCRIPTS_FROM = 2_000  # texts whose characters are looked at
FEW_TEXTS = 50  # of a label: fewer are hard to learn from
SHORT = 4  # words: of texts that are mostly as short, little can be said
UNEVEN = 10  # times as many texts with one label as with another
QUANTILES = {"shortest": 0, "median": 50, "longest": 100}
GRADES = range(3, 11)  # so many labels that are numbers may be stars
LISTED = 20  # files and labels that are listed
REPEATED, OFTEN = 3, 10  # texts that are named where they are there so often
LONGEST_SHOWN = 40  # characters of them
SCRIPT_NAMES = {
    "CJK": "Chinese characters",
    "HIRAGANA": "kana",
    "KATAKANA": "kana",
    "HANGUL": "Hangul",
    "LATIN": "Latin",
}


@dataclass
class Found:
    """What was counted in the files."""

    labels: Counter[str] = field(default_factory=Counter)
    test: int = 0  # of the texts, those kept for the test
    lengths: list[int] = field(default_factory=list)  # in words
    scripts: Counter[str] = field(default_factory=Counter)  # letters of each
    copies: Counter[int] = field(default_factory=Counter)  # texts of each hash
    repeated: dict[int, str] = field(default_factory=dict)  # beginnings of texts that are there twice or more, by hash
    labels_of_copy: dict[int, set[str]] = field(default_factory=dict)
    left_out: LeftOut = field(default_factory=LeftOut)
    rows: int = 0


def files_to_check(data: Path, layout: Layout, tell: Callable[[str], None] = lambda line: None) -> list[File]:
    """The files that a path or a pattern names, with the columns of the first; without labels `label_column` is None.

    tell: see `files_of`. Raises ProjectError.
    """
    files = files_of(data, layout, labelled=False, tell=tell)
    first = files[0]
    if not is_table(first.path):
        raise ProjectError(f"{data} is no table: the published packings need no check")
    label_column = find_label(
        open_with(first.layout, first.path), replace(first.layout, label_column=layout.label_column)
    )
    return [File(file.path, replace(file.layout, label_column=label_column)) for file in files]


def check_files(files: Sequence[File], given: Layout = ANY_LAYOUT) -> dict[str, Any]:
    """What is in the tables, as plain values: formats, columns, labels, duplicates, lengths, scripts, what is left out.

    given: what a person said of them. Raises ProjectError for what can't be read.
    """
    found = Found()
    tables = []
    for file in files:
        table = open_with(file.layout, file.path)
        tables.append(table)
        count_table(table, file, found)
    in_order = sorted(found.labels, key=number_or_name)
    lengths = np.array(found.lengths or [0])
    label_column = files[0].layout.label_column
    was_told = given.label_column or given.label_map
    others = other_labels(tables[0], files[0].layout)
    return {
        "files": [{"file": str(table.path), "format": table.description()} for table in tables],
        "labelled": label_column is not None,
        "columns": list(tables[0].columns),
        "text_column": files[0].layout.text_column,
        "label_column": label_column,
        "label_column_guessed": not was_told and folded(label_column or "") not in LABEL_NAMES,
        "other_label_columns": {column: sorted(values, key=number_or_name) for column, values in others.items()},
        "rows": found.rows,
        "labels": {label: found.labels[label] for label in in_order},
        "alike": [] if given.label_map else alike(found.labels),
        "test": found.test,
        "left_out": {reason: n for reason, (n, _) in found.left_out.rows.items()},
        "left_out_line": found.left_out.description(),
        "labels_line": line_of_joined(tables[0], files[0].layout, found.left_out),
        "duplicates": sum(n - 1 for n in found.copies.values()),
        "most_repeated": [(found.repeated[number], n) for number, n in found.copies.most_common(REPEATED) if n > 1],
        "contradictions": contradictions(found),
        "duplicates_with_two_labels": sum(len(labels) > 1 for labels in found.labels_of_copy.values()),
        "words": {name: int(np.percentile(lengths, share)) for name, share in QUANTILES.items()},
        "lengths": found.lengths,
        "scripts": scripts_in_words(found.scripts),
    }


def line_of_joined(table: Table, layout: Layout, left_out: LeftOut) -> str | None:
    """What `--labels` names and no row has, in words."""
    if OTHER_LABEL in left_out.rows and not left_out.joined:
        return no_such_labels(table, layout)
    return never_there(layout, left_out)


def count_table(table: Table, file: File, found: Found) -> None:
    """Add a table's rows to what was found."""
    layout = file.layout
    found_here = find_layout(table, layout, labelled=layout.label_column is not None)  # raises where one is missing
    if layout.label_column is not None:
        layout = found_here
    has_split = "split" in table.columns
    before = sum(n for n, _ in found.left_out.rows.values())
    n_usable = 0
    if layout.label_column is None:
        for _, text in texts_alone(table, layout, found.left_out):
            n_usable += 1
            count_text(text, found)
    else:
        for _, text, label, row in usable_rows(table, layout, found.left_out):
            n_usable += 1
            count_text(text, found)
            found.labels[label] += 1
            found.test += row.get("split") == "test" if has_split else drawn(text) < TEST_SHARE
            found.labels_of_copy.setdefault(text_hash(text), set()).add(label)
    left_out = sum(n for n, _ in found.left_out.rows.values()) - before
    found.rows += n_usable + left_out


def count_text(text: str, found: Found) -> None:
    """Add what a text is, whatever its label."""
    found.lengths.append(len(tokens(text)))
    number = text_hash(text)
    found.copies[number] += 1
    if found.copies[number] == 2:
        found.repeated[number] = text[:LONGEST_SHOWN]
    if len(found.lengths) <= SCRIPTS_FROM:
        found.scripts.update(script_of(letter) for letter in text if letter.isalpha())


def contradictions(found: Found) -> list[tuple[str, list[str]]]:
    """The beginnings of some texts that are there with several labels, and these."""
    several = {number: labels for number, labels in found.labels_of_copy.items() if len(labels) > 1}
    some = list(several.items())[:REPEATED]
    return [(" ".join(found.repeated[number].split()), sorted(labels, key=number_or_name)) for number, labels in some]


def script_of(letter: str) -> str:
    """The script of a letter, in words."""
    first_word = unicodedata.name(letter, "other").split()[0]
    return SCRIPT_NAMES.get(first_word, first_word.capitalize())


def scripts_in_words(scripts: Counter[str]) -> str:
    """The scripts that make a hundredth of the letters or more: "Latin 97 %, Greek 3 %"."""
    letters = scripts.total()
    shares = [(name, n / letters) for name, n in scripts.most_common() if n >= letters / 100]
    return ", ".join(f"{name} {percent(share)}" for name, share in shares) or "no letters"


def in_words(found: dict[str, Any]) -> list[str]:
    """What was found, a line each."""
    files = found["files"]
    lines = [f"{file['file']}: {file['format']}" for file in files[:LISTED]]
    if len(files) > LISTED:
        lines.append(f"and {len(files) - LISTED:,} files more")
    lines.append(f"columns: {', '.join(found['columns'])}")
    lines += (
        label_lines(found)
        if found["labelled"]
        else [f"texts from {found['text_column']!r}; no column has labels", counted(found["rows"], "row")]
    )
    if found["left_out_line"]:
        lines.append(found["left_out_line"])
    repeat = "repeats" if found["duplicates"] == 1 else "repeat"
    with_two = f", {found['duplicates_with_two_labels']:,} with two labels" if found["labelled"] else ""
    often = [f"{' '.join(text.split())!r} {n:,} times" for text, n in found["most_repeated"] if n >= OFTEN]
    which = f"; there are {', '.join(often)}" if often else ""
    lines.append(f"{counted(found['duplicates'], 'text')} {repeat} an earlier one{with_two}{which}")
    words = found["words"]
    lines.append(
        f"words in a text: {words['shortest']:,} to {words['longest']:,}, half have {words['median']:,} or fewer"
    )
    lines.append(f"letters: {found['scripts']}")
    return lines


def label_lines(found: dict[str, Any]) -> list[str]:
    """The labels that were found, a line each."""
    labels = found["labels"]
    guess = " (guessed by what is in it: --label-column names another)" if found["label_column_guessed"] else ""
    others = found["other_label_columns"]
    lines = [
        f"texts from {found['text_column']!r}, labels from {found['label_column']!r}{guess}",
        *([f"other columns that could be labels: {with_counts(others)}: --label-column"] if others else []),
        f"{counted(found['rows'], 'row')}; {found['test']:,} of the texts are kept for the test",
        f"{counted(len(labels), 'label')}:",
    ]
    most_frequent = sorted(labels, key=lambda label: -labels[label])[:LISTED]
    n_texts = max(1, sum(labels.values()))
    for label in labels:
        if label in most_frequent:
            lines.append(f"  {label:24} {labels[label]:10,}  {100 * labels[label] / n_texts:5.1f} %")
    if len(labels) > LISTED:
        lines.append(f"  and {len(labels) - LISTED:,} labels more")
    return lines


def without_labels(found: dict[str, Any]) -> bool:
    """Whether the table may have no labels: none were found, or in a column that neither its name nor stars tell."""
    return not found["labelled"] or (found["label_column_guessed"] and not is_scale(found["labels"]))


def labels_to_join(found: dict[str, Any]) -> str | None:
    """What `--labels` should say where some labels look like one: all labels but placeholders; None where none do."""
    labels = found["labels"]
    named = [label for label in labels if not is_placeholder(label, labels[label])]
    return joined_alike(named, found["alike"]) if found["alike"] else None


def is_placeholder(label: str, n_texts: int) -> bool:
    """Whether a label that few texts have is nothing but marks, such as "???" or "-"."""
    return n_texts < FEW_TEXTS and label.isascii() and not any(map(str.isalnum, label))


def too_few(found: dict[str, Any]) -> str | None:
    """A line where there are too few texts with labels, or too few labels, to train on."""
    n_texts = sum(found["labels"].values()) - found["test"]
    if n_texts < FEWEST_TEXTS:
        kept = f" (and {found['test']:,} for the test)" if found["test"] else ""
        return f"{too_few_to_train_on(n_texts)}{kept}"
    return "nothing to train on: two labels at least are needed" if len(found["labels"]) < 2 else None


def groups_of_stars(labels: Sequence[str]) -> str | None:
    """What joins stars or grades into bad and good: "1,2=negative 4,5=positive"; None where labels are none.

    They are where they are three to ten grades, one after the other. One in the middle is left out.
    """
    grades = sorted({grade for grade in map(grade_of, labels) if grade is not None})
    are_grades = all(grade_of(label) is not None for label in labels)
    n = len(grades)
    if not are_grades or n not in GRADES or grades[-1] - grades[0] != n - 1:
        return None
    names = dict.fromkeys(grades[: n // 2], "negative") | dict.fromkeys(grades[n - n // 2 :], "positive")
    by_grade = sorted(labels, key=lambda label: (grade_of(label), label))
    return label_map_in_words([(label, names[grade]) for label in by_grade if (grade := grade_of(label)) in names])


def middle_left_out(labels: Sequence[str], groups: str) -> str | None:
    """A line on the label that these groups leave out, in the middle; None where they have all."""
    known = dict(parse_label_map(groups))
    middle = [label for label in labels if label not in known]
    if not middle:
        return None
    negative, positive = ([(label, name) for label, name in known.items() if name == kind] for kind in USUAL)
    kept = label_map_in_words([*negative, *((label, "neutral") for label in middle), *positive])
    named = ", ".join(middle)
    return f'texts of the middle ({named}) get good or bad then; they stay apart with --labels "{kept}"'


def advice(found: dict[str, Any]) -> list[str]:
    """What may disappoint of a training on these tables, a line each."""
    labels = found["labels"]
    lines = []
    if found["labels_line"]:
        lines.append(found["labels_line"])
    if found["alike"]:
        joined = labels_to_join(found)
        how = f": --labels {shlex.quote(joined)}" if joined else "; --labels joins them"
        lines.append(f"these look like one label: {'; and '.join(map(', '.join, found['alike']))}{how}")
    rare = [label for label, n in labels.items() if n < FEW_TEXTS]
    if rare and len(labels) > 1:
        some = ", ".join(map(repr, rare[:5])) + (", …" if len(rare) > 5 else "")
        has, they = ("has", "it") if len(rare) == 1 else ("have", "they")
        few = f"{counted(len(rare), 'label')} {has} fewer than {FEW_TEXTS} texts ({some})"
        lines.append(f"{few}: {they} will be answered poorly")
    if found["labelled"] and without_labels(found):
        lines.append("no column is called as labels usually are: perhaps the texts have none")
    if labels and not found["alike"] and max(labels.values()) > UNEVEN * min(labels.values()):
        lines.append("some labels are much rarer than others: --balanced lets all count alike")
    if found["duplicates_with_two_labels"]:
        n_twice = found["duplicates_with_two_labels"]
        are = "is" if n_twice == 1 else "are"
        some = "; ".join(f"{text!r} as {' and '.join(labels)}" for text, labels in found["contradictions"])
        lines.append(f"{counted(n_twice, 'text')} {are} there with two labels: nobody can get both right ({some})")
    if found["words"]["median"] <= SHORT:
        lines.append("most texts have four words or fewer: there is little to learn from each")
    return lines
