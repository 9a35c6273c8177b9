"""`tune`: a search that finds a known optimum, knows what is noise, and never sees what is for testing."""

import csv
import math
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from click.testing import CliRunner

from projects.bikes.cli import main as bikes
from projects.bikes.sample import simulate_hours
from projects.common import tune
from projects.common.cli_output import to_csv
from projects.common.errors import ProjectError
from projects.common.tune import PARTS, Clock, OutOfTime, Search, Trial, choose
from projects.sentiment import blocks
from projects.sentiment.cli import main as sentiment
from projects.sentiment.corpus import read_corpus
from projects.sentiment.counting import count_candidates
from projects.sentiment.data import Reviews
from projects.sentiment.engine import Engine
from projects.sentiment.sample import simulate_reviews
from projects.sentiment.settings import Settings
from projects.sentiment.store import Store
from projects.sentiment.training import train
from projects.sentiment.tune import LONGEST, LOWEST_COUNT, Tuning, default_values

pytestmark = pytest.mark.slow

DEFAULT = {"rate": 1.0, "units": 2}


def bowl(values, part):
    """A loss that is 0 at a rate of 0.1 and 8 units, and differs from part to part by the same for all."""
    return math.log10(values["rate"] / 0.1) ** 2 + (math.log2(values["units"] / 8)) ** 2 + part


def drawing(seed):
    rng = np.random.default_rng(seed)
    return lambda: {"rate": 10 ** rng.uniform(-3, 1), "units": int(2 ** rng.integers(0, 6))}


def searched(monkeypatch, loss, seed=0, rounds=10, default=DEFAULT, threads=2):
    monkeypatch.setattr(tune, "MOST_ROUNDS", rounds)
    search = Search(loss, drawing(seed), default, Clock(math.inf), threads)
    return search, list(search)


@pytest.mark.parametrize("seed", range(5))
def test_a_search_finds_a_known_optimum(monkeypatch, seed):
    best = searched(monkeypatch, bowl, seed)[0].best()
    assert best.values["units"] == 8
    assert 0.03 < best.values["rate"] < 0.3
    assert best.losses == [bowl(best.values, part) for part in range(PARTS)]


def test_the_best_third_goes_on_to_three_times_as_many_parts(monkeypatch):
    tried = []

    def loss(values, part):
        tried.append((values["units"], values["rate"], part))
        return bowl(values, part)

    search, finished = searched(monkeypatch, loss, rounds=1, threads=1)
    parts = {}
    for *values, part in tried:
        parts.setdefault(tuple(values), []).append(part)
    assert sorted(map(len, parts.values())) == [1] * 6 + [3] * 2 + [9] * 2  # the default and the best have all
    assert finished[0].number == 0
    by_loss = sorted((bowl({"units": units, "rate": rate}, 0), (units, rate)) for units, rate in parts)
    by_loss = [key for _, key in by_loss if key != (2, 1.0)]
    assert [len(parts[key]) for key in by_loss] == [9, 3, 3, 1, 1, 1, 1, 1, 1]
    assert search.n_tries == len(tried) == 9 + 9 + 2 * 3 + 6


def test_threads_change_nothing(monkeypatch):
    def numbers(threads):
        return [(trial.number, trial.losses) for trial in searched(monkeypatch, bowl, 3, threads=threads)[1]]

    assert numbers(1) == numbers(4)


def test_what_is_better_by_noise_alone_is_not_chosen(monkeypatch):
    kept = 0
    for seed in range(40):
        noise = np.random.default_rng(1000 + seed)
        search, finished = searched(monkeypatch, lambda values, part, rng=noise: rng.normal(), seed, threads=1)
        assert min(trial.loss for trial in finished) < search.default.loss  # by luck there is always a better one
        kept += search.best() is search.default
    assert kept >= 34


