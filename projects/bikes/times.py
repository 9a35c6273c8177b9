"""Times as people write them: which format a column has, and the local time of each row."""

import re
from datetime import datetime

import pandas as pd

YEARS = 1900, 2199  # of the dates that are believed
DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
)
CLOCKS = (
    "",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S.%f",
    " %H.%M",
    "T%H:%M",
    "T%H:%M:%S",
    "T%H:%M:%S.%f",
    " %H",
    "T%H",
    " %I:%M %p",
    " %I:%M:%S %p",
    " %I %p",
)
FORMATS = [date + clock for date in DATES for clock in CLOCKS]
DIGITS = {"%Y": r"\d{4}", "%y": r"\d{2}", "%f": r"\d{1,9}", "%p": "[AaPp][Mm]"}  # of the others one or two
OFFSET = r"(?:Z|[+-]\d\d:?\d\d)$"  # from UTC, behind a time of day
ENOUGH = 0.5  # share of a column that must be written in a format
SAMPLE = 200  # values by which formats are told apart first


def pattern(time_format: str) -> str:
    """A regular expression for what is written in this format."""
    escaped = re.escape(time_format).replace("%\\", "%")
    return re.sub(r"%[a-zA-Z]", lambda code: DIGITS.get(code[0], r"\d{1,2}"), escaped)


def without_offset(values: pd.Series) -> pd.Series:
    """The values without the distance from UTC that follows a time of day: what the clocks showed."""
    timed = values.str.contains(":", regex=False)
    return values.where(~timed, values.str.replace(OFFSET, "", regex=True)).str.strip()


def parse_times(values: pd.Series, time_format: str) -> pd.Series:
    """The time of each value; NaT where it is not written in this format, or in an unlikely year [rows].

    The pattern is needed: pandas alone would also take "now" and "today" for dates.
    """
    plain = without_offset(values)
    written = plain.where(plain.str.fullmatch(pattern(time_format)).fillna(False).astype(bool))
    times = pd.to_datetime(written, format=time_format, errors="coerce")
    return times.where(times.dt.year.between(*YEARS))


def find_time_format(values: pd.Series, likely: str = "") -> str | None:
    """The format that most values are written in, or None.

    Where day and month could be either, the one by which time goes on from row to row, in small steps; of a single
    day, that with the order of day and month of the likely format.
    """
    filled = values[(values.str.strip() != "") & (values != values.shift())]  # a date is there for each of its hours
    few = filled.iloc[:: max(1, len(filled) // SAMPLE)]
    possible = [time_format for time_format in FORMATS if share_parsed(few, time_format) >= ENOUGH / 2]
    order = date_part(likely)
    best, best_score = None, (ENOUGH, float("-inf"), False)
    for time_format in possible:
        times = parse_times(filled, time_format)
        steps = times.diff().abs().dropna()
        disorder = steps.mean() / pd.Timedelta(days=1) if len(steps) else 0.0
        score = (round(float(times.notna().mean()), 3), -disorder, date_part(time_format) == order)
        if score > best_score:
            best, best_score = time_format, score
    return best


def parse_as_most_are(values: pd.Series, likely: str, with_clock: bool) -> tuple[pd.Series, str]:
    """The time of each value, NaT where there is none [rows], and the format that they were read in.

    That is the likely one, or that of most values where fewer than half are written in it: the same hours come as text
    from one program and as times from another. with_clock: the time of day must be part of the format.
    """
    times = parse_times(values, likely)
    if times.notna().mean() >= ENOUGH:
        return times, likely
    found = find_time_format(values, likely)
    if found is None or (with_clock and not has_clock(found)):
        return times, likely
    return parse_times(values, found), found


def parse_moment(text: str, likely: str) -> datetime | None:
    """The date and time of day that somebody wrote, in any of the FORMATS; None for anything else.

    likely: a format whose order of day and month is taken where both could be right.
    """
    value = pd.Series([text.strip()])
    order = date_part(likely)
    for time_format in sorted(filter(has_clock, FORMATS), key=lambda known: not known.startswith(order)):
        moment = parse_times(value, time_format)[0]
        if not pd.isna(moment):
            found: datetime = moment.to_pydatetime()
            return found
    return None


def share_parsed(values: pd.Series, time_format: str) -> float:
    return float(parse_times(values, time_format).notna().mean())


def date_part(time_format: str) -> str:
    """The part of a format that has day, month and year; "" of none."""
    return next((date for date in DATES if time_format.startswith(date)), "")


def has_clock(time_format: str) -> bool:
    """Whether a time of day is part of the format."""
    return "%H" in time_format or "%I" in time_format


def are_dates_alone(values: pd.Series, time_format: str) -> bool:
    """Whether there is no time of day: none is written, or all that are, are midnights."""
    times = parse_times(values, time_format).dropna()
    return bool((times == times.dt.normalize()).all())


def example(time_format: str) -> str:
    return f"{pd.Timestamp('2012-12-24 17:00'):{time_format}}"
