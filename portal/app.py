"""The portal: pages and a JSON API over what the hub knows. It runs nothing on the path of a batch."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response

from pipeline.home import Home, open_home
from portal.api_document import DescribedApp
from portal.context import STATIC, Hub
from portal.errors import add_handlers, answer, unexpected
from portal.routes import api, audit, batches, changes, datasets, operations, overview, registries, review, session, standards
from portal.security import LOOPBACK, Guard, Heads, load_token

REFUSED = {"host": 400, "length": 400, "origin": 403, "size": 413}
_static = APIRouter()


def create_app(home: Home | None = None, token: str | None = None) -> FastAPI:
    """Assemble the portal of an installation, by default the one that the environment names."""
    home = home or open_home()
    token = token or load_token(home.settings)
    app = DescribedApp(title="Govhub", version="1", docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json")
    app.state.hub = hub = Hub(home, token)
    add_handlers(app)
    app.middleware("http")(_refuse)
    app.add_middleware(Heads)
    app.add_middleware(Guard, actor_of=hub.actor_of, hosts=LOOPBACK, failed=unexpected)
    for router in (
        _static,
        session.router,
        overview.router,
        operations.router,
        datasets.router,
        batches.router,
        registries.router,
        review.router,
        standards.router,
        audit.router,
    ):
        app.include_router(router, include_in_schema=False)
    app.include_router(api.router)
    app.include_router(changes.router)
    return app


async def _refuse(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Turn what the guard found into an answer; an address with a token signs in whoever it is, also where somebody else is signed in."""
    reason = request.scope["hub.refused"]
    if not reason and not session.has_token(request):
        return await go_on(request)
    return await session.ask(request) if reason in ("", "token") else answer(request, REFUSED[reason])


@_static.get("/static/{name}")
def static_file(name: str) -> Response:
    """The style sheets and the script. Their addresses carry a digest, so a browser may keep them."""
    if name not in STATIC:
        return Response(status_code=404)
    path, kind = STATIC[name]
    return Response(path.read_bytes(), media_type=kind, headers={"Cache-Control": "max-age=86400"})
