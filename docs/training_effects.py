"""Draw docs/training-effects.png: what each setting of training does, on rows made to show it.

Run from the top folder: python docs/training_effects.py
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from nn import TwoLayerRegressor
from projects.common.plots import BLUE, GREY, ORANGE, save_figure

COLOURS = (BLUE, ORANGE, GREY)


def wave(rows, noise, features=1, seed=0):
    """y = sin(2 x0) + noise, and further features that tell nothing."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, features))
    return X, np.sin(2 * X[:, 0]) + noise * rng.normal(size=rows)


def losses(rows, unseen=None, **settings):
    """Training losses, or losses on unseen rows, by epoch."""
    settings = {"hidden_units": 8, "epochs": 40, "learning_rate": 0.3, "batch_size": 20} | settings
    model = TwoLayerRegressor(**settings).fit(*rows, validation=unseen)
    return [row["validation_loss" if unseen else "training_loss"] for row in model.history_]


def curves(axes, title, lines, ylabel="training loss", log=True):
    for colour, (label, values) in zip(COLOURS, lines.items(), strict=False):
        axes.plot(range(1, len(values) + 1), values, color=colour, label=label)
    axes.set(title=title, xlabel="epoch", ylabel=ylabel, yscale="log" if log else "linear")
    axes.legend(fontsize=8)


def draw():
    clean, noisy = wave(400, 0.1), wave(400, 0.5)
    few, unseen = wave(100, 0.8, features=5), wave(2000, 0.0, features=5, seed=1)
    figure = Figure(figsize=(15, 10.5), layout="constrained")
    axes = iter(figure.subplots(3, 3).flat)

    curves(next(axes), "Momentum gets further in as many epochs",
           {f"momentum {m}": losses(clean, momentum=m, learning_rate=0.05) for m in (0.0, 0.9)})  # fmt: skip
    test = wave(2000, 0.0, seed=1)
    curves(next(axes), "A falling rate settles, a constant one rattles",
           {s: losses(noisy, test, schedule=s) for s in ("constant", "linear", "cosine")},
           "loss on unseen rows without noise")  # fmt: skip
    sizes = {"one by one": 1, "batches of 20": 20, "full batch": 400}
    curves(next(axes), "Small batches take more steps in an epoch",
           {label: losses(clean, batch_size=size, learning_rate=0.05, momentum=0.0)
            for label, size in sizes.items()})  # fmt: skip
    scales = {"scale 1: by fan-in": 1.0, "scale 0: all units stay alike": 0.0, "scale 300: saturated": 300.0}
    curves(next(axes), "Weights that start at 0 or too large fail",
           {label: losses(clean, weight_scale=scale) for label, scale in scales.items()})  # fmt: skip

    spoiled = clean[0], clean[1].copy()
    spoiled[1][7] = 1e6
    kept = np.arange(400) != 7

    def other_rows(training):
        return np.mean((training.network.predict(np.float32(clean[0]))[kept, 0] - clean[1][kept]) ** 2) / 2

    errors = {"no clipping": [], "clip_norm 1": []}
    for path, clip_norm in zip(errors.values(), (None, 1.0), strict=True):
        model = TwoLayerRegressor(hidden_units=8, epochs=40, learning_rate=0.3, batch_size=20, clip_norm=clip_norm)
        model.fit(*spoiled, on_epoch=lambda training, path=path: path.append(other_rows(training)))
    curves(next(axes), "Clipping survives one target of a million", errors, "loss on the other rows")

    shape = {"hidden_units": 40, "epochs": 400, "learning_rate": 0.05}
    curves(next(axes), "Dropout helps on rows not seen in training",
           {"none": losses(few, unseen, **shape), "inputs 0.3": losses(few, unseen, dropout=0.3, **shape),
            "hidden 0.3": losses(few, unseen, hidden_dropout=0.3, **shape)}, "loss on unseen rows")  # fmt: skip

    penalised(next(axes), "l1", (0.0, 0.0003, 0.001, 0.003, 0.01), "L1 sets useless weights to exactly 0",
              "share of them that is exactly 0", lambda W1: np.mean(W1[1:] == 0))  # fmt: skip
    penalised(next(axes), "l2", (0.0, 0.001, 0.003, 0.01, 0.03), "L2 shrinks all weights and sets none to 0",
              "length of W1", np.linalg.norm)  # fmt: skip

    last = next(axes)
    model = TwoLayerRegressor(early_stopping=True, patience=150, **shape).fit(*few, validation=unseen)
    rows = model.history_
    curves(last, "Early stopping goes back to the best epoch",
           {"training loss": [row["training_loss"] for row in rows],
            "validation loss": [row["validation_loss"] for row in rows]}, "loss", log=False)  # fmt: skip
    best = model.training_.best_epoch
    last.axvline(best, color=GREY, linestyle="--")
    last.annotate(f"epoch {best} is kept", (best, last.get_ylim()[1] * 0.8), xytext=(5, 0), textcoords="offset points")
    return figure


def penalised(axes, name, strengths, title, ylabel, measure):
    values = []
    for strength in strengths:
        model = TwoLayerRegressor(hidden_units=8, epochs=40, learning_rate=0.3, batch_size=20, **{name: strength})
        values.append(measure(model.fit(*wave(400, 0.1, features=10)).network_.W1))
    axes.plot(range(len(strengths)), values, color=BLUE, marker="o")
    axes.set_xticks(range(len(strengths)), map(str, strengths))
    axes.set(title=title, xlabel=name, ylabel=ylabel, ylim=(0, None))


if __name__ == "__main__":
    print(save_figure(draw(), Path(__file__).with_name("training-effects.png"), simulated=False))
