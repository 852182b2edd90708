"""Every page answers in both languages, tells nothing it should not, and fetches nothing."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from core.errors import GateFailed
from core.signing import load_signer
from exchange import audit
from exchange.audit import record
from exchange.verify_receipt import check
from pipeline.publish import publish
from portal.context import STATIC
from tests.factories import ENTERPRISES, Hub, hub_in, organization, person, resident_id
from tests.portal.conftest import HOSTILE, WRONG_ID, Portal, counted, filled_portal, open_portal, text_of

EMPTY_PAGES = (
    "/",
    "/datasets",
    "/registries",
    "/registries/population",
    "/audit",
    "/operations",
    "/standards",
    "/standards/code-lists",
    "/standards/issues",
)
FILLED_PAGES = (
    *EMPTY_PAGES,
    "/datasets?sort=-records&department=health&registry=population",
    "/datasets/public_security__resident",
    "/datasets/market_regulation__enterprise",
    "/datasets/health__never",
    "/batches/public_security__resident@1",
    "/batches/public_security__resident@2?issues=-rows&checks=element",
    "/batches/public_security__resident@2/quarantine",
    "/batches/public_security__resident@2/quarantine?rule=resident_id:wrong-check-character",
    "/batches/public_security__resident@1/warnings",
    "/batches/public_security__resident@2/warnings",
    "/batches/public_security__resident@2/warnings/in-force?sort=-rules&rule=phone_number:wrong-form",
    "/batches/transport__permit@1/warnings/in-force",
    "/batches/public_security__resident@2/report",
    "/batches/public_security__resident@2/report.html",
    "/batches/transport__permit@1",
    "/batches/transport__permit@1/report",
    "/batches/health__gone@1",
    "/registries/legal_entity",
    "/registries/legal_entity/entities",
    "/registries/legal_entity/entities?q=%25",
    "/registries/population/publications/1",
    "/registries/population/report",
    "/registries/certificate/report.html",
    "/standards?registry=population&sort=-class",
    "/standards/elements/resident_id",
    "/standards/elements/sex_code",
    "/standards/code-lists/sex",
    "/standards/code-lists/division?q=北京&page=1",
    "/sign-in",
)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", EMPTY_PAGES)
def test_every_page_of_an_empty_hub_answers(empty: Portal, path: str, lang: str) -> None:
    assert f'lang="{"zh-CN" if lang == "zh" else "en"}"' in text_of(empty, path, lang)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", FILLED_PAGES)
def test_every_page_answers_and_stays_at_home(filled: Portal, path: str, lang: str) -> None:
    text = text_of(filled, path, lang)
    outside = [address for address in re.findall(r'(?:https?:)?//[^\s"\'<)]+', text) if not address.startswith("//")]
    assert not outside
    assert HOSTILE not in text
    assert " style=" not in text
    assert not re.search(r"<script(?! src=\"/static/)", text)
    assert not re.search(r"\son\w+=", text)
    levels = [int(level) for level in re.findall(r"<h([1-6])\b", text)]
    assert all(below <= level + 1 for level, below in pairwise([0, *levels])), levels


@pytest.mark.parametrize("name", STATIC)
def test_style_sheets_and_script_fetch_nothing(empty: Portal, name: str) -> None:
    text = empty.stranger.get(f"/static/{name}").text
    assert "http" not in text
    assert "@import" not in text
    assert "url(" not in text


def test_english_pages_are_english(filled: Portal) -> None:
    """What is left in Chinese are values and titles of the data itself: both titles of an element, and the department's own names."""
    text = text_of(filled, "/registries/population", "en")
    words = re.sub(r"<[^>]+>", " ", text)
    assert set(re.findall(r"[一-鿿]+", words)) == {"中文"}


def test_a_hostile_title_is_text(filled: Portal) -> None:
    assert "&lt;script&gt;" in text_of(filled, "/datasets/market_regulation__enterprise")


@pytest.mark.parametrize("path", ["/audit?page=9999", "/registries/population/judgements?page=9"])
def test_behind_the_last_page_nothing_is_said_to_be_empty(filled: Portal, path: str) -> None:
    assert "There is no such page" in filled.client.get(f"{path}&lang=en").text


@pytest.mark.parametrize("path", [*FILLED_PAGES, "/audit?subject=x"])
def test_no_page_without_a_record_shows_a_person(filled: Portal, path: str) -> None:
    text = text_of(filled, path)
    everyone = [person(number) for number in range(7)]
    shown = [value for row in everyone for value in (row["SFZH"], row["DH"], row["DZ"]) if value in text]
    assert not shown
    assert WRONG_ID not in text


