"""Scores and forecasts as tables of text."""

from typing import TYPE_CHECKING, Any

from projects.common.errors import printable
from projects.common.words import percent

if TYPE_CHECKING:
    import pandas as pd

    from projects.bikes.model import BikesModel


def describe(model: "BikesModel") -> str:
    """What the model was trained on, in words."""
    settings = model.settings
    days = f"{settings['first_hour'][:10]} to {settings['last_hour'][:10]}"
    if settings.get("unfinished"):
        return f"{settings['train_rows']:,} hours from {days} (interrupted)"
    hours = settings["train_rows"] + settings["validation_rows"]
    validated = f"validated on the last {settings['validation_rows']:,}, by a model that was trained without them"
    return f"{hours:,} hours from {days} ({validated})"


def table(scores: dict[str, Any]) -> str:
    """The scores of model and baselines as text, a line for each model and period."""
    lines = [f"{'':27}{'hours':>6}{'scaled MSE':>12}{'RMSE':>8}{'MAE':>8}{'RMSLE':>8}{'R²':>8}"]
    models = {"network": scores, "mean so far": scores["baselines"]["mean"]}
    models["last four weeks"] = scores["baselines"]["last_four_weeks"]
    for period in ("validation", "test"):
        for name, scored in models.items():
            if period in scored:
                s = scored[period]
                figures = f"{s['scaled_mse']:12.3f}{s['rmse']:8.1f}{s['mae']:8.1f}{s['rmsle']:8.3f}{s['r2']:8.3f}"
                lines.append(f"{period if name == 'network' else '':12}{name:15}{s['rows']:>6}{figures}")
    lines.append("RMSE and MAE: bikes an hour; scaled MSE: 0 is perfect, 1 no better than one number for all hours")
    lines.append("RMSLE: of logarithms, so that quiet hours count, too; R²: 1 is perfect, 0 no better than the mean")
    return "\n".join(lines)


def backtest_table(scores: "pd.DataFrame") -> str:
    """A line for each origin and one for their mean."""
    names = f"{'origin':12}{'hours':>6}{'RMSE':>8}{'MAE':>8}{'RMSLE':>8}{'in 80 %':>9}{'in 95 %':>9}"
    has_usual = "usual_weather_rmse" in scores
    lines = [names + ("  usual weather: RMSE" if has_usual else "") + "  last four weeks: RMSE"]
    rows = [*scores.to_dict("records"), scores.mean(numeric_only=True).to_dict() | {"origin": "mean"}]
    for row in rows:
        bands = f"{percent(row['coverage_80'], 1):>9}{percent(row['coverage_95'], 1):>9}"
        errors = f"{row['rmse']:8.1f}{row['mae']:8.1f}{row['rmsle']:8.3f}"
        usual = number_or_blank(row["usual_weather_rmse"], 21) if has_usual else ""
        lines.append(f"{row['origin']:12}{row['hours']:6.0f}{errors}{bands}{usual}{row['last_four_weeks_rmse']:23.1f}")
    return "\n".join(lines)


def number_or_blank(number: float, width: int) -> str:
    """The number to a tenth; blanks for NaN."""
    return " " * width if number != number else f"{number:{width}.1f}"


def day_table(days: "pd.DataFrame") -> str:
    """A line for each day: its bikes, their bands, the mean of the last four weeks, and what is special about it.

    Of several days, a last line has their sums. The sums of the bounds hold at least as many of 100 such stretches.
    """
    lines = [
        f"{'day':16}{'hours':>6}{'bikes':>10}{'80 of 100 between':>22}{'95 of 100 between':>22}{'last four weeks':>17}"
    ]
    rows = days.to_dict("records")
    if len(rows) > 1:
        sums = days.drop(columns=["date", "occasion"]).sum(skipna=False).to_dict()
        rows.append(sums | {"date": None, "occasion": ""})
    for day in rows:
        bands = [f"{day[f'low_{level}']:,.0f} and {day[f'high_{level}']:,.0f}" for level in (80, 95)]
        if day["low_80"] != day["low_80"]:  # beyond what is known
            bands = ["not known", "not known"]
        name = "together" if day["date"] is None else f"{day['date']:%a %Y-%m-%d}"
        line = f"{name:16}{day['hours']:6.0f}{day['prediction']:10,.0f}{bands[0]:>22}{bands[1]:>22}"
        line += f"{day['last_four_weeks']:17,.0f}"
        lines.append(f"{line}  {printable(day['occasion'])}".rstrip())
    return "\n".join(lines)
