"""docs/learn: chapters print what they show, exercises are graded, notebooks run, pictures are computed."""

import ast
import contextlib
import functools
import importlib.util
import io
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from helpers import ROOT

pytestmark = pytest.mark.slow

LEARN = ROOT / "docs" / "learn"
CHAPTERS = sorted(path.name for path in LEARN.glob("[1-9]-*.md"))
BLOCK = re.compile(r"```python\n(.*?)```\n```\n(.*?)```", re.DOTALL)
NOTEBOOKS = ("bikes.ipynb", "sentiment.ipynb")


@functools.cache
def load(name):
    """The module in this file of docs/learn, which is no package."""
    path = LEARN / name
    spec = importlib.util.spec_from_file_location(f"learn_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def run_chapter(name):
    """The names that a chapter's blocks leave, and what each block prints."""
    names, printed = {}, []
    options = np.get_printoptions()
    try:
        for code, _ in BLOCK.findall((LEARN / name).read_text()):
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(code, names)
            printed.append(output.getvalue())
    finally:
        np.set_printoptions(**options)
    return names, printed


# Chapters


def test_there_are_eight_chapters():
    assert [name[0] for name in CHAPTERS] == list("12345678")


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_prints_what_it_shows(name):
    shown = [output for _, output in BLOCK.findall((LEARN / name).read_text())]
    _, printed = run_chapter(name)
    assert printed == shown
    assert shown


@pytest.mark.parametrize("name", CHAPTERS)
def test_numbers_in_the_text_are_computed(name):
    """Each number with a point in the text is one that the chapter's code has or prints."""
    text = (LEARN / name).read_text()
    prose = re.sub(r"(?s)```.*?```", "", text)
    known = " ".join(re.findall(r"(?s)```.*?```", text))
    computed = {float(number) for number in re.findall(r"\d+\.\d*", known)}
    numbers = {float(number) for number in re.findall(r"(?<![\d.])\d+\.\d+", prose)}
    sources = {1.19}  # what the course has for 1.196
    assert sorted(numbers - computed - sources) == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_no_line_of_a_chapter_begins_a_list_by_accident(name):
    prose = re.sub(r"(?s)```.*?```", "", (LEARN / name).read_text())
    assert re.findall(r"^(?:[-+*]|\d+\.) .*", prose, re.MULTILINE) == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_has_its_parts(name):
    text = (LEARN / name).read_text()
    for part in ("**The idea.**", "![", "```python", "**Exercise.**"):
        assert part in text
    forms = functions_of("exercises/forms.py")
    exercises = text.partition("**Exercise.**")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", exercises)) & set(forms)


@pytest.mark.parametrize("name", [*CHAPTERS, "README.md"])
def test_links_and_pictures_of_a_chapter_exist(name):
    for target in re.findall(r"\]\((?!http)([^)]*)\)", (LEARN / name).read_text()):
        assert (LEARN / target).exists(), target


# Topics: each by a value from the course or worked out by hand

TOPICS = {}


def topic(name, chapter):
    """Make a function the check of this topic; it gets the chapter's names and all that it printed."""

    def register(check):
        TOPICS[name] = (f"{chapter}.md", check)
        return check

    return register


@topic("neuron", "1-neuron")
def check_neuron(names, printed):
    assert names["sigmoid"](names["z"]) == pytest.approx(0.9990889488055994, rel=1e-12)
    assert "7 0.99909" in printed


@topic("gates", "2-gates")
def check_gates(names, printed):
    assert names["AND"].tolist() == [0, 0, 0, 1]
    assert names["OR"].tolist() == [0, 1, 1, 1]
    assert names["NOT"].tolist() == [1, 1, 0, 0]
    for line in ("AND [0 0 0 1]", "OR [0 1 1 1]", "NOT x1 [1 1 0 0]"):  # learned, too
        assert printed.count(line) == 2


@topic("XOR", "2-gates")
def check_xor(names, printed):
    assert printed.count("XOR [0 1 1 0]") == 2  # by hand, and learned


@topic("perceptron", "3-perceptron")
def check_perceptron(names, printed):
    sums = names["points"] @ names["w"] + names["b"]
    assert (sums > 0).tolist() == [False] * 4 + [True] * 4
    *_, (w, b) = load("pictures.py").perceptron_lines()
    assert (w.tolist(), b) == (names["w"].tolist(), names["b"])  # the last line of the picture


@topic("logistic regression", "4-gradient-descent")
def check_logistic_regression(names, printed):
    linear_model = pytest.importorskip("sklearn.linear_model", reason="no scikit-learn")
    x = names["x"][:, np.newaxis]
    judge = linear_model.LogisticRegression(C=np.inf, tol=1e-8).fit(x, names["passed"])
    w = float(re.search(r"step 40: .* w = (.*)", printed)[1])
    assert w == pytest.approx(judge.coef_[0, 0], abs=0.01)


@topic("log loss", "4-gradient-descent")
def check_log_loss(names, printed):
    assert "0.693 4.605" in printed  # log 2 and log 100
    assert np.log(2) == pytest.approx(0.693, abs=5e-4)
    assert np.log(100) == pytest.approx(4.605, abs=5e-4)


@topic("gradient descent", "4-gradient-descent")
def check_gradient_descent(names, printed):
    losses = [float(loss) for loss in re.findall(r"loss (.*),", printed)]
    assert losses[0] == 0.693
    assert losses == sorted(losses, reverse=True)
    assert names["by_formula"] == pytest.approx(names["by_definition"], rel=1e-6)


@topic("squared error", "4-gradient-descent")
def check_squared_error(names, printed):
    assert "2.0 [2.]" in printed  # (3 - 1)² / 2, and 3 - 1


@topic("softmax", "5-softmax")
def check_softmax(names, printed):
    e = np.e
    expected = np.array([e**2, e, 1]) / (e**2 + e + 1)
    np.testing.assert_allclose(names["p"][0], expected, rtol=1e-12)


@topic("maximum likelihood", "5-softmax")
def check_maximum_likelihood(names, printed):
    assert "0.0084 0.3024" in printed  # 0.6 · 0.2 · 0.1 · 0.7 and 0.7 · 0.9 · 0.8 · 0.6


@topic("cross-entropy", "5-softmax")
def check_cross_entropy(names, printed):
    assert "4.78 1.196" in printed
    assert -np.log(0.0084) == pytest.approx(4.78, abs=0.005)
    assert -np.log(0.3024) == pytest.approx(1.19, abs=0.01)  # as the course cuts it


@topic("one-hot", "5-softmax")
def check_one_hot(names, printed):
    assert names["one_hot"].tolist() == [[1, 0, 0], [0, 0, 1]]


@topic("two layers forward", "6-two-layers")
def check_two_layers(names, printed):
    assert "0.72163" in printed
    h = 1 / (1 + np.exp(-3))
    assert 1 / (1 + np.exp(-h)) == pytest.approx(0.7216325609518421, rel=1e-12)


@topic("backpropagation", "6-two-layers")
def check_backpropagation(names, printed):
    """The course's 3-2-1 step."""
    assert names["prediction"][0, 0] == pytest.approx(0.48497343084992534, rel=1e-12)
    steps_W1 = [
        [1.77005547e-04, -5.11178506e-04],
        [3.54011093e-05, -1.02235701e-04],
        [-7.08022187e-05, 2.04471402e-04],
    ]
    np.testing.assert_allclose(-0.5 * names["dW1"], steps_W1, rtol=1e-7)
    np.testing.assert_allclose(-0.5 * names["dW2"][:, 0], [0.00804047, 0.00555918], atol=5e-9)
    before, after = map(float, re.search(r"^(0\.0\d+) (0\.0\d+)\n0\.001", printed, re.MULTILINE).groups())
    assert before == pytest.approx((0.48497343084992534 - 0.6) ** 2 / 2, abs=5e-7)
    assert after < before
    new_W1 = np.add([[0.5, -0.6], [0.1, -0.2], [0.1, 0.7]], steps_W1)
    assert str(new_W1.round(6)) in printed
    by_definition, by_formula = printed.split()[-2:]
    assert by_definition == by_formula == f"{steps_W1[0][1] / -0.5:.8f}"


@topic("SGD", "7-training")
def check_sgd(names, printed):
    losses = re.findall(r"batches of \d+: (\d+) steps an epoch, loss (.*)", printed)
    assert [int(steps) for steps, _ in losses] == [200, 10, 1]
    assert float(losses[0][1]) < float(losses[1][1]) < float(losses[2][1])


@topic("momentum", "7-training")
def check_momentum(names, printed):
    assert "1.0\n1.9\n2.71\n" in printed  # 1, 0.9 + 1, 0.9 · 1.9 + 1
    without, with_momentum = map(float, re.findall(r"momentum 0.\d: loss (.*)", printed))
    assert with_momentum < without


@topic("over- and underfitting", "7-training")
def check_fits(names, printed):
    """What the picture shows: 3 units are nearest to the sine, though 40 are nearest to the rows."""
    training_error, true_error = {}, {}
    grid = np.linspace(-2, 2, 300)[:, np.newaxis]
    for units in (1, 3, 40):
        model, x, y = load("pictures.py").fitted_curve(units)
        training_error[units] = np.mean((model.predict(x) - y) ** 2)
        true_error[units] = np.mean((model.predict(grid) - np.sin(2 * grid[:, 0])) ** 2)
    assert training_error[40] < training_error[3] < training_error[1]
    assert true_error[3] < true_error[40] < true_error[1]


@topic("early stopping", "7-training")
def check_early_stopping(names, printed):
    n_epochs = len(names["stopped"].history_)
    assert n_epochs == names["stopped"].training_.best_epoch + 30 < 400
    errors = re.findall(r": (.*) on its own rows, (.*) on unseen ones", printed)
    (own_end, unseen_end), (own_stopped, unseen_stopped) = [map(float, pair) for pair in errors]
    assert own_end < own_stopped
    assert unseen_stopped < unseen_end


@topic("L1", "7-training")
def check_l1(names, printed):
    assert "L1: [ 1.9 -0.4  0. ]" in printed  # 2 - 0.1, -0.5 + 0.1, and no further than 0


@topic("L2", "7-training")
def check_l2(names, printed):
    assert "L2: [ 1.8   -0.45   0.045]" in printed  # nine tenths of 2, -0.5 and 0.05


@topic("dropout", "7-training")
def check_dropout(names, printed):
    assert set(names["units"].tolist()) == {0.0, 2.0}  # 1 / (1 - 0.5), or nothing


@topic("vanishing and exploding gradients", "7-training")
def check_vanishing(names, printed):
    assert "sigmoid 0.2350, tanh 0.7864, relu 1" in printed
    s, t = 1 / (1 + np.exp(-0.5)), np.tanh(0.5)
    assert s * (1 - s) == pytest.approx(0.2350, abs=5e-5)
    assert 1 - t**2 == pytest.approx(0.7864, abs=5e-5)
    assert "0.0000010; ten doublings: 1024" in printed


@topic("clipping", "7-training")
def check_clipping(names, printed):
    assert names["gradient"].tolist() == pytest.approx([3 / 5, 4 / 5])


@topic("initialisation", "7-training")
def check_initialisation(names, printed):
    found = re.findall(r"scale \d+: loss (.*), (\d) different", printed)
    assert [int(units) for _, units in found] == [1, 8, 8]
    zero, one, huge = (float(loss) for loss, _ in found)
    assert one < min(zero, huge) / 5


@topic("MSE, RMSE, MAE, R²", "8-pipelines")
def check_regression_scores(names, printed):
    """Errors 3, 0 and -4; distances from the mean 10, 0 and 10."""
    expected = {"mse": 25 / 3, "rmse": (25 / 3) ** 0.5, "mae": 7 / 3, "r2": 1 - 25 / 200}
    rounded = {name: round(value, 2) for name, value in expected.items()}
    assert str(rounded) in printed


@topic("bikes", "8-pipelines")
def check_bikes(names, printed):
    rmse = float(re.findall(r"'rmse': ([\d.]*)", printed)[1])
    assert 12 < rmse < 20  # the noise that was put in has a spread of 15


@topic("reviews with noise reduction", "8-pipelines")
def check_reviews(names, printed):
    kept = [word for word, stays in zip(names["words"], names["kept"], strict=True) if stays]
    assert kept == ["dull", "lifeless", "moving", "wonderful"]
    for counts in (names["positive"], names["negative"]):
        assert (counts + 1).sum() == 12 + 10  # words in the texts of a label, and 1 for each of ten words
    ratio = dict(zip(names["words"], names["ratio"], strict=True))
    assert ratio["dull"] == pytest.approx(np.log((0 + 1) / (2 + 1)))
    assert "[1.  1.  1.  0.5 0.  0.  0.  0.5]" in printed


@topic("confusion matrix", "8-pipelines")
def check_confusion_matrix(names, printed):
    assert names["confusion"].tolist() == [[2, 2], [1, 1]]


@topic("precision, recall, F1", "8-pipelines")
def check_class_scores(names, printed):
    assert "precision [0.667 0.333]" in printed  # 2/3, 1/3
    assert "recall [0.5 0.5]" in printed  # 2/4, 1/2
    assert "f1 [0.571 0.4  ]" in printed  # 4/7, 2/5


@topic("macro means", "8-pipelines")
def check_macro(names, printed):
    macro_f1 = (4 / 7 + 2 / 5) / 2
    assert f"'f1': {macro_f1:.3f}" in printed


@pytest.mark.parametrize("name", TOPICS)
def test_topic(name):
    chapter, check = TOPICS[name]
    names, printed = run_chapter(chapter)
    check(names, "".join(printed))


def test_the_list_of_topics_names_each_with_its_chapter_and_its_test():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"^\| (.*?) \| \[.*?\]\(docs/learn/(.*?)\) \| `test_topic\[(.*?)\]` \|$", text, re.MULTILINE)
    assert [(name, chapter, name) for name, (chapter, _) in TOPICS.items()] == rows


