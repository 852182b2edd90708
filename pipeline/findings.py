"""Findings: what becomes of the rows of a batch, and what is to be said of them."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from catalog.batches import Acceptance, Batch
from contracts.model import Contract
from core.engine import Engine
from core.nouns import noun
from pipeline.changes import DELETED, Changes
from pipeline.delivery.comparing import HELD_BACK
from pipeline.delivery.drift import accepted_drift
from pipeline.delivery.notes import READ_WHOLE
from pipeline.home import Home
from pipeline.plan import Plan
from pipeline.quarantine.repairs import count_lapsed, count_repaired
from pipeline.standardize import STANDARDIZED, unread_dates
from pipeline.unknown_codes import unknown_codes
from pipeline.validate import IssueCount
from quality.run import CheckResult
from standards.model import Standards


@dataclass(frozen=True)
class Split:
    """What becomes of the standardized rows, and of the records that disappeared."""

    quarantined: int
    inserted: int
    updated: int
    deleted: int

    @property
    def accepted(self) -> int:
        """Rows that go into the dataset's state."""
        return self.inserted + self.updated


@dataclass(frozen=True)
class Examined:
    """A batch that was compared, standardized, validated and split: in the engine its rows, here what they are judged by."""

    engine: Engine
    home: Home
    batch: Batch
    contract: Contract
    standards: Standards
    plan: Plan
    changes: Changes
    split: Split


def split_rows(engine: Engine, plan: Plan) -> Split:
    """Views `accepted_rows` and `quarantined_rows` over the standardized table, and their counts."""
    stops = plan.stopping
    engine.run(f"CREATE VIEW quarantined_rows AS SELECT * FROM {STANDARDIZED} WHERE {stops}")
    engine.run(f"CREATE VIEW accepted_rows AS SELECT * FROM {STANDARDIZED} WHERE NOT ({stops})")
    inserted, updated = engine.row("SELECT count(*) FILTER (NOT _known), count(*) FILTER (_known) FROM accepted_rows")
    quarantined = engine.value("SELECT count(*) FROM quarantined_rows")
    deleted = engine.value(f"SELECT count(*) FROM {DELETED}")
    return Split(quarantined, inserted, updated, deleted)


def findings(examined: Examined, results: Sequence[CheckResult], issues: Sequence[IssueCount], seconds: Mapping[str, float]) -> Acceptance:
    """Everything that was found, as it is written into the catalog: the ledger's counts, issues, checks, fill rates and notes."""
    fills = _fills(examined.engine, examined.plan)
    found = [asdict(issue) for issue in issues]
    unknown = unknown_codes(examined.engine, examined.home, examined.batch, found, fills, examined.standards)
    drifted = accepted_drift(examined.home, examined.contract, examined.batch, unknown)
    notes = [*examined.batch.notes, *_notes(examined), *drifted]
    return Acceptance(_counts(examined.changes, examined.split), found, [_as_row(result) for result in results], fills, notes, seconds)


def issue_kinds(found: Acceptance) -> Container[tuple[str, str]]:
    """Element and name of every issue that occurs."""
    return {(issue["element"], issue["issue_type"]) for issue in found.issues}


def has_warnings(found: Acceptance) -> bool:
    """Whether values were refused in rows that pass."""
    return any(issue["severity"] == "warning" for issue in found.issues)


def _counts(changes: Changes, split: Split) -> dict[str, int]:
    return {
        "accepted": split.accepted,
        "unchanged": changes.unchanged,
        "repeated": changes.repeated,
        "quarantined": split.quarantined,
        "previous": changes.previous,
        "inserted": split.inserted,
        "updated": split.updated,
        "deleted": split.deleted,
        "records": changes.previous + split.inserted - split.deleted,
    }


def _notes(examined: Examined) -> list[dict[str, Any]]:
    notes = []
    if examined.changes.disappeared > examined.split.deleted:
        count = examined.changes.disappeared
        held = noun(count, "record is", "records are")
        message = f"{count} {held} missing, but more rows than before could not be read: the {held} kept"
        notes.append({"kind": HELD_BACK, "message": message})
    if examined.changes.unsettled:
        count = examined.changes.unsettled
        message = (
            f"{count} {noun(count, 'record')} whose key a repair gave to another row came or went in the source itself: "
            "all of it is read next time, to see what has become of that row"
        )
        notes.append({"kind": READ_WHOLE, "message": message})
    if repaired := count_repaired(examined.home, examined.engine, examined.batch):
        message = f"{repaired} {noun(repaired, 'row is', 'rows are')} as before the repair: what the department repaired stands"
        notes.append({"kind": "repaired", "message": message})
    if lapsed := count_lapsed(examined.home, examined.engine, examined.batch, "quarantined_rows"):
        message = f"{lapsed} {noun(lapsed, 'row')} in quarantine had a repair while the contract read other columns: have it made again"
        notes.append({"kind": "repairs-lapsed", "message": message})
    if (dates := unread_dates(examined.engine, examined.plan)).ahead:
        message = (
            f"{dates.ahead} {noun(dates.ahead, 'row gives', 'rows give')} a date of effect that is still to come: since when is not known"
        )
        notes.append({"kind": "future-date", "message": message})
    if dates.unread:
        message = f"{dates.unread} {noun(dates.unread, 'row gives', 'rows give')} a date of effect that cannot be read; declare its format at as_of"
        notes.append({"kind": "unread-date", "message": message})
    return notes


def _as_row(result: CheckResult) -> dict[str, Any]:
    check = result.check
    return {
        "check_id": check.id,
        "element": check.element,
        "kind": check.kind,
        "issue_type": check.issue_type,
        "dimension": check.dimension,
        "severity": check.severity,
        "evaluated": result.evaluated,
        "unexpected": result.unexpected,
    }


def _fills(engine: Engine, plan: Plan) -> list[dict[str, Any]]:
    """How many standardized rows have a value that can be published, by element."""
    usable = ", ".join(f"count({item.published})" for item in plan.elements)
    total, *filled = engine.row(f"SELECT count(*), {usable} FROM {STANDARDIZED}", doing="counting filled values")
    return [{"element": item.element.id, "evaluated": total, "filled": count} for item, count in zip(plan.elements, filled, strict=True)]
