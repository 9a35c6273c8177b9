"""Pieces: the second view of a text, as character n-grams of its words in a row.

A piece is LENGTH bytes of UTF-8 that stand next to each other, spaces between words among them: seven letters of
English, three or four of Russian or Greek. Pieces find compounds, endings and misspelled words that the view of words
has never seen. As seven bytes fit into a 64-bit key, no two pieces share one, and the key is the spelling.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from projects.common import progress
from projects.sentiment.characters import MARKS, clean
from projects.sentiment.counts import Counts, count_codes
from projects.sentiment.excerpts import Drawing, Windows, draw_windows
from projects.sentiment.ngrams import csr_matrix, distinct_pairs, scale_rows
from projects.sentiment.ratios import strongest_ratios
from projects.sentiment.settings import Settings, least_count
from projects.sentiment.store import Store, slices
from projects.sentiment.tokens import CLOSING, FIRST_BYTES, NONE, HashTable

if TYPE_CHECKING:
    import scipy.sparse as sp

LENGTH = 7  # bytes of a piece
MARK = re.compile(f"[{re.escape(MARKS)}]".encode())
VIEW = "pieces-"  # begins the names of the arrays of this view in the store


@dataclass(repr=False)
class Pieces:
    """The pieces that are in the bag, a column each, with what they tell."""

    keys: np.ndarray  # ascending, uint64 [columns]
    ratios: np.ndarray  # log-count ratios, see `Vocabulary`, float32 [columns]
    row_power: float  # see `length_factors`

    def __post_init__(self) -> None:
        self.columns_by_key = HashTable(self.keys)

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        return f"Pieces({len(self):,})"

    @property
    def column_ratios(self) -> np.ndarray:
        """The ratio of each column, float32 [columns]."""
        return self.ratios

    def bag(self, texts: Iterable[str]) -> "sp.csr_matrix":
        """The rows of the texts, float32 [texts, columns]."""
        contents = [spaced(text) for text in texts]
        keys, rows = read_pieces(b"".join(contents))
        columns = self.columns_by_key.find(keys)
        in_bag = columns != NONE
        indices, indptr = distinct_pairs(rows[in_bag], columns[in_bag], (len(contents), len(self)))
        values = scale_rows(self.ratios[indices], indptr, self.row_power)
        return csr_matrix(values, indices, indptr, len(self))


def spaced(text: str) -> bytes:
    """The words of a text, marks among them, with one space around each, and CLOSING."""
    words = MARK.sub(rb" \g<0> ", clean(text)).split()
    return b" ".join([b"", *words, b"\n"])


def read_pieces(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The key of each piece in texts that each end with CLOSING, uint64, and the number of its text, int32 [pieces]."""
    is_end = np.frombuffer(content, np.uint8) == CLOSING
    n_ends = np.append(np.int32(0), np.cumsum(is_end, dtype=np.int32))  # before each byte: the number of its text
    first = n_ends[:-LENGTH]
    at = np.flatnonzero(first == n_ends[LENGTH:])  # the others would go on in the next text
    return piece_keys(content, at), n_ends[at]


def piece_keys(content: bytes, at: np.ndarray) -> np.ndarray:
    """The keys of the pieces that start at these bytes, uint64 [pieces]."""
    padded = content + bytes(8)
    eight_from = np.ndarray(len(content), "<u8", padded, strides=(1,))
    keys: np.ndarray = eight_from[at] & FIRST_BYTES[LENGTH]
    return keys


def pieces_in(windows: Windows, content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The key of each piece in windows of the words of these texts, uint64, and the window's number, int64 [pieces]."""
    between = np.flatnonzero(np.isin(np.frombuffer(content, np.uint8), (ord(" "), CLOSING)))
    first = windows.starts + windows.texts  # as each text has a space more than words and CLOSING
    starts = between[first]
    ends = between[first + windows.lengths] + 1
    n_places = np.maximum(ends - starts - LENGTH + 1, 0)
    keys = piece_keys(content, slices(starts, n_places))
    return keys, np.repeat(np.arange(len(starts)), n_places)


def word_ends(content: bytes) -> np.ndarray:
    """What `draw_windows` needs: a number for each word, and CLOSING after each text, uint64 [words + texts]."""
    codes = np.frombuffer(content, np.uint8)
    follows = np.flatnonzero(codes[:-1] != CLOSING) + 1  # no first space of a text
    found = codes[follows]
    ends: np.ndarray = found[(found == ord(" ")) | (found == CLOSING)].astype(np.uint64)
    return ends


# Counting


class PieceCandidates(NamedTuple):
    """The pieces that may be in the bag, and how many texts of the corpus exactly have them.

    Arrays of a block in the store, their names beginning with VIEW, as in `counting.Candidates`: `indices` and
    `indptr`, a CSR matrix of which row has which candidate; `row_labels` and `row_weights` [rows].
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
    progress.advance()
    return Counts(keys[order], counts.at_least[order], np.empty(0, object), 0, counts.n_texts)


def find_pieces(block: str, store: Store, table: HashTable, n_candidates: int, drawing: Drawing) -> "sp.csr_matrix":
    """Which text of the block has which candidates, with 1 in each place [texts, candidates]; all rows are saved."""
    labels = store.load(block, "labels")
    content = store.load(block, "characters").tobytes()
    windows = draw_windows(block, word_ends(content), store.load(block, "held_out"), drawing)
    keys, rows = pieces_in(windows, content)
    candidates = table.find(keys)
    is_there = candidates != NONE
    shape = (len(windows.starts), n_candidates)
    indices, indptr = distinct_pairs(rows[is_there], candidates[is_there], shape)
    store.save(block, f"{VIEW}indices", indices)
    store.save(block, f"{VIEW}indptr", indptr)
    store.save(block, f"{VIEW}row_labels", labels[windows.texts])
    store.save(block, f"{VIEW}row_weights", windows.weights)
    presence = csr_matrix(np.ones(len(indices), np.int32), indices, indptr, n_candidates)
    return presence[windows.of_texts]


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
