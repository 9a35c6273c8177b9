"""What an n-gram tells about the labels: log-count ratios."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse as sp

SMOOTHING = 4.0  # texts that each n-gram is imagined to be in besides its own, with labels as frequent as in all


def log_count_ratios(with_label: np.ndarray, without: np.ndarray, share: float) -> np.ndarray:
    """log((p / Σp) / (q / Σq)) for the smoothed numbers p of texts with a label and q of the others [n-grams].

    share: of the label among the texts. What is added to p and q is shared out in the same way, else every rare
    n-gram would speak for rare labels. 0: the n-gram tells nothing.
    Wang and Manning, "Baselines and Bigrams", 2012, equation 2.
    """
    p = with_label + SMOOTHING * share
    q = without + SMOOTHING * (1 - share)
    ratios: np.ndarray = np.log(p / p.sum()) - np.log(q / q.sum())
    return ratios.astype(np.float32)


def strongest_ratios(texts_with: "sp.csr_matrix", texts: np.ndarray) -> np.ndarray:
    """The ratio of each n-gram for the label it speaks for most, against all others, float32 [n-grams].

    texts_with [labels, n-grams]: texts of a label that have an n-gram; texts [labels]: all texts of a label.
    Of two labels the ratio has a sign, above 0 where the n-gram speaks for the second one; the size is the same.
    """
    n_labels, n_ngrams = texts_with.shape
    in_all = np.asarray(texts_with.sum(axis=0)).ravel()
    strongest = np.zeros(n_ngrams, np.float32)  # never below: no n-gram is rarer with every label than with the others
    for label in range(n_labels) if n_labels > 2 else (1,):
        share = texts[label] / texts.sum()
        if 0 < share < 1:
            with_label = texts_with[label].toarray().ravel()
            ratios = log_count_ratios(with_label, in_all - with_label, share)
            strongest = ratios if n_labels == 2 else np.maximum(strongest, ratios)
    return strongest
