"""The blast radius of a change, held against what really happens when the change is adopted."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from exchange import audit
from pipeline.accept import accept
from pipeline.impact.base_table import BaseTrial
from pipeline.impact.blast_radius import Impact, impact
from pipeline.impact.sampling import Estimate
from pipeline.impact.trial import trying
from pipeline.land import land
from pipeline.quarantine.replay import replay
from standards.loader import read_standards
from standards.model import Standards
from tests.factories import PATIENTS, Hub, person, with_assertions
from tests.pipeline.handing_back import edited as edited_file
from tests.pipeline.handing_back import filling, handed_out
from tests.pipeline.proposed import (
    ELEMENTS,
    INSTALLED,
    PROPOSALS,
    adopt,
    fill,
    give_up_addresses,
    patients,
    proposed,
    residents,
    state_of,
    with_known_keys,
)
from tests.standards.proposals import copied, edited


@pytest.fixture(scope="module", autouse=True)
def _installed_once() -> Iterator[None]:
    """The process of the installed standard is started once, since it learns nothing from what is tried in it."""
    with trying(INSTALLED) as process, pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "pipeline.impact.blast_radius.trying", lambda version: nullcontext(process) if version is INSTALLED else trying(version)
        )
        yield


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    hub = with_known_keys(tmp_path_factory.mktemp("city") / "home")
    fill(hub)
    return hub


@pytest.fixture
def own_city(tmp_path: Path) -> Hub:
    """A hub of the same content that a test may change."""
    hub = with_known_keys(tmp_path / "own")
    fill(hub)
    return hub


def counts(found: Impact) -> dict[str, int]:
    (base,) = found.registries
    total = {name: sum(getattr(item, name).expected for item in found.datasets) for name in ("stopped", "released", "values")}
    return total | {name: getattr(base, name).expected for name in ("changed", "appeared", "vanished", "moved")}


# One by itself in every run; the others, and several at once, among the long tests.
SINGLE = [pytest.param([name], marks=pytest.mark.long if place else (), id=name) for place, name in enumerate(PROPOSALS)]
TOGETHER = [
    ["shorter names", "wrong check characters pass", "another spelling", "sex is asked for"],
    ["phones of one network", "numbers that are withheld"],
]


@pytest.mark.parametrize(
    "names",
    [
        *SINGLE,
        *(pytest.param(names, id="; ".join(names), marks=pytest.mark.long) for names in TOGETHER),
    ],
)
def test_what_is_predicted_is_what_happens(names: list[str], own_city: Hub, tmp_path: Path) -> None:
    proposal = proposed(tmp_path, [edit for name in names for edit in PROPOSALS[name][0]])
    telling = set().union(*(PROPOSALS[name][1] for name in names))
    before = state_of(own_city)
    found = impact(own_city.home, INSTALLED, proposal)
    assert state_of(own_city) == before, "a prediction leaves no trace"
    assert not list(own_city.settings.work.iterdir())
    assert all(counts(found)[count] for count in telling), counts(found)
    adopt(own_city, proposal)
    after = state_of(own_city)
    for item in found.datasets:
        old, new = before.quarantined[item.contract_id], after.quarantined[item.contract_id]
        assert (item.stopped.expected, item.released.expected) == (len(new - old), len(old - new))
        _same_values(item, before.records[item.contract_id], after.records[item.contract_id])
    (base,) = found.registries
    gone, come = before.base.keys() - after.base.keys(), after.base.keys() - before.base.keys()
    assert (base.appeared.expected, base.vanished.expected) == (len(come), len(gone))
    publication = own_city.publish("population")
    assert (base.changed.expected, base.entities) == (publication.updated, len(before.base))
    both = before.base.keys() & after.base.keys()
    truth = {name: sum(before.base[i].get(name) != after.base[i].get(name) for i in both) for name in ELEMENTS}
    assert {item.element: item.values.expected for item in base.values} == {name: count for name, count in truth.items() if count}


def _same_values(item: Any, old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]) -> None:
    both = old.keys() & new.keys()
    names = [name for name in next(iter(old.values())) if not name.startswith("_")]
    truth = {name: sum(old[i][name] != new[i][name] for i in both) for name in names}
    found = {element.element: element.values.expected for element in item.elements}
    assert {name: found.get(name, 0) for name in names} == truth
    assert item.values.expected == sum(any(old[i][name] != new[i][name] for name in names) for i in both)


def estimates(found: Impact) -> dict[str, Estimate]:
    """Every number of a prediction, under a name."""
    named = {
        f"{item.contract_id} {name}": getattr(item, name)
        for item in found.datasets
        for name in ("touched", "stopped", "released", "values")
    }
    for item in found.datasets:
        named |= {f"{item.contract_id} {element.element}": element.values for element in item.elements}
        named |= {f"{item.contract_id} {e.element} {rule.rule}": rule.new for e in item.elements for rule in e.rules}
    for base in found.registries:
        named |= {f"base {name}": getattr(base, name) for name in ("changed", "appeared", "vanished", "moved")}
        named |= {f"base {value.element}": value.values for value in base.values}
    return named


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Standards:
    """All proposals at once."""
    return proposed(tmp_path_factory.mktemp("everything"), [edit for names in TOGETHER for name in names for edit in PROPOSALS[name][0]])


@pytest.fixture(scope="module")
def whole(city: Hub, everything: Standards) -> Impact:
    """What they would do, every row looked at."""
    return impact(city.home, INSTALLED, everything)


@pytest.mark.long
def test_a_sample_gives_bounds_that_hold_what_counting_everything_gives(city: Hub, everything: Standards, whole: Impact) -> None:
    sampled = impact(city.home, INSTALLED, everything, rows=90)
    truth, guess = estimates(whole), estimates(sampled)
    assert all(item.low == item.expected == item.high for item in truth.values())
    assert {name: item for name, item in guess.items() if not item.low <= truth[name].expected <= item.high} == {}
    assert sum(guess[name].low < guess[name].high for name in truth if name in guess) > 10
    assert [item.looked_at for item in whole.datasets] == [item.rows for item in whole.datasets]
    assert all(60 < item.looked_at < 120 and item.rows in (120, 240) for item in sampled.datasets)


@pytest.mark.long
def test_of_many_affected_entities_some_stand_for_all(
    city: Hub, everything: Standards, whole: Impact, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = BaseTrial.find_affected
    monkeypatch.setattr(BaseTrial, "find_affected", lambda self, _: own(self, 40))
    truth, guess = (estimates(found) for found in (whole, impact(city.home, INSTALLED, everything)))
    assert {name: item for name, item in guess.items() if not item.low <= truth[name].expected <= item.high} == {}
    assert guess["base changed"].found < truth["base changed"].found < guess["base changed"].high
    assert all((item.low == item.high) == (not name.startswith("base") or name == "base moved") for name, item in guess.items())


@pytest.mark.long
@pytest.mark.usefixtures("without_suite")
def test_what_is_repaired_is_tried_as_it_stands(hub: Hub, tmp_path: Path) -> None:
    """A delivery is judged with the repaired rows in the place of the source's, so they are what a standard would refuse."""
    hub.register(PATIENTS)
    rows = [*(person(n) for n in range(3)), person(50, XM="")]
    first = hub.sync(PATIENTS, rows)
    replay(first.batch_id, hub.home, repaired=edited_file(handed_out(hub), filling("XM", "欧阳娜娜")))
    hub.sync(PATIENTS, rows)
    hub.publish("population")
    (item,) = impact(hub.home, INSTALLED, proposed(tmp_path, PROPOSALS["shorter names"][0])).datasets
    assert item.stopped.expected == 1 + sum(len(person(n)["XM"]) > 2 for n in range(3))


