"""Deciding about pairs of records: one after the other, by keyboard; a decision is a judgement that counts from the next publication on."""

from urllib.parse import parse_qs, quote, unquote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from core.errors import RequestError
from exchange.audit import is_readable
from portal import records
from portal.context import Hub, PageDep, link
from portal.errors import WrongInput
from portal.export import exported
from portal.pairs import next_pair, read_pair
from portal.routes.registries import schema_of
from registries.candidates import Candidate, count_open, get_pair
from registries.judgements import VERDICTS, Decision, JudgedMeanwhile, Judgement, get_judgement, judge, judgements, newest, withdraw
from registries.publications import latest
from standards.model import Schema

router = APIRouter(prefix="/registries/{registry}")
PURPOSE = "hub_review_purpose"  # cookie: why the records are shown in full, until they are hidden again
LISTED = 50


@router.get("/review")
def review(page: PageDep, registry: str) -> Response:
    """The next pair, or the one that the address names; and what was decided last, to take it back."""
    schema, given = schema_of(page.hub, registry), unquote(page.request.cookies.get(PURPOSE, ""))
    purpose = given if is_readable(given) else ""
    query = page.request.query_params
    seen = newest(page.hub.home.serving, registry)  # before the pair is chosen: what is judged meanwhile was not seen
    named = _named(page.hub, schema, query.get("left", ""), query.get("right", "")) if "left" in query else None
    pair = read_pair(page.hub, schema, named, purpose) if named else next_pair(page.hub, schema, purpose)
    return page.render(
        "review.html",
        schema=schema,
        pair=pair,
        seen=seen,
        last=_told(page, schema, "last"),
        meanwhile=_told(page, schema, "meanwhile"),
        waiting=count_open(page.hub.home.serving, registry),
        shortest=records.SHORTEST_PURPOSE,
    )


def _named(hub: Hub, schema: Schema, left: str, right: str) -> Candidate:
    found = get_pair(hub.home.serving, schema.id, left, right)
    if found is None:
        raise RequestError(f"no such pair of records waits in {schema.id}", hint=f"./hub judgements {schema.id} --open lists those that do")
    return found


def _told(page: PageDep, schema: Schema, name: str) -> Judgement | None:
    """The judgement that the address names, while it stands."""
    number = page.number(name, 0) if name in page.request.query_params else 0
    if not number:
        return None
    found = get_judgement(page.hub.home.serving, schema.id, number)
    return None if found.withdrawn else found


@router.post("/review")
async def decide(page: PageDep, request: Request, registry: str) -> Response:
    """Take a decision on a pair, and go on to the next one."""
    schema, form = schema_of(page.hub, registry), await _form(request)
    verdict = next((known for known in VERDICTS if known == form.get("verdict")), None)
    if verdict is None:
        raise WrongInput(page.t("review.no_verdict"), hint=page.t("review.no_verdict.next"))
    pair = _named(page.hub, schema, form.get("left", ""), form.get("right", ""))
    seen = _number(page, form.get("seen", ""))
    why = form.get("why", "").strip()[: records.LONGEST_PURPOSE] or page.t("review.seen")
    if not is_readable(why):
        raise WrongInput(page.t("review.unreadable"), hint=page.t("review.unreadable.next"))
    try:
        number = judge(page.hub.home.serving, registry, [Decision(pair.left, pair.right, verdict, why)], page.hub.actor, seen)
    except JudgedMeanwhile as other:
        return RedirectResponse(f"{link('registry', registry, 'review')}?meanwhile={other.number}", 303)
    return RedirectResponse(f"{link('registry', registry, 'review')}?last={number}", 303)


def _number(page: PageDep, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise WrongInput(page.t("review.no_verdict"), hint=page.t("review.no_verdict.next"))
    return int(text)


@router.post("/review/undo")
async def undo(page: PageDep, request: Request, registry: str) -> Response:
    """Take a decision back, and show its pair again."""
    schema, form = schema_of(page.hub, registry), await _form(request)
    taken = get_judgement(page.hub.home.serving, schema.id, _number(page, form.get("number", "")))
    withdraw(page.hub.home.serving, schema.id, taken.number, page.hub.actor, page.t("review.undone"))
    back = urlencode({"left": taken.left.record_id, "right": taken.right.record_id})
    again = get_pair(page.hub.home.serving, schema.id, taken.left.record_id, taken.right.record_id)
    address = link("registry", registry, "review")
    return RedirectResponse(f"{address}?{back}" if again else address, 303)


@router.post("/review/purpose")
async def purpose(page: PageDep, request: Request, registry: str) -> Response:
    """Show records in full from now on, for a purpose; without one, masked again."""
    schema_of(page.hub, registry)
    given = (await _form(request)).get("purpose", "")[: records.LONGEST_PURPOSE]
    if given and not is_readable(given):
        raise WrongInput(page.t("purpose.missing"), hint=page.t("purpose.missing.next"))
    response = RedirectResponse(link("registry", registry, "review"), 303)
    if given:
        response.set_cookie(PURPOSE, quote(given), httponly=True, samesite="strict", path=link("registry", registry, "review"))
    else:
        response.delete_cookie(PURPOSE, path=link("registry", registry, "review"))
    return response


@router.get("/judgements")
def listed(page: PageDep, registry: str) -> Response:
    """What has been decided, the newest first."""
    schema, part = schema_of(page.hub, registry), page.part(LISTED)
    serving = page.hub.home.serving
    found = judgements(serving, registry, part.limit + 1, part.offset)
    return exported(page, f"{registry}-judgements", [_row(item) for item in found]) or page.render(
        "judgements.html",
        schema=schema,
        found=found,
        part=part,
        seen=latest(serving, registry).judgements,
        waiting=count_open(serving, registry),
    )


def _row(item: Judgement) -> dict[str, object]:
    """A judgement as a line of a file, with no more of its records than the page shows."""
    undone = item.withdrawn
    return {
        "number": item.number,
        "verdict": item.verdict,
        "left_record": item.left.record_id[:8],
        "left_dataset": item.left.contract_id,
        "right_record": item.right.record_id[:8],
        "right_dataset": item.right.contract_id,
        "method": item.method,
        "score": item.score,
        "actor": item.actor,
        "at": item.at,
        "why": item.why,
        "withdrawn_by": undone.actor if undone else None,
        "withdrawn_at": undone.at if undone else None,
        "withdrawn_why": undone.why if undone else None,
    }


async def _form(request: Request) -> dict[str, str]:
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    return {name: values[0].strip() for name, values in form.items()}
