"""What each kind of feature of the bikes earns: python -m benchmarks.ablation

The model is fitted to the training hours without one kind at a time, and measured on the validation hours, for five
seeds. The test hours are not looked at.
"""

import re
import statistics
import sys

import numpy as np
import pandas as pd

from benchmarks.report import REAL_DATA, machine, table, write_section
from projects.bikes import model
from projects.bikes.data import read_hours, split
from projects.bikes.features import build_features

SEEDS = 5
KINDS = {  # what is left out: its columns
    "nothing": "$^",
    "hours of Fridays and Sundays": r"(friday|sunday)_\d\dh",
    "weekdays": "mon|tue|wed|thu|fri|sat|sun",
    "holidays": "holiday|christmas|thanksgiving.*",
    "yearly waves": "year_.*",
    "second yearly wave": "year_..._2",
    "trend": "trend",
    "weather now": r"weather_\d|temp|hum|windspeed",
    "weather before": "previous_weather|recent_weather",
    "warming since yesterday": "warming",
}


def validation_error(hours, seed, members, smearing=True):
    """Scaled MSE on the validation hours of networks that have not seen them."""
    fitted = model.fit(hours.train, None, None, members=members, seed=seed, **model.DEFAULTS)
    if not smearing:
        fitted.scaling["smearing"] = np.ones(2)
    predicted = fitted.predict(hours.validation, hours.train.tail(24))
    actual = hours.validation.cnt.to_numpy(float)
    return float(np.mean((predicted - actual) ** 2)) / model.variance_of(pd.concat([hours.train, hours.validation]))


def main():
    """Measure and write the section."""
    path = REAL_DATA / "Bike-Sharing-Dataset.zip"
    if not path.exists():
        sys.exit(f"no {path}: set REAL_DATA_DIR to the folder that has the published data")
    hours = split(read_hours(path))
    found = {}
    for name, columns in KINDS.items():

        def without(now, before=None, columns=columns):
            features = build_features(now, before)
            return features.drop(columns=[column for column in features if re.fullmatch(columns, column)])

        model.build_features = without
        found[name] = [validation_error(hours, seed, model.MEMBERS) for seed in range(SEEDS)]
        print(name, found[name], file=sys.stderr)
    model.build_features = build_features
    found["the other networks: one alone"] = [validation_error(hours, seed, 1) for seed in range(SEEDS)]
    found["smearing"] = [validation_error(hours, seed, model.MEMBERS, smearing=False) for seed in range(SEEDS)]
    rows = [
        [name, f"{statistics.fmean(errors):.4f}", f"{np.std(errors):.4f}",
         f"{100 * (statistics.fmean(errors) / statistics.fmean(found['nothing']) - 1):+.0f} %"]
        for name, errors in found.items()
    ]  # fmt: skip
    text = f"""\
{machine("numpy", "pandas")}

Scaled MSE on the {len(hours.validation):,} validation hours, fitted to the {len(hours.train):,} before them; mean and
standard deviation over {SEEDS} seeds.

{table(["left out", "scaled MSE", "±", "change"], rows)}"""
    write_section("Features of the bikes", "python -m benchmarks.ablation", text)


if __name__ == "__main__":
    main()
