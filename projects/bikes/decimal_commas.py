"""Numbers written with a comma, as much of Europe does: 12,5 is 12.5, while 1,200 may be 1200."""

import re

import pandas as pd

WITH_COMMA = r"[+-]?\d+,\d+"
WITH_THOUSANDS = r"[+-]?[1-9]\d{0,2}(?:,\d{3})+"  # what may be a whole number, a comma before each thousand
BELOW_A_THOUSAND = r"[+-]?\d{1,3}"
WITH_DOTS = r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+"  # the same with dots
SPACES = r"(?<=\d)[ \u00a0\u2009\u202f'’](?=\d{3})"
WITH_SPACES = r"[+-]?[1-9]\d{0,2}(?:[ \u00a0\u2009\u202f'’]\d{3})+(?:[.,]\d+)?"
A_NUMBER = r"[+-]?\d*[.,]?\d+"
WITH_POINT = r"[+-]?\d*\.\d+"
DECIMAL = "commas are read as decimal ones"  # begins the remark on them
MOST = 0.5  # share of the filled cells that must be numbers


def with_points(text: pd.DataFrame, delimiter: str | None) -> tuple[pd.DataFrame, list[str]]:
    """The table of text with a point where numbers have a decimal comma, and remarks on what was read how.

    In a column in which each comma is followed by three digits, and what has no comma is whole and below 1000, commas
    stand before thousands, and are left out. A table delimited by commas, and columns with points, stay as they are;
    but see `with_dots`.
    """
    text, remarks = without_spaces(text)
    if delimiter == ",":
        return text, remarks
    changed: dict[str, pd.Series] = {}
    decimal: list[str] = []
    for column in text:
        values = text[column].str.strip()
        has_comma = values.str.fullmatch(f"{WITH_COMMA}|{WITH_THOUSANDS}")
        if not has_comma.any() or not holds_numbers(values[values != ""]):
            continue
        example = values[has_comma].iloc[0]
        if has_thousands(values[has_comma], values[~has_comma & (values != "")]):
            changed[column] = values.mask(has_comma, values.str.replace(",", ""))
            read = changed[column][has_comma].iloc[0]
            remarks.append(f"column {column}: {example!r} is read as {read}, with a comma before thousands")
        else:
            changed[column] = values.mask(has_comma, values.str.replace(",", "."))
            decimal.append(f"{column} ({example!r})")
    if decimal:
        remarks.append(f"{DECIMAL} in {', '.join(decimal)}")
    for column in with_dots(text, sure=bool(decimal)) if decimal or delimiter == ";" else ():
        values = text[column].str.strip()
        has_dot = values.str.contains(".", regex=False)
        changed[column] = values.str.replace(".", "", regex=False)
        example, read = values[has_dot].iloc[0], changed[column][has_dot].iloc[0]
        remarks.append(f"column {column}: {example!r} is read as {read}, with a dot before thousands")
    return text.assign(**changed), remarks


def without_spaces(text: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The table of text without the spaces or apostrophes that stand before thousands, as in 1 107; and remarks."""
    changed: dict[str, pd.Series] = {}
    remarks: list[str] = []
    for column in text:
        values = text[column].str.strip()
        has_spaces = values.str.fullmatch(WITH_SPACES)
        if not has_spaces.any():
            continue
        filled = values[values != ""]
        if filled.str.fullmatch(rf"{WITH_SPACES}|{A_NUMBER}").mean() > MOST:
            changed[column] = values.mask(has_spaces, values.str.replace(SPACES, "", regex=True))
            example = re.sub(SPACES, " ", values[has_spaces].iloc[0])
            remarks.append(f"column {column}: {example!r} is read as {changed[column][has_spaces].iloc[0]}")
    return text.assign(**changed), remarks


def has_decimal_commas(text: pd.DataFrame, delimiter: str | None) -> bool:
    """Whether some column of a table of text has numbers with decimal commas."""
    _, remarks = with_points(text, delimiter)
    return any(remark.startswith(DECIMAL) for remark in remarks)


def with_dots(text: pd.DataFrame, sure: bool) -> list[str]:
    """The columns of whole numbers with a dot before each thousand; none where another column has decimal points.

    sure: whether numbers of the table have decimal commas. Else most cells without a dot must be below 1000.
    """
    found: list[str] = []
    for column in text:
        values = text[column].str.strip()
        filled = values[values != ""]
        dotted = filled.str.fullmatch(WITH_DOTS)
        if filled.str.fullmatch(rf"{WITH_DOTS}|[+-]?\d+").all() and dotted.any():
            if sure or has_thousands(filled[dotted].str.replace(".", ","), filled[~dotted]):
                found.append(column)
        elif filled.str.fullmatch(WITH_POINT).mean() > MOST:
            return []
    return found


def holds_numbers(filled: pd.Series) -> bool:
    """Whether most of these cells are numbers, and none has a point."""
    number = filled.str.fullmatch(rf"{WITH_COMMA}|{WITH_THOUSANDS}|[+-]?\d+")
    return bool(number.mean() > MOST and not filled.str.fullmatch(WITH_POINT).any())


def has_thousands(with_comma: pd.Series, without: pd.Series) -> bool:
    """Whether the commas must stand before thousands, by these cells with one and those without."""
    may_be = with_comma.str.fullmatch(WITH_THOUSANDS).all()
    return bool(may_be and len(without) and without.str.fullmatch(BELOW_A_THOUSAND).mean() > MOST)
