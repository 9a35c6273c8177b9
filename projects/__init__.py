"""Two pipelines on one network: `bikes` and `sentiment`, and what both need in `common`."""

import sys
from types import TracebackType


def report(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """What Python does with an exception that nobody caught, but one line for Ctrl-C while modules are loaded."""
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


sys.excepthook = report
