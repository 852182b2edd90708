"""Report: gather the figures of a batch or a publication and write its quality report as files.

A batch examines only what is new or changed; for the other records of its dataset, the log says when they were last examined and the issue
files what was found then. Accepted batches and publications never change, so what was gathered once is kept in memory.
"""

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from catalog.batches import Batch, batch_id_of, get_batch, latest_batch
from catalog.datasets import contract_at, contract_in_force, dataset_numbers
from catalog.files import files_of
from core.engine import Engine, quote
from core.errors import RequestError
from core.files import requested
from pipeline.home import Home
from pipeline.plan import make_plan
from pipeline.publication.accuracy import read_accuracy
from pipeline.state import ISSUE_COLUMNS, dataset_elements, engine_type, fold, is_kept, log_source, standardized_table, state
from quality.report import RegistryFigures, batch_report, registry_report, render_html
from quality.report_data import ReportData, Standing
from registries.publications import files_upto, inputs_of, latest, published
from standards.loader import load_standards
from standards.model import Schema
from standards.texts import LANGUAGES


def report_batch(home: Home, batch_id: str) -> ReportData:
    """The quality report of one batch. Raises RequestError where there is none of that id."""
    batch = get_batch(home.catalog, batch_id)
    return batch_report(home.catalog, load_standards(), batch_id, standing(home, batch))


def report_registry(home: Home, registry: str) -> ReportData:
    """The quality report of the current publication."""
    standards, publication = load_standards(), latest(home.serving, registry)
    inputs = inputs_of(home.serving, registry, publication.number).values()
    listed = [{**vars(item), "batch_id": batch_id_of(item.contract_id, item.batch_seq)} for item in inputs]
    figures = RegistryFigures(
        registry=registry,
        number=publication.number,
        at=publication.published_at,
        standard_version=publication.standard_version or standards.version,
        inputs=listed,
        fills=base_fills(home, standards.schemas[registry], publication.number),
        **{
            name: getattr(publication, name)
            for name in ("records", "linked", "unlinked", "withheld", "entities", "inserted", "deleted", "apart")
        },
    )
    known = {item["batch_id"]: standing(home, get_batch(home.catalog, item["batch_id"])) for item in listed}
    return registry_report(home.catalog, standards, figures, known, read_accuracy(home, registry, publication.number))


def report_of(home: Home, subject: str) -> ReportData:
    """The report of a batch, of a dataset's last batch, or of a registry's current publication, by id.

    Raises RequestError where there is nothing yet to report on.
    """
    if subject in load_standards().schemas:
        published(home.serving, subject)
        return report_registry(home, subject)
    if "@" in subject:
        return report_batch(home, subject)
    contract_in_force(home.catalog, subject)
    last = latest_batch(home.catalog, subject)
    if last is None:
        raise RequestError(f"{subject} has no batch yet", hint=f"./hub sync {subject}")
    return report_batch(home, last.batch_id)


def write_report(home: Home, subject: str, html: Path | None = None, lang: str = "zh") -> Path:
    """Write the report of a subject as one HTML file, by default into the reports folder, and return its path.

    Raises RequestError where the folder of a named file is not there.
    """
    language = next((known for known in LANGUAGES if known == lang), None)
    if language is None:
        raise RequestError(f"reports are not written in {lang}", hint=f"languages are: {', '.join(LANGUAGES)}")
    report = report_of(home, subject)
    name = re.sub(r"[^A-Za-z0-9_]+", "-", report.subject if report.kind == "batch" else f"{report.subject}-{report.made_from}")
    text = render_html(report, language)
    if html is None:
        return _write(home.settings.reports / f"{name}.{language}.html", text)
    with requested(html):
        return _write(html, text)


def _write(path: Path, text: str) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    return path


def standing(home: Home, batch: Batch) -> Standing:
    """What stands for the records of a dataset that an accepted batch has not examined: they came unchanged, or it was only a part."""
    has_others = batch.unchanged or not batch.is_whole
    if batch.status != "accepted" or not has_others or not is_kept(home, standardized_table(batch.contract_id), batch.seq):
        return Standing()
    return _standing(_Key(home, str(home.settings.home)), batch.contract_id, batch.contract_version, batch.seq)


