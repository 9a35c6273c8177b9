"""`bikes compare`: how a forecast turned out."""

from pathlib import Path

import click

from projects.bikes.cli_options import say_each
from projects.common import cli as common
from projects.common import cli_options, cli_output


@click.command(cls=common.PipelineCommand)
@click.argument("forecast", type=click.Path(path_type=Path))
@click.argument("bikes", type=click.Path(path_type=Path))
@click.option("--time-column", metavar="NAME", help="The date, or date and time, of BIKES.  [default: found]")
@click.option("--count-column", metavar="NAME", help="The bikes of each hour.  [default: found]")
@cli_options.json_option
def compare(forecast: Path, bikes: Path, time_column: str | None, count_column: str | None, as_json: bool) -> None:
    """How a forecast turned out.

    FORECAST is a file that `bikes forecast` wrote, BIKES a table of the bikes that then came, hour by hour; weather is
    not needed. Shown are the days, how far off the forecast was, how far the mean of the four weeks before it, and how
    many hours were within the band.

    Example: bikes compare week.csv counts.csv
    """
    from projects.bikes.comparison import beside_truth, by_day, comparison_table, in_a_sentence, read_forecast
    from projects.bikes.comparison import compare as scores_of
    from projects.bikes.data import read_table

    hours = read_forecast(forecast)
    city = read_table(bikes, {"time_column": time_column, "count_column": count_column})
    both = beside_truth(hours, city.hours)
    scores = scores_of(both)
    if as_json:
        cli_output.print_json(scores)
        return
    say_each(city.remarks)
    if not both.time.isin(city.hours.time).all():
        say_each([f"{bikes}: day and month are read the other way round, as the forecast has these days"])
    click.echo(comparison_table(by_day(both)))
    click.echo(in_a_sentence(both, scores, len(hours)))
