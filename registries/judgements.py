"""Judgements: what people and models have decided about pairs of records, in the order in which it became known.

Nothing of it is ever rewritten. To take a judgement back is a fact of its own, under a number of its own; so the highest number that a
publication saw says exactly which judgements held for it. None of them changes source data: they only say which records are one entity.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, get_args
from uuid import UUID

import sqlalchemy as sa

from core.clock import now
from core.database import reading, writing
from core.errors import RequestError
from core.leases import Lease, writing_under
from registries.tables import judgement, judgement_number

if TYPE_CHECKING:
    import pyarrow as pa

Verdict = Literal["same", "different", "unsure"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
SAME, DIFFERENT, UNSURE = VERDICTS
WITHDRAWN = "withdrawn"
HUMAN = "human"
RENEWED = "renewed"  # taken back before a publication, because a record of the pair has changed
FACTS = ("number", "left_record", "right_record", "left_dataset", "right_dataset", "verdict", "score", "method", "withdraws")
IN_PLACE = "in place of judgement "
CHUNK = 5_000  # rows per writing transaction
FEW = 500  # ids that one query names


@dataclass(frozen=True, order=True)
class Side:
    """One record of a pair: its id, and the dataset that it belongs to."""

    record_id: str
    contract_id: str


@dataclass(frozen=True)
class Decision:
    """A verdict on a pair; `method` is `human`, or the version of the model that came to it with a `score`."""

    left: Side
    right: Side
    verdict: Verdict
    why: str
    score: float | None = None
    method: str = HUMAN


@dataclass(frozen=True)
class Withdrawal:
    """That a judgement was taken back: by the fact of that number, by whom, when and why; `method` is `human`, or `renewed`."""

    number: int
    actor: str
    at: datetime
    why: str
    method: str = HUMAN


@dataclass(frozen=True)
class Judgement:
    """One decision as it was written down. Of a pair, the smaller record id is on the left."""

    registry: str
    number: int
    left: Side
    right: Side
    verdict: Verdict
    score: float | None
    method: str
    actor: str
    at: datetime
    why: str
    withdrawn: Withdrawal | None = None

    @property
    def is_said_by_hub(self) -> bool:
        """Whether `why` is in the hub's words and not in a person's: also where a person's judgement was handed over."""
        return self.method != HUMAN or self.why.startswith(IN_PLACE)


class JudgedMeanwhile(RequestError):
    """Somebody else has judged the pair since it was looked at; `number` is that judgement's."""

    def __init__(self, registry: str, number: int) -> None:
        super().__init__(
            f"the pair has been judged meanwhile: judgement {number} of {registry}", hint=f"./hub judgements {registry} shows it"
        )
        self.number = number


def ordered(left: Side, right: Side) -> tuple[Side, Side]:
    """The pair as it is kept. Raises RequestError where it is none."""
    sides = tuple(replace(side, record_id=checked_record_id(side.record_id)) for side in sorted((left, right)))
    if sides[0].record_id == sides[1].record_id:
        raise RequestError("a record cannot be judged against itself", hint="name two records")
    return sides[0], sides[1]


def checked_record_id(text: str) -> str:
    """A record id as it is kept. Raises RequestError where it is none."""
    try:
        return str(UUID(text))
    except ValueError:
        raise RequestError("that is no record id", hint="a record id has 32 hexadecimal digits; ./hub why shows them") from None


def judge(serving: sa.Engine, registry: str, decisions: Sequence[Decision], actor: str, seen: int | None = None) -> int:
    """Write decisions down, in their order, and return the number of the last (0: there were none).

    Raises JudgedMeanwhile where a pair has been judged after `seen`, the newest number that whoever decides knew of.
    """
    last = 0
    for start in range(0, len(decisions), CHUNK):
        rows = [_row(item) for item in decisions[start : start + CHUNK]]
        with writing(serving) as connection:
            first = _next(connection, registry)
            if seen is not None:
                _refuse_judged(connection, registry, rows, seen)
            shared = {"registry": registry, "actor": actor, "at": now(), "withdraws": None}
            connection.execute(judgement.insert(), [row | shared | {"number": first + place} for place, row in enumerate(rows)])
            last = first + len(rows) - 1
    return last


