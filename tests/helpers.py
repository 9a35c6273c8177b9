"""What tests call: the commands, real data where there are any, the contrast of colours."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
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
    channels = np.array(re.findall(r"\d+", colour)[:3], float) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
