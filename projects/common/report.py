"""One HTML page of a run that needs nothing else: what both pipelines put on it, and how it is put together."""

import base64
import hashlib
import json
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from projects.common.errors import ProjectError
from projects.common.files import sha256
from projects.common.run_folder import fingerprint_of

LARGEST_PAGE = 6_000_000  # bytes
WIDE = 1_300  # pixels from which a picture gets the whole width
LONG_LIST = 12  # items from which a list is folded away
PNG = b"\x89PNG\r\n\x1a\n"
DRAWN_FROM = "Source"  # the PNG text that `save_figure` leaves: a fingerprint of what the picture was drawn from


class Picture(NamedTuple):
    """A picture of a run: what stands under it, the files beside it that it was drawn from, and who draws it."""

    caption: str
    drawn_from: tuple[str, ...]
    command: str


def fill(parts: Mapping[str, str]) -> str:
    """The page with these parts, which are HTML, in their places; what is filled in is not searched for places.

    The pipeline's style follows the one that all pages share.
    """
    folder = Path(__file__).parent
    template = (folder / "report.html").read_text(encoding="utf-8")
    style = (folder / "report.css").read_text(encoding="utf-8") + parts["style"]
    script = '"use strict";\n' + parts["script"]
    filled = {**parts, "style": style, "script": script, "policy": content_security_policy(style, script)}
    return re.sub(r"\{\{(\w+)\}\}", lambda place: filled[place[1]], template)


def content_security_policy(style: str, script: str) -> str:
    """What a browser lets the page do: apply this style, run this script, show pictures that are in it. Nothing else.

    The browser compares hashes (https://www.w3.org/TR/CSP3/#match-element-to-source-list): a script that came in with
    a text would not run even if it were not escaped, nor would a style attribute count.
    """
    directives = [
        "default-src 'none'",
        f"script-src {source_hash(script)}",
        f"style-src {source_hash(style)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(directives)


def source_hash(text: str) -> str:
    """The SHA-256 of what stands between two tags, as a policy has it."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def as_json(value: Any) -> str:
    """JSON that can stand inside <script>: nothing in it can close the tag or open another."""
    return json.dumps(value).replace("<", "\\u003c")


def common_parts(
    pipeline: str,
    model: Path,
    settings: Mapping[str, Any],
    data_sha256: str | None,
    simulated: bool,
    pictures: Mapping[str, Picture],
) -> dict[str, str]:
    """The parts that do not depend on the pipeline. settings: as people call them, in the order of reading."""
    mark = '<p class="simulated">SIMULATED DATA: nothing on this page says anything about the world.</p>'
    return {
        "command": f"{pipeline} report",
        "simulated": mark if simulated else "",
        "pictures": picture_grid(model.parent, pictures) or missing(f"{pipeline} plot"),
        "data": fingerprints(model, data_sha256),
        "settings": words({name: shown(value) for name, value in settings.items()}),
    }


def missing(command: str) -> str:
    return f'<p class="card">Not there yet: run <code>{command}</code>, then make this page again.</p>'


def picture_grid(run: Path, pictures: Mapping[str, Picture]) -> str:
    """The pictures of these names in the run folder, as data.

    Those that were drawn from other files than are there now, of an older model or evaluation, are left out, and a
    line says how to draw them again. Raises ProjectError for what is no picture.
    """
    figures: list[str] = []
    outdated: dict[str, list[str]] = {}  # the captions of those that each command draws
    for name, picture in pictures.items():
        path = run / name
        if not path.exists():
            continue
        png = path.read_bytes()
        texts = png_texts(png)
        if texts is None:
            raise ProjectError(f"{path} is no PNG picture: draw it again")
        if texts.get(DRAWN_FROM) == fingerprint_of(run, picture.drawn_from):
            figures.append(figure_of(png, picture.caption))
        else:
            outdated.setdefault(picture.command, []).append(picture.caption.rstrip("."))
    grid = f'<div class="pictures">{"".join(figures)}</div>' if figures else ""
    return grid + "".join(redraw(command, captions) for command, captions in outdated.items())


def figure_of(png: bytes, caption: str) -> str:
    """A picture as HTML."""
    width, height = struct.unpack(">II", png[16:24])
    size, kind = f'width="{width}" height="{height}"', ' class="full"' if width > WIDE else ""
    image = f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}" {size} alt="{escape(caption)}">'
    return f"<figure{kind}>{image}<figcaption>{escape(caption)}</figcaption></figure>"


def redraw(command: str, captions: Sequence[str]) -> str:
    """A line on pictures of an older model or evaluation."""
    names = escape("; ".join(captions))
    return (
        f'<p class="card">Left out, since drawn of another model or evaluation: {names}. '
        f"Run <code>{command}</code>, then make this page again.</p>"
    )


def png_texts(png: bytes) -> dict[str, str] | None:
    """The texts that stand in a PNG file before its pixels; None for what is no such file.

    See https://www.w3.org/TR/png-3/#5Chunk-layout: length, type, data and checksum; of tEXt: name, 0, text.
    """
    if not png.startswith(PNG + b"\0\0\0\rIHDR"):
        return None
    texts: dict[str, str] = {}
    start = len(PNG)
    while start + 8 <= len(png):
        length, kind = struct.unpack(">I4s", png[start : start + 8])
        if kind == b"IDAT":
            break
        if kind == b"tEXt":
            name, _, text = png[start + 8 : start + 8 + length].partition(b"\0")
            texts[name.decode("latin-1")] = text.decode("latin-1")
        start += 8 + length + 4
    return texts


def fingerprints(model: Path, data: str | None) -> str:
    """The SHA-256 of the data, where the model knows it, and of the model file."""
    digests = {"SHA-256 of the data": data, "SHA-256 of the model file": sha256(model)}
    return words({name: f'<span class="hash">{escape(digest)}</span>' for name, digest in digests.items() if digest})


def words(rows: Mapping[str, str]) -> str:
    """A table of names, which are escaped, and what is said of them, which is HTML."""
    lines = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{value}</td></tr>' for name, value in rows.items())
    return f'<div class="wide card"><table class="words"><tbody>{lines}</tbody></table></div>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], ours: str = "network") -> str:
    """A table of figures; the rows whose first cell begins with `ours` stand out.

    Where it would be too wide, on a phone, each cell stands on a line of its own with the name of its column.
    """
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = []
    for first, *cells in rows:
        kind = ' class="ours"' if first.startswith(ours) else ""
        named = zip(head[1:], cells, strict=True)
        figures = "".join(f'<td data-name="{escape(name)}">{escape(cell)}</td>' for name, cell in named)
        lines.append(f'<tr{kind}><th scope="row">{escape(first)}</th>{figures}</tr>')
    body = f"<thead><tr>{names}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return f'<div class="wide card"><table class="figures">{body}</table></div>'


def shown(value: Any) -> str:
    """A setting as HTML."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return "; ".join(f"{escape(str(name)).replace('_', ' ')}: {shown(item)}" for name, item in value.items())
    if isinstance(value, list) and len(value) > LONG_LIST:
        return f"<details><summary>{len(value)}</summary>{escape(', '.join(map(str, value)))}</details>"
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    return escape({True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value))
