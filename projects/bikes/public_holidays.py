"""Which days are public holidays, where no column of the table says so."""

import pandas as pd

from projects.common.errors import ProjectError


def look_up_holidays(time: pd.Series, country: str, subdivision: str | None) -> pd.Series:
    """1 for hours on a public holiday of the country, else 0 [rows]. Raises ProjectError for an unknown country."""
    import holidays

    years = range(int(time.dt.year.min()), int(time.dt.year.max()) + 1)
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
    dates = pd.DatetimeIndex(pd.to_datetime(sorted(days)))
    return time.dt.normalize().isin(dates).astype(int)
