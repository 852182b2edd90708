"""A batch: its ledger, its findings, its quarantine and its quality report."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from catalog.batches import Batch, checks_of, get_batch, issues_of
from catalog.datasets import contract_at
from catalog.receipts import stored_receipt
from core.errors import RequestError
from pipeline.quarantine.row_issues import ORDERS, IssueRows, Wanted
from pipeline.report import report_batch
from portal.context import Page, PageDep
from portal.export import document_file, exported
from portal.quarantine import PAGE, ReadRows, as_stored, read_quarantine, read_warnings, read_warnings_in_force
from portal.security import style_policy
from quality.report import element_title, issue_type, ledger_parts, render_html, style_sheet
from quality.report_data import DIMENSIONS, SEVERITIES, ReportData

router = APIRouter()


@router.get("/batches/{batch_id}")
def batch(page: PageDep, batch_id: str) -> Response:
    """One batch: ledger first, then what was found."""
    found = get_batch(page.hub.home.catalog, batch_id)
    contract = contract_at(page.hub.home.catalog, found.contract_id, found.contract_version)
    issues, issue_sorting = page.sort(_issues(page, found), ISSUE_KEYS, "severity", "issues")
    checks, check_sorting = page.sort(checks_of(page.hub.home.catalog, batch_id), CHECK_KEYS, "-unexpected", "checks")
    wanted = checks if page.request.query_params.get("list") == "checks" else issues
    return exported(page, batch_id.replace("@", "-"), wanted) or page.render(
        "batch.html",
        batch=found,
        contract=contract,
        parts=ledger_parts(found),
        receipt=(stored_receipt(page.hub.home.catalog, batch_id) or {}).get("receipt"),
        issues=issues,
        issue_sorting=issue_sorting,
        checks=checks,
        check_sorting=check_sorting,
        issue_of=lambda name: issue_type(name, page.hub.standards),
        title_of=lambda name: page.words(element_title(name, page.hub.standards)),
    )


@router.get("/batches/{batch_id}/receipt.json")
def receipt(page: PageDep, batch_id: str) -> Response:
    """The signed receipt of a batch, as it can be checked without the hub."""
    found = get_batch(page.hub.home.catalog, batch_id)
    document = stored_receipt(page.hub.home.catalog, batch_id)
    if document is None:
        raise RequestError(f"batch {batch_id} is {found.status}: it has no receipt yet", hint="a receipt is signed when a batch has ended")
    return document_file(document, f"{batch_id.replace('@', '-')}-receipt")


ISSUE_KEYS = {
    "severity": lambda row: (SEVERITIES.index(row["severity"]), -row["rows"], row["element"]),
    "element": lambda row: (row["element"], row["issue_type"]),
    "dimension": lambda row: (DIMENSIONS.index(row["dimension"]), -row["rows"]),
    "rows": lambda row: row["rows"],
}
CHECK_KEYS = {
    "element": lambda row: (row["element"], row["check_id"]),
    "kind": lambda row: (row["kind"], row["element"]),
    "dimension": lambda row: (DIMENSIONS.index(row["dimension"]), row["element"]),
    "evaluated": lambda row: row["evaluated"],
    "unexpected": lambda row: row["unexpected"],
}


def _issues(page: Page, found: Batch) -> list[dict[str, Any]]:
    """Issue counts of a batch, each with the rows that its share is of: those that were examined."""
    examined = (found.accepted or 0) + (found.quarantined or 0)
    return [{**row, "examined": examined} for row in issues_of(page.hub.home.catalog, found.batch_id)]


@router.get("/batches/{batch_id}/quarantine")
def quarantine(page: PageDep, batch_id: str) -> Response:
    """The rows that a batch set aside, or, where its gate stopped it, would have; with masked values."""
    found = get_batch(page.hub.home.catalog, batch_id)
    return rows_page(page, found, "stopped" if found.status == "stopped" else "quarantine", read_quarantine)


@router.get("/batches/{batch_id}/warnings")
def warnings(page: PageDep, batch_id: str) -> Response:
    """The rows in which a batch found warnings."""
    return rows_page(page, get_batch(page.hub.home.catalog, batch_id), "warnings", read_warnings)


@router.get("/batches/{batch_id}/warnings/in-force")
def warnings_in_force(page: PageDep, batch_id: str) -> Response:
    """Every row with warnings that is in force after a batch, whichever batch examined it."""
    return rows_page(page, get_batch(page.hub.home.catalog, batch_id), "in-force", read_warnings_in_force)


def rows_page(page: Page, found: Batch, kind: str, read: ReadRows) -> Response:
    """Rows with issues, page by page, sorted and filtered as the address says."""
    part, rule, sorting = page.part(PAGE), page.request.query_params.get("rule", ""), page.sorting(ORDERS, "position")
    rows = read(page.hub, found, Wanted(as_stored(rule), sorting.column, sorting.descending, part.limit, part.offset))
    return exported(page, f"{found.batch_id.replace('@', '-')}-{kind}", _listed(rows)) or page.render(
        "row_issues.html",
        batch=found,
        contract=contract_at(page.hub.home.catalog, found.contract_id, found.contract_version),
        kind=kind,
        found=rows,
        sorting=sorting,
        part=part,
        rule=as_stored(rule),
        issue_of=lambda name: issue_type(name, page.hub.standards),
        title_of=lambda name: page.words(element_title(name, page.hub.standards)),
    )


def _listed(found: IssueRows) -> list[dict[str, Any]]:
    """One line per row and rule it breaks."""
    return [
        {
            "batch": row.batch_id,
            "position": row.position,
            "record_id": row.record_id,
            "element": item.element,
            "issue_type": item.issue_type,
            "columns": [column for column, _ in item.values],
            "masked_values": [value for _, value in item.values],
        }
        for row in found.rows
        for item in row.broken
    ]


@router.get("/batches/{batch_id}/report")
def report(page: PageDep, batch_id: str) -> Response:
    """The quality report of a batch."""
    return report_page(page, report_batch(page.hub.home, batch_id), {"batch": batch_id})


@router.get("/batches/{batch_id}/report.html")
def report_file(page: PageDep, batch_id: str) -> Response:
    """The same report as one file on its own."""
    return report_download(page, report_batch(page.hub.home, batch_id))


def report_page(page: Page, report: ReportData, place: Mapping[str, str]) -> Response:
    """A report inside the portal, its ids linked."""
    from portal.context import link

    return page.render("report_page.html", report=report, link=link, place=place)


def report_download(page: Page, report: ReportData) -> Response:
    """A report as a file: its style sheet is inside, so its policy allows just that text."""
    return HTMLResponse(render_html(report, page.lang), headers={"Content-Security-Policy": style_policy(style_sheet())})
