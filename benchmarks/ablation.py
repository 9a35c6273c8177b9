"""What each group of features of the bikes earns: python -m benchmarks.ablation

The model is fitted without one group at a time, to hours before March 2012 (twelve origins, and weeks left out) and to
the training hours. Neither the test hours nor the backtest's origins of 2012 choose anything.
"""

import statistics
import sys
from contextlib import contextmanager

import numpy as np
import pandas as pd

from benchmarks.bikes import EARLIER, MARCH, rmse, spans
from benchmarks.report import machine, published_hours, table, write_section
from projects.bikes import features, model, scores
from projects.bikes.data import read_hours, split
from projects.bikes.features import GROUPS
from projects.bikes.settings import DEFAULTS, Settings

SEEDS = 1
SEEDS_OF_ALL = 3  # for the model with all its features, to show what is chance
FOLDS = 4  # weeks left out: each fourth, four times


def errors_of(hours, seed, groups=tuple(GROUPS), members=DEFAULTS.members):
    """Mean RMSE over the earlier origins, RMSE over left-out weeks, and scaled MSE on the validation hours."""

    def forecast(past, now, before):
        fitted = model.fit(past, None, Settings(members=members, seed=seed), groups=groups)
        return fitted.predict(now, before)

    earlier = [
        rmse(now.cnt, forecast(past, now, past.tail(features.AROUND))) for past, now in spans(hours, EARLIER, MARCH)
    ]
    year = hours[hours.time < MARCH]
    fold = (year.time - year.time.iloc[0]).dt.days // 7 % FOLDS
    weeks = [(year[fold != left_out], year[fold == left_out]) for left_out in range(FOLDS)]
    predicted = np.concatenate([forecast(past, now, past) for past, now in weeks])
    actual = np.concatenate([now.cnt for _, now in weeks])
    parts = split(hours)
    validation = forecast(parts.train, parts.validation, parts.train.tail(features.AROUND))
    variance = scores.variance_of(pd.concat(parts[:2]))
    scaled_mse = rmse(parts.validation.cnt, validation) ** 2 / variance
    return statistics.fmean(earlier), rmse(actual, predicted), scaled_mse


@contextmanager
def without_learned_shares():
    """Every holiday is free and no other day is special, as in a city of which nothing was learned."""
    learn = features.learn_special_days
    features.learn_special_days = lambda hours, country: []
    try:
        yield
    finally:
        features.learn_special_days = learn


@contextmanager
def nothing_left_out():
    """Every member of the ensemble sees all features."""
    columns = model.member_columns
    model.member_columns = lambda groups, left_out: columns(groups, ())
    try:
        yield
    finally:
        model.member_columns = columns


def main():
    """Measure and write the section."""
    hours = read_hours(published_hours())
    found = {"nothing": [errors_of(hours, seed) for seed in range(SEEDS_OF_ALL)]}
    for name in GROUPS:
        groups = [other for other in GROUPS if other != name]
        found[name] = [errors_of(hours, seed, groups) for seed in range(SEEDS)]
        print(name, found[name], file=sys.stderr, flush=True)
    with without_learned_shares():
        found["learned working shares: yes or no instead"] = [errors_of(hours, seed) for seed in range(SEEDS)]
    with nothing_left_out():
        found["variety: all members see all features"] = [errors_of(hours, seed) for seed in range(SEEDS)]
    found["the other networks: one alone"] = [errors_of(hours, seed, members=1) for seed in range(SEEDS)]
    spread = np.std(found["nothing"], axis=0)
    rows = []
    for name, errors in found.items():
        earlier, weeks, validation = np.mean(errors, axis=0)
        rows.append([name, f"{earlier:.2f}", f"{weeks:.2f}", f"{validation:.4f}"])
    text = f"""\
{machine("numpy", "pandas")}

RMSE, in bikes an hour, over 21 days from each of {len(EARLIER)} origins, 1 September 2011 to 15 February 2012, and over
weeks left out before March 2012; scaled MSE on the validation hours. Of {SEEDS_OF_ALL} seeds the standard deviation is
{spread[0]:.2f}, {spread[1]:.2f} and {spread[2]:.4f} for the whole model; without a group {SEEDS} was measured.

{table(["left out", "earlier origins", "left-out weeks", "validation"], rows)}"""
    write_section("Features of the bikes", "python -m benchmarks.ablation", text)


if __name__ == "__main__":
    main()
