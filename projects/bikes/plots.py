"""The pictures of a bike run, apart from the loss curves that both pipelines have."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure

from projects.common.plots import BLUE, ORANGE, new_figure


def plot_forecast(hours: pd.DataFrame, predicted: np.ndarray, scores: dict[str, Any]) -> Figure:
    """What happened in each of `hours` and what the model said; `scores` are those of the period."""
    figure, axes = new_figure(width=12)
    days = len(hours) / 24
    axes.plot(hours.time, hours.cnt, color=BLUE, linewidth=1.2, label="what happened")
    axes.plot(hours.time, predicted, color=ORANGE, linewidth=1.2, label="forecast")
    axes.xaxis.set_major_formatter(DateFormatter("%d %b %Y"))
    axes.margins(x=0.01)
    axes.set(
        title=f"Over the {days:.0f} test days the forecast is off by {scores['mae']:.0f} bikes in a mean hour, "
        f"which sees {hours.cnt.mean():.0f}",
        ylabel="bikes rented in the hour",
        xlabel="hour, in local time",
        ylim=(0, 1.18 * max(hours.cnt.max(), predicted.max())),
    )
    axes.legend(ncols=2, loc="upper right")
    return figure
