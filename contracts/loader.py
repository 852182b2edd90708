"""Read contracts from YAML; every fault of every file is reported at once."""

from __future__ import annotations

import re
import unicodedata
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
from core.yaml_text import Document, NotYaml, parsed

if TYPE_CHECKING:
    from standards.model import Standards

# "password=…" as drivers accept it and people write it; any address.
_SECRET = re.compile(rf"({'|'.join(SECRET_WORDS)})\s*([=:]|是|为)\s*\S", re.IGNORECASE)
# Of the scheme its last letter is enough: to look for the first would try every letter of a long word.
_ADDRESS = re.compile(r"[a-z][0-9+.-]*://", re.IGNORECASE)
# Where a law or an office may be named by its page: one that is public, without user and without anything asked of it (where the group is
# empty). The group takes the sign rather than looking ahead for none, so that no letter is looked at twice.
_PROSE = {("sharing", "legal_basis"), ("department", "contact")}
_PAGE = re.compile(r"https?://[^\s@?]+([@?]?)", re.IGNORECASE)
LARGEST_MB = 1  # a contract of a thousand columns has a tenth of it


class _ContractYaml(Document):
    """YAML whose keys are always text (`1:` and `NO:` are columns of that name) and never stand twice in one place."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                problem = "a key is a word or a number, not a list or keys of its own: put it in quotes if it is a text"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            key = str(key_node.value)
            if key in result:
                raise yaml.constructor.ConstructorError(None, None, f'"{key}" stands twice in one place', key_node.start_mark)
            result[key] = self.construct_object(value_node, deep=True)
        return result


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
    secrets = [place for place, text in _texts(document) if _holds_secret(place, text)]
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


def _holds_secret(place: Place, text: str) -> bool:
    plain = unicodedata.normalize("NFKC", text)
    prose = _PAGE.sub(lambda page: page[0] if page[1] else "", plain) if place in _PROSE else plain
    return bool(_SECRET.search(plain) or _ADDRESS.search(prose))


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
        if path.stat().st_size > LARGEST_MB * 1_000_000:
            size = f"is larger than {LARGEST_MB} MB: a contract names columns and holds no rows; long look-ups belong in a code list"
            raise DefinitionError([Fault(path.name, "", size)])
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DefinitionError([Fault(path.name, "", f"cannot be read ({error.strerror})")]) from None
    except UnicodeDecodeError:
        raise DefinitionError([Fault(path.name, "", "is not UTF-8; save it in that encoding")]) from None
    try:
        return parsed(text, _ContractYaml)
    except NotYaml as error:
        raise DefinitionError([Fault(path.name, error.place, f"is not valid YAML: {error.problem}")]) from None


def _texts(document: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    if isinstance(document, dict):
        for name, value in document.items():
            yield from _texts(value, (*place, str(name)))
    elif isinstance(document, list):
        for position, value in enumerate(document):
            yield from _texts(value, (*place, position))
    elif isinstance(document, str):
        yield place, document
