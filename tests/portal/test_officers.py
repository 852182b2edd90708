"""Officers with tokens of their own: under which name they come in, and until when."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from catalog.officers import give_token, new_token, officer_tokens, withdraw_token
from catalog.tables import officer_token
from core.database import reading
from core.errors import RequestError, StoreError
from exchange.audit import Selection, entries
from portal.security import COOKIE, proof_of, session_value
from tests.factories import PATIENTS, Hub, person
from tests.portal.conftest import TOKEN, TestClient, open_portal

OFFICER = "张敏"


@dataclass(frozen=True)
class Desk:
    """A portal, and a browser of somebody who has not signed in yet."""

    hub: Hub
    client: TestClient

    def officer(self, name: str = OFFICER) -> str:
        """Give an officer a token and return it."""
        token = new_token()
        give_token(self.hub.home.catalog, name, proof_of(session_value(token)), "cli:operator")
        return token

    def status(self, token: str) -> int:
        """What the API answers to a token."""
        return int(self.client.get("/api/v1/datasets", headers={"Authorization": f"Bearer {token}"}).status_code)


@pytest.fixture
def desk(any_hub: Hub, without_suite: None) -> Desk:
    any_hub.register(PATIENTS)
    any_hub.sync(PATIENTS, [person(0), person(1)])
    any_hub.publish("population")
    return Desk(any_hub, open_portal(any_hub).stranger)


def test_what_an_officer_sees_is_logged_under_their_name(desk: Desk) -> None:
    token = desk.officer()
    assert desk.client.get(f"/?token={token}").status_code == 303
    canonical_id = desk.hub.served("base_population")[0]["_canonical_id"]
    page = desk.client.get(f"/registries/population/records/{canonical_id}")
    assert page.status_code == 200
    assert OFFICER in page.text
    found = entries(desk.hub.home.audit, Selection(str(canonical_id)))
    assert [(item["actor"], item["action"]) for item in found] == [(f"officer:{OFFICER}", "portal-view-masked")]


def test_a_token_that_is_withdrawn_or_replaced_opens_nothing(desk: Desk) -> None:
    former = desk.officer()
    other = desk.officer("李强")
    assert desk.status(former) == 200
    token = desk.officer()
    assert (desk.status(former), desk.status(token)) == (401, 200)
    desk.client.cookies.set(COOKIE, session_value(token))
    assert desk.client.get("/datasets").status_code == 200
    withdraw_token(desk.hub.home.catalog, OFFICER, "cli:operator")
    assert desk.client.get("/datasets").status_code == 401
    assert (desk.status(token), desk.status(other)) == (401, 200)
    with pytest.raises(RequestError, match="no token in force"):
        withdraw_token(desk.hub.home.catalog, OFFICER, "cli:operator")
    stand = [(item.name, item.withdrawn_by) for item in officer_tokens(desk.hub.home.catalog)]
    assert sorted(stand, key=str) == sorted([(OFFICER, "cli:operator"), (OFFICER, "cli:operator"), ("李强", None)], key=str)


def test_what_is_kept_of_a_token_opens_nothing(desk: Desk) -> None:
    desk.officer()
    with reading(desk.hub.home.catalog) as connection:
        kept = connection.execute(sa.select(officer_token.c.proof)).scalar_one()
    assert desk.status(kept) == 401
    assert desk.client.get("/datasets", headers={"Cookie": f"{COOKIE}={kept}"}).status_code == 401


@pytest.mark.parametrize("name", ["", " ", "a:b", "张\n敏", " 张敏", "x" * 61, "<b>", ".", "-", "_", "\u3164", "\u115f", "\uffa0"])
def test_a_name_that_the_log_cannot_have_is_refused(hub: Hub, name: str) -> None:
    with pytest.raises(RequestError, match="name"):
        give_token(hub.home.catalog, name, "0" * 64, "cli:operator")


@pytest.mark.parametrize("name", ["张敏", "古丽·买买提", "Zhang Min", "z.min@tax", "7", "Łukasz Ng"])
def test_names_as_people_have_them_are_taken(hub: Hub, name: str) -> None:
    give_token(hub.home.catalog, name, "0" * 64, "cli:operator")
    assert [item.name for item in officer_tokens(hub.home.catalog)] == [name]


def test_of_many_tokens_given_at_once_one_is_in_force(any_hub: Hub) -> None:
    """Or an address that somebody takes for dead would still open the portal."""
    catalog = any_hub.home.catalog
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: give_token(catalog, OFFICER, f"{number:064}", "cli:operator"), range(6)))
    assert [item.withdrawn_at is None for item in officer_tokens(catalog)].count(True) == 1


def test_an_address_with_a_token_signs_in_whoever_it_is(desk: Desk) -> None:
    first, second = desk.officer(), desk.officer("李强")
    client = desk.client
    assert client.get(f"/?token={first}").status_code == 303
    # Somebody else sits down at the same browser.
    answer = client.get(f"/datasets?sort=title&token={second}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/datasets?sort=title")
    assert "李强" in client.get("/datasets").text
    # A link on a page elsewhere does not do that without a word.
    shown = client.get(f"/?token={first}", headers={"Sec-Fetch-Site": "cross-site"})
    assert shown.status_code == 401
    assert f'value="{first}"' in shown.text
    assert "李强" in client.get("/datasets").text
    assert client.post("/sign-in", data={"token": first}).status_code == 303
    assert OFFICER in client.get("/datasets").text


def test_the_owner_and_an_officer_of_that_name_are_told_apart(desk: Desk) -> None:
    name = desk.hub.settings.actor.rsplit(":", 1)[-1]
    token, path = desk.officer(name), f"/registries/population/records/{desk.hub.served('base_population')[0]['_canonical_id']}"
    for bearer in (token, TOKEN):
        assert desk.client.get(path, headers={"Authorization": f"Bearer {bearer}"}).status_code == 200
    assert [item["actor"] for item in entries(desk.hub.home.audit, limit=2)] == [f"portal:{name}", f"officer:{name}"]


def test_a_catalog_that_does_not_answer_is_told_as_such(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    token = desk.officer()

    def gone(*_: object) -> None:
        raise StoreError("the catalog could not be used", hint="see whether it runs")

    monkeypatch.setattr("portal.context.officer_by", gone)
    assert desk.status(token) == 503
    assert desk.client.get(f"/?token={token}").status_code == 503
    assert desk.status(TOKEN) == 200
    assert desk.client.get("/").status_code == 401
