"""Lineage events beside those that OpenLineage's own client makes of the same facts; its classes are generated from the specification.

The client is in no lock, since nothing of the hub needs it: `pip install openlineage-python` runs this test.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from core.settings import load_settings
from pipeline.operation.lineage import Table, traced

event_v2 = pytest.importorskip("openlineage.client.event_v2", reason="no OpenLineage client: pip install openlineage-python")


def _facets(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    from openlineage.client import facet_v2 as theirs

    classes = {
        "schema": theirs.schema_dataset.SchemaDatasetFacet,
        "outputStatistics": theirs.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
        "inputStatistics": theirs.input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
        "errorMessage": theirs.error_message_run.ErrorMessageRunFacet,
    }
    made = {}
    for name, facet in found.items():
        content = {key: value for key, value in facet.items() if not key.startswith("_")}
        if name == "schema":
            content["fields"] = [theirs.schema_dataset.SchemaDatasetFacetFields(**field) for field in content["fields"]]
        made[name] = classes[name](**content, producer=facet["_producer"])
    return made


def _theirs(event: dict[str, Any]) -> dict[str, Any]:
    from openlineage.client.serde import Serde

    def dataset(kind: Any, item: dict[str, Any], place: str) -> Any:
        return kind(item["namespace"], item["name"], facets=_facets(item["facets"]), **{place: _facets(item[place])})

    made = event_v2.RunEvent(
        eventType=event_v2.RunState[event["eventType"]],
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=event_v2.Run(event["run"]["runId"], _facets(event["run"]["facets"])),
        job=event_v2.Job(event["job"]["namespace"], event["job"]["name"], {}),
        inputs=[dataset(event_v2.InputDataset, item, "inputFacets") for item in event["inputs"]],
        outputs=[dataset(event_v2.OutputDataset, item, "outputFacets") for item in event["outputs"]],
    )
    return dict(Serde.to_dict(made))


def _plain(value: Any) -> Any:
    """Without what is empty, and with every facet's schema by its name: a facet may be of an earlier version than the client's."""
    if isinstance(value, dict):
        named = {key: str(item).rpartition("/")[2] if key == "_schemaURL" else _plain(item) for key, item in value.items()}
        return {key: item for key, item in named.items() if item not in ({}, [], None)}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def test_the_client_makes_the_same_event_of_the_same_facts(tmp_path: Path) -> None:
    settings = load_settings({}).model_copy(update={"lineage_file": tmp_path / "events.jsonl"})
    source, landed = Table("govhub://connection/c", "t", {"a": "text"}), Table("govhub", "landing/x", {"a": "text"}, 5)
    with traced(settings, "land.x", [source], [landed]):
        pass
    with pytest.raises(ValueError, match="broken"), traced(settings, "land.x", [landed], []):
        raise ValueError("broken")
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [event["eventType"] for event in events] == ["START", "COMPLETE", "START", "FAIL"]
    for event in events:
        assert _plain(event) == _plain(_theirs(event))
