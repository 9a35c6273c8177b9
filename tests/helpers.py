"""What tests call: the commands, real data where there are any, the contrast of colours.

NumPy is not imported here, as conftest.py first says how many threads it has: others add up in another order.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

ROOT = Path(__file__).parent.parent
REAL_DATA = Path(os.environ.get("REAL_DATA_DIR", ROOT.parent / "shared" / "data"))


def real_data(name):
    """The path of a real data file; skips the test where it is not there."""
    path = REAL_DATA / name
    if not path.exists():
        pytest.skip(f"no {name} in {REAL_DATA}: set REAL_DATA_DIR to the folder that has it")
    return path


def run(command, *arguments, cwd, stdin="", environment=None):
    """A console script as a real process: (exit code, stdout, stderr)."""
    script = Path(sys.executable).parent / command
    done = subprocess.run(
        [script, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def inside(command, *arguments, stdin=None):
    """The same in this process, which is faster."""
    from projects.bikes.cli import main as bikes
    from projects.sentiment.cli import main as sentiment

    result = CliRunner().invoke({"bikes": bikes, "sentiment": sentiment}[command], list(map(str, arguments)), stdin)
    assert isinstance(result.exception, SystemExit | None), arguments
    return result.exit_code, result.stdout, result.stderr


def contrast(colour, ground):
    """How far two colours, rgb(r, g, b), stand apart, from 1 to 21, by the formula of WCAG 2.2."""
    lighter, darker = sorted((luminance(colour), luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    """Relative luminance of rgb(r, g, b)."""
    red, green, blue = (linear(int(channel) / 255) for channel in re.findall(r"\d+", colour)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(channel):
    """A channel of sRGB, from 0 to 1, as light."""
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
