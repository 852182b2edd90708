"""Publications that are worked out again: after updates, deletes, a merge and a withdrawal, whatever came after them."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from core.database import writing
from core.engine import Engine, parquet
from core.errors import RequestError
from pipeline.publication import merging
from pipeline.publication.merging import id_ranges
from pipeline.publication.replay import replay_publication
from registries.definition import get_definition
from registries.definition_versions import definition_at, record_definition
from registries.publications import history, mark_not_replayable
from registries.tables import publication
from tests.factories import PATIENTS, RESIDENTS, Hub, person

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
CARDS = {**PATIENTS, "record_key": ["KH"], "ignore": ["XB", "CSRQ", "DZ", "KH"]}
CLOSED = {**CARDS, "sharing": {"class": "none", "legal_basis": "Archives Act"}}


def cards(people: dict[int, int], **changed: str) -> list[dict[str, str]]:
    return [{**person(number, **changed), "KH": str(card)} for card, number in people.items()]


def told(hub: Hub) -> None:
    """Six publications: a first one; updates and deletes; a merge; rules anew; a withdrawal; a return."""
    everybody = {card: card for card in range(20)}
    hub.register(RESIDENTS, CARDS)
    hub.sync(RESIDENTS, [person(number) for number in range(18)])
    hub.sync(CARDS, cards(everybody, DH=""))
    hub.publish("population")
    hub.sync(RESIDENTS, [person(number, DZ="北京市西城区文津街7号") for number in range(2, 18)])
    hub.sync(CARDS, cards({card: number for card, number in everybody.items() if card != 19}))
    hub.publish("population")
    hub.sync(CARDS, cards({card: 17 if card == 18 else number for card, number in everybody.items() if card != 19}))
    hub.publish("population")
    less = {**CARDS, "columns": {"SFZH": "resident_id", "XM": "person_name"}, "ignore": [*CARDS["ignore"], "DH"]}
    hub.register(less)
    hub.sync(less, cards(everybody))
    hub.publish("population")
    hub.register(CLOSED)
    hub.publish("population")
    hub.register(less)
    hub.publish("population")


def test_every_publication_comes_out_again_to_the_byte(any_hub: Hub) -> None:
    hub = any_hub
    told(hub)
    published = {item.number: item for item in history(hub.home.serving, "population")}
    assert sorted(published) == [1, 2, 3, 4, 5, 6]
    assert published[3].identity_events == 1
    before = hub.served("base_population_history")
    for number, item in published.items():
        found = replay_publication("population", number, hub.home)
        assert found.is_same
        assert found.bytes_expected
        assert found.replayed == (item.entities, item.digest)
        assert {file.outcome for file in found.files} == {"same-bytes"}
        assert {path.split("/")[0] for path in (file.path for file in found.files)} == {"base_population", "xref_population"}
    assert hub.served("base_population_history") == before
    assert list(hub.settings.work.iterdir()) == []


def test_another_engine_gives_the_same_rows_and_a_change_is_noticed(hub: Hub) -> None:
    hub.register(RESIDENTS)
    hub.sync(RESIDENTS, [person(number) for number in range(10)])
    first = hub.publish("population")
    _set(hub, 1, written_by={**(first.written_by or {}), "engine": "duckdb 0.9"})
    found = replay_publication("population", 1, hub.home)
    assert (found.is_same, found.bytes_expected) == (True, False)
    _set(hub, 1, written_by=first.written_by, digest="0" * 31 + "1")
    found = replay_publication("population", 1, hub.home)
    assert not found.is_same
    assert json.loads(json.dumps(found.shown()))["replayed"] == {"entities": 10, "digest": None}
    _set(hub, 1, digest=first.digest)
    base = hub.settings.lake_dir / "base_population" / "log-00000001.parquet"
    with Engine(hub.settings) as engine:
        engine.run(f"COPY (SELECT * REPLACE ('x' AS person_name) FROM {parquet([base])}) TO '{base}.new' (FORMAT parquet)")
    base.with_name(f"{base.name}.new").replace(base)
    found = replay_publication("population", 1, hub.home)
    assert [file.outcome for file in found.files] == ["different", "same-bytes"]
    assert not found.is_same


@pytest.mark.parametrize("passes", [2, 3, pytest.param(7, marks=pytest.mark.long), pytest.param(300, marks=pytest.mark.long)])
def test_merged_by_ranges_of_ids_a_table_is_the_same_to_the_byte(hub: Hub, passes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.register(RESIDENTS, CARDS)
    hub.sync(RESIDENTS, [person(number) for number in range(60)])
    # Cards that contradict each other, some of nobody else: what is outdone and what one source alone has is in its range as well.
    hub.sync(CARDS, cards({card: card % 90 for card in range(180)}, DH="13800000001"))
    published = hub.publish("population")
    monkeypatch.setattr(merging, "RECORDS_PER_MB", published.records / (passes - 0.5) / hub.settings.memory_limit_mb)
    ranges = []
    monkeypatch.setattr(merging, "id_ranges", lambda key, count: ranges.append((key, count)) or id_ranges(key, count))
    found = replay_publication("population", 1, hub.home)
    assert ranges == [("_canonical_id", passes), ("_record_id", passes)]
    assert (found.replayed, {file.outcome for file in found.files}) == ((published.entities, published.digest), {"same-bytes"})
    assert list(hub.settings.work.iterdir()) == []
    # What follows writes what changed, however many records there are.
    hub.sync(RESIDENTS, [person(number) for number in range(59)])
    hub.publish("population")
    assert len(ranges) == 2


@pytest.mark.parametrize("count", [2, 3, 7, 256, 300])
def test_every_id_is_in_one_range(hub: Hub, count: int) -> None:
    conditions = id_ranges("_canonical_id", count)
    edges = ["00000000-0000-0000-0000-000000000000", "80000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]
    with Engine(hub.settings) as engine:
        ids = f"SELECT unnest({edges})::uuid AS _canonical_id UNION ALL SELECT md5(range::varchar)::uuid FROM range(10000)"
        placed = ", ".join(f"({condition})::integer" for condition in conditions)
        found = engine.rows(f"SELECT list_position([{placed}], 1) AS place, list_sum([{placed}]) FROM ({ids}) ORDER BY _canonical_id")
    assert {times for _, times in found} == {1}
    places = [place for place, _ in found]
    assert places == sorted(places)
    assert set(places) == set(range(1, count + 1))


def _set(hub: Hub, number: int, **values: Any) -> None:
    with writing(hub.home.serving) as connection:
        connection.execute(sa.update(publication).where(publication.c.number == number).values(**values))


def test_what_is_no_longer_kept_is_told(hub: Hub) -> None:
    hub.register(RESIDENTS)
    hub.sync(RESIDENTS, [person(number) for number in range(10)])
    hub.publish("population")
    mark_not_replayable(hub.home.serving, "population", [1])
    with pytest.raises(RequestError, match=r"publication 1 of population is not replayable since 20"):
        replay_publication("population", 1, hub.home)
    with pytest.raises(RequestError, match="no publication 2"):
        replay_publication("population", 2, hub.home)


def test_a_number_of_a_definition_stands_for_one_definition(hub: Hub) -> None:
    definition, serving = get_definition("population"), hub.home.serving
    assert definition_at(serving, "population", definition.version) == definition
    record_definition(serving, definition, "tester")
    assert definition_at(serving, "population", definition.version) == definition
    other = definition.model_copy(update={"largest_shrink": 0.5})
    with pytest.raises(RequestError, match="still called"):
        record_definition(serving, other, "tester")
    newer = other.model_copy(update={"version": definition.version + 1})
    record_definition(serving, newer, "tester")
    assert definition_at(serving, "population", definition.version + 1).largest_shrink == 0.5
    with pytest.raises(RequestError, match="has not been kept"):
        definition_at(serving, "population", 99)


@pytest.mark.long
def test_a_dataset_that_may_not_be_shared_and_has_become_empty_had_no_part_in_it(hub: Hub) -> None:
    """It is the only one with a phone number, so that its columns would show."""
    open_one = {**RESIDENTS, "columns": {name: to for name, to in RESIDENTS["columns"].items() if name != "DH"}, "ignore": ["DH"]}
    closed = {**PATIENTS, "sharing": {"class": "none", "legal_basis": "Act"}}
    hub.register(open_one, closed)
    for number, held in ((10, 3), (11, 0), (12, 0)):
        hub.sync(open_one, [person(n) for n in range(number)])
        hub.sync(closed, [person(n) for n in range(held)])
        assert hub.publish("population").withheld == held
    for number in (1, 2, 3):
        again = replay_publication("population", number, hub.home)
        assert again.is_same
        assert {file.outcome for file in again.files} == {"same-bytes"}
