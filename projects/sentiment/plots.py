"""The pictures of a sentiment run, apart from the loss curves that both pipelines have."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from matplotlib.transforms import Bbox

from projects.common.plots import BLUE, GREY, ORANGE, UNDRAWN, drawable, new_figure
from projects.common.words import counted, percent
from projects.sentiment.confidence import GOOD
from projects.sentiment.labels import order_shown
from projects.sentiment.model import SentimentModel

LABELLED = 30  # words of each kind that are named on the map
LONG_WORD = 4  # letters of a word that the title may name,
MANY_TEXTS = 0.5  # of the texts, which it is not in: words in more are such as “the”
APART = (45, 14)  # dots between two labels beside points, to the right and up
MOST_MAPS = 12  # labels whose words are drawn
BARS_OF_LENGTHS = 40
FEW_TEXTS = 10  # at a point of the reliability
SMALLEST_POINT, LARGEST_POINT = 12, 90  # areas of points that stand for few and for most texts
BARS = 12  # words of each of them,
IN_TITLE = 2  # of which so many are in its title,
MOST_LETTERS = 30  # and so many letters of the label
MOST_CONFUSED = 24  # labels in the picture of confusions


def plot_ratios(model: SentimentModel) -> Figure:
    """Histogram of the log-count ratios of all n-grams frequent enough; those inside the cutoff are not in the bag."""
    figure, axes = new_figure()
    ratios, cutoff = model.vocabulary.ratios, model.vocabulary.polarity_cutoff
    dropped = np.abs(ratios) < cutoff
    edge = float(np.ceil(np.abs(ratios).max() * 10) / 10)
    names = [drawable(name) for name in model.label_names]
    if len(names) == 2:
        kinds = {
            f"speaks for {names[0]}": (ORANGE, ratios[(ratios < 0) & ~dropped]),
            f"speaks for {names[1]}": (BLUE, ratios[(ratios > 0) & ~dropped]),
        }
        sides = f"0: as frequent in {names[1]} as in {names[0]} texts"
        lowest, evenly = -edge, f"{percent(np.mean(np.abs(ratios) < np.log(2)))} of {len(ratios):,} n-grams"
        title = f"{evenly} are less than twice as frequent on one side"
    else:
        kinds = {"speaks for one of the labels": (BLUE, ratios[~dropped])}
        sides = "0: as frequent with each label as with the others"
        lowest, share = 0.0, np.mean(ratios >= np.log(2))
        title = f"{percent(share)} of {len(ratios):,} n-grams are twice as frequent with one label as with the others"
    kinds[f"dropped: |ratio| < {cutoff}"] = (GREY, ratios[dropped])
    colours, values = zip(*kinds.values(), strict=True)
    axes.hist(values, 61, range=(lowest, edge), stacked=True, color=colours, label=list(kinds))
    axes.set(title=title, xlabel=f"log-count ratio ({sides}; 0.7: twice as frequent)", ylabel="n-grams")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.legend()
    return figure


def plot_label_words(model: SentimentModel, min_count: int | None = None) -> Figure:
    """For each of the most frequent labels, the n-grams that add most to its log-odds.

    min_count: training texts that they must be in; None: `named_from`.
    """
    vocabulary, shares = model.vocabulary, model.settings["label_shares"]
    names = [drawable(name) for name in model.label_names]
    of_two = len(names) == 2
    labels = [1, 0] if of_two else order_shown(names, shares, MOST_MAPS)
    n_columns = min(3, len(labels))
    n_rows = -(-len(labels) // n_columns)
    width, height, size = (6.0, 4.8, 12) if of_two else (4.2, 3.5, 8)
    figure = Figure(figsize=(width * n_columns, height * n_rows), layout="constrained")
    for place, label in enumerate(labels, 1):
        axes = figure.add_subplot(n_rows, n_columns, place)
        strongest, effects = model.strongest(label, BARS, min_count)
        best = strongest[::-1]
        axes.barh(range(len(best)), effects[best], color=ORANGE if of_two and label == 0 else BLUE)
        said = [drawable(vocabulary.said(vocabulary.in_bag[i])) for i in best]
        axes.set_yticks(range(len(best)), said, fontsize=size)
        telling = [drawable(word) for word in telling_words(model, strongest, IN_TITLE)]
        finding = ", ".join(f"“{word}”" for word in telling if UNDRAWN not in word)
        axes.set_title(f"What speaks for {names[label][:MOST_LETTERS]}:\n{finding}", fontsize=size + 1)
        axes.tick_params(axis="x", labelsize=size - 1)
        axes.set_xlabel(f"adds to the log-odds ({percent(shares[label])} have this label)", fontsize=size - 1)
        axes.grid(visible=False, axis="y")
    fewest = min_count or model.named_from
    figure.suptitle(f"The strongest words and phrases of those in at least {counted(fewest, 'text')}")
    return figure


def plot_confusion(scores: dict[str, Any]) -> Figure:
    """How often each label is taken for each, in percent of its texts; of many labels, the most frequent ones."""
    names = [drawable(scored["label"]) for scored in scores["labels"]]
    sizes = np.array([scored["texts"] for scored in scores["labels"]])
    chosen = np.sort(np.argsort(-sizes, kind="stable")[:MOST_CONFUSED])
    confusion = np.array(scores["test"]["confusion"])
    of_label = 100 * confusion / np.maximum(sizes, 1)[:, np.newaxis]
    size = 3 + 0.45 * len(chosen)
    figure, axes = new_figure(width=size + 1, height=size)
    axes.imshow(of_label[np.ix_(chosen, chosen)], cmap="Blues", vmin=0, vmax=100)
    shown = [names[i][:24] for i in chosen]
    axes.set_xticks(range(len(chosen)), shown, rotation=90 if len(chosen) > 4 else 0)
    axes.set_yticks(range(len(chosen)), shown)
    for row, label in enumerate(chosen):
        for column, answer in enumerate(chosen):
            value = of_label[label, answer]
            colour = "white" if value > 50 else "black"
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=8)
    right = np.trace(confusion) / max(confusion.sum(), 1)
    axes.set(title=f"{percent(right, 1)} are right", xlabel="answer", ylabel="label (100 % a line)")
    axes.grid(False)
    return figure


def plot_words(model: SentimentModel, min_count: int | None = None) -> Figure:
    """Of two labels: every n-gram of the bag by effect and frequency, the most polar of the frequent ones named.

    min_count: training texts that these must be in; None: `named_from`.
    """
    figure, axes = new_figure(width=12, height=7)
    negative, positive = map(drawable, model.label_names)
    vocabulary = model.vocabulary
    counts = vocabulary.counts[vocabulary.in_bag]
    for_positive, effects = model.strongest(1, LABELLED, min_count)
    for_negative, _ = model.strongest(0, LABELLED, min_count)
    axes.scatter(effects, counts, s=4, c=np.where(effects > 0, BLUE, ORANGE), alpha=0.25, linewidths=0)
    axes.set(
        yscale="log",
        xlabel=f"what the n-gram alone adds to the log-odds of {positive}",
        ylabel="training texts that the n-gram is in",
    )
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    in_title: list[str] = []
    found = []
    for label, strongest in ((negative, for_negative), (positive, for_positive)):
        if len(strongest):
            in_title += telling_words(model, strongest, 1)
            found.append(f"“{drawable(in_title[-1])}” speaks for {label}")
    fewest = counted(min_count or model.named_from, "text")
    axes.set_title(f"{', '.join(found)}: the strongest words in at least {fewest}")
    names = {column: vocabulary.said(vocabulary.in_bag[column]) for column in (*for_negative, *for_positive)}
    named = sorted(names, key=lambda column: (names[column] not in in_title, -counts[column]))
    said = [drawable(names[column]) for column in named]
    label_points(figure, axes, effects[named], counts[named], said)
    return figure


def telling_words(model: SentimentModel, ranked: np.ndarray, n: int) -> list[str]:
    """The first n of these n-grams, by column, that are one word with a meaning of its own; else the first one.

    Words that are short or in many texts, such as “of” and “with”, join others and say little alone.
    """
    vocabulary = model.vocabulary
    most = MANY_TEXTS * model.settings["train_texts"]
    telling: list[str] = []
    for column in ranked.tolist():
        word = vocabulary.said(vocabulary.in_bag[column])
        is_short = word.isascii() and len(word) < LONG_WORD
        is_rare = vocabulary.counts[vocabulary.in_bag[column]] < most
        if word.isalpha() and is_rare and not is_short:
            telling.append(word)
        if len(telling) == n:
            return telling
    return telling or [vocabulary.said(vocabulary.in_bag[column]) for column in ranked[:1].tolist()]


def plot_reliability(scores: dict[str, Any], label_names: list[str]) -> Figure:
    """How often what was given a probability happened, by that probability; on the diagonal it is true.

    Of two labels that a text has the second one, of more that the answer is right.
    """
    figure, axes = new_figure(width=6, height=6)
    bins = scores["reliability"]
    given, happened = ([b[name] for b in bins] for name in ("probability", "share"))
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="a probability that is true")
    texts = np.array([b["texts"] for b in bins])
    of_many = np.where(texts >= FEW_TEXTS, happened, np.nan)  # what chance made of few texts is not joined
    axes.plot(given, of_many, color=BLUE, linewidth=1, label="the network on the test texts")
    sizes = SMALLEST_POINT + LARGEST_POINT * texts / texts.max()
    axes.scatter(given, happened, s=sizes, color=BLUE, zorder=3)
    for x, y, n in zip(given, happened, texts.tolist(), strict=True):
        axes.annotate(f"{n:,}", (x, y), (7, -11), textcoords="offset points", fontsize=7, color=GREY)
    error = scores["test"]["expected_calibration_error"]
    of_two = len(label_names) == 2
    second = drawable(label_names[1])
    axes.set(
        title=f"Probabilities are off by {100 * error:.1f} points on average",
        xlabel=f"probability of {second if of_two else 'its answer'} that the network gives (at each point: texts)",
        ylabel=f"share of these texts that are {second if of_two else 'of this label'}",
        aspect="equal",
    )
    axes.legend()
    return figure


def label_points(figure: Figure, axes: Axes, x: np.ndarray, y: np.ndarray, names: list[str]) -> None:
    """Write the names beside their points, one after the other, on whichever side is free, or not at all."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)  # lays the axes out, so that text extents are true
    points = axes.transData.transform(np.column_stack([x, y]))
    inside = axes.get_window_extent(renderer)
    taken = [Bbox.from_bounds(px - 4, py - 4, 8, 8) for px, py in points]
    for i in range(len(names)):
        for side in (-1, 1) if x[i] < 0 else (1, -1):
            text = axes.annotate(
                names[i],
                (x[i], y[i]),
                xytext=(4 * side, 0),
                textcoords="offset points",
                ha="left" if side > 0 else "right",
                va="center",
                fontsize=8,
            )
            box = text.get_window_extent(renderer)
            is_inside = inside.x0 < box.x0 and box.x1 < inside.x1 and inside.y0 < box.y0 and box.y1 < inside.y1
            if is_inside and not any(box.overlaps(other) for number, other in enumerate(taken) if number != i):
                taken.append(box)
                break
            text.remove()
    axes.scatter(x, y, s=9, c=np.where(x > 0, BLUE, ORANGE))


