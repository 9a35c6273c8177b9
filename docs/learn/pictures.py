"""Draw the pictures of docs/learn/: each is computed, none is painted.

Run from the top folder: python docs/learn/pictures.py
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from nn import TwoLayerNetwork, TwoLayerRegressor
from nn.functions import sigmoid, softmax
from projects.common.plots import BLUE, GREY, ORANGE, new_figure, save_figure

FOLDER = Path(__file__).with_name("pictures")
INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
GATES = {  # w1, w2, bias, set by hand
    "AND": ([1, 1, -1.5], [0, 0, 0, 1]),
    "OR": ([1, 1, -0.5], [0, 1, 1, 1]),
    "NOT x1": ([-1, 0, 0.5], [1, 1, 0, 0]),
    "XOR": (None, [0, 1, 1, 0]),
}
POINTS = np.array([[1, 1], [2, 0.5], [0.5, 2], [1.5, 1.5], [3, 3], [3.5, 2], [2.5, 3.5], [4, 3]])
CLASSES = np.array([0, 0, 0, 0, 1, 1, 1, 1])
HOURS = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])  # of learning, and whether the exam was passed
PASSED = np.array([0, 0, 1, 0, 1, 1])


# Drawing networks and boxes


def blank(axes: Axes, width: float, height: float) -> None:
    """An empty sheet with these coordinates."""
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()


def node(axes: Axes, place: tuple[float, float], text: str, colour: str = "white") -> None:
    """A circle with a text in it."""
    circle = {"boxstyle": "circle,pad=0.35", "facecolor": colour, "edgecolor": GREY}
    axes.text(*place, text, ha="center", va="center", bbox=circle, zorder=3, fontsize=10)


def wire(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    weight: float,
    share: float = 0.35,
) -> None:
    """A weight as a line, its width its size, its colour its sign; its number at `share` of the way."""
    colour = weight_colour(weight)
    x, y = zip(start, end, strict=True)
    axes.plot(x, y, color=colour, linewidth=1 + 3 * min(abs(weight), 1.5), zorder=1, alpha=0.75)
    place = [a + share * (b - a) for a, b in (x, y)]
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    axes.text(
        *place,
        f"{weight:g}",
        color=colour,
        fontsize=9,
        ha="center",
        va="center",
        bbox=ground,
        zorder=2,
    )


def weight_colour(weight: float) -> str:
    """Blue above 0, orange below, grey for 0."""
    if weight == 0:
        return GREY
    return BLUE if weight > 0 else ORANGE


def note(axes: Axes, place: tuple[float, float], text: str, colour: str = "black", **style: object) -> None:
    """Small text, centred."""
    axes.text(*place, text, **({"ha": "center", "va": "center", "fontsize": 9, "color": colour} | style))


def boxes(axes: Axes, texts: list[tuple[str, str]], y: float, colour: str) -> None:
    """Boxes from left to right with arrows between; each has a headline and an example."""
    width, gap = 2.15, 0.35
    for number, (headline, example) in enumerate(texts):
        left = 0.1 + number * (width + gap)
        corner = (left, y - 0.75)
        style = "round,pad=0,rounding_size=0.12"
        axes.add_patch(FancyBboxPatch(corner, width, 1.5, style, fc="white", ec=colour, lw=1.5))
        axes.text(
            left + width / 2,
            y + 0.42,
            headline,
            ha="center",
            va="center",
            fontweight="bold",
            fontsize=10,
        )
        axes.text(left + width / 2, y - 0.22, example, ha="center", va="center", fontsize=8.5)
        if number:
            arrow = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1.5}
            axes.annotate("", (left, y), (left - gap, y), arrowprops=arrow)


# The pictures, chapter by chapter


def draw_neuron() -> Figure:
    """Chapter 1: inputs 2 and 3, weights 0 and 1, bias 4."""
    figure, axes = new_figure(8, 3)
    blank(axes, 10, 4)
    x, w, bias = np.array([2, 3]), np.array([0, 1]), 4
    total = w @ x + bias
    ends = (1, 3.2), (1, 0.8)
    for number, (place, weight) in enumerate(zip(ends, w, strict=True)):
        wire(axes, place, (4.5, 2), float(weight), 0.5)
        node(axes, place, f"x{number + 1} = {x[number]}")
    node(axes, (4.5, 2), "Σ")
    note(axes, (4.5, 3.5), f"bias {bias}")
    axes.plot([4.5, 4.5], [2, 3.25], color=GREY, zorder=1)
    axes.plot([4.5, 8.6], [2, 2], color=GREY, zorder=1)
    node(axes, (6.4, 2), "σ")
    note(axes, (5.45, 2.3), f"z = {total}")
    note(axes, (4.5, 0.7), f"0 · 2 + 1 · 3 + 4 = {total}")
    note(axes, (6.4, 0.7), "1 / (1 + e⁻⁷)")
    node(axes, (8.8, 2), f"{sigmoid(total):.5f}")
    return figure


def draw_gates() -> Figure:
    """Chapter 2: one line each for AND, OR and NOT; none for XOR."""
    figure = Figure(figsize=(10, 3), layout="constrained")
    for axes, (name, (weights, outputs)) in zip(figure.subplots(1, 4), GATES.items(), strict=True):
        class_dots(axes, INPUTS, np.array(outputs))
        axes.set(
            title=name,
            xlabel="x1",
            ylabel="x2",
            xlim=(-0.5, 1.5),
            ylim=(-0.5, 1.5),
            xticks=(0, 1),
            yticks=(0, 1),
        )
        if weights is None:
            note(axes, (0.5, 0.5), "no straight line\nparts blue from orange")
        else:
            w1, w2, bias = weights
            boundary(axes, np.array([w1, w2]), bias, "black", 2)
    return figure


def class_dots(axes: Axes, X: np.ndarray, y: np.ndarray) -> None:
    """Class 1 as blue dots, class 0 as orange squares."""
    for value, colour, marker in ((1, BLUE, "o"), (0, ORANGE, "s")):
        chosen = X[y == value]
        axes.scatter(
            chosen[:, 0],
            chosen[:, 1],
            color=colour,
            marker=marker,
            s=70,
            zorder=3,
            label=f"class {value}",
        )


def boundary(axes: Axes, w: np.ndarray, bias: float, colour: str, width: float, **style: object) -> None:
    """The line where w · x + bias = 0, through the whole picture."""
    if not w.any():
        return
    middle = -bias * w / (w @ w)
    along = np.array([-w[1], w[0]]) / np.linalg.norm(w)
    axes.axline(tuple(middle), tuple(middle + along), color=colour, linewidth=width, **style)


def perceptron_lines() -> Iterator[tuple[np.ndarray, float]]:
    """Weights and bias before the first change and after each, until all points are right."""
    w, b = np.zeros(2), 0.0
    yield w, b
    changed = True
    while changed:
        changed = False
        for x, y in zip(POINTS, CLASSES, strict=True):
            error = y - int(w @ x + b > 0)
            if error:
                w, b, changed = w + error * x, b + error, True
                yield w, b


def draw_perceptron() -> Figure:
    """Chapter 3: the lines that the rule passes through."""
    figure, axes = new_figure(7, 4.6)
    lines = list(perceptron_lines())
    for number, (w, b) in enumerate(lines[1:], start=1):
        is_last = number == len(lines) - 1
        share = number / len(lines)
        label = "after an earlier change" if number == 1 else None
        if is_last:
            label = f"after change {number}, the last"
        boundary(
            axes,
            w,
            b,
            BLUE if is_last else GREY,
            3 if is_last else 1,
            alpha=0.25 + 0.75 * share,
            label=label,
        )
    class_dots(axes, POINTS, CLASSES)
    axes.set(xlim=(-0.5, 5), ylim=(-0.5, 5), xlabel="x1", ylabel="x2",
             title=f"{len(lines) - 1} changes, then every point is on its side")  # fmt: skip
    axes.legend(loc="upper right", frameon=True, framealpha=1, edgecolor="none")
    return figure


def logistic_regression(steps: int, rate: float = 0.5) -> Iterator[tuple[float, float, float]]:
    """Weight, bias and mean log loss before each step of gradient descent on HOURS and PASSED."""
    w = b = 0.0
    x = HOURS - HOURS.mean()
    for _ in range(steps + 1):
        p = sigmoid(w * x + b)
        yield w, b, float(-np.mean(PASSED * np.log(p) + (1 - PASSED) * np.log(1 - p)))
        w -= rate * float(np.mean((p - PASSED) * x))
        b -= rate * float(np.mean(p - PASSED))


def draw_descent() -> Figure:
    """Chapter 4: the sigmoid bends to the points while the loss falls."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    path = list(logistic_regression(40))
    grid = np.linspace(0.5, 6.5, 100)
    for step, colour, style in ((0, GREY, ":"), (1, GREY, "--"), (5, ORANGE, "-"), (40, BLUE, "-")):
        w, b, loss = path[step]
        left.plot(
            grid,
            sigmoid(w * (grid - HOURS.mean()) + b),
            color=colour,
            linestyle=style,
            label=f"after {step} step{'' if step == 1 else 's'}",
        )
        right.plot(step, loss, "o", color=colour, zorder=3)
    left.scatter(HOURS, PASSED, color="black", zorder=3)
    left.set(
        title="Hours of learning and a passed exam",
        xlabel="hours",
        ylabel="probability",
        ylim=(-0.05, 1.05),
    )
    left.legend(loc="upper left", bbox_to_anchor=(0.0, 0.95), fontsize=8)
    right.plot([loss for _, _, loss in path], color="black", linewidth=1)
    right.set(
        title=f"The loss fell from {path[0][2]:.3f} to {path[-1][2]:.3f}",
        xlabel="step",
        ylabel="mean log loss",
    )
    return figure


