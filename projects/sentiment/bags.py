"""The bags of a fit: which columns each text has, and how they become the rows that a network is trained on.

The rows of a block are in this order, so that each fit reads a slice of them:

    texts | their excerpts | texts held out | their excerpts
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from projects.sentiment.labels import UNLABELLED
from projects.sentiment.ngrams import Vocabulary, csr_matrix, scale_rows
from projects.sentiment.pieces import Pieces
from projects.sentiment.store import Store, slices
from projects.sentiment.tokens import NONE

if TYPE_CHECKING:
    import scipy.sparse as sp

Chosen = slice | np.ndarray  # rows of a block
UNIT = 1024  # what the shares of the labels in a text without one add up to: as integers they add up exactly


class Bag(NamedTuple):
    """Some rows."""

    X: "sp.csr_matrix"  # float32 [rows, columns]
    labels: np.ndarray  # their numbers; -1, -2, … for what has none, but the rows 0, 1, … of `shares` [rows]
    weights: np.ndarray  # 1 on average over the rows of a fit that have labels, float32 [rows]
    shares: np.ndarray  # of each label in the rows without one, float32 [rows without, labels]


class Bags:
    """The bags of one fit, block by block.

    Arrays of a block in the store, their names beginning with that of the fit: `indices`, `indptr` and `values`, a CSR
    matrix of all rows: row i has values[indptr[i] : indptr[i + 1]] in the columns indices[indptr[i] : indptr[i + 1]].
    view: begins the names of the arrays that the bags are made from. shares_name: of the arrays that `self_training`
    gives blocks without labels.
    """

    def __init__(
        self, fit: str, store: Store, vocabulary: Vocabulary | Pieces, view: str = "", shares_name: str | None = None
    ) -> None:
        self.fit = fit
        self.shares_name = shares_name
        self.store = store
        self.view = view
        self.ratios = vocabulary.column_ratios  # float32 [columns]
        self.row_power = vocabulary.row_power

    def save(self, block: str, columns: np.ndarray) -> None:
        """Make a block's bags; columns: of each candidate, or NONE."""
        found = columns[self.store.load(block, f"{self.view}indices")]
        in_bag = found != NONE
        indices = found[in_bag]
        n_before = np.append(0, np.cumsum(in_bag, dtype=np.int32))  # entries that stay, before each old one
        indptr = n_before[self.store.load(block, f"{self.view}indptr")]
        values = scale_rows(self.ratios[indices], indptr, self.row_power)
        self.store.save(block, f"{self.fit}-indices", indices)
        self.store.save(block, f"{self.fit}-indptr", indptr)
        self.store.save(block, f"{self.fit}-values", values)

    def discard(self, block: str) -> None:
        """Let go of a block's bags."""
        self.store.discard(block, f"{self.fit}-indices", f"{self.fit}-indptr", f"{self.fit}-values")

    def read(self, blocks: Sequence[str], rows_of: Sequence[Chosen]) -> "Bag":
        """These rows of each block.

        rows_of: a slice, which is read fast, or numbers of rows.
        """
        indices = []
        values = []
        lengths = [np.zeros(1, np.int64)]
        labels = []
        weights = []
        shares: list[np.ndarray] = []
        n_shared = 0
        for block, rows in zip(blocks, rows_of, strict=True):
            indptr = self.store.load(block, f"{self.fit}-indptr")
            starts = indptr[:-1][rows]
            in_row = (indptr[1:][rows] - starts).astype(np.int64)
            stored = slice(int(starts[0]), int(starts[0] + in_row.sum())) if len(starts) else slice(0)
            chosen = stored if isinstance(rows, slice) else slices(starts, in_row)
            indices.append(self.store.load(block, f"{self.fit}-indices")[chosen])
            values.append(self.store.load(block, f"{self.fit}-values")[chosen])
            lengths.append(in_row)
            of_rows = self.store.load(block, f"{self.view}row_labels")[rows]
            if self.shares_name is not None and len(of_rows) and of_rows[0] == UNLABELLED:
                of_rows = -1 - np.arange(n_shared, n_shared + len(of_rows))
                n_shared += len(of_rows)
                shares.append(self.store.load(block, self.shares_name)[rows])
            labels.append(of_rows)
            weights.append(self.store.load(block, f"{self.view}row_weights")[rows])
        together = np.concatenate(lengths).cumsum()
        bag = csr_matrix(np.concatenate(values), np.concatenate(indices), together, len(self.ratios))
        all_shares = np.concatenate(shares) / np.float32(UNIT) if shares else np.empty((0, 0), np.float32)
        return Bag(bag, np.concatenate(labels), np.concatenate(weights), all_shares)

    def stored(self, block: str, rows: np.ndarray) -> int:
        """How many values these rows of a block have in memory."""
        indptr = self.store.load(block, f"{self.fit}-indptr")
        return int((indptr[rows + 1] - indptr[rows]).sum())

    def rows(self, block: str, held_out: bool | None) -> slice:
        """The texts of a block that are held out, or the others with their excerpts; all, where held_out is None."""
        is_held_out = self.store.load(block, "held_out")
        n_rows = len(self.store.load(block, f"{self.view}row_labels"))
        n_held_out = int(np.count_nonzero(is_held_out))
        rows_a_text = n_rows // max(1, len(is_held_out))
        n_training = n_rows - n_held_out * rows_a_text
        if held_out is None:
            return slice(0, n_rows)
        return slice(n_training, n_training + n_held_out) if held_out else slice(0, n_training)
