"""Records are shown one at a time, masked, and never before the audit log has its entry."""

import re

import pytest

from cli.records import _audited
from core.errors import StoreError
from exchange import audit
from pipeline.validate import count_issues
from tests.factories import ENTERPRISES, PATIENTS, Hub, credit_code, organization, person, resident_id
from tests.portal.conftest import Portal, open_portal
from tests.quality.test_sentences import SMALL_WORDS

PERSON = person(0)
HIDDEN = (PERSON["SFZH"], PERSON["XM"], PERSON["DH"], PERSON["DZ"], PERSON["CSRQ"], "13900000009")


@pytest.fixture
def address(filled: Portal) -> str:
    """The page of the first person."""
    return f"/registries/population/records/{filled.canonical_id('population', resident_id=PERSON['SFZH'])}"


def last_entry(portal: Portal) -> dict[str, object]:
    """The newest entry of the audit log."""
    return audit.entries(portal.hub.home.audit, limit=1)[0]


def test_a_record_is_masked(filled: Portal, address: str) -> None:
    text = filled.client.get(address).text
    assert not [value for value in HIDDEN if value in text]
    assert "1101**************" in text
    assert f"{PERSON['XM'][0]}*" in text
    entry = last_entry(filled)
    assert (entry["action"], entry["subject"]) == ("portal-view-masked", f"population/{address.rsplit('/', 1)[-1]}")


def test_a_purpose_shows_it_and_is_written_down(filled: Portal, address: str) -> None:
    text = filled.client.post(address, data={"purpose": "核对户籍登记"}).text
    assert PERSON["SFZH"] in text
    assert PERSON["XM"] in text
    # The hospital's number is what the registry publishes; that of the police is told as the one that lost.
    assert "13900000009" in text
    assert PERSON["DH"] in text
    assert "来源优先级较低" in text
    assert (last_entry(filled)["action"], last_entry(filled)["purpose"]) == ("portal-reveal", "核对户籍登记")


def test_who_read_a_person_is_found_by_whichever_door(filled: Portal, address: str) -> None:
    """The page asks the log by the same name that commands write."""
    home = filled.hub.home
    canonical_id = address.rsplit("/", 1)[-1]
    _audited(home, "why", "population", PERSON["SFZH"], "appeal 7")
    asked = re.search(r'href="(/audit\?subject=[^"]+)"', filled.client.get(address).text)
    assert asked
    for path in (asked[1], f"/audit?subject={canonical_id}"):
        listed = filled.client.get(f"{path}&format=json").json()
        assert {"why", "portal-view-masked"} <= {row["action"] for row in listed}
        assert {row["subject"] for row in listed} == {f"population/{canonical_id}"}


def test_every_subject_of_the_audit_log_is_a_link_that_leads_somewhere(filled: Portal, address: str) -> None:
    audit_log, person_id = filled.hub.home.audit, address.rsplit("/", 1)[-1]
    subjects = (
        person_id,
        f"population/{person_id}",
        "public_security__resident",
        "public_security__resident@1",
        "population",
        "population#1-9",
    )
    for subject in subjects:
        audit.record(audit_log, actor="tester", action="show", subject=subject, purpose="links")
    links = set(re.findall(r'<td><a href="([^"]+)"><code>', filled.client.get("/audit").text))
    assert len(links) >= len(subjects) - 1  # a part of a registry leads to the registry
    assert {path: filled.client.get(path).status_code for path in links} == dict.fromkeys(links, 200)


