"""Read contracts from YAML; every fault of every file is reported at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from contracts.model import Contract
from contracts.references import Finding, loose_faults, reference_faults, salvaged_faults
from contracts.salvage import salvage
from contracts.schema import SECRET_WORDS, WHERE_SECRETS_GO, Place, key_of, schema_faults
from core.errors import DefinitionError, Fault

if TYPE_CHECKING:
    from standards.model import Standards

# An address with a scheme and a host, or "password=…" as drivers accept it.
_SECRET = re.compile(rf"[a-z][a-z0-9+]*://[^\s]*@|\b({'|'.join(SECRET_WORDS)})\s*[=:]\s*\S", re.IGNORECASE)


class _ContractYaml(yaml.SafeLoader):
    """YAML whose keys are always text (`1:` and `NO:` are columns of that name) and never stand twice in one place."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in result:
                raise yaml.constructor.ConstructorError(None, None, f'"{key}" stands twice in one place', key_node.start_mark)
            result[key] = self.construct_object(value_node, deep=True)
        return result


# A date in a lookup is text like everything else; YAML would make an object of it.
_ContractYaml.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_contract(path: Path | str, standards: Standards) -> Contract:
    """Read one contract; raises DefinitionError with every fault of the file."""
    return load_contracts([path], standards)[0]


def load_contracts(paths: Iterable[Path | str], standards: Standards) -> list[Contract]:
    """Read several contracts, in the order given; raises DefinitionError with the faults of all files."""
    faults: list[Fault] = []
    contracts: list[Contract] = []
    first_file: dict[str, str] = {}
    for path in map(Path, paths):
        try:
            contract = contract_from_document(_read(path), standards, file=path.name)
        except DefinitionError as error:
            faults.extend(error.faults)
            continue
        if contract.id in first_file:
            faults.append(Fault(path.name, "id", f'"{contract.id}" is also the id of {first_file[contract.id]}'))
        first_file.setdefault(contract.id, path.name)
        contracts.append(contract)
    if faults:
        raise DefinitionError(faults)
    return contracts


def contract_from_document(document: Any, standards: Standards, *, file: str) -> Contract:
    """Make a contract of a parsed document (a form of the portal, a YAML file); raises DefinitionError with every fault."""
    secrets = [place for place, text in _texts(document) if _SECRET.search(text)]
    refused = {key_of(place): WHERE_SECRETS_GO for place in secrets}
    structure = [(key, message) for key, message in schema_faults(document) if key not in refused]
    if refused or structure:
        first = [*refused.items(), *structure]
        raise DefinitionError([Fault(file, key, message) for key, message in [*first, *_other_faults(document, secrets, first, standards)]])
    try:
        contract = Contract.model_validate(document)
    except ValidationError as error:
        raise DefinitionError(
            [Fault(file, ".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors(include_input=False)]
        ) from None
    findings = reference_faults(contract, standards)
    if findings:
        raise DefinitionError([Fault(file, key, message) for key, message in findings])
    return contract


def _other_faults(document: Any, secrets: Sequence[Place], first: Sequence[Finding], standards: Standards) -> Iterator[Finding]:
    """What else is wrong with a document that is not yet a contract, one fault for each place."""
    kept = salvage(document, secrets)
    named = {key for key, _ in first}
    for key, message in [*(salvaged_faults(kept, standards) if kept else ()), *loose_faults(document, standards)]:
        if key not in named:
            named.add(key)
            yield key, message


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DefinitionError([Fault(path.name, "", f"cannot be read ({error.strerror})")]) from None
    except UnicodeDecodeError:
        raise DefinitionError([Fault(path.name, "", "is not UTF-8; save it in that encoding")]) from None
    try:
        return yaml.load(text, Loader=_ContractYaml)  # noqa: S506 - a safe loader of our own
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise DefinitionError([Fault(path.name, f"line {line}", f"is not valid YAML: {error.problem}")]) from None
    except yaml.YAMLError:
        raise DefinitionError([Fault(path.name, "", "is not valid YAML")]) from None


def _texts(document: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    if isinstance(document, dict):
        for name, value in document.items():
            yield from _texts(value, (*place, str(name)))
    elif isinstance(document, list):
        for position, value in enumerate(document):
            yield from _texts(value, (*place, position))
    elif isinstance(document, str):
        yield place, document
