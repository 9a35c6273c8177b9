"""A corpus: texts as blocks of words and labels, in an order that the texts alone decide.

Each text has a 64-bit hash. Sorted by it, texts are mixed as if shuffled, whatever the order, the number and the
format of the files they came from. The hash decides, too, which texts are held out for validation.

Reading gives runs: some thousand texts of one file, sorted (`runs`). A block is a range of hashes, put together from
all runs (`blocks`).
Texts without labels are in blocks of their own.
"""

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from projects.common.errors import ProjectError
from projects.common.files import fingerprint
from projects.sentiment.blocks import Split, build_blocks, threshold
from projects.sentiment.counts import Counts
from projects.sentiment.data import (
    NO_LABEL,
    Source,
    names_of,
    refuse_other_labels,
    refuse_too_few,
)
from projects.sentiment.engine import Engine
from projects.sentiment.hashes import text_hash
from projects.sentiment.labels import UNLABELLED, number_labels, order_labels
from projects.sentiment.layout import LeftOut
from projects.sentiment.runs import Reading, Run, add_readings, discard_runs, read_source
from projects.sentiment.settings import Settings
from projects.sentiment.store import Store


@dataclass
class Corpus:
    """The training texts of all sources.

    Arrays of a block in the store: `keys` of the words, CLOSING after each text, uint64 [words + texts];
    `labels`, the numbers of the labels, int32 [texts]; `held_out`, for validation, bool [texts]: these come last;
    `parts`, in which of the PARTS for `tune` each text is, uint8 [texts]. With the setting `characters` also
    `characters`: the texts as `pieces.spaced` has them, uint8 [bytes].
    """

    store: Store
    blocks: list[str]  # of texts with labels
    label_names: tuple[str, ...]
    words: Counts  # in how many texts each word is
    n_texts: int
    texts_of_label: np.ndarray  # those to train the measured fit on, int64 [labels]
    held_out_of_label: np.ndarray  # and those held out for it
    sha256: str  # of all texts and labels, whatever the packing
    remembered: np.ndarray | None  # short hashes of the texts, ascending, uint32; None: too many texts
    left_out: LeftOut
    simulated: bool
    unlabelled: "Unlabelled | None" = None

    @property
    def all_blocks(self) -> list[str]:
        return self.blocks + (self.unlabelled.blocks if self.unlabelled else [])


@dataclass
class Unlabelled:
    """Texts without labels that are none of the corpus's training or test texts; arrays as in `Corpus`."""

    blocks: list[str]
    words: Counts
    n_texts: int
    sha256: str


def read_corpus(
    sources: Sequence[Source],
    store: Store,
    settings: Settings,
    engine: Engine,
    positive: str | None = None,
    label_names: tuple[str, ...] | None = None,
    unlabelled: Sequence[Source] = (),
) -> Corpus:
    """The training texts of these sources. positive, label_names: see `labels.order_labels`. Raises ProjectError."""
    numbered = list(enumerate(sources))
    add = functools.partial(add_readings, min_count=settings.min_count)
    reading: Reading = engine.total(read_source, add, numbered, store, settings)
    what = names_of(sources)
    refuse_other_labels(sources, reading.left_out)
    refuse_too_few(reading.labels, what, "train")
    names = label_names or order_labels(reading.labels, positive, what, sources[0].layout.joined_names)
    numbers = number_labels(reading.places, names)
    refuse_too_few(Counter(names[number] for number in numbers.values()), what, "train")
    n_texts = sum(reading.labels.values())
    split = Split(
        runs=reading.runs,
        numbers=numbers,
        seed=settings.seed,
        threshold=threshold(reading.lowest),
        n_labels=len(names),
        characters=settings.characters,
    )
    blocks = build_blocks("block", n_texts, split, store, engine)
    beside = read_unlabelled(unlabelled, sources, reading.runs, store, settings, engine) if unlabelled else None
    discard_runs(reading.runs, store)
    return Corpus(
        store=store,
        blocks=[block.name for block in blocks],
        label_names=names,
        words=reading.words,
        n_texts=n_texts,
        texts_of_label=np.sum([block.training for block in blocks], axis=0),
        held_out_of_label=np.sum([block.held_out for block in blocks], axis=0),
        sha256=fingerprint([repr(names).encode(), *(block.digest for block in blocks)]),
        remembered=reading.remembered,
        left_out=reading.left_out,
        simulated=reading.simulated,
        unlabelled=beside,
    )


def read_unlabelled(
    unlabelled: Sequence[Source],
    sources: Sequence[Source],
    runs: list[Run],
    store: Store,
    settings: Settings,
    engine: Engine,
) -> Unlabelled:
    """The unlabelled texts that are neither among the runs' labelled texts nor the sources' test texts.

    Raises ProjectError.
    """
    test_hashes = np.concatenate(list(engine.map(hashes_of_test, sources)))
    add = functools.partial(add_readings, min_count=settings.min_count)
    reading: Reading = engine.total(read_source, add, list(enumerate(unlabelled)), store, settings, "unlabelled")
    n_read = sum(reading.labels.values())
    split = Split(
        runs=reading.runs,
        numbers={NO_LABEL: UNLABELLED},
        seed=settings.seed,
        threshold=0,
        n_labels=1,
        characters=settings.characters,
        labelled_runs=runs,
        test_hashes=np.unique(test_hashes),
    )
    blocks = build_blocks("unlabelled", n_read, split, store, engine)
    discard_runs(reading.runs, store)
    n_texts = sum(block.n_texts for block in blocks)
    if not n_texts:
        raise ProjectError(
            f"{names_of(unlabelled)} has no text for --unlabelled that is not among those to train or test on"
        )
    return Unlabelled(
        blocks=[block.name for block in blocks],
        words=reading.words,
        n_texts=n_texts,
        sha256=fingerprint([block.digest for block in blocks]),
    )


def hashes_of_test(source: Source) -> np.ndarray:
    """The hash of each test text of a source, uint64 [texts]."""
    return np.array([text_hash(example.text) for example in source.examples("test")], np.uint64)
