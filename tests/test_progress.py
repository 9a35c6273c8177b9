"""The bar over all phases: what it says on a terminal, and how near its estimate is to the truth."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios

import pytest

from projects.bikes.sample import simulate_hours
from projects.common.checkpoint import CHECKPOINT
from projects.common.cli_output import to_csv
from projects.common.progress import Progress
from projects.sentiment.sample import simulate_reviews

pytestmark = pytest.mark.slow

BAR = re.compile(r"\r([a-z0-9 ]+): +(\d+)%\|")
DATA = {"sentiment": lambda: to_csv(row for row, _ in zip(simulate_reviews(), range(400), strict=False)),
        "bikes": lambda: simulate_hours().head(24 * 35).to_csv(index=False)}  # fmt: skip
OPTIONS = {
    "sentiment": ["--epochs", "6"],
    "bikes": ["--validation-days", "7", "--test-days", "7", "--members", "2", "--epochs", "3"],
}
PHASES = {
    "sentiment": ["reading", "counting", "fit 1 of 2", "fit 2 of 2", "saving"],
    "bikes": ["reading", "fit 1 of 2", "fit 2 of 2", "saving"],
}
both = pytest.mark.parametrize("pipeline", ["bikes", "sentiment"])

# Runs a command that draws each change, keeps each epoch, and gets a signal just before its n-th epoch.
COMMAND = """
import importlib, itertools, os, signal, sys
from nn.training import Training
from projects.common import checkpoint, progress

pipeline, moment, name, *arguments = sys.argv[1:]
checkpoint.EVERY, progress.REFRESH = 0.0, 0.0
count, first = itertools.count(1), Training.run_epoch

def run_epoch(*given):
    if next(count) == int(moment):
        os.kill(os.getpid(), getattr(signal, name))
    return first(*given)

Training.run_epoch = run_epoch
importlib.import_module(f"projects.{pipeline}.cli").main(arguments)
"""


class Clock:
    """A time that a test lets pass."""

    time = 0.0

    def __call__(self):
        return self.time


def on_terminal(pipeline, folder, *more, moment=0, name="SIGKILL"):
    """A `train` on a terminal of its own: (exit code, what was on the terminal)."""
    data = folder / f"{pipeline}.csv"
    if not data.exists():
        data.write_text(DATA[pipeline]())
    arguments = ["train", "--data", str(data), "--run", str(folder / "run"), *OPTIONS[pipeline], *more]
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    command = [sys.executable, "-c", COMMAND, pipeline, str(moment), name, *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 1 << 16)
            except OSError:  # how Linux says that nobody has the terminal open
                break
            if not piece:
                break
            seen += piece
    os.close(ours)
    return process.returncode, seen.decode()


@both
def test_one_bar_goes_through_all_phases_and_never_back(pipeline, tmp_path):
    code, seen = on_terminal(pipeline, tmp_path, "--epochs", "30")  # or on a busy machine reading is nearly all of it
    assert code == 0, seen
    found = BAR.findall(seen)
    shares = [int(share) for _, share in found]
    assert list(dict.fromkeys(name for name, _ in found)) == PHASES[pipeline]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 100)
    assert len(set(shares)) > 5
    assert re.search(r"\d s left, training loss 0\.\d{4}, validation loss 0\.\d{4}", seen)
    assert "epoch 1 of" not in seen
    after = seen[seen.rindex("saving: 100%") :]
    assert "\r\n" in after
    assert "model: " in after


@both
def test_quiet_shows_no_bar(pipeline, tmp_path):
    code, seen = on_terminal(pipeline, tmp_path, "--quiet")
    assert code == 0
    assert not BAR.search(seen)
    assert "\r" not in seen.replace("\r\n", "")


@both
def test_a_resumed_training_starts_where_it_was(pipeline, tmp_path):
    epochs = {"sentiment": 6 * 2, "bikes": 3 * 2 * 2}[pipeline]
    code, seen = on_terminal(pipeline, tmp_path, moment=epochs - 1)
    assert code == -signal.SIGKILL
    assert (tmp_path / "run" / CHECKPOINT).exists()
    first_run = max(int(share) for _, share in BAR.findall(seen))
    code, seen = on_terminal(pipeline, tmp_path, "--resume")
    assert code == 0, seen
    found = BAR.findall(seen)
    shares = [int(share) for _, share in found]
    assert shares == sorted(shares)
    of_fits = [int(share) for name, share in found if name.startswith("fit")]
    assert of_fits[0] > 40
    assert first_run > 40
    assert shares[-1] == 100


@both
def test_fault_17_ctrl_c_before_the_first_epoch_says_that_nothing_is_kept(pipeline, tmp_path):
    code, seen = on_terminal(pipeline, tmp_path, moment=1, name="SIGINT")
    assert code == 130
    lines = [line.strip() for line in seen.replace("\r", "\n").splitlines() if line.strip()]
    assert "nothing is kept: no epoch was done yet; what was in the run folder stays" in lines
    assert lines[-1] == "interrupted"
    assert "Traceback" not in seen
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("slowness", [0.3, 1.0, 4.0])
@pytest.mark.parametrize(("a", "b", "c"), [(4, 2, 5), (3, 2.6, 6.5), (5.2, 1.6, 4)])
def test_from_a_quarter_on_the_estimate_is_within_a_factor_of_two(slowness, a, b, c):
    """Phases take up to 1.3 times more or less than what is expected of them, on any machine."""
    clock = Clock()
    progress = Progress({"a": 4, "b": 2, "c": 5}, clock)
    total = slowness * (a + b + c)
    shares = [0.0]
    for name, seconds in {"a": a, "b": b, "c": c}.items():
        progress.enter(name, total=40)
        for _ in range(40):
            clock.time += slowness * seconds / 40
            progress.advance()
            shares.append(progress.share_done())
            left = total - clock.time
            if clock.time >= total / 4:
                assert 0.5 * left - 0.5 <= progress.seconds_left() <= 2 * left + 0.5
    progress.finish()
    assert shares == sorted(shares)
    assert progress.share_done() == 1
    assert progress.seconds_left() == 0


def test_what_an_earlier_process_did_is_not_taken_for_speed():
    clock = Clock()
    progress = Progress({"reading": 1, "fits": 9}, clock)
    progress.already("fits", 0.5)
    assert progress.share_done() == pytest.approx(4.5 / 10)
    progress.enter("reading")
    clock.time = 1
    progress.enter("fits", total=100)
    clock.time += 0.09 * 10  # ten more of a hundred, as fast as expected
    progress.advance(10)
    assert progress.seconds_left() == pytest.approx(9 * 0.4, rel=0.01)
    assert progress.share_done() == pytest.approx(0.1 + 0.9 * 0.6, rel=0.01)


def test_phases_may_be_left_out_and_unknown_ones_change_nothing():
    clock = Clock()
    progress = Progress({"a": 1, "b": 1, "c": 1}, clock)
    progress.enter("nothing")
    progress.advance(5)
    assert progress.seconds_left() == pytest.approx(3)
    progress.enter("a")
    clock.time = 1
    progress.enter("c")
    assert progress.seconds_left() == pytest.approx(1)
