"""The page of a sentiment run: what the model says of a text that is typed into it, its scores and its pictures."""

import base64
import gzip
import math
from html import escape, unescape
from pathlib import Path
from typing import Any

import numpy as np

from projects.common import report
from projects.common.report import Picture
from projects.common.run_folder import METRICS, MODEL
from projects.sentiment import characters, negation
from projects.sentiment.labels import USUAL, order_shown
from projects.sentiment.model import SentimentModel
from projects.sentiment.ngrams import LONGEST_ROW, SHORTEST_ROW
from projects.sentiment.plain_words import in_sentences
from projects.sentiment.tokens import NEGATED

NOT_SHOWN = {  # what says nothing to a person, or stands elsewhere on the page
    "base_rates", "common_from", "data_sha256", "film_reviews", "label_names", "label_shares", "test",
    "unlabelled_sha256",
}  # fmt: skip
SETTING_NAMES = {  # of those whose own name says little
    "balanced": "all labels count alike",
    "batch_size": "texts in a step of training",
    "characters": "also reads pieces of characters",
    "dropout": "share of n-grams dropped at random",
    "early_stopping": "stops when it gets no better",
    "encoding": "encoding of the table",
    "epochs": "epochs (times that all texts are gone through)",
    "excerpts": "excerpts of each text",
    "hidden_dropout": "share of hidden units dropped at random",
    "l2": "L2 (pull of the weights to 0)",
    "label_column": "column with the labels",
    "label_map": "labels joined",
    "large_batches": "large batches, added up by workers",
    "least_count": "texts that an n-gram must be in",
    "min_count": "the same of 25,000 texts",
    "negation": "words after a negation count as others",
    "ngrams": "words in an n-gram, at most",
    "patience": "epochs without gain before stopping",
    "polarity_cutoff": "least log-count ratio of an n-gram",
    "refit": "fitted to all texts in the end",
    "row_power": "how much short texts say, 0 to 1",
    "seed": "seed of the random numbers",
    "simulated": "simulated data",
    "sure_from": "probability from which 95 % of answers are right",
    "temperature": "temperature (above 1 the network was too sure, below 1 not sure enough)",
    "text_column": "column with the texts",
    "train_texts": "training texts",
    "unfinished": "training was ended early",
    "unsure_share": "share of the answers below it",
    "unlabelled_texts": "texts without labels that were learned from, too",
    "validation_accuracy": "share right of the texts held out",
    "validation_baseline": "the same, if the answer is always the most frequent label",
    "validation_texts": "texts held out to measure it",
}
TOLERANCE = 1e-4  # by which the page's probability may be off that of `predict`,
LABELS_IN_TITLE = 4
ROWS = 40  # labels in the table of scores, the most frequent ones
SURENESS = 6  # this many standard deviations of the rounding
PLOT = "sentiment plot"
EVALUATED = (MODEL, METRICS)
PICTURES = {
    "words.png": Picture("The n-grams that speak most for each label.", (MODEL,), PLOT),
    "confusion.png": Picture("How often each label was taken for each.", EVALUATED, PLOT),
    "reliability.png": Picture("How often what was given a probability was true.", EVALUATED, PLOT),
    "unsure.png": Picture("How right the answers are when the least probable ones are called unsure.", EVALUATED, PLOT),
    "ngrams.png": Picture("Every n-gram: what it alone adds to the log-odds of a label.", (MODEL,), PLOT),
    "ratios.png": Picture("The log-count ratios of all n-grams frequent enough.", (MODEL,), PLOT),
    "losses.png": Picture(
        "The losses while the network learned, of the fit that left the validation texts out.", (MODEL,), PLOT
    ),
}


def page(model: SentimentModel, path: Path, scores: dict[str, Any] | None) -> tuple[str, bool]:
    """The HTML of the page of the model at this path, and whether texts can be typed on it.

    They can't where the model is too large for it, or has a second view, which would be.
    """
    settings = model.settings
    simulated = settings["simulated"] or (scores is not None and scores["simulated"])
    source = Path(__file__)
    about, weights = pack(model)
    described = for_people(settings)
    parts = report.common_parts("sentiment", path, described, settings.get("data_sha256"), simulated, PICTURES) | {
        "title": title(model.label_names, settings["film_reviews"]),
        "lead": lead(model, scores),
        "style": source.with_name("report.css").read_text(encoding="utf-8"),
        "live": source.with_name("report.html").read_text(encoding="utf-8"),
        "scores": score_tables(scores) if scores else unscored(settings),
        "more": mistakes(scores) if scores else "",
        "about": report.as_json(about),
        "weights": weights,
        "script": source.with_name("report.js").read_text(encoding="utf-8"),
    }
    whole = report.fill(parts)
    if model.second is None and len(whole.encode()) <= report.LARGEST_PAGE:
        return whole, True
    parts["live"] = f'<p class="card">{why_no_typing(model)}</p>'
    return report.fill(parts | {"about": "{}", "weights": "", "script": ""}), False