def test_no_purpose_shows_nothing(filled: Portal, address: str) -> None:
    response = filled.client.post(address, data={"purpose": "  "})
    assert response.status_code == 422
    assert PERSON["SFZH"] not in response.text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_is_read_where_the_audit_log_fails(filled: Portal, address: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise StoreError("the audit log is not there")

    def read(*_: object, **__: object) -> None:
        raise AssertionError("read before the entry")

    monkeypatch.setattr("portal.records.audit.record", fails)
    monkeypatch.setattr("portal.records._read", read)
    response = filled.client.request(method, address, data={"purpose": "核对户籍登记"} if method == "POST" else None)
    assert response.status_code == 503
    assert PERSON["XM"] not in response.text


def test_a_search_leads_to_the_record(filled: Portal, address: str) -> None:
    typed = f" {PERSON['SFZH'][:6]} {PERSON['SFZH'][6:].lower()} "
    response = filled.client.post("/registries/population/search", data={"resident_id": typed}, follow_redirects=False)
    assert response.status_code == 303
    assert response.headers["location"] == address
    by_id = filled.client.post("/registries/population/search", data={"canonical_id": address.rsplit("/", 1)[-1]}, follow_redirects=False)
    assert by_id.headers["location"] == address
    for asked in ("", "?lang=en&known_at=1"):
        found = filled.client.get(f"/records/{address.rsplit('/', 1)[-1]}{asked}", follow_redirects=False)
        assert found.headers["location"] == address + asked


def test_a_certificate_is_found_by_type_and_number(filled: Portal) -> None:
    form = {"certificate_type_name": "机动车驾驶证", "certificate_number": resident_id(0)}
    text = filled.client.post("/registries/certificate/search", data=form).text
    assert "机动车驾驶证" in text
    assert resident_id(0) not in text


@pytest.mark.parametrize(
    ("purpose", "words"), [("masked", "脱敏查看，未要求说明"), ("masked view", "脱敏查看，未要求说明"), ("replay", "重新处理")]
)
def test_what_stands_where_nobody_stated_a_purpose_is_told_in_the_language_of_the_page(filled: Portal, purpose: str, words: str) -> None:
    audit.record(filled.hub.home.audit, actor="tester", action="export-masked", subject="population#publication-1", purpose=purpose)
    page = filled.client.get("/audit?lang=zh").text
    assert f"{words}</td>" in page
    assert f"{purpose}</td>" not in page


def test_a_search_without_result_is_audited_without_the_number(filled: Portal) -> None:
    response = filled.client.post("/registries/population/search", data={"resident_id": resident_id(99)})
    assert response.status_code == 404
    assert resident_id(99) not in response.text
    assert "请核对后填写完整的公民身份号码" in response.text
    assert "resident_id" not in response.text
    assert last_entry(filled)["action"] == "search-without-result"
    assert resident_id(99) not in str(last_entry(filled))
    assert filled.client.post("/registries/population/search", data={}).status_code == 422


def test_persons_are_not_listed_and_organizations_are(filled: Portal) -> None:
    assert filled.client.get("/registries/population/entities").status_code == 404
    text = filled.client.get("/registries/legal_entity/entities", params={"q": credit_code(0)}).text
    assert "春风0号" in text
    assert credit_code(1) not in text
    assert "legal_representative" not in text
    assert "13900000000" not in text


def test_the_api_masks_and_audits_alike(filled: Portal, address: str) -> None:
    masked = filled.client.get(f"/api/v1{address}").json()
    assert not masked["revealed"]
    assert masked["elements"]["person_name"]["masked"]
    assert not [value for value in HIDDEN if value in str(masked)]
    assert last_entry(filled)["action"] == "api-view-masked"
    asked = {"identifier": PERSON["SFZH"], "purpose": "prefill of a form"}
    full = filled.client.post("/api/v1/registries/population/lookup", json=asked).json()
    assert full["elements"]["person_name"]["value"] == PERSON["XM"]
    assert (last_entry(filled)["action"], last_entry(filled)["purpose"]) == ("api-reveal", "prefill of a form")


@pytest.mark.parametrize(("what", "items"), [("changes", "events"), ("state", "rows")])
def test_the_feed_masks_and_audits_as_a_record_does(filled: Portal, what: str, items: str) -> None:
    address = f"/api/v1/registries/population/{what}"
    masked = filled.client.get(address, params={"limit": 100})
    assert not masked.json()["revealed"]
    assert not [value for value in HIDDEN if value in masked.text]
    assert len(masked.json()[items]) == len(filled.hub.served("base_population"))
    entry = last_entry(filled)
    assert (entry["action"], str(entry["subject"]).partition("#")[0]) == ("api-changes-masked", "population")
    full = filled.client.post(address, json={"limit": 100, "purpose": "subscription 4"}).json()
    assert {PERSON["XM"], "13900000009"} <= {str(value) for item in full[items] for value in item["values"].values()}
    entry = last_entry(filled)
    assert (entry["action"], entry["purpose"]) == ("api-changes", "subscription 4")
    assert filled.client.post(address, json={"purpose": "  "}).status_code == 422
    assert filled.client.post(address, json={"purpose": "\u200b\u200b"}).status_code == 422
    # One question about the registry finds reads of its parts.
    assert {"api-changes", "api-changes-masked"} <= {row["action"] for row in filled.client.get("/api/v1/audit?subject=population").json()}


def test_a_number_of_the_feed_that_never_was_is_gone(filled: Portal) -> None:
    answer = filled.client.get("/api/v1/registries/population/changes", params={"after": 999})
    assert (answer.status_code, answer.headers["content-type"]) == (410, "application/problem+json")
    assert "请重新开始" in answer.json()["next"]
    assert not SMALL_WORDS.search(answer.json()["detail"]), "one language throughout"
    english = filled.client.get("/api/v1/registries/population/changes", params={"after": 999, "lang": "en"})
    assert "Start anew" in english.json()["next"]
    assert filled.client.get("/api/v1/registries/people/changes").status_code == 404


def test_no_change_is_shown_that_cannot_be_written_down(filled: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise StoreError("the audit log is not there")

    monkeypatch.setattr("exchange.audit.record", fails)
    monkeypatch.setattr("portal.routes.changes.read_changes", lambda *_: pytest.fail("read before the entry"))
    assert filled.client.get("/api/v1/registries/population/changes").status_code == 503


def test_an_entity_of_many_records_has_a_page_of_some_and_says_how_many_more(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.accept.validate", lambda engine, plan, standards: ([], count_issues(engine, plan, standards)))
    visits = {**PATIENTS, "record_key": ["NO"], "ignore": [*PATIENTS["ignore"], "NO"]}
    hub.register(visits)
    hub.sync(visits, [{**person(0, DH=f"139{number:08}"), "NO": str(number)} for number in range(50)])
    hub.publish("population")
    (row,) = hub.served("base_population")
    client = open_portal(hub).client
    page = client.get(f"/registries/population/records/{row['_canonical_id']}", params={"lang": "en"}).text
    # 49 telephones beside the chosen one, the words that lost with them, and the records that agree on number and name.
    assert page.count("19 more, told by") == 4
    told = client.get(f"/api/v1/registries/population/records/{row['_canonical_id']}").json()
    assert len(told["elements"]["phone_number"]["beside"]) == 49


def test_a_sum_says_what_it_counts_in(hub: Hub, without_suite: None) -> None:
    """1000 CNY of registered capital are ten million yuan, not a thousand."""
    document = {**ENTERPRISES, "columns": {**ENTERPRISES["columns"], "ZCZB": "registered_capital"}}
    hub.register(document)
    hub.sync(document, [organization(0, ZCZB="1000万元")])
    hub.publish("legal_entity")
    portal = open_portal(hub)
    canonical_id = portal.canonical_id("legal_entity", registered_capital="1000 CNY")
    for address in (f"/registries/legal_entity/records/{canonical_id}", "/registries/legal_entity/entities"):
        assert "1000 CNY （以万元计）" in re.sub("<[^>]+>", "", portal.client.get(address).text), address
