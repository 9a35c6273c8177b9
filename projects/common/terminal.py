"""What a terminal is sent: nothing that could command it, and nothing that a training would fail by."""

import io
import json
import re
import sys
from contextlib import suppress

from projects.common.errors import printable

TEXT = re.compile(r"([\n\t])")
BARS = re.compile(r"([\n\t\r]|\x1b\[A)")  # also to the start of a line, and a line up


def tell(message: str) -> None:
    """One line on stderr, where remarks and warnings go."""
    print(printable(message), file=sys.stderr, flush=True)


def for_terminal(text: str, allowed: re.Pattern[str] = TEXT) -> str:
    """The text with \\uXXXX for what is not printable: control characters, and invisible ones.

    Those turn the direction of a line, hide a letter, or move the cursor. In JSON the escape means the
    same character.
    """
    if text.isprintable():
        return text
    parts = allowed.split(text)
    return "".join(part if allowed.fullmatch(part) else escaped(part) for part in parts)


def escaped(text: str) -> str:
    """The text with an escape, as JSON has them, for each character that is not printable."""
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


class TerminalStream(io.TextIOWrapper):
    """A stream of a process, to whose terminal only printable characters are sent."""

    allowed = TEXT

    def __init__(self, stream: io.TextIOWrapper) -> None:
        super().__init__(stream.detach(), encoding="utf-8", errors="backslashreplace", line_buffering=True)

    def write(self, text: str) -> int:
        return super().write(for_terminal(text, self.allowed) if self.isatty() else text)

    def write_styled(self, text: str) -> int:
        """Write text with colours, whose words are known to be printable."""
        return super().write(text)


class ForgivingStream(TerminalStream):
    """The same for stderr, which may be closed or full: what can't be told is lost, and nothing else."""

    allowed = BARS

    def write(self, text: str) -> int:
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()
