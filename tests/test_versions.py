"""The versions that are promised, that are tested, and that were recorded agree."""

import re
import tomllib

from helpers import ROOT
from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def declared():
    """Every requirement of pyproject.toml, of the extras too."""
    extras = PROJECT["optional-dependencies"].values()
    return [Requirement(line) for line in [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]]


def pinned(name):
    """The versions in a constraints file, each line of which is a comment or name==version."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
    found = [re.fullmatch(r"([A-Za-z0-9_.-]+)==([a-z0-9.]+)", line) for line in lines]
    assert all(found), name
    return {match[1].lower().replace("_", "-"): Version(match[2]) for match in found}


def test_the_oldest_versions_are_the_lower_bounds():
    bounds = {}
    for requirement in declared():
        (bound,) = requirement.specifier
        assert bound.operator in (">=", "=="), requirement
        version = Version(bound.version)
        assert bounds.setdefault(requirement.name, version) == version, f"{requirement.name}: two lower bounds"
    assert pinned("constraints-oldest.txt") == bounds


def test_the_oldest_python_is_the_lower_bound():
    makefile = (ROOT / "Makefile").read_text()
    oldest = re.search(r"^PYTHON_OLDEST \?= python(.*)$", makefile, re.MULTILINE)[1]
    assert PROJECT["requires-python"] == f">={oldest}"


def test_the_recorded_versions_are_allowed():
    recorded = pinned("constraints.txt")
    tested = [
        line for extra, lines in PROJECT["optional-dependencies"].items() if extra != "benchmark" for line in lines
    ]
    for requirement in map(Requirement, [*PROJECT["dependencies"], *tested]):
        assert recorded[requirement.name] in requirement.specifier, requirement
