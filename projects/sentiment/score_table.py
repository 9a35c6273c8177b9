"""The scores of a model as text."""

import html
import math
from typing import Any

from projects.common.errors import printable
from projects.common.words import counted, percent
from projects.sentiment.labels import order_shown

LABELS_LISTED = 20  # labels whose scores are printed; --json has all
MISTAKES_SHOWN = 5
LONGEST_SHOWN = 80  # characters of a text


def table(scores: dict[str, Any]) -> str:
    """The scores of model and baseline as text, those of each label, and where the model is wrong and how sure."""
    names = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "log_loss")
    lines = [f"{'':16}" + "".join(f"{name.replace('_', ' '):>{max(len(name), 6) + 3}}" for name in names)]
    for name, scored in (("network", scores["test"]), ("majority label", scores["baselines"]["majority"])):
        lines.append(f"{name:16}" + "".join(f"{scored[key]:{max(len(key), 6) + 3}.3f}" for key in names))
    lines += label_lines(scores)
    if len(scores["labels"]) == 2:
        negative, positive = (printable(scored["label"]) for scored in scores["labels"])
        (true_negative, false_positive), (false_negative, true_positive) = scores["test"]["confusion"]
        lines.append(
            f"{negative} texts: {true_negative:,} called {negative}, {false_positive:,} {positive}; "
            f"{positive} texts: {true_positive:,} called {positive}, {false_negative:,} {negative}"
        )
    else:
        lines.append("most frequent mistakes between labels:")
        for found in scores["confusions"]:
            lines.append(f"  {printable(found['label'])} taken for {printable(found['answer'])}: {found['texts']:,}")
    kinds = [
        f"{percent(k['accuracy'], 1)} from {k['from_words']} words on ({k['texts']:,})" for k in scores["by_length"]
    ]
    if len(kinds) > 1:
        lines.append(f"accuracy by length: {', '.join(kinds)}")
    lines += unsure_lines(scores)
    lines.append(f"expected calibration error: {scores['test']['expected_calibration_error']:.3f}")
    lines.append("surest mistakes (--mistakes FILE writes all of them):")
    lines += map(mistake_line, scores["mistakes"][:MISTAKES_SHOWN])
    return "\n".join(lines)


def mistake_line(mistake: dict[str, Any]) -> str:
    """A text whose label is another one than the answer, and where it is."""
    text = printable(shortened(html.unescape(mistake["text"])))
    label, answer, place = (printable(shortened(mistake[name])) for name in ("label", "answer", "place"))
    return f"  {label}, called {answer} with {mistake['probability']:.3f}: {text} ({place})"


def shortened(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def scored_in_words(scores: dict[str, Any]) -> str:
    """Which texts were scored, in a line."""
    n, trained_on = scores["test"]["texts"], scores["scored"]["trained_on"]
    parts = scores["scored"]["parts"]
    if "new" in parts and trained_on:
        known = f"{counted(trained_on, 'text')} that the model was trained on, or copies of such texts"
        return f"{counted(n, 'test text')}; left out: {known}"
    if parts == ["new"]:
        return f"{counted(n, 'test text')}: all that are there, as the model was trained on none of them"
    if "drawn" in parts:
        texts = counted(n, "test text")
        return f"{texts}: the fifth that is never trained on (which texts the model knows it does not say)"
    return counted(n, "test text")


def label_lines(scores: dict[str, Any]) -> list[str]:
    """Precision, recall and F1 of each label, the most frequent first or numbers by size, then their means."""
    labels = scores["labels"]
    names, sizes = ([scored[name] for scored in labels] for name in ("label", "texts"))
    shown = [labels[place] for place in order_shown(names, sizes, LABELS_LISTED)]
    lines = [f"{'label':24}{'precision':>12}{'recall':>9}{'f1':>9}{'texts':>10}"]
    lines += [label_line(printable(scored["label"]), scored, f"{scored['texts']:,}") for scored in shown]
    if len(labels) > LABELS_LISTED:
        lines.append(f"and {len(labels) - LABELS_LISTED:,} labels more (--json has all)")
    lines += [label_line(f"{kind} mean", scores["means"][kind], "") for kind in ("macro", "weighted")]
    return [*lines, "macro mean: all labels count alike; weighted mean: as often as they occur"]


def label_line(name: str, scored: dict[str, Any], n_texts: str) -> str:
    values = f"{scored['precision']:12.3f}{scored['recall']:9.3f}{scored['f1']:9.3f}"
    return f"{name:24}{values}{n_texts:>10}".rstrip()


def unsure_lines(scores: dict[str, Any]) -> list[str]:
    """How many answers are unsure with `predict --unsure P`, and how right the others are."""
    lines = [f"{'with --unsure':24}{'are unsure':>12}{'the others are right':>22}"]
    for found in scores["unsure"]:
        if found["limit"]:
            lines.append(f"{found['limit']:<24}{percent(found['unsure'], 1):>12}{percent(found['accuracy'], 1):>22}")
    return lines


def no_better_in_words(settings: dict[str, Any]) -> str | None:
    """A line where a training got no further than always giving one label, or no more than chance may give.

    Chance: two standard errors of the share of right answers. With `balanced` other labels count more than answers.
    """
    share = settings["validation_baseline"]
    by_chance = 2 * math.sqrt(share * (1 - share) / settings["validation_texts"])
    if settings["balanced"] or settings["validation_accuracy"] > share + by_chance:
        return None
    shares = settings["label_shares"]
    answer = settings["label_names"][shares.index(max(shares))]
    no_better = "no better" if settings["validation_accuracy"] <= share else "not clearly better"
    column = settings["label_column"]
    which = f"look whether {column!r} is the column of labels, or " if column else ""
    return f"{no_better} than always answering {answer!r}: {which}give more texts"
