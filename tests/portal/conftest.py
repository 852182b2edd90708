"""The portal over an empty installation, and over a tiny one with a person, an organization and a certificate or two."""

import warnings
from dataclasses import dataclass

import pytest

from core.engine import Engine
from pipeline.plan import Plan
from pipeline.standardize import STANDARDIZED
from pipeline.validate import IssueCount, count_issues, make_suite
from quality.run import CheckResult
from standards.model import Standards
from tests.factories import (
    ENTERPRISES,
    LICENCES,
    PATIENTS,
    RESIDENTS,
    Hub,
    certificate,
    hub_in,
    organization,
    person,
    resident_id,
    with_assertions,
    wrong_check,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its client library is about to change names
    from fastapi.testclient import TestClient

TOKEN = "token-of-the-tests"
HOSTILE = "<script>alert(1)</script>"
WRONG_ID = wrong_check(resident_id(2))


@dataclass(frozen=True)
class Portal:
    """A portal with a client that is signed in and one that is not."""

    hub: Hub
    client: TestClient
    stranger: TestClient

    def canonical_id(self, registry: str, **values: str) -> str:
        """The canonical id of the row that has some values."""
        rows = self.hub.served(f"base_{registry}")
        return str(next(row["_canonical_id"] for row in rows if all(row[name] == value for name, value in values.items())))


def open_portal(hub: Hub) -> Portal:
    """The portal of a hub."""
    from portal.app import create_app

    app = create_app(hub.home, TOKEN)
    signed = {"Authorization": f"Bearer {TOKEN}"}
    base = "http://127.0.0.1"
    return Portal(hub, TestClient(app, base_url=base, headers=signed), TestClient(app, base_url=base, follow_redirects=False))


def counted(engine: Engine, plan: Plan, standards: Standards) -> tuple[list[CheckResult], list[IssueCount]]:
    """What validation finds, counted from the row-level verdict: loading Great Expectations would take longer than all these tests."""
    issues = count_issues(engine, plan, standards)
    rows = {(item.element, item.issue_type): item.rows for item in issues}
    total = engine.value(f"SELECT count(*) FROM {STANDARDIZED}")
    suite, _ = make_suite(plan, standards)
    return [CheckResult(check, total, rows.get((check.element, check.issue_type), 0)) for check in suite], issues


@pytest.fixture(autouse=True)
def no_language_remembered(request: pytest.FixtureRequest) -> None:
    """The portals are there for many tests; what one has chosen is not the next one's."""
    for name in {"empty", "filled"} & set(request.fixturenames):
        portal: Portal = request.getfixturevalue(name)
        portal.client.cookies.clear()


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Portal:
    """Nothing is registered."""
    return open_portal(hub_in(tmp_path_factory.mktemp("empty") / "home"))


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Portal:
    """A portal with everything in it."""
    return filled_portal(hub_in(tmp_path_factory.mktemp("filled") / "home"))


def filled_portal(hub: Hub) -> Portal:
    """Datasets on people, one of two days; one on organizations with a hostile title; one on certificates; batches that did not make it."""
    hostile = {**ENTERPRISES, "title": {"zh": HOSTILE, "en": HOSTILE}}
    strict = {
        **with_assertions(LICENCES, least_rows=100),
        "id": "transport__permit",
        "source": {**LICENCES["source"], "path": "permit.csv"},
    }
    missing = {**PATIENTS, "id": "health__gone", "source": {**PATIENTS["source"], "path": "gone.csv"}}
    residents = [person(0), person(1), person(2, SFZH=WRONG_ID), person(3, XM=""), person(4, DH="12345"), person(5, DZ=HOSTILE)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.accept.validate", counted)
        hub.register(RESIDENTS, PATIENTS, hostile, LICENCES, strict, missing, {**missing, "id": "health__never"})
        hub.sync(RESIDENTS, residents)
        hub.sync(PATIENTS, [person(0, DH="13900000009"), person(1)])
        hub.sync(hostile, [organization(0), organization(1, MC=HOSTILE)])
        hub.sync(LICENCES, [certificate(0)])
        for registry in ("population", "legal_entity", "certificate"):
            hub.publish(registry)
        hub.sync(RESIDENTS, [*residents, person(6)])
        for document in (strict, missing):
            _fails(hub, document)
    return open_portal(hub)


def _fails(hub: Hub, document: dict[str, object]) -> None:
    from core.errors import HubError
    from pipeline.land import land

    if "permit" in str(document["id"]):
        with pytest.raises(HubError):
            hub.sync(document, [certificate(1)])
    else:
        with pytest.raises(HubError):
            land(str(document["id"]), hub.home)


def text_of(portal: Portal, path: str, lang: str = "zh") -> str:
    """A page's text, which has to be there."""
    response = portal.client.get(path + ("&" if "?" in path else "?") + f"lang={lang}")
    assert response.status_code == (401 if path == "/sign-in" else 200), response.text
    portal.client.cookies.clear()
    return str(response.text)
