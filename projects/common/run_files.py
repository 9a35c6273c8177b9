"""The files of a run: what commands write into its folder, and read again."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projects.common import progress
from projects.common.errors import ProjectError
from projects.common.files import cannot_write, leftovers, refuse_pipe, write_atomically
from projects.common.progress import HISTORY, save_history
from projects.common.run_folder import METRICS, MODEL, REPORT, UNFINISHED

if TYPE_CHECKING:
    import pandas as pd

    from projects.common.checkpoint import Checkpoint


def forget(run: Path, *names: str) -> None:
    """Remove what was derived from an earlier model of this run, so that nobody takes it for the new one's."""
    try:
        for name in names:
            (run / name).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(run, error) from error


def save_training(run: Path, pipeline: str, model: Any, checkpoint: "Checkpoint", measured: str, *stale: str) -> None:
    """Save the model and the history of the fit named `measured`; remove what was derived from an older model.

    Of an interrupted training they go to a folder of their own, beside the checkpoint and whatever was there before;
    then it goes on as an interruption.
    """
    history, unfinished = checkpoint.states[measured]["history"], run / UNFINISHED
    progress.enter("saving")
    if model.settings["unfinished"]:
        checkpoint.write()
        save_history(unfinished / HISTORY, history)
        model.save(unfinished / MODEL)
        progress.say(
            f"kept the checkpoint in {run} (go on by `{pipeline} train --resume` with the same options) and in "
            f"{unfinished} the model that was measured, after {len(history)} epochs: {model!r}"
        )
        raise KeyboardInterrupt
    save_finished_model(run, model, history, *stale)


def saved_in_words(run: Path, replaced: bool) -> str:
    """Where the model is, and whether there was another one before."""
    return f"model: {run / MODEL}" + (
        " (in the place of an earlier one, whose scores, pictures and page are gone, too; --run keeps several apart)"
        if replaced
        else ""
    )


def save_finished_model(run: Path, model: Any, history: list[dict[str, Any]], *stale: str) -> None:
    """Save a finished model with its history, in the place of all that earlier trainings left in the run folder."""
    from projects.common.checkpoint import CHECKPOINT

    unfinished = run / UNFINISHED
    model.save(run / MODEL)  # first: if it does not fit on the disk, all that was there stays
    forget(run, HISTORY, METRICS, REPORT, *stale)
    save_history(run / HISTORY, history)
    forget(unfinished, MODEL, HISTORY, METRICS, REPORT, *stale)
    with suppress(OSError):
        unfinished.rmdir()
    forget(run, CHECKPOINT, *(left.name for name in (MODEL, HISTORY, CHECKPOINT) for left in leftovers(run / name)))


def write_json(path: Path, value: dict[str, Any]) -> None:
    write_atomically(path, (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file that this program wrote; to be read inside `own_file`."""
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


def read_table(path: Path) -> "pd.DataFrame":
    """A CSV table that this program wrote; to be read inside `own_file`."""
    import pandas as pd

    return pd.read_csv(path, keep_default_na=path.name == HISTORY)  # elsewhere an empty cell is the text ""


@contextmanager
def own_file(path: Path, advice: str) -> Iterator[None]:
    """For reading and drawing a file that an earlier command wrote: ProjectError with the advice if it can't be."""
    refuse_pipe(path)
    try:
        yield
    except OSError as error:
        raise ProjectError(f"cannot read {path}: {advice}") from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ProjectError(f"{path} is not as it was written ({error!r}): {advice}") from error
