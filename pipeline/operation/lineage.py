"""OpenLineage events of the stages: what each run read, what it wrote, and how it ended (openlineage.io, specification 2-0-2).

A stage only appends a line to a file; `pipeline.operation.watch` sends the lines on, so no receiver can hold a batch up. Names of datasets and
columns and counts of rows are in an event, never a value; connections stand in it by their names.
"""

import json
import logging
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from contracts.model import Contract
from contracts.sources import DatabaseSource
from core.faults import described
from core.settings import Settings

PRODUCER = "urn:govhub:0.1.0"
_SPEC = "https://openlineage.io/spec"
_EVENT_SCHEMA = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = {
    "schema": "facets/1-1-1/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet",
    "outputStatistics": "facets/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet",
    "inputStatistics": "facets/1-0-0/InputStatisticsInputDatasetFacet.json#/$defs/InputStatisticsInputDatasetFacet",
    "errorMessage": "facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
}
NAMESPACE = "govhub"
log = logging.getLogger("lineage")


@dataclass(frozen=True)
class Table:
    """A dataset in the words of OpenLineage: where it is, its columns with their types, and how many rows were read or written."""

    namespace: str
    name: str
    columns: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None

    def counted(self, rows: int | None, columns: Mapping[str, str] | None = None) -> "Table":
        """The same with what a run has found out."""
        return replace(self, rows=rows, columns=self.columns if columns is None else columns)


@dataclass
class Run:
    """What a run reads and writes; the stage fills in what it learns."""

    inputs: list[Table]
    outputs: list[Table]


def source_table(contract: Contract) -> Table:
    """The department's own table or file."""
    place = contract.source.object if isinstance(contract.source, DatabaseSource) else contract.source.path
    return Table(f"{NAMESPACE}://connection/{contract.source.connection}", str(place), dict.fromkeys(contract.source_columns, "text"))


def hub_table(layer: str, name: str) -> Table:
    """A table of the hub: layer landing, std or base."""
    return Table(NAMESPACE, f"{layer}/{name}")


@contextmanager
def traced(settings: Settings, job: str, inputs: list[Table], outputs: list[Table]) -> Iterator[Run]:
    """Tell of one run of a stage: START, then COMPLETE or FAIL with the hub's own words. Where nobody listens, nothing is done."""
    run = Run(inputs, outputs)
    if settings.lineage_file is None:
        yield run
        return
    run_id = str(uuid.uuid4())
    _write(settings, _event("START", run_id, job, run))
    try:
        yield run
    except Exception as error:
        message = {"message": described(error).message, "programmingLanguage": "Python"}
        _write(settings, _event("FAIL", run_id, job, run, {"errorMessage": _facet("errorMessage", message)}))
        raise
    _write(settings, _event("COMPLETE", run_id, job, run))


def _event(kind: str, run_id: str, job: str, run: Run, facets: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        "eventType": kind,
        "eventTime": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "run": {"runId": run_id, "facets": dict(facets or {})},
        "job": {"namespace": NAMESPACE, "name": job, "facets": {}},
        "inputs": [_dataset(item, "inputFacets", "inputStatistics") for item in run.inputs],
        "outputs": [_dataset(item, "outputFacets", "outputStatistics") for item in run.outputs],
        "producer": PRODUCER,
        "schemaURL": _EVENT_SCHEMA,
    }


def _dataset(table: Table, place: str, statistics: str) -> dict[str, Any]:
    columns = [{"name": name, "type": kind} for name, kind in table.columns.items()]
    return {
        "namespace": table.namespace,
        "name": table.name,
        "facets": {"schema": _facet("schema", {"fields": columns})} if columns else {},
        place: {} if table.rows is None else {statistics: _facet(statistics, {"rowCount": table.rows})},
    }


def _facet(name: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": f"{_SPEC}/{_FACETS[name]}", **content}


def _write(settings: Settings, event: Mapping[str, Any]) -> None:
    """One line in one write, so that stages at work at the same time do not mix theirs. A full disk costs the event, not the batch."""
    assert settings.lineage_file is not None
    line = (json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
    try:
        settings.lineage_file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(settings.lineage_file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if (size := os.fstat(handle).st_size) and os.pread(handle, 1, size - 1) != b"\n":
                line = b"\n" + line  # behind half a line, left by a full disk
            if os.write(handle, line) < len(line):
                log.warning("an OpenLineage event could not be written whole")
        finally:
            os.close(handle)
    except OSError as error:
        log.warning("an OpenLineage event could not be written: %s", error.strerror)
