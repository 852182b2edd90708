"""Definitions of registries, survivorship on small relations, and the serving database's versions."""

import itertools
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

import registries
from core.database import migrate, open_database, reading, writing
from core.engine import Engine
from core.errors import DefinitionError, GateFailed, HubError, RequestError, StoreError
from registries import serving
from registries.attempts import record_attempt, standing_attempt
from registries.definition import RegistryDefinition, check_definitions, get_definition, load_definitions
from registries.publications import latest, nothing_yet
from registries.survivorship import Contribution, keep_best, merged, ranked, supplied
from registries.versions import as_of_view, ensure_table, history_view, values_view, versions_view
from standards.loader import load_standards
from standards.model import Schema
from tests.factories import Hub, hub_in

STANDARDS = load_standards()
DEFINITION = RegistryDefinition.model_validate(
    {
        "id": "population",
        "version": 1,
        "identity": {"id": "resident-id", "version": 1},
        "largest_shrink": 0.2,
        "ranks": {"default": ["police", "health", "tax"], "phone": ["tax"]},
    }
)


@pytest.fixture
def engine(tmp_path: Any) -> Iterator[Engine]:
    with Engine(hub_in(tmp_path / "home").settings) as engine:
        yield engine


def contribution(number: int, department: str, *elements: str) -> Contribution:
    return Contribution(f"{department}__{number}", department, number, elements, f"c{number}")


def test_every_definition_fits_the_standard() -> None:
    assert set(load_definitions()) == set(STANDARDS.schemas)
    assert check_definitions(STANDARDS) == []
    with pytest.raises(RequestError, match="people"):
        get_definition("people")


def test_a_definition_that_is_no_yaml_is_told_with_its_line(tmp_path, monkeypatch):
    tmp_path.joinpath("population.yml").write_text("id: population\nversion: [\n", encoding="utf-8")
    tmp_path.joinpath("vehicle.yml").write_text("id: &a [*a]\n", encoding="utf-8")
    tmp_path.joinpath("street.yml").write_text("id: street\n# 街道\n", encoding="gb18030")
    tmp_path.joinpath("house.yml").write_text("- id\n", encoding="utf-8")
    tmp_path.joinpath("twice.yml").write_text("id: twice\nid: twice\n", encoding="utf-8")
    monkeypatch.setattr("registries.definition.FOLDER", tmp_path)
    with pytest.raises(DefinitionError) as caught:
        load_definitions.__wrapped__()
    told = {(fault.file, fault.key) for fault in caught.value.faults}
    assert told >= {
        ("population.yml", "line 3"),
        ("vehicle.yml", "line 1"),
        ("street.yml", "line 2"),
        ("house.yml", ""),
        ("twice.yml", "line 2"),
    }


@pytest.mark.parametrize("definition", load_definitions().values(), ids=lambda item: item.id)
def test_every_rank_is_a_total_order(definition: RegistryDefinition) -> None:
    for element in ("default", *definition.ranks):
        departments = definition.ranks[element].departments
        assert len(set(departments)) == len(departments)
        places = [definition.rank(element, name) for name in departments]
        assert sorted(set(places)) == list(range(len(definition.ranks[element].tiers)))
        assert places == sorted(places)


def test_who_is_named_comes_first_then_the_default_then_the_rest_by_id() -> None:
    items = [contribution(n, d, "phone", "name") for n, d in enumerate(("zoo", "health", "police", "tax", "art"), start=1)]
    for order in itertools.islice(itertools.permutations(items), 0, None, 17):
        assert [item.department for item in ranked(DEFINITION, "phone", order)] == ["tax", "police", "health", "art", "zoo"]
        assert [item.department for item in ranked(DEFINITION, "name", order)] == ["police", "health", "tax", "art", "zoo"]
    assert ranked(DEFINITION, "other", items) == []


