"""Training and scoring a part at a time, here and on Dask's workers, beside the same in memory."""

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import run
from hypothesis import given, settings
from hypothesis import strategies as st
from test_architecture import SOURCES, imports

from nn import TwoLayerNetwork
from projects.common.cli import to_csv
from projects.common.errors import ProjectError
from projects.sentiment import counting, evaluation, shards, streaming, training
from projects.sentiment.cli import main
from projects.sentiment.data import USUAL_NAMES, Names, Reviews, drawn, read_reviews
from projects.sentiment.sample import simulate_reviews
from projects.sentiment.shards import Engine, label_names, labelled, load
from projects.sentiment.text import count_ngrams, learn_vocabulary

SETTINGS = {"ngrams": 3, "epochs": 2, "seed": 1, "batch_size": 500}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The simulated reviews in files of unequal length and of several formats."""
    folder, rows = tmp_path_factory.mktemp("shards"), simulate_reviews()
    with gzip.open(folder / "reviews-0.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows[:700])
    (folder / "reviews-1.csv").write_text(to_csv(rows[700:2600]))
    with gzip.open(folder / "reviews-2.csv.gz", "wt") as file:
        file.write(to_csv(rows[2600:2650]))
    (folder / "reviews-3.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[2650:]))
    return folder


@pytest.fixture(scope="module")
def pattern(folder):
    return folder / "reviews-*"


def rows_of(pattern, part):
    files = shards.files_of(pattern)
    return [review for path in files for review in labelled(path, part, USUAL_NAMES, {})]


def is_held_out(review, seed=1):
    return drawn(review.text, f"validation {seed}") < training.VALIDATION_SHARE


def read(pattern, folder, min_count=3):
    """What the first pass gives: parts and counts."""
    files = enumerate(shards.files_of(pattern))
    found = [counting.read_shard(file, folder, USUAL_NAMES, 1, min_count) for file in files]
    return [part for part, _ in found], counting.add_up((counts for _, counts in found), min_count)


def same_vocabulary(found, expected):
    assert found.words == expected.words
    for name in ("codes", "counts", "ratios", "kept"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        assert getattr(found, name).dtype == getattr(expected, name).dtype


@pytest.mark.parametrize(("support", "longest"), [(25_000, 3), (25_000, 1), (400, 3), (90, 2)])
def test_vocabulary_and_bags_are_those_of_all_texts_in_memory(pattern, tmp_path, monkeypatch, support, longest):
    monkeypatch.setattr(counting, "BLOCK", 300)
    monkeypatch.setattr(counting, "PER_REVIEWS", support)
    parts, counted = read(pattern, tmp_path)
    assert (counted.missed > 0) == (support < 2_700)  # keys were left out on the way
    found, columns = counting.count_vocabulary(parts, counted, Engine(), longest, 3, 0.05)
    reviews = [review for review in rows_of(pattern, "train") if not is_held_out(review)]
    texts, labels = [review.text for review in reviews], np.array([review.label for review in reviews])
    least = counting.threshold(len(texts), 3)
    assert least == (3 if support == 25_000 else -(-3 * len(texts) // support))
    expected = learn_vocabulary(*count_ngrams(texts, least, longest), labels, least, 0.05)
    assert len(expected) > 30
    same_vocabulary(found, expected)
    blocks = [block for part in parts for block in [*part.blocks, *part.held_out]]
    counting.save_bags(blocks, columns, found)
    kept = [block for part in parts for block in part.blocks]
    X, y = streaming.read_bags(kept, found)
    indices, indptr = expected.columns_of(texts)
    np.testing.assert_array_equal(y, labels)
    np.testing.assert_array_equal(X.indices, indices)
    np.testing.assert_array_equal(X.indptr, indptr)
    np.testing.assert_array_equal(X.data, expected.weigh(indices, indptr))
    unseen = [review.text for review in rows_of(pattern, "train") if is_held_out(review)]
    held_out = np.concatenate([load(block, "indices") for part in parts for block in part.held_out])
    np.testing.assert_array_equal(held_out, expected.columns_of(unseen)[0])


texts_of_codes = st.lists(st.sets(st.integers(0, 12)), min_size=1, max_size=6)


@settings(max_examples=50)
@given(st.lists(texts_of_codes, min_size=1, max_size=8), st.integers(1, 4))
def test_counts_are_off_by_no_more_than_they_say_and_lose_nothing_frequent(tables, min_count):
    def counted(texts):
        pairs = [(code, number) for number, codes in enumerate(texts) for code in codes]
        codes, numbers = np.array(pairs, np.int64).reshape(-1, 2).T
        return counting.count(codes, numbers, len(texts))

    support, counting.PER_REVIEWS = counting.PER_REVIEWS, 10
    try:
        total = counting.add_up(map(counted, tables), min_count)
        least = counting.threshold(sum(map(len, tables)), min_count)
    finally:
        counting.PER_REVIEWS = support
    true = [sum(code in codes for texts in tables for codes in texts) for code in range(13)]
    found = dict(zip(total.keys.tolist(), total.at_least.tolist(), strict=True))
    assert total.texts == sum(map(len, tables))
    for code, n in enumerate(true):
        low, high = (found[code], found[code] + total.missed) if code in found else (0, total.missed)
        assert low <= n <= high
    frequent = {code for code, n in enumerate(true) if n >= least}
    assert frequent <= set(total.keys[counting.candidates(total, least)].tolist())


@pytest.fixture(scope="module")
def bags(pattern, tmp_path_factory):
    """Vocabulary and blocks of unequal length."""
    folder = tmp_path_factory.mktemp("bags")
    parts, counted = read(pattern, folder)
    vocabulary, columns = counting.count_vocabulary(parts, counted, Engine(), 2, 3, 0.05)
    blocks = [block for part in parts for block in part.blocks]
    counting.save_bags(blocks, columns, vocabulary)
    return vocabulary, blocks


def network_of(vocabulary, dtype="float64"):
    return TwoLayerNetwork(len(vocabulary), 3, output="sigmoid", dtype=dtype, random_state=5)


def test_gradients_of_unequal_shards_add_up(bags):
    vocabulary, blocks = bags
    network, weights = network_of(vocabulary), np.array([0.5, 2.0])
    X, labels = streaming.read_bags(blocks, vocabulary)
    y, weight = labels[:, np.newaxis].astype(float), weights[labels][:, np.newaxis]
    X = X.astype(float)
    hidden, prediction = network.forward(X)
    expected = network.backward(X, y, hidden, prediction, weight).vector()
    how = vocabulary, network, weights, 0.0, 1, 0
    for steps in (1, 7):
        found = [streaming.gradient_sum([block], *how, step, steps) for block in blocks for step in range(steps)]
        gradient, _, total = (sum(share) for share in zip(*found, strict=True))
        assert total == weight.sum()  # every row once
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_what_is_dropped_does_not_depend_on_who_computes_it(bags):
    vocabulary, blocks = bags
    how = vocabulary, network_of(vocabulary), np.ones(2), 0.5, 1, 0, 2, 5
    together = streaming.gradient_sum(blocks, *how)
    alone = [streaming.gradient_sum([block], *how) for block in blocks]
    np.testing.assert_allclose(sum(gradient for gradient, _, _ in alone), together[0], atol=1e-12)
    other = streaming.gradient_sum(blocks, *how[:-2], 3, 5)
    assert np.abs(other[0] - together[0]).max() > 1e-3


def test_streamed_training_learns_as_training_in_memory_does(pattern, tmp_path):
    epochs = []
    found = streaming.train(pattern, tmp_path / "run", on_epoch=lambda t: epochs.append(t.history[-1]), seed=1)
    reviews = rows_of(pattern, "train")
    in_memory = training.train(Reviews([r.text for r in reviews], [r.label for r in reviews]), seed=1)
    test = rows_of(pattern, "test")
    test = Reviews([r.text for r in test], [r.label for r in test], simulated=True)
    accuracy = [evaluation.evaluate(m, test)["test"]["accuracy"] for m in (found, in_memory)]
    assert abs(accuracy[0] - accuracy[1]) < 0.02
    assert min(accuracy) > 0.75
    assert found.settings.keys() == in_memory.settings.keys()
    assert found.settings["simulated"]
    assert [row.keys() for row in epochs] == [{"epoch", "learning_rate", "training_loss", "validation_loss"}] * 10
    assert list((tmp_path / "run").iterdir()) == []
    streamed, whole = streaming.evaluate(found, pattern), evaluation.evaluate(found, test)
    assert streamed["test"].pop("confusion") == whole["test"].pop("confusion")
    assert streamed["test"] == pytest.approx(whole["test"])
    assert streamed["by_length"] == whole["by_length"]
    assert [mistake["text"] for mistake in streamed["mistakes"]] == [mistake["text"] for mistake in whole["mistakes"]]


def test_an_error_names_file_and_line_and_leaves_nothing_behind(folder, tmp_path):
    with gzip.open(tmp_path / "t-1.jsonl.gz", "wt") as file:
        file.write('{"text": "a", "label": "1"}\n{"text": "b", "label": "maybe"}\n')
    (tmp_path / "t-2.csv.gz").write_bytes((folder / "reviews-2.csv.gz").read_bytes()[:-20])
    (tmp_path / "t-3.csv.gz").write_bytes(b"no gzip")
    (tmp_path / "t-4.csv").write_text("text,label\n" + "".join(f"good {i},1\n" for i in range(40)))
    cases = {"t-1*": r"t-1.jsonl.gz, line 2: 'maybe' is no label", "t-2*": r"t-2.csv.gz, after line \d+: ",
             "t-3*": r"t-3.csv.gz, after line 0: ", "t-4*": r"too few reviews .*\(0 negative, \d+ positive\)",
             "x*": "no file matches"}  # fmt: skip
    for name, words in cases.items():
        with pytest.raises(ProjectError, match=words):
            streaming.train(tmp_path / name, tmp_path / "run", **SETTINGS)
        assert list((tmp_path / "run").iterdir()) == []


def test_labels_of_all_files_together_are_two(tmp_path):
    for number, label in enumerate(("spam", "ham", "eggs")):
        (tmp_path / f"t-{number}.csv").write_text("text,label\n" + "".join(f"words {i},{label}\n" for i in range(30)))
    names = Names(positive="spam")
    files = enumerate(shards.files_of(tmp_path / "*.csv"))
    others = [counting.read_shard(file, tmp_path, names, 0, 3)[0].others for file in files]
    assert label_names(others[:2], "spam") == ("ham", "spam")
    assert label_names(others[:1], "spam") == ("not spam", "spam")
    with pytest.raises(ProjectError, match=r"t-2.csv, line 2: 'eggs' is a third label, beside 'spam' and 'ham'"):
        label_names(others, "spam")
    (tmp_path / "u.csv").write_text("text,label\na,spam\nb,ham\nc,eggs\nd,salt\n")
    with pytest.raises(ProjectError, match=r"u.csv, line 4: 'eggs' is a third label"):
        counting.read_shard((0, tmp_path / "u.csv"), tmp_path, names, 0, 3)


def test_a_fifth_is_the_test_and_a_tenth_of_the_others_is_held_out_whatever_the_file(tmp_path):
    rows = [f"word{i},{i % 2}\n" for i in range(5_000)]
    (tmp_path / "t.csv").write_text("text,label\n" + "".join(rows))
    for number, some in enumerate((rows[:4000:-1], rows[4000::-1])):
        (tmp_path / f"u-{number}.csv").write_text("text,label\n" + "".join(some))
    found = {part: rows_of(tmp_path / "t.csv", part) for part in ("train", "test")}
    assert len({review.text for part in found.values() for review in part}) == 5_000
    assert abs(len(found["test"]) - 1_000) < 120
    assert abs(sum(map(is_held_out, found["train"])) - 400) < 80
    for part, reviews in found.items():
        assert sorted(reviews) == sorted(rows_of(tmp_path / "u-*.csv", part))
        assert read_reviews(tmp_path / "t.csv", part).texts == [review.text for review in reviews]


def test_commands_take_a_pattern(folder, tmp_path):
    pattern = folder / "reviews-*"
    code, output, errors = run("sentiment", "train", "--data", pattern, "--epochs", 6, cwd=tmp_path)
    assert code == 0, errors
    assert output.startswith("SIMULATED DATA: fitted to 2,6")
    assert errors.count("epoch ") == 6
    left = sorted(path.name for path in (tmp_path / "runs" / "sentiment").iterdir())
    assert left == ["history.csv", "model.safetensors"]
    code, output, errors = run("sentiment", "evaluate", "--data", pattern, "--json", cwd=tmp_path)
    assert code == 0, errors
    assert json.loads(output)["test"]["accuracy"] > 0.7
    code, output, errors = run("sentiment", "predict", "--file", pattern, "--out", "answers", cwd=tmp_path)
    assert code == 0, errors
    written = [line.rpartition(": ")[2] for line in output.splitlines()]
    assert written == ["700 rows", "1,900 rows", "50 rows", "1,350 rows"]
    rows = [json.loads(line) for line in (tmp_path / "answers" / "reviews-2.jsonl").read_text().splitlines()]
    code, output, _ = run("sentiment", "predict", "--file", folder / "reviews-2.csv.gz", cwd=tmp_path)
    assert [(row["text"], row["probability"]) for row in rows] == [
        (row["text"], float(row["probability"])) for row in csv.DictReader(output.splitlines())
    ]
    for wrong in (
        ["train", "--engine", "dask"],
        ["predict", "--out", "x", "a film"],
        ["train", "--scheduler", "tcp://x"],
    ):
        assert CliRunner().invoke(main, wrong).exit_code == 2


def test_without_dask_one_line_says_how_to_get_it(pattern, monkeypatch):
    monkeypatch.delitem(sys.modules, "projects.sentiment.dask_engine", raising=False)
    monkeypatch.setitem(sys.modules, "dask", None)
    result = CliRunner().invoke(main, ["train", "--data", str(pattern), "--engine", "dask"])
    assert result.exit_code == 1
    assert result.output == "Error: --engine dask needs the extra `dask`: pip install 'two-layer[dask]'\n"


def test_parquet_in_and_out(folder, tmp_path):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = simulate_reviews()[:600]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "t.parquet")
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    trained = streaming.train(tmp_path / "t.parquet", tmp_path / "run", **SETTINGS)
    answers = [streaming.predict(trained, tmp_path / f"t.{kind}", tmp_path / "out") for kind in ("jsonl", "parquet")]
    (text, n), (table, m) = (next(some) for some in answers)
    assert n == m == 600
    expected = [json.loads(line) for line in text.read_text().splitlines()]
    assert parquet.read_table(table).to_pylist() == expected
    assert list(expected[0]) == ["text", "label", "split", "simulated", "probability"]


def test_what_is_no_parquet_is_one_line_and_what_is_no_unicode_is_escaped(tmp_path, folder):
    pytest.importorskip("pyarrow")
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "t.jsonl").write_text('{"text": "a \\ud800 film"}\n')
    trained = streaming.train(folder / "reviews-1.csv", tmp_path / "run", **SETTINGS)
    with pytest.raises(ProjectError, match=r"cannot read .*t\.parquet: "):
        list(streaming.predict(trained, tmp_path / "t.parquet", tmp_path / "out"))
    list(streaming.predict(trained, tmp_path / "t.jsonl", tmp_path / "out"))
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out" / "t.jsonl"]
    assert json.loads((tmp_path / "out" / "t.jsonl").read_text())["text"] == "a \ud800 film"


def test_the_working_folder_of_a_killed_training_goes_with_the_next(folder, tmp_path):
    (tmp_path / "run" / ".streaming-4194305-x").mkdir(parents=True)
    (tmp_path / "run" / ".streaming-4194305-x" / "000000-000000.keys.npy").write_bytes(b"x")
    streaming.train(folder / "reviews-1.csv", tmp_path / "run", **SETTINGS)
    assert list((tmp_path / "run").iterdir()) == []


# ---- Dask


@pytest.fixture(scope="module")
def client():
    """Two worker processes, which a nanny starts again when they die."""
    distributed = pytest.importorskip("distributed")
    from projects.sentiment.dask_engine import local_cluster

    with local_cluster(2) as cluster, distributed.Client(cluster) as client:
        yield client


def die_once(flag, function, part, *shared):
    """The function; but the first process that comes here with this flag is killed, as if by the system.

    That is when it has written a whole file and is about to name it, or at the end, its result untold.
    """
    with suppress(FileExistsError):
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
        os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        function(part, *shared)
        os.kill(os.getpid(), signal.SIGKILL)
    return function(part, *shared)


def killing(engine, folder, *names):
    """The engine, but in the middle of these passes a worker is killed, once in each."""

    class Killing(type(engine)):
        def map(self, function, parts, *shared):
            parts, lethal = list(parts), function
            if function.__name__ in names:
                lethal = partial(die_in_the_middle, str(folder / function.__name__), function, parts[len(parts) // 2])
                lethal.__name__ = function.__name__
            return super().map(lethal, parts, *shared)

    return Killing(engine.client)


def die_in_the_middle(flag, function, middle, part, *shared):
    return (partial(die_once, flag, function) if part == middle else function)(part, *shared)


@pytest.fixture(scope="module")
def one_process(pattern, tmp_path_factory):
    return streaming.train(pattern, tmp_path_factory.mktemp("here"), large_batches=True, **SETTINGS)


def test_two_workers_give_what_one_process_gives_even_if_some_are_killed(client, one_process, pattern, tmp_path):
    from projects.sentiment.dask_engine import DaskEngine

    passes = {"count_longer", "gradient_sum", "answer_file"}
    engine = killing(DaskEngine(client), tmp_path, *passes)
    found = streaming.train(pattern, tmp_path / "run", engine=engine, large_batches=True, **SETTINGS)
    same_vocabulary(found.vocabulary, one_process.vocabulary)
    np.testing.assert_allclose(found.network.parameters, one_process.network.parameters, rtol=0, atol=1e-6)
    assert found.settings == one_process.settings
    assert streaming.evaluate(one_process, pattern, engine=engine) == streaming.evaluate(one_process, pattern)
    here, there = (
        list(streaming.predict(one_process, pattern, tmp_path / name, engine=where))
        for name, where in (("here", None), ("there", engine))
    )
    assert [n for _, n in there] == [n for _, n in here] == [700, 1900, 50, 1350]
    assert [path.read_bytes() for path, _ in there] == [path.read_bytes() for path, _ in here]
    assert sorted((tmp_path / "there").iterdir()) == sorted(path for path, _ in there)  # nothing half written is left
    assert passes <= {path.name for path in tmp_path.iterdir()}  # in each of them one worker was killed


def test_threads_of_a_worker_do_not_mix_their_gradients(bags):
    distributed = pytest.importorskip("distributed")
    from projects.sentiment.dask_engine import DaskEngine

    vocabulary, blocks = bags
    how = np.ones(2), 0.0, 1, 0, 0, 1
    network, groups = network_of(vocabulary), shards.deal(blocks * 8, 16)
    expected = [streaming.gradient_sum(group, vocabulary, network, *how)[0] for group in groups]
    with distributed.Client(n_workers=1, threads_per_worker=4, dashboard_address=":0") as client:
        engine = DaskEngine(client)
        found = engine.map(streaming.gradient_sum, groups, engine.share(vocabulary), engine.share(network), *how)
        for (gradient, *_), alone in zip(found, expected, strict=True):
            np.testing.assert_array_equal(gradient, alone)


def test_a_scheduler_that_goes_is_one_line(pattern, tmp_path):
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

    (tmp_path / "t-1.csv").write_text("text,label\na,1\nb,maybe\n")
    with pytest.raises(ProjectError, match=r"t-1.csv, line 3: 'maybe' is no label"):
        streaming.train(tmp_path / "t-*", tmp_path / "run", engine=DaskEngine(client), **SETTINGS)


def test_a_scheduler_that_does_not_answer_is_one_line(pattern, monkeypatch):
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


def test_fault_38_what_dask_starts_can_be_reached_from_this_machine_alone():
    pytest.importorskip("distributed")
    from projects.sentiment.dask_engine import connect

    with connect() as engine:
        assert engine.slots
        assert listening(os.getpid()) == {"127.0.0.1"}


def test_fault_49_tls_without_its_settings_is_one_line():
    pytest.importorskip("distributed")
    from projects.sentiment.dask_engine import connect

    with (
        pytest.raises(ProjectError, match=r"needs TLS settings: set distributed.comm.tls.ca-file"),
        connect("tls://x:1"),
    ):
        pass


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


def test_answers_never_take_the_place_of_what_they_answer_or_of_each_other(tmp_path):
    reviews = [tmp_path / "t.jsonl", tmp_path / "u.csv", tmp_path / "u.tsv"]
    for path, content in zip(reviews, ('{"text": "a dull film"}\n', "text\nfine\n", "text\ndull\n"), strict=True):
        path.write_text(content)
    before = [path.read_bytes() for path in reviews]
    with pytest.raises(ProjectError, match=r"would take the place of .*t\.jsonl: name another folder with --out"):
        list(streaming.predict(None, reviews[0], tmp_path))
    with pytest.raises(ProjectError, match="two of its files would have the same name"):
        list(streaming.predict(None, tmp_path / "u.*", tmp_path / "out"))
    assert [path.read_bytes() for path in reviews] == before
    assert not (tmp_path / "out").exists()
