"""One identifier, clearly different people or organizations: taken apart, put before a person, and healed when the sources are."""

import csv
import gzip
import os
from pathlib import Path

import pytest

from core.database import writing
from core.errors import RequestError
from core.settings import REPOSITORY
from pipeline.answers.why import find_entity, show
from pipeline.report import report_registry
from quality.report import render_html
from registries.candidates import open_pairs
from registries.judgements import Decision, Side, judge, withdraw
from registries.tables import candidate_pair
from tests.factories import ENTERPRISES, LICENCES, PATIENTS, RESIDENTS, Hub, certificate, credit_code, organization, person, resident_id
from tests.pipeline.planned import products

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
MENTIONS = Path(os.environ.get("GOVHUB_REAL_DATA") or REPOSITORY.parent / "shared" / "data") / "cn_linkage" / "organisation_mentions.csv.gz"
CARDS = {**PATIENTS, "record_key": ["KH"], "columns": RESIDENTS["columns"], "ignore": ["KH"]}
STRANGER = {"XM": "欧阳娜", "XB": "2", "CSRQ": "1961-05-05"}


def card(number: int, **changed: str) -> dict[str, str]:
    return person(number, **changed) | {"KH": str(number)}


def named(hub: Hub, identifier: str) -> str:
    """The name of the person that an identifier leads to."""
    return str(show(hub.home, "population", find_entity(hub.home, "population", identifier))["person_name"])


def names(hub: Hub) -> dict[str, str]:
    return {row["resident_id"]: row["person_name"] for row in hub.served("base_population")}


def test_two_people_under_one_number_are_taken_apart_until_the_source_mends_it(any_hub: Hub) -> None:
    hub = any_hub
    hub.register(RESIDENTS, CARDS)
    hub.sync(RESIDENTS, [person(n) for n in range(12)])
    hub.sync(CARDS, [card(0), card(1, **STRANGER), card(2, XM="李卫"), card(3, CSRQ="1961-05-05"), card(4, XM="")])
    first = hub.publish("population")
    # Another name alone, or another day alone, is no other person; a card without a name never gets this far.
    assert (first.entities, first.linked, first.unlinked, first.apart) == (12, 15, 1, 1)
    assert hub.unbalanced() == []
    assert names(hub)[resident_id(1)] == person(1)["XM"]
    (pair,) = open_pairs(hub.home.serving, "population")
    assert pair.method == "two-people/2"
    assert {pair.left.contract_id, pair.right.contract_id} == {RESIDENTS["id"], CARDS["id"]}
    # Another change of the same entity leaves it apart; so does one of somebody else.
    hub.sync(RESIDENTS, [person(n, DH="13711111111") if n == 1 else person(n) for n in range(13)])
    second = hub.publish("population")
    assert (second.entities, second.linked, second.apart) == (13, 16, 1)
    hub.sync(CARDS, [card(0), card(1), card(2, XM="李卫"), card(3, CSRQ="1961-05-05")])
    third = hub.publish("population")
    assert (third.entities, third.linked, third.unlinked, third.apart) == (13, 17, 0, 0)
    assert open_pairs(hub.home.serving, "population") == []
    assert hub.unbalanced() == []


def test_records_beside_conflicts_are_not_held_against_every_one_of_them(hub: Hub) -> None:
    hub.register(RESIDENTS, CARDS)
    hub.sync(RESIDENTS, [person(n) for n in range(12)])
    hub.sync(CARDS, [card(1, **STRANGER), card(2), card(2, XM="李卫") | {"KH": "20"}])
    with products() as found:
        assert hub.publish("population").apart == 1
    assert found == []


def test_a_number_beside_a_crowd_in_a_source_that_knows_only_names_is_nobodys(hub: Hub) -> None:
    """A clerk's own number, or one that stands for none: the telephones of a crowd would stand beside those of whose number it is."""
    cards = CARDS | {"columns": PATIENTS["columns"], "ignore": ["KH", "XB", "CSRQ", "DZ"]}
    hub.register(RESIDENTS, cards)
    hub.sync(RESIDENTS, [person(n) for n in range(12)])
    hub.sync(cards, [card(n, SFZH=resident_id(0)) for n in range(11)])
    first = hub.publish("population")
    assert (first.entities, first.linked, first.apart) == (12, 12, 11)
    assert {row["_several"] for row in hub.served("base_population")} == {None}
    assert {pair.method for pair in open_pairs(hub.home.serving, "population")} == {"two-people/2"}
    hub.sync(cards, [card(n) for n in range(11)])
    second = hub.publish("population")
    assert (second.entities, second.linked, second.apart) == (12, 23, 0)
    assert hub.unbalanced() == []


