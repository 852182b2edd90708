"""Public suites and schemas by which renderings are judged; they are not part of the repository."""

import json
import tarfile
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft201909Validator

from tests.connectors.helpers import REAL_DATA

SUITES = REAL_DATA / "standards_tests"


@cache
def archive(name: str) -> dict[str, bytes]:
    """The files of an archive by their path; the test is skipped where the archive is not there."""
    path = SUITES / name
    if not path.exists():
        pytest.skip(f"the public suite {name} is not here (GOVHUB_REAL_DATA)")
    with tarfile.open(path) as tar:
        streams = {member.name: tar.extractfile(member) for member in tar.getmembers()}
        return {name: stream.read() for name, stream in streams.items() if stream is not None}


def documents(name: str) -> dict[str, Any]:
    """The JSON files of an archive, read."""
    return {path: json.loads(content) for path, content in archive(name).items() if path.endswith(".json")}


def texts(name: str, *endings: str) -> list[str]:
    """The files of an archive whose paths end so."""
    found = archive(name)
    return [found[next(path for path in found if path.endswith(ending))].decode() for ending in endings]


@cache
def odcs_validator() -> Draft201909Validator:
    """The schema that the Open Data Contract Standard publishes."""
    schema = documents("odcs_schema_and_examples_a.tar.gz")["schema/odcs-json-schema-latest.json"]
    return Draft201909Validator(schema)
