"""Numbers with what they count, in English messages: a note about one row says "1 row"."""


def noun(count: int, one: str, more: str = "") -> str:
    """The words behind a number: `one` behind 1, and `more`, by default `one` with an s, behind any other."""
    return one if count == 1 else more or f"{one}s"
