"""What texts say: a bag of n-grams and a two-layer network. `sentiment` on the command line; here from Python.

from projects.sentiment import load, train

model = train(["a fine film", …], ["good", …])          # texts and labels,
model = train(table, text_column="body", epochs=20)     # or a pandas DataFrame, or the path of a table
model.predict("not bad at all", unsure=0.8)             # Answer(label=…, probability=…)
model.save("model.safetensors")
load("model.safetensors").predict(table)                # a DataFrame with the same index
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from projects.sentiment.model import SentimentModel


def train(
    texts: Any,
    labels: Sequence[Any] | str | None = None,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    unlabelled: Sequence[str] = (),
    **settings: Any,
) -> "SentimentModel":
    """A model of the labels of texts, fitted after another one was measured on a tenth of them.

    texts: with `labels`, as many of these; without, a table: a pandas DataFrame, or the path of any table that
    `sentiment train` reads, whose test rows are left out; `labels` may then be a text that says which of its labels
    are joined: "1,2=negative 4,5=positive". unlabelled: more texts to learn from, see
    `projects.sentiment.self_training`.
    settings: those of `projects.sentiment.settings.Settings`.
    Raises ProjectError for data, ValueError for settings that will not do.
    """
    from projects.common.errors import ProjectError
    from projects.common.table import is_missing
    from projects.sentiment.data import Source, Texts, files_of, from_frame, labelled_texts
    from projects.sentiment.layout import Layout, parse_label_map
    from projects.sentiment.settings import Settings
    from projects.sentiment.training import train as train_on

    chosen = Settings(**settings)
    label_map = parse_label_map(labels) if isinstance(labels, str) else ()
    layout = Layout(text_column, label_column, label_map=label_map)
    sources: list[Source]
    if labels is not None and not label_map:
        sources = [labelled_texts(texts, labels)]
    elif isinstance(texts, str | Path):
        sources = [*files_of(Path(texts), layout)]
    elif hasattr(texts, "columns"):
        sources = [from_frame(texts, layout)]
    else:
        raise ProjectError("texts need labels, one for each; or give a DataFrame or the path of a table")
    beside = [Texts([str(text) for text in unlabelled if not is_missing(text)])] if len(unlabelled) else []
    return train_on(sources, chosen, unlabelled=beside)


def load(path: str | Path) -> "SentimentModel":
    """The model in a file that `save` or `sentiment train` wrote. Raises ProjectError."""
    from projects.sentiment.model import SentimentModel

    return SentimentModel.load(path)
