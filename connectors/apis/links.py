"""The Link header (RFC 8288): which of its links is the next page."""

import re

_TEXT = r'"(?:[^"\\]|\\.)*"'
_PARAMETER = rf"\s*;\s*([^\s;,=\"]+)(?:\s*=\s*({_TEXT}|[^\s;,\"]*))?"
_LINK = re.compile(rf"\s*<([^>]*)>((?:{_PARAMETER})*)\s*(?:,\s*|$)")


def next_link(header: str) -> str | None:
    """The target of the link of relation `next`; None where there is none.

    A link may have several relations in one `rel`, of which the first counts, and neither they nor names of parameters have capitals (3.3).
    Raises ValueError for what is no list of links: a page that is not found would be taken for the end.
    """
    position, found = 0, None
    while position < len(header):
        link = _LINK.match(header, position)
        if link is None:
            raise ValueError("no list of links")
        named = [(name.lower(), value) for name, value in re.findall(_PARAMETER, link[2])]
        relations: list[str] = next((value.strip('"').lower().split() for name, value in named if name == "rel"), [])
        if found is None and "next" in relations:
            found = link[1]
        position = link.end()
    return found
