"""The labels of texts: how they are numbered, and which number a label in a file has."""

import math
from collections.abc import Collection, Mapping, Sequence

from projects.common.errors import ProjectError
from projects.common.names import folded, is_misspelled
from projects.common.words import counted
from projects.sentiment.columns import grade_of

# what people call the two labels of opinions, in lower case
LABELS = {  # a line for each of them, which the formatter would pull apart
    "negative": 0, "neg": 0, "0": 0, "bad": 0,
    "positive": 1, "pos": 1, "1": 1, "good": 1,
}  # fmt: skip
USUAL = ("negative", "positive")
UNLABELLED = -1  # the number of a text that has no label
LISTED = 9  # labels that an error names
FEWEST_TEXTS = 20  # to train on: with fewer nothing comes of it
RARE = 10  # times as many texts have the other one
COMPARED = 200  # labels, at most


def order_labels(
    texts: Mapping[str, int], positive: str | None, source: str, written: Sequence[str] = ()
) -> tuple[str, ...]:
    """The labels in the order of their numbers 0, 1, …, as they are written.

    texts: how many have each label. source: what an error names. written: the names that `--labels` gives, in its
    order: so they are numbered, whatever they are called.

    Whole numbers come in ascending order, other labels in that of their characters. Of two labels the
    second is the positive one: `positive` where it is given, else the one that LABELS knows as such.
    Raises ProjectError for `positive` beside more than one other label, and where nearly every row has
    a label of its own.
    """
    labels = sorted(texts, key=number_or_name)
    if positive is not None:
        return around_positive(labels, positive, source)
    if all(label.lower() in LABELS for label in labels):
        if len(labels) > len(USUAL):  # several spellings of the same two
            return USUAL
        by_meaning = sorted(labels, key=lambda label: LABELS[label.lower()])
        distinct = len({LABELS[label.lower()] for label in labels}) == len(labels)
        return tuple(by_meaning) if distinct else (USUAL[LABELS[labels[0].lower()]],)
    if written:
        return tuple(sorted(labels, key=list(written).index))
    n_texts = sum(texts.values())
    if len(labels) > 2 and n_texts < 2 * len(labels):
        if n_texts < FEWEST_TEXTS:
            raise ProjectError(f"{source}: {too_few_to_train_on(n_texts)}")
        raise ProjectError(
            f"{source} has {len(labels):,} different labels in {n_texts:,} rows ({quoted(labels)}): "
            "if this is not the column that holds the labels, name it with --label-column"
        )
    return tuple(labels)


def too_few_to_train_on(n_texts: int) -> str:
    """What is said of so few texts."""
    are = "is" if n_texts == 1 else "are"
    return f"{counted(n_texts, 'text')} with labels {are} too few to train on: some 200 are a start"


def number_or_name(label: str) -> tuple[bool, int, str]:
    """What labels are sorted by: whole numbers first, by size; grades such as "3 stars" are numbers, too."""
    is_number = label.isascii() and label.removeprefix("-").isdigit() and len(label) < 19
    number = int(label) if is_number else grade_of(label)
    return number is None, number or 0, label


def as_number(label: str) -> float:
    """The number that a label is, with a decimal point or comma; NaN if it is none."""
    try:
        return float(label.replace(",", "."))
    except ValueError:
        return math.nan


def as_number_or_grade(label: str) -> float:
    """The number that a label is or, as in "3 stars", begins with; NaN if there is none."""
    grade = grade_of(label)
    return as_number(label) if grade is None else grade


def order_shown(names: Sequence[str], texts: Sequence[float], most: int) -> list[int]:
    """The places of the labels with the most texts, `most` at most: the most frequent first, numbers by their size.

    texts: of each name. One name among numbers may be none: that of all labels that a model does not have.
    """
    frequent = sorted(range(len(names)), key=lambda place: -texts[place])[:most]
    n_others = sum(number_or_name(names[place])[0] for place in frequent)
    if n_others > 1 or n_others == len(frequent):
        return frequent
    return sorted(frequent, key=lambda place: number_or_name(names[place]))


def around_positive(labels: list[str], positive: str, source: str) -> tuple[str, ...]:
    """The other label and `positive`."""
    if positive not in labels:
        raise ProjectError(f"{source} has no label {positive!r}; it has {quoted(labels)}")
    others = [label for label in labels if label != positive]
    if len(others) > 1:
        raise ProjectError(
            f"{source} has {len(labels):,} labels ({quoted(labels)}): leave out --positive, it is for two"
        )
    return (*others, positive)


def number_labels(places: Mapping[str, str], names: Sequence[str]) -> dict[str, int]:
    """The number of each written label among these names.

    places: where each label is first. Where the names are two that LABELS knows, any other spelling in it will do.
    Raises ProjectError with the place of a label that is none of them.
    """
    numbers = {name: number for number, name in enumerate(names)}
    usual = [LABELS.get(name.lower()) for name in names]
    found = {}
    for label, place in places.items():
        number = numbers.get(label)
        if number is None and label.lower() in LABELS and LABELS[label.lower()] in usual:
            number = usual.index(LABELS[label.lower()])
        if number is None:
            raise ProjectError(f"{place}: {label!r} is none of the model's labels, which are {quoted(names)}")
        found[label] = number
    return found


def alike(texts: Mapping[str, int]) -> list[list[str]]:
    """Groups of labels that look like one: they differ by case, accents or blanks, or a rare one by a letter or so.

    So do "5" and "5 stars".

    texts: how many have each label. The most frequent spelling comes first. None where there are too many labels, or
    where they are the two that LABELS knows, whose spellings count as one anyway.
    """
    if len(texts) > COMPARED or all(label.lower() in LABELS for label in texts):
        return []
    groups: dict[str, list[str]] = {}
    totals: dict[str, int] = {}
    for label in sorted(texts, key=lambda label: -texts[label]):
        plain = plain_spelling(label, texts)
        groups.setdefault(plain, []).append(label)
        totals[plain] = totals.get(plain, 0) + texts[label]
    for rare in sorted(groups, key=lambda plain: totals[plain]):
        meant = [other for other in groups if totals[other] >= RARE * totals[rare] and is_misspelled(rare, other)]
        if meant:
            groups[max(meant, key=lambda other: totals[other])] += groups.pop(rare)
    return [group for group in groups.values() if len(group) > 1]


def plain_spelling(label: str, others: Collection[str]) -> str:
    """What a label has in common with those that look like it."""
    grade = grade_of(label)
    if grade is not None and str(grade) in others:
        return str(grade)
    return "".join(folded(label).split())


def quoted(labels: Sequence[str]) -> str:
    """The labels in quotes, the first LISTED of many."""
    more = ", …" if len(labels) > LISTED else ""
    return ", ".join(repr(label) for label in labels[:LISTED]) + more
