"""The audit log: who read whose record and why."""

from fastapi import APIRouter
from fastapi.responses import Response

from exchange.audit import entries
from portal.context import PageDep
from portal.export import exported

router = APIRouter()
LATEST = 200


@router.get("/audit")
def audit(page: PageDep) -> Response:
    """The latest entries, of one subject if asked."""
    subject = page.request.query_params.get("subject", "").strip()
    found = entries(page.hub.home.audit, subject=subject or None, limit=LATEST)
    keys = {name: (lambda row, name=name: row[name]) for name in ("id", "actor", "action", "subject", "purpose")}
    rows, sorting = page.sort(found, keys, "-id")
    return exported(page, "audit", rows) or page.render("audit.html", rows=rows, sorting=sorting, subject=subject, latest=LATEST)
