"""How a file of text is laid out: its delimiter, what stands above the header, and whether it is a table at all."""

import csv
import io

from projects.common.table import DELIMITERS, LINES_BELOW, MOST_LINES_ABOVE

TEXT = "text"  # the column of a file with a text on each line
LONGEST_LINE = 10_000_000  # characters
FEWEST_WORDS = 3  # of a mean line, under a line of one word that is the name of a column


def find_delimiter(sample: str, whole: bool, usual: str) -> str:
    """The delimiter by which the header has several fields and the most rows have as many; `usual` if there is none.

    whole: whether the sample is the whole text; else its last row is not counted.
    """
    best, best_score = usual, (-1.0, 0)
    for delimiter in sorted(DELIMITERS, key=lambda delimiter: delimiter != usual):
        header, *others = field_counts(sample, whole, delimiter) or [0]
        if header < 2:
            continue
        agreeing = sum(n == header for n in others) / len(others) if others else 1.0
        if (agreeing, header) > best_score:
            best, best_score = delimiter, (agreeing, header)
    return best


def lines_above_header(sample: str, whole: bool) -> int:
    """How many lines such as “Export of 2026-01-01” stand above the header; 0 where the first line is the header.

    They do where the first line has one field, perhaps with delimiters after it as spreadsheets write them, and all
    rows from a later one on have as many fields, none of the header's empty: three or more, or two where an empty line
    stands above them.
    """
    lines = [line.rstrip("\r\n") for line in lines_in(sample)]
    filled = [number for number, line in enumerate(lines) if is_filled(line)][: MOST_LINES_ABOVE + 1]
    for number in filled[1:]:
        after_empty_line = number - 1 not in filled
        for delimiter in DELIMITERS:
            title = lines[filled[0]].rstrip(delimiter)
            if any(mark in title for mark in DELIMITERS) or not all(lines[number].split(delimiter)):
                continue
            below = lines[number : number + LINES_BELOW]
            counts = field_counts("\n".join(below), whole and number + len(below) == len(lines), delimiter)
            fewest = 2 if after_empty_line else 3
            if len(counts) > 1 and counts[0] >= fewest and set(counts) == {counts[0]}:
                return number
    return 0


def column_of_lines(sample: str, whole: bool) -> str | None:
    """The name of the only column of a text file that has a text on each line; None where it is a table.

    It is a table where a delimiter gives all rows as many fields, two or more, unless the first row's have spaces after
    commas, as sentences have; or where no row has a comma and a name stands above them. The first line is a name where
    it is one word, and the others are longer or it is TEXT itself; elsewhere the name is TEXT.

    >>> column_of_lines("Good food\\nRude, and slow\\n", True)
    'text'
    >>> column_of_lines("Comment\\nGood food, I must say\\nRude, and slow\\n", True)
    'Comment'
    """
    lines = [line.strip() for line in lines_in(sample) if is_filled(line)]
    if not lines:
        return None
    words = [len(line.split()) for line in lines]
    are_longer = sum(words[1:]) >= FEWEST_WORDS * len(words[1:])
    has_name = words[0] == 1 and len(words) > 1 and (are_longer or lines[0] == TEXT)
    if has_name and set(field_counts(sample, whole, ",")) == {1}:
        return None
    for delimiter in DELIMITERS:
        n_fields = set(field_counts(sample, whole, delimiter))
        are_sentences = delimiter == "," and ", " in lines[0]
        if len(n_fields) == 1 and n_fields != {1} and not are_sentences:
            return None
    return lines[0] if has_name else TEXT


def lines_in(sample: str) -> list[str]:
    """The lines with their ends, as a file gives them: `str.splitlines` ends lines at form feeds and others, too."""
    return list(io.StringIO(sample, newline=""))


def is_filled(line: str) -> bool:
    """Whether a line has more than spaces and delimiters."""
    return bool(line.strip(" " + "".join(DELIMITERS)))


def field_counts(sample: str, whole: bool, delimiter: str) -> list[int]:
    """The number of fields of each row of the sample, as far as it can be read with this delimiter."""
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, strict=True)
    counts: list[int] = []
    try:
        counts.extend(len(fields) for fields in reader if fields)
    except csv.Error:
        return counts
    return counts if whole or len(counts) < 2 else counts[:-1]