def _refuse_judged(connection: sa.Connection, registry: str, rows: Sequence[dict[str, Any]], seen: int) -> None:
    """Asked in the transaction that writes: of two people in the same moment the second is told."""
    for row in rows:
        same = [judgement.c[name] == row[name] for name in ("left_record", "right_record")]
        later = _read(connection, sa.and_(judgement.c.registry == registry, judgement.c.number > seen, *same))
        standing = next((item.number for item in later if not item.withdrawn), None)
        if standing is not None:
            raise JudgedMeanwhile(registry, standing)


def _row(item: Decision) -> dict[str, Any]:
    left, right = ordered(item.left, item.right)
    return {
        "left_record": left.record_id,
        "left_dataset": left.contract_id,
        "right_record": right.record_id,
        "right_dataset": right.contract_id,
        "verdict": item.verdict,
        "score": item.score,
        "method": item.method,
        "why": item.why,
    }


def _next(connection: sa.Connection, registry: str) -> int:
    """The next number of a registry: whoever sees a number has seen all below it, so writers come one after the other. Those that a publication
    has set aside are its own.
    """
    _lock(connection)
    set_aside = connection.execute(sa.select(judgement_number.c.reserved).where(judgement_number.c.registry == registry)).scalar()
    return max(_newest(connection, registry), set_aside or 0) + 1


def _lock(connection: sa.Connection) -> None:
    """Let nobody else judge until the transaction ends."""
    if connection.dialect.name == "postgresql":  # on SQLite a writing transaction has the lock from its start
        connection.exec_driver_sql("LOCK TABLE judgement IN EXCLUSIVE MODE")


def withdraw(serving: sa.Engine, registry: str, number: int, actor: str, why: str) -> int:
    """Take a judgement back and return the number of that fact.

    Raises RequestError where there is no such judgement, or it has been withdrawn.
    """
    get_judgement(serving, registry, number)  # for one that there is not, nobody else is kept waiting
    with writing(serving) as connection:
        new = _next(connection, registry)
        taken = _one(connection, registry, number)
        if taken.withdrawn is not None:
            raise RequestError(f"judgement {number} of {registry} has been withdrawn by {taken.withdrawn.number}")
        row = _row(Decision(taken.left, taken.right, taken.verdict, why, None, HUMAN)) | {"verdict": WITHDRAWN}
        connection.execute(
            judgement.insert().values(registry=registry, number=new, actor=actor, at=now(), withdraws=number, **row),
        )
    return new


class JudgedSince(Exception):
    """Something was judged after a number that was the newest, or one of the judgements that were to be taken back has been."""


@dataclass(frozen=True)
class Fact:
    """A decision that is not written yet, or, where it `withdraws` a judgement, the reason for that; by whom, and its number once it has one."""

    decision: Decision
    actor: str
    withdraws: int | None = None
    number: int = 0


def reserve(serving: sa.Engine, registry: str, found: Sequence[Fact], upto: int, lease: Lease) -> tuple[Fact, ...]:
    """Give facts the next numbers, which nobody else is given from now on. Raises JudgedSince where `upto` is not the newest any more."""
    with writing_under(serving, lease) as connection:
        first = _next(connection, registry)
        if _newest(connection, registry) != upto:
            raise JudgedSince
        numbered = tuple(replace(item, number=first + place) for place, item in enumerate(found))
        mine, last = judgement_number.c.registry == registry, first + len(found) - 1
        if connection.execute(judgement_number.update().where(mine).values(reserved=last)).rowcount == 0:
            connection.execute(judgement_number.insert().values(registry=registry, reserved=last))
    return numbered


def write_facts(connection: sa.Connection, registry: str, numbered: Sequence[Fact]) -> None:
    """Write facts down under the numbers that they have. Raises JudgedSince where somebody has taken one of these judgements back meanwhile."""
    shared = {"registry": registry, "at": now()}
    if numbered:
        _lock(connection)
    for start in range(0, len(numbered), FEW):
        some = numbered[start : start + FEW]
        taken = judgement.c.withdraws.in_([item.withdraws for item in some if item.withdraws is not None])
        if connection.execute(sa.select(judgement.c.number).where(judgement.c.registry == registry, taken).limit(1)).first():
            raise JudgedSince
        connection.execute(judgement.insert(), [_fact_row(item) | shared for item in some])


def _fact_row(item: Fact) -> dict[str, Any]:
    row = _row(item.decision) | {"withdraws": item.withdraws, "number": item.number, "actor": item.actor}
    return row if item.withdraws is None else row | {"verdict": WITHDRAWN}


