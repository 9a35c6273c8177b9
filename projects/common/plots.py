"""One style for all pictures, and the picture that both pipelines draw: the loss curves."""

import functools
import io
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure

from projects.common.files import write_atomically
from projects.common.report import DRAWN_FROM
from projects.common.run_folder import fingerprint_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#8c8c8c"  # told apart by colour-blind readers (Okabe and Ito, 2008)
STYLE: Any = {
    "figure.dpi": 150,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "legend.frameon": False,
}
matplotlib.rcParams.update(STYLE)

UNDRAWN = "□"  # stands for a letter that the font lacks


def new_figure(width: float = 8.0, height: float = 4.0) -> tuple[Figure, "Axes"]:
    """A figure in the house style, without pyplot's global state; sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def drawable(text: str) -> str:
    """The text as the font can draw it: an emoji that it lacks by its name, ":thumbs up:", another character as □."""
    return "".join(character if has_glyph(character) else instead_of(character) for character in text)


@functools.cache
def has_glyph(character: str) -> bool:
    """Whether the font of the pictures has a form for this character."""
    font = font_manager.get_font(font_manager.findfont(font_manager.FontProperties()))
    return font.get_char_index(ord(character)) > 0


def instead_of(character: str) -> str:
    """The name of a symbol between colons; of a letter, whose name says nothing, a box."""
    is_symbol = unicodedata.category(character).startswith("S")
    name = unicodedata.name(character, "").lower().removesuffix(" sign")
    return f":{name}:" if is_symbol and name else UNDRAWN


def say_below(figure: Figure, line: str) -> None:
    """A small line at the foot of a picture: what it was drawn from."""
    figure.supxlabel(drawable(line), x=0.99, ha="right", fontsize=8, color=GREY)


def save_figure(figure: Figure, path: Path, simulated: bool, drawn_from: Collection[str] = ()) -> Path:
    """Write the figure as PNG, with SIMULATED DATA across it where that is what it shows.

    drawn_from: names of the files beside it that it shows; their fingerprint goes into the PNG, so that the page of the
    run can tell whether they are still the same.
    """
    if simulated:
        mark: Any = {"fontsize": 40, "color": GREY, "alpha": 0.3, "ha": "center", "va": "center", "rotation": 20}
        figure.text(0.5, 0.5, "SIMULATED DATA", **mark)
    buffer = io.BytesIO()
    source = {DRAWN_FROM: fingerprint_of(path.parent, drawn_from)} if drawn_from else {}
    figure.savefig(buffer, format="png", metadata={"Software": None, **source})
    write_atomically(path, buffer.getvalue())
    return path


def plot_losses(history: "pd.DataFrame", label: str) -> Figure:
    """Training and validation loss by epoch; `label` names the loss and its unit."""
    figure, axes = new_figure()
    axes.plot(history.epoch, history.training_loss, color=BLUE, marker=".", label="training (while learning)")
    title = f"The training loss fell to {history.training_loss.iloc[-1]:.3f}"
    if history.validation_loss.notna().all():
        last, best = history.iloc[-1], history.loc[history.validation_loss.idxmin()]
        axes.plot(history.epoch, history.validation_loss, color=ORANGE, marker=".", label="validation (unseen rows)")
        title = f"After all {last.epoch:.0f} epochs the validation loss is {last.validation_loss:.3f}"
        if best.epoch < last.epoch:
            title += f" (lowest: {best.validation_loss:.3f}, after epoch {best.epoch:.0f})"
    axes.set(xlabel="epoch (times through the training rows)", ylabel=label, title=title, ylim=(0, None))
    axes.legend()
    return figure