@pytest.mark.long
@pytest.mark.usefixtures("without_suite")
def test_it_is_judged_by_the_contract_in_force(hub: Hub, tmp_path: Path) -> None:
    """Since the delivery a contract has got a stricter limit, and maps a column more."""
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [person(n, XM="欧阳娜娜" if n % 5 == 0 else "王芳") for n in range(20)])
    strict = with_assertions(PATIENTS, largest_quarantine=0.05) | {"ignore": ["XB", "CSRQ"]}
    hub.register(strict | {"columns": {**PATIENTS["columns"], "DZ": "residence_address"}})
    (item,) = impact(hub.home, INSTALLED, proposed(tmp_path / "shorter", PROPOSALS["shorter names"][0])).datasets
    assert item.gate == ("4 of 20 rows would be quarantined (20.0%, limit 5%)",)
    (item,) = impact(hub.home, INSTALLED, proposed(tmp_path / "without", [("schemas/population.yml", give_up_addresses)])).datasets
    assert any("residence_address" in fault for fault in item.faults)


@pytest.mark.long
@pytest.mark.usefixtures("without_suite")
def test_a_contract_that_asks_for_other_columns_since_is_named(hub: Hub, tmp_path: Path) -> None:
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [person(n) for n in range(3)])
    renamed = {("CELL" if name == "DH" else name): element for name, element in PATIENTS["columns"].items()}
    hub.register({**PATIENTS, "columns": renamed})
    found = impact(hub.home, INSTALLED, proposed(tmp_path, PROPOSALS["shorter names"][0]))
    assert [item.stopped.expected for item in found.datasets] == [sum(len(person(n)["XM"]) > 2 for n in range(3))]
    assert [item.is_outdated for item in found.datasets] == [True]
    assert found.unseen == ()  # it is tried


