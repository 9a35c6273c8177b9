"""The one exception that the command line turns into one line and exit code 1, and how such a line is written."""


class ProjectError(Exception):
    """An expected failure. Its message says what was wrong, where, and what to do next, in one line."""


class NoConnectionError(ProjectError):
    """The address could not be connected to: no name resolution, refused, unreachable."""


class FailingServerError(ProjectError):
    """A server was reached and fails: an error of its own, silence, too slow, broken off, no HTTP."""


def printable(text: str) -> str:
    """The text without line breaks and the control characters that could command a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)
