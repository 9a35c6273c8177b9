"""Texts without labels: which of them are learned from, how they are counted, and that they help."""

import io
import json
import random
import tarfile
from collections import Counter, defaultdict

import numpy as np
import pytest
import reference
from helpers import run

from projects.common.checkpoint import Checkpoint
from projects.common.errors import ProjectError
from projects.sentiment import blocks, fits, runs
from projects.sentiment import train as train_from_python
from projects.sentiment.bags import UNIT, Bags
from projects.sentiment.corpus import read_corpus
from projects.sentiment.counting import choose_vocabulary, count_candidates
from projects.sentiment.data import File, Reviews, Texts, files_of
from projects.sentiment.engine import Engine
from projects.sentiment.fits import MEASURED, TAUGHT
from projects.sentiment.hashes import HASHES, mix, text_hash
from projects.sentiment.sample import simulate_reviews
from projects.sentiment.self_training import PseudoLabels, count_shares, in_texts, shares_of
from projects.sentiment.settings import Settings
from projects.sentiment.steps import Rows, label_weights, read_rows, targets, weights_of
from projects.sentiment.store import Store
from projects.sentiment.training import Watcher, train

pytestmark = pytest.mark.slow

SETTINGS = Settings(epochs=3, seed=1)


@pytest.fixture(scope="module")
def labelled():
    rows = simulate_reviews()[:600]
    numbers = {"negative": 0, "positive": 1}
    return Reviews([str(row["text"]) for row in rows], [numbers[str(row["label"])] for row in rows], simulated=True)


@pytest.fixture(scope="module")
def others():
    """SIMULATED texts, without their labels."""
    return [str(row["text"]) for row in simulate_reviews()[600:1500]]


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 150)
    monkeypatch.setattr(runs, "RUN", 130)


def bytes_of(model, path):
    model.save(path)
    return path.read_bytes()


# ---- What is learned from


def test_a_word_that_only_texts_without_labels_have_is_learned_from_its_neighbours():
    """ "superb" stands beside "good" and "lousy" beside "bad", in texts whose labels nobody has told."""
    some = random.Random(0)
    fillers = [f"w{number}" for number in range(40)]

    def text(*words):
        return " ".join([*words, *some.sample(fillers, 6)])

    labels = [number % 2 for number in range(400)]
    texts = [text("good" if label else "bad", "fine" if label else "poor") for label in labels]
    beside = [text("good", "fine", "superb") for _ in range(200)] + [text("bad", "poor", "lousy") for _ in range(200)]
    reviews = Reviews(texts, labels)
    plain = train([reviews], Settings(epochs=5))
    taught = train([reviews], Settings(epochs=5), unlabelled=[Texts(beside)])
    assert "superb" not in plain.vocabulary.words
    assert plain.probabilities(["superb", "lousy"])[:, 1] == pytest.approx(plain.settings["base_rates"][1])
    superb, lousy = taught.probabilities(["superb", "lousy"])[:, 1]
    assert superb > 0.7
    assert lousy < 0.3
    assert taught.settings["unlabelled_texts"] == 400


def test_texts_to_train_or_test_on_are_not_learned_from_again(tmp_path, others):
    """A table of all texts, given for those without labels, counts for what is new in it; test texts never do."""
    rows = simulate_reviews()[:600]
    lines = [json.dumps({"text": row["text"], "label": row["label"]}) for row in rows]
    (tmp_path / "labelled.jsonl").write_text("\n".join(lines))
    everything = [*(str(row["text"]) for row in rows), *others, *others[:100]]
    (tmp_path / "all.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in everything))
    source = files_of(tmp_path / "labelled.jsonl")
    from_all = train(source, SETTINGS, unlabelled=[File(tmp_path / "all.jsonl")])
    known = {str(row["text"]) for row in rows}
    new = Texts(sorted({text for text in others if text not in known}))
    from_new = train(source, SETTINGS, unlabelled=[new])
    assert from_all.settings["unlabelled_texts"] == len(new.texts)
    assert bytes_of(from_all, tmp_path / "a") == bytes_of(from_new, tmp_path / "b")


def test_rows_that_a_table_calls_a_test_are_not_learned_from(tmp_path):
    rows = [("a fine film", "train"), ("a film of the test", "test"), ("  ", "train")]
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps({"text": text, "split": split}) for text, split in rows))
    found = [example.text for example in File(tmp_path / "t.jsonl").examples("unlabelled")]
    assert found == ["a fine film"]


