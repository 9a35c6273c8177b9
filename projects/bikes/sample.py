"""Two years of SIMULATED hours with the columns of hour.csv, for trying the commands without the real data.

Nothing here is measured: commuting peaks, seasons, weather and riders all come from the formulas below.
"""

import numpy as np
import pandas as pd

HOLIDAYS = ((1, 1), (7, 4), (11, 11), (12, 25))  # month and day


def simulate_hours(seed: int = 0) -> pd.DataFrame:
    """17,544 hours of 2011 and 2012, marked by a last column `simulated` of ones."""
    rng = np.random.default_rng(seed)
    time = pd.Series(pd.date_range("2011-01-01", "2012-12-31 23:00", freq="h"))
    day, hour, year = time.dt.day_of_year, time.dt.hour, time.dt.year - 2011
    holiday = pd.Series([(m, d) in HOLIDAYS for m, d in zip(time.dt.month, time.dt.day, strict=True)]).astype(int)
    weekday = (time.dt.day_of_week + 1) % 7  # 0 is Sunday, as in hour.csv
    workingday = ((time.dt.day_of_week < 5) & (holiday == 0)).astype(int)

    warmth = -np.cos(2 * np.pi * (day - 20) / 365.25)  # -1 in January, 1 in July
    days = rng.normal(size=(2, len(time) // 24 + 1)).repeat(24, axis=1)[:, : len(time)]  # what a day has in common
    celsius = 15 + 12 * warmth + 4 * np.sin(2 * np.pi * (hour - 9) / 24) + 3 * days[0] + rng.normal(0, 0.5, len(time))
    humidity = np.clip(0.62 - 0.012 * (celsius - 15) + 0.15 * days[1] + rng.normal(0, 0.03, len(time)), 0.1, 1)
    wind = np.clip(rng.gamma(4, 3.2, len(time)), 0, 67)
    storm = (humidity > 0.99) & (rng.random(len(time)) < 0.02)
    weathersit = 1 + (humidity > 0.7).astype(int) + (humidity > 0.85) + storm

    commute = 260 * bump(hour, 8, 1.1) + 330 * bump(hour, 17.5, 1.6) + 60 * bump(hour, 12.5, 2.5) + 8
    leisure = 150 * bump(hour, 14, 4) + 6
    comfort = np.exp(-(((celsius - 25) / 16) ** 2)) * np.array([0, 1, 0.85, 0.5, 0.2])[weathersit]
    growth = 1 + 0.65 * (year + day / 365)
    registered = rng.poisson(growth * comfort * np.where(workingday == 1, commute, 0.8 * leisure))
    casual = rng.poisson(growth * comfort * np.where(workingday == 1, 0.2, 0.55) * leisure)
    return pd.DataFrame(
        {
            "instant": np.arange(1, len(time) + 1),
            "dteday": time.dt.strftime("%Y-%m-%d"),
            "season": time.dt.month % 12 // 3 + 1,
            "yr": year,
            "mnth": time.dt.month,
            "hr": hour,
            "holiday": holiday,
            "weekday": weekday,
            "workingday": workingday,
            "weathersit": weathersit,
            "temp": np.clip((celsius + 8) / 47, 0, 1).round(2),
            "atemp": np.clip((celsius + 16) / 66, 0, 1).round(4),
            "hum": humidity.round(2),
            "windspeed": (wind / 67).round(4),
            "casual": casual,
            "registered": registered,
            "cnt": casual + registered,
            "simulated": 1,
        }
    )


def bump(hour: pd.Series, centre: float, width: float) -> pd.Series:
    """A bell over the day, 1 at its centre; `centre` and `width` in hours."""
    return np.exp(-(((hour - centre) / width) ** 2) / 2)
