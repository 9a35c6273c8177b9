"""The settings of a bikes model, and what may be said of a table: what `bikes train` has options for."""

from typing import Annotated

import msgspec
from msgspec import Meta

TABLE_OPTIONS = (
    "time_column",
    "hour_column",
    "count_column",
    "casual_column",
    "registered_column",
    "column",
    "fahrenheit",
    "wind_unit",
    "country",
    "subdivision",
    "latitude",
    "longitude",
    "events",
    "encoding",
)


VALIDATION_DAYS, TEST_DAYS = 60, 21  # that a training keeps apart unless told otherwise


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How to train."""

    seed: Annotated[int, Meta(ge=0, description="For the first weights and the order of the rows.")] = 0
    members: Annotated[int, Meta(ge=1, description="Networks whose forecasts are averaged.")] = 6
    hidden_units: Annotated[int, Meta(ge=1, le=100_000, description="Of each network.")] = 24
    epochs: Annotated[int, Meta(ge=1, description="Times through the training rows.")] = 40
    learning_rate: Annotated[float, Meta(gt=0, description="Of the first epoch; it falls to 0.")] = 0.1
    batch_size: Annotated[int, Meta(ge=1, description="Rows a step.")] = 64
    log_counts: Annotated[
        bool, Meta(description="Learn logarithms of the counts: relative errors get smaller, those in bikes larger.")
    ] = False
    momentum: Annotated[float, Meta(ge=0, lt=1, description="Share of the last step that the next one keeps.")] = 0.9


DEFAULTS = Settings()
