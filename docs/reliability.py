"""Write the names of the tests into docs/reliability.md: the last column of each table of faults.

Run from the top folder: make docs
"""

import re
from pathlib import Path

FOLDER = Path(__file__).parent
PAGE = FOLDER / "reliability.md"
TEST = re.compile(r"^def test_fault_(\d\d)_(\w+)\(", re.MULTILINE)
ROW = re.compile(r"^\| (\d+) \| (.*) \|([^|]*)\|$", re.MULTILINE)  # number, fault and what it gives, tests


def tests_by_fault() -> dict[int, list[str]]:
    """A link for each test of each fault, in the order of files and lines."""
    links: dict[int, list[str]] = {}
    for path in sorted((FOLDER.parent / "tests").glob("test_*.py")):
        for number, words in TEST.findall(path.read_text(encoding="utf-8")):
            link = f"[{words.replace('_', ' ')}](../tests/{path.name})"
            links.setdefault(int(number), []).append(link)
    return links


def faults(page: str) -> list[int]:
    """The numbers of the faults on the page."""
    return [int(number) for number, _, _ in ROW.findall(page)]


def with_tests(page: str) -> str:
    """The page with the tests that there are in its last column."""
    links = tests_by_fault()

    def row(match: re.Match[str]) -> str:
        number, text, _ = match.groups()
        tests = "; ".join(links.get(int(number), []))
        return f"| {number} | {text} | {tests} |"

    return ROW.sub(row, page)


if __name__ == "__main__":
    PAGE.write_text(with_tests(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
