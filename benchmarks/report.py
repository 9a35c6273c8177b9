"""Where the benchmarks find the data, what machine they ran on, and the file they write their results into."""

import importlib.metadata
import os
import platform
import sys
from pathlib import Path

from threadpoolctl import threadpool_info

ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = Path(os.environ.get("REAL_DATA_DIR", ROOT.parent / "shared" / "data"))
RESULTS = ROOT / "docs" / "results.md"
HEAD = "# Results of the benchmarks\n\nEach section names the command that wrote it.\n"


def find_hours():
    """The published table of hours: with the other published data, or where `make bikes` has put it; None without."""
    from projects.bikes.data import PUBLISHED

    paths = [REAL_DATA / PUBLISHED.name, ROOT / "data" / "bikes" / PUBLISHED.name]
    return next((path for path in paths if path.exists()), None)


def published_hours():
    """The same; ends where it is not there."""
    path = find_hours()
    if path is None:
        sys.exit("no published hours: run `make bikes`, or set REAL_DATA_DIR to the folder that has them")
    return path


def machine(*packages):
    """One paragraph: versions of Python and the packages, processor, cores and threads."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    threads = ", ".join(sorted({f"{pool['internal_api']} {pool['num_threads']}" for pool in threadpool_info()}))
    return (
        f"Python {platform.python_version()}, {versions}. {processor()}, {os.cpu_count()} cores; "
        f"threads: {threads or 'unknown'}."
    )


def processor():
    """The processor's name, on Linux with its instruction family, as names of virtual machines say little."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    return f"{facts.get('model name', platform.machine())} (model {facts.get('model')})"


def table(header, rows):
    """A Markdown table of strings, the first column aligned left and the others right."""
    rule = [":--"] + ["--:"] * (len(header) - 1)
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows)) + "\n"


def write_section(title, command, text, path=None):
    """Print a section and put it into a file, RESULTS if no other, in the place of an older one of this title."""
    path = path or RESULTS
    section = f"## {title}\n\nBy `{command}`.\n\n{text.strip()}\n"
    print(section)
    parts = path.read_text(encoding="utf-8").split("\n## ")[1:] if path.exists() else []
    others = {part.partition("\n")[0]: f"## {part.strip()}\n" for part in parts}
    path.write_text("\n".join([HEAD, *(others | {title: section}).values()]), encoding="utf-8")
