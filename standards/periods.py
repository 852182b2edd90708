"""When the administrative divisions were in force (GB/T 2260, yearly lists since 1981), in a form that an expression can search."""

from functools import lru_cache

from standards.loader import load_standards

FIRST_YEAR = "1981"  # of the lists: what was in force before, they do not say
_LAST = "9999"


@lru_cache(maxsize=1)
def periods() -> dict[str, tuple[str, str]]:
    """First and last year of every code. A code that was withdrawn and came back is taken to have lived on."""
    found: dict[str, tuple[str, str]] = {}
    for code in load_standards().code_lists["division"].codes:
        first, last = found.get(code.code, (code.valid_from, ""))
        found[code.code] = (min(first, code.valid_from), max(last, code.valid_to or _LAST))
    return found


def in_force_for_good() -> list[str]:
    """The codes in every list there is."""
    return [code for code, years in periods().items() if years == (FIRST_YEAR, _LAST)]


@lru_cache(maxsize=1)
def periods_by_province() -> list[tuple[str, str]]:
    """For the two digits of each province, its codes that are not in every list, each as `code:firstlast;`."""
    found: dict[str, str] = {}
    for code, (first, last) in periods().items():
        if (first, last) != (FIRST_YEAR, _LAST):
            found[code[:2]] = f"{found.get(code[:2], '')}{code}:{first}{last};"
    return list(found.items())
