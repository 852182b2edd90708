"""Signing in with a token: the installation's own, or an officer's."""

from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from portal.context import API, Page, PageDep, get_hub, link
from portal.errors import answer
from portal.routes.review import PURPOSE
from portal.security import COOKIE, session_value
from registries.definition import load_definitions

router = APIRouter()


async def ask(request: Request) -> Response:
    """Answer a request that is not signed in, or has a token in its address: take that, or ask for one."""
    given = request.query_params.get("token") if has_token(request) else None
    if given is not None and await _opens(request, given):
        if request.headers.get("sec-fetch-site") == "cross-site":
            # A link elsewhere could make somebody work under another's name without a word: it is confirmed here.
            return _form(Page(request), False, given)
        rest = urlencode([(name, value) for name, value in request.query_params.multi_items() if name != "token"])
        return _signed_in(given, request.url.path + (f"?{rest}" if rest else ""))
    if request.url.path.startswith(API):
        return answer(request, 401)
    return _form(Page(request), given is not None)


def has_token(request: Request) -> bool:
    """Whether an address is meant to sign somebody in."""
    return request.method == "GET" and "token" in request.query_params


async def _opens(request: Request, token: str) -> bool:
    return await run_in_threadpool(get_hub(request).actor_of, session_value(token)) is not None


def _form(page: Page, was_wrong: bool, token: str = "") -> Response:
    return page.render("sign_in.html", 401, was_wrong=was_wrong, token=token)


def _signed_in(token: str, to: str) -> Response:
    # A path of two slashes would lead to another host.
    response = RedirectResponse("/" + to.lstrip("/\\"), 303)
    response.set_cookie(COOKIE, session_value(token), httponly=True, samesite="strict", path="/")
    return response


@router.get("/sign-in")
def sign_in_page(page: PageDep) -> Response:
    """The form on its own."""
    return _form(page, False)


@router.post("/sign-in")
async def sign_in(page: PageDep, request: Request) -> Response:
    """Take the token from the form."""
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    given = form.get("token", [""])[0].strip()
    # Pasting the whole address that `./hub up` prints works as well.
    given = given.rsplit("token=", 1)[-1]
    return _signed_in(given, "/") if await _opens(request, given) else _form(page, True)


@router.post("/sign-out")
def sign_out() -> Response:
    """Forget the session in this browser, and why records were shown in full in it."""
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE, path="/")
    for registry in load_definitions():
        response.delete_cookie(PURPOSE, path=link("registry", registry, "review"))
    return response