# Exercises


def functions_of(name):
    """The names of a file's functions, in their order."""
    tree = ast.parse((LEARN / name).read_text())
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]


def run_grader(*arguments):
    """Exit code and stdout of the grader as a process."""
    command = [sys.executable, str(LEARN / "exercises" / "grade.py"), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def exercises():
    return load("exercises/grade.py").EXERCISES


def test_blank_forms_are_named_and_the_first_one_is_shown():
    code, printed = run_grader()
    assert code == 1
    names = [exercise.name for exercise in exercises()]
    assert f"not solved yet: {', '.join(names)}\n" in printed
    assert printed.startswith(f"next       {names[0]}\n             given ")
    assert printed.count("expected  ") == 1
    assert "hint" not in printed  # what nobody has tried is not given away
    assert printed.endswith(f"0 of {len(names)} are right.\n")


def test_solutions_made_from_nn_are_all_right():
    code, printed = run_grader(LEARN / "exercises" / "solutions.py")
    names = [exercise.name for exercise in exercises()]
    assert re.findall(r"^right +(\w+)$", printed, re.MULTILINE) == names
    assert (code, printed.splitlines()[-1]) == (0, f"{len(names)} of {len(names)} are right.")


def test_forms_solutions_and_grader_have_the_same_exercises():
    names = [exercise.name for exercise in exercises()]
    assert functions_of("exercises/forms.py") == names
    assert functions_of("exercises/solutions.py") == names


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return 1 / (1 - np.exp(-z))", r"sigmoid: not right\n(.*\n)*? +got +\[inf"),
        ("1 / (1 + np.exp(-z))", r"sigmoid: not right\n(.*\n)*? +got +None"),
        ("return z + [1, 2]", r"sigmoid: stopped in line 5 with ValueError: operands"),
        (
            "return (1 / (1 + np.exp(-z)))[:, np.newaxis]",
            r"sigmoid: not right\n(.*\n)*? +got +\[\[",
        ),
        ("z[:] = 0; return 1 / (1 + np.exp(-z))", r"sigmoid: not right"),
    ],
)
def test_a_wrong_answer_shows_what_was_expected_and_what_came(tmp_path, body, expected):
    forms = tmp_path / "forms.py"
    forms.write_text(f"import numpy as np\n\nnp.seterr(all='ignore')\ndef sigmoid(z):\n    {body}\n")
    code, printed = run_grader(forms)
    assert code == 1
    assert re.search(f"NOT RIGHT  {expected}", printed), printed
    assert "expected  [0.5 , 0.9991, 0.0009]" in printed
    assert f"hint      {exercises()[0].hint}" in printed
    assert "NOT RIGHT  forward: there is no function of this name" in printed


