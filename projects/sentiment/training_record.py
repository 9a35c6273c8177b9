"""What is kept of a training in the model's file: all that it depends on, and what it found out."""

from typing import Any

import msgspec

from projects.sentiment.corpus import Corpus
from projects.sentiment.fits import Fitted, Prepared
from projects.sentiment.layout import Layout
from projects.sentiment.settings import Settings


def facts(corpus: Corpus, settings: Settings, layout: Layout, film_reviews: bool) -> dict[str, Any]:
    """All that the model depends on, as it is kept in its file. film_reviews: for the words of pictures and page."""
    n_labels = len(corpus.label_names)
    texts = corpus.texts_of_label + corpus.held_out_of_label
    shares = (texts / texts.sum()).tolist()
    beside = corpus.unlabelled
    return msgspec.structs.asdict(settings) | {
        "data_sha256": corpus.sha256,
        "train_texts": corpus.n_texts,
        "unlabelled_texts": 0 if beside is None else beside.n_texts,
        "unlabelled_sha256": None if beside is None else beside.sha256,
        "film_reviews": film_reviews,
        "text_column": layout.text_column,
        "label_column": layout.label_column,
        "encoding": layout.likely_encoding,
        "delimiter": ";" if layout.delimiter == ";" else None,  # so that commas, tabs and none give one model
        "label_map": [list(pair) for pair in layout.label_map],
        "label_names": list(corpus.label_names),
        "label_shares": shares,
        "base_rates": [1 / n_labels] * n_labels if settings.balanced else shares,
        "simulated": corpus.simulated,
    }


def outcome(corpus: Corpus, settings: Settings, measured: Fitted, words: Prepared, unfinished: bool) -> dict[str, Any]:
    """What the fits found out, as it is kept in the model's file. words: the view that is saved."""
    return {
        "validation_texts": int(corpus.held_out_of_label.sum()),
        "validation_accuracy": measured.accuracy,
        "validation_baseline": baseline(corpus),
        "temperature": measured.temperature,
        "sure_from": measured.sure_from.probability if measured.sure_from else None,
        "unsure_share": measured.sure_from.unsure if measured.sure_from else None,
        "batch_size": words.training.settings.batch_size // (1 + settings.excerpts),
        "least_count": words.vocabulary.min_count,
        "common_from": words.vocabulary.common_from,
        "unfinished": unfinished,
    }


def baseline(corpus: Corpus) -> float:
    """The share of the texts held out that have the label most frequent in training: as right is always giving it."""
    held_out = corpus.held_out_of_label
    most_frequent = int((corpus.texts_of_label + held_out).argmax())
    return float(held_out[most_frequent] / held_out.sum())
