"""What `sentiment tune` tries: settings from a space, each on parts of the training texts that it was not fitted to.

The corpus is read and counted once, with the longest n-grams and the lowest count of the space. A trial chooses its
own vocabulary from these counts, without those of its part, and is fitted as `sentiment train` would.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from projects.common.errors import ProjectError
from projects.common.tune import Clock, Search, Values
from projects.sentiment.bags import Bags
from projects.sentiment.blocks import PARTS
from projects.sentiment.corpus import Corpus, read_corpus
from projects.sentiment.counting import Candidates, choose_vocabulary, count_candidates, sparse, texts_with
from projects.sentiment.data import Source
from projects.sentiment.engine import Engine
from projects.sentiment.fits import start_training
from projects.sentiment.hashes import MOST_REMEMBERED
from projects.sentiment.measuring import slices_of
from projects.sentiment.ngrams import Vocabulary, csr_matrix
from projects.sentiment.outputs import each_label, outputs_for
from projects.sentiment.settings import Settings, complete
from projects.sentiment.steps import SILENT, Rows, WindowBatches, label_weights, read_rows
from projects.sentiment.store import Store
from projects.sentiment.tokens import NONE
from projects.sentiment.training import Watcher, refuse_one_kind

if TYPE_CHECKING:
    import scipy.sparse as sp

SEARCHED = "ngrams", "min_count", "polarity_cutoff", "hidden_units", "epochs", "learning_rate", "dropout"
LONGEST, LOWEST_COUNT = 4, 2  # words of an n-gram, and texts that it must be in, in the space
ALL_WRONG = 1.0  # the loss of settings that leave no n-gram, or diverge
HEADER = 3_000  # bytes of a model file beside its arrays, about
MOST_DRAWS = 200  # until settings are found whose model is small enough


def search(
    sources: Sequence[Source],
    folder: Path,
    settings: Settings,
    positive: str | None,
    clock: Clock,
    max_size: float | None,
    watcher: Watcher,
) -> Search:
    """A search on the training texts of these sources, which are read and counted now. Raises ProjectError.

    folder: for what memory does not hold. settings: for what is not searched. positive: as for `train`. max_size:
    bytes that a model's file may have. watcher: is told what is going on.
    """
    engine = Engine()
    watcher.on_phase("reading the texts")
    counted = msgspec.structs.replace(settings, min_count=LOWEST_COUNT, ngrams=LONGEST)
    corpus = read_corpus(sources, Store(folder), counted, engine, positive)
    if left_out := corpus.left_out.description():
        watcher.tell(left_out)
    refuse_one_kind(corpus)
    watcher.on_phase(f"counting the n-grams of {corpus.n_texts:,} texts")
    tuning = Tuning(corpus, count_candidates(corpus, counted, engine), settings, engine, clock)
    limit = max_size or math.inf
    rng = np.random.default_rng(settings.seed)
    usual = default_values(tuning.n_labels)
    return Search(
        try_on=tuning.try_on,
        draw=lambda: tuning.draw(rng, limit),
        usual=usual,
        clock=clock,
        threads=engine.slots,
        usual_is_allowed=tuning.is_allowed(usual, limit),
    )


class PartBags(Bags):
    """Bags of which one part is held out, not what `train` holds out."""

    def __init__(self, fit: str, store: Store, vocabulary: Vocabulary, part: int) -> None:
        super().__init__(fit, store, vocabulary)
        self.part = part

    def rows(self, block: str, held_out: bool | None) -> np.ndarray:  # type: ignore[override]
        """The texts of the part; or the other texts with their excerpts."""
        is_in_part = self.store.load(block, "parts") == self.part  # [texts]
        if held_out:
            texts: np.ndarray = self.store.load(block, "of_texts")[is_in_part]
            return texts
        return np.flatnonzero(~is_in_part[self.store.load(block, "row_texts")])


class Tuning:
    """A corpus whose candidates were counted once, for all trials."""

    def __init__(
        self, corpus: Corpus, candidates: Candidates, settings: Settings, engine: Engine, clock: Clock
    ) -> None:
        self.corpus = corpus
        self.candidates = candidates
        self.settings = settings
        self.clock = clock
        self.n_labels = len(corpus.label_names)
        self.counts = self.candidates.training + self.candidates.held_out  # of all texts
        parts = list(engine.map(count_part, range(PARTS), corpus, len(self.candidates)))
        self.counts_of_part = [counts for counts, _ in parts]
        self.texts_of_part = np.stack([texts for _, texts in parts])  # [parts, labels]
        self.refuse_too_few()

    def refuse_too_few(self) -> None:
        """Raise ProjectError unless each part has texts, and what is left without it two labels."""
        in_parts = self.texts_of_part.sum(axis=1)
        labels_left = np.count_nonzero(self.texts_of_part.sum(axis=0) - self.texts_of_part, axis=1)
        if not in_parts.all() or labels_left.min() < 2:
            raise ProjectError(f"{self.corpus.n_texts:,} texts are too few to tune on: train with the default settings")

    def try_on(self, values: Values, part: int) -> float:
        """The share of wrong answers in the part of a fit to the others; with `balanced`, each label counts alike."""
        self.clock.check()
        settings = self.complete(values)
        texts = self.texts_of_part.sum(axis=0) - self.texts_of_part[part]
        vocabulary, columns = self.vocabulary(settings, self.counts - self.counts_of_part[part], texts)
        if not len(vocabulary):
            return ALL_WRONG
        bags = PartBags(f"try-{get_ident()}", self.corpus.store, vocabulary, part)
        try:
            for block in self.corpus.blocks:
                bags.save(block, columns)
            return self.fit(bags, settings, texts)
        finally:
            for block in self.corpus.blocks:
                bags.discard(block)

    def complete(self, values: Values) -> Settings:
        return complete(msgspec.structs.replace(self.settings, **values), self.n_labels)

    def vocabulary(
        self, settings: Settings, counts: "sp.csr_matrix", texts: np.ndarray
    ) -> tuple[Vocabulary, np.ndarray]:
        """As `choose_vocabulary`, from the candidates that are not too long."""
        candidates = up_to(self.candidates, settings.ngrams)
        n_candidates = len(candidates)
        vocabulary, columns = choose_vocabulary(candidates, counts[:, :n_candidates], texts, settings)
        too_long = np.full(len(self.candidates) - n_candidates, NONE, np.int32)
        return vocabulary, np.concatenate([columns, too_long])

    def fit(self, bags: Bags, settings: Settings, texts: np.ndarray) -> float:
        """Train on the rows that are not in the part, and measure on those that are. texts: of each label [labels]."""
        blocks = self.corpus.blocks
        training = start_training(len(bags.ratios), self.n_labels, settings, int(texts.sum()))
        weights = label_weights(texts) if settings.balanced else None
        source = WindowBatches(Rows(bags, blocks, False, weights), self.n_labels, training.settings)
        while not training.finished:
            training.run_epoch(source)
            self.clock.check()
        if training.diverged:
            return ALL_WRONG
        wrong = np.zeros(self.n_labels)  # texts of each label
        tested = np.zeros(self.n_labels)
        for block in blocks:
            labels, is_wrong = answers_of(Rows(bags, [block], True, None), training.network)
            wrong += np.bincount(labels[is_wrong], minlength=self.n_labels)
            tested += np.bincount(labels, minlength=self.n_labels)
        if settings.balanced:
            return float(np.mean(wrong[tested > 0] / tested[tested > 0]))
        return float(wrong.sum() / tested.sum())

    def draw(self, rng: np.random.Generator, max_size: float) -> Values:
        """Random settings whose model is no larger than so many bytes. Raises ProjectError where none is found."""
        for _ in range(MOST_DRAWS):
            values = draw_values(rng, complete(self.settings, self.n_labels), max_size < math.inf)
            if self.is_allowed(values, max_size):
                return values
        raise ProjectError(f"no settings give a model of {max_size:,.0f} bytes: allow it more with --max-size")

    def is_allowed(self, values: Values, max_size: float) -> bool:
        """Whether a model with these settings is no larger than so many bytes."""
        return max_size == math.inf or self.size(values) <= max_size

    def size(self, values: Values) -> int:
        """Bytes of the file of a model fitted to all texts, about."""
        settings = self.complete(values)
        assert settings.hidden_units is not None
        vocabulary, _ = self.vocabulary(settings, self.counts, self.texts_of_part.sum(axis=0))
        arrays = vocabulary.codes, vocabulary.counts, vocabulary.ratios
        words = "\n".join(vocabulary.words).encode()
        weights = settings.hidden_units * (len(vocabulary) + outputs_for(self.n_labels))
        n_texts = int(self.texts_of_part.sum())
        remembered = 4 * n_texts if n_texts <= MOST_REMEMBERED else 0
        return HEADER + len(words) + sum(array.nbytes for array in arrays) + 4 * weights + remembered


def default_values(n_labels: int) -> Values:
    """The settings that are searched, as `sentiment train` has them where nothing is said."""
    default = msgspec.structs.asdict(complete(Settings(), n_labels))
    return {name: default[name] for name in SEARCHED}


def draw_values(rng: np.random.Generator, default: Settings, small: bool) -> Values:
    """Random settings around the default ones, which must be complete. small: also such as leave few n-grams."""
    assert default.hidden_units is not None
    assert default.epochs is not None
    assert default.learning_rate is not None
    counts = [2, 3, 4, 6, 10, *([20, 40, 80, 160, 320] if small else [])]
    return {
        "ngrams": int(rng.integers(1, LONGEST + 1)),
        "min_count": int(rng.choice(counts)),
        "polarity_cutoff": float(rng.choice([0, 0.05, 0.1, 0.2, 0.4])),
        "hidden_units": default.hidden_units * int(rng.choice([1, 2, 4])),
        "epochs": math.ceil(default.epochs * 2 ** rng.uniform(-1, 1)),
        "learning_rate": float(f"{default.learning_rate * 2 ** rng.uniform(-2, 1):.2g}"),
        "dropout": float(rng.choice([0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])),
    }


def count_part(part: int, corpus: Corpus, n_candidates: int) -> tuple["sp.csr_matrix", np.ndarray]:
    """Texts of each label in a part that have each candidate, int64 [labels, candidates]; and all of them [labels]."""
    n_labels = len(corpus.label_names)
    total = csr_matrix(np.empty(0, np.int64), np.empty(0, np.int32), np.zeros(n_labels + 1, np.int32), n_candidates)
    texts = np.zeros(n_labels, np.int64)
    for block in corpus.blocks:
        indices, indptr, of_texts, labels, parts = (corpus.store.load(block, name) for name in ARRAYS)
        presence = csr_matrix(np.ones(len(indices), np.int32), indices, indptr, n_candidates)[of_texts]
        total += sparse(texts_with(presence, labels, parts == part, n_labels))
        texts += np.bincount(labels[parts == part], minlength=n_labels)
    return total, texts


ARRAYS = "indices", "indptr", "of_texts", "labels", "parts"  # of a block, that parts are counted from


def up_to(candidates: Candidates, n_words: int) -> Candidates:
    """The candidates of no more than so many words, which come first."""
    n_single = len(candidates.names)
    prefixes = candidates.codes // max(1, n_single)
    stop = n_single
    for _ in range(n_words - 1):  # each length follows the one that its prefixes are of
        stop = n_single + int(np.searchsorted(prefixes, stop))
    return replace(candidates, codes=candidates.codes[: stop - n_single])


@SILENT
def answers_of(rows: Rows, network: Any) -> tuple[np.ndarray, np.ndarray]:
    """The labels of these rows, and whether the network's answers are wrong [rows]."""
    bag = read_rows(rows, rows.blocks)
    is_wrong = np.empty(len(bag.labels), bool)
    for some in slices_of(len(bag.labels)):
        answers = each_label(network.predict(bag.X[some])).argmax(axis=1)
        is_wrong[some] = answers != bag.labels[some]
    return bag.labels, is_wrong
