"""A corpus: texts as blocks of words and labels, in an order that the texts alone decide.

Each text has a 64-bit hash. Sorted by it, texts are mixed as if shuffled, whatever the order, the number and the
format of the files they came from. The hash decides, too, which texts are held out for validation.

Reading gives runs: some thousand texts of one file, sorted. A block is a range of hashes, put together from all runs.
Texts without labels are in blocks of their own.
"""

import functools
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from projects.common.errors import ProjectError
from projects.common.files import fingerprint
from projects.sentiment.counts import Counts, add_counts, count_words
from projects.sentiment.data import (
    ALL,
    NO_LABEL,
    Example,
    Source,
    chunks,
    names_of,
    refuse_other_labels,
    refuse_too_few,
)
from projects.sentiment.engine import Engine
from projects.sentiment.hashes import HASHES, mix, places_between, remember, short_hashes, text_hash
from projects.sentiment.labels import UNLABELLED, number_labels, order_labels
from projects.sentiment.layout import LeftOut
from projects.sentiment.negation import read
from projects.sentiment.pieces import spaced
from projects.sentiment.settings import Settings
from projects.sentiment.store import Store, slices
from projects.sentiment.tokens import CLOSING

RUN = 5_000  # texts that are read before their words are put away,
RUN_CHARACTERS = 20_000_000  # or fewer, if they are this long together
READERS = 2  # threads that find the words of a run, each of a share of its texts
POOL = ThreadPoolExecutor(READERS)  # of them, for all files of a process: each thread keeps memory that it once had
BLOCK = 5_000  # texts of a block, about
PARTS = 9  # that settings are tried on, see `tune`
VALIDATION_SHARE = 0.1  # of the training texts
TEXT = np.dtype([("hash", "<u8"), ("label", "<i4"), ("end", "<i8")])  # end: of its words among those of the run


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


class Run(NamedTuple):
    """Some texts of one source, sorted by hash."""

    name: str
    labels: tuple[str, ...]  # by the numbers that they have in this run


class Reading(NamedTuple):
    """What is known of sources that were read, to be added up."""

    runs: list[Run]
    labels: dict[str, int]  # texts of each label
    places: dict[str, str]  # where each label is first
    words: Counts
    lowest: int  # of the numbers that decide what is held out
    remembered: np.ndarray | None  # see Corpus
    left_out: LeftOut
    simulated: bool


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


# Reading: from sources to runs


def hashes_of_test(source: Source) -> np.ndarray:
    """The hash of each test text of a source, uint64 [texts]."""
    return np.array([text_hash(example.text) for example in source.examples("test")], np.uint64)


def read_source(numbered: tuple[int, Source], store: Store, settings: Settings, part: str = "train") -> Reading:
    """The texts of one source's part, put into the store as runs. Raises ProjectError."""
    number, source = numbered
    labels: dict[str, int] = {}
    places: dict[str, str] = {}
    runs: list[Run] = []
    counts: list[Counts] = []
    lowest = HASHES
    remembered: list[np.ndarray | None] = []
    left_out = LeftOut()
    simulated = False
    if part == "train" and not settings.test and not source.is_split:
        part = ALL
    before: UnsavedRun | None = None  # its words are found while the texts of the next run are read
    for some in chunks(source.examples(part, left_out), RUN, RUN_CHARACTERS):
        for example in some:
            labels[example.label] = labels.get(example.label, 0) + 1
            places.setdefault(example.label, example.place)
            simulated |= example.simulated
        run = start_run(f"{part}-run-{number:06}-{len(runs):06}", tuple(labels), some, settings)
        if before is not None:
            counts += save_run(before, store)
        before = run
        lowest = min(lowest, int(mix(run.texts["hash"], settings.seed).min()))
        remembered = [remember([*remembered, short_hashes(run.texts["hash"])])]
        runs.append(run.run)
    if before is not None:
        counts += save_run(before, store)
    words = add_counts(counts, settings.min_count)
    return Reading(runs, labels, places, words, lowest, remember(remembered), left_out, simulated)


class UnsavedRun(NamedTuple):
    """A run whose words are being found, by each thread in a share of its texts; the shares follow one another."""

    run: Run
    texts: np.ndarray  # TEXT [texts]; their ends are not known yet
    shares: list[Future[tuple[np.ndarray, Counts]]]
    contents: list[bytes] | None  # with the setting `characters` what `pieces.spaced` makes of each text


