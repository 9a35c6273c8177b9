"""From an hour to the numbers that the network sees."""

import numpy as np
import pandas as pd

TREND_START = pd.Timestamp("2011-01-01")
SCALED = ("temp", "hum", "windspeed", "warming", "trend", "previous_weather", "recent_weather")  # standardised


def build_features(hours: pd.DataFrame, before: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row of float features for each hour, in the same order.

    before: the 24 earlier hours, only to look up the weather that came before the first of `hours`. Of an hour that is
    there twice, the later row is looked up.
    """
    time, day_of_week = hours.time, hours.time.dt.day_of_week
    day = time.dt.month * 100 + time.dt.day
    november = time.dt.month == 11
    years = (time - TREND_START) / pd.Timedelta(days=365.25)
    known = hours if before is None else pd.concat([before, hours])

    thanksgiving_friday = november & (day_of_week == 4) & time.dt.day.between(23, 29)
    working = hours.workingday & (day != 1224) & ~thanksgiving_friday  # offices close on these two, too

    columns: dict[str, pd.Series] = {}
    for hour in range(24):
        at_hour = hours.hr == hour
        columns[f"working_{hour:02}h"] = at_hour & working
        columns[f"free_{hour:02}h"] = at_hour & ~working
        columns[f"friday_{hour:02}h"] = at_hour & working & (day_of_week == 4)
        columns[f"sunday_{hour:02}h"] = at_hour & (day_of_week == 6)
    for number, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun")):
        columns[name] = day_of_week == number
    for number in range(1, 5):
        columns[f"weather_{number}"] = hours.weathersit == number
    columns["holiday"] = hours.holiday == 1
    columns["christmas"] = (day >= 1224) | (day <= 101)
    columns["thanksgiving"] = november & (day_of_week == 3) & time.dt.day.between(22, 28)
    columns["thanksgiving_friday"] = thanksgiving_friday
    for harmonic in (1, 2):
        columns[f"year_sin_{harmonic}"] = np.sin(2 * np.pi * harmonic * years)
        columns[f"year_cos_{harmonic}"] = np.cos(2 * np.pi * harmonic * years)
    columns |= {name: hours[name] for name in ("temp", "hum", "windspeed")}
    columns["trend"] = years
    columns |= weather_before(hours, known)
    return pd.DataFrame(columns, index=hours.index).astype(float)


def weather_before(hours: pd.DataFrame, known: pd.DataFrame) -> dict[str, pd.Series]:
    """`weathersit` one hour before and its mean over the last six hours, and `temp` less its mean over the last day.

    Where the hours before are unknown, the weather is taken to have been the hour's own.
    """
    past = known.drop_duplicates("time", keep="last").set_index("time")[["weathersit", "temp"]].sort_index()
    previous, recent = past.weathersit, past.weathersit.rolling("6h").mean()
    lookups = {
        "previous_weather": (previous, hours.time - pd.Timedelta(hours=1), hours.weathersit),
        "recent_weather": (recent, hours.time, hours.weathersit),
        "day_temp": (past.temp.rolling("24h").mean(), hours.time, hours.temp),
    }
    found = {}
    for name, (series, times, own) in lookups.items():
        found[name] = pd.Series(series.reindex(times).to_numpy(), hours.index).fillna(own)
    return found | {"warming": hours.temp - found.pop("day_temp")}
