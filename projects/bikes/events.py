"""Days of a city's own, which no calendar has: feasts, fairs, matches, strikes. Days of one name are of one kind."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from projects.bikes.hours import Problems, text_of
from projects.bikes.layout import Event, find_time, read_name
from projects.bikes.times import DATES, example, find_time_format, has_clock, parse_times, share_parsed
from projects.common.errors import ProjectError
from projects.common.files import no_file
from projects.common.names import folded, is_misspelled
from projects.common.table import Table, table_of_frame
from projects.common.tables import open_table
from projects.common.words import NO, YES, counted

EventSource: TypeAlias = str | Path | pd.DataFrame | Mapping[str | date, str]  # a mapping: from days to names

LARGEST_TABLE = 1 << 24  # unpacked bytes that are believed
NAMES = (  # that a column of names may have, in small letters
    r"(.* )?(names?|feasts?|festivals?|events?|occasions?|holidays?|descriptions?|titles?|kinds?|reasons?|"
    r"nombres?|fiestas?|festivos?|ferias?|eventos?|motivos?|descripci[oó]n|"
    r"feste?|feiertage?|bezeichnung|anlass|ereignis|veranstaltung|grund|"
    r"noms?|f[eê]tes?|[eé]v[eéè]nements?|jours? f[eé]ri[eé]s?|motifs?|raisons?)( .*)?"
)
NOTHING = (*NO, "", "nan")  # is on such a day of a calendar
COMMON_NAME = "event"  # of what has no name
FEWEST_TOO_MANY = 60  # days with events that are too many if they are most of all days
MOST_KINDS = 5  # that are told
ALIKE = 0.8  # ratio of `difflib` from which two names look alike: they are short, and only told of
COMPARED = 200  # names that are compared, the most frequent ones
LONGEST_EVENT = pd.Timedelta(days=100)  # a later second date says something else


def read_events(source: EventSource, likely: str, encoding: str | None = None) -> tuple[list[Event], str]:
    """The events of a table, in order, and a remark on what was found. Case and spaces keep no names apart.

    The table has a column of dates, and one of names or none; a row is for a day, for an hour of it, or from a first to
    a last day where there is a second column of dates.
    likely: the format of the city's own times, whose order of day and month is taken where both could be right.
    encoding: that of the city's own table, which a file that is no UTF-8 is likely to have, too. Raises ProjectError
    that says all that can't be right.
    """
    table = open_events(source, encoding)
    text = text_of(table.rows(), table.columns)
    refuse_without_header(table)
    column, time_format = find_time(text, {"time": None}, likely)
    if column is None or time_format is None:
        it_has = ", ".join(table.columns) or "nothing"
        raise ProjectError(f"{table.path}: no column holds dates (it has {it_has}): events are a row for each day")
    name_column = find_names(text, column)
    names = pd.Series(COMMON_NAME, text.index) if name_column is None else tidied(text[name_column])
    there = ~names.str.lower().isin(NOTHING)
    text, names = text[there], names[there]
    written = in_likely_order(text[column], time_format, likely)
    first_days = read_days(text, column, written, str(table.path))
    end_column = find_ends(text, column, name_column, written, first_days)
    last_days = first_days
    if end_column is not None:
        last_days = parse_times(text[end_column], written).dt.normalize()
        problems = Problems(text, str(table.path))
        problems.note(last_days < first_days, end_column, f"a day from that of {column} on")
        problems.refuse()
    spans = zip(first_days, last_days.fillna(first_days), names, strict=True)
    events = sorted({Event(day.date(), name) for first, last, name in spans for day in pd.date_range(first, last)})
    if not events:
        raise ProjectError(f"{table.path}: no row names an event: events are a row for each day, with date and name")
    refuse_most_days(events, str(table.path))
    columns = " and ".join(filter(None, [column, end_column, name_column]))
    told = [*describe_events(events), *alike(names)]
    return events, f"{table.path}, {columns}: {'; '.join(told)}"


def refuse_without_header(table: Table) -> None:
    """Raise ProjectError where a date stands among the names of the columns."""
    dates = [name for name in table.columns if find_time_format(pd.Series([name])) is not None]
    if dates:
        raise ProjectError(
            f"{table.path}: the first row looks like data ({dates[0]}), not like names of columns: put a row of names "
            "above it, such as date,name"
        )


def named_as_learned(events: Iterable[Event], learned: Iterable[str]) -> list[Event]:
    """The events by the names of those that were learned, where case, accents and spaces alone tell them apart."""
    names = {folded(name): name for name in learned}
    return [Event(day, names.get(folded(name), name)) for day, name in events]


def find_ends(
    text: pd.DataFrame, column: str, name_column: str | None, written: str, first_days: pd.Series
) -> str | None:
    """The column with the last day of each row's event, if there is one: dates, most of them not before the first."""
    for other in text.columns:
        if other not in (column, name_column):
            last_days = parse_times(text[other], written).dt.normalize()
            lasts = (last_days - first_days)[last_days.notna()]
            if len(lasts) and (lasts <= LONGEST_EVENT).all() and (lasts >= pd.Timedelta(0)).mean() > 0.5:
                return str(other)
    return None


