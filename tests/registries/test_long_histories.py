"""What an old installation asks of its tables."""

import sqlalchemy as sa

from registries.candidates import _is_open
from registries.identity import successor
from registries.tables import candidate_pair, identity_event, judgement, metadata
from registries.versions import history_table
from standards.loader import load_standards

SCHEMA = load_standards().schemas["population"]


def test_an_id_leads_to_its_successor_over_any_number_of_steps() -> None:
    """Two ways part and meet again half-way, and each step was a publication."""
    serving, steps = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool), 3_000
    metadata.create_all(serving)
    with serving.begin() as connection:
        columns = "_canonical_id TEXT PRIMARY KEY, _publication_from INTEGER, _publication_to INTEGER"
        connection.execute(sa.text(f"CREATE TABLE {history_table(SCHEMA)} ({columns})"))
        lives = [(f"{place}", place, place + 1 if place < steps else None) for place in range(1, steps + 1)] + [("beside", 5, 6)]
        connection.execute(
            sa.text(f"INSERT INTO {history_table(SCHEMA)} VALUES (:id, :since, :ended)"),
            [{"id": name, "since": since, "ended": ended} for name, since, ended in lives],
        )
        ways = [(place + 1, f"{place}", f"{place + 1}") for place in range(1, steps)] + [(5, "4", "beside"), (6, "beside", "6")]
        connection.execute(
            identity_event.insert(),
            [{"registry": "population", "number": number, "kind": "rekey", "old_id": old, "new_id": new} for number, old, new in ways],
        )
    assert successor(serving, SCHEMA, "1", steps) == f"{steps}"
    serving.dispose()


def test_a_pair_is_held_against_judgements_on_it_and_no_others() -> None:
    """SQLite took the index on what a judgement withdraws: with 20,000 of both, a page took a minute."""
    serving = sa.create_engine("sqlite://")
    metadata.create_all(serving)
    query = sa.select(sa.func.count()).select_from(candidate_pair).where(_is_open("population"))
    with serving.connect() as connection:
        plan = connection.execute(
            sa.text("EXPLAIN QUERY PLAN " + str(query.compile(serving, compile_kwargs={"literal_binds": True})))
        ).all()
    serving.dispose()
    (step,) = [row.detail for row in plan if row.detail.startswith(f"SEARCH {judgement.name} ")]
    assert "left_record=?" in step
