"""Errors of forecasts, in words."""


def bikes(number: float) -> str:
    """ "17 bikes", "1.4 bikes"."""
    return f"{number:,.0f} bikes" if number >= 10 else f"{number:.1f} bikes"


def off_by(error: float, mean_hour: float, weeks_error: float, held: float | None) -> str:
    """How far off a forecast is on average, and the mean of the four weeks before it. mean_hour: bikes of a mean hour.

    Both errors are mean absolute ones. held: share of the hours that the 80 % band held, None where that says nothing.
    """
    band = f"; the 80 % band held {100 * held:.0f} of 100 hours" if held is not None else ""
    off = f"off by {bikes(error)} an hour on average (an average hour sees {mean_hour:,.0f})"
    return f"{off}; the mean of the four weeks before by {bikes(weeks_error)}{band}"
