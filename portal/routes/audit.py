"""The audit log: who read whose record and why."""

import re

from fastapi import APIRouter
from fastapi.responses import Response

from exchange.audit import ACTIONS, SORTED, Selection, actors, count, entries, kind_of
from portal.context import Page, PageDep, link
from portal.export import exported

router = APIRouter()
PAGE = 100
# What stands where nobody was asked for a purpose, and the text that tells it.
UNASKED = {
    r"masked(?: view)?": "purpose.masked",
    r"masked view, rows (?P<rows>\d+-\d+)": "purpose.rows",
    r"masked, page (?P<page>\d+)": "purpose.page",
    r"search": "purpose.search",
    r"not stated": "purpose.none",
    r"repair": "purpose.repair",
    r"replay": "purpose.replay",
    r"backup": "purpose.backup",
    r"standards diff (?P<old>\S+) (?P<new>\S+)": "purpose.diff",
}


def subject_address(subject: str) -> str:
    """The page of what an entry is about."""
    kind = kind_of(subject)
    if kind != "entity":
        return link(kind, subject.partition("#")[0])
    registry, _, canonical_id = subject.rpartition("/")
    return link("registry", registry, "records", canonical_id) if registry else link("record", canonical_id)


def purpose_words(page: Page, purpose: str) -> str:
    """A purpose as it was stated; in words of the page's language where it is the hub's own."""
    for pattern, key in UNASKED.items():
        if found := re.fullmatch(pattern, purpose):
            return page.t(key, **found.groupdict())
    return purpose


@router.get("/audit")
def audit(page: PageDep) -> Response:
    """Entries of the log, newest first or as the address says."""
    log, query, part = page.hub.home.audit, page.request.query_params, page.part(PAGE)
    chosen = Selection(query.get("subject", "").strip(), query.get("actor", ""), query.get("action", ""))
    sorting = page.sorting(SORTED, "-id")
    rows = entries(log, chosen, order=sorting.column, descending=sorting.descending, limit=part.limit, offset=part.offset)
    return exported(page, "audit", rows) or page.render(
        "audit.html",
        rows=rows,
        sorting=sorting,
        chosen=chosen,
        actors=actors(log),
        actions=ACTIONS,
        part=part,
        total=count(log, chosen),
        address=subject_address,
        purpose_words=lambda purpose: purpose_words(page, purpose),
    )
