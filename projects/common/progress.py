"""What training shows while it runs, and the history file it leaves behind."""

import csv
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from projects.common.errors import ProjectError
from projects.common.files import write_atomically

HISTORY = "history.csv"
COLUMNS = ("epoch", "learning_rate", "training_loss", "validation_loss")


@contextmanager
def report_epochs(quiet: bool = False) -> Iterator[Callable[[Any], None]]:
    """A callback for `fit(on_epoch=...)`: a bar (terminal) or a line for each epoch (else), or neither (quiet).

    The callback raises ProjectError once the loss is no longer a number.
    """
    from tqdm import tqdm

    terminal = sys.stderr.isatty()
    with tqdm(unit=" epochs", disable=quiet or not terminal, file=sys.stderr) as bar:

        def on_epoch(training: Any) -> None:
            epochs = training.settings.epochs
            bar.total = epochs
            row = training.history[-1]
            refuse_divergence(training)
            losses = {name: f"{row[name]:.4f}" for name in COLUMNS[2:] if name in row}
            bar.update(row["epoch"] - bar.n)
            bar.set_postfix(losses)
            if not terminal and not quiet:
                words = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in losses.items())
                print(f"epoch {row['epoch']} of {epochs}: {words}", file=sys.stderr, flush=True)

        yield on_epoch


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
        print(f"{learned}; {advice}", file=sys.stderr, flush=True)


def refuse_divergence(training: Any) -> None:
    """A callback for `fit(on_epoch=...)` that raises ProjectError once the loss is no longer a number."""
    if training.diverged:
        rate = f"--learning-rate ({training.settings.learning_rate:g})"
        raise ProjectError(f"the loss is no longer a number in epoch {len(training.history)}: lower {rate}")
