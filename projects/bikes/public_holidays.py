"""Which days are public holidays, where no column of the table says so."""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import resources

import pandas as pd

from projects.common.errors import ProjectError
from projects.common.names import folded

LETTERS_OF_LONG_CODE = 3
LIKE = 0.7  # how near to a name what was written must be, from 0 to 1


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
            advice = f"give a code of two letters, such as {likely_code(country)}"
            raise ProjectError(f"no holidays are known of country {country}: {advice}") from error
        named = holidays.list_supported_countries(include_aliases=True)[country]
        by_folded = {folded(name): name for name in named}
        nearest = get_close_matches(folded(str(subdivision)), by_folded, n=1, cutoff=LIKE)
        meant = f": did you mean {by_folded[nearest[0]]}?" if nearest else ""
        it_has = "" if nearest else f"; it has {', '.join(known[country]) or 'none'}"
        raise ProjectError(f"{country} has no subdivision {subdivision}{meant}{it_has}") from error
    return pd.DatetimeIndex(pd.to_datetime(sorted(days)))


def code_of_two_letters(code: str) -> str:
    """ "IT" for "ITA"; any other code as it is."""
    if len(code) != LETTERS_OF_LONG_CODE:
        return code
    import holidays

    try:
        known: str = holidays.country_holidays(code).country
    except NotImplementedError:
        return code  # whoever looks its holidays up refuses it
    return known


def likely_code(written: str) -> str:
    """ "ES for Spain" of what was written for a country, where its English name is near to it; else that, too."""
    names = country_names()
    by_folded = {folded(name): name for name in names}
    nearest = get_close_matches(folded(written), by_folded, n=1, cutoff=LIKE)
    name = by_folded[nearest[0]] if nearest else "Spain"
    return f"{names[name]} for {name}"


def country_names() -> dict[str, str]:
    """The code of two letters of each country, by its English name."""
    rows = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8").splitlines()
    fields = [row.split("\t") for row in rows if not row.startswith("#")]
    return {name: code for code, name in fields}