def test_a_quarantined_value_is_masked_and_its_view_is_audited(filled: Portal) -> None:
    text = text_of(filled, "/batches/public_security__resident@2/quarantine")
    assert f"{WRONG_ID[:4]}**************" in text
    assert filled.client.get("/api/v1/audit", params={"subject": "public_security__resident@2"}).json()[0]["action"] == "view-quarantine"
    filled.client.get("/batches/public_security__resident@2/quarantine?format=csv")
    (seen,) = filled.client.get("/api/v1/audit", params={"subject": "public_security__resident@2", "limit": 1}).json()[:1]
    assert seen["purpose"] == "masked view, rows 1-2"


def test_rows_with_warnings_are_reached_from_their_count(filled: Portal) -> None:
    """Person 4 has a phone number that is none: the row is published without it, and came unchanged the day after."""
    batch = "/batches/public_security__resident@1"
    leading = re.findall(rf'<a href="({batch}/warnings\?rule=phone_number:[^"]+)">1</a>', text_of(filled, batch))
    assert leading == [f"{batch}/warnings?rule=phone_number:wrong-{what}" for what in ("form", "length")]
    rows = filled.client.get(f"{leading[0]}&format=json").json()
    assert [(row["position"], row["columns"], row["masked_values"]) for row in rows] == [(6, ["DH"], ["*****"])] * 2
    assert "*****" in text_of(filled, leading[0])
    assert filled.client.get("/batches/public_security__resident@2/warnings?format=json").json() == []
    assert (
        filled.client.get("/batches/public_security__resident@2/warnings/in-force?rule=phone_number:wrong-form&format=json").json() == rows
    )
    newest = filled.client.get("/api/v1/audit", params={"subject": "public_security__resident@2"}).json()[0]
    assert newest["action"] == "view-warnings"


def test_a_stopped_batch_says_what_to_do(filled: Portal) -> None:
    text = text_of(filled, "/batches/transport__permit@1", "en")
    assert "stopped by its gate" in text
    assert "Next step:" in text
    assert "at least 100" in text


def test_the_rows_of_a_stopped_batch_are_not_said_to_wait(filled: Portal) -> None:
    stopped = text_of(filled, "/batches/transport__permit@1/quarantine", "en")
    assert "<h1>Rows of a stopped batch that may not be published" in stopped
    assert "these wait nowhere" in stopped
    accepted = text_of(filled, "/batches/public_security__resident@2/quarantine", "en")
    assert "<h1>Rows that this batch set aside" in accepted
    assert "these wait nowhere" not in accepted


def test_the_overview_says_what_the_batch_itself_asks_for(filled: Portal) -> None:
    for lang, words in (("zh", "请部门提供"), ("en", "Ask the department for the delivery")):
        row = next(row for row in text_of(filled, "/", lang).split("<tr>") if "health__gone" in row)
        assert words in row


def test_chinese_pages_tell_steps_actions_and_purposes_in_chinese(filled: Portal) -> None:
    batch = filled.hub.batch("public_security__resident@2")
    shown = text_of(filled, f"/batches/{batch.batch_id}")
    assert batch.seconds.keys() >= {"land", "split"}
    assert not [name for name in batch.seconds if re.search(rf">\s*{name} <b>", shown)]
    text_of(filled, f"/batches/{batch.batch_id}/quarantine")
    filled.client.get(f"/records/{filled.canonical_id('population', resident_id=resident_id(0))}")
    record(filled.hub.home.audit, actor="tester", action="show", subject="population", purpose="not stated")
    log = text_of(filled, "/audit")
    assert not [words for words in ("masked", "not stated", "view-", "portal-view") if words in re.sub(r"<select.*?</select>", "", log)]
    assert "命令行查看（完整）" in log


def test_the_overview_has_the_worst_first(filled: Portal) -> None:
    text = text_of(filled, "/", "en")
    places = [text.index(f"state-{name}") for name in ("failed", "stopped", "never", "quarantine")]
    assert places == sorted(places)


def test_the_parts_of_a_ledger_add_up(filled: Portal) -> None:
    batch = filled.hub.batch("public_security__resident@2")
    assert f"{batch.read} = 落地 {batch.landed}" in text_of(filled, f"/batches/{batch.batch_id}")
    assert batch.read == 7
    assert (batch.accepted, batch.unchanged, batch.quarantined) == (1, 4, 2)