def draw_softmax() -> Figure:
    """Chapter 5: three sums become probabilities; two models of four points."""
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    z = np.array([2.0, 1.0, 0.0])
    bars = left.bar(["duck", "beaver", "walrus"], softmax(z), color=[BLUE, ORANGE, GREY])
    left.bar_label(bars, [f"{p:.3f}" for p in softmax(z)])
    left.set(title="Sums 2, 1, 0 after the softmax", ylabel="probability", ylim=(0, 1))
    models = {"model A": ([0.6, 0.2, 0.1, 0.7], ORANGE), "model B": ([0.7, 0.9, 0.8, 0.6], BLUE)}
    for number, (name, (p, colour)) in enumerate(models.items()):
        entropy = -np.log(p).sum()
        places = np.arange(4) + 0.4 * number
        right.bar(places, -np.log(p), 0.4, color=colour, label=f"{name}: {entropy:.3f} in all")
    right.set_xticks(np.arange(4) + 0.2, [f"point {number}" for number in range(1, 5)])
    right.set(title="What each point costs, -log p", ylabel="-log p")
    right.legend()
    return figure


def example_network() -> tuple[TwoLayerNetwork, np.ndarray, np.ndarray]:
    """The 3-2-1 network of chapter 6, its row and its target."""
    network = TwoLayerNetwork(3, 2, output="sigmoid", loss="squared_error")
    network.W1 = [[0.5, -0.6], [0.1, -0.2], [0.1, 0.7]]
    network.W2 = [[0.1], [-0.3]]
    return network, np.array([[0.5, 0.1, -0.2]]), np.array([[0.6]])


