"""`bikes backtest` beside LightGBM, given the same hours: python -m benchmarks.bikes

LightGBM has the raw columns, 800 trees and a rate of 0.05, once for the count and once for its logarithm. From the
first of each month of 2012 each side is trained on all hours before and forecasts 21 days with the recorded weather.
"""

import time

import lightgbm
import numpy as np
import pandas as pd

from benchmarks.report import REAL_DATA, machine, table, write_section
from nn import metrics
from projects.bikes.backtest import backtest, origins, summary
from projects.bikes.data import check_hours, open_table, read_hours
from projects.bikes.sample import simulate_hours

DAYS = 21
COLUMNS = [
    "season", "yr", "mnth", "hr", "holiday", "weekday", "workingday", "weathersit", "temp", "hum", "windspeed",
]  # fmt: skip


def data():
    """Hours as our pipeline reads them, the raw table in the same order, and whether they are simulated."""
    path = REAL_DATA / "Bike-Sharing-Dataset.zip"
    if not path.exists():
        raw = simulate_hours()
        return check_hours(raw.astype(str), "simulated", targets=True), raw, True
    with open_table(path) as file:
        raw = pd.read_csv(file).sort_values(["dteday", "hr"], ignore_index=True)
    return read_hours(path), raw, False


def forecast_with_trees(raw, past, now, logarithm):
    target = raw.cnt[past]
    trees = lightgbm.LGBMRegressor(n_estimators=800, learning_rate=0.05, verbose=-1, random_state=0)
    trees.fit(raw.loc[past, COLUMNS], np.log1p(target) if logarithm else target)
    prediction = trees.predict(raw.loc[now, COLUMNS])
    return np.maximum(np.expm1(prediction) if logarithm else prediction, 0)


def main():
    """Run both sides and write the section."""
    hours, raw, simulated = data()
    moments = origins(hours, 12, 1, DAYS)
    started = time.perf_counter()
    ours = summary(backtest(hours, moments, DAYS))
    seconds = time.perf_counter() - started
    theirs = {"LightGBM": [], "LightGBM, log": []}
    for origin in moments:
        past = (hours.time < origin).to_numpy()
        now = ((hours.time >= origin) & (hours.time < origin + pd.Timedelta(days=DAYS))).to_numpy()
        for name, scores in theirs.items():
            prediction = forecast_with_trees(raw, past, now, logarithm="log" in name)
            scores.append(metrics.regression_scores(hours.cnt[now].to_numpy(float), prediction))
    rows = []
    for i, row in ours.iterrows():
        others = [f"{scores[i]['rmse']:.1f}" for scores in theirs.values()]
        rows.append([row.origin, f"{row.rmse:.1f}", *others, f"{row.last_four_weeks_rmse:.1f}"])
    trees = [np.mean([score["rmse"] for score in scores]) for scores in theirs.values()]
    rows.append(["mean", f"{ours.rmse.mean():.1f}", *(f"{mean:.1f}" for mean in trees),
                 f"{ours.last_four_weeks_rmse.mean():.1f}"])  # fmt: skip
    rmsle = [np.mean([score["rmsle"] for score in scores]) for scores in theirs.values()]
    rows.append(["mean RMSLE", f"{ours.rmsle.mean():.3f}", *(f"{mean:.3f}" for mean in rmsle),
                 f"{ours.last_four_weeks_rmsle.mean():.3f}"])  # fmt: skip
    better = sum(score["rmse"] > row.rmse for score, (_, row) in zip(theirs["LightGBM"], ours.iterrows(), strict=True))
    kind = "SIMULATED hours. " if simulated else ""
    bands = f"80 % band held {ours.coverage_80.mean():.1%} of the hours, its 95 % band {ours.coverage_95.mean():.1%}"
    text = f"""\
{machine("numpy", "pandas", "lightgbm")}

{kind}RMSE in bikes an hour over {DAYS} days from each origin. The network is better than LightGBM from {better} of
{len(moments)} origins; its {bands}. Its whole backtest took {seconds:.0f} s.

{table(["origin", "two-layer", *theirs, "last four weeks"], rows)}"""
    write_section("Bike rentals", "python -m benchmarks.bikes", text)


if __name__ == "__main__":
    main()
