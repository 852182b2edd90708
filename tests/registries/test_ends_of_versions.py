"""An installation whose rows said themselves which publication ended them: their ends are parted from them, and everything reads as before."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import registries
from core.database import reading, run_as_written, writing
from core.errors import StoreError
from quality.texts import sentence
from registries.definition import get_definition
from registries.feed import read_changes, read_state
from registries.identity import successor
from registries.versions import as_of_view, ended_table, ensure_table, history_view, rows_table, versions_view
from standards.loader import load_standards
from tests.factories import Hub
from tests.registries.publishing import publish_table

SCHEMA = load_standards().schemas["legal_entity"]
DEFINITION = get_definition(SCHEMA.id)
VIEWS = (history_view(SCHEMA), SCHEMA.table, versions_view(SCHEMA), as_of_view(SCHEMA))
DAYS: list[dict[str, dict[str, Any]]] = [
    {},
    {"a": {"organization_name": "1", "_valid_from": "2024-01-01"}, "b": {"organization_name": "1"}},
    {"a": {"organization_name": "2", "_valid_from": "2024-03-01"}, "c": {"organization_name": "5%: x"}},
    {"a": {"organization_name": "2", "_valid_from": "2024-03-01"}, "b": {"organization_name": "3", "_valid_from": "2023-01-01"}},
]


def lived(hub: Hub) -> Hub:
    ensure_table(hub.home.serving, SCHEMA)
    for number in range(1, len(DAYS)):
        publish_table(hub, SCHEMA, number, DAYS[number - 1], DAYS[number])
    return hub


def brought_to(hub: Hub, revision: str, move: Any) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(registries.__path__[0]) / "migrations"))
    config.attributes["url"] = hub.settings.serving_url
    move(config, revision)


def with_older_views(hub: Hub) -> None:
    """The views as they were, over one table."""
    history, first = history_view(SCHEMA), "DATE '0001-01-01'" if hub.home.serving.dialect.name == "postgresql" else "'0001-01-01'"
    names = [name for name in columns(hub, history) if not name.startswith("_publication")]
    every = ", ".join(f"h.{name}" for name in names)
    published = "h._publication_from, CASE WHEN h._publication_to <= c.number THEN h._publication_to END AS _publication_to"
    current = f"FROM {history} h JOIN current_publication c ON c.registry = '{SCHEMA.id}' WHERE h._publication_from <= c.number"
    overtaken = (
        f"(SELECT min(coalesce(w._valid_from, {first})) FROM {history} w WHERE w._canonical_id = h._canonical_id "
        "AND w._publication_from > h._publication_from AND w._publication_from <= k._publication_from)"
    )
    deleted = (
        f"SELECT 1 FROM {history} g WHERE g._canonical_id = h._canonical_id AND g._publication_from >= h._publication_from "
        f"AND g._publication_from < k._publication_from AND NOT EXISTS (SELECT 1 FROM {history} b "
        "WHERE b._canonical_id = g._canonical_id AND b._publication_from = g._publication_to)"
    )
    values = ", ".join(f"h.{name}" for name in names if not name.startswith(("_valid", "_canonical")))
    made = {
        SCHEMA.table: f"{every}, h._publication_from, h._publication_to {current} AND (h._publication_to IS NULL OR h._publication_to > c.number)",
        versions_view(SCHEMA): f"{every}, {published} -- 100% of them: all\n{current}",
        as_of_view(SCHEMA): f"h._canonical_id, h._publication_from, k._publication_from AS _known_from, k._publication_to AS _known_to, "
        f"coalesce(h._valid_from, {first}) AS _valid_from, coalesce({overtaken}, h._valid_to) AS _valid_to, {values} "
        f"FROM {versions_view(SCHEMA)} k JOIN {history} h ON h._canonical_id = k._canonical_id AND h._publication_from <= k._publication_from "
        f"WHERE NOT EXISTS ({deleted}) AND coalesce(h._valid_from, {first}) < coalesce({overtaken}, h._valid_to)",
    }
    with writing(hub.home.serving) as connection:
        for name, text in made.items():
            run_as_written(connection, f"CREATE VIEW {name} AS SELECT {text}")


def told(hub: Hub) -> dict[str, Any]:
    """All that readers are told: every view, the feed and the states of all publications."""
    serving = hub.home.serving
    views = {name: sorted((sorted(row.items(), key=str) for row in hub.served(name)), key=str) for name in VIEWS}
    states = [read_state(serving, SCHEMA, number, "", 10) for number in range(1, len(DAYS))]
    return {**views, "feed": read_changes(serving, DEFINITION, SCHEMA, 0, 100), "states": states, "a": successor(serving, SCHEMA, "a", 3)}


def columns(hub: Hub, name: str) -> list[str]:
    with reading(hub.home.serving) as connection:
        return [column["name"] for column in sa.inspect(connection).get_columns(name)]


def test_an_older_installation_tells_the_same_and_goes_on(any_hub: Hub) -> None:
    hub = lived(any_hub)
    before = told(hub)
    assert [event.event for event in before["feed"].events] == ["insert", "insert", "delete", "update", "insert", "delete", "insert"]
    brought_to(hub, "0008_judgement_numbers", command.downgrade)
    # As it was: one table, which says of each row which publication ended it.
    assert "_publication_to" in columns(hub, history_view(SCHEMA))
    with reading(hub.home.serving) as connection:
        tables = {name for name in sa.inspect(connection).get_table_names() if name.startswith("base_")}
    assert tables == {history_view(SCHEMA)}
    with_older_views(hub)
    brought_to(hub, "head", command.upgrade)
    assert told(hub) == before
    assert "_publication_to" not in columns(hub, rows_table(SCHEMA))
    assert len(hub.served(ended_table(SCHEMA))) == 3
    ensure_table(hub.home.serving, SCHEMA)
    assert publish_table(hub, SCHEMA, 4, DAYS[3], DAYS[1]) == {"inserted": 0, "updated": 2, "deleted": 0}
    assert {row["_canonical_id"]: row["organization_name"] for row in hub.served(SCHEMA.table)} == {"a": "1", "b": "1"}


def test_a_new_installation_has_nothing_to_part(any_hub: Hub) -> None:
    assert any_hub.home.serving
    brought_to(any_hub, "0008_judgement_numbers", command.downgrade)
    brought_to(any_hub, "head", command.upgrade)
    assert told(lived(any_hub))[SCHEMA.table]


def test_what_a_department_made_of_the_rows_is_named_before_it_breaks(any_hub: Hub) -> None:
    """In PostgreSQL a view holds on to what it was made of; what it needs is not taken away under it."""
    if any_hub.home.serving.dialect.name != "postgresql":
        pytest.skip("views of SQLite are texts")
    hub = lived(any_hub)
    brought_to(hub, "0008_judgement_numbers", command.downgrade)
    with_older_views(hub)
    with writing(hub.home.serving) as connection:
        connection.execute(sa.text(f"CREATE VIEW theirs AS SELECT _publication_to FROM {history_view(SCHEMA)}"))
        connection.execute(sa.text(f"CREATE VIEW others AS SELECT organization_name FROM {SCHEMA.table}"))
    with pytest.raises(StoreError, match="views that others have made rest on base_legal_entity_history") as raised:
        brought_to(hub, "head", command.upgrade)
    assert sentence(raised.value.message, "zh").startswith("有其他人建立的视图依赖 base_legal_entity_history")
    assert sentence(raised.value.hint, "zh").startswith("请先删除这些视图，运行任一命令")
    with writing(hub.home.serving) as connection:
        connection.execute(sa.text("DROP VIEW theirs"))
    brought_to(hub, "head", command.upgrade)
    assert {row["organization_name"] for row in hub.served("others", "organization_name")} == {"2", "3"}