def test_a_difference_must_be_larger_than_its_noise():
    default = Trial(0, {}, [2.0, 4.0, 6.0])
    steady, lucky = Trial(1, {}, [1.9, 3.9, 5.9]), Trial(2, {}, [2.1, 4.1, 3.0])
    assert lucky.loss < steady.loss < default.loss
    middling = Trial(3, {}, [2.2, 3.9, 5.8])  # 0.03 ± 0.12, which is the median of the noises
    assert choose(default, [steady], 2) is steady
    assert choose(default, [lucky], 2) is default  # 0.93 ± 1.03
    assert choose(default, [steady, middling, lucky], 2) is lucky
    assert choose(default, [steady, middling, middling], 2) is default  # 0.1, less than √(2 ln 2) · 0.12
    assert choose(None, [steady, lucky], 2) is lucky
    assert choose(default, [], 0) is default


def test_the_time_ends_a_search_and_what_runs_then(monkeypatch):
    now = iter(range(10_000))
    clock = Clock(100, lambda: next(now))
    ends = []

    def loss(values, part):
        try:
            clock.check()
        except OutOfTime:
            ends.append(part)
            raise
        return bowl(values, part)

    search = Search(loss, drawing(0), DEFAULT, clock, threads=1)
    finished = list(search)
    assert finished[0] is search.default
    assert 90 < search.n_tries <= 100
    assert ends
    assert search.best().loss == min(trial.loss for trial in finished)


def test_an_error_of_a_trial_ends_the_search():
    def loss(values, part):
        raise ProjectError("no such thing")

    with pytest.raises(ProjectError, match="no such thing"):
        list(Search(loss, drawing(0), DEFAULT, Clock(math.inf)))
    assert threading.active_count() < 20


# Texts


@pytest.fixture(scope="module")
def reviews():
    rows = [row for row, _ in zip(simulate_reviews(), range(600), strict=False)]
    return Reviews([row["text"] for row in rows], [int(row["label"] == "positive") for row in rows])


@pytest.mark.parametrize("balanced", [False, True])
def test_a_trial_is_the_fit_that_train_measures(reviews, tmp_path, monkeypatch, balanced):
    monkeypatch.setattr(blocks, "VALIDATION_SHARE", 1 / PARTS)  # then what `train` holds out is the first part
    settings = Settings(refit=False, balanced=balanced)
    engine = Engine(1)
    widest = Settings(ngrams=LONGEST, min_count=LOWEST_COUNT)
    found = read_corpus([reviews], Store(tmp_path), widest, engine)
    tuning = Tuning(found, count_candidates(found, widest, engine), settings, engine, Clock(math.inf))
    for values in ({}, {"ngrams": 1, "min_count": 5}, {"ngrams": 2, "epochs": 3, "dropout": 0.2}):
        values = default_values(2) | values
        model = train([reviews], Settings(refit=False, balanced=balanced, **values))
        wrong = 1 - model.settings["validation_accuracy"]
        loss = tuning.try_on(values, 0)
        if not balanced:
            assert loss == pytest.approx(wrong, abs=1e-12)
        assert 0 < loss < 0.5
        model.save(tmp_path / "model")
        size = (tmp_path / "model").stat().st_size
        assert abs(tuning.size(values) - size) < 0.4 * size + 1_000  # of all texts, where this model has eight ninths
    assert tuning.texts_of_part.sum(axis=0).tolist() == [reviews.labels.count(0), reviews.labels.count(1)]


def write_texts(path, change_test):
    rows = [dict(row) for row, _ in zip(simulate_reviews(), range(800), strict=False)]
    for row in rows:
        if row["split"] == "test" and change_test:
            row["text"], row["label"] = "nothing of all that " * 5, "negative"
    path.write_text(to_csv(rows))


def write_hours(path, change_test):
    hours = simulate_hours().head(24 * 60)
    if change_test:
        hours.loc[hours.index[-7 * 24 :], ["casual", "registered", "cnt"]] = [0, 1, 1]
    path.write_text(hours.to_csv(index=False))