class _Key:
    """Carries an installation through a cache: two openings of one folder are the same."""

    def __init__(self, home: Home, name: str) -> None:
        self.home, self.name = home, name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


@lru_cache(maxsize=512)
def _standing(key: _Key, contract_id: str, version: int, seq: int) -> Standing:
    home, table = key.home, standardized_table(contract_id)
    standards, contract = load_standards(), contract_at(home.catalog, contract_id, version)
    elements = dataset_elements(contract, standards)
    columns = {"_record_id": "UUID", "_batch_seq": "INTEGER", **{name: engine_type(standards.elements[name]) for name in elements}}
    issue_files = files_of(home.catalog, table, ("issues",), seq - 1)
    with Engine(home.settings) as engine:
        rows = state(home, table, columns, seq)
        old = f"_batch_seq < {seq}{_not_quarantined(home, table, seq)}"
        counts = "".join(f", count({quote(name)})" for name in elements)
        total, *present = engine.row(f"SELECT count(*){counts} FROM {rows} WHERE {old}", doing="counting other records")
        if not issue_files:
            filled = dict(zip(elements, present, strict=True))
            return Standing(total, filled, filled)
        # A refused value is withheld from the log, so it is counted as present from the issue that refused it.
        found = log_source(home, f"{table}/issues", ISSUE_COLUMNS, issue_files)
        joined = f"{found} JOIN (SELECT _record_id, _batch_seq FROM {rows} WHERE {old}) USING (_record_id, _batch_seq)"
        issues = engine.rows(f"SELECT element, issue_type, count(*) FROM {joined} GROUP BY ALL", doing="counting standing issues")
        refused = [f"{item.element.id}:{issue}" for item in make_plan(contract, standards).elements for issue in item.withheld]
        withheld = dict(
            engine.rows(
                f"SELECT element, count(DISTINCT _record_id) FROM {joined} WHERE list_contains($refused, element || ':' || issue_type) GROUP BY 1",
                {"refused": refused},
                doing="counting withheld values",
            )
        )
    filled = dict(zip(elements, present, strict=True))
    having = {name: count + withheld.get(name, 0) for name, count in filled.items()}
    return Standing(total, having, filled, {(element, issue): count for element, issue, count in issues})


def _not_quarantined(home: Home, table: str, seq: int) -> str:
    """A condition: a record whose new row was quarantined keeps its last good version, but this batch has examined it."""
    files = [file for file in files_of(home.catalog, table, ("quarantine",), seq) if file.seq == seq]
    if not files:
        return ""
    return f" AND _record_id NOT IN (SELECT _record_id FROM {log_source(home, f'{table}/quarantine', {'_record_id': 'UUID'}, files)})"


def base_fills(home: Home, schema: Schema, number: int) -> Mapping[str, tuple[int, dict[str, int]]]:
    """For each element of a base table: the rows that have a value, and how many of them each dataset supplied, most first."""
    if not number:
        return {}
    return _base_fills(_Key(home, str(home.settings.home)), schema.id, number)


@lru_cache(maxsize=64)
def _base_fills(key: _Key, registry: str, number: int) -> Mapping[str, tuple[int, dict[str, int]]]:
    home, schema = key.home, load_standards().schemas[registry]
    names = {number: contract_id for contract_id, number in dataset_numbers(home.catalog).items()}
    origins = {f"_from_{element.id}": "INTEGER" for element in schema.elements}
    files = files_upto(home.serving, schema.id, schema.table, number)
    rows = fold(home, schema.table, {"_canonical_id": "UUID", **origins}, files, "_canonical_id", "_publication")
    with Engine(home.settings) as engine:
        sums = ", ".join(f"histogram({quote(column)})" for column in origins)
        counted: list[Any] = list(engine.row(f"SELECT {sums} FROM {rows}", doing="counting the base table"))
    fills = {}
    for element, histogram in zip(schema.elements, counted, strict=True):
        by_number = sorted((histogram or {}).items(), key=lambda item: (-item[1], item[0]))
        by_source = {names[dataset]: count for dataset, count in by_number}
        fills[element.id] = (sum(by_source.values()), by_source)
    return fills
