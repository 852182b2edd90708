"""Quarantine: the rows of a dataset that may not be published, as pointers into landing with the rules they broke; and beside them the
published rows that carry warnings. Of one batch (dataset@number): the rows that it set aside, or would have, had no gate stopped it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path

from catalog.batches import batch_at, contract_of, get_batch, latest_accepted, waiting_of
from catalog.datasets import contract_at, contract_in_force
from contracts.model import Contract
from core.engine import Engine, quote
from core.errors import RequestError
from core.files import check_new_file
from pipeline.home import Home
from pipeline.landing import read_manifest
from pipeline.quarantine.repair_file import ENDINGS, WHOLE_ROW, Rejected, write_rejected
from pipeline.quarantine.repairs import delivered_rows
from pipeline.quarantine.row_issues import IssueRows, Wanted, concerned, read_rows, warning_pointers
from pipeline.quarantine.waiting import pointers_of, waiting_pointers
from quality.texts import REPORT_TEXTS
from standards.loader import load_standards
from standards.model import IssueType
from standards.texts import STANDARD_TEXTS, load_texts

# Another key is another record: whoever mends a wrong one has to know that.
KEY_NOTE = (
    " 此列是记录主键：更正后即为另一记录，不得与已有记录相同。"
    " The column is the record's key: corrected, the row is another record, and none that exists already."
)
_ROWS_AT_ONCE = 8192  # of those handed out


@dataclass(frozen=True)
class RuleCount:
    """How many rows broke one rule; a row may break several."""

    element: str
    issue_type: str
    rows: int
    message_zh: str
    message_en: str
    fixer: str
    since: datetime | None  # UTC; since when the row waits that has waited longest


@dataclass(frozen=True)
class Exported:
    """How many rows were written, and into which files."""

    rows: int
    files: tuple[Path, ...]


def rule_counts(home: Home, subject: str, *, warnings: bool = False) -> list[RuleCount]:
    """Rows by rule, most frequent first: those in quarantine, those of one batch, or the published ones that carry warnings."""
    types, contract_id = load_standards().issue_types, contract_of(subject)
    since = {f"{row['element']}:{row['issue_type']}": row["since"] for row in waiting_of(home.catalog, contract_id)}
    counts = listed_rows(home, subject, 0, warnings=warnings).rules
    return [_rule_count(rule, count, types, None if warnings or "@" in subject else since.get(rule)) for rule, count in counts]


def listed_rows(home: Home, subject: str, limit: int, *, warnings: bool = False) -> IssueRows:
    """The first rows that wait in quarantine, of one batch, or in force with warnings; values masked. Raises RequestError for an unknown one."""
    contract_in_force(home.catalog, contract_of(subject))
    return read_rows(home, contract_of(subject), _pointers(home, subject, warnings=warnings), Wanted(limit=limit))


def _rule_count(rule: str, count: int, types: dict[str, IssueType], since: datetime | None) -> RuleCount:
    element, issue = rule.split(":")
    kind = types[issue]
    return RuleCount(element, issue, count, kind.message.zh, kind.message.en, kind.fixer, since)


def export_rows(home: Home, subject: str, path: Path, *, warnings: bool = False) -> Exported:
    """Write the rows that wait in quarantine (or those of one batch, or in force with warnings) as received, beside each wrong cell the reasons
    in words, to a new file readable by its owner only: a workbook (.xlsx) or CSV (.csv), the latter in parts where it would be too large to
    come back.

    Raises RequestError where the file exists already, cannot be made or is to be of another kind.
    """
    check_new_file(path, ENDINGS)
    contract_in_force(home.catalog, contract_of(subject))
    with Engine(home.settings) as engine:
        parts = _kept_parts(home, engine, subject, warnings=warnings)
        columns = list(dict.fromkeys(name for part in parts for name in part.columns))
        noted = {name for part in parts for name in part.noted(engine)}
        rows = (row for part in parts for row in part.rejected(engine))
        count = sum(part.count(engine) for part in parts)
        return Exported(count, tuple(write_rejected(path, columns, noted, rows, count)))


def check_export(home: Home, subject: str, path: Path, *, warnings: bool = False) -> None:
    """Raise RequestError as `export_rows` does, for whoever writes an export down before it is made."""
    check_new_file(path, ENDINGS)
    with Engine(home.settings) as engine:
        _kept_parts(home, engine, subject, warnings=warnings)


@dataclass(frozen=True)
class _Part:
    """The rows to hand out that one batch examined: `rows` is SQL for its columns, `_position`, `_record_id` and `rules`."""

    batch_id: str
    contract: Contract
    columns: tuple[str, ...]
    rows: str

    def count(self, engine: Engine) -> int:
        number: int = engine.value(f"SELECT count(*) FROM {self.rows}", doing="counting rows with issues")
        return number

    def noted(self, engine: Engine) -> set[str]:
        """The columns (or `整行`) beside which something will stand."""
        broken = engine.rows(f"SELECT DISTINCT rules FROM {self.rows}", doing="reading rows with issues")
        return {name for (rules,) in broken for name in _notes(self.contract, rules)}

    def rejected(self, engine: Engine) -> Iterator[Rejected]:
        """The rows as they are handed out."""
        notes = cache(partial(_notes, self.contract))  # few rules are broken by many rows
        names = ", ".join(map(quote, self.columns))
        query = f"SELECT _position, _record_id::varchar, rules{', ' if names else ''}{names} FROM {self.rows} ORDER BY _position"
        for batch in engine.batches(query, _ROWS_AT_ONCE, doing="reading rows with issues"):
            for position, record, rules, *values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                place = (self.batch_id, str(position), record)
                yield Rejected(place, dict(zip(self.columns, values, strict=True)), notes(rules))


def _kept_parts(home: Home, engine: Engine, subject: str, *, warnings: bool) -> list[_Part]:
    parts = list(_parts(home, engine, subject, warnings=warnings))
    if parts and not any(part.columns for part in parts):
        raise RequestError(
            f"the rows of {subject} are no longer kept: their places and rules are all that is left",
            hint="sync the dataset, and use the rows that are rejected then",
        )
    return parts


def _parts(home: Home, engine: Engine, subject: str, *, warnings: bool) -> Iterator[_Part]:
    """The rows lie in the landing of the batch that examined each; of one that is purged, place and rules are left."""
    contract_id = contract_of(subject)
    pointers = _pointers(home, subject, warnings=warnings)
    for (seq,) in engine.rows(f"SELECT DISTINCT _batch_seq FROM {pointers} ORDER BY 1") if pointers else []:
        batch = batch_at(home.catalog, contract_id, seq)
        contract, manifest = contract_at(home.catalog, contract_id, batch.contract_version), read_manifest(home.settings, batch)
        columns = tuple(manifest["columns"]) if manifest else ()
        landed = f"LEFT JOIN {delivered_rows(home, batch)} l USING (_position)" if manifest else ""
        raw = "".join(f", l.{quote(name)}" for name in columns)
        rows = f"(SELECT q._position, q._record_id, q.rules{raw} FROM {pointers} q {landed} WHERE q._batch_seq = {seq})"
        yield _Part(batch.batch_id, contract, columns, rows)


def _pointers(home: Home, subject: str, *, warnings: bool) -> str | None:
    one = get_batch(home.catalog, subject) if "@" in subject else None
    if not warnings:
        return pointers_of(home, one) if one else waiting_pointers(home, subject)
    batch = one or latest_accepted(home.catalog, subject)
    return warning_pointers(home, batch, in_force=one is None) if batch else None


def _notes(contract: Contract, rules: str) -> dict[str, str]:
    """Every rule that a row breaks, in words, beside each column concerned."""
    notes: dict[str, list[str]] = {}
    for rule in dict.fromkeys(filter(None, rules.split(";"))):
        element, _, issue = rule.partition(":")
        for column in [column for column, _ in concerned(contract, element, issue, load_standards())] or [WHOLE_ROW]:
            is_key = column in contract.record_key
            notes.setdefault(column, []).append(_words(element, issue) + (KEY_NOTE if is_key else ""))
    return {column: "\n".join(words) for column, words in notes.items()}


def _words(element: str, issue: str) -> str:
    """What is wrong and who can fix it, Chinese first."""
    standards, texts = load_standards(), load_texts(STANDARD_TEXTS, REPORT_TEXTS)
    kind, title = standards.issue_types[issue], standards.elements[element].title if element in standards.elements else None
    fixer = texts[f"fixer.{kind.fixer}"]
    zh = f"{title.zh if title else '整行'}：{kind.message.zh}（{fixer.zh.rstrip('。')}）"
    return f"{zh} {title.en if title else 'Row'}: {kind.message.en} ({fixer.en.rstrip('.')})"
