"""The audit log: who read whose record and why."""

from fastapi import APIRouter
from fastapi.responses import Response

from exchange.audit import ACTIONS, SORTED, Selection, actors, count, entries, kind_of
from exchange.purposes import purpose_words
from portal.context import PageDep, link
from portal.export import exported

router = APIRouter()
PAGE = 100


def subject_address(subject: str) -> str:
    """The page of what an entry is about."""
    kind = kind_of(subject)
    if kind != "entity":
        return link(kind, subject.partition("#")[0])
    registry, _, canonical_id = subject.rpartition("/")
    return link("registry", registry, "records", canonical_id) if registry else link("record", canonical_id)


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
        purpose_words=purpose_words(page.lang),
    )
