"""What an old installation asks of its tables."""

from collections.abc import Iterable

import pytest
import sqlalchemy as sa

from core.errors import RequestError
from quality.texts import sentence
from registries.candidates import _is_open
from registries.identity import successor
from registries.tables import candidate_pair, identity_event, judgement, metadata
from registries.versions import ended_table, ensure_table, rows_table
from standards.loader import load_standards

SCHEMA = load_standards().schemas["population"]


def lived(lives: Iterable[tuple[str, int, int | None]], ways: Iterable[tuple[int, str, str]]) -> sa.Engine:
    """A serving database with entities (id, first publication, the one that ended it) and what became of them (publication, old id, new id)."""
    serving = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    metadata.create_all(serving)
    ensure_table(serving, SCHEMA)
    with serving.begin() as connection:
        rows = [{"id": name, "since": since, "ended": ended} for name, since, ended in lives]
        begun, over = f"INSERT INTO {rows_table(SCHEMA)} (_canonical_id, _publication_from)", f"INSERT INTO {ended_table(SCHEMA)}"
        connection.execute(sa.text(f"{begun} VALUES (:id, :since)"), rows)
        connection.execute(sa.text(f"{over} VALUES (:id, :since, :ended)"), [row for row in rows if row["ended"]])
        connection.execute(
            identity_event.insert(),
            [{"registry": "population", "number": number, "kind": "rekey", "old_id": old, "new_id": new} for number, old, new in ways],
        )
    return serving


def test_an_id_leads_to_its_successor_over_any_number_of_steps() -> None:
    """Two ways part and meet again half-way, and each step was a publication."""
    steps = 3_000
    lives = [(f"{place}", place, place + 1 if place < steps else None) for place in range(1, steps + 1)] + [("beside", 5, 6)]
    ways = [(place + 1, f"{place}", f"{place + 1}") for place in range(1, steps)] + [(5, "4", "beside"), (6, "beside", "6")]
    serving = lived(lives, ways)
    assert successor(serving, SCHEMA, "1", steps) == f"{steps}"
    serving.dispose()


def test_who_is_left_of_several_does_not_answer_for_one_that_is_gone() -> None:
    """One number was two people's; one of the two has died out of the registry, and may be the one that is meant."""
    serving = lived(
        [("both", 1, 2), ("she", 2, 4), ("he", 2, 3), ("again", 4, None)], [(2, "both", "she"), (2, "both", "he"), (4, "she", "again")]
    )
    for number, left in ((3, "she"), (4, "again")):
        with pytest.raises(RequestError) as raised:
            successor(serving, SCHEMA, "both", number)
        assert raised.value.message == f"both has been split into {', '.join(sorted([left, 'he']))}; deleted since: he"
        assert sentence(raised.value.message, "zh") == f"both 已拆分为 {', '.join(sorted([left, 'he']))}，其中此后已删除：he"
    assert successor(serving, SCHEMA, "she", 4) == "again"
    serving.dispose()


def test_who_was_deleted_under_a_later_id_was_deleted_by_the_publication_that_did_it() -> None:
    """An id that came back, and went for good."""
    serving = lived([("one", 1, 2), ("other", 2, 3), ("one", 3, 5)], [(2, "one", "other"), (3, "other", "one")])
    for name in ("one", "other"):
        assert successor(serving, SCHEMA, name, 4) == "one"
        with pytest.raises(RequestError, match="deleted from population by publication 5") as raised:
            successor(serving, SCHEMA, name, 5)
        assert raised.value.hint == "publication 4 still had it"
    serving.dispose()


def test_a_pair_is_held_against_judgements_on_it_and_no_others() -> None:
    """SQLite took the index on what a judgement withdraws: with 20,000 of both, a page took a minute."""
    serving = sa.create_engine("sqlite://")
    metadata.create_all(serving)
    ensure_table(serving, SCHEMA)
    query = sa.select(sa.func.count()).select_from(candidate_pair).where(_is_open("population"))
    with serving.connect() as connection:
        plan = connection.execute(
            sa.text("EXPLAIN QUERY PLAN " + str(query.compile(serving, compile_kwargs={"literal_binds": True})))
        ).all()
    serving.dispose()
    (step,) = [row.detail for row in plan if row.detail.startswith(f"SEARCH {judgement.name} ")]
    assert "left_record=?" in step
