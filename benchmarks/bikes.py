"""Forecasts of bikes beside other tools on the same hours: python -m benchmarks.bikes [--tune]

Twelve origins of 2012, and the ways in which others have measured themselves on these hours. With --tune: how the
settings of the other tools do on twelve origins before March 2012, by which they were chosen.
"""

import sys
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import TimeSeriesSplit

from benchmarks import bikes_peers as peers
from benchmarks.report import machine, published_hours, table, write_section
from nn import metrics
from projects.bikes.backtest import backtest, origins, summary
from projects.bikes.bands import LEVELS
from projects.bikes.data import Split, read_hours
from projects.bikes.features import AROUND
from projects.bikes.model import train
from projects.bikes.settings import VALIDATION_DAYS

DAYS = 21
MARCH = pd.Timestamp("2012-03-01")
EARLIER = [pd.Timestamp(2011, 9, 1) + pd.DateOffset(months=i, days=day) for i in range(6) for day in (0, 14)]
OURS = {"two-layer": peers.network, "two-layer, --log-counts": peers.network_of_logarithms}
NEEDED_BY = {
    "LightGBM": peers.lightgbm_trees,
    "CatBoost": peers.catboost_trees,
    "HGB": peers.histogram_trees,
}
GRID = {
    "LightGBM": [{"n_estimators": n, "num_leaves": leaves} for n in (300, 600, 1200) for leaves in (15, 31)],
    "CatBoost": [{"iterations": n, "depth": depth} for n in (500, 1000) for depth in (6, 8)],
    "HGB": [{"max_iter": n} for n in (150, 300, 600)],
}


def spans(hours, moments, until=None):
    """For each origin the hours before it and those of the DAYS from it, none later than `until`."""
    for origin in moments:
        end = min(filter(None, (origin + pd.Timedelta(days=DAYS), until)))
        yield hours[hours.time < origin], hours[(hours.time >= origin) & (hours.time < end)]


def rmse(actual, predicted):
    return metrics.regression_scores(np.asarray(actual, float), np.asarray(predicted))["rmse"]


def tune(hours):
    """Print the mean RMSE over the earlier origins of each setting."""
    for name, settings_tried in GRID.items():
        for settings in settings_tried:
            errors = []
            for past, now in spans(hours, EARLIER, MARCH):
                trees = NEEDED_BY[name](**settings)
                predicted = peers.with_the_trend_taken_out(trees, past, now, past.tail(AROUND))
                errors.append(rmse(now.cnt, predicted))
            print(f"{name} {settings}: {np.mean(errors):.2f}", flush=True)


def interval_score(actual, low, high, level):
    """Mean width of the bands and what they miss, 2 / (1 - level) times (Gneiting and Raftery 2007, section 6.2)."""
    penalty = 2 / (1 - level / 100)
    return float(np.mean(high - low + penalty * (np.maximum(low - actual, 0) + np.maximum(actual - high, 0))))


def band_scores(actual, bands):
    """Coverage and interval score for each level."""
    scores = {}
    for level in LEVELS:
        low, high = bands[f"low_{level}"], bands[f"high_{level}"]
        scores[f"coverage_{level}"] = float(np.mean((low <= actual) & (actual <= high)))
        scores[f"interval_{level}"] = interval_score(actual, low, high, level)
    return scores


def firsts_of_2012(hours):
    """The text about twelve origins: errors of all, and bands."""
    moments = origins(hours, 12, 1, DAYS)
    started = time.process_time()
    forecasts = backtest(hours, moments, DAYS)
    seconds = time.process_time() - started
    ours = summary(forecasts)
    errors = {"two-layer": ours.rmse.tolist()}
    rmsle = {"two-layer": ours.rmsle.mean()}
    bands = {"two-layer": [], "LightGBM quantiles": []}
    predictions = {name: [] for name in peers.PEERS}
    for (past, now), (_, part) in zip(spans(hours, moments), forecasts.groupby("origin"), strict=True):
        actual = now.cnt.to_numpy(float)
        bands["two-layer"].append(band_scores(actual, part.set_index(now.index)))
        bands["LightGBM quantiles"].append(band_scores(actual, peers.quantile_bands(past, now, past.tail(AROUND))))
        for name, forecast in peers.PEERS.items():
            predictions[name].append(forecast(past, now, past.tail(AROUND)))
        print(f"{now.time.iloc[0]:%Y-%m-%d} done", file=sys.stderr, flush=True)
    actuals = [part.cnt.to_numpy(float) for _, part in forecasts.groupby("origin")]
    for name, forecast in predictions.items():
        scores = [metrics.regression_scores(*pair) for pair in zip(actuals, forecast, strict=True)]
        errors[name] = [score["rmse"] for score in scores]
        rmsle[name] = np.mean([score["rmsle"] for score in scores])
    errors["last four weeks"] = ours.last_four_weeks_rmse.tolist()
    rmsle["last four weeks"] = ours.last_four_weeks_rmsle.mean()
    rows = [[origin, *(f"{values[i]:.1f}" for values in errors.values())] for i, origin in enumerate(ours.origin)]
    rows.append(["mean", *(f"{np.mean(values):.1f}" for values in errors.values())])
    rows.append(["mean RMSLE", *(f"{value:.3f}" for value in rmsle.values())])
    both = [(ours_, theirs) for ours_, theirs in zip(forecasts.groupby("origin"), predictions["LightGBM"], strict=True)]
    together = [rmse(part.cnt, (part.prediction.to_numpy() + other) / 2) for (_, part), other in both]
    return f"""\
RMSE in bikes an hour over {DAYS} days from each origin, with the recorded weather. All but the last column are given
our features and the roots of casual and registered riders; trees, and the ordinals, the trend taken out by a ridge
regression. The mean of two-layer and LightGBM: {np.mean(together):.1f}. Our whole backtest, two fits an origin, took
{seconds:.0f} s of processor time.

{table(["origin", *errors], rows)}
{band_table(bands)}"""