def for_people(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings by what people call them, in the order of these names; what has no value is left out."""
    known: dict[str, Any] = {}
    for name in settings.keys() - NOT_SHOWN:
        value = settings[name]
        is_none = value is None or value == [] or (name == "unlabelled_texts" and not value)
        if not is_none:
            known[SETTING_NAMES.get(name, name.replace("_", " "))] = value
    groups: dict[str, list[str]] = {}
    for written, name in settings["label_map"]:
        groups.setdefault(name, []).append(written)
    if groups:
        known[SETTING_NAMES["label_map"]] = [f"{', '.join(written)} as {name}" for name, written in groups.items()]
    return dict(sorted(known.items()))


def unscored(settings: dict[str, Any]) -> str:
    """What stands in the place of scores, as HTML."""
    if settings.get("test", True):
        return report.missing("sentiment evaluate")
    return '<p class="card">The model was trained on all texts: none were kept to score it on.</p>'


def why_no_typing(model: SentimentModel) -> str:
    """Why texts can't be typed on the page, and what would help, as HTML."""
    if model.second is not None:
        return (
            "This model reads texts as pieces of characters, too, which are too many for a page on which texts can be "
            "typed. Train one without <code>--characters</code>, or use <code>sentiment predict</code>."
        )
    return (
        f"With its {len(model.vocabulary):,} n-grams this model is too large for a page of "
        f"{report.LARGEST_PAGE / 1e6:g} MB on which texts can be typed. Train a smaller one, for example with "
        "<code>sentiment train --min-count 10 --polarity-cutoff 0.2</code>."
    )


def title(label_names: list[str], film_reviews: bool) -> str:
    """The question that the model answers."""
    if film_reviews and label_names == list(USUAL):
        return "Is this film review good or bad?"
    if len(label_names) <= LABELS_IN_TITLE:
        return escape(", ".join(label_names[:-1]) + f" or {label_names[-1]}?")
    return f"Which of {len(label_names):,} labels?"


def lead(model: SentimentModel, scores: dict[str, Any] | None) -> str:
    """What the model is and, once it was scored, how good, as HTML."""
    size, texts = f"{len(model.vocabulary):,}", f"{model.settings['train_texts']:,}"
    known = f"A network with one hidden layer that knows {size} n-grams from {texts} texts"
    if not scores:
        return f"{known}."
    return f"{known}. {escape(' '.join(in_sentences(scores)))}"


def pack(model: SentimentModel) -> tuple[dict[str, Any], str]:
    """The model for the page: what fits into JSON, and the long lists, packed as numbers, compressed, in base64.

    All is exact but the first layer's weights, which are rounded to multiples of `units`. An n-gram's rounding error
    is even, so of standard deviation unit / √12; a row is at most LONGEST_ROW long, a sigmoid at most 1/4 steep: the
    probability is off by at most 1/4 · |W2| · 1/4 · LONGEST_ROW · unit / √12 for each hidden unit (one standard
    deviation). The units are such that SURENESS times that is TOLERANCE. With an output for each label, |W2| is the
    range of a hidden unit's weights: by adding the same to all of them it would change no probability.
    """
    vocabulary, network = model.vocabulary, model.network
    W2 = network.W2.astype(float)  # [hidden, outputs]
    steepness = np.abs(W2[:, 0]) if W2.shape[1] == 1 else np.ptp(W2, axis=1)
    step = 16 * math.sqrt(12) * TOLERANCE / (SURENESS * LONGEST_ROW * math.sqrt(len(W2)))
    units = step / np.maximum(steepness, 1e-6)
    rounded = np.rint(network.W1 / units).astype(np.int64)  # [columns, hidden]
    values, kind, often = np.unique(vocabulary.column_ratios, return_inverse=True, return_counts=True)
    by_count = np.argsort(-often, kind="stable")  # the most frequent ratio gets the smallest number
    ratio_of = np.zeros(len(vocabulary.ratios), np.int64)  # 0: the n-gram is not in the bag
    ratio_of[vocabulary.in_bag] = 1 + np.argsort(by_count)[kind]
    words = "\n".join(vocabulary.words).encode()
    numbers = np.concatenate(
        [
            np.diff(vocabulary.codes, prepend=0),
            ratio_of,
            np.where(rounded < 0, -2 * rounded - 1, 2 * rounded).T.ravel(),  # 0, -1, 1, -2 … as 0, 1, 2, 3 …
        ]
    )
    ratios = values[by_count].astype("<f4")
    packed = gzip.compress(words + ratios.tobytes() + varints(numbers), mtime=0)
    about = {
        "wordBytes": len(words),
        "ratios": len(ratios),
        "longer": len(vocabulary.codes),
        "units": units.tolist(),
        "b1": network.b1.tolist(),
        "W2": W2.tolist(),
        "b2": network.b2.tolist(),
        "longestRow": LONGEST_ROW,
        "shortestRow": SHORTEST_ROW,
        "rowPower": vocabulary.row_power,
        "negations": negation.NEGATIONS if vocabulary.negation else [],
        "negationScope": negation.SCOPE,
        "negated": NEGATED,
        "saidBeforeNegated": negation.SAID[0],
        "baseRates": model.settings["base_rates"],
        "labels": model.settings["label_names"],
        "film_reviews": model.settings["film_reviews"],
        "characters": character_tables(),
    }
    return about, base64.b64encode(packed).decode()


def character_tables() -> dict[str, Any]:
    """What the page needs to read a text as `clean` does."""
    return {
        "spaceless": characters.SPACELESS,
        "emoji": characters.EMOJI,
        "flagLetters": characters.FLAG_LETTERS,
        "variants": characters.VARIANTS,
        "beside": characters.BESIDE,
        "faces": characters.FACES,
        "standsFor": characters.STANDS_FOR,
        "lineBreak": characters.LINE_BREAK.pattern,
        "elision": "|".join(pattern.pattern for pattern in characters.ELISIONS.values()),
    }


def varints(numbers: np.ndarray) -> bytes:
    """Whole numbers from 0 in base 128, the lowest digit first, each digit but the last with 128 added (LEB128)."""
    digits = numbers[:, np.newaxis] >> np.arange(0, 63, 7)  # [numbers, 9], and what stands before them
    there, more = digits > 0, digits >= 128
    there[:, 0] = True
    return ((digits & 127) + 128 * more).astype(np.uint8)[there].tobytes()


def score_tables(scores: dict[str, Any]) -> str:
    """The scores of network and baseline; those of each label, as `evaluate` orders them; those by length."""
    names = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "log_loss", "expected_calibration_error")
    head = ["", *(name.replace("_", " ").replace("f1", "F1") for name in names)]
    kinds = {"network": scores["test"], "majority label": scores["baselines"]["majority"]}
    rows = [[kind, *(f"{scored[name]:.4f}" for name in names)] for kind, scored in kinds.items()]
    names_of_labels, sizes = ([scored[name] for scored in scores["labels"]] for name in ("label", "texts"))
    shown = [scores["labels"][place] for place in order_shown(names_of_labels, sizes, ROWS)]
    labels = [[scored["label"], *label_cells(scored), f"{scored['texts']:,}"] for scored in shown]
    labels += [[f"{kind} mean", *label_cells(scores["means"][kind]), ""] for kind in ("macro", "weighted")]
    lengths = [[f"from {k['from_words']}", f"{k['texts']:,}", f"{k['accuracy']:.4f}"] for k in scores["by_length"]]
    wrong = [[found["label"], found["answer"], f"{found['texts']:,}"] for found in scores["confusions"]]
    of_labels = report.table(["label", "precision", "recall", "F1", "texts"], labels)
    tables = (
        report.table(["label", "taken for", "texts"], wrong),
        report.table(["words", "texts", "accuracy"], lengths),
    )
    beside = "".join(f"<div>{table}</div>" for table in tables)
    return f'{report.table(head, rows)}<div class="labels">{of_labels}</div><div class="pair">{beside}</div>'


def label_cells(scored: dict[str, float]) -> list[str]:
    """Precision, recall and F1 in a table."""
    return [f"{scored[name]:.4f}" for name in ("precision", "recall", "f1")]


def as_read(text: str) -> str:
    """The text with line breaks for those of HTML, and characters for its entities."""
    return unescape(characters.LINE_BREAK.sub("\n", text))


def mistakes(scores: dict[str, Any]) -> str:
    """The surest mistakes, as strangers wrote them."""
    items = "".join(
        f'<li class="card"><p><b>{escape(found["label"])}</b>, called {escape(found["answer"])} with a probability of '
        f'<b>{found["probability"]:.3f}</b> <button type="button" class="try" hidden>see why</button></p>'
        f"<blockquote>{escape(as_read(found['text']))}</blockquote></li>"
        for found in scores["mistakes"]
    )
    return f'<h2>Surest mistakes</h2><ol class="mistakes">{items}</ol>' if items else ""