def test_what_an_earlier_version_of_the_rule_found_is_over_when_the_source_is_mended(hub: Hub) -> None:
    hub.register(RESIDENTS, CARDS)
    hub.sync(RESIDENTS, [person(n) for n in range(12)])
    hub.sync(CARDS, [card(1, **STRANGER), card(2, **STRANGER)])
    hub.publish("population")
    with writing(hub.home.serving) as connection:
        connection.execute(candidate_pair.update().values(method="two-people/0"))
    hub.sync(CARDS, [card(1), card(2, **STRANGER, DH="13711111111")])
    hub.publish("population")
    assert [pair.method for pair in open_pairs(hub.home.serving, "population")] == ["two-people/2"]


def test_one_number_on_two_certificates_is_taken_apart(hub: Hub) -> None:
    columns = LICENCES["columns"] | {"CZR": "certificate_holder_name"}
    issued = LICENCES | {"columns": columns}
    seen = issued | {"id": "health__seen_licence", "department": {"id": "health", "title": {"zh": "卫健委", "en": "Health"}}}
    seen |= {"source": {**LICENCES["source"], "path": "seen.csv"}}
    hub.register(issued, seen)
    hub.sync(issued, [certificate(n, CZR=person(n)["XM"]) for n in range(6)])
    # Issued again, to a holder of another name, seen with a wrong code: the same. Another holder since another day: another certificate.
    again, renamed = certificate(0, CZR=person(0)["XM"], FZRQ="2022-02-02"), certificate(1, CZR="欧阳娜", FZRQ="2022-02-02")
    mistyped = certificate(2, CZR=person(2)["XM"], CZRDM=resident_id(72), FZRQ="2022-02-02")
    another = certificate(3, CZR="欧阳娜", CZRDM=resident_id(73), FZRQ="2022-02-02")
    hub.sync(seen, [again, renamed, mistyped, another])
    first = hub.publish("certificate")
    assert (first.entities, first.linked, first.apart) == (6, 9, 1)
    (pair,) = open_pairs(hub.home.serving, "certificate")
    assert pair.method == "two-certificates/2"
    assert {pair.left.contract_id, pair.right.contract_id} == {issued["id"], seen["id"]}
    assert hub.unbalanced() == []


@pytest.mark.parametrize(("column", "element"), [("CZR", "certificate_holder_name"), ("CZRDM", "certificate_holder_code")])
def test_a_number_beside_a_crowd_of_holders_is_no_certificate(hub: Hub, column: str, element: str) -> None:
    """Without days nothing else tells them apart: one holder of eleven would stand as that of all."""
    columns = {"ZZLX": "certificate_type_name", "ZZBH": "certificate_number", column: element}
    seen = LICENCES | {"record_key": [column], "columns": columns}
    hub.register(seen)

    def held(holder: int, number: str) -> dict[str, str]:
        row = certificate(holder, ZZBH=number, CZR=f"王{chr(ord('一') + holder)}")
        return {name: row[name] for name in columns}

    crowd, together = [held(n, "京A1") for n in range(11)], [held(n, "京A2") for n in range(20, 30)]
    hub.sync(seen, crowd + together)
    published = hub.publish("certificate")
    assert (published.entities, published.linked, published.apart) == (1, 10, 11)
    assert [row["certificate_number"] for row in hub.served("base_certificate")] == ["京A2"]
    # With one holder less it may be a certificate that they have together.
    hub.sync(seen, crowd[1:] + together)
    published = hub.publish("certificate")
    assert (published.entities, published.linked, published.apart) == (2, 20, 0)
    assert hub.unbalanced() == []


def test_a_person_may_know_that_they_are_one_after_all(hub: Hub) -> None:
    hub.register(RESIDENTS, CARDS)
    hub.sync(RESIDENTS, [person(n) for n in range(12)])
    hub.sync(CARDS, [card(1, **STRANGER)])
    hub.publish("population")
    (pair,) = open_pairs(hub.home.serving, "population")
    judge(hub.home.serving, "population", [Decision(pair.left, pair.right, "same", "seen")], "tester")
    published = hub.publish("population")
    assert (published.entities, published.linked, published.apart) == (12, 13, 0)
    withdraw(hub.home.serving, "population", 1, "tester", "not seen")
    published = hub.publish("population")
    assert (published.entities, published.linked, published.apart) == (12, 12, 1)
    assert hub.unbalanced() == []