@pytest.mark.long
@pytest.mark.usefixtures("without_suite")
def test_rows_that_cannot_be_read_count_towards_the_limit(hub: Hub, tmp_path: Path) -> None:
    limited = with_assertions(PATIENTS, largest_quarantine=0.3)
    hub.register(limited)
    hub.deliver(limited, [person(n, XM="欧阳娜娜" if n % 5 == 0 else "王芳") for n in range(40)])
    file = hub.drop / PATIENTS["source"]["path"]
    file.write_text(file.read_text(encoding="utf-8") + "".join(f"only,two{n}\n" for n in range(8)), encoding="utf-8")
    accept(land(PATIENTS["id"], hub.home), hub.home)
    (item,) = impact(hub.home, INSTALLED, proposed(tmp_path, PROPOSALS["shorter names"][0])).datasets
    assert item.gate == ("8 of 48 rows could not be read, 8 would be quarantined (33.3%, limit 30%)",)


def test_no_example_shows_a_person(whole: Impact) -> None:
    shown = json.dumps(asdict(whole), ensure_ascii=False, default=str)
    assert sum(len(element.examples) for item in whole.datasets for element in item.elements) > 4
    assert any(value.examples for base in whole.registries for value in base.values)
    for row in [*residents(), *patients()]:
        assert not [name for name in ("SFZH", "DH", "DZ", "CSRQ") if row[name] in shown]
        assert f'"{row["XM"]}"' not in shown


def test_who_is_concerned_is_named(city: Hub, tmp_path: Path) -> None:
    audit.record(city.home.audit, actor="housing", action="show", subject="population/x", purpose="allowance")
    audit.record(city.home.audit, actor="housing", action="show", subject="population/y", purpose="allowance")
    audit.record(city.home.audit, actor="bank", action="show", subject="legal_entity/y", purpose="loan")
    strict = with_assertions(PATIENTS, largest_quarantine=0.05)
    city.register(strict)
    city.sync(strict, patients())
    found = impact(city.home, INSTALLED, proposed(tmp_path, PROPOSALS["shorter names"][0]))
    assert [(reader.actor, reader.purpose, reader.reads) for reader in found.readers] == [("housing", "allowance", 2)]
    assert [item.id for item in found.departments] == ["health", "public_security"]
    health = next(item for item in found.datasets if item.contract_id == PATIENTS["id"])
    assert health.columns == {"person_name": "XM"}
    assert "would be quarantined" in health.gate[0]
    assert found.stops


def test_what_concerns_no_data_is_said_at_once(city: Hub, tmp_path: Path) -> None:
    softer = proposed(tmp_path / "words", [("data_elements/person_name.yml", lambda body: body["title"].update(en="Full name"))])
    found = impact(city.home, INSTALLED, softer)
    assert (found.datasets, found.registries, found.stops) == ((), (), False)


@pytest.mark.long
def test_a_column_that_comes_and_one_that_goes(city: Hub, tmp_path: Path) -> None:
    wider = copied(tmp_path)
    element = yaml.safe_load((wider / "data_elements" / "former_name.yml").read_text(encoding="utf-8")) | {"id": "nickname"}
    element |= {"title": {"zh": "小名", "en": "Nickname"}, "definition": {"zh": "家人的称呼", "en": "What the family says"}, "aliases": []}
    (wider / "data_elements" / "nickname.yml").write_text(yaml.safe_dump(element, allow_unicode=True), encoding="utf-8")
    edited(wider, "schemas/population.yml", lambda body: body["uses"].append({"element": "nickname"}))
    edited(wider, "schemas/population.yml", _give_up_phones)
    city.register({**PATIENTS, "id": "health__never_sent"})
    found = impact(city.home, INSTALLED, read_standards(wider))
    (base,) = found.registries
    assert base.reshaped
    assert [value.element for value in base.values] == ["phone_number"]
    assert [item.contract_id for item in found.unseen] == ["health__never_sent"]
    assert all("phone_number" in item.faults[0] and item.faults[0].startswith("columns.DH") for item in found.datasets)
    assert found.stops
    assert {element.element for item in found.datasets for element in item.elements if element.values.expected} == {"phone_number"}


def _give_up_phones(body: Any) -> None:
    body["uses"] = [use for use in body["uses"] if use["element"] != "phone_number"]