def start_run(name: str, labels: tuple[str, ...], examples: list[Example], settings: Settings) -> UnsavedRun:
    """A run of these examples, whose words the threads of POOL set out to find."""
    number_of = {label: number for number, label in enumerate(labels)}
    texts = np.empty(len(examples), TEXT)
    texts["hash"] = [text_hash(example.text) for example in examples]
    texts["label"] = [number_of[example.label] for example in examples]
    order = np.argsort(texts["hash"], kind="stable")
    in_order = [examples[i].text for i in order.tolist()]
    n_share = -(-len(in_order) // READERS)
    shares = [in_order[start : start + n_share] for start in range(0, len(in_order), n_share)]
    return UnsavedRun(
        run=Run(name, labels),
        texts=texts[order],
        shares=[POOL.submit(read_share, share, settings.negation) for share in shares],
        contents=[spaced(text) for text in in_order] if settings.characters else None,
    )


def read_share(texts: list[str], negation: bool) -> tuple[np.ndarray, Counts]:
    """The keys of the texts' words, and in how many of the texts each word is."""
    words = read(texts, negation)
    return words.keys, count_words(words)


def save_run(unsaved: UnsavedRun, store: Store) -> list[Counts]:
    """Put a run into the store once its words are found; in how many texts of each share each word is."""
    found = [share.result() for share in unsaved.shares]
    keys = np.concatenate([keys for keys, _ in found])
    unsaved.texts["end"] = np.flatnonzero(keys == CLOSING) + 1
    name = unsaved.run.name
    store.save(name, "texts", unsaved.texts)
    store.save(name, "keys", keys)
    if unsaved.contents is not None:
        store.save(name, "characters", np.frombuffer(b"".join(unsaved.contents), np.uint8))
        store.save(name, "character_ends", np.cumsum([len(content) for content in unsaved.contents]))
    return [words for _, words in found]


def add_readings(readings: list[Reading], min_count: int) -> Reading:
    """One reading of all."""
    labels: dict[str, int] = {}
    places: dict[str, str] = {}
    left_out = LeftOut()
    for reading in readings:
        left_out.add(reading.left_out)
        for label, texts in reading.labels.items():
            labels[label] = labels.get(label, 0) + texts
            places.setdefault(label, reading.places[label])
    return Reading(
        runs=[run for reading in readings for run in reading.runs],
        labels=labels,
        places=places,
        words=add_counts([reading.words for reading in readings], min_count),
        lowest=min(reading.lowest for reading in readings),
        remembered=remember([reading.remembered for reading in readings]),
        left_out=left_out,
        simulated=any(reading.simulated for reading in readings),
    )


# Splitting: from runs to blocks


class Split(NamedTuple):
    """How runs become blocks."""

    runs: list[Run]
    numbers: dict[str, int]  # of each label as it is written
    seed: int
    threshold: int  # a text is held out if its hash, mixed with the seed, is lower
    n_labels: int
    characters: bool  # whether blocks have them
    labelled_runs: Sequence[Run] = ()  # whose texts are left out,
    test_hashes: np.ndarray | None = None  # and those with these hashes, ascending


class Block(NamedTuple):
    """What is to be known of a block beside its arrays."""

    name: str
    n_texts: int
    training: np.ndarray  # texts of each label that are not held out, int64 [labels]
    held_out: np.ndarray
    digest: bytes  # of hashes and labels


def threshold(lowest: int) -> int:
    """The limit for a share of VALIDATION_SHARE, or a little higher, so that one text is below it."""
    return max(lowest + 1, int(VALIDATION_SHARE * HASHES))


def build_blocks(kind: str, n_texts: int, split: Split, store: Store, engine: Engine) -> list[Block]:
    """Blocks of about BLOCK texts."""
    n_blocks = -(-n_texts // BLOCK)
    numbered = [(f"{kind}-{number:06}", number, n_blocks) for number in range(n_blocks)]
    return list(engine.map(build_block, numbered, store, engine.share(split)))


def discard_runs(runs: list[Run], store: Store) -> None:
    for run in runs:
        store.discard(run.name, "texts", "keys", "characters", "character_ends")


def build_block(numbered: tuple[str, int, int], store: Store, split: Split) -> Block:
    """Put together the block with this name and number, of so many, from its share of each run."""
    name, number, n_blocks = numbered
    low = HASHES * number // n_blocks
    high = HASHES * (number + 1) // n_blocks
    from_runs = [run_between(run, low, high, store, split.numbers) for run in split.runs]
    texts = np.concatenate([texts for texts, _ in from_runs])
    keys = np.concatenate([keys for _, keys in from_runs])
    lengths = texts["end"]
    is_held_out = mix(texts["hash"], split.seed) < np.uint64(split.threshold)
    order = np.lexsort((texts["label"], texts["hash"], is_held_out))  # so that the rows of each fit are a slice
    if split.test_hashes is not None:
        order = order[are_new(texts["hash"][order], low, high, store, split)]
    starts = np.cumsum(lengths) - lengths
    hashes = texts["hash"][order]
    labels = texts["label"][order]
    held_out = is_held_out[order]
    store.save(name, "keys", keys[slices(starts[order], lengths[order])])
    store.save(name, "labels", labels)
    store.save(name, "held_out", held_out)
    store.save(name, "parts", parts_of(hashes, split.seed))
    if split.characters:
        store.save(name, "characters", characters_between(split.runs, low, high, store, order))
    labelled = labels != UNLABELLED
    return Block(
        name=name,
        n_texts=len(labels),
        training=np.bincount(labels[labelled & ~held_out], minlength=split.n_labels),
        held_out=np.bincount(labels[labelled & held_out], minlength=split.n_labels),
        digest=digest_of(hashes, labels),
    )


def are_new(ascending: np.ndarray, low: int, high: int, store: Store, split: Split) -> np.ndarray:
    """Which texts with these hashes, from low to below high, are there for the first time, bool [texts].

    Those are left out that have a label somewhere, or are for testing.
    """
    assert split.test_hashes is not None
    labelled = [store.load(run.name, "texts")["hash"] for run in split.labelled_runs]
    known = [hashes[places_between(hashes, low, high)] for hashes in (*labelled, split.test_hashes)]
    is_first = np.append(True, ascending[1:] != ascending[:-1])[: len(ascending)]
    is_new: np.ndarray = is_first & ~np.isin(ascending, np.concatenate(known))
    return is_new


def characters_between(runs: list[Run], low: int, high: int, store: Store, order: np.ndarray) -> np.ndarray:
    """The characters of the texts with hashes from low to below high in all runs, put in this order, uint8 [bytes]."""
    contents = []
    lengths = []
    for run in runs:
        some = places_between(store.load(run.name, "texts")["hash"], low, high)
        ends = np.append(0, store.load(run.name, "character_ends"))
        contents.append(np.array(store.load(run.name, "characters")[ends[some.start] : ends[some.stop]]))
        lengths.append(np.diff(ends)[some])
    all_lengths = np.concatenate(lengths)
    starts = np.cumsum(all_lengths) - all_lengths
    found: np.ndarray = np.concatenate(contents)[slices(starts[order], all_lengths[order])]
    return found


def parts_of(hashes: np.ndarray, seed: int) -> np.ndarray:
    """In which of PARTS, of about the same size, each text is, uint8 [texts]; those held out are in the first one."""
    per_part = np.uint64(-(-HASHES // PARTS))
    return (mix(hashes, seed) // per_part).astype(np.uint8)


def digest_of(hashes: np.ndarray, labels: np.ndarray) -> bytes:
    """A digest of the texts and labels of a block, in the order of the hashes: whatever is held out."""
    order = np.lexsort((labels, hashes))
    return fingerprint([hashes[order].tobytes(), labels[order].tobytes()]).encode()


def run_between(run: Run, low: int, high: int, store: Store, numbers: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """The texts of a run with hashes from low to below high, and their words.

    Here `end` of a text is the number of its words, and `label` that among all labels.
    """
    all_texts = store.load(run.name, "texts")
    some = places_between(all_texts["hash"], low, high)
    texts = np.array(all_texts[some])
    start = int(all_texts["end"][some.start - 1]) if some.start else 0
    number_of = np.array([numbers[label] for label in run.labels], np.int32)
    texts["label"] = number_of[texts["label"]]
    ends = texts["end"].copy()
    texts["end"] = np.diff(ends, prepend=start)
    keys = store.load(run.name, "keys")[start : ends[-1] if len(ends) else start]
    return texts, np.array(keys)  # copied: the file of each run would stay in memory until all are put together
