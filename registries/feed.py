"""The change feed of a base registry: every change of every publication under a number of its own, without a gap.

No event is stored. The history holds each version with the publications that opened and closed it, and each publication's row says how
many entities it inserted, updated and deleted; so a number belongs to one publication and one place in it. Within a publication the
merges, splits and re-keys come first, by old and new id, then the deleted, then the inserted and updated, each by canonical id: who refers
to an entity learns its successor before it goes, and an identifier is free before somebody else takes it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa

from core.database import reading
from core.errors import RequestError
from registries.definition import RegistryDefinition
from registries.further_values import COLUMN, as_document
from registries.publications import not_published
from registries.tables import current_publication, identity_event, publication
from registries.versions import ended_table, history_view, rows_table, told_columns
from standards.model import Schema

Kind = Literal["merge", "split", "rekey", "insert", "update", "delete"]
LONGEST_PAGE = 10_000  # events


class FeedGone(RequestError):
    """A reader asks for changes that are no longer kept, or have never been: it has to start anew."""


@dataclass(frozen=True)
class Event:
    """One change. `values`: all elements that have one (insert), those that changed, null where emptied (update), none (delete).

    Beside the elements stands `_several`, the list of further values, in the same way.

    An update without values says that the same values come from another source now. A merge, split or re-key names the `successor` of
    `canonical_id` (a split has an event for each); what it does to rows follows as events of its own.
    """

    seq: int
    publication: int
    event: Kind
    canonical_id: str
    valid_from: str | None = None
    valid_to: str | None = None
    values: Mapping[str, Any] | None = None
    successor: str | None = None


@dataclass(frozen=True)
class Changes:
    """A page of the feed: whoever has read it goes on after number `last`; `newest` is the last number there is."""

    registry: str
    last: int
    newest: int
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Row:
    """One entity of a state."""

    canonical_id: str
    valid_from: str | None
    valid_to: str | None
    values: Mapping[str, Any]


@dataclass(frozen=True)
class State:
    """A page of the table as of one publication, by canonical id; `after_id` leads to the next page and is null at the end.

    Whoever has read all of them follows the feed after number `resume_after`.
    """

    registry: str
    publication: int
    resume_after: int
    after_id: str | None
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class _Span:
    """The numbers of one publication: those of its `identities` after `before`, then of its `deleted`, then of its `opened`."""

    number: int
    before: int
    identities: int
    deleted: int
    opened: int

    @property
    def last(self) -> int:
        return self.before + self.identities + self.deleted + self.opened


def read_changes(serving: sa.Engine, definition: RegistryDefinition, schema: Schema, after: int, limit: int) -> Changes:
    """The changes after a number, at most `limit` of them.

    Raises FeedGone where the number is older than what is kept, or later than anything that happened.
    """
    with reading(serving) as connection:
        spans = _spans(connection, schema.id)
        newest = spans[-1].last if spans else 0
        _refuse_gone(definition, spans, after, newest)
        told = told_columns(connection, schema)
        events: list[Event] = []
        for span in spans:
            if span.last > after + len(events) and len(events) < limit:
                events += _events(connection, schema, told, span, after + len(events) - span.before, limit - len(events))
    return Changes(schema.id, after + len(events), newest, tuple(events))


def read_state(serving: sa.Engine, schema: Schema, number: int | None, after_id: str, limit: int) -> State:
    """The rows of a publication, by default the current one, after a canonical id that it has.

    Raises RequestError where there is no such publication, or no such id in it.
    """
    with reading(serving) as connection:
        spans = _spans(connection, schema.id)
        if not spans:
            raise not_published(schema.id)
        wanted = spans[-1].number if number is None else number
        span = next((item for item in spans if item.number == wanted), None)
        if span is None:
            raise RequestError(f"{schema.id} has no publication {wanted}", hint=f"the newest is {spans[-1].number}")
        current = f"FROM {history_view(schema)} WHERE _publication_from <= :n AND (_publication_to IS NULL OR _publication_to > :n) "
        place = {"n": span.number, "after": after_id}
        # Any text stands before or behind the ids: behind all of them, it would look like the end of the table.
        if after_id and connection.execute(sa.text(f"SELECT 1 {current} AND _canonical_id = :after LIMIT 1"), place).first() is None:
            raise RequestError(
                f"publication {span.number} of {schema.id} has no row of that id to go on from",
                hint="name the publication and the after_id of the page before, or neither, to begin again",
            )
        found = connection.execute(
            sa.text(f"SELECT * {current} AND _canonical_id > :after ORDER BY _canonical_id LIMIT :limit"),
            place | {"limit": limit},
        )
        told = told_columns(connection, schema)
        rows = tuple(Row(row["_canonical_id"], *_validity(row), _filled(told, row)) for row in map(_named, found))
    return State(schema.id, span.number, span.last, rows[-1].canonical_id if len(rows) == limit else None, rows)


def last_change(serving: sa.Engine, registry: str, number: int) -> int:
    """The number of the last change of a publication: whoever has its table goes on after it."""
    with reading(serving) as connection:
        return next(span.last for span in _spans(connection, registry) if span.number == number)


def _spans(connection: sa.Connection, registry: str) -> list[_Span]:
    """The numbers of all publications up to the current one, in order."""
    query = (
        sa.select(
            publication.c.number,
            publication.c.identity_events,
            publication.c.deleted,
            (publication.c.inserted + publication.c.updated).label("opened"),
        )
        .join(current_publication, current_publication.c.registry == publication.c.registry)
        .where(publication.c.registry == registry, publication.c.number <= current_publication.c.number)
        .order_by(publication.c.number)
    )
    spans, before = [], 0
    for row in connection.execute(query):
        spans.append(_Span(row.number, before, row.identity_events, row.deleted, row.opened))
        before = spans[-1].last
    return spans


def _refuse_gone(definition: RegistryDefinition, spans: Sequence[_Span], after: int, newest: int) -> None:
    anew = (
        f"start anew: ./hub export {definition.id}, or ./hub changes {definition.id} --anew (in the API: state), gives the whole table "
        "and the number to go on from"
    )
    if after > newest:
        raise FeedGone(f"{definition.id} has no change {after} yet; the newest is {newest}", hint=anew)
    kept = spans[-definition.feed.publications :] if definition.feed else spans
    if kept and after < kept[0].before:
        raise FeedGone(f"the changes of {definition.id} are kept from number {kept[0].before + 1} on", hint=anew)


def _events(connection: sa.Connection, schema: Schema, told: Sequence[str], span: _Span, skip: int, limit: int) -> Iterator[Event]:
    """Events of one publication after its first `skip`."""
    seq = span.before + skip
    identities = _identities(connection, schema.id, span.number, skip, min(limit, span.identities - skip)) if skip < span.identities else []
    for kind, old, new in identities:
        seq += 1
        yield Event(seq, span.number, kind, old, successor=new)
    skip, limit = max(skip - span.identities, 0), limit - len(identities)
    deleted = _deleted(connection, schema, span.number, skip, min(limit, span.deleted - skip)) if skip < span.deleted else []
    for canonical_id in deleted:
        seq += 1
        yield Event(seq, span.number, "delete", canonical_id)
    for row in _opened(connection, schema, told, span.number, max(skip - span.deleted, 0), limit - len(deleted)):
        seq += 1
        yield row_event(told, span.number, seq, row)


def _identities(connection: sa.Connection, registry: str, number: int, skip: int, limit: int) -> list[tuple[Kind, str, str]]:
    query = (
        sa.select(identity_event.c.kind, identity_event.c.old_id, identity_event.c.new_id)
        .where(identity_event.c.registry == registry, identity_event.c.number == number)
        .order_by(identity_event.c.old_id, identity_event.c.new_id)
        .limit(limit)
        .offset(skip)
    )
    return [(row.kind, row.old_id, row.new_id) for row in connection.execute(query)]


def _deleted(connection: sa.Connection, schema: Schema, number: int, skip: int, limit: int) -> list[str]:
    query = (
        f"SELECT _canonical_id FROM {ended_table(schema)} e WHERE _publication_to = :n AND NOT EXISTS (SELECT 1 FROM {rows_table(schema)} n "
        "WHERE n._canonical_id = e._canonical_id AND n._publication_from = :n) ORDER BY _canonical_id LIMIT :limit OFFSET :skip"
    )
    return list(connection.execute(sa.text(query), {"n": number, "limit": limit, "skip": skip}).scalars())


def _opened(connection: sa.Connection, schema: Schema, told: Sequence[str], number: int, skip: int, limit: int) -> list[Mapping[str, Any]]:
    """New versions, with the one that each replaced under the prefix `old_`."""
    table = rows_table(schema)
    columns = ("_valid_from", "_valid_to", *told)
    names = ", ".join(f"h.{name}, o.{name} AS old_{name}" for name in columns)
    # Said again because that is what the index covers: nothing has to be kept in order for the first publication, which is all rows.
    indexed = "AND _publication_from > 1" if number > 1 else ""
    page = f"SELECT _canonical_id FROM {table} WHERE _publication_from = :n {indexed} ORDER BY _canonical_id LIMIT :limit OFFSET :skip"
    query = (
        f"SELECT h._canonical_id, o._canonical_id AS old_id, {names} FROM ({page}) p "
        f"JOIN {table} h ON h._canonical_id = p._canonical_id AND h._publication_from = :n "
        f"LEFT JOIN {ended_table(schema)} e ON e._canonical_id = p._canonical_id AND e._publication_to = :n "
        f"LEFT JOIN {table} o ON o._canonical_id = e._canonical_id AND o._publication_from = e._publication_from ORDER BY h._canonical_id"
    )
    return [_named(row) for row in connection.execute(sa.text(query), {"n": number, "limit": limit, "skip": skip})]


def _named(row: sa.Row[Any]) -> dict[str, Any]:
    return dict(row._mapping)


def row_event(told: Sequence[str], number: int, seq: int, row: Mapping[str, Any]) -> Event:
    """The event of a new version; `told` are its columns (`told_columns`)."""
    if row["old_id"] is None:
        return Event(seq, number, "insert", row["_canonical_id"], *_validity(row), _filled(told, row))
    changed = {name: _program(name, row[name]) for name in told if row[name] != row[f"old_{name}"]}
    return Event(seq, number, "update", row["_canonical_id"], *_validity(row), changed)


def _validity(row: Mapping[str, Any]) -> tuple[str | None, str | None]:
    return plain(row["_valid_from"]), plain(row["_valid_to"])


def _filled(told: Sequence[str], row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _program(name, row[name]) for name in told if row[name] is not None}


def _program(name: str, value: Any) -> Any:
    return as_document(value) if name == COLUMN else plain(value)


def plain(value: Any) -> Any:
    """A value as a program reads it on every database: dates as ISO texts, decimals in digits."""
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else value
