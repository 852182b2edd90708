"""Codes that say nothing, from the delivery to the answer: who knows is heard, whatever the rank, and what was published before comes out again."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.answers.why import find_entity, why
from pipeline.impact.blast_radius import impact
from pipeline.publication.replay import replay_publication
from standards import loader
from standards.loader import load_standards, read_standards
from standards.model import Standards
from tests.factories import PATIENTS, RESIDENTS, Hub, person, resident_id
from tests.standards.proposals import copied, edited, released

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
WITH_SEX = {**PATIENTS, "columns": {**PATIENTS["columns"], "XB": "sex_code"}, "ignore": ["CSRQ", "DZ"]}
# What the police say, who rank first, and what the health office says of its patients.
SAID = {1: ("不详", ""), 2: ("不详", "未说明"), 3: ("", "不详"), 4: ("未说明", ""), 5: ("", "")}
KNOWN = {number: person(number)["XB"] for number in SAID}


def standard_before(folder: Path) -> Standards:
    """The standard as it was when a code that says nothing was a value like any other."""
    before = released(copied(folder), "1.3.0")
    for path in before.glob("code_lists/*.yml"):
        edited(before, f"code_lists/{path.name}", lambda body: body.pop("says_nothing", None))
    return read_standards(before)


def deliver(hub: Hub, said: dict[int, tuple[str, str]] = SAID) -> None:
    for place, document in enumerate((RESIDENTS, WITH_SEX)):
        rows = [person(number, **({"XB": words[place]} if words[place] else {})) for number, words in said.items()]
        hub.sync(document, rows)


def published(hub: Hub) -> dict[int, str]:
    """The sex that is published of each person."""
    sexes = {row["resident_id"]: row["sex_code"] for row in hub.served("base_population")}
    return {number: sexes[resident_id(number)] for number in SAID}


def verdicts(hub: Hub, number: int, known_at: int | None = None) -> list[tuple[str, Any, str]]:
    account = why(hub.home, "population", find_entity(hub.home, "population", resident_id(number)), known_at)
    (sex,) = (item for item in account.answers if item.element == "sex_code")
    return [(word.contract_id, word.value, word.verdict) for word in sex.candidates]


def test_whoever_knows_is_heard_and_why_says_so(hub: Hub) -> None:
    hub.register(RESIDENTS, WITH_SEX)
    deliver(hub)
    hub.publish("population")
    assert published(hub) == {**KNOWN, 2: "0"}
    police, health = RESIDENTS["id"], WITH_SEX["id"]
    assert verdicts(hub, 1) == [(health, KNOWN[1], "chosen"), (police, "0", "says-nothing")]
    assert verdicts(hub, 2) == [(police, "0", "chosen"), (health, "9", "outranked")]
    assert verdicts(hub, 3) == [(police, KNOWN[3], "chosen"), (health, "0", "says-nothing")]
    # Where the one who knew falls silent, the code is back; it is an increment, and comes out again like the first publication.
    deliver(hub, {**SAID, 1: ("不详", "未说明")})
    assert hub.publish("population").updated == 1
    assert published(hub) == {**KNOWN, 1: "0", 2: "0"}
    assert all(replay_publication("population", number, hub.home).is_same for number in (1, 2))


def test_an_older_standard_is_replayed_as_it_was_and_the_new_one_merges_everything_anew(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = standard_before(tmp_path)
    with monkeypatch.context() as then:
        then.setitem(loader._substitutes, loader.FOLDER, before)
        hub.register(RESIDENTS, WITH_SEX)
        deliver(hub)
        hub.publish("population")
        assert published(hub) == {**KNOWN, 1: "0", 2: "0", 4: "9"}
    (base,) = impact(hub.home, before, load_standards()).registries
    # Nothing was delivered: the standard alone is new.
    publication = hub.publish("population")
    assert (publication.number, publication.updated, publication.standard_version) == (2, 2, load_standards().version)
    assert published(hub) == {**KNOWN, 2: "0"}
    assert (base.changed.expected, {item.element: item.values.expected for item in base.values}) == (2, {"sex_code": 2})
    for number in (1, 2):
        found = replay_publication("population", number, hub.home)
        assert (found.is_same, found.bytes_expected) == (True, True)
    assert [verdict for _, _, verdict in verdicts(hub, 1, 1)] == ["chosen", "outranked"]
    assert [verdict for _, _, verdict in verdicts(hub, 1)] == ["chosen", "says-nothing"]
    assert not hub.unbalanced()


def test_who_does_not_know_the_sex_is_not_of_another_one(hub: Hub) -> None:
    """With another name, after a marriage say, another sex is another person; a code for that it is not known is no other sex."""
    hub.register(RESIDENTS, WITH_SEX)
    hub.sync(RESIDENTS, [person(number) for number in SAID])
    other = {1: "2", 2: "1", 3: "不详", 4: "未说明"}
    sexes = {number: sex for number, sex in other.items() if sex != KNOWN[number]}
    hub.sync(WITH_SEX, [person(number, XM="欧阳娜", XB=sex) for number, sex in sexes.items()])
    told = sum(sex.isdigit() for sex in sexes.values())
    assert told
    published = hub.publish("population")
    assert (published.apart, published.entities) == (told, len(SAID))