def test_whoever_is_apart_and_judged_to_be_another_stays_so(hub: Hub) -> None:
    hub.register(RESIDENTS, CARDS)
    residents = [person(n) for n in range(12)]
    hub.sync(RESIDENTS, residents)
    hub.sync(CARDS, [card(1, **STRANGER), card(40, SFZH="", **STRANGER), card(50, SFZH=""), card(51, SFZH="")])
    hub.publish("population")
    (conflict,) = open_pairs(hub.home.serving, "population")
    apart, other, *more = (Side(str(row["_record_id"]), CARDS["id"]) for row in sorted(hub.state(CARDS), key=lambda row: row["_position"]))
    assert apart in (conflict.left, conflict.right)
    judge(hub.home.serving, "population", [Decision(apart, other, "same", "seen")], "tester")
    published = hub.publish("population")
    assert (published.entities, published.linked, published.apart) == (13, 14, 0)
    # Neither what is judged about others nor what changes elsewhere puts it back, and nothing more about the two does.
    for number, decisions in enumerate(([Decision(*more, "same", "seen")], [Decision(other, more[0], "different", "seen")])):
        judge(hub.home.serving, "population", decisions, "tester")
        hub.sync(RESIDENTS, [*residents, person(20 + number)])
        published = hub.publish("population")
        assert (published.entities, published.linked) == (15, 17)
        told = {row["person_name"] for row in hub.served("base_population") if row["resident_id"] == resident_id(1)}
        assert told == {person(1)["XM"], STRANGER["XM"]}
        # Asked for by the number, the answer is whose number it is.
        assert named(hub, resident_id(1)) == person(1)["XM"]
    withdraw(hub.home.serving, "population", 1, "tester", "not seen")
    published = hub.publish("population")
    assert (published.entities, published.linked, published.apart) == (14, 15, 1)
    assert named(hub, resident_id(1)) == person(1)["XM"]
    assert hub.unbalanced() == []


def test_a_number_that_another_row_shows_leads_to_whose_it_is(hub: Hub) -> None:
    """Somebody has two numbers and is published under the other one; a stranger, kept apart from the first, shows it in a row of their own."""
    hub.register(RESIDENTS, CARDS)
    residents = [person(n) for n in range(12)]
    hub.sync(RESIDENTS, residents)
    hub.publish("population")
    known = {row["resident_id"]: row["_canonical_id"] for row in hub.served("base_population")}
    kept, other = sorted((1, 2), key=lambda n: known[resident_id(n)])  # who are one go by the smaller id
    residents[kept] |= {"GXSJ": "2024-06-01"}  # and the newer record shows its number
    hub.sync(RESIDENTS, residents)
    hub.sync(CARDS, [card(40, SFZH=resident_id(other), **STRANGER), card(41, SFZH="", **STRANGER)])
    mine = {row["resident_id"]: Side(str(row["_record_id"]), RESIDENTS["id"]) for row in hub.state(RESIDENTS)}
    strangers = [Side(str(row["_record_id"]), CARDS["id"]) for row in hub.state(CARDS)]
    decisions = [Decision(mine[resident_id(kept)], mine[resident_id(other)], "same", "seen"), Decision(*strangers, "same", "seen")]
    judge(hub.home.serving, "population", decisions, "tester")
    published = hub.publish("population")
    assert (published.entities, published.linked) == (12, 14)
    assert {row["person_name"] for row in hub.served("base_population") if row["resident_id"] == resident_id(other)} == {STRANGER["XM"]}
    assert named(hub, resident_id(other)) == person(kept)["XM"]
    assert find_entity(hub.home, "population", resident_id(other)) == known[resident_id(kept)]


def test_a_number_that_no_row_shows_leads_to_whom_its_record_was_judged_to_be(hub: Hub) -> None:
    hub.register(RESIDENTS, CARDS)
    hub.sync(RESIDENTS, [person(n) for n in range(12)])
    hub.sync(CARDS, [card(1, SFZH=resident_id(30))])
    (other,) = (Side(str(row["_record_id"]), CARDS["id"]) for row in hub.state(CARDS))
    own = next(Side(str(row["_record_id"]), RESIDENTS["id"]) for row in hub.state(RESIDENTS) if row["resident_id"] == resident_id(1))
    judge(hub.home.serving, "population", [Decision(own, other, "same", "seen")], "tester")
    assert hub.publish("population").entities == 12
    assert resident_id(30) not in names(hub)
    assert named(hub, resident_id(30)) == named(hub, resident_id(1)) == person(1)["XM"]
    with pytest.raises(RequestError, match="no such entity"):
        named(hub, resident_id(31))


def test_a_certificate_is_found_by_a_type_with_the_separator_in_it(hub: Hub) -> None:
    hub.register(LICENCES)
    hub.sync(LICENCES, [certificate(1), *(certificate(n, ZZLX="特种作业/高处作业证", ZZBH=f"京/T{n:06}") for n in range(2, 4))])
    hub.publish("certificate")
    rows = hub.served("base_certificate")
    assert len(rows) == 3
    for row in rows:
        name = f"{row['certificate_type_name']}/{row['certificate_number']}"
        assert find_entity(hub.home, "certificate", name) == row["_canonical_id"], name