def test_the_reviews_of_an_archive_that_have_no_label(tmp_path):
    members = {"train/pos/0_9.txt": "good", "train/neg/0_2.txt": "bad", "train/unsup/0_0.txt": "who knows",
               "train/unsup/1_0.txt": "nobody", "test/pos/0_8.txt": "fine"}  # fmt: skip
    with tarfile.open(tmp_path / "reviews.tar.gz", "w:gz") as archive:
        for name, text in members.items():
            member = tarfile.TarInfo(f"aclImdb/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    source = File(tmp_path / "reviews.tar.gz")
    texts = {part: [(e.text, e.label) for e in source.examples(part)] for part in ("train", "test", "unlabelled")}
    assert texts == {
        "train": [("bad", "negative"), ("good", "positive")],
        "test": [("fine", "positive")],
        "unlabelled": [("who knows", ""), ("nobody", "")],
    }


def test_nothing_new_to_learn_from_is_an_error(labelled):
    with pytest.raises(ProjectError, match="no text for --unlabelled that is not among those to train or test on"):
        train([labelled], SETTINGS, unlabelled=[Texts(labelled.texts[:50])])


# ---- How it is counted and trained on


def test_shares_are_sharpened_and_add_up():
    """Of log-odds twice as large: 0.8 against 0.2 becomes 0.64 against 0.04."""
    units = shares_of(np.array([[0.2, 0.8], [0.5, 0.5], [1.0, 0.0]]))
    assert units.sum(axis=1).tolist() == [UNIT] * 3
    assert units[0].tolist() == [60, 964]  # of 1024, 0.04 / 0.68 and 0.64 / 0.68
    assert units[1].tolist() == [512, 512]
    assert units[2].tolist() == [1024, 0]
    three = shares_of(np.array([[0.5, 0.3, 0.2]]))[0] / UNIT
    assert three == pytest.approx(np.array([0.25, 0.09, 0.04]) / 0.38, abs=2 / UNIT)


@pytest.mark.parametrize("n_labels", [2, 3])
def test_texts_are_counted_by_their_shares_as_by_plain_loops(n_labels, labelled, others, tmp_path, small_blocks):
    some = labelled.take(np.arange(300))
    some.label_names = ("a", "b", "c")[:n_labels]
    some.labels = [number % n_labels for number in range(300)]
    options = Settings(ngrams=2, polarity_cutoff=0.3, excerpts=1)
    store = Store(tmp_path, 0)
    engine = Engine(2)
    found = read_corpus([some], store, options, engine, unlabelled=[Texts(others[:400])])
    candidates = count_candidates(found, options, engine)
    shares_of_text = {}  # made up: by the length of the text
    by_hash = {text_hash(text): text for text in others[:400]}
    in_order = [by_hash[number] for number in sorted(by_hash.keys() - {text_hash(text) for text in some.texts})]
    n_read = 0
    for block in found.unlabelled.blocks:
        n_texts = len(store.load(block, "labels"))
        texts = in_order[n_read : n_read + n_texts]
        n_read += n_texts
        units = np.zeros((n_texts, n_labels), np.int32)
        for row, text in enumerate(texts):
            units[row, 0] = len(text) % UNIT
            units[row, 1] = UNIT - units[row, 0]
            shares_of_text[text] = units[row] / UNIT
        store.save(block, "shares", units)
    assert n_read == len(in_order) == found.unlabelled.n_texts
    total = sum(count_shares(block, store, "", "shares", len(candidates)) for block in found.unlabelled.blocks)
    of_labels = np.asarray(sum(shares_of_text.values()))
    texts = found.texts_of_label + found.held_out_of_label + of_labels
    counts = candidates.training + candidates.held_out + in_texts(total)
    vocabulary, columns = choose_vocabulary(candidates, counts, texts, options)
    # plain loops
    expected = defaultdict(Counter)
    for text, label in zip(some.texts, some.labels, strict=True):
        for ngram in reference.ngrams_of(text, 2):
            expected[ngram][label] += 1
    for text, shares in shares_of_text.items():
        for ngram in reference.ngrams_of(text, 2):
            for label, share in enumerate(shares.tolist()):
                expected[ngram][label] += share
    expected = {ngram: count for ngram, count in expected.items() if count.total() >= 3}
    names = [vocabulary.name(number) for number in range(len(vocabulary.counts))]
    assert set(names) == set(expected)
    strongest = dict.fromkeys(expected, 0.0)
    for label in range(n_labels) if n_labels > 2 else (1,):
        share = texts[label] / texts.sum()
        ratios = reference.log_count_ratios(expected, label, 4 * share, 4 * (1 - share))
        strongest = {n: ratios[n] if n_labels == 2 else max(strongest[n], ratios[n]) for n in ratios}
    assert dict(zip(names, vocabulary.ratios.tolist(), strict=True)) == pytest.approx(strongest, rel=1e-4, abs=1e-5)
    # and trained on by their shares, at three tenths of the weight of a text with a label
    bags = Bags("taught", store, vocabulary, shares_name="shares")
    for block in found.all_blocks:
        bags.save(block, columns)
    rows = Rows(bags, found.all_blocks, None, label_weights(texts))
    bag = read_rows(rows, found.all_blocks)
    y = targets(bag.labels, n_labels, "f4", bag.shares)
    unlabelled = bag.labels < 0
    expected_shares = np.array([shares_of_text[text] for text in in_order])
    expected_y = expected_shares if n_labels > 2 else expected_shares[:, 1:]
    np.testing.assert_allclose(y[unlabelled], expected_y, atol=1e-6)
    whole_texts = bag.weights[~unlabelled].max()
    np.testing.assert_allclose(bag.weights[unlabelled], 0.3 * whole_texts, rtol=1e-6)
    balance = expected_shares @ label_weights(texts)
    np.testing.assert_allclose(
        weights_of(bag, rows.label_weights)[unlabelled, 0], 0.3 * whole_texts * balance, rtol=1e-5
    )


def test_the_texts_held_out_have_no_part_in_what_the_measured_fit_learns(labelled, others, monkeypatch):
    """With other labels of the texts held out the measured fit is given the same, and the final one is not."""
    given = []
    pseudo_label = fits.pseudo_label

    def remembered(plan, fit, fitted):
        pseudo_labels: PseudoLabels = pseudo_label(plan, fit, fitted)
        given.append((fit, [counts.toarray() for counts in pseudo_labels.counts]))
        return pseudo_labels

    monkeypatch.setattr(fits, "pseudo_label", remembered)
    hashes = np.array([text_hash(text) for text in labelled.texts], np.uint64)
    is_held_out = mix(hashes, SETTINGS.seed) < np.uint64(0.1 * HASHES)
    assert 20 < is_held_out.sum() < 120
    turned = [1 - label if out else label for label, out in zip(labelled.labels, is_held_out, strict=True)]
    for labels in (labelled.labels, turned):
        train([Reviews(labelled.texts, labels)], SETTINGS, unlabelled=[Texts(others)])
    (measured, other_measured), (final, other_final) = (
        [counts for of_fit, counts in given if of_fit == fit] for fit in ("measured", "final")
    )
    np.testing.assert_array_equal(measured[0], other_measured[0])
    assert (final[0] != other_final[0]).any()


# ---- The same model, whatever works on it, and however often it is stopped


@pytest.fixture(scope="module")
def tables(tmp_path_factory, labelled, others):
    folder = tmp_path_factory.mktemp("tables")
    rows = [{"text": t, "label": labelled.label_names[n]} for t, n in zip(labelled.texts, labelled.labels, strict=True)]
    (folder / "labelled.jsonl").write_text("\n".join(map(json.dumps, rows)))
    beside = [{"text": text} for text in others]
    (folder / "beside.jsonl").write_text("\n".join(map(json.dumps, beside)))
    for number, part in enumerate((beside[:100], beside[100:101], beside[101:])):
        mixed = random.Random(0).sample(part, len(part))
        (folder / f"part-{number}.jsonl").write_text("\n".join(map(json.dumps, mixed)))
    return folder


@pytest.mark.parametrize(
    "changed",
    [
        {}, {"characters": True}, {"balanced": True}, {"early_stopping": True, "patience": 1, "epochs": 6},
        {"refit": False}, {"large_batches": True},
    ],
)  # fmt: skip
def test_the_same_texts_give_the_same_model(changed, tables, tmp_path, small_blocks):
    options = Settings(**({"epochs": 3} | changed))
    sources = files_of(tables / "labelled.jsonl")
    ways = [
        {"engine": Engine(1), "unlabelled": files_of(tables / "beside.jsonl", labelled=False)},
        {"engine": Engine(3), "unlabelled": files_of(tables / "part-*", labelled=False), "in_memory": 0},
    ]
    models = [train(sources, options, run=tmp_path, **way) for way in ways]
    assert models[0].settings["unlabelled_texts"] > 500
    if options.large_batches:
        parameters = [model.network.parameters for model in models]
        np.testing.assert_allclose(parameters[0], parameters[1], rtol=1e-6, atol=1e-6)
    else:
        contents = [bytes_of(model, tmp_path / "m.safetensors") for model in models]
        assert contents[0] == contents[1]


def test_workers_elsewhere_give_the_same_model(tables, tmp_path, small_blocks, client):
    from projects.sentiment.dask_engine import DaskEngine

    sources = files_of(tables / "labelled.jsonl")
    beside = files_of(tables / "beside.jsonl", labelled=False)
    here = train(sources, SETTINGS, engine=Engine(1), unlabelled=beside)
    engine = DaskEngine(client)
    there = train(sources, SETTINGS, engine=engine, run=tmp_path, in_memory=0, unlabelled=beside)
    assert bytes_of(here, tmp_path / "a") == bytes_of(there, tmp_path / "b")


@pytest.mark.parametrize(("fit", "epoch"), [(MEASURED, 2), (MEASURED + TAUGHT, 1), (MEASURED + TAUGHT, 3)])
def test_a_training_goes_on_where_it_was_stopped(fit, epoch, labelled, others, tmp_path):
    beside = [Texts(others)]
    expected = train([labelled], SETTINGS, unlabelled=beside)
    checkpoint = Checkpoint(tmp_path, "sentiment")
    after_epoch = checkpoint.after_epoch

    def stopping(name, report):
        on_epoch = after_epoch(name, report)

        def then(fitting):
            on_epoch(fitting)
            if name == fit and len(fitting.history) == epoch:
                checkpoint.stopped = True

        return then

    checkpoint.after_epoch = stopping
    train([labelled], SETTINGS, watcher=Watcher(checkpoint=checkpoint), unlabelled=beside)
    checkpoint.write()
    with pytest.raises(ProjectError, match=r"unlabelled_texts: \d+ in the checkpoint, 0 now"):
        train([labelled], SETTINGS, watcher=Watcher(checkpoint=Checkpoint(tmp_path, "sentiment", resume=True)))
    resumed = Checkpoint(tmp_path, "sentiment", resume=True)
    again = train([labelled], SETTINGS, watcher=Watcher(checkpoint=resumed), unlabelled=beside)
    assert bytes_of(again, tmp_path / "a") == bytes_of(expected, tmp_path / "b")


# ---- On the command line


def test_rows_without_a_label_are_learned_from_when_asked(tmp_path, others):
    rows = [{"text": row["text"], "label": row["label"]} for row in simulate_reviews()[:300]]
    rows += [{"text": text, "label": ""} for text in others[:200]]
    (tmp_path / "mails.jsonl").write_text("\n".join(map(json.dumps, rows)))
    options = ["--data", "mails.jsonl", "--epochs", "3"]
    code, output, errors = run("sentiment", "train", *options, "--unlabelled", cwd=tmp_path)
    assert code == 0, errors
    assert "texts without labels are learned from, too" in errors
    assert " and 200 without labels, with" in output
    (tmp_path / "more.csv").write_text("Text;id\n" + "\n".join(f"{text};{i}" for i, text in enumerate(others[200:400])))
    code, output, errors = run("sentiment", "train", *options, "--unlabelled", "more.csv", cwd=tmp_path)
    assert code == 0, errors
    code, _, errors = run("sentiment", "train", *options, "--unlabelled", "none.csv", cwd=tmp_path)
    assert code == 1
    assert "none.csv" in errors


def test_from_python(labelled, others):
    model = train_from_python(labelled.texts, labelled.labels, unlabelled=[*others, None], epochs=2)
    assert model.settings["unlabelled_texts"] == 900
