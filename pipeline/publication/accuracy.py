"""Accounts of publications against a known truth: written by whoever knows it, kept beside the reports, read by the report of the publication."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from pipeline.home import Home
from quality.accuracy import AccuracyReport

_REPORTS = TypeAdapter(AccuracyReport)


def write_accuracy(home: Home, registry: str, number: int, report: AccuracyReport) -> None:
    """Keep the account of a publication; a later one of the same publication stands in its place."""
    target = _file(home, registry, number)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    document = {"basis": report.basis.model_dump(), "lines": [asdict(line) | {"title": line.title.model_dump()} for line in report.lines]}
    draft.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    draft.replace(target)


def read_accuracy(home: Home, registry: str, number: int) -> AccuracyReport | None:
    """The account of a publication, if anybody has made one."""
    file = _file(home, registry, number)
    return _REPORTS.validate_json(file.read_text(encoding="utf-8")) if file.exists() else None


def _file(home: Home, registry: str, number: int) -> Path:
    return home.settings.reports / "accuracy" / f"{registry}-{number}.json"
