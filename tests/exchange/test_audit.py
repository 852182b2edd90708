"""The audit log: entries in their order, by subject, on every database; what cannot be written is an error."""

import pytest
import sqlalchemy as sa

from core.database import open_database
from core.errors import StoreError
from exchange.audit import entries, record
from tests.factories import Hub


def test_entries_come_newest_first_and_by_subject(any_hub: Hub) -> None:
    audit = any_hub.home.audit
    for number in range(3):
        record(audit, actor="a", action="show", subject=f"population/{number % 2}", purpose=f"p{number}")
    assert [entry["purpose"] for entry in entries(audit)] == ["p2", "p1", "p0"]
    assert [entry["purpose"] for entry in entries(audit, subject="population/0")] == ["p2", "p0"]
    assert len(entries(audit, limit=1)) == 1
    assert {entry["action"] for entry in entries(audit)} == {"show"}


def test_what_cannot_be_written_down_is_an_error() -> None:
    with pytest.raises(StoreError):
        record(open_database("sqlite:////nowhere/audit.db"), actor="a", action="show", subject="s", purpose="p")


def test_the_log_holds_no_column_for_a_persons_data(hub: Hub) -> None:
    with hub.home.audit.connect() as connection:
        names = {column["name"] for column in sa.inspect(connection).get_columns("audit_entry")}
    assert {"id", "at", "actor", "action", "subject", "purpose"} <= names
