"""The same rows give the same model, whatever they are packed in and whatever works on them."""

import csv
import gzip
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
from click.testing import CliRunner
from helpers import run
from test_architecture import SOURCES, imports

from nn import TwoLayerNetwork
from projects.common.errors import ProjectError
from projects.sentiment import blocks, runs, steps
from projects.sentiment.answers import predict_files
from projects.sentiment.bags import Bags
from projects.sentiment.cli import main
from projects.sentiment.corpus import read_corpus
from projects.sentiment.counting import choose_vocabulary, count_candidates
from projects.sentiment.data import File, files_of
from projects.sentiment.engine import FAN_IN, Engine, partition, sum_of_group
from projects.sentiment.evaluation import evaluate
from projects.sentiment.hashes import mix, text_hash
from projects.sentiment.sample import simulate_reviews
from projects.sentiment.settings import Settings
from projects.sentiment.steps import Batch, Rows, gradient_of, label_weights
from projects.sentiment.store import Store
from projects.sentiment.training import Watcher, train

pytestmark = pytest.mark.slow

SETTINGS = Settings(epochs=3, seed=1)


@pytest.fixture(scope="module")
def rows():
    """SIMULATED reviews, some of them twice, once with another label."""
    rows = [{name: str(row[name]) for name in ("text", "label", "split")} for row in simulate_reviews()[:2000]]
    twice = [row | {"label": "negative"} for row in rows[:20]]
    return [*rows, *twice]


