"""Runs: some thousand texts of one file, sorted by their hashes, as numbers of labels and keys of words.

Arrays of a run in the store: `texts`, TEXT; `keys` of the words, CLOSING after each text, uint64 [words + texts]. With
the setting `characters` also `characters`, the texts as `pieces.spaced` has them, uint8 [bytes], and `character_ends`.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from projects.sentiment.counts import Counts, add_counts, count_words
from projects.sentiment.data import ALL, Example, Source, chunks
from projects.sentiment.hashes import HASHES, mix, places_between, remember, short_hashes, text_hash
from projects.sentiment.layout import LeftOut
from projects.sentiment.negation import read
from projects.sentiment.pieces import spaced
from projects.sentiment.settings import Settings
from projects.sentiment.store import Store, slices
from projects.sentiment.tokens import CLOSING

RUN = 5_000  # texts that are read before their words are put away,
RUN_CHARACTERS = 20_000_000  # or fewer, if they are this long together
READERS = 2  # threads that find the words of a run, each of a portion of its texts
POOL = ThreadPoolExecutor(READERS)  # of them, for all files of a process: each thread keeps memory that it once had
TEXT = np.dtype([("hash", "<u8"), ("label", "<i4"), ("end", "<i8")])  # end: place in `keys` after its last one


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
    """A run whose words are being found, by each thread in a portion of its texts; the portions follow one another."""

    run: Run
    texts: np.ndarray  # TEXT [texts]; their ends are not known yet
    portions: list[Future[tuple[np.ndarray, Counts]]]
    contents: list[bytes] | None  # with the setting `characters` what `pieces.spaced` makes of each text


def start_run(name: str, labels: tuple[str, ...], examples: list[Example], settings: Settings) -> UnsavedRun:
    """A run of these examples, whose words the threads of POOL set out to find."""
    number_of = {label: number for number, label in enumerate(labels)}
    texts = np.empty(len(examples), TEXT)
    texts["hash"] = [text_hash(example.text) for example in examples]
    texts["label"] = [number_of[example.label] for example in examples]
    order = np.argsort(texts["hash"], kind="stable")
    in_order = [examples[i].text for i in order.tolist()]
    size = -(-len(in_order) // READERS)  # rounded up
    portions = [in_order[start : start + size] for start in range(0, len(in_order), size)]
    return UnsavedRun(
        run=Run(name, labels),
        texts=texts[order],
        portions=[POOL.submit(read_portion, portion, settings.negation) for portion in portions],
        contents=[spaced(text) for text in in_order] if settings.characters else None,
    )


def read_portion(texts: list[str], negation: bool) -> tuple[np.ndarray, Counts]:
    """The keys of the texts' words, and in how many of the texts each word is."""
    words = read(texts, negation)
    return words.keys, count_words(words)


def save_run(unsaved: UnsavedRun, store: Store) -> list[Counts]:
    """Put a run into the store once its words are found; in how many texts of each portion each word is."""
    found = [portion.result() for portion in unsaved.portions]
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


class Part(NamedTuple):
    """The texts of a run whose hashes are in a range."""

    hashes: np.ndarray  # uint64 [texts]
    labels: np.ndarray  # by their numbers among all labels, int32 [texts]
    lengths: np.ndarray  # in words, each with CLOSING, int64 [texts]
    keys: np.ndarray  # of the words, uint64


def run_between(run: Run, low: int, high: int, store: Store, numbers: dict[str, int]) -> Part:
    """The texts of a run with hashes from low to below high. numbers: of the labels."""
    all_texts = store.load(run.name, "texts")
    some = places_between(all_texts["hash"], low, high)
    texts = np.array(all_texts[some])
    number_of = np.array([numbers[label] for label in run.labels], np.int32)
    start = int(all_texts["end"][some.start - 1]) if some.start else 0
    end = int(texts["end"][-1]) if len(texts) else start
    keys = np.array(store.load(run.name, "keys")[start:end])  # a copy, or the run's file would stay in memory
    return Part(texts["hash"], number_of[texts["label"]], np.diff(texts["end"], prepend=start), keys)


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


def discard_runs(runs: list[Run], store: Store) -> None:
    for run in runs:
        store.discard(run.name, "texts", "keys", "characters", "character_ends")
