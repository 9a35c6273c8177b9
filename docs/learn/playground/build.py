"""Write docs/learn/playground.html: one file that trains the network of nn/ in a browser.

Run from the top folder: python docs/learn/playground/build.py
"""

import base64
import hashlib
import html
import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent.parent
PAGE = HERE.parent / "playground.html"
SCRIPTS = ("network.js", "data.js", "page.js")
LINES = {  # the page's name of a line of nn/network.py, and how that line begins
    "line_hidden": "hidden = X @ self.W1",
    "line_prediction": "prediction = passed_on @ self.W2",
    "line_delta2": "delta2 = output_delta(",
    "line_delta1": "delta1 = np.dot(delta2, self.W2.T)",
}


def build() -> str:
    """The whole page. Raises ValueError where nn/network.py no longer has one of the lines."""
    style = "\n" + (HERE / "page.css").read_text()
    sources = [(HERE / name).read_text() for name in SCRIPTS]
    script = '\n"use strict";\n' + "\n".join(sources)
    parts = {
        "style": style,
        "script": script,
        "style_hash": content_hash(style),
        "script_hash": content_hash(script),
    }
    source = (ROOT / "nn" / "network.py").read_text()
    for name, start in LINES.items():
        parts[name] = html.escape(line_that_starts(source, start))
    template = (HERE / "page.html").read_text()
    return re.sub(r"{{(\w+)}}", lambda match: parts[match[1]], template)


def content_hash(text: str) -> str:
    """What a Content-Security-Policy calls this text."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def line_that_starts(source: str, start: str) -> str:
    """The one line of the source that starts so, without its comment."""
    lines = [line.strip() for line in source.splitlines()]
    matches = [line for line in lines if line.startswith(start)]
    if len(matches) != 1:
        raise ValueError(f"nn/network.py has {len(matches)} lines that start with {start!r}: expected 1")
    code, _, _ = matches[0].partition("#")
    return code.strip()


if __name__ == "__main__":
    PAGE.write_text(build())
    print(PAGE)