def _one(connection: sa.Connection, registry: str, number: int) -> Judgement:
    found = _read(connection, (judgement.c.registry == registry) & (judgement.c.number == number))
    if not found:
        raise RequestError(f"{registry} has no judgement {number}", hint=f"./hub judgements {registry} lists them")
    return found[0]


def get_judgement(serving: sa.Engine, registry: str, number: int) -> Judgement:
    """One judgement. Raises RequestError where there is none of that number, or the fact of that number took one back."""
    with reading(serving) as connection:
        return _one(connection, registry, number)


def judgements(serving: sa.Engine, registry: str, limit: int = 100, offset: int = 0) -> list[Judgement]:
    """Judgements of a registry, the newest first."""
    with reading(serving) as connection:
        return _read(connection, judgement.c.registry == registry, limit=limit, offset=offset)


def judgements_on(serving: sa.Engine, registry: str, record_ids: Sequence[str], upto: int | None = None) -> list[Judgement]:
    """All judgements on any of some records, the newest first; with `upto` as they stood when that number was the newest."""
    found: dict[int, Judgement] = {}
    with reading(serving) as connection:
        for start in range(0, len(record_ids), FEW):
            some = record_ids[start : start + FEW]
            touching = judgement.c.left_record.in_(some) | judgement.c.right_record.in_(some)
            for item in _read(connection, (judgement.c.registry == registry) & touching, upto=upto):
                found[item.number] = item
    return sorted(found.values(), key=lambda item: -item.number)


def _read(
    connection: sa.Connection, which: sa.ColumnElement[bool], *, upto: int | None = None, limit: int | None = None, offset: int = 0
) -> list[Judgement]:
    taken = judgement.alias("taken")
    back = (taken.c.registry == judgement.c.registry) & (taken.c.withdraws == judgement.c.number)
    which &= judgement.c.withdraws.is_(None)
    if upto is not None:
        back, which = back & (taken.c.number <= upto), which & (judgement.c.number <= upto)
    columns = [taken.c[name].label(f"taken_{name}") for name in ("number", "actor", "at", "why", "method")]
    query = sa.select(judgement, *columns).select_from(judgement.outerjoin(taken, back)).where(which)
    query = query.order_by(judgement.c.number.desc()).limit(limit).offset(offset)
    return [_judgement(row) for row in connection.execute(query)]


def _judgement(row: sa.Row[Any]) -> Judgement:
    taken = (row.taken_number, row.taken_actor, row.taken_at, row.taken_why, row.taken_method)
    gone = None if row.taken_number is None else Withdrawal(*taken)
    left, right = Side(row.left_record, row.left_dataset), Side(row.right_record, row.right_dataset)
    told = (row.registry, row.number, left, right, row.verdict, row.score, row.method, row.actor, row.at, row.why)
    return Judgement(*told, gone)


def newest(serving: sa.Engine, registry: str) -> int:
    """The number of the newest fact; 0 where nothing has been judged."""
    with reading(serving) as connection:
        return _newest(connection, registry)


def _newest(connection: sa.Connection, registry: str) -> int:
    return connection.execute(sa.select(sa.func.max(judgement.c.number)).where(judgement.c.registry == registry)).scalar() or 0


def facts(serving: sa.Engine, registry: str, upto: int, then: Sequence[Fact] = (), more: Sequence[str] = ()) -> "pa.Table":
    """Everything that was known when `upto` was the newest number, withdrawals included, as a table of Arrow: the columns of FACTS, and `more`
    where nothing is to come. Behind it those that are to be written `then`, under numbers that they have.
    """
    import pyarrow as pa

    from core.engine import literal
    from registries.serving import bulk_cursor

    names = ", ".join((*FACTS, *more))
    with bulk_cursor(serving) as cursor:
        cursor.execute(f"SELECT {names} FROM judgement WHERE registry = {literal(registry)} AND number <= {upto} ORDER BY number")
        known = cursor.fetch_arrow_table()
    if not then:
        return known
    rows = [_fact_row(item) for item in then]
    columns = [pa.array([row[name] for row in rows]).cast(known.schema.field(name).type) for name in FACTS]
    return pa.concat_tables([known, pa.Table.from_arrays(columns, schema=known.schema)])
