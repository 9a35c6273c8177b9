"""Which column of a table is what, and in which unit: given, or found by its name and its values."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Literal, NamedTuple

import msgspec
import pandas as pd

from projects.bikes.public_holidays import code_of_two_letters
from projects.bikes.sun import WASHINGTON, Place, nearest_time_zone, refuse_far_away
from projects.bikes.times import are_dates_alone, find_time_format, has_clock
from projects.common.errors import ProjectError
from projects.common.names import without_accents

NAMES = {  # what a column may be called, in small letters and without its unit; the first that fits is taken
    # English, German, Spanish, French, Italian, Portuguese, Dutch, Polish, Czech, Swedish, as far as they differ
    "time": (
        r"dteday|datetime|date time|timestamp|time stamp|time|date|start(ed)?( (at|time|date|hour))?|day|"
        r"datum|zeit|zeitpunkt|zeitstempel|fecha|hora|jour|heure|hour|"
        r"data|data (e )?ora|data (i )?godzina|czas|tijd|tijdstip|tid|tidpunkt|cas|datum a cas"
    ),
    "hour": r"hr|hour|hours|hour of (the )?day|stunde|uhrzeit|hora|heure|ora|uur|godzina|hodina|timme",
    "count": (
        r"cnt|count|y|(total|number of|no of) .*|.*\b(bikes?|rent(al)?s?|rides?|trips?|hires?|count|counts|total|"
        r"demand|usage|volume|anzahl|fahrten|ausleihen|leihen|alquileres|prestamos|usos|bicis|bicicletas|viajes|"
        r"trajets|emprunts|locations|passages|velos|noleggi|prelievi|prestiti|corse|utilizzi|"
        r"alugueres|alugueis|viagens|ritten|verhuringen|ontleningen|uitleningen|fietsen|"
        r"wypozycze(n|nia)|przejazd(y|ow)|rower(y|ow)|jizd(y)?|vypujc(ek|ky)|resor|hyrningar|cyklar)|"
        r"(anzahl|numero( de| di)?|nombre de|liczba|aantal|pocet|antal) .*"
    ),
    "casual": r"casual( .*)?|(day )?guests?|non members?|customers?|occasional.*",
    "registered": r"registered|registered .*|members?|subscribers?|annual.*",
    "temperature": (
        r"temp|(air |mean )?temperature( 2m)?|(luft)?temperatur|temperatura( .*)?|temperatuur|teplota( .*)?|"
        r"lufttemperatur(en)?|temp powietrza|t2m|tavg|tmp[fc]|temp [cf]"
    ),
    "humidity": (
        r"hum|ur|rel(ative)? humidity.*|humidity.*|rh|rhum|relhum|(luft)?feuchte|luftfeuchtigkeit|humedad.*|humidite.*|"
        r"umidita.*|umidade.*|humidade.*|(lucht)?vochtigheid|wilgotnosc.*|vlhkost.*|luftfuktighet.*"
    ),
    "wind": (
        r"wind ?speed.*|wind|wspd|wind kph|wind mph|windgeschwindigkeit|viento.*|vent.*|"
        r"(vel|velocidad|velocidade|velocita|vitesse)( d.*)? ?(viento|vento|vent)|wind(snelheid|hastighet|styrka)|"
        r"vind(hastighet|styrka)?|wiatr.*|predkosc wiatru.*|vitr|rychlost vetru.*"
    ),
    "weather": (
        r"weathersit|weather ?code|weather.*|conditions?|wetter.*|sky|coco|clima|tiempo|meteo|tempo|weer.*|pogoda.*|"
        r"pocasi|vader"
    ),
    "rain": (
        r"rain|rainfall|rain .*|precip.*|prcp|niederschlag.*|regen.*|lluvia.*|pluie.*|pioggia.*|chuva.*|neerslag.*|"
        r"(suma )?opad(y|ow)?.*|deszcz.*|srazky.*|dest|regn.*|nederbord.*"
    ),
    "snow": r"snow|snowfall.*|snow fall.*|schnee.*|nieve.*|neige.*|neve.*|sneeuw.*|snieg.*|snih|sno",
    "holiday": (
        r"(is |public |bank )?holidays?|feiertage?|festivos?|(jour )?feries?|festivita|feriados?|feestdag(en)?|"
        r"swiet[oa]|svat(ek|ky)|helgdag"
    ),
    "open": (
        r"functioning( day)?|(is )?open|in service|operating|in betrieb|abierto|ouvert|aperto|aberto|czynne|otwarte"
    ),
}
FOUND_BY_NAME = (
    "open",
    "holiday",
    "casual",
    "registered",
    "snow",
    "rain",
    "weather",
    "wind",
    "humidity",
    "temperature",
)
UNITS = {  # how units are written in the name of a column, and what they are called here
    "temperature": {r"°?\s*f|fahrenheit|tmpf": "°F", r".*": "°C"},
    "wind": {r"m/s|ms|m s 1|mps": "m/s", r"mph|mi/h": "mph", r"kn|kt|knots?|kts": "knots", r".*": "km/h"},
    "rain": {r"in|inch|inches|\"": "inches", r"cm": "cm", r".*": "mm"},
    "snow": {r"in|inch|inches|\"": "inches", r"mm": "mm", r".*": "cm"},
}
NOT_COUNTS = ("temp", "humid", "wind", "dew", "visib", "solar", "rain", "snow", "opad")  # in names, whatever follows
FORECAST = r"(?:^|[\W_])(forecast|predict|previs|vorhergesagt|vorhersage|prevu|pronost)"  # how words begin that say so
MOSTLY = 0.5  # share of the cells that must hold what the column is taken for
Given = Mapping[str, Any]  # the options of the command line that are not None


class Event(NamedTuple):
    """A day of the city's own, such as a feast, a match or a strike."""

    day: date
    name: str


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a table of hours, their units, and the place they are from. None: the table has no such column."""

    time: str
    time_format: str
    hour: str | None = None
    count: str | None = None
    casual: str | None = None
    registered: str | None = None
    temperature: str | None = None
    temperature_unit: Literal["fraction", "°C", "°F"] = "°C"
    humidity: str | None = None
    humidity_unit: Literal["share", "%"] = "%"
    wind: str | None = None
    wind_unit: Literal["fraction", "km/h", "m/s", "mph", "knots"] = "km/h"
    weather: str | None = None
    weather_code: Literal["1-4", "WMO", "words"] = "1-4"
    rain: str | None = None
    rain_unit: Literal["mm", "cm", "inches"] = "mm"
    snow: str | None = None
    snow_unit: Literal["mm", "cm", "inches"] = "cm"
    snow_lies: bool = False  # it is the depth of what lies, so that it snows only where there is more than before
    holiday: str | None = None
    open: str | None = None
    country: str | None = None  # whose public holidays are looked up where no column has them
    subdivision: str | None = None
    place: Place | None = None
    events: tuple[Event, ...] = ()  # of the city, past and to come
    encoding: str | None = None  # of the text, where it was stated

    @property
    def usual_temperature_unit(self) -> str:
        """That in which people who wrote the table think."""
        return "°C" if self.temperature_unit == "fraction" else self.temperature_unit

    @property
    def usual_wind_unit(self) -> str:
        """That in which people who wrote the table think."""
        return "km/h" if self.wind_unit == "fraction" else self.wind_unit


PUBLISHED_LAYOUT = Layout(
    time="dteday",
    time_format="%Y-%m-%d",
    hour="hr",
    count="cnt",
    casual="casual",
    registered="registered",
    temperature="temp",
    temperature_unit="fraction",
    humidity="hum",
    humidity_unit="share",
    wind="windspeed",
    wind_unit="fraction",
    weather="weathersit",
    weather_code="1-4",
    holiday="holiday",
    country="US",
    subdivision="DC",
    place=WASHINGTON,
)
PUBLISHED_COLUMNS = {"dteday", "hr"}  # a table with these is hour.csv, or is written like it


class Name(NamedTuple):
    """The name of a column, in small letters, and the unit that follows it in brackets."""

    plain: str
    unit: str


def read_name(column: str) -> Name:
    """ "Wind speed (m/s)" is "wind speed" in "m/s", wind_speed_ms the same; accents are left out."""
    match = re.fullmatch(r"(.*?)\s*[(\[]\s*(.*?)\s*[)\]]\s*", column)
    name, unit = (match[1], match[2]) if match else (column, "")
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", without_accents(name))
    plain = " ".join(word for word in re.split(r"[\W_]+", words.lower()) if word and not is_forecast(word))
    ending = re.fullmatch(r"(.+) (mm|cm|in|inches|ms|mps|kmh|kph|mph|kn|kt|knots|[cf]|celsius|fahrenheit)", plain)
    if ending and not unit:
        plain, unit = ending[1], ending[2]
    if plain == "t" and unit.lower().strip("° ") in ("c", "f"):  # without a unit it may be the time
        plain = "temperature"
    return Name(plain, unit.lower())


def is_forecast(name: str) -> bool:
    """Whether a name, or a word of one, says that a value is forecast, as in “temp. prevista”."""
    return re.search(FORECAST, without_accents(name).lower()) is not None


def find_layout(
    text: pd.DataFrame, name: str, given: Given | None = None, with_count: bool = True, likely: Layout | None = None
) -> Layout:
    """The layout of a table of text. Raises ProjectError that says all that can't be found.

    given: `time_column`, `hour_column`, `count_column`, `casual_column`, `registered_column`, `fahrenheit`,
    `wind_unit`, `country`, `subdivision`, `latitude`, `longitude`, `encoding`, and `column`, pairs as in rain=NAME.
    with_count: whether bikes are counted in it. likely: of a table of the same people, whose units and whose order of
    day and month are taken where the table itself says nothing.
    """
    given = given or {}
    stated = {role: given[f"{role}_column"] for role in NAMES if given.get(f"{role}_column")}
    stated |= named_columns(given.get("column") or ())
    problems = [f"there is no column {column}" for column in stated.values() if column not in text]
    if set(text.columns) >= PUBLISHED_COLUMNS and not problems:
        layout = published_layout(text, stated, given)
        if layout.count or layout.casual or not with_count:
            return layout
    columns = find_columns(text, stated)
    time_format = None
    if not problems:
        columns["time"], time_format = find_time(text, columns, likely.time_format if likely else "")
        problems += time_problems(text, columns, time_format, stated)
        may_guess = with_count and columns["casual"] is None
        columns["count"] = stated.get("count") or find_count(text, columns, may_guess)
        if with_count and columns["count"] is None and columns["casual"] is None:
            problems.append(
                "no column is a count of bikes: name it with --count-column; where each row is a trip, count the rows "
                "of each hour first; a table of events goes to --events, one of weather to `bikes forecast --weather`"
            )
    if problems:
        it_has = ", ".join(map(str, text.columns))
        raise ProjectError(f"{name}: {'; '.join(problems)} (it has {it_has})")
    known: dict[str, Any] = columns | find_units(text, columns, given, likely) | find_place(given)
    return Layout(time_format=time_format or "", **known)


def named_columns(written: Iterable[str]) -> dict[str, str]:
    """The roles of `--column "rain=Opad (mm)"` and their columns. Raises ProjectError for what is none."""
    columns: dict[str, str] = {}
    for pair in written:
        role, is_there, column = pair.partition("=")
        if not is_there or role.strip() not in NAMES:
            roles = ", ".join(NAMES)
            raise ProjectError(f"--column {pair!r}: write it as rain=NAME; before the = stands one of {roles}")
        columns[role.strip()] = column.strip()
    return columns


def published_layout(text: pd.DataFrame, stated: dict[str, str], given: Given) -> Layout:
    """That of hour.csv, without the columns that this table lacks, and with what is stated."""
    there = {role: getattr(PUBLISHED_LAYOUT, role) for role in NAMES}
    columns = {role: column if column in text else None for role, column in there.items()} | stated
    if "count" in stated and not {"casual", "registered"} & stated.keys():
        columns |= {"casual": None, "registered": None}
    place = {name: value for name, value in find_place(given).items() if value is not None}
    if not (columns["casual"] and columns["registered"]):
        columns |= {"casual": None, "registered": None}
    return msgspec.structs.replace(PUBLISHED_LAYOUT, **columns, **place)


def find_columns(text: pd.DataFrame, stated: Mapping[str, str]) -> dict[str, Any]:
    """The columns that are stated, and those of weather, holidays and riders that are found by their names."""
    columns: dict[str, Any] = {role: stated.get(role) for role in NAMES}
    for role in FOUND_BY_NAME:
        columns[role] = columns[role] or find_column(text, role, columns)
    if not (columns["casual"] and columns["registered"]):
        columns |= {role: stated.get(role) for role in ("casual", "registered")}
    return columns


def find_column(text: pd.DataFrame, role: str, taken: Mapping[str, str | None]) -> str | None:
    """The first column whose name fits the role and that is nothing else."""
    for column in sorted(text.columns, key=is_forecast):  # beside what was measured, a forecast is not taken
        if column not in taken.values() and re.fullmatch(NAMES[role], read_name(column).plain):
            return str(column)
    return None


def find_time(text: pd.DataFrame, columns: Mapping[str, str | None], likely: str) -> tuple[str | None, str | None]:
    """The column of times, the first whose name fits and that holds dates, else the first that does; its format."""
    if columns["time"]:
        return columns["time"], find_time_format(text[columns["time"]], likely)
    free = [column for column in text.columns if column not in columns.values()]
    named = [column for column in free if re.fullmatch(NAMES["time"], read_name(column).plain)]
    for column in [*named, *free]:
        time_format = find_time_format(text[column], likely)
        if time_format is not None:
            return str(column), time_format
    return None, None


def time_problems(
    text: pd.DataFrame, columns: dict[str, Any], time_format: str | None, stated: Mapping[str, str]
) -> list[str]:
    """What is wrong with the times; puts the column of the hour of the day, where one is needed, into `columns`."""
    if columns["time"] is None:
        return ["no column holds dates: name it with --time-column"]
    if time_format is None:
        value = next(iter(text[columns["time"]]), "")
        return [f"column {columns['time']} holds no times in a usual format, such as 2024-12-31 17:00 ({value!r})"]
    columns["hour"] = stated.get("hour") or find_column(text, "hour", columns)
    if has_clock(time_format) and not (columns["hour"] and are_dates_alone(text[columns["time"]], time_format)):
        columns["hour"] = None
        return []
    if columns["hour"] is None:
        return [f"column {columns['time']} holds dates without a time of day: name the hour's with --hour-column"]
    return []


def find_count(text: pd.DataFrame, columns: Mapping[str, str | None], may_guess: bool) -> str | None:
    """The column of counts, numbers that are not below 0, by its name.

    may_guess: where no name tells, the only column of whole numbers is taken.
    """
    possible = []
    for column in text.columns:
        plain = read_name(column).plain
        if column in columns.values() or any(word in plain for word in NOT_COUNTS):
            continue
        numbers = pd.to_numeric(text[column], errors="coerce")
        if re.fullmatch(NAMES["count"], plain) and (numbers >= 0).mean() > MOSTLY:
            return str(column)
        are_whole = ((numbers >= 0) & (numbers % 1 == 0)).mean() > MOSTLY
        if are_whole and numbers.nunique() > 1:
            possible.append(str(column))
    return possible[0] if may_guess and len(possible) == 1 else None


def count_guessed(layout: Layout, given: Given | None) -> str | None:
    """A line where the column of counts is neither given nor known by its name."""
    if layout.count is None or (given or {}).get("count_column"):
        return None
    if re.fullmatch(NAMES["count"], read_name(layout.count).plain):
        return None
    return f"counts are taken from {layout.count!r}, the only column of whole numbers (--count-column names another)"


def find_units(
    text: pd.DataFrame, columns: Mapping[str, str | None], given: Given, likely: Layout | None
) -> dict[str, Any]:
    """The unit of each column, as it is given, written in the column's name, told by the values, or likely."""
    units: dict[str, Any] = {}
    for role, patterns in UNITS.items():
        unit = read_name(columns[role] or "").unit
        units[f"{role}_unit"] = next(name for pattern, name in patterns.items() if re.fullmatch(pattern, unit))
        if likely is not None and is_unit_assumed(role, columns[role], likely):
            units[f"{role}_unit"] = getattr(likely, f"{role}_unit")
    if given.get("fahrenheit"):
        units["temperature_unit"] = "°F"
    if given.get("wind_unit"):
        units["wind_unit"] = given["wind_unit"]
    if columns["humidity"]:
        units["humidity_unit"] = "share" if is_share(text[columns["humidity"]]) else "%"
    if columns["snow"]:
        units["snow_lies"] = is_snow_depth(text[columns["snow"]])
    if columns["temperature"] and is_share(text[columns["temperature"]]):  # as in the published data
        units["temperature_unit"] = "fraction"
        if columns["wind"] and is_share(text[columns["wind"]]):
            units["wind_unit"] = "fraction"
    if columns["weather"]:
        codes = pd.to_numeric(text[columns["weather"]], errors="coerce")
        if codes.notna().mean() < 0.5:
            units["weather_code"] = "words"
        else:
            units["weather_code"] = "1-4" if codes.dropna().between(1, 4).mean() > 0.95 else "WMO"
    return units