def plot_check(found: dict[str, Any]) -> Figure:
    """How many texts each label has, and how long the texts are; what `check_files` found."""
    labels = found["labels"]
    shown = sorted(labels, key=lambda label: -labels[label])[:MOST_CONFUSED]
    shown = [label for label in labels if label in shown]
    figure = Figure(figsize=(10, max(3.2, 0.28 * len(shown) + 1.2)), layout="constrained")
    bars, lengths = figure.subplots(1, 2)
    n_texts = max(1, sum(labels.values()))
    places = range(len(shown))
    bars.barh(places, [labels[label] for label in shown])
    bars.set_yticks(places, [f"{drawable(label)} ({100 * labels[label] / n_texts:.0f} %)" for label in shown])
    bars.invert_yaxis()
    bars.set(xlabel="texts", title=f"{sum(labels.values()):,} texts with {len(labels):,} labels")
    words = np.array(found["lengths"] or [0])
    most = max(1, int(np.percentile(words, 99)))
    width = -(-most // BARS_OF_LENGTHS)  # whole words, so that no bar has more lengths than its neighbours
    lengths.hist(np.minimum(words, most), bins=np.arange(-0.5, most + width, width).tolist())
    lengths.set(
        xlabel=f"words in a text (the longest hundredth at {most:,})",
        ylabel="texts",
        title=f"Half of the texts have {found['words']['median']:,} words or fewer",
    )
    return figure


def plot_unsure(scores: dict[str, Any]) -> Figure:
    """How right the answers are when the least probable ones are called unsure."""
    figure, axes = new_figure()
    found = scores["unsure"]  # the first one of all texts, without a limit
    unsure = [100 * part["unsure"] for part in found]
    right = [100 * part["accuracy"] for part in found]
    axes.plot(unsure, right, "o-", color=BLUE)
    axes.margins(0.06, 0.12)
    figure.draw(FigureCanvasAgg(figure).get_renderer())  # lays the axes out, so that places are true
    points = axes.transData.transform(np.column_stack([unsure, right]))
    for first, last in limits_apart(points[1:]):
        limits = {f"{found[place + 1]['limit']:g}": None for place in (first, last)}
        axes.annotate(
            " to ".join(limits), (unsure[last + 1], right[last + 1]), (6, -11), textcoords="offset points", fontsize=8
        )
    title = f"{right[0]:.1f} % right without a limit"
    if right[0] < 100 * GOOD:
        best = scores.get("sure") or best_limit(found)
        sure = f"with --unsure {best['limit']:g}: {100 * best['unsure']:.1f} % unsure, {100 * best['accuracy']:.1f} %"
        title = f"{right[0]:.1f} % right; {sure} of the others right"
    axes.set(
        xlabel="texts called unsure, in % (beside each point: --unsure)",
        ylabel="right of the others, in %",
        title=title,
    )
    return figure


def unsure_helps(scores: dict[str, Any]) -> bool:
    """Whether with any limit more of the answers are right than of all."""
    first, *others = scores["unsure"]
    return any(found["accuracy"] > first["accuracy"] for found in others)


def best_limit(found: list[dict[str, float]]) -> dict[str, float]:
    """The lowest limit with which GOOD of the others are right; where there is none, the one with most of them."""
    with_limit = found[1:]
    enough = [part for part in with_limit if part["accuracy"] >= GOOD]
    return enough[0] if enough else max(with_limit, key=lambda part: part["accuracy"])


def limits_apart(points: np.ndarray) -> list[tuple[int, int]]:
    """The first and the last of each row of points [points, 2] that are too near each other for labels of their own."""
    rows: list[tuple[int, int]] = []
    for place, point in enumerate(points):
        if rows and (np.abs(point - points[rows[-1][0]]) < APART).all():
            rows[-1] = (rows[-1][0], place)
        else:
            rows.append((place, place))
    return rows
