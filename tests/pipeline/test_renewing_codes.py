"""What an earlier code holds together is looked at again when the code moves, and what a person said of it is not forgotten."""

from typing import Any

import pytest

from pipeline.link import link
from registries.judgements import Decision, Side, judge, judgements, withdraw
from tests.factories import ENTERPRISES, Hub, credit_code, organization
from tests.marks import rest_long
from tests.pipeline.test_earlier_codes import LICENSED, NUMBERS, REGISTERED, taxpayer

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
KEYED = {"record_key": ["BH"], "ignore": ["BH"]}
REGISTER = REGISTERED | KEYED
EMPLOYERS = REGISTER | {"id": "social_security__employer", "source": {**ENTERPRISES["source"], "path": "employer.csv"}}
EMPLOYERS |= {"department": {"id": "social_security", "title": {"zh": "社保局", "en": "Social security"}}}
NAME = "legal_entity"


def told(hub: Hub) -> list[Any]:
    return judgements(hub.home.serving, NAME)


def firm(number: int, key: int, registration_number: str = "") -> dict[str, str]:
    return organization(number, ZCH=registration_number) | {"BH": str(key)}


def linked(hub: Hub, register: list[Any], employers: list[Any], payer: dict[str, str]) -> Hub:
    """Two registers of organizations, and a taxpayer that a code has linked."""
    hub.register(REGISTER, EMPLOYERS, LICENSED)
    filling = [firm(n, n) for n in range(20, 30)]
    hub.sync(REGISTER, [*register, *filling])
    hub.sync(EMPLOYERS, [*employers, *filling])
    hub.sync(LICENSED, [payer])
    hub.publish(NAME)
    assert link(NAME, hub.home).judged == 1
    assert hub.publish(NAME).unlinked == 0
    return hub


def sync(hub: Hub, document: dict[str, Any], *firms: dict[str, str]) -> None:
    hub.sync(document, [*firms, *[firm(n, n) for n in range(20, 30)]])


def named(hub: Hub) -> dict[str, set[str]]:
    """Which organizations publish a registration number."""
    found: dict[str, set[str]] = {}
    for item in hub.served("base_legal_entity"):
        if item["registration_number"]:
            found.setdefault(item["registration_number"], set()).add(item["unified_social_credit_code"])
    return found


@pytest.mark.long
def test_a_code_of_another_record_of_the_entity_holds_as_long_as_that_shows_it(hub: Hub) -> None:
    linked(hub, [firm(0, 1), firm(1, 2)], [firm(0, 11, NUMBERS[0]), firm(1, 12)], taxpayer(1, "甲公司", registration_number=NUMBERS[0]))
    sync(hub, EMPLOYERS, firm(0, 11), firm(1, 12, NUMBERS[0]))
    assert hub.publish(NAME).unlinked == 1
    assert link(NAME, hub.home).judged == 1
    assert (hub.publish(NAME).unlinked, named(hub), hub.unbalanced()) == (0, {NUMBERS[0]: {credit_code(1)}}, [])


@pytest.mark.long
def test_of_two_identifiers_that_are_one_organization_the_one_that_shows_the_code_is_judged(hub: Hub) -> None:
    """A person has said that they are one: what else changes about the other one concerns no code."""
    hub.register(REGISTER, LICENSED)
    sync(hub, REGISTER, firm(0, 1), firm(1, 2))
    hub.publish(NAME)
    order = [row["unified_social_credit_code"] for row in hub.served("base_legal_entity")]
    silent, showing = sorted((0, 1), key=lambda number: order.index(credit_code(number)))  # the organization goes by the id of the first
    sync(hub, REGISTER, firm(silent, silent + 1), firm(showing, showing + 1, NUMBERS[0]))
    hub.sync(LICENSED, [taxpayer(1, "甲公司", registration_number=NUMBERS[0])])
    sides = {row["unified_social_credit_code"]: Side(str(row["_record_id"]), REGISTER["id"]) for row in hub.state(REGISTER)}
    judge(hub.home.serving, NAME, [Decision(sides[credit_code(0)], sides[credit_code(1)], "same", "renamed")], "zhang")
    assert hub.publish(NAME).unlinked == 1
    assert link(NAME, hub.home).judged == 1
    assert hub.publish(NAME).unlinked == 0
    sync(hub, REGISTER, firm(silent, silent + 1) | {"DH": "13911112222"}, firm(showing, showing + 1, NUMBERS[0]))
    assert (hub.publish(NAME).unlinked, hub.unbalanced()) == (0, [])
    assert sides[credit_code(showing)] in (told(hub)[0].left, told(hub)[0].right)


