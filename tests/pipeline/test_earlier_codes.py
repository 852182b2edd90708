"""Records that show only a code from before the identifier: of the one entity that has it, before a person where several do."""

import pytest

from pipeline.link import link
from registries.candidates import open_pairs
from registries.judgements import Decision, judge, judgements, withdraw
from tests.factories import ENTERPRISES, Hub, credit_code, organization

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
REGISTERED = {**ENTERPRISES, "columns": {**ENTERPRISES["columns"], "ZCH": "registration_number"}}
LICENSED = {
    **ENTERPRISES,
    "id": "tax__taxpayer",
    "department": {"id": "tax", "title": {"zh": "税务局", "en": "Tax"}},
    "source": {**ENTERPRISES["source"], "path": "taxpayer.csv"},
    "record_key": ["XH"],
    "columns": {"ZZJGDM": "organization_code", "ZCH": "registration_number", "MC": "organization_name"},
    "ignore": ["XH"],
}
NUMBERS = ("110000000000017", "110000000000025", "110000000000033")


def taxpayer(key: int, name: str, organization_code: str = "", registration_number: str = "") -> dict[str, str]:
    return {"XH": str(key), "MC": name, "ZZJGDM": organization_code, "ZCH": registration_number}


def test_a_code_within_the_identifier_or_beside_it_links(hub: Hub) -> None:
    hub.register(REGISTERED, LICENSED)
    registered = [
        organization(0, ZCH=NUMBERS[0]),
        organization(1, ZCH=NUMBERS[1]),
        organization(2, ZCH=NUMBERS[1]),
        organization(3, ZCH=""),
    ]
    hub.sync(REGISTERED, registered)
    inner = credit_code(3)[8:17]
    rows = [
        taxpayer(1, "甲公司", organization_code=inner),
        taxpayer(2, "乙公司", registration_number=NUMBERS[0]),
        taxpayer(3, "丙公司", registration_number=NUMBERS[1]),
        taxpayer(4, "丁公司", registration_number=NUMBERS[2]),
    ]
    hub.sync(LICENSED, rows)
    first = hub.publish("legal_entity")
    assert (first.entities, first.linked, first.unlinked) == (4, 4, 4)
    found = link("legal_entity", hub.home)
    assert (found.judged, found.offered) == (2, 2)
    told = judgements(hub.home.serving, "legal_entity")
    assert sorted(item.method for item in told) == ["organization-code/1", "registration-number/1"]
    assert {item.method for item in open_pairs(hub.home.serving, "legal_entity")} == {"registration-number/1"}
    second = hub.publish("legal_entity")
    assert (second.entities, second.linked, second.unlinked) == (4, 6, 2)
    assert hub.unbalanced() == []
    # What is decided is not decided again, and what a person takes back comes apart.
    again = link("legal_entity", hub.home)
    assert (again.judged, again.offered) == (0, 2)
    withdraw(hub.home.serving, "legal_entity", told[0].number, "tester", "another company")
    assert hub.publish("legal_entity").linked == 5


@pytest.mark.long
def test_a_code_of_several_is_not_settled_by_a_name(hub: Hub) -> None:
    hub.register(REGISTERED, LICENSED)
    names = [f"杭州{name}贸易有限公司" for name in ("天宇", "金桥", "鸿远", "博雅", "盛世", "长风", "朝晖", "新月")]
    hub.sync(REGISTERED, [organization(n, MC=name, ZCH=NUMBERS[1] if n in (1, 2) else "") for n, name in enumerate(names)])
    hub.sync(LICENSED, [taxpayer(1, names[3], registration_number=NUMBERS[1]), taxpayer(2, names[4])])
    hub.publish("legal_entity")
    found = link("legal_entity", hub.home)
    assert (found.unlinked, found.judged, found.offered) == (2, 1, 2)
    (told,) = judgements(hub.home.serving, "legal_entity")
    assert told.method == found.model  # the one without a code is the model's
    waiting = open_pairs(hub.home.serving, "legal_entity")
    assert {item.method for item in waiting} == {"registration-number/1"}
    # Parted by a person from all that have the code, it is the model's too.
    parted = [Decision(item.left, item.right, "different", "another company") for item in waiting]
    judge(hub.home.serving, "legal_entity", parted, "tester")
    assert link("legal_entity", hub.home).judged == 1


def test_one_rule_places_a_record_and_a_person_may_part_it(hub: Hub) -> None:
    hub.register(REGISTERED, LICENSED)
    hub.sync(REGISTERED, [organization(0, ZCH=NUMBERS[0]), organization(1, ZCH=NUMBERS[1])])
    both = taxpayer(1, "甲公司", organization_code=credit_code(0)[8:17], registration_number=NUMBERS[1])
    hub.sync(LICENSED, [both, taxpayer(2, "乙公司", registration_number=NUMBERS[1])])
    hub.publish("legal_entity")
    found = link("legal_entity", hub.home)
    assert (found.judged, found.offered) == (2, 0)
    told = {item.method: item for item in judgements(hub.home.serving, "legal_entity")}
    assert sorted(told) == ["organization-code/1", "registration-number/1"]
    parted = told["registration-number/1"]
    judge(hub.home.serving, "legal_entity", [Decision(parted.left, parted.right, "different", "another company")], "tester")
    published = hub.publish("legal_entity")
    assert (published.entities, published.linked, published.unlinked) == (2, 3, 1)
    # It waits as one that has no code: nothing is judged against the person's word.
    assert link("legal_entity", hub.home).judged == 0
    assert hub.unbalanced() == []