def is_unit_assumed(role: str, column: str | None, likely: Layout) -> bool:
    """Whether a column's name has no unit, and the likely layout has one of people's, no fraction."""
    is_known = getattr(likely, f"{role}_unit") in UNITS[role].values()
    return is_known and column is not None and not read_name(column).unit


def units_assumed(found: Layout, likely: Layout, name: str) -> str | None:
    """A line that names the units of a table of weather that are not written there, and are not the usual ones."""
    assumed = []
    for role in UNITS:
        column = getattr(found, role)
        is_usual = getattr(found, f"{role}_unit") == UNITS[role][".*"]
        if column != getattr(likely, role) and is_unit_assumed(role, column, likely) and not is_usual:
            assumed.append(f"{column} in {getattr(found, f'{role}_unit')}")
    if not assumed:
        return None
    other = "write another unit into the name of the column, as in 'Air temp (°F)' or 'Wind (m/s)'"
    return f"{name}: taken as in the table trained on: {', '.join(assumed)}; {other}"


def is_snow_depth(column: pd.Series) -> bool:
    """Whether snow is mostly as deep as in the row before, as what lies is; what falls changes from hour to hour."""
    depth = pd.to_numeric(column, errors="coerce")
    return bool((depth == depth.shift())[depth > 0].mean() > 0.5)


def is_share(column: pd.Series) -> bool:
    """Whether nearly all numbers of the column lie from 0 to 1, and not all are the same."""
    numbers = pd.to_numeric(column, errors="coerce").dropna()
    return bool(numbers.nunique() > 1 and numbers.between(0, 1).mean() > 0.95)


def find_place(given: Given) -> dict[str, Any]:
    """Country, subdivision, place and encoding, as they are given."""
    stated = {name: given.get(name) for name in ("country", "subdivision", "encoding")}
    if stated["country"]:
        stated["country"] = code_of_two_letters(stated["country"].upper())
    place = None
    if given.get("latitude") is not None and given.get("longitude") is not None:
        latitude, longitude = given["latitude"], given["longitude"]
        refuse_far_away(latitude, longitude, stated["country"])
        place = Place(latitude, longitude, nearest_time_zone(latitude, longitude, stated["country"]))
    return stated | {"place": place}