def band_table(bands):
    """Means over the origins, as Markdown."""
    rows = []
    for name, scores in bands.items():
        means = pd.DataFrame(scores).mean()
        coverage = [f"{means[f'coverage_{level}']:.1%}" for level in LEVELS]
        rows.append([name, *coverage, *(f"{means[f'interval_{level}']:.0f}" for level in LEVELS)])
    head = ["bands", "in 80 %", "in 95 %", "interval score 80 %", "interval score 95 %"]
    return table(head, rows)


def scikit_learns_example(hours):
    """MAE of each tool over five folds of 1,000 hours, 48 hours after what was trained on."""
    folds = list(TimeSeriesSplit(n_splits=5, gap=48, test_size=1000).split(hours))
    found = {}
    for name, forecast in (OURS | peers.PEERS).items():
        errors = []
        for past, now in folds:
            predicted = forecast(hours.iloc[past], hours.iloc[now], hours.iloc[now[0] - AROUND : now[0]])
            errors.append(np.mean(np.abs(hours.cnt.iloc[now] - predicted)))
        found[name] = np.mean(errors)
        print(f"scikit-learn's example: {name} {found[name]:.1f}", file=sys.stderr, flush=True)
    return found


def kaggles_split(hours):
    """RMSLE of each tool trained on days 1 to 19 of every month, over the others."""
    early = hours.time.dt.day <= 19
    past, now = hours[early], hours[~early]
    found = {}
    for name, forecast in (OURS | peers.PEERS).items():
        predicted = forecast(past, now, past)
        found[name] = metrics.regression_scores(now.cnt.to_numpy(float), predicted)["rmsle"]
        print(f"Kaggle's split: {name} {found[name]:.4f}", file=sys.stderr, flush=True)
    return found


def skforecasts_guide(hours):
    """Coverage of the bands, 16 November to 30 December 2012; each week by a model trained on all hours before it."""
    parts = []
    hours = hours[hours.time < "2012-12-31"]
    for origin in pd.date_range("2012-11-16", "2012-12-30", freq="7D"):
        past = hours[hours.time < origin]
        now = hours[(hours.time >= origin) & (hours.time < origin + pd.Timedelta(days=7))]
        fresh = past.time >= origin - pd.Timedelta(days=VALIDATION_DAYS)
        model = train(Split(past[~fresh], past[fresh], now))
        parts.append(now[["cnt"]].join(model.forecast(now, past.tail(AROUND))))
    forecast = pd.concat(parts)
    return {level: forecast.cnt.between(forecast[f"low_{level}"], forecast[f"high_{level}"]).mean() for level in LEVELS}


def ways_of_others(hours):
    """The text about what others measure themselves by."""
    example, kaggle, guide = (
        scikit_learns_example(hours),
        kaggles_split(hours),
        skforecasts_guide(hours),
    )
    rows = [[name, f"{example[name]:.1f}", f"{kaggle[name]:.3f}"] for name in example]
    rows.append(["published", "43.2", "0.360"])
    head = ["", "scikit-learn's example, MAE", "Kaggle's split, RMSLE"]
    return f"""\
scikit-learn's example: five folds of 1,000 hours, 48 hours after what is trained on, here all hours before; published
is its HistGradientBoosting, with at most 10,000 rows of training. Kaggle's split: trained on days 1 to 19 of every
month, the others forecast; published is the place 13 of 3,251.

{table(head, rows)}
skforecast's guide: 16 November to 30 December 2012, trained anew each week. The 80 % band held
{guide[80]:.1%} of the hours, the 95 % band {guide[95]:.1%}; the guide's 80 % bands hold 62.3 (residuals of the
training), 75.5 (of hours not seen) and 84.4 % (the same, by size of the forecast)."""


def main():
    """Run all and write a section for each part, as soon as it is there."""
    warnings.filterwarnings("ignore", module="sklearn")  # the MLP ends after its epochs: it is told to
    hours = read_hours(published_hours())
    if "--tune" in sys.argv:
        tune(hours)
        return
    about = machine("numpy", "pandas", "scikit-learn", "lightgbm", "catboost")
    for title, text_of in (("Bike rentals", firsts_of_2012), ("Bike rentals, as others measure them", ways_of_others)):
        write_section(title, "python -m benchmarks.bikes", f"{about}\n\n{text_of(hours)}")


if __name__ == "__main__":
    main()
