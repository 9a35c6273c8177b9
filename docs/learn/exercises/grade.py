"""Say which exercises are right, with expected, got and a hint for the others.

Run from the top folder: python docs/learn/exercises/grade.py [FILE]; without a file, forms.py.
The exit code is 0 if all are right, else 1.
"""

import copy
import importlib.util
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

NOT_SOLVED = "not solved yet"
FORMS = Path(__file__).with_name("forms.py")


class Exercise(NamedTuple):
    """A function to fill in, arguments to try it with, and what must come."""

    name: str
    hint: str
    cases: list[tuple[tuple[Any, ...], Any]]  # arguments, expected
    judge: Callable[[Any], Any] = lambda answer: answer  # what of the answer is compared
    compared: str = ""  # that, in words


def gate_outputs(weights: Any) -> list[int]:
    """1 where the neuron's sum is above 0, for the four inputs of a gate."""
    w1, w2, bias = weights
    inputs = ((0, 0), (0, 1), (1, 0), (1, 1))
    return [int(w1 * x1 + w2 * x2 + bias > 0) for x1, x2 in inputs]


# The 3-2-1 network of the course's bike project, one row: what `forward` must give and `backward` gets
X = np.array([[0.5, -0.2, 0.1]])
Y = np.array([[0.4]])
W1 = np.array([[0.1, -0.2], [0.4, 0.5], [-0.3, 0.2]])
W2 = np.array([[0.3], [-0.1]])
HIDDEN = np.array([[0.4850044984, 0.4551212098]])
PREDICTION = np.array([[0.0999892285]])

EXERCISES = [
    Exercise(
        "sigmoid",
        "np.exp(-z) is e⁻ᶻ for the whole array at once; mind the brackets around 1 + …",
        [((np.array([0.0, 7.0, -7.0]),), [0.5, 0.9990889488, 0.0009110512])],
    ),
    Exercise(
        "nand_gate",
        "start from AND, [1, 1, -1.5], and turn every sign around",
        [((), [1, 1, 1, 0])],
        gate_outputs,
        " from the gate with your [w1, w2, bias], for its four inputs",
    ),
    Exercise(
        "perceptron_step",
        "work out the answer first; where it is right, y - answer is 0 and nothing changes",
        [
            ((np.array([1.0, -2.0]), 0.5, np.array([1.0, 1.0]), 1, 0.1), ([1.1, -1.9], 0.6)),
            ((np.array([1.0, -2.0]), 0.5, np.array([2.0, 0.0]), 0, 0.1), ([0.8, -2.0], 0.4)),
            ((np.array([1.0, -2.0]), 0.5, np.array([2.0, 0.0]), 1, 0.1), ([1.0, -2.0], 0.5)),
        ],
    ),
    Exercise(
        "sigmoid_derivative",
        "a is the value already: the slope is a (1 - a), no np.exp is needed",
        [((np.array([0.5, 0.1, 1.0]),), [0.25, 0.09, 0.0])],
    ),
    Exercise(
        "softmax",
        "subtract z.max() from z, then np.exp, then divide by the .sum(): the same result, and 1000 is not too large",
        [
            ((np.array([0.0, 0.0]),), [0.5, 0.5]),
            ((np.log([1.0, 2.0, 5.0]),), [0.125, 0.25, 0.625]),
            ((np.array([1000.0, 1000.0]),), [0.5, 0.5]),
        ],
    ),
    Exercise(
        "forward",
        "x @ W1 + b1 is the sum of the hidden layer; the sigmoid of it goes into … @ W2 + b2",
        [
            ((X, W1, np.zeros(2), W2, np.zeros(1)), (HIDDEN, PREDICTION)),
            (
                (np.zeros((2, 3)), W1, np.array([0.0, 7.0]), W2, np.array([1.0])),
                ([[0.5, 0.9990889488], [0.5, 0.9990889488]], [[1.0500911051], [1.0500911051]]),
            ),
        ],
    ),
    Exercise(
        "output_delta",
        "the 2 that comes down from the square and the half cancel",
        [((np.array([[3.0], [0.5]]), np.array([[1.0], [1.0]])), [[2.0], [-0.5]])],
    ),
    Exercise(
        "backward",
        "delta2 = prediction - y; delta1 = delta2 @ W2.T times hidden (1 - hidden); then x.T @ delta1, "
        "delta1.sum(axis=0), hidden.T @ delta2, delta2.sum(axis=0)",
        [
            (
                (X, Y, W2, HIDDEN, PREDICTION),
                (
                    [[-0.0112402721, 0.0037199187], [0.0044961089, -0.0014879675], [-0.0022480544, 0.0007439837]],
                    [-0.0224805443, 0.0074398374],
                    [[-0.1455065738], [-0.1365412652]],
                    [-0.3000107715],
                ),
            ),
            (
                (np.array([[1.0], [2.0]]), np.array([[0.0], [1.0]]), np.array([[2.0]]),
                 np.array([[0.5], [0.5]]), np.array([[1.0], [3.0]])),
                ([[2.5]], [1.5], [[1.5]], [3.0]),
            ),
        ],
    ),
    Exercise(
        "sgd_step",
        "the velocity first: momentum · velocity + gradient; then the parameter minus rate · new velocity",
        [
            (
                (np.array([1.0, 2.0, 0.0, -1.0]), np.array([0.0, 1.0, 0.0, 2.0]),
                 np.array([1.0, 1.0, 0.0, -1.0]), 0.5, 0.9),
                ([0.5, 1.05, 0.0, -1.4], [1.0, 1.9, 0.0, 0.8]),
            ),
        ],
    ),
    Exercise(
        "confusion_matrix",
        "start from np.zeros((n_classes, n_classes)) and add 1 at [target, prediction] for each row",
        [((np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 0, 2]), 3), [[1, 1, 0], [0, 1, 0], [1, 0, 2]])],
    ),
    Exercise(
        "log_count_ratio",
        "(positive + 1) / (positive + 1).sum() is the positive share, also of a word that is never there",
        [((np.array([3.0, 0.0, 1.0]), np.array([0.0, 3.0, 1.0])), [np.log(4), -np.log(4), 0.0])],
    ),
]  # fmt: skip


