"""Stopping a training and going on from there: the state of each of its fits, in one file written as training goes.

Each fit has a name and starts from its state in the checkpoint, if it has one. A state knows whether its fit is
finished, so that nothing is trained twice; all else (reading, counting, scaling) is done again, and comes out the same.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from projects.common.errors import ProjectError
from projects.common.model_file import check_arrays, check_settings, load_model, save_model

CHECKPOINT = "checkpoint.safetensors"
ARRAYS = ("parameters", "velocity", "best_parameters")  # of a state, all of one size
EVERY = 5.0  # seconds of training that may be lost


class SavedState(msgspec.Struct):
    """What the file has of a fit's state, beside its arrays."""

    best_loss: float
    best_epoch: Annotated[int, msgspec.Meta(ge=0)]
    history: list[dict[str, float]]
    diverged: bool
    generator: dict[str, Any]


class SavedCheckpoint(msgspec.Struct):
    """What must be in a checkpoint."""

    settings: dict[str, Any]
    states: dict[str, SavedState]


class Checkpoint:
    """The states of a training's fits by name, on disk in the folder `run`; without one, in memory only.

    stopped: Ctrl-C was pressed, and what follows is a model from what there is. Fits may run in several threads.
    Raises ProjectError where there is nothing to resume, or it is damaged.
    """

    def __init__(self, run: Path | None = None, pipeline: str = "", resume: bool = False) -> None:
        self.path = run and run / CHECKPOINT
        self.kind = f"{pipeline} checkpoint"
        self.states: dict[str, dict[str, Any]] = {}
        self.settings: dict[str, Any] | None = None
        self.begun = False  # whether there is an epoch to keep
        self.stopped = False
        self.resumed = False
        self.lock = threading.Lock()
        self.written = time.monotonic()
        if self.path and resume:
            if not self.path.exists():
                raise ProjectError(f"nothing to resume in {run}: it has no {CHECKPOINT}; leave out --resume")
            self.settings, self.states = read_states(self.path, self.kind)
            self.begun = self.resumed = True

    def start(self, settings: dict[str, Any]) -> None:
        """Note all that the training depends on. Raises ProjectError where what is resumed depended on other things."""
        now = json.loads(json.dumps(settings))  # as it would come back
        then = now if self.settings is None else self.settings
        differences = "; ".join(
            f"{name}: {then.get(name)} in the checkpoint, {now.get(name)} now"
            for name in sorted(then.keys() | now.keys())
            if then.get(name) != now.get(name)
        )
        if differences:
            raise ProjectError(f"{self.path} is of another training: {differences}; give the same, or no --resume")
        self.settings = now

    def after_epoch(self, name: str, report: Callable[[Any], None]) -> Callable[[Any], None]:
        """A callback for `fit(on_epoch=...)`: reports, keeps the state when it is time to, and stops when asked to."""
        kept = time.monotonic()

        def on_epoch(training: Any) -> None:
            nonlocal kept
            self.begun = True  # before it is reported: who sees the line may press Ctrl-C
            report(training)
            if training.finished or self.stopped or time.monotonic() - kept >= EVERY:
                kept = time.monotonic()
                with self.lock:
                    self.states[name] = training.state()
                    if kept - self.written >= EVERY and not self.stopped:
                        self.write()
            if self.stopped and not training.finished:
                training.stop()

        return on_epoch

    def write(self) -> None:
        """Put all states into the file, or leave the one that is there whole. Raises ProjectError."""
        arrays: dict[str, np.ndarray] = {}
        states: dict[str, Any] = {}
        for fit, state in self.states.items():
            states[fit] = {part: value for part, value in state.items() if not isinstance(value, np.ndarray)}
            arrays |= {f"{fit}/{part}": value for part, value in state.items() if isinstance(value, np.ndarray)}
        if self.path:
            save_model(self.path, self.kind, arrays, {"settings": self.settings, "states": states})
        self.written = time.monotonic()

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Within it Ctrl-C ends every fit after its epoch, or all at once if no epoch is done; a second one quits."""

        def on_interrupt(*_: Any) -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            self.stopped = True
            if not self.begun:
                os.write(2, b"\nnothing is kept: no epoch was done yet; what was in the run folder stays\n")
                raise KeyboardInterrupt
            os.write(2, b"\nstopping after this epoch; Ctrl-C again quits at once\n")  # print is not for handlers

        before = signal.signal(signal.SIGINT, on_interrupt)
        try:
            yield
        except (ValueError, KeyError, TypeError) as error:
            if not self.resumed:
                raise
            reason = f"{self.path} does not fit this training ({error})"
            raise ProjectError(f"{reason}: leave out --resume") from error
        finally:
            signal.signal(signal.SIGINT, before)


def read_states(path: Path, kind: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The settings of a checkpoint, and the state of each of its fits, by name.

    Raises ProjectError where something is missing, of another kind, or there without need.
    """
    arrays, saved = load_model(path, kind)
    check_settings(path, saved, SavedCheckpoint)
    states: dict[str, dict[str, Any]] = saved["states"]
    for name, array in arrays.items():
        fit, _, part = name.partition("/")
        if fit not in states or part not in ARRAYS:
            raise ProjectError(f"{path} has a stray array {name}: leave out --resume")
        states[fit][part] = array
    for fit in states:
        shapes = {f"{fit}/{part}": ("float", "parameters") for part in ARRAYS}
        check_arrays(path, arrays, shapes.items())
    return saved["settings"], states
