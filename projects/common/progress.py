"""What training shows while it runs: one bar over all its phases, or lines; and the history file it leaves behind.

A process has one terminal, and so one bar: whoever does a piece of the work calls `advance`, wherever it is called
from. In a process that shows no bar, such as a worker elsewhere, that does nothing.
"""

import csv
import io
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projects.common.errors import ProjectError
from projects.common.files import write_atomically
from projects.common.terminal import tell

HISTORY = "history.csv"
COLUMNS = ("epoch", "learning_rate", "training_loss", "validation_loss")
A_LITTLE = 0.3  # seconds from which nothing is concluded about the machine
REFRESH = 0.1  # seconds between two pictures of a bar


@dataclass
class Phase:
    """A part of the work."""

    expected: float  # seconds that all of it takes, on some machine
    total: float = 1.0  # units of work
    before: float = 0.0  # of these, done by an earlier process
    done: float = 0.0  # and by now, those included
    seconds: float = 0.0  # that it took here

    @property
    def share(self) -> float:
        return min(1.0, self.done / self.total)

    @property
    def expected_here(self) -> float:
        """Seconds that are expected of what this process does of it."""
        return self.expected * (1 - self.before / self.total)


class Progress:
    """How far the work is, and how long what is left will take.

    phases: by name, in order, the seconds that are expected of each. Only their ratios count in the end: how fast this
    machine is shows in what is done.
    """

    def __init__(self, phases: Mapping[str, float] | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self.phases = {name: Phase(expected) for name, expected in (phases or {}).items()}
        self.now = now
        self.name = ""
        self.label = ""  # of the phase, for people
        self.entered = self.started = now()
        self.furthest = 0.0
        self.lock = threading.RLock()

    def expect(self, name: str, seconds: float) -> None:
        """Know better what to expect of a phase."""
        with self.lock:
            if name in self.phases:
                self.phases[name].expected = seconds

    def already(self, name: str, share: float) -> None:
        """An earlier process has done this share of a phase."""
        with self.lock:
            if name in self.phases:
                phase = self.phases[name]
                phase.before = phase.done = share * phase.total

    def enter(self, name: str, label: str = "", total: float = 1.0) -> None:
        """Begin a phase, of so many units; the one before is done."""
        with self.lock:
            if name in self.phases:
                self._leave()
                for earlier in self.phases.values():
                    if earlier is self.phases[name]:
                        break
                    earlier.done = earlier.total  # or left out
                phase = self.phases[name]
                phase.before *= total / phase.total
                phase.total, phase.done = total, phase.before
                self.name, self.label, self.entered = name, label or name, self.now()
                self.changed()

    def advance(self, units: float = 1.0) -> None:
        """So much more of the phase is done."""
        with self.lock:
            if self.name:
                self.phases[self.name].done += units
                self.changed()

    def finish(self) -> None:
        """All is done."""
        with self.lock:
            self._leave()
            self.furthest = 1.0
            self.changed()

    def _leave(self) -> None:
        if self.name:
            phase = self.phases[self.name]
            phase.seconds = self.now() - self.entered
            phase.done = phase.total

    def changed(self) -> None:
        """Called after each change, to be overridden."""

    def seconds_left(self) -> float:
        """The estimate: what is expected of the rest, times how much slower this machine has been so far."""
        left = 0.0
        for name, phase in self.phases.items():
            to_do = 1 - phase.share
            if name != self.name:
                left += to_do * phase.expected * self._slowness()
                continue
            spent = self.now() - self.entered
            done_here = (phase.done - phase.before) / phase.total
            whole = phase.expected * self._slowness()
            if done_here > 0:  # the more of it is done, the more its own pace counts
                whole = phase.share * min(spent / done_here, 10 * whole) + to_do * whole
            left += to_do * whole
        return left

    def _slowness(self) -> float:
        """Seconds here for a second that was expected; 1 until something was done."""
        spent = expected = 0.0
        for name, phase in self.phases.items():
            if name == self.name:
                spent += self.now() - self.entered
                expected += phase.expected * (phase.done - phase.before) / phase.total
            elif phase.seconds:
                spent += phase.seconds
                expected += phase.expected_here
        a_little = A_LITTLE + 0.02 * sum(phase.expected for phase in self.phases.values())
        return (spent + a_little) / (expected + a_little)

    def share_done(self) -> float:
        """How much of the work is done, in time, 0 to 1; it never falls. What an earlier process did is in it."""
        before = sum(phase.expected * phase.before / phase.total for phase in self.phases.values())
        done = self.now() - self.started + before * self._slowness()
        self.furthest = max(self.furthest, done / max(1e-9, done + self.seconds_left()))
        return self.furthest


class Bar(Progress):
    """Progress as a bar on the terminal."""

    def __init__(self, phases: Mapping[str, float]) -> None:
        from tqdm import tqdm

        super().__init__(phases)
        form = "{desc}: {percentage:3.0f}%|{bar}|"
        self.bar = tqdm(desc=next(iter(phases)), total=1.0, file=sys.stderr, bar_format=form, dynamic_ncols=True)
        self.losses = ""
        self.drawn = 0.0

    def changed(self) -> None:
        if self.now() - self.drawn >= REFRESH or self.furthest == 1:
            self.draw()

    def draw(self) -> None:
        share = self.share_done()
        left = "" if share == 1 else f", {in_words(self.seconds_left())} left"
        words = f"{in_words(self.now() - self.started)}{left}{self.losses}"
        self.bar.bar_format = f"{self.label}: {{percentage:3.0f}}%|{{bar}}| {words}"
        self.bar.n = share
        self.bar.refresh()
        self.drawn = self.now()

    def close(self) -> None:
        self.bar.close()


def in_words(seconds: float) -> str:
    """Seconds, and from two minutes on minutes."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


current = Progress()  # of this process


def expect(name: str, seconds: float) -> None:
    current.expect(name, seconds)


def already(name: str, share: float) -> None:
    current.already(name, share)


def enter(name: str, label: str = "", total: float = 1.0) -> None:
    current.enter(name, label, total)


def advance(units: float = 1.0) -> None:
    current.advance(units)


def relabel(label: str) -> None:
    """Call the phase otherwise from now on."""
    with current.lock:
        current.label = label
        current.changed()


def say(message: str) -> None:
    """A line on stderr; a bar moves down."""
    if isinstance(current, Bar):
        current.bar.clear()
    tell(message)


@contextmanager
def watched(progress: Progress) -> Iterator[None]:
    """Let this be the progress of the process, within."""
    global current
    before, current = current, progress
    try:
        yield
    finally:
        current = before


@contextmanager
def report_epochs(phases: Mapping[str, float], quiet: bool = False) -> Iterator[Callable[[Any], None]]:
    """A callback for `fit(on_epoch=...)`: a bar over all phases (terminal), a line for each epoch (else), or neither.

    phases: see `Progress`; the first one is entered at once. The callback raises ProjectError once the loss is no
    longer a number.
    """
    bar = Bar(phases) if sys.stderr.isatty() and not quiet else None

    def on_epoch(training: Any) -> None:
        row = training.history[-1]
        refuse_divergence(training)
        losses = {name.replace("_", " "): f"{row[name]:.4f}" for name in COLUMNS[2:] if name in row}
        if bar is not None:
            bar.losses = "".join(f", {name} {value}" for name, value in losses.items())
        elif not quiet:
            words = ", ".join(f"{name} {value}" for name, value in losses.items())
            print(f"epoch {row['epoch']} of {training.settings.epochs}: {words}", file=sys.stderr, flush=True)

    if bar is None:
        yield on_epoch
        return
    with watched(bar):
        try:
            enter(next(iter(phases)))
            yield on_epoch
            bar.finish()
        finally:
            bar.close()


def save_history(path: Path, history: list[dict[str, Any]]) -> None:
    """Write the rows, one an epoch, as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(history)
    write_atomically(path, text.getvalue().encode())


def warn_if_useless(training: Any, loss_of_mean: float) -> None:
    """One line on stderr where the training loss ends no lower than that of always answering the rows' mean."""
    loss = training.history[-1]["training_loss"]
    if loss >= loss_of_mean:
        rate = f"--learning-rate ({training.settings.learning_rate:g})"
        learned = f"nothing was learned: always answering the mean has a loss of {loss_of_mean:.4f}, this {loss:.4f}"
        advice = f"lower {rate}, or raise it if the loss has hardly moved"
        say(f"{learned}; {advice}")


def refuse_divergence(training: Any) -> None:
    """A callback for `fit(on_epoch=...)` that raises ProjectError once the loss is no longer a number."""
    if training.diverged:
        rate = f"--learning-rate ({training.settings.learning_rate:g})"
        raise ProjectError(f"the loss is no longer a number in epoch {len(training.history)}: lower {rate}")
