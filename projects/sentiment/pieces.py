"""Pieces: the second view of a text, as character n-grams of its words in a row.

A piece is LENGTH bytes of UTF-8 that stand next to each other, spaces between words among them: seven letters of
English, three or four of Russian or Greek. Pieces find compounds, endings and misspelled words that the view of words
has never seen. As seven bytes fit into a 64-bit key, no two pieces share one, and the key is the spelling.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from projects.sentiment.characters import clean
from projects.sentiment.counts import Counts, count_codes
from projects.sentiment.ngrams import csr_matrix, distinct_pairs, row_factors
from projects.sentiment.ratios import strongest_ratios
from projects.sentiment.settings import Settings, least_count
from projects.sentiment.store import Store
from projects.sentiment.tokens import CLOSING, FIRST_BYTES, NONE, Table

if TYPE_CHECKING:
    import scipy.sparse as sp

LENGTH = 7  # bytes of a piece
VIEW = "pieces-"  # begins the names of the arrays of this view in the store


@dataclass(repr=False)
class Pieces:
    """The pieces that are in the bag, a column each, with what they tell."""

    keys: np.ndarray  # ascending, uint64 [columns]
    ratios: np.ndarray  # log-count ratios, see `Vocabulary`, float32 [columns]
    row_power: float  # see `length_factors`

    def __post_init__(self) -> None:
        self.columns_by_key = Table(self.keys)

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        return f"Pieces({len(self):,})"

    @property
    def column_ratios(self) -> np.ndarray:
        return self.ratios

    def bag(self, texts: Iterable[str]) -> "sp.csr_matrix":
        """The rows of the texts, float32 [texts, columns]."""
        contents = [spaced(text) for text in texts]
        keys, rows = read_pieces(b"".join(contents))
        columns = self.columns_by_key.find(keys)
        in_bag = columns != NONE
        indices, indptr = distinct_pairs(rows[in_bag], columns[in_bag], (len(contents), len(self)))
        values = self.ratios[indices]
        values *= np.repeat(row_factors(values, indptr, self.row_power), np.diff(indptr))
        return csr_matrix(values, indices, indptr, len(self))


def spaced(text: str) -> bytes:
    """The words and marks of a text with one space around each, and CLOSING."""
    return b" " + b" ".join(clean(text).split()) + b" \n"


def read_pieces(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The key of each piece in texts that each end with CLOSING, uint64, and the number of its text, int32 [pieces]."""
    is_end = np.frombuffer(content, np.uint8) == CLOSING
    n_ends = np.append(np.int32(0), np.cumsum(is_end, dtype=np.int32))  # before each byte: the number of its text
    first = n_ends[:-LENGTH]
    at = np.flatnonzero(first == n_ends[LENGTH:])  # the others would go on in the next text
    padded = content + bytes(8)
    eight_from = np.ndarray(len(content), "<u8", padded, strides=(1,))
    return eight_from[at] & FIRST_BYTES[LENGTH], n_ends[at]


# Counting


class PieceCandidates(NamedTuple):
    """The pieces that may be in the bag, and how many texts of the corpus exactly have them.

    Arrays of a block in the store, their names beginning with VIEW: `indices` and `indptr`, a CSR matrix of which text
    has which candidate; `row_labels` and `row_weights` [texts].
    """

    keys: np.ndarray  # ascending, uint64 [candidates]
    training: "sp.csr_matrix"  # texts of each label that have it and are not held out, int64 [labels, candidates]
    held_out: "sp.csr_matrix"


def count_pieces(block: str, store: Store) -> Counts:
    """In how many texts of the block each piece is, exactly."""
    from pandas import factorize  # by a hash table; NumPy would sort

    found, texts = read_pieces(store.load(block, "characters").tobytes())
    numbers, keys = factorize(found)
    order = np.argsort(keys)
    counts = count_codes(numbers, texts, len(store.load(block, "labels")))
    return Counts(keys[order], counts.at_least[order], np.empty(0, object), 0, counts.n_texts)


def find_pieces(block: str, store: Store, table: Table, n_candidates: int) -> "sp.csr_matrix":
    """Which text of the block has which candidates [texts, candidates], saved and returned, with 1 in each place."""
    labels = store.load(block, "labels")
    keys, texts = read_pieces(store.load(block, "characters").tobytes())
    candidates = table.find(keys)
    is_there = candidates != NONE
    indices, indptr = distinct_pairs(texts[is_there], candidates[is_there], (len(labels), n_candidates))
    store.save(block, f"{VIEW}indices", indices)
    store.save(block, f"{VIEW}indptr", indptr)
    store.save(block, f"{VIEW}row_labels", labels)
    store.save(block, f"{VIEW}row_weights", np.ones(len(labels), np.float32))
    return csr_matrix(np.ones(len(indices), np.int64), indices, indptr, n_candidates)


def choose_pieces(
    candidates: PieceCandidates, counts: "sp.csr_matrix", texts: np.ndarray, settings: Settings
) -> tuple[Pieces, np.ndarray]:
    """The pieces of a fit; and the column of each candidate, or NONE.

    counts [labels, candidates]: texts of the fit that have a candidate. texts [labels]: all texts of the fit.
    """
    in_texts = np.asarray(counts.sum(axis=0)).ravel()
    frequent = np.flatnonzero(in_texts >= least_count(settings, int(texts.sum())))
    ratios = strongest_ratios(counts[:, frequent], texts)
    tells = np.abs(ratios) >= settings.polarity_cutoff
    chosen = frequent[tells]
    columns = np.full(len(in_texts), NONE, np.int32)
    columns[chosen] = np.arange(len(chosen))
    return Pieces(candidates.keys[chosen], ratios[tells], settings.row_power), columns
