"""From a review to the words and n-grams in it, and from reviews to a sparse matrix."""

import html
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

MARKS = ".,!?"  # punctuation that counts as words of its own: “bad!”, “good, but”
SMOOTHING = 2.0  # reviews of each label that every n-gram is imagined to be in besides those it is in
LONGEST_ROW = 5.0  # Euclidean length that the row of a review is shortened to
NONE = -1  # stands for a word that is not in the vocabulary, and for the end of a text


class Characters(dict[int, str | None]):
    """What `str.translate` makes of a character: letters, digits, marks stay, apostrophes go, the rest is a space."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        self[code] = None if character in "'’" else character if character.isalnum() or character in MARKS else " "
        return self[code]


class Index(dict[str, int]):
    """Words to numbers, NONE for a word that has none."""

    def __missing__(self, word: str) -> int:
        return NONE


CHARACTERS = Characters()


def tokens(text: str) -> list[str]:
    """The words of a text in lower case, without apostrophes (don't -> dont), and its punctuation marks."""
    if "&" in text:
        text = html.unescape(text)
    text = text.replace("<br />", " ")
    for mark in MARKS:
        text = text.replace(mark, f" {mark} ")
    return text.lower().translate(CHARACTERS).split()


def number_words(texts: Iterable[str], number_of: Callable[[str], int]) -> tuple[np.ndarray, np.ndarray, int]:
    """The texts as numbers of words, one after the other, each closed by NONE; the text of each; how many texts."""
    numbers: list[int] = []
    ends = [0]
    for text in texts:
        numbers.extend(map(number_of, tokens(text)))
        numbers.append(NONE)  # no n-gram reaches into the next text
        ends.append(len(numbers))
    n_texts = len(ends) - 1
    return np.array(numbers, np.int32), np.repeat(np.arange(n_texts, dtype=np.int32), np.diff(ends)), n_texts


def presence_matrix(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sp.csr_matrix:
    """float32 of this shape with 1 at each (row, column) that is given, however often."""
    presence = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape)
    presence.data[:] = 1
    return presence


@dataclass
class Vocabulary:
    """The n-grams that enough training reviews have, numbered, with what they tell.

    The words come first, the most frequent with number 0. A longer n-gram has the code
    (number of the n-gram without its last word) · words + (number of that word), and they follow in the order of codes.
    """

    words: list[str]
    codes: np.ndarray  # of the n-grams of more than one word, ascending, int64 [n-grams - words]
    counts: np.ndarray  # reviews that an n-gram is in, int32 [n-grams]
    ratios: np.ndarray  # log-count ratio, above 0 where the n-gram speaks for a positive review, float32 [n-grams]
    min_count: int  # only n-grams in that many reviews,
    polarity_cutoff: float  # and with at least this |log-count ratio|, are in the bag

    def __post_init__(self) -> None:
        self.index = Index({word: number for number, word in enumerate(self.words)})
        in_bag = (self.counts >= self.min_count) & (np.abs(self.ratios) >= self.polarity_cutoff)
        self.kept = np.flatnonzero(in_bag)  # the n-gram of each column
        self.column = np.full(len(self.ratios), NONE, np.int32)  # of the bag, for each n-gram
        self.column[self.kept] = np.arange(len(self.kept))
        first, last = np.divmod(self.codes, max(1, len(self.words)))
        ends = np.concatenate([[0], np.bincount(first, minlength=len(self.ratios)).cumsum()])
        numbers = np.arange(len(self.words), len(self.ratios), dtype=np.int32)
        shape = len(self.ratios), len(self.words)
        self.followers = sp.csr_array((numbers, last, ends), shape)  # [n-gram, word]: the n-gram with the word after it

    def __len__(self) -> int:
        return len(self.kept)

    def name(self, number: int) -> str:
        """The words of the n-gram with this number."""
        last: list[str] = []
        while number >= len(self.words):
            number, word = divmod(int(self.codes[number - len(self.words)]), len(self.words))
            last.append(self.words[word])
        return " ".join([self.words[number], *reversed(last)])

    def spot(self, numbers: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Where in a sequence of word numbers, closed by NONE, which n-grams start: first the words, then the pairs…"""
        at = np.flatnonzero(numbers != NONE)
        ngrams, length = numbers[at], 1
        yield at, ngrams
        longest_prefix = int(self.codes[-1]) // len(self.words) if len(self.codes) else NONE
        while (known := (numbers[at + length] != NONE) & (ngrams <= longest_prefix)).any():
            at = at[known]
            ngrams = self.followers[ngrams[known], numbers[at + length]]  # 0 for none: that number is a word's
            at, ngrams, length = at[ngrams > 0], ngrams[ngrams > 0], length + 1
            yield at, ngrams

    def find(self, ngram: str) -> int:
        """The column of an n-gram, NONE if the bag has none for it."""
        numbers, _, _ = number_words([ngram], self.index.__getitem__)
        found = [ngrams[0] for at, ngrams in self.spot(numbers) if len(at) and at[0] == 0]
        return int(self.column[found[-1]]) if found and len(found) == len(numbers) - 1 else NONE

    def presence(self, texts: Iterable[str]) -> sp.csr_matrix:
        """Texts to float32 [texts, columns] with 1 where a text has an n-gram of the bag."""
        numbers, text_of, n_texts = number_words(texts, self.index.__getitem__)
        at, ngrams = (np.concatenate(parts) for parts in zip(*self.spot(numbers), strict=True))
        columns = self.column[ngrams]
        in_bag = columns != NONE
        return presence_matrix(text_of[at[in_bag]], columns[in_bag], (n_texts, len(self)))

    def bag_of_words(self, texts: Iterable[str]) -> sp.csr_matrix:
        """Texts to float32 [texts, columns], as `weigh` makes them."""
        return self.weigh(self.presence(texts))

    def weigh(self, presence: sp.csr_matrix) -> sp.csr_matrix:
        """A matrix of ones with each one replaced by its n-gram's log-count ratio, and long rows shortened.

        A row longer than LONGEST_ROW is scaled to that length, a shorter one stays: the few words of a short text
        are to say no more than they do in a review.
        """
        values = self.ratios[self.kept][presence.indices]
        in_row = np.diff(presence.indptr)
        rows = np.repeat(np.arange(len(in_row)), in_row)
        lengths = np.sqrt(np.bincount(rows, values.astype(float) ** 2, minlength=len(in_row)))
        values *= np.repeat((LONGEST_ROW / np.maximum(lengths, LONGEST_ROW)).astype(np.float32), in_row)
        return sp.csr_matrix((values, presence.indices, presence.indptr), presence.shape)


def log_count_ratios(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """log((p / Σp) / (q / Σq)) for the smoothed numbers p of positive and q of negative reviews with each n-gram.

    Wang and Manning, "Baselines and Bigrams", 2012, equation 2. 0: the n-gram tells nothing.
    """
    p, q = positive + SMOOTHING, negative + SMOOTHING
    return (np.log(p / p.sum()) - np.log(q / q.sum())).astype(np.float32)


def count_ngrams(texts: Iterable[str], min_count: int, longest: int) -> tuple[list[str], np.ndarray, sp.csr_matrix]:
    """The words and the codes of the longer n-grams that are in min_count texts; and which text has which of them.

    The matrix is float32 [texts, n-grams] with ones, its columns numbered as in `Vocabulary`. An n-gram is counted only
    where both n-grams that it contains, one word shorter, are frequent: no others can be (Agrawal and Srikant, "Fast
    Algorithms for Mining Association Rules", 1994).
    """
    index: defaultdict[str, int] = defaultdict()
    index.default_factory = index.__len__
    numbers, text_of, n_texts = number_words(texts, index.__getitem__)
    names, at = np.array(list(index), dtype=object), np.flatnonzero(numbers != NONE)
    by_count = np.lexsort((names, -np.bincount(numbers[at], minlength=len(names))))  # the most frequent first
    codes = np.argsort(by_count)[numbers[at]]
    all_codes, blocks = [], []
    first_number = 0  # of the n-grams of this length
    for length in range(1, longest + 1):
        kept, places, presence = frequent(codes, text_of[at], n_texts, min_count)
        ngrams = np.full(len(numbers), NONE, np.int32)  # the one that starts at each word
        ngrams[at] = np.where(places != NONE, first_number + places, NONE)
        if length == 1:
            numbers = ngrams
        all_codes.append(kept)
        blocks.append(presence)
        first_number += len(kept)
        at = np.flatnonzero((ngrams[:-1] != NONE) & (ngrams[1:] != NONE))
        codes = ngrams[at].astype(np.int64) * len(all_codes[0]) + numbers[at + length]
    words = names[by_count[all_codes[0]]].tolist()
    return words, np.concatenate([np.empty(0, np.int64), *all_codes[1:]]), sp.hstack(blocks, format="csr")


def frequent(
    codes: np.ndarray, texts: np.ndarray, n_texts: int, min_count: int
) -> tuple[np.ndarray, np.ndarray, sp.csr_matrix]:
    """The codes that min_count texts have, ascending; the place of each given code among them, or NONE; and a matrix.

    codes, texts: what is found in which text, in pairs. The matrix is float32 [texts, frequent codes] with ones.
    """
    from pandas import factorize  # by a hash table; NumPy would sort

    numbers, distinct = factorize(codes)
    often = np.bincount(numbers, minlength=len(distinct))[numbers] >= min_count  # in all texts together; most are not
    presence = presence_matrix(texts[often], numbers[often], (n_texts, len(distinct)))
    counts = np.bincount(presence.indices, minlength=len(distinct))
    order = np.argsort(distinct)
    order = order[counts[order] >= min_count]
    places = np.full(len(distinct), NONE)
    places[order] = np.arange(len(order))
    return distinct[order], places[numbers], presence[:, order]


def learn_vocabulary(
    words: list[str], codes: np.ndarray, presence: sp.csr_matrix, labels: np.ndarray, min_count: int,
    polarity_cutoff: float,
) -> Vocabulary:  # fmt: skip
    """The vocabulary that reviews with these n-grams (see `count_ngrams`) and labels [texts] teach.

    min_count: reviews that an n-gram must be in, or it is chance. polarity_cutoff: least |log-count ratio|, or the
    n-gram says nothing of good or bad.
    """
    counts = np.bincount(presence.indices, minlength=presence.shape[1]).astype(np.int32)
    positive = labels.astype(float) @ presence
    return Vocabulary(words, codes, counts, log_count_ratios(positive, counts - positive), min_count, polarity_cutoff)
