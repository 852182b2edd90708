"""The quality report: a self-contained HTML file that prints, and the figures behind it.

Great Expectations' own pages load scripts from public networks and are not used. Figures that live outside the catalog (records that
a batch has not examined, the base table) are passed in; `pipeline/report.py` gathers them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import sqlalchemy as sa

from catalog.batches import Batch, checks_of, fills_of, get_batch, issues_of
from catalog.datasets import contract_at
from core.clock import beijing_text
from core.style import BASE_STYLE
from quality.accuracy import AccuracyReport
from quality.charts import WIDTH, Part, interval_text, number_text, segments, share_text, sparkline
from quality.report_data import (
    DIMENSIONS,
    KEY,
    ROW,
    SEVERITIES,
    Fill,
    Finding,
    Note,
    ReportData,
    Rule,
    Score,
    Source,
    Standing,
    score,
    total_score,
)
from quality.texts import REPORT_TEXTS, sentence
from standards.model import IssueType, Standards, Title
from standards.texts import STANDARD_TEXTS, Language, Translate, load_texts, make_translate

TEMPLATES = Path(__file__).parent / "templates"
NOTHING = Standing()


@dataclass(frozen=True)
class RegistryFigures:
    """What the serving database and the lake say about one publication."""

    registry: str
    number: int
    at: Any
    standard_version: str
    records: int
    linked: int
    unlinked: int
    withheld: int
    entities: int
    inserted: int
    deleted: int
    apart: int
    inputs: Sequence[Mapping[str, Any]]  # contract_id, batch_id, records, linked, unlinked, withheld
    fills: Mapping[str, tuple[int, Mapping[str, int]]]  # element: rows with a value, and how many of them by dataset


def batch_report(catalog: sa.Engine, standards: Standards, batch_id: str, standing: Standing = NOTHING) -> ReportData:
    """The report of one batch. Raises RequestError where there is none of that id."""
    batch = get_batch(catalog, batch_id)
    contract = contract_at(catalog, batch.contract_id, batch.contract_version)
    findings = batch_findings(catalog, batch_id, standing)
    repaired = [row for row in issues_of(catalog, batch_id) if row["severity"] == "repaired"]
    fills = fills_of(catalog, batch_id)
    return ReportData(
        kind="batch",
        subject=batch_id,
        title=contract.title,
        department=contract.department.title,
        status=batch.status,
        standard_version=batch.standard_version,
        made_from=str(batch.contract_version),
        at=batch.finished_at or batch.landed_at or batch.started_at,
        total=batch.read or 0,
        parts=ledger_parts(batch),
        equations={name: getattr(batch, name) for name in ("previous", "inserted", "deleted", "records")},
        examined=max((row["evaluated"] for row in fills), default=0),
        standing=standing.rows,
        scores=score(findings),
        rules=broken_rules(findings, standards),
        repairs=[_rule(row["element"], row["issue_type"], "repaired", row["dimension"], row["rows"], 0, standards) for row in repaired],
        fills=[_fill(row, standards, standing) for row in fills],
        notes=[Note(str(note.get("kind", "")), str(note.get("message", ""))) for note in batch.notes],
        error=batch.error or "",
        hint=batch.hint or "",
    )


def _fill(row: Mapping[str, Any], standards: Standards, standing: Standing) -> Fill:
    name = row["element"]
    filled = row["filled"] + standing.filled.get(name, 0)
    return Fill(name, element_title(name, standards), row["evaluated"] + standing.rows, filled)


def ledger_parts(batch: Batch) -> list[Part]:
    """The parts of `read`, as far as the batch has come."""
    split = [Part(name, getattr(batch, name) or 0) for name in ("accepted", "unchanged", "repeated", "quarantined")]
    if batch.accepted is None:
        split = [Part("landed", batch.landed or 0)]
    return [*split, Part("unreadable", batch.unreadable or 0)]


def batch_findings(catalog: sa.Engine, batch_id: str, standing: Standing = NOTHING) -> list[Finding]:
    """Every check of a batch, with what still stands for the records that it has not examined."""
    # What stands is known by issue type. Of several rules with one, the first has it all: what adds up by type or dimension counts it once.
    found = dict(standing.issues)
    return [
        Finding(
            row["check_id"],
            row["element"],
            row["issue_type"],
            row["dimension"],
            row["severity"],
            row["evaluated"] + _standing_evaluations(row, standing),
            row["unexpected"] + found.pop((row["element"], row["issue_type"]), 0),
        )
        for row in checks_of(catalog, batch_id)
    ]


def _standing_evaluations(row: Mapping[str, Any], standing: Standing) -> int:
    whole = row["kind"] == "not_null" or row["element"] in (ROW, KEY)
    return standing.rows if whole else standing.present.get(row["element"], 0)


def broken_rules(findings: Iterable[Finding], standards: Standards) -> list[Rule]:
    """The rules with issues: errors before warnings, most rows first."""
    sums: dict[tuple[str, str, str, str], tuple[int, int]] = {}
    for item in findings:
        key = (item.element, item.issue_type, item.severity, item.dimension)
        rows, evaluated = sums.get(key, (0, 0))
        sums[key] = (rows + item.unexpected, evaluated + item.evaluated)
    rules = [
        _rule(element, issue, severity, dimension, rows, evaluated, standards)
        for (element, issue, severity, dimension), (rows, evaluated) in sums.items()
        if rows
    ]
    return sorted(rules, key=lambda rule: (SEVERITIES.index(rule.severity), -rule.rows, rule.element, rule.issue_type))


def _rule(element: str, issue: str, severity: str, dimension: str, rows: int, evaluated: int, standards: Standards) -> Rule:
    kind = issue_type(issue, standards)
    return Rule(
        element, element_title(element, standards), issue, kind.title, kind.message, dimension, severity, kind.fixer, rows, evaluated
    )


def element_title(element: str, standards: Standards) -> Title:
    """Title of an element, of the record as a whole, or of its key."""
    if element in (ROW, KEY):
        return load_texts(REPORT_TEXTS)["element.row" if element == ROW else "element.key"]
    # An old batch may name what a later standard has dropped.
    known = standards.elements.get(element)
    return known.title if known else Title(zh=element, en=element)


def issue_type(name: str, standards: Standards) -> IssueType:
    """A kind of issue; one that a later standard has dropped goes by its id."""
    known = standards.issue_types.get(name)
    unknown = Title(zh=name, en=name)
    return known or IssueType(id=name, severity="warning", dimension="normativity", title=unknown, message=unknown, fixer="hub")


def registry_report(
    catalog: sa.Engine,
    standards: Standards,
    figures: RegistryFigures,
    standing: Mapping[str, Standing],
    accuracy: AccuracyReport | None = None,
) -> ReportData:
    """The report of a publication: its datasets' pinned batches taken together, over the elements that the registry has.

    `standing` gives, by batch id, what stands for unchanged rows.
    """
    schema = standards.schemas[figures.registry]
    own = {use.element.id for use in schema.uses} | {ROW, KEY}
    findings: list[Finding] = []
    sources = []
    for item in figures.inputs:
        found = [f for f in batch_findings(catalog, item["batch_id"], standing.get(item["batch_id"], NOTHING)) if f.element in own]
        findings += found
        sources.append(_source(catalog, item, score(found)))
    return ReportData(
        kind="registry",
        subject=figures.registry,
        title=schema.title,
        department=None,
        status="published" if figures.number else "never",
        standard_version=figures.standard_version,
        made_from=str(figures.number),
        at=figures.at if figures.number else None,
        total=figures.records,
        parts=[Part(name, getattr(figures, name)) for name in ("linked", "unlinked", "withheld")],
        equations={
            "previous": figures.entities - figures.inserted + figures.deleted,
            "inserted": figures.inserted,
            "deleted": figures.deleted,
            "entities": figures.entities,
        },
        examined=figures.records,
        standing=0,
        scores=score(findings),
        rules=broken_rules(findings, standards),
        repairs=[],
        fills=[
            Fill(use.element.id, use.element.title, figures.entities, *figures.fills.get(use.element.id, (0, {}))) for use in schema.uses
        ],
        sources=sources,
        accuracy=accuracy,
        apart=figures.apart,
    )


def _source(catalog: sa.Engine, item: Mapping[str, Any], scores: Sequence[Score]) -> Source:
    batch = get_batch(catalog, item["batch_id"])
    contract = contract_at(catalog, batch.contract_id, batch.contract_version)
    counts = {name: item[name] for name in ("records", "linked", "unlinked", "withheld")}
    return Source(contract.id, contract.title, contract.department.title, batch.batch_id, scores=scores, **counts)


def source_names(report: ReportData, lang: Language) -> dict[str, str]:
    """What a registry report calls its datasets, by id."""
    return {source.contract_id: f"{getattr(source.department, lang)} · {getattr(source.title, lang)}" for source in report.sources}


def chart_globals() -> dict[str, Any]:
    """What the shared chart macros need, for every template environment that uses them."""
    functions = {
        "segments": segments,
        "sparkline": sparkline,
        "total_score": total_score,
        "source_names": source_names,
        "sentence": sentence,
        "interval": interval_text,
    }
    return functions | {"bar_width": WIDTH, "dimensions": DIMENSIONS}


def chart_filters() -> dict[str, Any]:
    """Filters for figures and times, shared by report and portal."""
    return {"number": number_text, "beijing": beijing_text}


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= chart_globals() | {"share": share_text}
    environment.filters |= chart_filters()
    return environment


def style_sheet() -> str:
    """The style sheet inside a report file; also what its content security policy is computed from."""
    return BASE_STYLE.read_text(encoding="utf-8")


def render_html(report: ReportData, lang: Language) -> str:
    """The report as one HTML file: style inside, no scripts, nothing fetched, values none."""
    t: Translate = make_translate(load_texts(STANDARD_TEXTS, REPORT_TEXTS), lang)
    return _environment().get_template("report.html").render(report=report, t=t, lang=lang, style=style_sheet(), link=None)
