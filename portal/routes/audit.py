"""The audit log: who read whose record and why."""

from fastapi import APIRouter
from fastapi.responses import Response

from exchange.audit import entries, kind_of
from portal.context import PageDep, link
from portal.export import exported

router = APIRouter()
LATEST = 200


def subject_address(subject: str) -> str:
    """The page of what an entry is about."""
    kind = kind_of(subject)
    if kind != "entity":
        return link(kind, subject)
    registry, _, canonical_id = subject.rpartition("/")
    return link("registry", registry, "records", canonical_id) if registry else link("record", canonical_id)


@router.get("/audit")
def audit(page: PageDep) -> Response:
    """The latest entries, of one subject if asked."""
    subject = page.request.query_params.get("subject", "").strip()
    found = entries(page.hub.home.audit, subject=subject or None, limit=LATEST)
    keys = {name: (lambda row, name=name: row[name]) for name in ("id", "actor", "action", "subject", "purpose")}
    rows, sorting = page.sort(found, keys, "-id")
    return exported(page, "audit", rows) or page.render(
        "audit.html", rows=rows, sorting=sorting, subject=subject, latest=LATEST, address=subject_address
    )