def load(path: Path) -> ModuleType:
    """The module in this file. Whatever is wrong with it is raised."""
    spec = importlib.util.spec_from_file_location("exercises_to_grade", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def grade(forms: ModuleType, exercise: Exercise) -> str:
    """An empty text if the function is right, else what is wrong with it, in lines."""
    function = getattr(forms, exercise.name, None)
    if function is None:
        return "there is no function of this name"
    for arguments, expected in exercise.cases:
        try:
            answer = exercise.judge(function(*copy.deepcopy(arguments)))
        except NotImplementedError:
            return NOT_SOLVED
        except Exception as error:
            problem = f"stopped {place(error)}with {type(error).__name__}: {error}"
            return f"{problem}\n{expectation(exercise, arguments, expected)}"
        if not same(answer, expected):
            return f"not right\n{expectation(exercise, arguments, expected)}\ngot       {show(answer)}"
    return ""


def place(error: Exception) -> str:
    """The line of the forms that an error came from."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename != __file__]
    return f"in line {lines[0]} " if lines else ""


def same(answer: Any, expected: Any) -> bool:
    """Whether they have the same shape and the same numbers, to six digits."""
    if isinstance(expected, tuple):
        is_sequence = isinstance(answer, tuple | list)
        return is_sequence and len(answer) == len(expected) and all(map(same, answer, expected))
    try:
        numbers = np.asarray(answer, float)
    except (TypeError, ValueError):
        return False
    wanted = np.asarray(expected, float)
    return numbers.shape == wanted.shape and np.allclose(numbers, wanted, rtol=1e-6, atol=1e-8)


def expectation(exercise: Exercise, arguments: Sequence[Any], expected: Any) -> str:
    """Two lines: what the function was given, and what must come."""
    given = ", ".join(map(show, arguments)) or "nothing"
    return f"given     {given}\nexpected  {show(expected)}{exercise.compared}"


def show(value: Any) -> str:
    """Numbers in a line, four digits after the point."""
    if isinstance(value, tuple):
        return f"({', '.join(map(show, value))})"
    if isinstance(value, np.ndarray | list):
        rounded = np.array2string(np.asarray(value), precision=4, separator=", ", suppress_small=True)
        return " ".join(rounded.split()).replace("[ ", "[")
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


def main(path: Path) -> int:
    """Print what is right and what not; return the exit code."""
    try:
        forms = load(path)
    except Exception as error:
        print(f"{path} can't be read: {type(error).__name__}: {error}")
        return 1
    n_right = 0
    to_solve = []
    for exercise in EXERCISES:
        problem = grade(forms, exercise)
        if not problem:
            n_right += 1
            print(f"right      {exercise.name}")
            continue
        if problem == NOT_SOLVED:
            to_solve.append(exercise)
            continue
        first, *lines = problem.splitlines()
        print(f"NOT RIGHT  {exercise.name}: {first}")
        for line in (*lines, f"hint      {exercise.hint}"):
            print(f"             {line}")
    if to_solve:
        arguments, expected = to_solve[0].cases[0]
        print(f"next       {to_solve[0].name}")
        for line in expectation(to_solve[0], arguments, expected).splitlines():
            print(f"             {line}")
        print(f"not solved yet: {', '.join(exercise.name for exercise in to_solve)}")
    print(f"\n{n_right} of {len(EXERCISES)} are right.")
    return 0 if n_right == len(EXERCISES) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else FORMS))
