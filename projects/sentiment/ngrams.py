"""From texts to the n-grams in them, and to the rows of a sparse matrix.

An n-gram is known by its number. Words have the numbers 0, 1, …; of a longer n-gram two numbers are known already, that
of the n-gram without its last word and that of its last word, and its code is made of these. With three words, “good
film” has the code (number of good) · 3 + (number of film) = 1 · 3 + 2, and is the fourth n-gram:

>>> vocabulary = Vocabulary(
...     words=["a", "good", "film"],
...     codes=np.array([1 * 3 + 2]),
...     counts=np.array([9, 4, 5, 3], np.int32),
...     ratios=np.array([0, 1, 0.5, 2], np.float32),
...     min_count=2,
...     polarity_cutoff=0.05,
...     common_from=100,
...     negation=True,
...     row_power=1,
... )
>>> vocabulary.name(3)
'good film'

Of “a”, whose ratio is 0, nothing is learned: the columns of the matrix are those of the other three.

>>> indices, indptr = vocabulary.columns_of(["A good film.", "a film"])
>>> [vocabulary.name(number) for number in vocabulary.in_bag[indices]], indptr.tolist()
(['good', 'film', 'good film', 'film'], [0, 3, 4])
>>> vocabulary.bag(indices, indptr).toarray().round(2)  # ratios, each row scaled to the length 5
array([[2.18, 1.09, 4.36],
       [0.  , 5.  , 0.  ]], dtype=float32)
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from projects.sentiment import negation
from projects.sentiment.tokens import NONE, HashTable, Words

if TYPE_CHECKING:  # SciPy takes as long to load as an answer: one text goes without it
    import scipy.sparse as sp

LONGEST_ROW = 5.0  # Euclidean length that the row of a text is shortened to,
SHORTEST_ROW = 0.5  # and below which it is lengthened no further
COMMON_FACTOR = 6  # times the polarity cutoff, for each word of an n-gram of nothing but common words: “it is a”


def distinct_pairs(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """`indices` and `indptr` of a CSR matrix of this shape that has these pairs, each once, in order."""
    width = max(1, shape[1])
    small = shape[0] * width < 1 << 31  # half the bytes are sorted in half the time
    pairs = rows.astype(np.int32 if small else np.int64) * width + columns
    pairs.sort()  # faster than the hash table of np.unique
    is_first = np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]
    pairs = pairs[is_first]
    indptr = np.searchsorted(pairs, np.arange(shape[0] + 1) * width)
    return (pairs % width).astype(np.int32), indptr.astype(np.int32)


def csr_matrix(values: np.ndarray, indices: np.ndarray, indptr: np.ndarray, n_columns: int) -> "sp.csr_matrix":
    import scipy.sparse as sp

    return sp.csr_matrix((values, indices, indptr), (len(indptr) - 1, n_columns))


@dataclass(repr=False)
class Vocabulary:
    """The n-grams that enough training texts have, numbered, with what they tell.

    The words come first, the most frequent with number 0. A longer n-gram has the code
    (number of the n-gram without its last word) · words + (number of that word), and they follow in the order
    of codes.
    """

    words: list[str]
    codes: np.ndarray  # of the n-grams of more than one word, ascending, int64 [n-grams - words]
    counts: np.ndarray  # texts that an n-gram is in, int32 [n-grams]
    ratios: np.ndarray  # log-count ratio: of two labels for the second, of more the largest, float32 [n-grams]
    min_count: int  # only n-grams in that many texts,
    polarity_cutoff: float  # and with at least this |log-count ratio|, are in the bag
    common_from: int  # words in that many texts are common: they need more than that, see COMMON_FACTOR
    negation: bool  # whether words after a negation are others, see `negation`
    row_power: float  # see `length_factors`

    def __post_init__(self) -> None:
        self.words_by_key = HashTable(negation.name_keys(self.words))
        self.longer_by_code = HashTable(self.codes)  # to the number of an n-gram, less the number of words
        cutoffs = self.polarity_cutoff * np.maximum(1, COMMON_FACTOR * self.common_words())
        in_bag = (self.counts >= self.min_count) & (np.abs(self.ratios) >= cutoffs)
        self.in_bag = np.flatnonzero(in_bag)  # the n-gram of each column
        self.column = np.full(len(self.ratios), NONE, np.int32)  # of the bag, for each n-gram
        self.column[self.in_bag] = np.arange(len(self.in_bag))

    @property
    def column_ratios(self) -> np.ndarray:
        """The ratio of each column, float32 [columns]."""
        ratios: np.ndarray = self.ratios[self.in_bag]
        return ratios

    def common_words(self) -> np.ndarray:
        """How many words an n-gram of nothing but common words has, 0 for all others, int64 [n-grams]."""
        n_words = len(self.words)
        common = np.zeros(len(self.counts), np.int64)
        common[:n_words] = self.counts[:n_words] >= self.common_from
        prefixes, last_words = np.divmod(self.codes, max(1, n_words))
        start = n_words
        while start < len(common):  # one length at a time: the n-grams whose prefixes are shorter
            stop = n_words + int(np.searchsorted(prefixes, start))
            some = slice(start - n_words, stop - n_words)
            before, last = common[prefixes[some]], common[last_words[some]]
            common[start:stop] = (before + 1) * (before > 0) * (last > 0)
            start = stop
        return common

    def __len__(self) -> int:
        return len(self.in_bag)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self):,} n-grams in the bag, of {len(self.ratios):,})"

    def name(self, number: int) -> str:
        """The words of the n-gram with this number, with spaces between their names."""
        last: list[str] = []
        while number >= len(self.words):
            number, word = divmod(int(self.codes[number - len(self.words)]), len(self.words))
            last.append(self.words[word])
        return " ".join([self.words[number], *reversed(last)])

    def said(self, number: int) -> str:
        """The n-gram with this number as people would say it, see `negation.in_words`."""
        return negation.in_words(self.name(number))

    def find_ngrams(self, words: Words) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Where in these words which n-grams start: first the single words, then the pairs…

        An n-gram is looked for only where both that it begins and ends with are there, each a word shorter.
        """
        numbers = self.words_by_key.find(words.keys)
        at = np.flatnonzero(numbers != NONE)
        ngrams = numbers[at]
        length = 1
        while len(at):
            yield at, ngrams
            follows = at[1:] == at[:-1] + 1  # [n-grams - 1]
            at = at[:-1][follows]
            codes = ngrams[:-1][follows] * np.int64(len(self.words)) + numbers[at + length]
            places = self.longer_by_code.find(codes)
            is_there = places != NONE
            at = at[is_there]
            ngrams = len(self.words) + places[is_there]
            length += 1

    def find(self, ngram: str) -> int:
        """The column of an n-gram as people would say it, NONE if the bag has none for it."""
        text, first = negation.as_text(ngram) if self.negation else (ngram, 0)
        words = negation.read([text], self.negation)
        n_words = len(words.keys) - 1 - first
        from_first_word = [ngrams[at == first] for at, ngrams in self.find_ngrams(words)]
        numbers = np.concatenate([self.column[:0], *from_first_word])
        if n_words < 1 or len(numbers) != n_words:
            return NONE
        return int(self.column[numbers[-1]])

    def columns_of(self, texts: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
        """The columns of the n-grams that each text has, ascending: `indices` and `indptr`, as in a CSR matrix."""
        words = negation.read(texts, self.negation)
        rows = [words.texts[:0]]
        columns = [self.column[:0]]
        for at, ngrams in self.find_ngrams(words):
            rows.append(words.texts[at])
            columns.append(self.column[ngrams])
        row = np.concatenate(rows)
        column = np.concatenate(columns)
        in_bag = column != NONE
        return distinct_pairs(row[in_bag], column[in_bag], (words.n_texts, len(self)))

    def row_values(self, indices: np.ndarray, indptr: np.ndarray) -> np.ndarray:
        """The values of a CSR matrix with these indices: the n-grams' ratios, long rows shortened, float32."""
        return scale_rows(self.column_ratios[indices], indptr, self.row_power)

    def bag(self, indices: np.ndarray, indptr: np.ndarray) -> "np.ndarray | sp.csr_matrix":
        """float32 [texts, columns] for what `columns_of` found: of one text dense, of several sparse."""
        values = self.row_values(indices, indptr)
        if len(indptr) > 2:
            return csr_matrix(values, indices, indptr, len(self))
        row = np.zeros((1, len(self)), np.float32)
        row[0, indices] = values
        return row


def scale_rows(values: np.ndarray, indptr: np.ndarray, row_power: float) -> np.ndarray:
    """The values of a CSR matrix, those of each row multiplied by the row's factor, float32."""
    scaled: np.ndarray = values * np.repeat(row_factors(values, indptr, row_power), np.diff(indptr))
    return scaled


def row_factors(values: np.ndarray, indptr: np.ndarray, row_power: float) -> np.ndarray:
    """What each row of a CSR matrix with these values is multiplied by, float32 [rows]."""
    in_row = np.diff(indptr)
    rows = np.repeat(np.arange(len(in_row)), in_row)
    lengths = np.sqrt(np.bincount(rows, values.astype(float) ** 2, minlength=len(in_row)))
    return length_factors(lengths, row_power).astype(np.float32)


def length_factors(lengths: np.ndarray, row_power: float) -> np.ndarray:
    """What rows of these Euclidean lengths are multiplied by.

    A row longer than LONGEST_ROW is scaled to that length. A shorter one is multiplied by
    (LONGEST_ROW / length)^row_power: with 0 the few words of a short text say no more than they do in a long one, with
    1 they say as much as a long text. Rows shorter than SHORTEST_ROW, which say nearly nothing, are all multiplied
    alike.
    """
    ratios = LONGEST_ROW / np.maximum(lengths, SHORTEST_ROW)
    factors: np.ndarray = np.minimum(ratios, ratios**row_power)
    return factors
