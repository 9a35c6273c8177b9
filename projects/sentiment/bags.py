"""The bags of a fit: which columns each text has, and how they become the rows that a network is trained on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from projects.sentiment.ngrams import Vocabulary, csr_matrix, row_factors
from projects.sentiment.store import Store, slices
from projects.sentiment.tokens import NONE

if TYPE_CHECKING:
    import scipy.sparse as sp


class Bags:
    """The bags of one fit, block by block.

    Arrays of a block in the store, their names beginning with that of the fit: `columns` and `ends`, a CSR matrix's
    `indices` and `indptr`, of all texts; `factors` of its rows; `values`, which belong to the n-grams, are here.
    """

    def __init__(self, fit: str, store: Store, vocabulary: Vocabulary) -> None:
        self.fit = fit
        self.store = store
        self.values = vocabulary.ratios[vocabulary.in_bag]  # float32 [columns]

    def save(self, block: str, columns: np.ndarray) -> None:
        """Make a block's bags; columns: of each candidate, or NONE."""
        found = columns[self.store.load(block, "indices")]
        in_bag = found != NONE
        indices = found[in_bag]
        n_before = np.append(0, np.cumsum(in_bag, dtype=np.int32))
        indptr = n_before[self.store.load(block, "indptr")]
        self.store.save(block, f"{self.fit}-columns", indices)
        self.store.save(block, f"{self.fit}-ends", indptr)
        self.store.save(block, f"{self.fit}-factors", row_factors(self.values[indices], indptr))

    def read(self, blocks: Sequence[str], rows_of: Sequence[np.ndarray]) -> tuple["sp.csr_matrix", np.ndarray]:
        """These rows of each block: a CSR matrix, float32 [rows, columns], and the numbers of their labels [rows]."""
        indices = []
        lengths = [np.zeros(1, np.int64)]
        factors = []
        labels = []
        for block, rows in zip(blocks, rows_of, strict=True):
            indptr = self.store.load(block, f"{self.fit}-ends")
            in_row = (indptr[rows + 1] - indptr[rows]).astype(np.int64)
            indices.append(self.store.load(block, f"{self.fit}-columns")[slices(indptr[rows], in_row)])
            lengths.append(in_row)
            factors.append(self.store.load(block, f"{self.fit}-factors")[rows])
            labels.append(self.store.load(block, "labels")[rows])
        all_indices = np.concatenate(indices)
        all_lengths = np.concatenate(lengths)
        values = self.values[all_indices]
        values *= np.repeat(np.concatenate(factors), all_lengths[1:])
        bag = csr_matrix(values, all_indices, all_lengths.cumsum(), len(self.values))
        return bag, np.concatenate(labels)

    def stored(self, block: str, rows: np.ndarray) -> int:
        """How many values these rows of a block have in memory."""
        indptr = self.store.load(block, f"{self.fit}-ends")
        return int((indptr[rows + 1] - indptr[rows]).sum())

    def rows(self, block: str, held_out: bool | None) -> np.ndarray:
        """The rows of a block that are held out, or not; all, where held_out is None."""
        is_held_out = self.store.load(block, "held_out")
        if held_out is None:
            return np.arange(len(is_held_out))
        return np.flatnonzero(is_held_out == held_out)