def alike(names: pd.Series) -> list[str]:
    """A line for each name, of the first ones, that looks like one which more rows have."""
    by_number = list(names.value_counts().index)[:COMPARED]
    lines = []
    for place, name in enumerate(by_number):
        meant = next((other for other in by_number[:place] if is_misspelled(folded(name), folded(other), ALIKE)), None)
        if meant is not None:
            lines.append(f"{name} looks like {meant}: give one kind one name")
    return lines[:MOST_KINDS]


def new_kinds(names: Iterable[str], learned: Collection[str]) -> str | None:
    """A line where some of these names of events are of kinds that no hour trained on is of."""
    new = list(dict.fromkeys(name for name in names if name not in learned))
    if not new:
        return None
    more = f" and {len(new) - MOST_KINDS} more" if len(new) > MOST_KINDS else ""
    meant = [match for name in new[:MOST_KINDS] for match in get_close_matches(name, learned, 1)]
    hint = f" (did you mean {', '.join(meant)}?)" if meant else ""
    return (
        f"no hour trained on is of {', '.join(new[:MOST_KINDS])}{more}{hint}: what such a day does is not known, "
        "and only the bands are wider"
    )


def refuse_most_days(events: list[Event], name: str) -> None:
    """Raise ProjectError where events are on most of the days from the first to the last: it is another table."""
    days = {event.day for event in events}
    span = (events[-1].day - events[0].day).days + 1
    if len(days) > FEWEST_TOO_MANY and len(days) > span / 2:
        raise ProjectError(f"{name} has events on {len(days):,} of {span:,} days: a table of events names special days")


def open_events(source: EventSource, encoding: str | None) -> Table:
    """The table of a file, a DataFrame or a mapping."""
    if isinstance(source, Mapping):
        source = pd.DataFrame({"date": list(source), "name": list(source.values())})
    if isinstance(source, pd.DataFrame):
        return table_of_frame(source)
    path = Path(source)
    if not path.exists():
        raise ProjectError(no_file(path, "--events takes a table with a row for each day, its date and its name"))
    return open_table(path, largest=LARGEST_TABLE, likely=encoding)


def find_names(text: pd.DataFrame, dates: str) -> str | None:
    """The column of names beside that of dates: by its own name, else the first that holds words; None for none."""
    others = [column for column in text.columns if column != dates]
    for column in others:
        if re.fullmatch(NAMES, read_name(column).plain):
            return str(column)
    for column in others:
        filled = text[column][text[column].str.strip() != ""]
        of_words = filled.str.contains(r"[^\W\d_]", regex=True)
        if len(filled) and of_words.mean() > 0.5 and find_time_format(filled) is None:
            return str(column)
    return None


def tidied(column: pd.Series) -> pd.Series:
    """The names, one line each, all of a kind written like its first [rows]."""
    names = column.str.split().str.join(" ")
    names = names.where(~names.str.lower().isin(YES), COMMON_NAME)
    first = names.groupby(names.str.casefold()).transform("first")
    return pd.Series(first, column.index)


def in_likely_order(dates: pd.Series, found: str, likely: str) -> str:
    """The format found, or the one of the city's own times where it fits these dates as well."""
    own = next((form for form in DATES if likely.startswith(form)), None)
    if own is None or has_clock(found) or share_parsed(dates, own) < share_parsed(dates, found):
        return found
    return own


def read_days(text: pd.DataFrame, column: str, time_format: str, name: str) -> pd.Series:
    """The day of each row [rows]. Raises ProjectError where there is none."""
    time = parse_times(text[column], time_format)
    problems = Problems(text, name)
    problems.note(time.isna(), column, f"a date like {example(time_format)}")
    problems.refuse()
    return time.dt.normalize()


def describe_events(events: Iterable[Event]) -> list[str]:
    """Each kind with its days, in the order of the first: "Fallas (10 days, 2024-03-15 to 2025-03-19)"."""
    days: dict[str, list[date]] = {}
    for event in events:
        days.setdefault(event.name, []).append(event.day)
    kinds = [
        f"{name} ({first})" if first == last else f"{name} ({number} days, {first} to {last})"
        for name, number, first, last in ((name, len(of_it), of_it[0], of_it[-1]) for name, of_it in days.items())
    ]
    more = len(kinds) - MOST_KINDS
    return [*kinds[:MOST_KINDS], f"{counted(more, 'more kind')}"] if more > 0 else kinds
