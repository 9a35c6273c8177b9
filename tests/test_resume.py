"""Training that is killed, interrupted or out of disk: what is left, and that it goes on as if nothing had happened."""

import errno
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from helpers import run as run_command

from nn import TwoLayerRegressor
from projects.bikes.cli import main as bikes
from projects.bikes.data import read_hours, split
from projects.bikes.model import BikesModel
from projects.bikes.model import train as train_bikes
from projects.bikes.sample import simulate_hours
from projects.bikes.settings import Settings as BikesSettings
from projects.common import checkpoint, files
from projects.common.checkpoint import CHECKPOINT, Checkpoint
from projects.common.cli_output import to_csv
from projects.common.errors import ProjectError
from projects.sentiment.cli import main as sentiment
from projects.sentiment.data import Reviews
from projects.sentiment.model import SentimentModel
from projects.sentiment.sample import simulate_reviews
from projects.sentiment.settings import Settings
from projects.sentiment.training import train as train_sentiment

pytestmark = pytest.mark.slow

MODEL = "model.safetensors"
MAIN, KIND = {"bikes": bikes, "sentiment": sentiment}, {"bikes": BikesModel, "sentiment": SentimentModel}
OPTIONS = {
    "bikes": ["--validation-days", "7", "--test-days", "7", "--members", "2", "--epochs", "3"],
    "sentiment": ["--ngrams", "2", "--epochs", "6"],
}
both = pytest.mark.parametrize("pipeline", ["bikes", "sentiment"])

# Runs a command that writes its checkpoint after each epoch and gets a signal just before the n-th epoch, fsync or
# rename, counted from 1.
SIGNALLED = """
import importlib, itertools, os, signal, sys
from nn.training import Training
from projects.common import checkpoint

pipeline, moment, name, *arguments = sys.argv[1:]
checkpoint.EVERY, count = 0.0, itertools.count(1)

def counted(function):
    def call(*arguments, **named):
        if next(count) == int(moment):
            os.kill(os.getpid(), getattr(signal, name))
        return function(*arguments, **named)
    return call

Training.run_epoch, os.fsync, os.replace = map(counted, (Training.run_epoch, os.fsync, os.replace))
importlib.import_module(f"projects.{pipeline}.cli").main(arguments)
"""


def arguments(pipeline, folder, run, *more):
    return ["train", "--data", str(folder / f"{pipeline}.csv"), "--run", str(run), *OPTIONS[pipeline], *map(str, more)]


