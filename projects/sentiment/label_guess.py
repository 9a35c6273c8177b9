"""Which column holds the labels, where no name says so: the one that the texts tell most about."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

FEWEST_ROWS = 100  # of which something can be told
MOST_WORDS = 2_000  # the most frequent ones
LEAST_GAIN = 0.05  # share of rows that must be told right beyond the most frequent value's


def most_told(rows: Sequence[Mapping[str, Any]], text: str, columns: Mapping[str, Sequence[str]]) -> str | None:
    """The column whose values a naive Bayes classifier tells best from the texts, on rows that it has not seen.

    columns: the value of each row, "" for none. None where no column is told better than by its most frequent value,
    or there are too few rows.
    """
    if len(rows) < FEWEST_ROWS:
        return None
    presence = words_in([str(row.get(text) or "") for row in rows])
    gains = {column: gain(presence, np.array(values)) for column, values in columns.items()}
    best = max(gains, key=lambda column: gains[column], default=None)
    return best if best is not None and gains[best] >= LEAST_GAIN else None


def words_in(texts: Sequence[str]) -> np.ndarray:
    """Which text has which of the words, float32 [texts, words]."""
    words = [set(text.lower().split()) for text in texts]
    frequent = Counter(word for of_text in words for word in of_text).most_common(MOST_WORDS)
    number = {word: place for place, (word, _) in enumerate(frequent)}
    presence = np.zeros((len(texts), len(number)), np.float32)
    for row, of_text in enumerate(words):
        presence[row, [number[word] for word in of_text if word in number]] = 1
    return presence


def gain(presence: np.ndarray, values: np.ndarray) -> float:
    """How much more of every third row is told by the words in it than by the most frequent value of the others."""
    filled = np.flatnonzero(values != "")
    test, training = filled[::3], np.setdiff1d(filled, filled[::3])
    if not len(training):
        return 0.0
    labels, number = np.unique(values[training], return_inverse=True)
    of_label = np.eye(len(labels), dtype=np.float32)[number]  # [rows, labels]
    counts = of_label.T @ presence[training] + 1  # [labels, words]
    log_share = np.log(counts / counts.sum(axis=1, keepdims=True))
    log_prior = np.log(of_label.mean(axis=0))
    answers = labels[(presence[test] @ log_share.T + log_prior).argmax(axis=1)]
    most_frequent = labels[of_label.sum(axis=0).argmax()]
    return float(np.mean(answers == values[test]) - np.mean(most_frequent == values[test]))
