"""From a review to the n-grams in it, and from reviews to a sparse matrix."""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from projects.sentiment.tokens import CLOSING, NONE, Table, Words, read_words

if TYPE_CHECKING:  # SciPy takes as long to load as an answer: one text goes without it
    import scipy.sparse as sp

SMOOTHING = 4.0  # reviews that each n-gram is imagined to be in besides its own, with labels as frequent as in all
LONGEST_ROW = 5.0  # Euclidean length that the row of a review is shortened to


def distinct_pairs(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """`indices` and `indptr` of a CSR matrix of this shape that has these pairs, each once, in order."""
    width = max(1, shape[1])
    small = shape[0] * width < 1 << 31  # half the bytes are sorted in half the time
    pairs = rows.astype(np.int32 if small else np.int64) * width + columns
    pairs.sort()  # faster than the hash table of np.unique
    pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]]
    indptr = np.searchsorted(pairs, np.arange(shape[0] + 1) * width)
    return (pairs % width).astype(np.int32), indptr.astype(np.int32)


def csr_matrix(values: np.ndarray, indices: np.ndarray, indptr: np.ndarray, n_columns: int) -> "sp.csr_matrix":
    import scipy.sparse as sp

    return sp.csr_matrix((values, indices, indptr), (len(indptr) - 1, n_columns))


