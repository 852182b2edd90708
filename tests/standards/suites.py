"""Public suites and schemas by which renderings are judged; they are not part of the repository."""

import json
import tarfile
from functools import cache
from pathlib import PurePosixPath
from typing import Any

import pytest
from jsonschema import Draft201909Validator

from tests.connectors.helpers import REAL_DATA

SUITES = REAL_DATA / "standards_tests"


@cache
def archive(name: str) -> dict[str, Any]:
    """The JSON files of an archive by their path; the test is skipped where the archive is not there."""
    path = SUITES / name
    if not path.exists():
        pytest.skip(f"the public suite {name} is not here (GOVHUB_REAL_DATA)")
    with tarfile.open(path) as tar:
        members = [member for member in tar.getmembers() if PurePosixPath(member.name).suffix == ".json"]
        return {member.name: json.load(tar.extractfile(member)) for member in members}  # type: ignore[arg-type]


@cache
def odcs_validator() -> Draft201909Validator:
    """The schema that the Open Data Contract Standard publishes."""
    schema = archive("odcs_schema_and_examples_a.tar.gz")["schema/odcs-json-schema-latest.json"]
    return Draft201909Validator(schema)