@pytest.mark.long
@pytest.mark.parametrize("other_shows_it", [False, True])
def test_a_code_goes_with_the_record_that_showed_it(hub: Hub, other_shows_it: bool) -> None:
    """Unless another record of the organization shows it too."""
    employer = firm(0, 11, NUMBERS[0] if other_shows_it else "")
    linked(hub, [firm(0, 1, NUMBERS[0]), firm(1, 2)], [employer, firm(1, 12)], taxpayer(1, "甲公司", registration_number=NUMBERS[0]))
    sync(hub, REGISTER, firm(3, 1, "" if other_shows_it else NUMBERS[0]), firm(1, 2))
    assert hub.publish(NAME).unlinked == (0 if other_shows_it else 1)
    link(NAME, hub.home)
    hub.publish(NAME)
    assert named(hub) == {NUMBERS[0]: {credit_code(0 if other_shows_it else 3)}}
    assert hub.unbalanced() == []


@pytest.mark.long
def test_a_judgement_on_what_is_accepted_and_not_published_stands(hub: Hub) -> None:
    hub.register(REGISTER, LICENSED)
    sync(hub, REGISTER, firm(0, 1), firm(1, 2))
    hub.sync(LICENSED, [taxpayer(1, "甲公司", organization_code=credit_code(5)[8:17])])
    hub.publish(NAME)
    hub.sync(LICENSED, [taxpayer(1, "甲公司", organization_code=credit_code(0)[8:17])])
    assert link(NAME, hub.home).judged == 1
    assert hub.publish(NAME).unlinked == 0


@pytest.mark.long
def test_a_person_who_parted_a_pair_is_not_overruled_by_its_code(hub: Hub) -> None:
    """Nor asked again: not when another record stands in for the organization, and not when the parted one leaves it."""
    payer = taxpayer(1, "甲公司", organization_code=credit_code(0)[8:17])
    linked(hub, [firm(0, 1), firm(1, 2)], [firm(0, 11), firm(1, 12)], payer)
    (judged,) = told(hub)
    judge(hub.home.serving, NAME, [Decision(judged.left, judged.right, "different", "another company")], "zhang")
    assert hub.publish(NAME).unlinked == 1
    more = [firm(0, key) for key in range(40, 60)]  # of which one has a smaller id
    sync(hub, REGISTER, firm(0, 1), *more, firm(1, 2))
    hub.publish(NAME)
    found = link(NAME, hub.home)
    assert (found.unlinked, found.judged, found.offered) == (1, 0, 0)
    sync(hub, REGISTER, firm(3, 1), *more, firm(1, 2))
    assert hub.publish(NAME).unlinked == 1
    assert link(NAME, hub.home).judged == 0
    assert hub.publish(NAME).unlinked == 1


@pytest.mark.long
def test_a_persons_word_is_handed_over_to_a_pair_that_a_code_has_judged(hub: Hub) -> None:
    payer = taxpayer(1, "甲公司", organization_code=credit_code(0)[8:17])
    linked(hub, [firm(0, 1), firm(1, 2)], [firm(0, 11), firm(1, 12)], payer)
    (judged,) = told(hub)
    employer = next(
        Side(str(item["_record_id"]), EMPLOYERS["id"]) for item in hub.state(EMPLOYERS) if item["organization_name"] == firm(0, 11)["MC"]
    )
    taxed = judged.left if judged.left.contract_id == LICENSED["id"] else judged.right
    judge(hub.home.serving, NAME, [Decision(taxed, employer, "same", "14.0 bits", 14.0, judged.method)], "hub")
    judge(hub.home.serving, NAME, [Decision(judged.left, judged.right, "different", "another company")], "zhang")
    hub.publish(NAME)
    sync(hub, REGISTER, firm(3, 1), firm(1, 2))
    assert hub.publish(NAME).unlinked == 1
    handed = next(item for item in told(hub) if item.why.startswith("in place of"))
    assert ({handed.left, handed.right}, handed.verdict, handed.actor) == ({taxed, employer}, "different", "zhang")


@pytest.mark.parametrize("stands_by", rest_long(["another record", "the same record"]))
def test_of_two_codes_that_meet_in_one_pair_the_one_that_is_still_shown_holds_it(hub: Hub, stands_by: str) -> None:
    """The record that the first judgement names leaves the organization, and with the same publication nobody shows the second one's code."""
    payer = taxpayer(1, "甲公司", organization_code=credit_code(0)[8:17])
    linked(hub, [firm(0, 1), firm(1, 2)], [firm(0, 11, NUMBERS[0]), firm(1, 12)], payer)
    hub.sync(LICENSED, [payer | {"ZCH": NUMBERS[0]}])
    (judged,) = told(hub)
    taxed, registered = sorted((judged.left, judged.right), key=lambda side: side.contract_id != LICENSED["id"])
    employer = next(
        Side(str(item["_record_id"]), EMPLOYERS["id"]) for item in hub.state(EMPLOYERS) if item["organization_name"] == firm(0, 11)["MC"]
    )
    other = employer if stands_by == "another record" else registered
    judge(hub.home.serving, NAME, [Decision(taxed, other, "same", "46.0 bits", 46.0, "registration-number/1")], "hub")
    assert hub.publish(NAME).unlinked == 0
    sync(hub, REGISTER, firm(3, 1), firm(1, 2))
    sync(hub, EMPLOYERS, firm(0, 11), firm(1, 12))
    assert hub.publish(NAME).unlinked == 0
    (standing,) = (item for item in told(hub) if not item.withdrawn)
    assert ({standing.left, standing.right}, standing.method) == ({taxed, employer}, "organization-code/1")


