"""Which days are public holidays, where no column of the table says so."""

from collections.abc import Iterable

import pandas as pd

from projects.common.errors import ProjectError


def look_up_holidays(time: pd.Series, country: str, subdivision: str | None) -> pd.Series:
    """1 for hours on a public holiday of the country, else 0 [rows]. Raises ProjectError for an unknown country."""
    years = range(int(time.dt.year.min()), int(time.dt.year.max()) + 1)
    return time.dt.normalize().isin(public_holidays(years, country, subdivision)).astype(int)


def public_holidays(years: Iterable[int], country: str, subdivision: str | None) -> pd.DatetimeIndex:
    """The public holidays of a country in these years, in order. Raises ProjectError for an unknown country."""
    import holidays

    try:
        days = holidays.country_holidays(country, subdiv=subdivision, years=years)
    except NotImplementedError as error:
        known = holidays.list_supported_countries()
        if country not in known:
            raise ProjectError(
                f"no holidays are known of country {country}: give a code of two letters, as KR"
            ) from error
        subdivisions = ", ".join(known[country]) or "none"
        raise ProjectError(f"{country} has no subdivision {subdivision}; it has {subdivisions}") from error
    return pd.DatetimeIndex(pd.to_datetime(sorted(days)))
