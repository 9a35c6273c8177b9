"""From an hour to the numbers that the network sees."""

import numpy as np
import pandas as pd

TREND_START = pd.Timestamp("2011-01-01")
SCALED = ("temp", "hum", "windspeed", "trend", "previous_weather", "recent_weather")  # standardised


def build_features(hours: pd.DataFrame, before: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row of float features for each hour, in the same order.

    before: earlier hours, only to look up the weather that came before the first of `hours`.
    """
    time, day_of_week = hours.time, hours.time.dt.day_of_week
    day = time.dt.month * 100 + time.dt.day
    november = time.dt.month == 11
    years = (time - TREND_START) / pd.Timedelta(days=365.25)
    known = hours if before is None else pd.concat([before, hours])

    columns: dict[str, pd.Series] = {}
    for working, kind in ((True, "working"), (False, "free")):
        for hour in range(24):
            columns[f"{kind}_{hour:02}h"] = (hours.hr == hour) & (hours.workingday == working)
    for number, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun")):
        columns[name] = day_of_week == number
    for number in range(1, 5):
        columns[f"weather_{number}"] = hours.weathersit == number
    columns["holiday"] = hours.holiday == 1
    columns["christmas"] = (day >= 1224) | (day <= 101)
    columns["thanksgiving"] = november & (day_of_week == 3) & time.dt.day.between(22, 28)
    columns["thanksgiving_friday"] = november & (day_of_week == 4) & time.dt.day.between(23, 29)
    for harmonic in (1, 2):
        columns[f"year_sin_{harmonic}"] = np.sin(2 * np.pi * harmonic * years)
        columns[f"year_cos_{harmonic}"] = np.cos(2 * np.pi * harmonic * years)
    columns |= {name: hours[name] for name in ("temp", "hum", "windspeed")}
    columns["trend"] = years
    columns |= weather_before(hours, known)
    return pd.DataFrame(columns, index=hours.index).astype(float)


def weather_before(hours: pd.DataFrame, known: pd.DataFrame) -> dict[str, pd.Series]:
    """`weathersit` one hour before, and its mean over the last six hours; the hour's own where that is unknown."""
    weather = known.set_index("time").weathersit.sort_index()
    recent = weather.rolling("6h").mean()
    lookups = {
        "previous_weather": (weather, hours.time - pd.Timedelta(hours=1)),
        "recent_weather": (recent, hours.time),
    }
    found = {}
    for name, (series, times) in lookups.items():
        values = series[~series.index.duplicated(keep="last")].reindex(times)
        found[name] = pd.Series(values.to_numpy(), hours.index).fillna(hours.weathersit)
    return found
