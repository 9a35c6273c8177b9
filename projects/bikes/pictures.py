"""The pictures of a bikes run, and what each was drawn from."""

from projects.common.report import Picture
from projects.common.run_folder import METRICS, MODEL

BACKTEST = "backtest.csv"
EVALUATED = (MODEL, METRICS)
PICTURES = {
    "outlook.png": Picture("What is expected after the data.", (MODEL,), "bikes forecast"),
    "forecast.png": Picture("Forecast and actual rentals over the test days.", EVALUATED, "bikes plot"),
    "errors.png": Picture("Where and when the forecast errs.", EVALUATED, "bikes plot"),
    "effects.png": Picture(
        "What the forecast follows: the hour and, where it is known, the temperature.", EVALUATED, "bikes plot"
    ),
    "backtest.png": Picture("Errors of forecasts from moments in the past.", (BACKTEST,), "bikes plot"),
    "losses.png": Picture(
        "The losses while the first network learned, of the fit without the validation days.", (MODEL,), "bikes plot"
    ),
}