NETWORK_PLACES = {  # of the circles in the pictures of the 3-2-1 network
    "inputs": [(1, 5), (1, 3), (1, 1)],
    "hidden layer": [(5, 4.2), (5, 1.8)],
    "output": [(8.4, 3)],
}


def draw_network(backward: bool) -> Figure:
    """The 3-2-1 network with the numbers of one row: forward, or the deltas on their way back."""
    network, x, y = example_network()
    hidden, prediction = network.forward(x)
    figure, axes = new_figure(9, 4.4)
    blank(axes, 10, 6)
    inputs, units, (output,) = NETWORK_PLACES.values()
    for i, start in enumerate(inputs):
        for j, end in enumerate(units):
            wire(axes, start, end, network.W1[i, j], 0.27)
    for j, start in enumerate(units):
        wire(axes, start, output, network.W2[j, 0], 0.5)
    for i, place in enumerate(inputs):
        node(axes, place, f"{x[0, i]:g}")
        note(axes, (place[0], place[1] + 0.62), f"x{i + 1}")
    for j, place in enumerate(units):
        node(axes, place, f"{hidden[0, j]:.4f}")
    node(axes, output, f"{prediction[0, 0]:.4f}")
    note(axes, (8.4, 2.15), f"target {y[0, 0]:g}")
    for text, places in NETWORK_PLACES.items():
        note(axes, (places[0][0], 0.1), text, GREY)
    if backward:
        write_deltas(axes, network, x, y)
    else:
        write_sums(axes, network, x)
    return figure


