"""Who may know whom."""

import ast
import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nn
from nn.batches import ArrayBatches
from nn.training import TrainingSettings

ROOT = Path(__file__).parent.parent
MOST_LINES, MOST_PARAMETERS = 60, 8  # of a function, unless a comment on the line of its `def` says why
SOURCES = sorted([*ROOT.glob("nn/*.py"), *ROOT.glob("projects/**/*.py")])


def imports(path):
    """Every module that a file imports anywhere, functions included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    room = path.relative_to(ROOT).parts[:-1]
    for module in imports(path):
        top = module.partition(".")[0]
        if room == ("nn",):
            assert top in {"nn", "numpy"} | sys.stdlib_module_names, f"nn knows {module}"
        if room == ("projects", "common"):
            assert top != "nn", "what both pipelines share does not need the network"
            assert top != "projects" or module.startswith("projects.common"), f"common knows {module}"
        if room in (("projects", "bikes"), ("projects", "sentiment")):
            other = "projects.sentiment" if room[1] == "bikes" else "projects.bikes"
            assert not module.startswith(other), "the pipelines do not know each other"
        if top == "click":
            assert path.name.startswith("cli"), "only the command line knows Click"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_fit_a_screen(path):
    source = path.read_text()
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        arguments = function.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        parameters = [argument.arg for argument in named if argument.arg not in ("self", "cls")]
        lines = function.end_lineno - function.lineno + 1
        is_argued = "  # " in source.splitlines()[function.lineno - 1]
        assert is_argued or (lines <= MOST_LINES and len(parameters) <= MOST_PARAMETERS), (
            f"{path.name}: {function.name} has {lines} lines and {len(parameters)} parameters"
        )


@pytest.mark.parametrize("name", nn.__all__)
def test_every_public_class_of_nn_has_an_example_that_runs(name):
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner()
    known = {"np": np, "ArrayBatches": ArrayBatches, "TrainingSettings": TrainingSettings}
    known |= {name: getattr(nn, name) for name in nn.__all__}
    (example,) = finder.find(getattr(nn, name), name, globs=known)
    assert example.examples
    assert runner.run(example).failed == 0


@pytest.mark.parametrize("name", ["tokens", "negation", "ngrams", "counting"])
def test_the_examples_at_the_top_of_a_file_run(name):
    module = importlib.import_module(f"projects.sentiment.{name}")
    result = doctest.testmod(module)
    assert result.attempted
    assert result.failed == 0


def test_nn_prints_nothing_unless_it_is_asked_to():
    """`verbose` of the estimators is the one place."""
    printing = {}
    for path in ROOT.glob("nn/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
                printing.setdefault(path.name, 0)
                printing[path.name] += 1
    assert printing == {"estimators.py": 1}


@pytest.mark.parametrize("command", ["bikes", "sentiment"])
def test_help_needs_no_heavy_library(command):
    code = f"import sys, projects.{command}.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"numpy", "pandas", "scipy", "matplotlib", "requests", "tqdm", "safetensors", "nn"}
    assert not heavy & set(loaded)


def test_nothing_that_could_run_code_from_a_file():
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "arg", None)
            assert name not in {"eval", "exec", "allow_pickle"}, f"{path}: {name}"
        assert not {"pickle", "joblib", "marshal", "shelve"} & set(imports(path)), path
