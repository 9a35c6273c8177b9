"""The pictures of a sentiment run, apart from the loss curves that both pipelines have."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from matplotlib.transforms import Bbox

from projects.common.plots import BLUE, GREY, ORANGE, new_figure
from projects.sentiment.model import SentimentModel
from projects.sentiment.text import Vocabulary

LABELLED = 30  # words of each kind that are named on the map
FEWEST_REVIEWS = 50  # that a named word is in


def plot_ratios(vocabulary: Vocabulary) -> Figure:
    """Histogram of the log-count ratios of all n-grams frequent enough; those inside the cutoff are not in the bag."""
    figure, axes = new_figure()
    ratios, polarity_cutoff = vocabulary.ratios, vocabulary.polarity_cutoff
    kinds = {
        "speaks for a negative review": (ORANGE, ratios[ratios <= -polarity_cutoff]),
        "speaks for a positive review": (BLUE, ratios[ratios >= polarity_cutoff]),
        f"dropped: |ratio| < {polarity_cutoff}": (GREY, ratios[np.abs(ratios) < polarity_cutoff]),
    }
    edge = float(np.ceil(np.abs(ratios).max() * 10) / 10)
    colours, values = zip(*kinds.values(), strict=True)
    axes.hist(values, 61, range=(-edge, edge), stacked=True, color=colours, label=list(kinds))
    evenly = np.mean(np.abs(ratios) < np.log(2))
    axes.set(
        title=f"{evenly:.0%} of {len(ratios):,} n-grams are less than twice as frequent on one side",
        xlabel="log-count ratio (0: as frequent in positive as in negative reviews; 0.7: twice as frequent)",
        ylabel="n-grams",
    )
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.legend()
    return figure


def plot_words(model: SentimentModel) -> Figure:
    """Every n-gram of the bag by effect and frequency, with the names of the most polar of the frequent ones."""
    figure, axes = new_figure(width=12, height=7)
    vocabulary, effects = model.vocabulary, model.effects()
    counts = vocabulary.counts[vocabulary.kept]
    fewest = min(FEWEST_REVIEWS, int(np.sort(counts)[-min(len(counts), 4 * LABELLED)]))
    axes.scatter(effects, counts, s=4, c=np.where(effects > 0, BLUE, ORANGE), alpha=0.25, linewidths=0)
    axes.set(
        yscale="log",
        xlabel="what the n-gram alone adds to the log-odds of a positive review",
        ylabel="training reviews that the n-gram is in",
    )
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    frequent = np.flatnonzero(counts >= fewest)
    by_effect = frequent[np.argsort(effects[frequent])]
    named = np.unique(np.concatenate([by_effect[:LABELLED], by_effect[-LABELLED:]]))
    worst, best = (vocabulary.name(vocabulary.kept[i]) for i in (by_effect[0], by_effect[-1]))
    axes.set_title(f"Of n-grams in at least {fewest} reviews, “{worst}” speaks most against a film, “{best}” for it")
    label_points(figure, axes, effects[named], counts[named], [vocabulary.name(vocabulary.kept[i]) for i in named])
    return figure


def plot_reliability(scores: dict[str, Any]) -> Figure:
    """How often reviews were positive, by the probability that was given for it; on the diagonal it is true."""
    figure, axes = new_figure(width=6, height=6)
    bins = scores["reliability"]
    given, positive = ([b[name] for b in bins] for name in ("probability", "positive"))
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="a probability that is true")
    axes.plot(given, positive, "o-", color=BLUE, label="the network on the test reviews")
    error = scores["test"]["expected_calibration_error"]
    axes.set(
        title=f"Probabilities are off by {100 * error:.1f} points on average",
        xlabel="probability of positive that the network gives",
        ylabel="share of these reviews that are positive",
        aspect="equal",
    )
    axes.legend()
    return figure


def label_points(figure: Figure, axes: Axes, x: np.ndarray, y: np.ndarray, names: list[str]) -> None:
    """Write the names beside their points, the most frequent first, on whichever side is free, or not at all."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)  # lays the axes out, so that text extents are true
    points = axes.transData.transform(np.column_stack([x, y]))
    taken = [Bbox.from_bounds(px - 4, py - 4, 8, 8) for px, py in points]
    for i in np.argsort(-y, kind="stable"):
        for side in (-1, 1) if x[i] < 0 else (1, -1):
            text = axes.annotate(
                names[i], (x[i], y[i]), xytext=(4 * side, 0), textcoords="offset points",
                ha="left" if side > 0 else "right", va="center", fontsize=8,
            )  # fmt: skip
            box = text.get_window_extent(renderer)
            if not any(box.overlaps(other) for number, other in enumerate(taken) if number != i):
                taken.append(box)
                break
            text.remove()
    axes.scatter(x, y, s=9, c=np.where(x > 0, BLUE, ORANGE))