def write_sums(axes: Axes, network: TwoLayerNetwork, x: np.ndarray) -> None:
    """Beside each circle its sum z."""
    hidden, _ = network.forward(x)
    upper, lower = (x @ network.W1)[0]
    note(axes, (5, 4.98), f"z = {upper:.2f}")
    note(axes, (5, 1.02), f"z = {lower:.2f}")
    note(axes, (8.4, 3.85), f"z = {(hidden @ network.W2)[0, 0]:.4f}")
    note(axes, (3, 5.85), "forward: from the inputs to the right  ▸", fontsize=10)


def write_deltas(axes: Axes, network: TwoLayerNetwork, x: np.ndarray, y: np.ndarray) -> None:
    """Beside each circle its δ and the product that it comes from."""
    hidden, prediction = network.forward(x)
    gradient = network.backward(x, y, hidden, prediction)
    p, target = prediction[0, 0], y[0, 0]
    note(axes, (8.4, 4.25), f"δ2 = {gradient.b2[0]:+.6f}", ORANGE)
    note(axes, (8.4, 3.85), f"({p:.4f} - {target:g}) · {p:.4f} · (1 - {p:.4f})", ORANGE, fontsize=7.5)
    for j, (delta_at, product_at) in enumerate(((5.42, 5.02), (0.98, 0.58))):
        h, weight = hidden[0, j], network.W2[j, 0]
        product = f"δ2 · {weight:g} · {h:.4f} · (1 - {h:.4f})"
        note(axes, (5, delta_at), f"δ1 = {gradient.b1[j]:+.6f}", ORANGE)
        note(axes, (5, product_at), product, ORANGE, fontsize=7.5)
    note(axes, (8.3, 5.6), "backward: from the output to the left  ◂", ORANGE, fontsize=10)


def fitted_curve(hidden_units: int) -> tuple[TwoLayerRegressor, np.ndarray, np.ndarray]:
    """A network of this size trained on 16 noisy points of a sine, and these points."""
    x, y = noisy_sine(16)
    scale = 1.0 if hidden_units < 10 else 3.0
    model = TwoLayerRegressor(hidden_units, hidden="tanh", epochs=4000, learning_rate=0.05, weight_scale=scale)
    return model.fit(x, y), x, y