@pytest.mark.long
def test_publishing_day_by_day_ends_where_one_publication_does(hub: Hub, second_hub: Hub) -> None:
    days = [
        ([person(n) for n in range(20)], [card(n) for n in range(10)]),
        (
            [person(n, **STRANGER) if n in (1, 12) else person(n) for n in range(20)],
            [card(n, **STRANGER) if n == 3 else card(n) for n in range(14)],
        ),
        ([person(n) for n in range(2, 20)], [card(n, **STRANGER) if n in (3, 4) else card(n) for n in range(14)]),
    ]
    for each, often in ((hub, True), (second_hub, False)):
        each.register(RESIDENTS, CARDS)
        for residents, cards in days:
            each.sync(RESIDENTS, residents)
            each.sync(CARDS, cards)
            if often:
                each.publish("population")
        each.publish("population")
    system = {"_publication_from", "_publication_to"}
    tables = [[{k: v for k, v in row.items() if k not in system} for row in each.served("base_population")] for each in (hub, second_hub)]
    assert tables[0] == tables[1]
    assert hub.unbalanced() == second_hub.unbalanced() == []


def test_a_code_on_a_crowd_belongs_to_none_of_them(hub: Hub) -> None:
    honors = {
        **ENTERPRISES,
        "id": "culture__honor",
        "department": {"id": "culture", "title": {"zh": "文旅局", "en": "Culture"}},
        "source": {**ENTERPRISES["source"], "path": "honor.csv"},
        "record_key": ["MC"],
        "columns": {"XYDM": "unified_social_credit_code", "MC": "organization_name"},
        "ignore": ["FR", "CLRQ", "DH"],
    }
    hub.register(ENTERPRISES, honors)
    hub.sync(ENTERPRISES, [organization(n) for n in range(5)])
    crowd = [organization(1, MC=f"北京第{n}饭店") for n in range(11)] + [organization(2, MC=f"北京第{n}书店") for n in range(10)]
    hub.sync(honors, [*crowd, *(organization(77, MC=f"北京第{n}剧院") for n in range(11))])
    published = hub.publish("legal_entity")
    assert (published.entities, published.linked, published.apart) == (5, 15, 22)
    assert credit_code(77) not in {row["unified_social_credit_code"] for row in hub.served("base_legal_entity")}
    # With nobody to hold them against, those of a code that no other source has wait without a pair.
    assert len(open_pairs(hub.home.serving, "legal_entity")) == 11
    report = render_html(report_registry(hub.home, "legal_entity"), "en")
    assert "22 have an identifier but are kept apart" in report
    assert hub.unbalanced() == []


@pytest.mark.skipif(not MENTIONS.exists(), reason="the real mentions of organizations are not here: set GOVHUB_REAL_DATA")
def test_an_authoritys_code_on_96_organizations_stays_the_authoritys(hub: Hub) -> None:
    """Real lists: one honored 96 organizations under the code of the authority that honored them; branches and shops of one code stay with it."""
    sources = ("honours", "key_projects", "press_inspections")
    rows: dict[str, list[dict[str, str]]] = {source: [] for source in sources}
    with gzip.open(MENTIONS, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["source"] in rows:
                rows[row["source"]].append({"XYDM": row["uscc"], "MC": row["name"]})
    documents = [
        {
            **ENTERPRISES,
            "id": f"{source.split('_')[0]}__list",
            "department": {"id": source.split("_")[0], "title": {"zh": source, "en": source}},
            "source": {**ENTERPRISES["source"], "path": f"{source}.csv"},
            "record_key": ["XYDM", "MC"],
            "columns": {"XYDM": "unified_social_credit_code", "MC": "organization_name"},
        }
        for source in sources
    ]
    documents = [{name: value for name, value in document.items() if name != "as_of"} for document in documents]
    hub.register(*documents)
    for document, source in zip(documents, sources, strict=True):
        hub.sync(document, rows[source])
    published = hub.publish("legal_entity")
    names = {row["unified_social_credit_code"]: row["organization_name"] for row in hub.served("base_legal_entity")}
    assert names["11110000000021557L"] == "北京市旅游发展委员会"
    assert names["11110000MB16786141"] == "北京市文化和旅游局"
    assert published.apart == len(open_pairs(hub.home.serving, "legal_entity", 1000)) > 150
    pairs = open_pairs(hub.home.serving, "legal_entity", 1000)
    assert {side.contract_id for pair in pairs for side in (pair.left, pair.right)} == {"honours__list", "key__list"}
