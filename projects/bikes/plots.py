"""The pictures of a bike run, apart from the loss curves that both pipelines have."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure

from projects.common.plots import BLUE, GREY, ORANGE, new_figure

FEWEST = 10  # hours of a kind of weather that a mean error is drawn for


def plot_forecast(hours: pd.DataFrame, scores: dict[str, Any]) -> Figure:
    """What happened in each of `hours`, and what the model said; `scores` are those of the period."""
    figure, axes = new_figure(width=12)
    days = len(hours) / 24
    for level, strength in ((95, 0.15), (80, 0.3)):
        label = f"{level} % band, held {scores[f'coverage_{level}']:.0%}"
        axes.fill_between(
            hours.time, hours[f"low_{level}"], hours[f"high_{level}"], color=ORANGE, alpha=strength, lw=0, label=label
        )
    axes.plot(hours.time, hours.cnt, color=BLUE, linewidth=1.2, label="what happened")
    axes.plot(hours.time, hours.prediction, color=ORANGE, linewidth=1.2, label="forecast")
    axes.xaxis.set_major_formatter(DateFormatter("%d %b %Y"))
    axes.margins(x=0.01)
    axes.set(
        title=f"Over the {days:.0f} test days the forecast is off by {scores['mae']:.0f} bikes in a mean hour, "
        f"which sees {hours.cnt.mean():.0f}",
        ylabel="bikes rented in the hour",
        xlabel="hour, in local time",
        ylim=(0, 1.25 * max(hours.cnt.max(), hours.high_80.max())),
    )
    axes.legend(ncols=4, loc="upper right")
    return figure


def plot_errors(hours: pd.DataFrame, weather: tuple[str, ...]) -> Figure:
    """Mean error and mean absolute error over the test days, by hour of the day and by weather."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
    error = hours.prediction - hours.cnt
    by_hour = error.groupby(hours.time.dt.hour).agg(["mean", lambda part: part.abs().mean()])
    counts = hours.weathersit.value_counts()
    kinds = [kind for kind in range(1, len(weather) + 1) if counts.get(kind, 0) >= FEWEST]
    by_weather = error.groupby(hours.weathersit).agg(["mean", lambda part: part.abs().mean()]).loc[kinds]
    worst = int(by_hour.iloc[:, 1].idxmax())
    for axes, table in ((left, by_hour), (right, by_weather)):
        axes.bar(np.arange(len(table)), table.iloc[:, 1], color=BLUE, alpha=0.5, label="mean absolute error")
        axes.plot(np.arange(len(table)), table.iloc[:, 0], "o", color=ORANGE, label="mean error (above 0: too many)")
        axes.axhline(0, color=GREY, linewidth=0.8)
    left.set(
        title=f"The forecast errs most at {worst}:00, by {by_hour.iloc[:, 1].max():.0f} bikes",
        xlabel="hour of the day",
        ylabel="error, in bikes an hour",
    )
    right.set_xticks(np.arange(len(kinds)), [f"{weather[kind - 1]}\n({counts[kind]} h)" for kind in kinds])
    right.set_xlabel("weather")
    left.legend(loc="upper left")
    return figure


def plot_backtest(scores: pd.DataFrame) -> Figure:
    """Errors of the network and of the baseline from each origin."""
    figure, axes = new_figure(width=10)
    origins = np.arange(len(scores))
    axes.bar(origins - 0.2, scores.last_four_weeks_rmse, 0.4, color=GREY, label="mean of the last four weeks")
    axes.bar(origins + 0.2, scores.rmse, 0.4, color=BLUE, label="network")
    better = int((scores.rmse < scores.last_four_weeks_rmse).sum())
    axes.set_xticks(origins, scores.origin, rotation=30, ha="right")
    axes.set(
        title=f"Better than the last four weeks from {better} of {len(scores)} origins: "
        f"RMSE {scores.rmse.mean():.0f} against {scores.last_four_weeks_rmse.mean():.0f} bikes",
        xlabel="forecast from",
        ylabel="root mean squared error, in bikes an hour",
    )
    axes.legend()
    return figure
