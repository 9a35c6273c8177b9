"""The pictures of a bike run, apart from the loss curves that both pipelines have."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure

from projects.bikes.outlook import Outlook
from projects.bikes.weather import in_unit
from projects.bikes.words import bikes
from projects.common.plots import BLUE, GREY, ORANGE, drawable, new_figure
from projects.common.words import counted

FEW_DAYS = 14  # to come that each have their name and number in a picture
FEWEST = 10  # hours of a kind of weather that a mean error is drawn for


def plot_forecast(hours: pd.DataFrame, scores: dict[str, Any]) -> Figure:
    """What happened in each of `hours`, and what the model said; `scores` are those of the period."""
    figure, axes = new_figure(width=12)
    days = len(hours) / 24
    for level, strength in ((95, 0.15), (80, 0.3)):
        label = f"{level} % band, held {100 * scores[f'coverage_{level}']:.0f} %"
        axes.fill_between(
            hours.time, hours[f"low_{level}"], hours[f"high_{level}"], color=ORANGE, alpha=strength, lw=0, label=label
        )
    axes.plot(hours.time, hours.cnt, color=BLUE, linewidth=1.2, label="what happened")
    axes.plot(hours.time, hours.prediction, color=ORANGE, linewidth=1.2, label="forecast")
    first, last = hours.time.min(), hours.time.max()
    axes.xaxis.set_major_formatter(DateFormatter("%d %b"))
    axes.set_xticks(pd.date_range(first.ceil("D"), last, freq=f"{max(1, round(days / 7))}D"))
    axes.set_xlim(first, last)
    axes.set(
        title=f"Over the {days:.0f} test days the forecast is off by {scores['mae']:.0f} bikes an hour on average, "
        f"where {hours.cnt.mean():.0f} are usual",
        ylabel="bikes rented in the hour",
        xlabel=f"hour, in local time, from {first:%d %B %Y} to {last:%d %B %Y}",
        ylim=(0, 1.25 * max(hours.cnt.max(), hours.high_80.max())),
    )
    axes.legend(ncols=4, loc="upper right")
    return figure


def plot_outlook(past: pd.DataFrame, coming: Outlook) -> Figure:
    """The hours before and after the end of the data, and the sum of each day to come; with their bands."""
    hours, days = coming.hours, coming.days
    figure = Figure(figsize=(12, 7), layout="constrained")
    upper, lower = figure.subplots(2, 1)
    upper.plot(past.time, past.cnt, color=BLUE, linewidth=1.2, label="what happened")
    for level, strength in ((95, 0.15), (80, 0.3)):
        low, high = hours[f"low_{level}"], hours[f"high_{level}"]
        upper.fill_between(hours.time, low, high, color=ORANGE, alpha=strength, lw=0, label=f"{level} % band")
    upper.plot(hours.time, hours.prediction, color=ORANGE, linewidth=1.2, label="forecast")
    upper.axvline(hours.time.iloc[0], color=GREY, linewidth=0.8, linestyle=":")
    upper.xaxis.set_major_formatter(DateFormatter("%d %b"))
    first, last = past.time.iloc[0], hours.time.iloc[-1]
    upper.set_xlim(first, last)
    upper.set_xticks(pd.date_range(first.ceil("D"), last, freq=f"{max(1, round((last - first).days / 12))}D"))
    highest = max(past.cnt.max(), hours.prediction.max(), hours.high_80.max(skipna=True))
    upper.set(
        title=f"{in_sum(days)} are expected from {hours.time.iloc[0]:%d %B} to {last:%d %B %Y}",
        ylabel="bikes rented in the hour",
        xlabel="hour, in local time",
        ylim=(0, 1.3 * highest),
    )
    upper.legend(ncols=4, loc="upper left")
    draw_days(lower, days)
    figure.supxlabel("; ".join(filter(None, (coming.weather, coming.guess))), fontsize="medium")
    return figure


def in_sum(days: pd.DataFrame) -> str:
    """The bikes of all days, with the sums of the bounds of their 80 % bands where all have one."""
    low, high = days.low_80.sum(skipna=False), days.high_80.sum(skipna=False)
    band = "" if np.isnan(low) else f" ({low:,.0f} to {high:,.0f})"
    return f"{days.prediction.sum():,.0f} bikes{band}"


def draw_days(axes: Any, days: pd.DataFrame) -> None:
    """A bar for each day, and a line from end to end of its 80 % band."""
    places = np.arange(len(days))
    axes.bar(places, days.prediction, color=ORANGE, alpha=0.6, width=0.6, label="forecast of the day")
    axes.vlines(places, days.low_80, days.high_80, color=GREY, linewidth=2, label="80 % band")
    is_long = len(days) > FEW_DAYS
    names = day_names(days, first_only=is_long)
    named = some_places(names) if is_long else list(places)
    axes.set_xticks(named, [names[place] for place in named])
    if not is_long:
        for place, sum_of_day in zip(places, days.prediction, strict=True):
            axes.annotate(f"{sum_of_day:,.0f}", (place + 0.04, sum_of_day), xytext=(0, 3), textcoords="offset points")
    busiest = days.loc[days.prediction.idxmax()]
    axes.set(title=f"Busiest: {busiest.date:%A %d %B}", ylabel="bikes rented in the day", ylim=(0, None))
    if len(days) > 9:
        axes.tick_params(axis="x", rotation=60)
    highest = max(days.prediction.max(), days.high_80.max(skipna=True))
    axes.set_ylim(0, 1.25 * highest)
    axes.legend(ncols=2, loc="upper left")


def day_names(days: pd.DataFrame, first_only: bool) -> list[str]:
    """Date, hours and occasion of each day; first_only: of days with occasions in a row, on the first alone."""
    goes_on = (days.occasion.shift(fill_value="") != "") & first_only
    occasions = days.occasion.mask(goes_on, "")
    hours = ["" if hours == 24 else f"\n({hours} h)" for hours in days.hours]
    said = [f"\n{drawable(occasion)}" if occasion else "" for occasion in occasions]
    return [f"{date:%a %d %b}{part}{occasion}" for date, part, occasion in zip(days.date, hours, said, strict=True)]


def some_places(names: list[str]) -> list[int]:
    """Places of about 20 of these names of days, those with more than a date before others, none close to another."""
    apart = 1 + len(names) // 20
    with_more = [place for place, name in enumerate(names) if "\n" in name]
    chosen: list[int] = []
    for place in [*with_more, *range(0, len(names), apart)]:
        if all(abs(place - other) >= apart for other in chosen):
            chosen.append(place)
    return chosen


def plot_errors(hours: pd.DataFrame, weather: tuple[str, ...]) -> Figure:
    """Mean error and mean absolute error over the test days, by hour of the day and, where it is known, by weather."""
    error = hours.prediction - hours.cnt
    by_hour = error.groupby(hours.time.dt.hour).agg(["mean", lambda part: part.abs().mean()])
    worst = int(by_hour.iloc[:, 1].idxmax())
    if "weathersit" not in hours:
        figure, left = new_figure(width=12)
    else:
        figure = Figure(figsize=(12, 4), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
        draw_errors_by_weather(right, error, hours.weathersit, weather)
    draw_errors(left, by_hour)
    left.set(
        title=f"The forecast errs most at {worst}:00, by {by_hour.iloc[:, 1].max():.0f} bikes",
        xlabel="hour of the day",
        ylabel="error, in bikes an hour",
        xticks=range(0, 24, 3),
    )
    left.legend(loc="upper left")
    return figure


def draw_errors(axes: Any, table: pd.DataFrame) -> None:
    """A bar for the mean absolute error and a point for the mean error; `table` has the mean first."""
    axes.bar(np.arange(len(table)), table.iloc[:, 1], color=BLUE, alpha=0.5, label="mean absolute error")
    axes.plot(np.arange(len(table)), table.iloc[:, 0], "o", color=ORANGE, label="mean error (above 0: too many)")
    axes.axhline(0, color=GREY, linewidth=0.8)


def draw_errors_by_weather(axes: Any, error: pd.Series, weathersit: pd.Series, weather: tuple[str, ...]) -> None:
    """The errors of each kind of weather that there were FEWEST hours of."""
    counts = weathersit.value_counts()
    kinds = [kind for kind in range(1, len(weather) + 1) if counts.get(kind, 0) >= FEWEST]
    by_weather = error.groupby(weathersit).agg(["mean", lambda part: part.abs().mean()]).loc[kinds]
    draw_errors(axes, by_weather)
    axes.set_xticks(np.arange(len(kinds)), [f"{weather[kind - 1]}\n({counts[kind]} h)" for kind in kinds])
    axes.set_xlabel("weather")
    if kinds:
        size = by_weather.iloc[:, 1]
        worst = weather[size.idxmax() - 1].replace("-", " ")
        axes.set_title(f"Largest error: {worst},\n{bikes(size.max())} an hour")


def plot_effects(effects: pd.DataFrame, unit: str = "°C") -> Figure:
    """Mean forecast by temperature, where it is known, and by hour for each kind of day; all else as it was."""
    warmth = effects[effects.input == "temperature"]
    warmth = warmth.assign(value=in_unit(warmth.value, unit))
    if warmth.empty:
        figure, axes = new_figure()
        draw_hours(axes, effects)
        axes.set_ylabel("mean forecast, in bikes an hour")
        return figure
    figure = Figure(figsize=(12, 4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    draw_warmth(left, warmth, unit)
    draw_hours(right, effects)
    return figure


def draw_warmth(left: Any, warmth: pd.DataFrame, unit: str) -> None:
    """The mean forecast at each temperature."""
    left.plot(warmth.value, warmth.bikes, color=BLUE, linewidth=2)
    best, worst = (warmth.loc[warmth.bikes.agg(which)] for which in ("idxmax", "idxmin"))
    for point, above in ((best, 8), (worst, -16)):
        left.plot(point.value, point.bikes, "o", color=BLUE)
        where: Any = {"xytext": (0, above), "textcoords": "offset points", "ha": "center"}
        left.annotate(f"{point.bikes:.0f} bikes", (point.value, point.bikes), **where)
    left.margins(x=0.15)
    times = best.bikes / max(worst.bikes, 1e-9)
    title = f"{best.value:.0f} {unit} brings {times:.1f} times the bikes of {worst.value:.0f} {unit}"
    left.set(
        title=title.replace("-", "−"),
        xlabel=f"temperature, in {unit}, all else unchanged",
        ylabel="mean forecast, in bikes an hour",
        ylim=(0, 1.15 * best.bikes),
    )


def draw_hours(right: Any, effects: pd.DataFrame) -> None:
    """The mean forecast at each hour, for each kind of day."""
    peaks = []
    styles = {"working day": (BLUE, "-"), "Saturday": (ORANGE, "--"), "Sunday or holiday": (GREY, "-.")}
    for kind, (colour, style) in styles.items():
        day = effects[(effects.input == "hour") & (effects.kind == kind)]
        if len(day):
            right.plot(day.value, day.bikes, style, color=colour, linewidth=2, label=kind)
            peaks.append(f"{kind.partition(' or ')[0]}s {day.value[day.bikes.idxmax()]:.0f}:00")
    right.set(
        title=f"Busiest: {', '.join(peaks)}",
        xlabel="hour of the day, all else unchanged",
        xticks=range(0, 24, 3),
        ylim=(0, None),
    )
    right.legend(loc="upper left")


def plot_backtest(scores: pd.DataFrame) -> Figure:
    """Errors of the network and of the baseline from each origin."""
    figure, axes = new_figure(width=10)
    origins = np.arange(len(scores))
    axes.bar(origins - 0.2, scores.last_four_weeks_rmse, 0.4, color=GREY, label="mean of the last four weeks")
    axes.bar(origins + 0.2, scores.rmse, 0.4, color=BLUE, label="network")
    better = int((scores.rmse < scores.last_four_weeks_rmse).sum())
    axes.set_xticks(origins, scores.origin, rotation=30, ha="right")
    axes.set(
        title=f"Better than the last four weeks from {better} of {counted(len(scores), 'origin')}: "
        f"RMSE {scores.rmse.mean():.0f} against {scores.last_four_weeks_rmse.mean():.0f} bikes",
        xlabel="forecast from",
        ylabel="RMSE, in bikes an hour",
    )
    axes.legend()
    return figure