@dataclass(repr=False)
class Vocabulary:
    """The n-grams that enough training reviews have, numbered, with what they tell.

    The words come first, the most frequent with number 0. A longer n-gram has the code
    (number of the n-gram without its last word) · words + (number of that word), and they follow in the order of codes.
    """

    words: list[str]
    codes: np.ndarray  # of the n-grams of more than one word, ascending, int64 [n-grams - words]
    counts: np.ndarray  # reviews that an n-gram is in, int32 [n-grams]
    ratios: np.ndarray  # log-count ratio: of two labels for the second, of more the largest, float32 [n-grams]
    min_count: int  # only n-grams in that many reviews,
    polarity_cutoff: float  # and with at least this |log-count ratio|, are in the bag

    def __post_init__(self) -> None:
        self.number_of = Table(read_words([" ".join(self.words)]).keys[:-1])  # of a word, by its key
        self.longer = Table(self.codes)  # of an n-gram, by its code, less the number of words
        in_bag = (self.counts >= self.min_count) & (np.abs(self.ratios) >= self.polarity_cutoff)
        self.kept = np.flatnonzero(in_bag)  # the n-gram of each column
        self.column = np.full(len(self.ratios), NONE, np.int32)  # of the bag, for each n-gram
        self.column[self.kept] = np.arange(len(self.kept))

    def __len__(self) -> int:
        return len(self.kept)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self):,} n-grams in the bag, of {len(self.ratios):,})"

    def name(self, number: int) -> str:
        """The words of the n-gram with this number."""
        last: list[str] = []
        while number >= len(self.words):
            number, word = divmod(int(self.codes[number - len(self.words)]), len(self.words))
            last.append(self.words[word])
        return " ".join([self.words[number], *reversed(last)])

    def spot(self, words: Words) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Where in these words which n-grams start: first the single words, then the pairs…"""
        numbers, length = self.number_of.find(words.keys), 1
        at = np.flatnonzero(numbers != NONE)
        ngrams = numbers[at]
        while len(at):
            yield at, ngrams
            at, ngrams = (found[numbers[at + length] != NONE] for found in (at, ngrams))
            places = self.longer.find(ngrams * np.int64(len(self.words)) + numbers[at + length])
            at, ngrams, length = at[places != NONE], len(self.words) + places[places != NONE], length + 1

    def find(self, ngram: str) -> int:
        """The column of an n-gram, NONE if the bag has none for it."""
        words = read_words([ngram])
        found = [ngrams[0] for at, ngrams in self.spot(words) if at[0] == 0]
        return int(self.column[found[-1]]) if found and len(found) == len(words.keys) - 1 else NONE

    def columns_of(self, texts: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
        """The columns of the n-grams that each text has, ascending: `indices` and `indptr`, as in a CSR matrix."""
        return self.columns_in(read_words(texts))

    def columns_in(self, words: Words) -> tuple[np.ndarray, np.ndarray]:
        """The same for texts that are words already."""
        found = [(words.texts[at], self.column[ngrams]) for at, ngrams in self.spot(words)]
        rows, columns = map(np.concatenate, zip((words.texts[:0], self.column[:0]), *found, strict=True))
        return distinct_pairs(rows[columns != NONE], columns[columns != NONE], (words.n_texts, len(self)))

    def weigh(self, indices: np.ndarray, indptr: np.ndarray) -> np.ndarray:
        """The values of a CSR matrix with these indices: the n-grams' log-count ratios, long rows shortened, float32.

        A row longer than LONGEST_ROW is scaled to that length, a shorter one stays: the few words of a short text
        are to say no more than they do in a review.
        """
        values = self.ratios[self.kept][indices]
        in_row = np.diff(indptr)
        rows = np.repeat(np.arange(len(in_row)), in_row)
        lengths = np.sqrt(np.bincount(rows, values.astype(float) ** 2, minlength=len(in_row)))
        values *= np.repeat((LONGEST_ROW / np.maximum(lengths, LONGEST_ROW)).astype(np.float32), in_row)
        return values

    def bag(self, indices: np.ndarray, indptr: np.ndarray) -> "np.ndarray | sp.csr_matrix":
        """float32 [texts, columns] for what `columns_of` found, weighed: of one text dense, of several sparse."""
        values = self.weigh(indices, indptr)
        if len(indptr) > 2:
            return csr_matrix(values, indices, indptr, len(self))
        row = np.zeros((1, len(self)), np.float32)
        row[0, indices] = values
        return row


def log_count_ratios(with_label: np.ndarray, without: np.ndarray, share: float) -> np.ndarray:
    """log((p / Σp) / (q / Σq)) for the smoothed numbers p of reviews with a label and q of the others [n-grams].

    share: of the label among the reviews. What is added to p and q is shared out in the same way, else every
    rare n-gram would speak for rare labels. 0: the n-gram tells nothing.
    Wang and Manning, "Baselines and Bigrams", 2012, equation 2.
    """
    p = with_label + SMOOTHING * share
    q = without + SMOOTHING * (1 - share)
    return (np.log(p / p.sum()) - np.log(q / q.sum())).astype(np.float32)


def ratios_by_label(presence: "sp.csr_matrix", labels: np.ndarray, n_labels: int) -> Iterator[np.ndarray]:
    """The log-count ratios of each label against all others [n-grams], for labels that some reviews have.

    presence: ones [reviews, n-grams]; labels [reviews]. Of two labels that of the second alone: the first
    one's are the same with the other sign.
    """
    counts = np.bincount(presence.indices, minlength=presence.shape[1])
    for label in range(n_labels) if n_labels > 2 else (1,):
        rows = np.flatnonzero(labels == label)
        if 0 < len(rows) < len(labels):
            with_label = np.bincount(presence[rows].indices, minlength=presence.shape[1])
            yield log_count_ratios(with_label, counts - with_label, len(rows) / len(labels))


def count_ngrams(texts: Iterable[str], min_count: int, longest: int) -> tuple[list[str], np.ndarray, "sp.csr_matrix"]:
    """The words and the codes of the longer n-grams that are in min_count texts; and which text has which of them.

    The matrix is float32 [texts, n-grams] with ones, its columns numbered as in `Vocabulary`. An n-gram is counted only
    where both n-grams that it contains, one word shorter, are frequent: no others can be (Agrawal and Srikant, "Fast
    Algorithms for Mining Association Rules", 1994).
    """
    words = read_words(texts)
    numbers, names = number_frequent_words(words, min_count)
    at = np.flatnonzero(numbers != NONE)
    ngrams, n_ngrams, all_codes = numbers, len(names), [np.empty(0, np.int64)]
    found = [(words.texts[at], ngrams[at])]
    for length in range(1, longest):
        at = np.flatnonzero((ngrams[:-1] != NONE) & (ngrams[1:] != NONE))
        codes = ngrams[at] * np.int64(len(names)) + numbers[at + length]
        frequent_codes, places = frequent(codes, words.texts[at], words.n_texts, min_count)
        at, places = at[places != NONE], places[places != NONE]
        ngrams = np.full(len(numbers), NONE, np.int32)  # the one of this length that starts at each word
        ngrams[at] = n_ngrams + places
        n_ngrams += len(frequent_codes)
        all_codes.append(frequent_codes)
        found.append((words.texts[at], ngrams[at]))
    rows, columns = map(np.concatenate, zip(*found, strict=True))
    indices, indptr = distinct_pairs(rows, columns, (words.n_texts, n_ngrams))
    presence = csr_matrix(np.ones(len(indices), np.float32), indices, indptr, n_ngrams)
    return names, np.concatenate(all_codes), presence


def number_frequent_words(words: Words, min_count: int) -> tuple[np.ndarray, list[str]]:
    """The number of each word, NONE where fewer than min_count texts have it; and the words, most frequent first."""
    at = np.flatnonzero(words.keys != CLOSING)
    kept, places = frequent(words.keys[at], words.texts[at], words.n_texts, min_count)
    at, places = at[places != NONE], places[places != NONE]
    first = np.zeros(len(kept), np.int64)
    first[places[::-1]] = at[::-1]  # the last one written is the first one read
    names = np.array(words.spelled(first), dtype=object)
    by_count = np.lexsort((names, -np.bincount(places, minlength=len(kept))))
    numbers = np.full(len(words.keys), NONE, np.int32)
    numbers[at] = np.argsort(by_count)[places]
    return numbers, names[by_count].tolist()


def frequent(codes: np.ndarray, texts: np.ndarray, n_texts: int, min_count: int) -> tuple[np.ndarray, np.ndarray]:
    """The codes that min_count texts have, ascending; and the place of each given code among them, or NONE.

    codes, texts: what is found in which text, in pairs.
    """
    from pandas import factorize  # by a hash table; NumPy would sort

    numbers, distinct = factorize(codes)
    often = np.bincount(numbers, minlength=len(distinct))[numbers] >= min_count  # in all texts together; most are not
    in_texts, _ = distinct_pairs(texts[often], numbers[often], (n_texts, len(distinct)))
    counts = np.bincount(in_texts, minlength=len(distinct))
    order = np.argsort(distinct)
    order = order[counts[order] >= min_count]
    places = np.full(len(distinct), NONE, np.int32)
    places[order] = np.arange(len(order))
    return distinct[order], places[numbers]


def telling_ratios(presence: "sp.csr_matrix", labels: np.ndarray, n_labels: int) -> np.ndarray:
    """The ratio that an n-gram has in the bag [n-grams]: that for the label it speaks for most.

    Of two labels it has a sign, above 0 where the n-gram speaks for the second one; the size is the same.
    """
    of_labels = ratios_by_label(presence, labels, n_labels)
    nothing_told = np.zeros(presence.shape[1], np.float32)
    if n_labels == 2:
        return next(of_labels, nothing_told)
    # the largest is never below 0: no n-gram is rarer with every label than with the others
    return functools.reduce(np.maximum, of_labels, nothing_told)


def learn_vocabulary(
    words: list[str], codes: np.ndarray, presence: "sp.csr_matrix", labels: np.ndarray, min_count: int,
    polarity_cutoff: float, n_labels: int = 2,
) -> Vocabulary:  # fmt: skip
    """The vocabulary that reviews with these n-grams (see `count_ngrams`) and labels [texts] teach.

    min_count: reviews that an n-gram must be in, or it is chance. polarity_cutoff: least |log-count ratio|, or the
    n-gram speaks for no label. Of more than two labels, the ratio is that for the label it speaks for most.
    """
    counts = np.bincount(presence.indices, minlength=presence.shape[1]).astype(np.int32)
    ratios = telling_ratios(presence, labels, n_labels)
    return Vocabulary(words, codes, counts, ratios, min_count, polarity_cutoff)
