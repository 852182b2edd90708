"""Numbers and texts that no database has, asked of the portal and its API: nothing is found, and nothing breaks."""

import pytest

from exchange.audit import Selection, entries
from tests.factories import PATIENTS, Hub, person
from tests.portal.conftest import open_portal

HUGE = 2**31
ADDRESSES = (
    f"/registries/population/publications/{HUGE}",
    f"/api/v1/registries/population/publications?before={HUGE}",
    f"/api/v1/registries/population/changes?after={HUGE}",
    f"/api/v1/registries/population/state?publication={HUGE}",
    "/api/v1/registries/population/state?after_id=%00",
    "/api/v1/registries/population/records/%00",
    "/registries/population/records/%00",
    "/records/%00",
    "/api/v1/audit?subject=%00",
    "/audit?subject=%00&actor=%00",
    "/api/v1/datasets/%00",
    "/api/v1/batches/%00",
    "/batches/%00/quarantine",
    "/batches/%00/warnings/in-force",
    "/datasets/a%00b/quarantine",
)


@pytest.fixture
def asked(any_hub: Hub, without_suite: None) -> Hub:
    any_hub.register(PATIENTS)
    any_hub.sync(PATIENTS, [person(0), person(1)])
    any_hub.publish("population")
    return any_hub


def test_what_no_database_can_have_is_not_found(asked: Hub) -> None:
    client = open_portal(asked).client
    answers = {address: client.get(address) for address in ADDRESSES}
    for identifier in ("a\x00b", "\x00"):
        answers[f"lookup {identifier!r}"] = client.post("/api/v1/registries/population/lookup", json={"identifier": identifier})
    answers["state"] = client.post("/api/v1/registries/population/state", json={"after_id": "ab\x00", "purpose": "核对数据"})
    wrong = {address: answer.status_code for address, answer in answers.items() if answer.status_code >= 500}
    assert wrong == {}
    searched = entries(asked.home.audit, Selection("population", action="search-without-result"))
    assert len(searched) == 2


@pytest.mark.parametrize("address", ["/api/v1/registries/population/records/{}", "/registries/population/records/{}", "/records/{}"])
def test_an_identity_number_in_an_address_is_neither_told_back_nor_written_down(asked: Hub, address: str) -> None:
    before = entries(asked.home.audit, limit=50)
    answer = open_portal(asked).client.get(address.format(person(0)["SFZH"]), follow_redirects=True)
    assert answer.status_code == 404
    assert person(0)["SFZH"] not in answer.text.partition("<main")[2 if "<main" in answer.text else 0]  # beside it, links to this address
    assert entries(asked.home.audit, limit=50) == before