def test_a_source_speaks_with_its_newest_fullest_first_record_in_whatever_order_they_come(engine: Engine) -> None:
    rows = [
        (1, "a", "2020-01-01", "old", "1"),
        (1, "b", "2021-01-01", "new", None),
        (1, "c", "2021-01-01", "full", "2"),
        (1, "d", "2021-01-01", "full too", "3"),
        (1, "e", None, "undated", "4"),
        (2, "f", None, "only", None),
    ]
    for seed in range(4):
        shuffled = random.Random(seed).sample(rows, len(rows))
        names = ("_canonical_id", "_record_id", "_valid_from", "name", "phone")
        engine.run("DROP VIEW IF EXISTS c1_best")
        engine.run("DROP TABLE IF EXISTS c1")
        engine.register("given", pa.table({name: [row[place] for row in shuffled] for place, name in enumerate(names)}))
        engine.run("CREATE TABLE c1 AS SELECT * REPLACE (_valid_from::date AS _valid_from) FROM given")
        best = keep_best(engine, contribution(1, "police", "name", "phone"), {})
        assert engine.rows(f"SELECT _canonical_id, _record_id, name FROM {best.relation} ORDER BY 1") == [
            (1, "c", "full"),
            (2, "f", "only"),
        ]


def test_a_code_that_says_nothing_makes_no_record_fuller_but_is_more_than_an_empty_one(engine: Engine) -> None:
    for rows, best in (
        ("(1, 'a', NULL, 'x', '0'), (1, 'b', NULL, 'x', '1')", "b"),
        ("(1, 'a', NULL, 'x', NULL), (1, 'b', NULL, 'x', '0')", "b"),
        ("(1, 'a', NULL, NULL, '0'), (1, 'b', NULL, 'x', NULL)", "b"),
    ):
        engine.run("DROP VIEW IF EXISTS c1_best")
        engine.run(f"CREATE OR REPLACE TABLE c1 AS SELECT * FROM (VALUES {rows}) t(_canonical_id, _record_id, _valid_from, name, phone)")
        kept = keep_best(engine, contribution(1, "police", "name", "phone"), {"phone": ("0",)})
        assert engine.rows(f"SELECT _record_id FROM {kept.relation}") == [(best,)]


def test_each_element_takes_the_best_ranked_value_that_there_is(engine: Engine) -> None:
    engine.run("CREATE TABLE c1 AS SELECT 1 AS _canonical_id, DATE '2020-01-01' AS _valid_from, 'P' AS name, NULL::varchar AS phone")
    engine.run(
        "CREATE TABLE c2 AS SELECT * FROM (VALUES (1, DATE '2021-01-01', 'T', '2'), (2, NULL, NULL, '3')) t(_canonical_id, _valid_from, name, phone)"
    )
    items = [contribution(1, "police", "name", "phone"), contribution(2, "tax", "name", "phone")]
    for order in (items, items[::-1]):
        elements = supplied(["name", "phone", "other"], order)
        assert elements == ["name", "phone"]
        sql = merged(DEFINITION, elements, order)
        found = engine.records(f"SELECT * REPLACE (_valid_from::varchar AS _valid_from) FROM ({sql}) ORDER BY _canonical_id")
        assert [tuple(row.values()) for row in found] == [(1, "2021-01-01", "P", 1, "2", 2), (2, None, None, None, "3", 2)]


def test_nobody_to_listen_to_is_no_rows(engine: Engine) -> None:
    found = engine.arrow(merged(DEFINITION, supplied(["name"], []), []))
    assert (found.num_rows, found.schema.names) == (0, ["_canonical_id", "_valid_from"])


SCHEMA = STANDARDS.schemas["legal_entity"]


