"""From a review to the words in it, and from reviews to a sparse matrix."""

import html
import re
from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[!?]")
SMOOTHING = 1.0  # reviews of each label that every word is imagined to be in besides those it is in


def tokens(text: str) -> list[str]:
    """The words of a text in lower case, apostrophes kept (don't), and its exclamation and question marks."""
    if "&" in text:
        text = html.unescape(text)
    return TOKEN.findall(text.lower().replace("<br />", " ").replace("’", "'"))


@dataclass
class Vocabulary:
    """Words worth counting, the most frequent first, with what they tell."""

    words: list[str]
    counts: np.ndarray  # reviews that a word is in, int32 [words]
    ratios: np.ndarray  # log-count ratio of a word, above 0 where it speaks for a positive review, float32 [words]
    typical_length: float = 0.0  # mean length of a training review's row of ratios

    def __post_init__(self) -> None:
        self.index = {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def ids(self, text: str) -> list[int]:
        """The distinct words of a text that are in the vocabulary, by number."""
        get = self.index.get
        return sorted({number for word in tokens(text) if (number := get(word)) is not None})

    def bag_of_words(self, texts: Iterable[str]) -> sp.csr_matrix:
        """Texts to float32 [texts, words], as `weigh` makes them."""
        ids, ends = array("i"), array("q", [0])
        for text in texts:
            ids.extend(self.ids(text))
            ends.append(len(ids))
        return self.weigh(ones(ids, ends, len(self)))

    def weigh(self, presence: sp.csr_matrix) -> sp.csr_matrix:
        """A matrix of ones with each one replaced by its word's log-count ratio, the rows scaled.

        A row is scaled to length 1, or by the typical length if it is shorter than that: a word is to say no more in
        a text of three words than in one of a hundred.
        """
        values = self.ratios[presence.indices]
        lengths = np.maximum(row_lengths(presence, values), self.typical_length or 1).astype(np.float32)
        values /= np.repeat(lengths, np.diff(presence.indptr))
        return sp.csr_matrix((values, presence.indices, presence.indptr), presence.shape)


def ones(ids: array, ends: array, words: int) -> sp.csr_matrix:
    """float32 [texts, words] with a 1 for each number in `ids`; text i's end at ends[i + 1]."""
    values = np.ones(len(ids), np.float32)
    return sp.csr_matrix((values, np.array(ids, np.int32), np.array(ends)), (len(ends) - 1, words))


def row_lengths(presence: sp.csr_matrix, values: np.ndarray) -> np.ndarray:
    """The Euclidean length of each row, if `values` were in the places of `presence` [texts]."""
    rows = np.repeat(np.arange(presence.shape[0]), np.diff(presence.indptr))
    return np.sqrt(np.bincount(rows, values.astype(float) ** 2, minlength=presence.shape[0]))


def count_words(texts: Iterable[str]) -> tuple[list[str], sp.csr_matrix]:
    """All words of the texts, and the matrix float32 [texts, words] with 1 where a text has a word."""
    index: defaultdict[str, int] = defaultdict()
    index.default_factory = index.__len__
    ids, ends = array("i"), array("q", [0])
    for text in texts:
        ids.extend(map(index.__getitem__, tokens(text)))
        ends.append(len(ids))
    presence = ones(ids, ends, len(index))
    presence.sum_duplicates()
    presence.data[:] = 1
    return list(index), presence


def log_count_ratios(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """log((p / Σp) / (q / Σq)) for the smoothed numbers p of positive and q of negative reviews with each word.

    Wang and Manning, "Baselines and Bigrams", 2012, equation 2. 0: the word tells nothing.
    """
    p, q = positive + SMOOTHING, negative + SMOOTHING
    return (np.log(p / p.sum()) - np.log(q / q.sum())).astype(np.float32)


def build_vocabulary(
    texts: Iterable[str], labels: np.ndarray, min_count: int, polarity_cutoff: float
) -> tuple[Vocabulary, sp.csr_matrix, Vocabulary]:
    """The vocabulary that both noise reductions leave, the texts as its bag of words, and the words before the cutoff.

    min_count: reviews that a word must be in, or it is chance. polarity_cutoff: least |log-count ratio|, or the word
    says nothing of good or bad.
    """
    words, presence = count_words(texts)
    positive = np.asarray(labels, float) @ presence
    counts = np.bincount(presence.indices, minlength=len(words))
    ratios = log_count_ratios(positive, counts - positive)
    by_count = np.lexsort((np.array(words), -counts))  # the most frequent first, so that they lie together in memory
    frequent = by_count[counts[by_count] >= min_count]
    kept = frequent[np.abs(ratios[frequent]) >= polarity_cutoff]

    def take(numbers: np.ndarray) -> Vocabulary:
        return Vocabulary([words[i] for i in numbers], counts[numbers].astype(np.int32), ratios[numbers])

    vocabulary, presence = take(kept), presence[:, kept]
    vocabulary.typical_length = float(row_lengths(presence, vocabulary.ratios[presence.indices]).mean())
    return vocabulary, vocabulary.weigh(presence), take(frequent)
