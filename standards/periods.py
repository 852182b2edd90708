"""When the codes of a list were in force, in a form that an expression can search.

A list that gives years (as GB/T 2260 does since 1981) does not say on which day a code began or ended, so it counts as in force in the whole
of both years. What was in force before the first day of a list, the list does not say.
"""

from functools import lru_cache

from standards.loader import load_standards

FOREVER = "99999999"
HEAD = 2  # so many characters part the codes of a list into groups that are searched one by one


@lru_cache(maxsize=16)
def periods(code_list: str) -> dict[str, tuple[str, str]]:
    """First day of every code and the first day after it, as eight digits. A code that was withdrawn and came back is taken to have lived on."""
    found: dict[str, tuple[str, str]] = {}
    for code in load_standards().code_lists[code_list].codes:
        begin, end = _begin(code.valid_from), _end(code.valid_to)
        known = found.get(code.code, (begin, end))
        found[code.code] = (min(known[0], begin), max(known[1], end))
    return found


@lru_cache(maxsize=16)
def first_day(code_list: str) -> str:
    """The first day of which a list says anything."""
    return min((begin for begin, _ in periods(code_list).values() if begin), default="")


def in_force_for_good(code_list: str) -> list[str]:
    """The codes that hold for all the time of which their list says anything."""
    first = first_day(code_list)
    return [code for code, (begin, end) in periods(code_list).items() if begin <= first and end == FOREVER]


@lru_cache(maxsize=16)
def periods_by_head(code_list: str) -> list[tuple[str, str]]:
    """For the first characters of codes, those that do not hold for good, each as `;code:beginend`."""
    good = set(in_force_for_good(code_list))
    found: dict[str, str] = {}
    for code, (begin, end) in periods(code_list).items():
        if code not in good:
            found[code[:HEAD]] = f"{found.get(code[:HEAD], '')};{code}:{begin or first_day(code_list)}{end}"
    return list(found.items())


def _begin(day: str) -> str:
    return f"{day}0101" if len(day) == len("2000") else day.replace("-", "")


def _end(day: str) -> str:
    if not day:
        return FOREVER
    return f"{int(day) + 1}0101" if len(day) == len("2000") else day.replace("-", "")