def write_csv(path, rows, delimiter=",", opener=open):
    with opener(path, "wt", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_parquet(path, rows):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def write_five(folder, rows):
    """Five files of unequal length in three formats."""
    folder.mkdir()
    write_csv(folder / "part-1.csv", rows[:700])
    write_csv(folder / "part-2.csv.gz", rows[700:1500], opener=gzip.open)
    write_lines(folder / "part-3.jsonl", rows[1500:1520])
    write_csv(folder / "part-4.tsv", rows[1520:1521], "\t")
    write_csv(folder / "part-5.csv", rows[1521:])
    return folder / "part-*"


def shuffled(rows):
    return random.Random(0).sample(rows, len(rows))


PACKINGS = {
    "csv": lambda folder, rows: write_csv(folder / "t.csv", rows),
    "tsv": lambda folder, rows: write_csv(folder / "t.tsv", rows, "\t"),
    "jsonl": lambda folder, rows: write_lines(folder / "t.jsonl", rows),
    "csv.gz": lambda folder, rows: write_csv(folder / "t.csv.gz", rows, opener=gzip.open),
    "parquet": lambda folder, rows: write_parquet(folder / "t.parquet", rows),
    "five files": lambda folder, rows: write_five(folder / "five", rows),
    "shuffled": lambda folder, rows: write_csv(folder / "t.csv", shuffled(rows)),
    "sorted by label": lambda folder, rows: write_csv(folder / "t.csv", sorted(rows, key=lambda row: row["label"])),
    "sorted by text": lambda folder, rows: write_csv(folder / "t.csv", sorted(rows, key=lambda row: row["text"])),
}
WAYS = {
    "one thread": {"engine": Engine(1)},
    "threads": {"engine": Engine(3)},
    "in a folder": {"engine": Engine(1), "in_memory": 0},
    "half in a folder": {"engine": Engine(2), "in_memory": 400_000},
    "two workers": {"in_memory": 0},
}


def pack(packing, folder, rows):
    """The rows as files: a path or a pattern."""
    return PACKINGS[packing](folder, rows) or next(folder.iterdir())


def bytes_of(model, path):
    model.save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def small_blocks():
    """Blocks and runs so small that there are many."""
    sizes = blocks.BLOCK, runs.RUN
    blocks.BLOCK, runs.RUN = 150, 130
    yield
    blocks.BLOCK, runs.RUN = sizes


@pytest.fixture(scope="module")
def csv_file(rows, tmp_path_factory):
    return pack("csv", tmp_path_factory.mktemp("rows"), rows)


@pytest.fixture(scope="module")
def expected(csv_file, tmp_path_factory, small_blocks):
    """The model's bytes from a CSV file, in memory, in one thread."""
    model = train(files_of(csv_file), SETTINGS, engine=Engine(1))
    return bytes_of(model, tmp_path_factory.mktemp("expected") / "m.safetensors")


def engine_of(way, request):
    if way == "two workers":
        pytest.importorskip("distributed")
        from projects.sentiment.dask_engine import DaskEngine

        return DaskEngine(request.getfixturevalue("client"))
    return WAYS[way]["engine"]


@pytest.mark.parametrize(
    ("packing", "way"),
    [
        *((packing, "one thread") for packing in PACKINGS),
        *(("csv", way) for way in WAYS),
        ("five files", "threads"), ("five files", "two workers"), ("sorted by label", "in a folder"),
    ],
)  # fmt: skip
def test_the_same_rows_give_the_same_bytes(packing, way, rows, expected, tmp_path, request):
    engine = engine_of(way, request)
    (tmp_path / "data").mkdir()
    sources = files_of(pack(packing, tmp_path / "data", rows))
    model = train(sources, SETTINGS, engine=engine, run=tmp_path / "run", in_memory=WAYS[way].get("in_memory"))
    assert bytes_of(model, tmp_path / "m.safetensors") == expected
    assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.parametrize("way", WAYS)
def test_large_batches_are_the_same_to_1e_6(way, csv_file, tmp_path, request, small_blocks):
    engine = engine_of(way, request)
    options = Settings(epochs=3, seed=1, large_batches=True, hidden_dropout=0.2, hidden_units=6, balanced=True)
    models = [
        train([File(csv_file)], options, engine=where, run=tmp_path, in_memory=WAYS[name].get("in_memory"))
        for name, where in (("one thread", Engine(1)), (way, engine))
    ]
    parameters = [model.network.parameters for model in models]
    np.testing.assert_allclose(parameters[0], parameters[1], rtol=1e-6, atol=1e-6)
    sure_from = [model.settings.pop("sure_from") for model in models]
    assert sure_from[0] == pytest.approx(sure_from[1], abs=1e-5)
    assert models[0].settings == models[1].settings
    assert models[0].settings["validation_accuracy"] > 0.7


@pytest.mark.parametrize(
    "changed",
    [
        {"refit": False}, {"early_stopping": True, "patience": 1, "epochs": 8}, {"l2": 1e-4}, {"balanced": True},
        {"hidden_dropout": 0.3, "hidden_units": 8}, {"batch_size": 1_000_000}, {"batch_size": 7, "epochs": 1},
        {"ngrams": 1}, {"characters": True},
    ],
)  # fmt: skip
def test_every_setting_works_for_every_source(changed, rows, tmp_path, small_blocks):
    options = Settings(**({"epochs": 3} | changed))
    pattern = write_five(tmp_path / "five", rows)
    histories = []
    contents = []
    for in_memory in (None, 0):
        watcher = Watcher(on_epoch=lambda training: histories.append(training.history[-1]))
        model = train(files_of(pattern), options, engine=Engine(2), watcher=watcher, in_memory=in_memory)
        contents.append(bytes_of(model, tmp_path / "m.safetensors"))
    assert contents[0] == contents[1]
    assert histories[: len(histories) // 2] == histories[len(histories) // 2 :]
    for name, value in changed.items():
        assert model.settings[name] == value


def test_early_stopping_fits_as_many_epochs_as_were_best(csv_file, small_blocks):
    """The final fit equals one of so many epochs of the same schedule: that of the measured fit's best epoch."""
    seen = []
    watcher = Watcher(on_epoch=lambda training: seen.append(training.history[-1]["validation_loss"]))
    options = {"epochs": 30, "learning_rate": 6.0, "seed": 1}
    stopped = train([File(csv_file)], Settings(early_stopping=True, patience=2, **options), watcher=watcher)
    best = int(np.argmin(seen)) + 1
    assert len(seen) == best + 2 < 30
    measured = train([File(csv_file)], Settings(early_stopping=True, patience=2, refit=False, **options))
    assert measured.settings["validation_accuracy"] == stopped.settings["validation_accuracy"]
    assert measured.network.parameters.shape != stopped.network.parameters.shape  # of nine tenths and of all


def test_sorted_files_cost_nothing_because_texts_are_mixed_by_hash(rows, tmp_path, small_blocks):
    write_csv(tmp_path / "t.csv", sorted(rows, key=lambda row: row["label"]))
    found = read_corpus([File(tmp_path / "t.csv")], Store(tmp_path / "store"), SETTINGS, Engine(1))
    for block in found.blocks:
        assert 0.3 < found.store.load(block, "labels").mean() < 0.7


def test_duplicates_are_on_one_side_of_every_split(rows, tmp_path, small_blocks):
    twice = [{"text": row["text"], "label": row["label"]} for row in rows for _ in range(2)]
    write_csv(tmp_path / "t.csv", twice)
    parts = {part: {example.text for example in File(tmp_path / "t.csv").examples(part)} for part in ("train", "test")}
    assert not parts["train"] & parts["test"]
    hashes = np.array([text_hash(text) for text in parts["train"]], np.uint64)
    store = Store(tmp_path / "store")
    found = read_corpus([File(tmp_path / "t.csv")], store, SETTINGS, Engine(1))
    share = np.mean(mix(hashes, SETTINGS.seed) < np.uint64(blocks.VALIDATION_SHARE * 2**64))
    assert 0.05 < share < 0.15
    n_held_out = found.held_out_of_label.sum()
    assert n_held_out == sum(len(np.flatnonzero(store.load(block, "held_out"))) for block in found.blocks)
    assert n_held_out % 2 == 0


def test_one_text_is_held_out_at_least(tmp_path):
    write_csv(tmp_path / "t.csv", [{"text": f"text {i}", "label": str(i % 2), "split": "train"} for i in range(8)])
    for seed in range(20):
        found = read_corpus([File(tmp_path / "t.csv")], Store(tmp_path), Settings(seed=seed), Engine(1))
        assert 1 <= found.held_out_of_label.sum() < 8


# ---- Steps


@pytest.fixture(scope="module")
def fit(csv_file, tmp_path_factory, small_blocks):
    """Rows of a fit to all texts, in blocks of unequal length; and the number of columns."""
    store = Store(tmp_path_factory.mktemp("fit"), 0)  # so that workers can read it
    options = Settings(ngrams=2)
    found = read_corpus([File(csv_file)], store, options, Engine(1))
    candidates = count_candidates(found, options, Engine(1))
    texts = found.texts_of_label + found.held_out_of_label
    vocabulary, columns = choose_vocabulary(candidates, candidates.training + candidates.held_out, texts, options)
    bags = Bags("final", store, vocabulary)
    for block in found.blocks:
        bags.save(block, columns)
    return Rows(bags, found.blocks, None, label_weights(texts)), len(vocabulary)


def batch(fit, step, n_steps, dropout=0.0):
    from nn.training import TrainingSettings

    return Batch(1, 0, step, n_steps, 2, TrainingSettings(dropout=dropout))


def test_gradients_of_unequal_blocks_add_up(fit):
    rows, n_columns = fit
    network = TwoLayerNetwork(n_columns, 3, output="sigmoid", random_state=5)
    X, labels, weights, _ = steps.read_rows(rows, rows.blocks)
    y, weight = labels[:, np.newaxis].astype(float), (rows.label_weights[labels] * weights)[:, np.newaxis]
    X = X.astype(float)
    hidden, prediction = network.forward(X)
    whole = network.backward(X, y, hidden, prediction, weight).vector()
    for n_steps in (1, 7):
        shares = [
            gradient_of([block], rows, network, batch(fit, step, n_steps))
            for block in rows.blocks
            for step in range(n_steps)
        ]
        total = steps.add_contributions(shares)
        assert total.weight == pytest.approx(weight.sum())  # every row once
        np.testing.assert_allclose(total.gradient, whole, rtol=0, atol=1e-6 * np.abs(whole).max())


def test_what_is_dropped_does_not_depend_on_who_computes_it(fit):
    rows, n_columns = fit
    network = TwoLayerNetwork(n_columns, 3, output="sigmoid", random_state=5)
    how = rows, network, batch(fit, 2, 5, dropout=0.5)
    together = gradient_of(list(rows.blocks), *how)
    alone = steps.add_contributions([gradient_of([block], *how) for block in rows.blocks])
    np.testing.assert_allclose(alone.gradient, together.gradient, atol=1e-9)
    other = gradient_of(list(rows.blocks), rows, network, batch(fit, 3, 5, dropout=0.5))
    assert np.abs(other.gradient - together.gradient).max() > 1e-3


def test_an_epoch_has_every_row_once_in_an_order_of_its_own(fit, monkeypatch):
    from nn.training import TrainingSettings

    rows, _ = fit
    seen = []
    monkeypatch.setattr(steps.LabelBatches, "steps", lambda self, network, rng: [seen.append(self.X)])
    source = steps.WindowBatches(rows, 2, TrainingSettings(batch_size=64))
    for seed in (0, 0, 1):
        list(source.steps(None, np.random.default_rng(seed)))
    per_epoch = len(seen) // 3
    assert per_epoch > 1
    epochs = [seen[i * per_epoch : (i + 1) * per_epoch] for i in range(3)]
    sums = [sorted(np.concatenate([window.sum(axis=1).A1 for window in epoch])) for epoch in epochs]
    assert sums[0] == sums[1] == sums[2]
    assert len(sums[0]) == sum(rows.bags.rows(block, None).stop for block in rows.blocks)
    first_rows = [epoch[0].indices[:50].tolist() for epoch in epochs]
    assert first_rows[0] == first_rows[1] != first_rows[2]


# ---- Engines


def test_an_engine_adds_few_at_a_time_and_everything_once():
    largest = []

    def add(numbers):
        largest.append(len(numbers))
        return sum(numbers)

    for threads in (1, 2, 5):
        for n in (1, 7, 8, 9, 500):
            assert Engine(threads).total(lambda item: item, add, range(n)) == n * (n - 1) // 2
    assert max(largest) == FAN_IN
    assert list(Engine(3).map(lambda item, more: item + more, range(50), 1)) == list(range(1, 51))


def test_partition_loses_nothing():
    for n in (1, 3, 8):
        groups = partition(list(range(7)), n)
        assert sorted(item for group in groups for item in group) == list(range(7))
        assert len(groups) == min(n, 7)
        assert all(groups)


# ---- Commands


def test_commands_take_a_pattern(rows, tmp_path):
    pattern = write_five(tmp_path / "five", [row | {"simulated": "yes"} for row in rows])
    code, output, errors = run("sentiment", "train", "--data", pattern, "--epochs", 6, cwd=tmp_path)
    assert code == 0, errors
    assert output.startswith("SIMULATED DATA: ")
    assert errors.count("epoch ") == 6
    left = sorted(path.name for path in (tmp_path / "runs" / "sentiment").iterdir())
    assert left == ["history.csv", "model.safetensors"]
    code, output, errors = run("sentiment", "evaluate", "--data", pattern, "--json", cwd=tmp_path)
    assert code == 0, errors
    assert json.loads(output)["test"]["accuracy"] > 0.7
    code, output, errors = run("sentiment", "predict", "--file", pattern, "--out", "answers", cwd=tmp_path)
    assert code == 0, errors
    written = [line.rpartition(": ")[2] for line in output.splitlines()]
    assert written == ["700 rows", "800 rows", "20 rows", "1 row", "499 rows"]
    answers = list(csv.DictReader((tmp_path / "answers" / "part-2.csv").open()))
    code, output, _ = run("sentiment", "predict", "--file", tmp_path / "five" / "part-2.csv.gz", cwd=tmp_path)
    assert [(row["text"], float(row["probability"])) for row in answers] == [
        (row["text"], float(row["probability"])) for row in csv.DictReader(output.splitlines())
    ]
    for wrong in (["train", "--scheduler", "tcp://x"], ["predict", "--out", "x", "a film"]):
        assert CliRunner().invoke(main, wrong).exit_code == 2


def test_scores_of_several_files_are_those_of_one(rows, csv_file, tmp_path, small_blocks):
    pattern = write_five(tmp_path / "five", rows)
    model = train([File(csv_file)], SETTINGS)
    one = evaluate(model, [File(csv_file)], engine=Engine(1))
    five = evaluate(model, files_of(pattern), engine=Engine(2))
    assert five["test"].pop("log_loss") == pytest.approx(one["test"].pop("log_loss"))
    error = "expected_calibration_error"
    assert five["test"].pop(error) == pytest.approx(one["test"].pop(error))
    for found in (*one["mistakes"], *five["mistakes"]):
        assert re.search(r"\.csv, line \d+$", found.pop("place"))
    for name in ("test", "labels", "by_length", "confusions", "mistakes"):
        assert five[name] == one[name]


def test_a_label_never_trained_on_counts_the_same_in_files_of_its_own(rows, csv_file, tmp_path):
    model = train([File(csv_file)], SETTINGS)
    test = [row for row in rows if row["split"] == "test"]
    strange = [row | {"label": "neutral"} for row in test[:7]]
    write_csv(tmp_path / "one.csv", [*test[7:], *strange])
    write_csv(tmp_path / "some-1.csv", test[7:])
    write_csv(tmp_path / "some-2.csv", strange)
    one = evaluate(model, [File(tmp_path / "one.csv")])
    two = evaluate(model, files_of(tmp_path / "some-*.csv"))
    assert one["unknown"] == two["unknown"] == {"labels": ["neutral"], "texts": 7}
    assert one["test"]["accuracy"] == two["test"]["accuracy"]
    precision = {scored["label"]: scored["precision"] for scored in one["labels"]}["positive"]
    assert one["test"]["precision"] == precision  # still that of the second label, not a mean of three


def test_an_error_names_file_and_line_and_leaves_nothing_behind(rows, tmp_path):
    with gzip.open(tmp_path / "t-1.jsonl.gz", "wt") as file:
        file.write('{"text": "a", "label": "1"}\n["text"]\n')
    write_csv(tmp_path / "whole.csv.gz", rows, opener=gzip.open)
    (tmp_path / "t-2.csv.gz").write_bytes((tmp_path / "whole.csv.gz").read_bytes()[:-20])
    (tmp_path / "t-3.csv.gz").write_bytes(b"no gzip")
    (tmp_path / "t-4.csv").write_text("text,label\n" + "".join(f"good {i},1\n" for i in range(40)))
    (tmp_path / "t-5.txt").write_text("what is this?")
    cases = {
        "t-1*": r"t-1.jsonl.gz, line 2: not a JSON object",
        "t-2*": r"t-2.csv.gz.*: Compressed file ended",
        "t-3*": r"t-3.csv.gz: which column holds|has no column",
        "t-4*": r"t-4.csv has only 1 texts to train on",
        "t-5*": r"t-5.txt: which column holds",
        "x*": "no file matches",
    }
    for name, words in cases.items():
        with pytest.raises(ProjectError, match=words):
            train(files_of(tmp_path / name), SETTINGS, run=tmp_path / "run")
        assert not (tmp_path / "run").exists() or list((tmp_path / "run").iterdir()) == []


def test_labels_of_all_files_count(tmp_path):
    for number, label in enumerate(("spam", "ham", "eggs")):
        (tmp_path / f"t-{number}.csv").write_text("text,label\n" + "".join(f"words {i},{label}\n" for i in range(30)))
    read = lambda positive: read_corpus(files_of(tmp_path / "*.csv"), Store(tmp_path), SETTINGS, Engine(1), positive)  # noqa: E731
    assert read(None).label_names == ("eggs", "ham", "spam")
    with pytest.raises(ProjectError, match=r"t-1.csv, … has 3 labels .*: leave out --positive, it is for two"):
        read("spam")
    (tmp_path / "t-2.csv").unlink()
    assert read("ham").label_names == ("spam", "ham")


def test_without_dask_one_line_says_how_to_get_it(csv_file, monkeypatch):
    monkeypatch.delitem(sys.modules, "projects.sentiment.dask_engine", raising=False)
    monkeypatch.setitem(sys.modules, "dask", None)
    result = CliRunner().invoke(main, ["train", "--data", str(csv_file), "--engine", "dask"])
    assert result.exit_code == 1
    assert result.output == "Error: --engine dask needs the extra `dask`: .venv/bin/pip install -e '.[dask]'\n"


def test_parquet_in_and_out(rows, tmp_path):
    write_parquet(tmp_path / "t.parquet", rows[:600])
    write_lines(tmp_path / "t.jsonl", rows[:600])
    parquet = pytest.importorskip("pyarrow.parquet")
    model = train([File(tmp_path / "t.parquet")], SETTINGS)
    answers = [
        list(predict_files(model, [File(tmp_path / f"t.{kind}")], tmp_path / "out")) for kind in ("jsonl", "parquet")
    ]
    ((text, n, *_),), ((table, m, *_),) = answers
    assert n == m == 600
    written = [json.loads(line) for line in text.read_text().splitlines()]
    assert parquet.read_table(table).to_pylist() == written
    assert list(written[0]) == ["text", "label", "split", "probability"]


def test_what_is_no_parquet_is_one_line_and_what_is_no_unicode_is_escaped(csv_file, tmp_path):
    model = train([File(csv_file)], SETTINGS)
    (tmp_path / "t.jsonl").write_text('{"text": "a \\ud800 film"}\n')
    list(predict_files(model, [File(tmp_path / "t.jsonl")], tmp_path / "out"))
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out" / "t.jsonl"]
    assert json.loads((tmp_path / "out" / "t.jsonl").read_text())["text"] == "a \ud800 film"
    pytest.importorskip("pyarrow")
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ProjectError, match=r"cannot read .*t\.parquet: "):
        list(predict_files(model, [File(tmp_path / "t.parquet")], tmp_path / "out"))


def test_answers_never_take_the_place_of_what_they_answer_or_of_each_other(tmp_path):
    reviews = [tmp_path / "t.jsonl", tmp_path / "u.csv", tmp_path / "u.txt"]
    for path, content in zip(reviews, ('{"text": "a dull film"}\n', "text\nfine\n", "text\ndull\n"), strict=True):
        path.write_text(content)
    before = [path.read_bytes() for path in reviews]
    with pytest.raises(ProjectError, match=r"would take the place of .*t\.jsonl: name another file or"):
        list(predict_files(None, [File(reviews[0])], tmp_path))
    with pytest.raises(ProjectError, match="two of the files would have the same name"):
        list(predict_files(None, files_of(tmp_path / "u.*", labelled=False), tmp_path / "out"))
    assert [path.read_bytes() for path in reviews] == before
    assert not (tmp_path / "out").exists()


def test_the_working_folder_of_a_killed_training_goes_with_the_next(csv_file, tmp_path):
    (tmp_path / "run" / ".working-4194305-x").mkdir(parents=True)
    (tmp_path / "run" / ".working-4194305-x" / "block-000000.keys.npy").write_bytes(b"x")
    train([File(csv_file)], SETTINGS, run=tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == []


# ---- Dask


def die_once(flag, function, *arguments):
    """The function; but the first process that comes here with this flag is killed, as if by the system.

    That is when it has written a whole file and is about to name it, or at the end, its result untold.
    """
    with suppress(FileExistsError):
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
        os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        function(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)
    return function(*arguments)


def killing(engine, folder, names):
    """The engine, but in each of these functions a worker is killed once."""

    class Killing(type(engine)):
        def submit(self, function, items, *shared):
            if function is sum_of_group:
                shared = (lethal(shared[0]), *shared[1:])
            return super().submit(lethal(function), items, *shared)

    def lethal(function):
        if function.__name__ not in names:
            return function
        dying = partial(die_once, str(folder / function.__name__), function)
        dying.__name__ = function.__name__
        return dying

    return Killing(engine.client)


PHASES = {"read_source", "build_block", "count_longer", "count_block", "save_bags", "measure", "answer_file", "score"}


def test_a_worker_killed_in_each_phase_changes_nothing(client, rows, expected, tmp_path):
    from projects.sentiment.dask_engine import DaskEngine

    pattern = write_five(tmp_path / "five", rows)
    (tmp_path / "flags").mkdir()
    engine = killing(DaskEngine(client), tmp_path / "flags", PHASES)
    found = train(files_of(pattern), SETTINGS, engine=engine, run=tmp_path / "run", in_memory=0)
    assert bytes_of(found, tmp_path / "m.safetensors") == expected
    assert evaluate(found, files_of(pattern), engine=engine) == evaluate(found, files_of(pattern), engine=Engine(1))
    here, there = (
        list(predict_files(found, files_of(pattern), tmp_path / name, engine=where))
        for name, where in (("here", Engine(1)), ("there", engine))
    )
    assert [done.rows for done in there] == [done.rows for done in here]
    assert [done.path.read_bytes() for done in there] == [done.path.read_bytes() for done in here]
    assert sorted((tmp_path / "there").iterdir()) == sorted(done.path for done in there)  # nothing half written is left
    assert {path.name for path in (tmp_path / "flags").iterdir()} == PHASES  # in each of them one worker was killed


def test_a_worker_killed_in_a_large_batch_changes_nothing(client, csv_file, tmp_path):
    from projects.sentiment.dask_engine import DaskEngine

    options = Settings(epochs=2, seed=1, large_batches=True)
    (tmp_path / "flags").mkdir()
    engine = killing(DaskEngine(client), tmp_path / "flags", {"gradient_of"})
    models = [
        train([File(csv_file)], options, engine=where, run=tmp_path / "run", in_memory=0)
        for where in (Engine(1), engine)
    ]
    parameters = [model.network.parameters for model in models]
    np.testing.assert_allclose(parameters[0], parameters[1], rtol=1e-6, atol=1e-6)
    assert (tmp_path / "flags" / "gradient_of").exists()


@pytest.mark.dask
def test_what_reaches_the_driver_does_not_grow_with_the_number_of_workers(rows, tmp_path):
    """Bytes of all results that come back while the n-grams are counted."""
    distributed = pytest.importorskip("distributed")
    from distributed.protocol import serialize_bytes

    from projects.sentiment.dask_engine import DaskEngine

    write_csv(tmp_path / "t.csv", rows)
    received = {}
    real = distributed.Future.result
    for workers in (2, 4, 8):
        sizes = []

        def result(future, *arguments, sizes=sizes, **named):
            value = real(future, *arguments, **named)
            sizes.append(len(serialize_bytes(value)))
            return value

        store = Store(tmp_path / str(workers), 0)
        store.folder.mkdir()
        cluster = {"n_workers": workers, "threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
        with distributed.Client(**cluster) as client:
            engine = DaskEngine(client)
            found = read_corpus([File(tmp_path / "t.csv")], store, SETTINGS, engine)
            distributed.Future.result = result
            try:
                count_candidates(found, SETTINGS, engine)
            finally:
                distributed.Future.result = real
        received[workers] = sum(sizes)
    assert received[2] == pytest.approx(received[4], rel=0.01) == pytest.approx(received[8], rel=0.01), received


@pytest.mark.dask
def test_threads_of_a_worker_do_not_mix_their_gradients(fit):
    distributed = pytest.importorskip("distributed")
    from projects.sentiment.dask_engine import DaskEngine

    rows, n_columns = fit
    network = TwoLayerNetwork(n_columns, 3, output="sigmoid", random_state=5)
    groups = partition(list(rows.blocks) * 8, 16)
    how = batch(fit, 0, 1)
    alone = [gradient_of(group, rows, network, how).gradient for group in groups]
    with distributed.Client(n_workers=1, threads_per_worker=4, processes=False, dashboard_address=":0") as client:
        engine = DaskEngine(client)
        found = list(engine.map(gradient_of, groups, rows, network, how))
    for share, gradient in zip(found, alone, strict=True):
        np.testing.assert_array_equal(share.gradient, gradient)


@pytest.mark.dask
def test_a_scheduler_that_goes_is_one_line():
    distributed = pytest.importorskip("distributed")
    from projects.sentiment.dask_engine import DaskEngine, local_cluster

    with local_cluster(1) as cluster, distributed.Client(cluster) as client:
        engine = DaskEngine(client)
        found = engine.map(time.sleep, [0, 60])
        assert next(found) is None
        cluster.close()
        with pytest.raises(ProjectError, match="the Dask scheduler has gone"):
            next(found)


def test_an_error_on_a_worker_is_the_same_line(client, tmp_path):
    from projects.sentiment.dask_engine import DaskEngine

    (tmp_path / "t-1.csv").write_text("text,label\na,1\nb,1,2\n")
    with pytest.raises(ProjectError, match=r"t-1.csv, line 3: 3 fields"):
        train(files_of(tmp_path / "t-*"), SETTINGS, engine=DaskEngine(client), run=tmp_path / "run", in_memory=0)


@pytest.mark.dask
def test_a_scheduler_that_does_not_answer_is_one_line(monkeypatch):
    pytest.importorskip("distributed")
    from projects.sentiment import dask_engine as engine

    monkeypatch.setattr(engine, "TIMEOUT", 1)
    nowhere = "tcp://127.0.0.1:9"
    with pytest.raises(ProjectError, match=f"no Dask scheduler answers at {nowhere}"), engine.connect(nowhere):
        pass


def listening(process):
    """The addresses that a process and its children listen on, from the kernel's own tables."""
    psutil = pytest.importorskip("psutil")
    tree = [psutil.Process(process), *psutil.Process(process).children(recursive=True)]
    connections = [connection for one in tree for connection in one.net_connections("inet")]
    return {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}


@pytest.mark.dask
def test_fault_38_what_dask_starts_can_be_reached_from_this_machine_alone():
    pytest.importorskip("distributed")
    from projects.sentiment.dask_engine import connect

    with connect() as engine:
        assert engine.slots
        assert listening(os.getpid()) == {"127.0.0.1"}


@pytest.mark.dask
def test_fault_49_tls_without_its_settings_is_one_line():
    pytest.importorskip("distributed")
    from projects.sentiment.dask_engine import connect

    with (
        pytest.raises(ProjectError, match=r"needs TLS settings: set distributed.comm.tls.ca-file"),
        connect("tls://x:1"),
    ):
        pass


@pytest.mark.dask
def test_a_worker_without_this_program_is_one_line():
    distributed = pytest.importorskip("distributed")
    from projects.sentiment.dask_engine import connect

    hidden = {"PYTHONPATH": "", "PYTHONSAFEPATH": "1"}
    code = "import sys; sys.modules['projects'] = None; from distributed.cli.dask_worker import main; main()"
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0") as cluster:
        address = cluster.scheduler_address
        command = [sys.executable, "-c", code, address, "--no-nanny", "--dashboard-address", ":0"]
        with subprocess.Popen(command, env=os.environ | hidden, stderr=subprocess.DEVNULL) as worker:
            try:
                with distributed.Client(address) as client:
                    client.wait_for_workers(1, timeout=30)
                lacking = pytest.raises(ProjectError, match=r"a Dask worker lacks this program .*install it there")
                with lacking, connect(address):
                    pass
            finally:
                worker.kill()


def test_one_module_alone_knows_dask():
    known = {path.stem: {module.partition(".")[0] for module in imports(path)} for path in SOURCES}
    knowing = {name for name, modules in known.items() if modules & {"dask", "distributed"}}
    assert knowing == {"dask_engine"}