def test_a_form_that_is_no_python_is_one_clear_line(tmp_path):
    forms = tmp_path / "forms.py"
    forms.write_text("def sigmoid(z)\n    return z\n")
    code, printed = run_grader(forms)
    assert code == 1
    assert len(printed.splitlines()) == 1
    assert "SyntaxError" in printed


@pytest.mark.parametrize("name", [exercise.name for exercise in exercises()])
def test_each_exercise_can_tell_wrong_from_right(name):
    """An answer that is off by a little in one number is not right."""
    grader, solutions = load("exercises/grade.py"), load("exercises/solutions.py")
    exercise = next(exercise for exercise in exercises() if exercise.name == name)
    assert grader.grade(solutions, exercise) == ""
    for _, expected in exercise.cases:
        wrong = spoiled(expected)
        assert not grader.same(wrong, expected)


def spoiled(expected):
    """The same, but for one number."""
    if isinstance(expected, tuple):
        return (spoiled(expected[0]), *expected[1:])
    wrong = np.array(expected, float)
    wrong.flat[0] += 0.001
    return wrong


def test_make_exercises_is_no_error_while_something_is_unsolved():
    done = subprocess.run(["make", "-n", "exercises"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "grade.py || true" in done.stdout


# Notebooks


def cells(name):
    return json.loads((LEARN / name).read_text())["cells"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_committed_without_outputs(name):
    code_cells = [cell for cell in cells(name) if cell["cell_type"] == "code"]
    assert code_cells
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code_cells)


@functools.cache
def run_notebook(name, folder):
    """What a notebook's code cells print, one after the other, in a process of its own."""
    sources = ["".join(cell["source"]) for cell in cells(name) if cell["cell_type"] == "code"]
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", "\n\n".join(sources)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not list(folder.iterdir())  # nothing is left behind
    return done.stdout


def test_the_notebook_of_bikes_beats_the_usual_hour(tmp_path):
    printed = run_notebook("bikes.ipynb", tmp_path)
    network, usual = (float(rmse) for rmse in re.findall(r"RMSE ([\d.]+) bikes", printed)[:2])
    assert network < 0.6 * usual
    assert re.search(r"^\d+ bikes$", printed, re.MULTILINE)  # an hour of one's own
    assert re.search(r"^\d+ bikes on Monday 2012-12-24", printed, re.MULTILINE)  # the pipeline's


def test_the_notebook_of_sentiment_tells_good_from_bad(tmp_path):
    printed = run_notebook("sentiment.ipynb", tmp_path)
    assert float(re.search(r"^accuracy ([\d.]+)$", printed, re.MULTILINE)[1]) > 0.7
    dull, wonderful, not_dull = (float(p) for p in re.findall(r"^(0\.\d{3})  ", printed, re.MULTILINE))
    assert dull < 0.3 < 0.6 < wonderful
    assert not_dull < 0.5  # single words know nothing of "not", as the text says
    assert re.search(r"^negative\t.*A dull, lifeless film!$", printed, re.MULTILINE)
    assert re.search(r"^positive\t.*The plot is not dull\.$", printed, re.MULTILINE)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_knows_little_of_its_pipeline(name):
    """A change of the pipeline's own functions changes no notebook: only the simulated data are imported."""
    source = "\n".join("".join(cell["source"]) for cell in cells(name) if cell["cell_type"] == "code")
    imported = [node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    pipeline = name.removesuffix(".ipynb")
    assert [m for m in imported if m.startswith("projects")] == [f"projects.{pipeline}.sample"]


# Pictures


def test_every_picture_is_drawn_by_code_and_used():
    pictures = load("pictures.py").PICTURES
    assert {path.name for path in (LEARN / "pictures").glob("*.png")} == set(pictures)
    text = "".join((LEARN / name).read_text() for name in CHAPTERS)
    assert set(re.findall(r"\(pictures/(.*?)\)", text)) == set(pictures)
    assert "../docs/learn/pictures/network-forward.png" in (ROOT / "nn" / "README.md").read_text()


@pytest.mark.parametrize("name", sorted(path.name for path in (LEARN / "pictures").glob("*.png")))
def test_a_picture_can_be_drawn(name):
    figure = load("pictures.py").PICTURES[name]()
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=40)
    assert file.getbuffer().nbytes > 1000


def texts_of(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_the_network_is_drawn_with_the_numbers_of_its_step():
    pictures = load("pictures.py")
    forward = texts_of(pictures.PICTURES["network-forward.png"]())
    for number in ("0.5597", "0.3870", "0.4850", "z = 0.24", "0.7", "target 0.6"):
        assert number in forward
    backward = texts_of(pictures.PICTURES["network-backward.png"]())
    delta2 = (0.48497343 - 0.6) * 0.48497343 * (1 - 0.48497343)
    upper = delta2 * 0.1 * 0.55971365 * (1 - 0.55971365)
    lower = delta2 * -0.3 * 0.38698582 * (1 - 0.38698582)
    for number in (f"δ2 = {delta2:+.6f}", f"δ1 = {upper:+.6f}", f"δ1 = {lower:+.6f}"):
        assert number in backward
    for product in (
        "(0.4850 - 0.6) · 0.4850 · (1 - 0.4850)",
        "δ2 · 0.1 · 0.5597 · (1 - 0.5597)",
        "δ2 · -0.3 · 0.3870 · (1 - 0.3870)",
    ):
        assert product in backward


def test_the_neuron_is_drawn_with_its_answer():
    texts = texts_of(load("pictures.py").PICTURES["neuron.png"]())
    assert {"0.99909", "z = 7"} <= set(texts)


def test_pictures_of_networks_have_their_gates_right():
    """Each line of the picture of the gates parts the ones from the zeros."""
    pictures = load("pictures.py")
    for name, (weights, outputs) in pictures.GATES.items():
        if name == "XOR":
            assert weights is None
            continue
        *w, bias = weights
        assert (pictures.INPUTS @ w + bias > 0).astype(int).tolist() == outputs


# The plain pipeline


def test_the_plain_pipeline_counts_and_weighs_as_the_fast_one_and_is_nearly_as_good():
    from projects.sentiment.counting import build_vocabulary
    from projects.sentiment.data import Reviews
    from projects.sentiment.settings import Settings
    from projects.sentiment.training import train

    plain = load("plain_sentiment.py")
    (texts, labels), (test_texts, truth) = plain.read("train"), plain.read("test")
    ratios = plain.log_count_ratios(texts, labels)
    vocabulary = build_vocabulary(Reviews(texts, labels), Settings())
    fast = {vocabulary.name(number): vocabulary.ratios[number] for number in vocabulary.in_bag}
    assert ratios.keys() == fast.keys()
    np.testing.assert_allclose([ratios[name] for name in fast], list(fast.values()), rtol=1e-5)
    rows = vocabulary.bag(*vocabulary.columns_of(test_texts)).toarray()
    number = {name: column for column, name in enumerate(ratios)}
    in_its_order = plain.bag(test_texts, ratios).toarray()[:, [number[name] for name in fast]]
    np.testing.assert_allclose(in_its_order, rows, atol=1e-5)
    done = subprocess.run(
        [sys.executable, LEARN / "plain_sentiment.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    accuracy = float(re.search(r": ([\d.]+)% of 1,000 test reviews", done.stdout)[1]) / 100
    model = train([Reviews(texts, labels, simulated=True)], Settings())
    of_fast = float(np.mean(model.probabilities(test_texts).argmax(axis=1) == np.array(truth)))
    assert accuracy == pytest.approx(of_fast, abs=0.02)
    assert accuracy > 0.8
