"""The validator that judges the rendered schemas, held against the public JSON Schema test suite (draft 2020-12, mandatory part)."""

import json
import re
from pathlib import PurePosixPath

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT201909, DRAFT202012, Specification

from standards.loader import load_standards
from standards.render.json_schema import to_json_schema
from tests.standards.suites import documents

SUITE = "json_schema_suite_2020-12.tar.gz"
# What the validator does not do, and by which words a schema would ask for it: Python's regular expressions know no Unicode properties, and
# the vocabularies of a meta-schema are not heeded.
LIMITS = {
    "pattern with Unicode property escape requires unicode mode": "\\\\p{",
    "patternProperties with Unicode property escape": "\\\\p{",
    "schema that uses custom metaschema with with no validation vocabulary": "$vocabulary",
}
REMOTE = "http://localhost:1234/"


def dialect(path: str) -> Specification:
    return DRAFT201909 if path.startswith("remotes/draft2019-09/") else DRAFT202012


def answer(validator: Draft202012Validator, instance: object) -> bool | None:
    try:
        return validator.is_valid(instance)
    except re.error:  # a pattern that Python cannot read
        return None


def test_the_validator_passes_the_mandatory_part_of_the_public_suite() -> None:
    files = documents(SUITE)
    shipped = {path: body for path, body in files.items() if path.startswith("remotes/")}
    remotes = {REMOTE + path.removeprefix("remotes/"): dialect(path).create_resource(body) for path, body in shipped.items()}
    registry: Registry[object] = Registry().with_resources(remotes.items())
    failed, run = [], 0
    for path, groups in sorted(files.items()):
        if "optional" in PurePosixPath(path).parts or not path.startswith("tests/draft2020-12/"):
            continue
        for group in groups:
            validator = Draft202012Validator(group["schema"], registry=registry)
            for case in group["tests"]:
                run += 1
                if answer(validator, case["data"]) != case["valid"]:
                    failed.append((group["description"], case["description"]))
    assert run > 1000
    assert {group for group, _ in failed} == set(LIMITS)


def test_no_rendered_schema_needs_what_the_validator_lacks() -> None:
    standards = load_standards()
    for schema in standards.schemas.values():
        text = json.dumps(to_json_schema(schema, standards))
        assert not [words for words in LIMITS.values() if words in text]
