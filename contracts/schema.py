"""The published JSON Schema of a contract (draft 2020-12), and what its refusals mean in plain words."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from contracts.model import Contract

Place = tuple[str | int, ...]  # the way to a value: keys and positions

SCHEMA_FILE = Path(__file__).with_name("contract.schema.json")
SECRET_WORDS = (
    *("password", "passwd", "passphrase", "pwd", "secret", "token", "credential"),
    *(f"{kind}{mark}key" for kind in ("api", "access", "private") for mark in ("", "_", "-")),
    *("密码", "口令", "密钥", "秘钥", "私钥", "令牌"),
)
WHERE_SECRETS_GO = (
    "a contract never holds an address or a secret: set HUB_CONNECTION_<NAME> or connections.yml and give only the connection's name"
)
_TYPES = {
    "object": "keys with values",
    "array": "a list",
    "string": "text in quotes",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def to_json_schema() -> dict[str, Any]:
    """Render the contract's model; `contract.schema.json` is this, written out (`python -m contracts.schema`)."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Contract.model_json_schema()}


def to_text(schema: dict[str, Any]) -> str:
    """The schema as it stands in the file."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Offense:
    """One place where a document leaves the schema: what stands there is unknown, missing or wrong, and what is expected."""

    path: Place
    kind: Literal["unknown", "missing", "wrong"]
    message: str
    meant: str | None = None

    @property
    def key(self) -> str:
        """The place as a fault names it."""
        return key_of(self.path)


def offenses(document: Any) -> list[Offense]:
    """Every place where a document leaves the schema."""
    return list(dict.fromkeys(offense for error in _validator().iter_errors(document) for offense in _explain(error)))


def schema_faults(document: Any) -> list[tuple[str, str]]:
    """Every place where a document leaves the schema, as key and what is expected there."""
    return sorted({(offense.key, offense.message) for offense in offenses(document)})


def key_of(path: Place) -> str:
    """A place in a document as people write it: `columns.XM[0].element`."""
    key = ""
    for step in path:
        key = f"{key}[{step}]" if isinstance(step, int) else f"{key}.{step}" if key else step
    return key


def suggestion(name: str, known: list[str]) -> str:
    """A closing remark that names what a misspelt name may have meant, or all there is if that is short."""
    close = _close(name, known)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; there is {', '.join(sorted(known))}" if 0 < len(known) <= 12 else ""


def _close(name: str, known: list[str]) -> list[str]:
    return get_close_matches(name, known, n=1, cutoff=0.6)


def _explain(error: ValidationError, description: str = "") -> Iterator[Offense]:
    path = tuple(error.absolute_path)
    if isinstance(error.schema, dict):
        description = error.schema.get("description", description)
    if error.validator in ("anyOf", "oneOf") and error.context:
        branch = _meant_branch(error)
        if branch:
            yield from (fault for inner in branch for fault in _explain(inner, description))
        else:
            yield Offense(path, "wrong", _choices(error))
    elif error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        yield from (
            Offense((*path, name), "unknown", _unknown_key(name, known), next(iter(_close(name, known)), None))
            for name in error.instance
            if name not in known
        )
    elif error.validator == "required":
        yield from (
            Offense((*path, name), "missing", f"is missing{_described(error, name)}")
            for name in error.validator_value
            if name not in error.instance
        )
    else:
        yield Offense(path, "wrong", _expected(error, description))


def _meant_branch(error: ValidationError) -> list[ValidationError]:
    """The alternative the author had in mind: the one whose `kind` or type the value has. None fits: empty."""
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    fitting = [
        inners
        for inners in branches.values()
        if not any(
            (inner.validator == "type" and inner.absolute_path == error.absolute_path)
            or (inner.validator in ("const", "enum") and inner.absolute_path and inner.absolute_path[-1] == "kind")
            for inner in inners
        )
    ]
    return min(fitting, key=len, default=[])


def _choices(error: ValidationError) -> str:
    if isinstance(error.instance, dict) and isinstance(error.schema, dict) and "discriminator" in error.schema:
        kinds = sorted(error.schema["discriminator"]["mapping"])
        given = error.instance.get("kind")
        return (
            f"kind has to be one of {', '.join(kinds)}{suggestion(given, kinds) if isinstance(given, str) and given not in kinds else ''}"
        )
    types = [branch.validator_value for branch in error.context or () if branch.validator == "type"]
    return f"expected {' or '.join(dict.fromkeys(_TYPES[name] for name in types))}" if types else "does not have the expected form"


def _unknown_key(name: str, known: list[str]) -> str:
    if any(word in name.lower() for word in SECRET_WORDS):
        return WHERE_SECRETS_GO
    return f"is not a key that can stand here{suggestion(name, known)}"


def _described(error: ValidationError, name: str) -> str:
    text = error.schema.get("properties", {}).get(name, {}).get("description")
    return f": {text}" if text else ""


def _expected(error: ValidationError, description: str) -> str:
    """What the broken rule asks for; the value itself is left out, it may be a secret put in the wrong place."""
    text = _rule_text(str(error.validator), error.validator_value, error.instance)
    if error.validator_value == "object" and isinstance(error.schema, dict) and error.schema.get("properties"):
        text += f": {', '.join(error.schema['properties'])}"
    return f"{text} ({description})" if description else text


def _rule_text(rule: str, wanted: Any, given: Any) -> str:
    match rule:
        case "type":
            return f"expected {_TYPES[wanted]}"
        case "enum":
            # All there is stands here already; only a likely misspelling adds something.
            is_misspelt = isinstance(given, str) and _close(given, wanted)
            return f"expected one of {', '.join(wanted)}{suggestion(given, wanted) if is_misspelt else ''}"
        case "const":
            return f"expected {wanted}"
        case "minLength" | "minItems" | "minProperties":
            return "must not be empty"
        case "maxLength":
            return f"at most {wanted} characters"
        case "minimum":
            return f"at least {wanted}"
        case "maximum":
            return f"at most {wanted}"
        case _:
            return "does not have the expected form"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(to_text(to_json_schema()), encoding="utf-8")