@pytest.mark.parametrize(
    "path", ["/nowhere", "/datasets/none", "/batches/none@1", "/registries/none", "/records/none", "/standards/elements/none"]
)
def test_what_is_not_there_is_told(filled: Portal, path: str) -> None:
    response = filled.client.get(path)
    assert response.status_code == 404
    assert "下一步" in response.text
    assert HOSTILE not in response.text


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_stopped_publication_is_told_and_so_is_who_let_it_pass(hub: Hub, monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    monkeypatch.setattr("pipeline.accept.validate", counted)
    hub.register(ENTERPRISES)
    hub.sync(ENTERPRISES, [organization(number) for number in range(5)])
    hub.publish("legal_entity")
    hub.sync(ENTERPRISES, [organization(0)])
    with pytest.raises(GateFailed):
        hub.publish("legal_entity")
    portal = open_portal(hub)
    words = {
        "zh": (
            "1 个基础库的发布未完成",
            "5 个主体中有 4 个将消失（上限 20%）",
            "以下数据集有记录消失：market_regulation__enterprise (4)；如确属正常：",
        ),
        "en": (
            "1 base registry could not be published",
            "4 of 5 entities would disappear",
            "records are gone from market_regulation__enterprise (4)",
        ),
    }[lang]
    assert [word for word in words if word not in text_of(portal, "/", lang)] == []
    for path in ("/registries", "/registries/legal_entity"):
        assert [word for word in words[1:] if word not in text_of(portal, path, lang)] == [], path
    publish("legal_entity", hub.home, accept_shrink="<others moved>")
    assert words[0] not in text_of(portal, "/", lang)
    assert words[1] not in text_of(portal, "/registries/legal_entity", lang)
    assert "&lt;others moved&gt;" in text_of(portal, "/registries/legal_entity/publications/2", lang)


@pytest.mark.parametrize(("rows", "is_shown"), [(99, False), (100, True)])
def test_the_digest_of_a_small_table_is_not_shown(hub: Hub, monkeypatch: pytest.MonkeyPatch, rows: int, is_shown: bool) -> None:
    monkeypatch.setattr("pipeline.accept.validate", counted)
    hub.register(ENTERPRISES)
    hub.sync(ENTERPRISES, [organization(number) for number in range(rows)])
    digest = hub.publish("legal_entity").digest
    portal = open_portal(hub)
    pages = ("/registries/legal_entity/publications/1", "/registries/legal_entity?format=csv", "/registries/legal_entity?format=json")
    answers = ("/api/v1/registries", "/api/v1/registries/legal_entity", "/api/v1/registries/legal_entity/publications")
    for path in (*pages, *answers):
        assert (digest in text_of(portal, path)) is is_shown, path


@pytest.mark.long
def test_every_page_and_answer_is_there_on_postgresql_too(new_databases: Callable[[], dict[str, str]], tmp_path: Path) -> None:
    portal = filled_portal(hub_in(tmp_path / "home", **new_databases()))
    pages = [path for path in FILLED_PAGES if not path.startswith("/standards")]
    assert [path for path in pages if len(text_of(portal, path)) < 500] == []
    page = f"/registries/population/records/{portal.canonical_id('population', resident_id=resident_id(0))}"
    assert "1101**************" in text_of(portal, page)
    assert person(0)["XM"] in portal.client.post(page, data={"purpose": "核对户籍登记"}).text
    newest = audit.entries(portal.hub.home.audit, limit=1)[0]
    assert (newest["action"], newest["purpose"]) == ("portal-reveal", "核对户籍登记")
    found = portal.client.post("/api/v1/registries/population/lookup", json={"identifier": resident_id(1), "purpose": "appeal"}).json()
    assert found["elements"]["person_name"]["value"] == person(1)["XM"]


@pytest.mark.parametrize(("lang", "words"), [("zh", "完整性回执"), ("en", "Completeness receipt")])
def test_a_batch_shows_its_receipt_and_gives_it_out_signed(filled: Portal, lang: str, words: str) -> None:
    batch = "public_security__resident@2"
    page = filled.client.get(f"/batches/{batch}?lang={lang}").text
    assert words in page
    assert f"/batches/{batch}/receipt.json" in page
    answer = filled.client.get(f"/batches/{batch}/receipt.json")
    assert answer.headers["content-disposition"] == 'attachment; filename="public_security__resident-2-receipt.json"'
    assert check(answer.json(), load_signer(filled.hub.settings).public_key) == []
    assert filled.client.get("/batches/none@1/receipt.json").status_code == 404


def test_a_registry_that_nothing_feeds_is_named_and_no_fault(filled: Portal) -> None:
    assert "地名地址" not in text_of(filled, "/", "zh")
    text = re.sub("<[^>]+>", "", text_of(filled, "/registries", "zh"))
    assert "另有基础库尚无数据集供数：地名地址 · 公共信用" in text
    assert filled.client.get("/registries/geography").status_code == 200


@pytest.mark.parametrize("path", ["/", "/datasets", "/metrics", "/api/v1/datasets", "/api/v1/openapi.json", "/nowhere"])
def test_head_says_what_get_says_without_its_body(filled: Portal, path: str) -> None:
    got, head = filled.client.get(path), filled.client.head(path)
    assert (head.status_code, head.headers["content-type"], head.content) == (got.status_code, got.headers["content-type"], b"")


@pytest.mark.parametrize("path", ["/datasets", "/api/v1/datasets"])
def test_a_method_that_there_is_not_is_answered_with_those_that_there_are(filled: Portal, path: str) -> None:
    answer = filled.client.delete(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
