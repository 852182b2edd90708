"""Candidate pairs: records that may be one entity, and about which a person has to decide.

A pair is open until a judgement on it stands; withdrawing that opens it again. Where judgements contradict each other, only a person's settles it,
given after that was found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.clock import now
from core.database import reading, writing
from registries.judgements import HUMAN, Side, ordered
from registries.tables import candidate_pair, judgement, publication

CONTRADICTION = "contradiction"  # method of a pair that was judged the same, against what else is judged
CHUNK = 1_000  # pairs per writing transaction
Levels = Mapping[str, tuple[int | None, float]]  # comparison → place among its levels (0 the strongest; null: one side is missing), bits


@dataclass(frozen=True)
class Candidate:
    """One pair. `method` says what found it: a model and its version, with score and levels in bits, or a rule without."""

    left: Side
    right: Side
    method: str
    score: float = 0.0
    levels: Levels | None = None
    found_at: datetime | None = None


def offer(serving: sa.Engine, registry: str, found: Sequence[Candidate]) -> None:
    """Put pairs before a person; what was found about a pair earlier is replaced."""
    for start in range(0, len(found), CHUNK):
        rows = [_row(registry, item) for item in found[start : start + CHUNK]]
        with writing(serving) as connection:
            connection.execute(candidate_pair.delete().where(_mine()), [{f"old_{name}": row[name] for name in _KEY} for row in rows])
            connection.execute(candidate_pair.insert(), rows)


_KEY = ("registry", "left_record", "right_record")


def _mine() -> sa.ColumnElement[bool]:
    return sa.and_(*(candidate_pair.c[name] == sa.bindparam(f"old_{name}") for name in _KEY))


def _row(registry: str, item: Candidate) -> dict[str, Any]:
    left, right = ordered(item.left, item.right)
    sides = {
        "left_record": left.record_id,
        "left_dataset": left.contract_id,
        "right_record": right.record_id,
        "right_dataset": right.contract_id,
    }
    levels = {name: list(level) for name, level in (item.levels or {}).items()}
    return {"registry": registry, **sides, "method": item.method, "score": item.score, "levels": levels, "found_at": now()}


def drop(serving: sa.Engine, registry: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Forget pairs, by their record ids: of records that are gone, or that nothing says any more may be one."""
    if pairs:
        with writing(serving) as connection:
            rows = [dict(zip((f"old_{name}" for name in _KEY), (registry, *sorted(pair)), strict=True)) for pair in pairs]
            connection.execute(candidate_pair.delete().where(_mine()), rows)


def open_pairs(serving: sa.Engine, registry: str, limit: int = 100) -> list[Candidate]:
    """Pairs that wait for a decision: the surest first, since they settle most."""
    order = (candidate_pair.c.score.desc(), candidate_pair.c.left_record, candidate_pair.c.right_record)
    query = sa.select(candidate_pair).where(_is_open(registry)).order_by(*order).limit(limit)
    with reading(serving) as connection:
        return [_candidate(row) for row in connection.execute(query)]


def found_by(serving: sa.Engine, registry: str, method: str) -> list[Candidate]:
    """Every pair that a method has found, open or not."""
    return _found(serving, registry, candidate_pair.c.method == method)


def found_by_versions(serving: sa.Engine, registry: str, rule_id: str) -> list[Candidate]:
    """Every pair that any version of a rule has found, open or not."""
    return _found(serving, registry, candidate_pair.c.method.startswith(f"{rule_id}/", autoescape=True))


def _found(serving: sa.Engine, registry: str, which: sa.ColumnElement[bool]) -> list[Candidate]:
    query = sa.select(candidate_pair).where(candidate_pair.c.registry == registry, which)
    with reading(serving) as connection:
        return [_candidate(row) for row in connection.execute(query)]


def get_pair(serving: sa.Engine, registry: str, left: str, right: str) -> Candidate | None:
    """One pair by its record ids, open or not."""
    query = sa.select(candidate_pair).where(
        candidate_pair.c.registry == registry, candidate_pair.c.left_record == left, candidate_pair.c.right_record == right
    )
    with reading(serving) as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else _candidate(row)


def count_open(serving: sa.Engine, registry: str) -> int:
    """How many pairs wait."""
    with reading(serving) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(candidate_pair).where(_is_open(registry))).scalar_one()


def _is_open(registry: str) -> sa.ColumnElement[bool]:
    taken = judgement.alias("taken")
    back = sa.select(1).where(taken.c.registry == judgement.c.registry, taken.c.withdraws == judgement.c.number).correlate(judgement)
    seen = sa.select(sa.func.coalesce(sa.func.max(publication.c.judgements), 0)).where(publication.c.registry == registry)
    standing = sa.select(1).where(
        *(judgement.c[name] == candidate_pair.c[name] for name in _KEY),
        # Written so that SQLite does not take the index on it, by which each pair would be held against every judgement.
        sa.func.coalesce(judgement.c.withdraws, 0) == 0,
        ~back.exists(),
        sa.or_(
            candidate_pair.c.method != CONTRADICTION,
            # What a publication has seen a person say is what it found to contradict.
            sa.and_(judgement.c.method == HUMAN, judgement.c.number > seen.scalar_subquery()),
        ),
    )
    return sa.and_(candidate_pair.c.registry == registry, ~standing.correlate(candidate_pair).exists())


def _candidate(row: sa.Row[Any]) -> Candidate:
    left, right = Side(row.left_record, row.left_dataset), Side(row.right_record, row.right_dataset)
    levels = {name: (place, bits) for name, (place, bits) in row.levels.items()}
    return Candidate(left, right, row.method, row.score, levels, row.found_at)
