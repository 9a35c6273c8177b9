"""Texts without labels: a model fitted to those with labels says what share of each text belongs to each label.

Self-training with soft pseudo-labels: Nigam et al., "Text Classification from Labeled and Unlabeled Documents using
EM", 2000; Lee, "Pseudo-Label", 2013. The shares are sharpened as in Berthelot et al., "MixMatch", 2019, equation 7.
With them the texts are counted and trained on as the others are, at a low weight. Most n-grams are rare: of three
times as many texts, three times as many n-grams are frequent enough, and their log-count ratios are less noisy.
The fit that is measured learns from shares that texts held out have no part in.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nn import TwoLayerNetwork
from projects.sentiment.bags import UNIT, Bags
from projects.sentiment.counting import FEW_NUMBERS, sum_of
from projects.sentiment.engine import Engine
from projects.sentiment.ngrams import csr_matrix
from projects.sentiment.outputs import each_label, put_together
from projects.sentiment.store import Store

if TYPE_CHECKING:
    import scipy.sparse as sp

SHARPNESS = 2  # by this the log-odds of the shares are multiplied, as a text has one label; 1 over a temperature


class Teacher(NamedTuple):
    """One view of the model that gives the shares."""

    bags: Bags
    columns: np.ndarray  # of each candidate, or NONE
    network: TwoLayerNetwork


class PseudoLabels(NamedTuple):
    """What texts without labels add to a fit: the share of each label in each text, as a first model sees it."""

    shares: str  # name of the arrays in the store, int32 [texts, labels], that add up to UNIT
    counts: "list[sp.csr_matrix]"  # of each view: texts of each label that have a candidate [labels, candidates]
    texts: np.ndarray  # of each label [labels]


def label_texts(
    teachers: Sequence[Teacher],
    blocks: Sequence[str],
    shares: str,
    store: Store,
    engine: Engine,
) -> PseudoLabels:
    """What the teachers, one for each view, say of the texts of these blocks.

    shares: what the arrays are called. Raises ProjectError.
    """
    texts = sum(engine.map(save_shares, blocks, engine.hand_out(list(teachers)), store, shares))
    counts = []
    for teacher in teachers:
        n_candidates = len(teacher.columns)
        total = engine.total(count_shares, sum_of, blocks, store, teacher.bags.view, shares, n_candidates)
        counts.append(in_texts(total))
    return PseudoLabels(shares, counts, np.asarray(texts) / UNIT)


def save_shares(block: str, teachers: list[Teacher], store: Store, shares: str) -> np.ndarray:
    """Save the shares of a block's texts; their sums [labels]."""
    views = []
    for bags, columns, network in teachers:
        bags.save(block, columns)
        bag = bags.read([block], [slice(None)])
        views.append(each_label(network.predict(bag.X).astype(float)))
        bags.discard(block)
    probability = put_together(views)
    found = shares_of(probability)
    store.save(block, shares, found)
    sums: np.ndarray = found.sum(axis=0, dtype=np.int64)
    return sums


def shares_of(probability: np.ndarray) -> np.ndarray:
    """Probabilities of the labels [texts, labels], sharpened, in units that add up to UNIT, int32."""
    powers = probability**SHARPNESS
    parts = UNIT * powers / powers.sum(axis=1, keepdims=True)
    units: np.ndarray = parts.astype(np.int32)
    most_probable = parts.argmax(axis=1)
    units[np.arange(len(units)), most_probable] += UNIT - units.sum(axis=1, dtype=np.int32)
    return units


def count_shares(block: str, store: Store, view: str, shares: str, n_candidates: int) -> Any:
    """The units of each label over a block's texts that have a candidate, int64 [labels, candidates].

    An array where it has few numbers, else a CSR matrix, as in `counting.texts_with`.
    """
    import scipy.sparse as sp

    indices = store.load(block, f"{view}indices")
    indptr = store.load(block, f"{view}indptr")
    presence = csr_matrix(np.ones(len(indices), np.int64), indices, indptr, n_candidates)
    units = store.load(block, shares).astype(np.int64)  # [texts, labels]
    if units.shape[1] * n_candidates <= FEW_NUMBERS:
        return (presence.T @ units).T
    return sp.csr_matrix(units.T) @ presence


def in_texts(units: Any) -> "sp.csr_matrix":
    """Units as numbers of texts."""
    import scipy.sparse as sp

    return sp.csr_matrix(units) / UNIT