PIPELINES = {
    "sentiment": (sentiment, write_texts, []),
    "bikes": (bikes, write_hours, ["--validation-days", "7", "--test-days", "7"]),
}


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_tune_never_sees_the_test_and_its_command_trains(pipeline, tmp_path, monkeypatch):
    monkeypatch.setattr(tune, "MOST_ROUNDS", 1)
    monkeypatch.setattr(tune, "ROUND", 3)
    main, write, options = PIPELINES[pipeline]
    outputs, tables = [], []
    for changed in (False, True):
        write(tmp_path / "data.csv", changed)
        run = tmp_path / f"run{changed}"
        given = ["tune", "--data", str(tmp_path / "data.csv"), "--run", str(run), "--minutes", "10", "--seed", "1"]
        result = CliRunner().invoke(main, [*given, *options])
        assert result.exit_code == 0, result.output
        tables.append((run / "tune.csv").read_text())
        outputs.append((run / "tune-best.sh").read_text().replace(str(run), "RUN"))
    assert outputs[0] == outputs[1]
    assert tables[0] == tables[1]
    rows = list(csv.DictReader(tables[0].splitlines()))
    assert rows[0]["number"] == "0"
    assert len(rows) == 2
    command = outputs[0].replace("RUN", str(tmp_path / "trained")).split()
    assert command[:2] == [pipeline, "train"]
    assert command[command.index("--seed") + 1] == "1"
    result = CliRunner().invoke(main, [*command[1:], "--epochs", "1"])
    assert result.exit_code == 0, result.output


def test_a_size_is_kept_to(tmp_path, monkeypatch):
    monkeypatch.setattr(tune, "MOST_ROUNDS", 2)
    write_texts(tmp_path / "data.csv", False)
    files = ["--data", str(tmp_path / "data.csv"), "--run", str(tmp_path / "run")]
    result = CliRunner().invoke(sentiment, ["tune", *files, "--max-size", "20kB"])
    assert result.exit_code == 0, result.output
    assert "default" not in (tmp_path / "run" / "tune.csv").read_text()
    command = (tmp_path / "run" / "tune-best.sh").read_text().split()
    assert CliRunner().invoke(sentiment, command[1:]).exit_code == 0
    assert (tmp_path / "run" / "model.safetensors").stat().st_size <= 20_000
    result = CliRunner().invoke(sentiment, ["tune", *files, "--max-size", "1kB"])
    assert result.exit_code == 1
    assert "no settings give a model of 1,000 bytes: allow it more with --max-size" in result.output
    assert CliRunner().invoke(sentiment, ["tune", *files, "--max-size", "small"]).exit_code == 2


def test_too_little_time_and_too_few_data_are_said_in_one_line(tmp_path):
    write_texts(tmp_path / "data.csv", False)
    files = ["--data", str(tmp_path / "data.csv"), "--run", str(tmp_path / "run")]
    result = CliRunner().invoke(sentiment, ["tune", *files, "--minutes", "0.00001"])
    assert result.exit_code == 1
    assert "0.0 minutes are too few for these data: give more with --minutes" in result.stderr
    (tmp_path / "few.csv").write_text("text,label\n" + "".join(f"text {n},{'ab'[n % 2]}\n" for n in range(12)))
    result = CliRunner().invoke(sentiment, ["tune", "--data", str(tmp_path / "few.csv"), *files[2:]])
    assert result.exit_code == 1
    assert "texts are too few to tune on: train with the default settings" in result.stderr
    (tmp_path / "hours.csv").write_text(simulate_hours().head(24 * 100).to_csv(index=False))
    result = CliRunner().invoke(bikes, ["tune", "--data", str(tmp_path / "hours.csv"), *files[2:]])
    assert result.exit_code == 1
    assert "1,896 hours before the test are too few: 9 windows of 20 days and 28 days before them take 4,992" in (
        result.stderr
    )


def test_ctrl_c_ends_a_search_with_the_best_so_far(tmp_path):
    write_texts(tmp_path / "data.csv", False)
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # even in the background
    code = f"{heeding}; from projects.sentiment.cli import main; main()"
    command = [sys.executable, "-c", code, "tune", "--minutes", "60"]
    command += ["--data", str(tmp_path / "data.csv"), "--run", str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert "settings" in process.stdout.readline()
        assert process.stdout.readline().split()[0] == "default"
        os.kill(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert errors == "interrupted: this is the best so far\n"
    assert output.splitlines()[-2].startswith("best: sentiment train ")
    assert (tmp_path / "run" / "tune-best.sh").exists()
    assert not list((tmp_path / "run").glob(".working*"))
