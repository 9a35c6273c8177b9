"""The page of a sentiment run: what the model says of a text that is typed into it, its scores and its pictures."""

import base64
import gzip
import math
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from projects.common import report
from projects.sentiment.model import SentimentModel
from projects.sentiment.text import LONGEST_ROW

TOLERANCE = 1e-4  # by which the page's probability may be off that of `predict`,
SURENESS = 6  # this many standard deviations of the rounding
PICTURES = {
    "words.png": "Every n-gram of the bag by what it alone adds to the log-odds and by frequency.",
    "reliability.png": "How often reviews were positive, by the probability given for it.",
    "ratios.png": "The log-count ratios of all n-grams frequent enough.",
    "losses.png": "The losses while the network learned, of the fit that left the validation reviews out.",
}


def page(model: SentimentModel, path: Path, scores: dict[str, Any] | None) -> tuple[str, bool]:
    """The HTML of the page of the model at this path, and whether the model had room on it."""
    settings = model.settings
    simulated = settings["simulated"] or (scores is not None and scores["simulated"])
    negative, positive = (escape(name) for name in settings["label_names"])
    source = Path(__file__)
    about, weights = pack(model)
    parts = report.common_parts("sentiment", path, settings, simulated, PICTURES) | {
        "title": "Is this film review good or bad?" if positive == "positive" else f"{negative} or {positive}?",
        "lead": lead(model, scores),
        "style": source.with_name("report.css").read_text(encoding="utf-8"),
        "live": source.with_name("report.html").read_text(encoding="utf-8").replace("{{positive}}", positive),
        "scores": score_tables(scores, negative, positive) if scores else report.missing("sentiment evaluate"),
        "more": mistakes(scores, positive) if scores else "",
        "about": report.as_json(about),
        "weights": weights,
        "script": source.with_name("report.js").read_text(encoding="utf-8"),
    }
    whole = report.fill(parts)
    if len(whole.encode()) <= report.LARGEST_PAGE:
        return whole, True
    parts["live"] = (
        f'<p class="card">With its {len(model.vocabulary):,} n-grams this model is too large for a page of '
        f"{report.LARGEST_PAGE / 1e6:g} MB on which texts can be typed. Train a smaller one, for example with "
        "<code>sentiment train --min-count 10 --polarity-cutoff 0.2</code>.</p>"
    )
    return report.fill(parts | {"about": "{}", "weights": "", "script": ""}), False


def lead(model: SentimentModel, scores: dict[str, Any] | None) -> str:
    """The run in a sentence."""
    size, reviews = f"{len(model.vocabulary):,}", f"{model.settings['train_reviews']:,}"
    known = f"A network with one hidden layer that knows {size} n-grams from {reviews} reviews"
    if not scores:
        return f"{known}."
    return f"{known}. It is right about {scores['test']['accuracy']:.1%} of {scores['test']['reviews']:,} others."


def pack(model: SentimentModel) -> tuple[dict[str, Any], str]:
    """The model for the page: what fits into JSON, and the long lists, packed as numbers, compressed, in base64.

    All is exact but the first layer's weights, which are rounded to multiples of `units`. An n-gram's rounding error
    is even, so of standard deviation unit / √12; a row is at most LONGEST_ROW long, a sigmoid at most 1/4 steep: the
    probability is off by at most 1/4 · |W2| · 1/4 · LONGEST_ROW · unit / √12 for each hidden unit (one standard
    deviation). The units are such that SURENESS times that is TOLERANCE.
    """
    vocabulary, network = model.vocabulary, model.network
    W2 = network.W2[:, 0].astype(float)
    step = 16 * math.sqrt(12) * TOLERANCE / (SURENESS * LONGEST_ROW * math.sqrt(len(W2)))
    units = step / np.maximum(np.abs(W2), 1e-6)
    rounded = np.rint(network.W1 / units).astype(np.int64)  # [columns, hidden]
    values, kind, often = np.unique(vocabulary.ratios[vocabulary.kept], return_inverse=True, return_counts=True)
    by_count = np.argsort(-often, kind="stable")  # the most frequent ratio gets the smallest number
    ratio_of = np.zeros(len(vocabulary.ratios), np.int64)  # 0: the n-gram is not in the bag
    ratio_of[vocabulary.kept] = 1 + np.argsort(by_count)[kind]
    words = "\n".join(vocabulary.words).encode()
    numbers = np.concatenate([
        np.diff(vocabulary.codes, prepend=0),
        ratio_of,
        np.where(rounded < 0, -2 * rounded - 1, 2 * rounded).T.ravel(),  # 0, -1, 1, -2 … as 0, 1, 2, 3 …
    ])  # fmt: skip
    ratios = values[by_count].astype("<f4")
    packed = gzip.compress(words + ratios.tobytes() + varints(numbers), mtime=0)
    about = {
        "wordBytes": len(words),
        "ratios": len(ratios),
        "longer": len(vocabulary.codes),
        "units": units.tolist(),
        "b1": network.b1.tolist(),
        "W2": W2.tolist(),
        "b2": float(network.b2[0]),
        "longestRow": LONGEST_ROW,
        "baseRate": model.settings["base_rate"],
        "labels": model.settings["label_names"],
    }
    return about, base64.b64encode(packed).decode()


def varints(numbers: np.ndarray) -> bytes:
    """Whole numbers from 0 in base 128, the lowest digit first, each digit but the last with 128 added (LEB128)."""
    digits = numbers[:, np.newaxis] >> np.arange(0, 63, 7)  # [numbers, 9], and what stands before them
    there, more = digits > 0, digits >= 128
    there[:, 0] = True
    return ((digits & 127) + 128 * more).astype(np.uint8)[there].tobytes()


def score_tables(scores: dict[str, Any], negative: str, positive: str) -> str:
    names = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "log_loss", "expected_calibration_error")
    head = ["", *(name.replace("_", " ").replace("f1", "F1") for name in names)]
    kinds = {"network": scores["test"], "majority label": scores["baselines"]["majority"]}
    rows = [[kind, *(f"{scored[name]:.4f}" for name in names)] for kind, scored in kinds.items()]
    (true_negative, false_positive), (false_negative, true_positive) = scores["test"]["confusion"]
    confusion = [
        [f"{negative} reviews", f"{true_negative:,}", f"{false_positive:,}"],
        [f"{positive} reviews", f"{false_negative:,}", f"{true_positive:,}"],
    ]
    lengths = [[f"from {k['from_words']}", f"{k['reviews']:,}", f"{k['accuracy']:.4f}"] for k in scores["by_length"]]
    tables = (
        report.table(["", f"called {negative}", f"called {positive}"], confusion),
        report.table(["words", "reviews", "accuracy"], lengths),
    )
    both = "".join(f"<div>{table}</div>" for table in tables)
    return report.table(head, rows) + f'<div class="pair">{both}</div>'


def mistakes(scores: dict[str, Any], positive: str) -> str:
    """The surest mistakes, as strangers wrote them."""
    items = "".join(
        f'<li class="card"><p><b>{escape(found["label"])}</b>, though the probability of {positive} was said to be '
        f'<b>{found["probability"]:.3f}</b> <button type="button" class="try" hidden>see why</button></p>'
        f"<blockquote>{escape(found['text'].replace('<br />', chr(10)))}</blockquote></li>"
        for found in scores["mistakes"]
    )
    return f'<h2>Surest mistakes</h2><ol class="mistakes">{items}</ol>' if items else ""