def noisy_sine(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """x [rows, 1] from -2 to 2 and y = sin(2 x) + noise [rows], made to show over- and underfitting."""
    rng = np.random.default_rng(2)
    x = np.linspace(-2, 2, rows)[:, np.newaxis]
    return x, np.sin(2 * x[:, 0]) + 0.4 * rng.normal(size=rows)


def draw_fits() -> Figure:
    """Chapter 7: a network that is too small, one that fits, one that learns the noise by heart."""
    figure = Figure(figsize=(11, 3.3), layout="constrained")
    titles = {1: "1 unit: underfits", 3: "3 units: fits", 40: "40 units: overfits"}
    grid = np.linspace(-2, 2, 300)[:, np.newaxis]
    for axes, (units, title) in zip(figure.subplots(1, 3), titles.items(), strict=True):
        model, x, y = fitted_curve(units)
        axes.plot(grid, np.sin(2 * grid), color=GREY, linestyle="--", label="without the noise")
        axes.plot(grid, model.predict(grid), color=BLUE, linewidth=2, label="network")
        axes.scatter(x, y, color=ORANGE, zorder=3, label="training rows")
        axes.set(title=title, ylim=(-2.2, 2.2), xlabel="x", ylabel="y")
    axes.legend(fontsize=8, loc="lower right")
    return figure


def draw_vanishing() -> Figure:
    """Chapter 7: the product of slopes through layer after layer."""
    figure, axes = new_figure(8, 3.6)
    layers = np.arange(1, 11)
    lines = [
        ("sigmoid at 0", 0.25, BLUE, "-"),
        ("tanh at 1", 1 - np.tanh(1) ** 2, GREY, "-"),
        ("relu above 0", 1.0, BLUE, "--"),
        ("relu above 0, weights of 2", 2.0, ORANGE, "-"),
    ]
    for name, factor, colour, style in lines:
        label = f"{name}: {factor:.2g} a layer"
        axes.plot(layers, factor**layers, style, color=colour, marker=".", label=label)
    axes.set(yscale="log", xlabel="layers that the gradient goes back through", ylabel="factor", xticks=layers,
             title="Gradients vanish, stay or explode")  # fmt: skip
    axes.legend(fontsize=8)
    return figure


def draw_pipelines() -> Figure:
    """Chapter 8: from an hour to bikes, from a text to a label."""
    figure, axes = new_figure(9, 4.2)
    blank(axes, 9.85, 4.6)
    note(
        axes,
        (0.1, 4.35),
        "bikes: from an hour to how many are rented",
        BLUE,
        ha="left",
        fontweight="bold",
        fontsize=11,
    )
    boxes(axes, [
        ("an hour", "Monday, 17:00, clear,\n4 °C, 60 % humidity"),
        ("features", "one-hot hour,\nweather, season, trend"),
        ("network", "sigmoid hidden layer,\nlinear output"),
        ("bikes", "a quantity\nand its band"),
    ], 3.3, BLUE)  # fmt: skip
    note(
        axes,
        (0.1, 2.05),
        "sentiment: from a text to its label",
        ORANGE,
        ha="left",
        fontweight="bold",
        fontsize=11,
    )
    boxes(axes, [
        ("a text", "“a dull, lifeless\nfilm”"),
        ("features", "which n-grams are in it,\ntimes log-count ratio"),
        ("network", "sigmoid hidden layer,\nsigmoid output"),
        ("label", "a probability\nof positive"),
    ], 1.0, ORANGE)  # fmt: skip
    return figure


PICTURES = {
    "neuron.png": draw_neuron,
    "gates.png": draw_gates,
    "perceptron.png": draw_perceptron,
    "descent.png": draw_descent,
    "softmax.png": draw_softmax,
    "network-forward.png": lambda: draw_network(backward=False),
    "network-backward.png": lambda: draw_network(backward=True),
    "fits.png": draw_fits,
    "vanishing.png": draw_vanishing,
    "pipelines.png": draw_pipelines,
}


if __name__ == "__main__":
    for name, draw in PICTURES.items():
        print(save_figure(draw(), FOLDER / name, simulated=False))
