"""`sentiment train` and `sentiment evaluate` in plain Python: every step that counts, and nothing that makes it fast.

    .venv/bin/python docs/learn/plain_sentiment.py                       SIMULATED reviews, some seconds: about 86 %
    .venv/bin/python docs/learn/plain_sentiment.py aclImdb_v1.tar.gz     the published ones, some minutes: 92.4 %

projects/README.md says which files of the pipeline do the same for millions of texts. They also train on short
excerpts, hold a tenth of the texts out to measure the probabilities, and know more than English and two labels.
"""

import math
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from nn import TwoLayerClassifier
from projects.sentiment.data import read_reviews
from projects.sentiment.negation import NEGATIONS  # not, never, nothing, dont …
from projects.sentiment.sample import simulate_reviews

REACH = 5  # words after a negation that are others than the same words elsewhere
LONGEST = 3  # words of an n-gram
MIN_COUNT = 3  # texts that an n-gram must be in
CUTOFF = 0.05  # least log-count ratio, above or below 0; see `least_ratio`
SMOOTHING = 4  # texts that an n-gram is imagined to be in besides its own
ROW_LENGTH, SHORTEST = 5, 0.5

Texts = Sequence[str]


def words_of(text: str) -> list[str]:
    """The words and marks of a text, lower case; the words that a negation reaches begin with ¬."""
    plain = text.lower().replace("<br />", " ").replace("'", "")
    words, left = [], 0
    for word in re.findall(r"\w+|[.,!?]", plain):
        if word in NEGATIONS:
            left = REACH
        elif word in ".,!?":
            left = 0
        elif left:
            left -= 1
            word = "¬" + word
        words.append(word)
    return words


def ngrams_of(text: str) -> list[str]:
    """The n-grams of a text, each once."""
    words = words_of(text)
    ngrams = (" ".join(words[i : i + n]) for n in range(1, LONGEST + 1) for i in range(len(words) - n + 1))
    return list(dict.fromkeys(ngrams))


def count_texts(texts: Texts, labels: Sequence[int]) -> tuple[Counter[str], Counter[str]]:
    """In how many negative and in how many positive texts each n-gram is."""
    counts: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    for text, label in zip(texts, labels, strict=True):
        counts[label].update(ngrams_of(text))
    return counts


def log_count_ratios(texts: Texts, labels: Sequence[int]) -> dict[str, float]:
    """What each n-gram that is frequent enough says: above 0 positive, below negative.

    log((p / Σp) / (q / Σq)): p positive and q negative texts have it, with SMOOTHING shared out as the labels are.
    """
    negative, positive = count_texts(texts, labels)
    in_texts = negative + positive
    frequent = [ngram for ngram, n in in_texts.items() if n >= MIN_COUNT]
    share_positive = sum(labels) / len(labels)
    p = np.array([positive[ngram] for ngram in frequent]) + SMOOTHING * share_positive
    q = np.array([negative[ngram] for ngram in frequent]) + SMOOTHING * (1 - share_positive)
    ratios = np.log(p / p.sum()) - np.log(q / q.sum())
    common = {ngram for ngram in frequent if " " not in ngram and in_texts[ngram] >= 0.4 * len(texts)}
    return {
        ngram: ratio
        for ngram, ratio in zip(frequent, ratios.tolist(), strict=True)
        if abs(ratio) >= least_ratio(ngram, common)
    }


def least_ratio(ngram: str, common: set[str]) -> float:
    """The cutoff for an n-gram: higher where all its words tell how people write, not what they think."""
    words = ngram.split()
    return 6 * len(words) * CUTOFF if common.issuperset(words) else CUTOFF


def bag(texts: Texts, ratios: dict[str, float]) -> sp.csr_matrix:
    """A row for each text, a column for each n-gram with its ratio; rows from SHORTEST on are brought to ROW_LENGTH.

    Sparse, as CSR: of row i, data[indptr[i] : indptr[i + 1]] are the values that are not 0, and indices their columns.
    """
    column = {ngram: number for number, ngram in enumerate(ratios)}
    data, indices, indptr = [], [], [0]
    for text in texts:
        known = [ngram for ngram in ngrams_of(text) if ngram in ratios]
        length = math.sqrt(sum(ratios[ngram] ** 2 for ngram in known))
        factor = ROW_LENGTH / max(length, SHORTEST)
        data += [ratios[ngram] * factor for ngram in known]
        indices += [column[ngram] for ngram in known]
        indptr.append(len(indices))
    return sp.csr_matrix((np.array(data, "float32"), indices, indptr), shape=(len(texts), len(ratios)))


def read(part: str, archive: str | None = None) -> tuple[Texts, list[int]]:
    """Texts and labels, 0 or 1, of one part, "train" or "test": of the published archive, or SIMULATED."""
    if archive is not None:
        reviews = read_reviews(Path(archive), part)
        return reviews.texts, list(reviews.labels)
    rows = [row for row in simulate_reviews() if row["split"] == part]
    return [str(row["text"]) for row in rows], [int(row["label"] == "positive") for row in rows]


def main() -> None:
    archive = sys.argv[1] if len(sys.argv) > 1 else None
    texts, labels = read("train", archive)
    ratios = log_count_ratios(texts, labels)
    model = TwoLayerClassifier(
        hidden_units=2,
        epochs=10,
        learning_rate=0.8,
        batch_size=min(1000, math.ceil(len(texts) / 25)),
        momentum=0.9,
        dropout=0.5,  # of the n-grams of a row, drawn anew in each step
    )
    model.fit(bag(texts, ratios), np.array(labels))
    test_texts, truth = read("test", archive)
    accuracy = np.mean(model.predict(bag(test_texts, ratios)) == truth)
    print(f"{len(texts):,} reviews, {len(ratios):,} n-grams: {accuracy:.1%} of {len(truth):,} test reviews are right")


if __name__ == "__main__":
    main()