def signalled(pipeline, moment, name, folder, run, *more):
    """A `train` in a process of its own that gets the signal: (exit code, stderr)."""
    command = [sys.executable, "-c", SIGNALLED, pipeline, str(moment), name, *arguments(pipeline, folder, run, *more)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stderr


def train(pipeline, folder, run, *more):
    """A `train` in this process: (exit code, last line on stderr)."""
    result = CliRunner().invoke(MAIN[pipeline], arguments(pipeline, folder, run, *more))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, (result.stderr.splitlines() or [""])[-1]


def content(run):
    """Names and bytes of the files of the run folder and of its folders, but for what the next command tidies."""
    files = [path for path in run.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {str(path.relative_to(run)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Small simulated data; of each pipeline a run, an older run with another seed, and one killed in the middle."""
    folder = tmp_path_factory.mktemp("resume")
    (folder / "bikes.csv").write_text(simulate_hours().head(24 * 35).to_csv(index=False))
    (folder / "sentiment.csv").write_text(to_csv(row for row, _ in zip(simulate_reviews(), range(400), strict=False)))
    for pipeline in MAIN:
        assert train(pipeline, folder, folder / pipeline / "whole")[0] == 0
        assert train(pipeline, folder, folder / pipeline / "older", "--seed", 1)[0] == 0
        assert signalled(pipeline, 8, "SIGKILL", folder, folder / pipeline / "killed")[0] == -signal.SIGKILL
    return folder


@pytest.fixture
def run(tmp_path):
    return tmp_path / "run"


@both
def test_fault_18_killed_again_and_again_it_ends_in_the_same_bytes(pipeline, folder, run):
    moments, kills, code = random.Random(pipeline), 0, None
    shutil.copytree(folder / pipeline / "older", run)
    finished, older = (content(folder / pipeline / name) for name in ("whole", "older"))
    while code != 0:
        resume = ["--resume"] if (run / CHECKPOINT).exists() else []
        code, errors = signalled(pipeline, moments.randint(8, 24), "SIGKILL", folder, run, *resume)
        assert code in (0, -signal.SIGKILL), errors
        kills += code != 0
        assert kills < 10, "a training that starts over each time never ends"
        assert (run / MODEL).read_bytes() in (older[MODEL], finished[MODEL])
    assert kills >= 2
    assert content(run) == finished  # nothing is left over either


@both
def test_fault_17_ctrl_c_keeps_a_model_and_a_checkpoint_to_go_on_from(pipeline, folder, run):
    shutil.copytree(folder / pipeline / "older", run)
    code, errors = signalled(pipeline, 13, "SIGINT", folder, run)
    assert code == 130
    *_, kept, last = errors.splitlines()
    assert last == "interrupted"
    assert kept.startswith(f"kept the checkpoint in {run} (go on by `{pipeline} train --resume`")
    assert "Traceback" not in errors
    left = content(run)
    assert {name: left[name] for name in (MODEL, "history.csv")} == content(folder / pipeline / "older")
    epochs = left["unfinished/history.csv"].count(b"\n") - 1
    assert f"after {epochs} epochs: " in kept
    model = KIND[pipeline].load(run / "unfinished" / MODEL)
    assert model.settings["unfinished"]
    states = Checkpoint(run, pipeline, resume=True).states
    assert [len(state["history"]) for name, state in states.items() if name in ("measured", "measured.0")] == [epochs]
    evaluated = ["evaluate", "--run", str(run / "unfinished"), "--data", str(folder / f"{pipeline}.csv")]
    assert CliRunner().invoke(MAIN[pipeline], evaluated).exit_code == 0
    assert train(pipeline, folder, run, "--resume")[0] == 0
    assert content(run).items() >= content(folder / pipeline / "whole").items()
    assert not (run / CHECKPOINT).exists()
    assert not (run / "unfinished").exists()


def test_fault_17_ctrl_c_before_the_first_epoch_ends_at_once(folder, run):
    code, errors = signalled("bikes", 1, "SIGINT", folder, run)
    assert (code, errors.splitlines()[-1]) == (130, "interrupted")
    assert "Traceback" not in errors
    assert not run.exists()


def test_fault_17_a_second_ctrl_c_quits_at_once(folder, run):
    slow = "import time\nfirst = Training.run_epoch\nTraining.run_epoch = lambda self, *given: ("
    slow += "time.sleep(60 if self.history else 0), first(self, *given))[1]\n"
    code = SIGNALLED.replace("pipeline, moment", slow + "pipeline, moment")
    command = [sys.executable, "-c", code, "sentiment", "0", "none", *arguments("sentiment", folder, run)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as training:
        assert training.stderr.readline().startswith("epoch 1 of ")
        training.send_signal(signal.SIGINT)
        assert any("Ctrl-C again quits at once" in line for line in training.stderr)
        training.send_signal(signal.SIGINT)
        assert training.wait(timeout=30) == -signal.SIGINT  # which a shell calls 130


def test_fault_17_what_is_kept_are_the_best_weights():
    rng = np.random.default_rng(0)
    X, y, unseen = rng.normal(size=(30, 5)), rng.normal(size=30), (rng.normal(size=(90, 5)), rng.normal(size=90))
    kept = Checkpoint()

    def interrupt(training):
        kept.stopped = len(training.history) == 40

    model = TwoLayerRegressor(epochs=100, learning_rate=0.3)
    model.fit(X, y, validation=unseen, on_epoch=kept.after_epoch("a", interrupt))
    losses = [row["validation_loss"] for row in model.history_]
    assert len(losses) == 40
    assert min(losses) < losses[-1]
    assert model.network_.mean_loss(np.float32(unseen[0]), np.float32(unseen[1])[:, np.newaxis]) == min(losses)
    resumed = TwoLayerRegressor(epochs=100, learning_rate=0.3).fit(X, y, None, unseen, resume_from=kept.states["a"])
    straight = TwoLayerRegressor(epochs=100, learning_rate=0.3).fit(X, y, None, unseen)
    np.testing.assert_array_equal(resumed.network_.parameters, straight.network_.parameters)


@both
def test_fault_19_resuming_with_other_settings_or_data_is_refused(pipeline, folder, run, tmp_path):
    shutil.copytree(folder / pipeline / "killed", run)
    before, units = content(run), {"bikes": 24, "sentiment": 2}[pipeline]
    code, error = train(pipeline, folder, run, "--resume", "--hidden-units", 10, "--seed", 3)
    assert code == 1
    assert f"hidden_units: {units} in the checkpoint, 10 now; seed: 0 in the checkpoint, 3 now; give the same" in error
    text = (folder / f"{pipeline}.csv").read_text()
    changed = {"bikes": (",0.46,", ",0.45,"), "sentiment": ("film", "movie")}[pipeline]
    (tmp_path / f"{pipeline}.csv").write_text(text.replace(*changed, 1))
    code, error = train(pipeline, tmp_path, run, "--resume")
    assert code == 1
    assert re.search(r"another training: data_sha256: [0-9a-f]{64} in the checkpoint, [0-9a-f]{64} now; give", error)
    assert content(run) == before


@both
def test_fault_19_without_a_whole_checkpoint_nothing_is_resumed(pipeline, folder, run):
    assert train(pipeline, folder, run, "--resume") == (
        1,
        f"Error: nothing to resume in {run}: it has no checkpoint.safetensors; leave out --resume",
    )
    other = {"bikes": "sentiment", "sentiment": "bikes"}[pipeline]
    whole, others = (folder / name / "killed" / CHECKPOINT for name in (pipeline, other))
    run.mkdir()
    for wrong, words in (
        (whole.read_bytes()[:-1], f"damaged or not a model: train a new one with `{pipeline} train`"),
        (others.read_bytes(), f"is a model of `{other} checkpoint`, not of `{pipeline} checkpoint`"),
        ((folder / pipeline / "whole" / MODEL).read_bytes(), f"is a model of `{pipeline}`, not of `{pipeline} check"),
    ):
        (run / CHECKPOINT).write_bytes(wrong)
        code, error = train(pipeline, folder, run, "--resume")
        assert code == 1
        assert words in error
        assert content(run) == {CHECKPOINT: wrong}


def test_fault_19_the_model_file_names_its_data(folder):
    def bikes_sha256(hours):
        return train_bikes(split(hours, 7, 7), BikesSettings(epochs=1, members=1)).settings["data_sha256"]

    def sentiment_sha256(texts, labels):
        return train_sentiment([Reviews(texts, labels)], Settings(epochs=1, min_count=1)).settings["data_sha256"]

    hours = read_hours(folder / "bikes.csv")
    assert bikes_sha256(hours) == BikesModel.load(folder / "bikes" / "whole" / MODEL).settings["data_sha256"]
    assert bikes_sha256(hours) != bikes_sha256(hours.assign(hum=hours.hum.where(hours.index != 800, 0.5)))
    texts, labels = [f"{text} {i}" for i in range(20) for text in ("good fun", "bad plot")], [1, 0] * 20
    known = sentiment_sha256(texts, labels)
    assert known == sentiment_sha256(list(texts), list(labels))
    assert known != sentiment_sha256(texts, labels[::-1])
    assert known != sentiment_sha256(["good", "fun bad plot", *texts[2:]], labels)


@both
def test_fault_16_whatever_write_fails_the_model_is_the_old_or_the_new_one(pipeline, folder, run, monkeypatch):
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    short = ["--epochs", 1, *(["--members", 1] if pipeline == "bikes" else [])]
    assert train(pipeline, folder, run, *short)[0] == 0
    new, older = content(run), content(folder / pipeline / "older")
    for failing in range(1, 100):
        shutil.rmtree(run)
        shutil.copytree(folder / pipeline / "older", run)
        with monkeypatch.context() as patched:
            done = fail_at(failing, patched)
            code, error = train(pipeline, folder, run, *short)
        left = content(run)
        assert left[MODEL] in (older[MODEL], new[MODEL])
        KIND[pipeline].load(run / MODEL)
        assert not [name for name in left if name.endswith(".tmp")]
        if done["operations"] < failing:
            break
        assert code == 1
        assert re.match(r"Error: cannot write .*: No space left on device; choose another folder", error)
    assert (code, left) == (0, new)
    assert failing > 3 * 3  # write, fsync and rename of a checkpoint at least, of the history and of the model


def fail_at(number, patched):
    """Let the operation of this number fail for want of space: a write (after its first half), an fsync or a rename."""
    done = {"operations": 0}

    def count():
        done["operations"] += 1
        if done["operations"] == number:
            raise OSError(errno.ENOSPC, "No space left on device")

    def counted(function):
        def call(*given):
            count()
            return function(*given)

        return call

    def opened(path, mode):
        file = open(path, mode, buffering=0)

        class Halting:
            __enter__, __exit__ = (lambda self: self), (lambda self, *_: file.close())
            flush, fileno = file.flush, file.fileno

            def write(self, content):
                file.write(content[: len(content) // 2])
                count()
                file.write(content[len(content) // 2 :])

        return Halting()

    patched.setattr(files, "open", opened, raising=False)
    patched.setattr(os, "fsync", counted(os.fsync))
    patched.setattr(os, "replace", counted(os.replace))
    return done


def test_fault_16_what_a_killed_process_of_the_same_number_left_is_no_obstacle(tmp_path):
    (tmp_path / f".a.{os.getpid()}.tmp").write_text("half")
    files.write_atomically(tmp_path / "a", b"whole")
    assert content(tmp_path) == {"a": b"whole"}


@both
@pytest.mark.parametrize(("largest", "every", "epochs"), [(1000, 0.0, 0), (4500, 0.0, 1), (4500, math.inf, None)])
def test_fault_20_a_full_disk_leaves_the_old_model(pipeline, folder, run, monkeypatch, largest, every, epochs):
    """Files of at most `largest` bytes: too few for any, for the checkpoint, for the model."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(checkpoint, "EVERY", every)
    shutil.copytree(folder / pipeline / "older", run)
    before, (soft, hard) = content(run), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    try:
        result = CliRunner().invoke(MAIN[pipeline], arguments(pipeline, folder, run))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    *shown, last = result.stderr.splitlines()
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.fullmatch(r"Error: cannot write .*: File too large; choose another folder with --run .*", last)
    assert len(shown) <= epochs if epochs is not None else len(shown) == int(OPTIONS[pipeline][-1])
    assert content(run) == before


def test_fault_20_a_run_folder_that_cannot_be_made_is_told_before_anything_is_read(tmp_path):
    (tmp_path / "file").write_text("")
    code, output, errors = run_command("bikes", "train", "--data", "nowhere", "--run", "file/run", cwd=tmp_path)
    assert (code, output) == (1, "")
    assert errors.startswith("Error: cannot write file/run: Not a directory; choose another folder with --run")
    assert run_command("bikes", "train", "--data", "nowhere", "--run", "new/run", cwd=tmp_path)[0] == 1
    assert not (tmp_path / "new").exists()


def test_checkpoints_are_refused_as_models(folder):
    for pipeline, kind in KIND.items():
        with pytest.raises(ProjectError, match=f"is a model of `{pipeline} checkpoint`, not of `{pipeline}`"):
            kind.load(folder / pipeline / "killed" / CHECKPOINT)
