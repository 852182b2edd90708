"""What is wrong with an option or an argument, in the words of the hub: those of the library behind it are for programmers."""

from typing import Any

# By the library's word for the fault; what is not here is said as the library says it.
EXPECTED = {
    "int_parsing": "expected a whole number",
    "int_parsing_size": "expected a number of fewer digits",
    "greater_than_equal": "expected at least {ge}",
    "less_than_equal": "expected at most {le}",
    "value_error": "expected one of {known}",
}


def usage_fault(error: Any) -> str:
    """What a wrong option or argument is told as: typer's error, or what it was made of."""
    faults: list[Any] = getattr(error.__cause__, "errors", list)()
    if not faults or faults[0]["type"] not in EXPECTED:
        return str(error.message)
    context = faults[0].get("ctx", {})
    known = str(context.get("error", "")).rpartition(" is not one of ")[2].rstrip(".").replace("'", "")
    return EXPECTED[faults[0]["type"]].format(**context, known=known)