def batch(number: int, names: dict[str, str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {
            "_canonical_id": list(names),
            "_publication_from": pa.array([number] * len(names), pa.int32()),
            "organization_name": list(names.values()),
        }
    )


def make_current(hub: Hub, number: int) -> None:
    from core.database import writing
    from registries.tables import current_publication

    with writing(hub.home.serving) as connection:
        connection.execute(current_publication.delete())
        connection.execute(current_publication.insert().values(registry=SCHEMA.id, number=number))


def shown(hub: Hub) -> dict[str, str]:
    return {row["_canonical_id"]: row["organization_name"] for row in hub.served(SCHEMA.table)}


def test_a_publication_is_seen_whole_or_not_at_all_and_one_that_died_is_undone(any_hub: Hub) -> None:
    hub, engine = any_hub, any_hub.home.serving
    for _ in range(2):
        ensure_table(engine, SCHEMA)
    serving.load_rows(engine, SCHEMA, [batch(1, {"a": "A", "b": "B"})])
    assert shown(hub) == {}
    make_current(hub, 1)
    assert shown(hub) == {"a": "A", "b": "B"}
    # The second one: a changes, b goes, c comes. Until it is current, readers see the first.
    serving.end_rows(engine, SCHEMA, 2, ["a", "b"])
    serving.load_rows(engine, SCHEMA, [batch(2, {"a": "A2"}), batch(2, {"c": "C"})])
    assert shown(hub) == {"a": "A", "b": "B"}
    assert serving.clear_leftovers(engine, SCHEMA) == 4
    assert serving.clear_leftovers(engine, SCHEMA) == 0
    assert shown(hub) == {"a": "A", "b": "B"}
    serving.end_rows(engine, SCHEMA, 2, ["a", "b"])
    serving.load_rows(engine, SCHEMA, [batch(2, {"a": "A2", "c": "C"})])
    make_current(hub, 2)
    assert shown(hub) == {"a": "A2", "c": "C"}
    assert serving.clear_leftovers(engine, SCHEMA) == 0
    assert len(hub.served(history_view(SCHEMA))) == 4


def test_an_element_that_is_new_in_the_standard_gets_its_column(any_hub: Hub) -> None:
    hub = any_hub
    smaller = SCHEMA.model_copy(update={"uses": SCHEMA.uses[:-2]})
    ensure_table(hub.home.serving, smaller)
    serving.load_rows(hub.home.serving, smaller, [batch(1, {"a": "A"})])
    make_current(hub, 1)
    ensure_table(hub.home.serving, SCHEMA)
    (row,) = hub.served(SCHEMA.table)
    assert row["organization_name"] == "A"
    assert row[SCHEMA.elements[-1].id] is None


def test_an_element_may_have_any_character_in_its_title(any_hub: Hub) -> None:
    """The titles are comments of the views."""
    last = SCHEMA.uses[-1]
    element = last.element.model_copy(update={"title": last.element.title.model_copy(update={"zh": "持股比例（%）:x ' -- /*"})})
    titled = SCHEMA.model_copy(update={"uses": (*SCHEMA.uses[:-1], last.model_copy(update={"element": element}))})
    ensure_table(any_hub.home.serving, titled)
    serving.load_rows(any_hub.home.serving, titled, [batch(1, {"a": "A"})])
    make_current(any_hub, 1)
    assert shown(any_hub) == {"a": "A"}


def granted(hub: Hub) -> int:
    asked = "SELECT count(*) FROM information_schema.role_table_grants WHERE grantee = 'PUBLIC' AND table_name LIKE :name"
    with reading(hub.home.serving) as connection:
        return int(connection.execute(sa.text(asked), {"name": f"{SCHEMA.table}%"}).scalar_one())


@pytest.mark.parametrize("any_hub", ["postgresql"], indirect=True)
def test_rights_on_a_view_and_what_rests_on_it_outlive_another_standard(any_hub: Hub) -> None:
    """A department reads the view, and has one of its own on it; elements come into the middle and others leave."""
    hub, engine = any_hub, any_hub.home.serving
    smaller = SCHEMA.model_copy(update={"uses": (*SCHEMA.uses[:3], *SCHEMA.uses[5:])})
    ensure_table(engine, smaller)
    serving.load_rows(engine, smaller, [batch(1, {"a": "A"})])
    make_current(hub, 1)
    views = (SCHEMA.table, versions_view(SCHEMA), as_of_view(SCHEMA), values_view(SCHEMA))
    with writing(engine) as connection:
        connection.exec_driver_sql(f"GRANT SELECT ON {', '.join(views)} TO PUBLIC")
        connection.exec_driver_sql(f"CREATE VIEW named AS SELECT organization_name AS name FROM {SCHEMA.table}")
    other = SCHEMA.model_copy(update={"uses": tuple(use for use in SCHEMA.uses if use.element.id != smaller.elements[-1].id)})
    for later in (other, SCHEMA):
        ensure_table(engine, later)
        assert granted(hub) == len(views)
        assert hub.served("named", "name") == [{"name": "A"}]
    for view in views[:3]:
        columns = [column["name"] for column in sa.inspect(engine).get_columns(view)]
        assert {element.id for element in SCHEMA.elements} <= {*columns}
        assert len({*columns}) == len(columns)
    assert shown(hub) == {"a": "A"}


def with_length(length: int | None) -> Schema:
    """The schema, in which names of organizations may be so long."""
    uses = {use.element.id: use for use in SCHEMA.uses}
    name = uses["organization_name"]
    uses[name.element.id] = name.model_copy(update={"element": name.element.model_copy(update={"max_length": length})})
    return SCHEMA.model_copy(update={"uses": tuple(uses.values())})


@pytest.mark.parametrize("longer", [40, None])
def test_a_column_that_a_standard_makes_longer_takes_longer_values(any_hub: Hub, longer: int | None) -> None:
    hub, engine, name = any_hub, any_hub.home.serving, "A" * 40
    ensure_table(engine, with_length(10))
    serving.load_rows(engine, SCHEMA, [batch(1, {"a": "A"})])
    is_on_server = engine.dialect.name == "postgresql"
    if is_on_server:
        with writing(engine) as connection:
            connection.exec_driver_sql(f"GRANT SELECT ON {SCHEMA.table}, {versions_view(SCHEMA)} TO PUBLIC")
    ensure_table(engine, with_length(longer))
    ensure_table(engine, with_length(10))  # a shorter one again: what is there stays
    serving.load_rows(engine, SCHEMA, [batch(1, {"b": name})])
    make_current(hub, 1)
    assert shown(hub) == {"a": "A", "b": name}
    assert not is_on_server or granted(hub) == 2


@pytest.mark.parametrize("any_hub", ["postgresql"], indirect=True)
def test_a_view_that_cannot_be_replaced_is_not_torn_from_under_another(any_hub: Hub) -> None:
    hub, engine = any_hub, any_hub.home.serving
    ensure_table(engine, SCHEMA.model_copy(update={"uses": SCHEMA.uses[:-2]}))
    with writing(engine) as connection:
        connection.exec_driver_sql(f"ALTER VIEW {SCHEMA.table} RENAME COLUMN _valid_to TO _until")  # as an older hub may have called it
        connection.exec_driver_sql(f"CREATE VIEW named AS SELECT organization_name AS name FROM {SCHEMA.table}")
    with pytest.raises(StoreError, match=f"views that others have made rest on those of {SCHEMA.table}"):
        ensure_table(engine, SCHEMA)
    with writing(engine) as connection:
        connection.exec_driver_sql("DROP VIEW named")
    ensure_table(engine, SCHEMA)
    assert shown(hub) == {}
    assert "_until" not in [column["name"] for column in sa.inspect(engine).get_columns(SCHEMA.table)]


NEWER = ("written_by", "change_accepted", "apart", "judgements", "contradictions")


def test_publications_of_an_older_hub_are_kept_and_can_be_stopped(any_hub: Hub, tmp_path: Path) -> None:
    """A serving database of the first revision, with a publication in it, is brought up to date."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(registries.__path__[0]) / "migrations", folder, ignore=shutil.ignore_patterns("000[2-9]*", "__pycache__"))
    url = any_hub.settings.serving_url
    any_hub.settings.home.mkdir(mode=0o700, exist_ok=True)
    migrate(url, folder)
    old = {
        name: value
        for name, value in vars(replace(nothing_yet("population"), number=1, actor="before")).items()
        if name not in ("shrink_accepted", "not_replayable_since", "identity_events", *NEWER)
    }
    with writing(open_database(url)) as connection:
        names = ", ".join(old)
        bound = ", ".join(f":{name}" for name in old)
        connection.execute(
            sa.text(f"INSERT INTO publication ({names}) VALUES ({bound})"),
            old | {"seconds": "{}", "published_at": str(old["published_at"])},
        )
    home = any_hub.home
    current = latest(home.serving, "population")
    assert (current.number, current.actor, current.shrink_accepted) == (1, "before", None)
    assert standing_attempt(home.serving, current) is None
    for reason in ("first", "second"):
        record_attempt(home.serving, current, "tester", GateFailed(reason, hint="look"), {"inserted": 0, "updated": 1, "deleted": 2})
    record_attempt(home.serving, current, "tester", HubError("third"), {})
    newest, stopped = standing_attempt(home.serving, current), standing_attempt(home.serving, current, found="deleted")
    assert (newest and newest.reason, newest and newest.outcome, newest and newest.deleted) == ("third", "failed", None)
    assert (stopped and stopped.reason, stopped and stopped.number, stopped and stopped.deleted) == ("second", 2, 2)
    assert standing_attempt(home.serving, current, found="findings") is None
    assert standing_attempt(home.serving, replace(current, number=2)) is None
