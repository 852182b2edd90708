"""The audit log: entries in their order, by subject, on every database; what cannot be written is an error."""

import pytest
import sqlalchemy as sa

from core.database import open_database
from core.errors import RequestError, StoreError
from exchange.audit import Selection, actors, count, entity_subject, entries, kind_of, record
from exchange.readers import readers_of
from tests.factories import Hub

SOMEBODY = "0b0e7e6c-3c39-5f0c-9d2b-6d7f5f6a7c11"


def test_entries_come_newest_first_and_by_subject(any_hub: Hub) -> None:
    audit = any_hub.home.audit
    for number in range(3):
        record(audit, actor="a", action="show", subject=f"population/{number % 2}", purpose=f"p{number}")
    assert [entry["purpose"] for entry in entries(audit)] == ["p2", "p1", "p0"]
    assert [entry["purpose"] for entry in entries(audit, Selection("population/0"))] == ["p2", "p0"]
    assert len(entries(audit, limit=1)) == 1
    assert {entry["action"] for entry in entries(audit)} == {"show"}


def test_entries_are_chosen_ordered_and_paged(any_hub: Hub) -> None:
    audit = any_hub.home.audit
    for number, action in enumerate(("show", "why", "show", "view-quarantine")):
        record(audit, actor="ab"[number % 2], action=action, subject="population", purpose=f"p{9 - number}")
    assert [entry["purpose"] for entry in entries(audit, Selection(action="show"))] == ["p7", "p9"]
    assert count(audit, Selection(actor="b")) == 2
    assert actors(audit) == ["a", "b"]
    found = entries(audit, order="purpose", descending=False, limit=2, offset=1)
    assert [entry["purpose"] for entry in found] == ["p7", "p8"]


def test_only_what_the_log_knows_is_written(any_hub: Hub) -> None:
    with pytest.raises(ValueError, match="no action"):
        record(any_hub.home.audit, actor="a", action="peeked", subject="population", purpose="a check")


def test_one_question_finds_every_entry_about_an_entity(any_hub: Hub) -> None:
    """Early entries of the portal have the canonical id alone."""
    audit, subject = any_hub.home.audit, entity_subject("population", SOMEBODY)
    for name in (subject, SOMEBODY, entity_subject("legal_entity", SOMEBODY), entity_subject("population", "x")):
        record(audit, actor="a", action="show", subject=name, purpose="a check")
    assert [entry["subject"] for entry in entries(audit, Selection(subject))] == [SOMEBODY, subject]
    assert len(entries(audit, Selection(SOMEBODY))) == 3
    for action in ("judge", "review", "review-masked"):
        record(audit, actor="judge", action=action, subject=subject, purpose="a check")
    assert [(reader.actor, reader.reads) for reader in readers_of(audit, "population")] == [("a", 2)]


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        (entity_subject("population", SOMEBODY), "entity"),
        (SOMEBODY, "entity"),
        ("tax__payer@12", "batch"),
        ("tax__payer", "dataset"),
        ("legal_entity", "registry"),
    ],
)
def test_a_subject_says_what_it_is(subject: str, kind: str) -> None:
    assert kind_of(subject) == kind


def test_what_cannot_be_written_down_is_an_error() -> None:
    with pytest.raises(StoreError):
        record(open_database("sqlite:////nowhere/audit.db"), actor="a", action="show", subject="s", purpose="a check")


def test_the_log_holds_no_column_for_a_persons_data(hub: Hub) -> None:
    with hub.home.audit.connect() as connection:
        names = {column["name"] for column in sa.inspect(connection).get_columns("audit_entry")}
    assert {"id", "at", "actor", "action", "subject", "purpose"} <= names


@pytest.mark.parametrize("purpose", ["", "x", "\u200b\u200b", "\u3000 \u00ad", "\x00\x00", "case\n7", "case \u202e7"])
def test_a_purpose_that_nobody_can_read_is_none(any_hub: Hub, purpose: str) -> None:
    with pytest.raises(RequestError, match="words that can be read"):
        record(any_hub.home.audit, actor="a", action="show", subject="population/1", purpose=purpose)
    assert entries(any_hub.home.audit) == []