@pytest.mark.long
def test_what_a_person_took_back_is_asked_again_when_the_record_of_the_pair_leaves(hub: Hub) -> None:
    payer = taxpayer(1, "甲公司", organization_code=credit_code(0)[8:17])
    linked(hub, [firm(0, 1), firm(1, 2)], [firm(0, 11), firm(1, 12)], payer)
    withdraw(hub.home.serving, NAME, told(hub)[0].number, "zhang", "another company")
    hub.publish(NAME)
    sync(hub, REGISTER, firm(3, 1), firm(1, 2))
    assert hub.publish(NAME).unlinked == 1
    found = link(NAME, hub.home)
    assert (found.judged, found.offered) == (0, 1)


def test_a_code_that_is_shown_no_more_holds_nothing_together(hub: Hub) -> None:
    hub.register({**REGISTERED, "record_key": ["BH"], "ignore": ["BH"]}, LICENSED)
    firms = [organization(n, ZCH="", MC=name) | {"BH": str(n)} for n, name in enumerate(("天宇商店", "金桥商店", "鸿远商店", "博雅商店"))]
    hub.sync(REGISTERED, firms)
    codes = [credit_code(n)[8:17] for n in range(5)]
    hub.sync(LICENSED, [taxpayer(1, "天宇商店", codes[0]), taxpayer(2, "金桥商店", codes[1])])
    hub.publish("legal_entity")
    assert link("legal_entity", hub.home).judged == 2
    assert hub.publish("legal_entity").unlinked == 0
    # The taxpayer's code was that of another company, and a company has another code, while a new one has its old one.
    hub.sync(LICENSED, [taxpayer(1, "鸿远商店", codes[2]), taxpayer(2, "金桥商店", codes[1])])
    moved = {**firms[1], "XYDM": credit_code(4)}
    fresh = organization(1, ZCH="", MC="朝晖商店") | {"BH": "9"}
    hub.sync(REGISTERED, [firms[0], moved, *firms[2:], fresh])
    assert hub.publish("legal_entity").unlinked == 2
    assert link("legal_entity", hub.home).judged == 2
    assert hub.publish("legal_entity").unlinked == 0
    found = {row["unified_social_credit_code"]: row["organization_code"] for row in hub.served("base_legal_entity")}
    assert {code: inner for code, inner in found.items() if inner} == {credit_code(1): codes[1], credit_code(2): codes[2]}
    assert hub.unbalanced() == []


@pytest.mark.long
def test_a_code_judgement_falls_with_its_own_code_and_with_no_other(hub: Hub) -> None:
    """Also where its entity's record leaves at the same time, and where the contract reads the code no more."""
    others = {
        **REGISTERED,
        "id": "civil_affairs__body",
        "department": {"id": "civil_affairs", "title": {"zh": "民政局", "en": "Civil affairs"}},
    }
    others |= {"source": {**REGISTERED["source"], "path": "body.csv"}}
    hub.register(REGISTERED, LICENSED, others)
    firms = [organization(n, ZCH=NUMBERS[n] if n < 2 else "", MC=f"天宇{n}号商店") for n in range(8)]
    codes = [credit_code(n)[8:17] for n in range(8)]
    for document in (REGISTERED, others):
        hub.sync(document, firms)
    hub.sync(LICENSED, [taxpayer(1, firms[0]["MC"], codes[0]), taxpayer(2, firms[1]["MC"], codes[1])])
    hub.publish("legal_entity")
    assert link("legal_entity", hub.home).judged == 2
    hub.publish("legal_entity")
    # Another code of the firm.
    hub.sync(REGISTERED, [firms[0] | {"ZCH": NUMBERS[2]}, *firms[1:]])
    assert hub.publish("legal_entity").unlinked == 0
    # The taxpayer's code, while the firm leaves the register.
    hub.sync(LICENSED, [taxpayer(1, firms[2]["MC"], codes[2]), taxpayer(2, firms[1]["MC"], codes[1])])
    hub.sync(REGISTERED, firms[1:])
    assert hub.publish("legal_entity").unlinked == 1
    assert link("legal_entity", hub.home).judged == 1
    # The contract.
    document = {**LICENSED, "columns": {"MC": "organization_name"}, "ignore": ["XH", "ZZJGDM", "ZCH"]}
    hub.register(document)
    hub.sync(document, [taxpayer(1, firms[2]["MC"], codes[2]), taxpayer(2, "他家商店", codes[1])])
    assert hub.publish("legal_entity").unlinked == 2
    assert [item for item in told(hub) if not item.withdrawn] == []
