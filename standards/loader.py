"""Reads the standard from its files and says everything that is wrong with it at once."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from core.errors import DefinitionError, Fault
from standards.model import Code, CodeList, CrossRule, DataElement, Definition, IssueType, Release, Schema, Standards
from standards.value_types import CODED, PIPELINE_ISSUES, SHARED_ISSUES, issue_kinds

FOLDER = Path(__file__).resolve().parent
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
D = TypeVar("D", bound=Definition)


def load_standards(root: Path = FOLDER) -> Standards:
    """The standard of this installation, or the one in another folder, read once. Raises DefinitionError with every fault."""
    return _substitutes.get(root) or _read_once(root)


def substitute(standards: Standards) -> None:
    """Put another version in the place of the installed one, for the rest of this process.

    For processes made to try a version out, before they ask for anything: what has been worked out from a standard is kept in many places.
    """
    _substitutes[FOLDER] = standards


_substitutes: dict[Path, Standards] = {}


@lru_cache(maxsize=8)
def _read_once(root: Path) -> Standards:
    return read_standards(root)


def read_standards(folder: Path) -> Standards:
    """Read a standard from a folder. Raises DefinitionError with every fault of every file."""
    return _Reading(folder).result()


class _Reading:
    """One reading of one folder: definitions as far as they can be made, and the faults met on the way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[Fault] = []

    def result(self) -> Standards:
        elements = self._named_files("data_elements", DataElement)
        code_lists = self._named_files("code_lists", CodeList, self._with_codes)
        schemas = self._named_files("schemas", Schema, lambda path, body: self._with_elements(path, body, elements))
        issue_types = {item.id: item for item in self._items("issue_types.yml", IssueType)}
        cross_rules = tuple(self._items("cross_rules.yml", CrossRule))
        self.faults += _reference_faults(elements, code_lists, schemas, issue_types, cross_rules)
        body = self._yaml(self.folder / "version.yml")
        release = self._model("version.yml", Release, body) if body is not None else None
        if self.faults:
            raise DefinitionError(self.faults)
        return Standards.model_construct(
            release=release, elements=elements, code_lists=code_lists, schemas=schemas, issue_types=issue_types, cross_rules=cross_rules
        )

    def _fault(self, file: str, key: str, message: str) -> None:
        self.faults.append(Fault(f"standards/{file}", key, message))

    def _named_files(
        self, name: str, model: type[D], prepare: Callable[[Path, dict[str, Any]], dict[str, Any] | None] | None = None
    ) -> dict[str, D]:
        """One definition per file; the id equals the file name."""
        found: dict[str, D] = {}
        for path in sorted((self.folder / name).glob("*.yml")):
            file = f"{name}/{path.name}"
            body = self._yaml(path)
            if body is None:
                continue
            if body.get("id") != path.stem:
                self._fault(file, "id", f"equals the file name: {path.stem}")
            prepared = prepare(path, body) if prepare else body
            item = self._model(file, model, prepared) if prepared is not None else None
            if item is not None:
                found[path.stem] = item
        return found

    def _items(self, name: str, model: type[D]) -> list[D]:
        """A file that holds a list of definitions under `items`; ids are unique in it."""
        body = self._yaml(self.folder / name) or {}
        entries = body.get("items")
        if not isinstance(entries, list):
            self._fault(name, "items", "a list of definitions is expected")
            return []
        for key, count in Counter(entry.get("id") for entry in entries if isinstance(entry, dict)).items():
            if count > 1:
                self._fault(name, str(key), f"defined {count} times")
        made = (self._model(name, model, entry, prefix=f"items.{index}") for index, entry in enumerate(entries))
        return [item for item in made if item is not None]

    def _yaml(self, path: Path) -> dict[str, Any] | None:
        file = path.relative_to(self.folder).as_posix()
        try:
            body = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - the safe loader, in C where there is one
        except FileNotFoundError:
            self._fault(file, "", "the file is missing")
            return None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            self._fault(file, f"line {mark.line + 1}" if mark else "", "not readable as YAML in UTF-8")
            return None
        if not isinstance(body, dict):
            self._fault(file, "", "a mapping is expected")
            return None
        return body

    def _model(self, file: str, model: type[D], body: Any, prefix: str = "") -> D | None:
        try:
            return model.model_validate(body)
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_input=False):
                key = ".".join(str(part) for part in ((prefix, *problem["loc"]) if prefix else problem["loc"]))
                self._fault(file, key, problem["msg"])
            return None

    def _with_codes(self, path: Path, body: dict[str, Any]) -> dict[str, Any] | None:
        """The codes stand in a CSV beside the YAML, unless they are few enough to stand in it."""
        if "codes" in body:
            return body
        table = path.with_suffix(".csv")
        if not table.exists():
            self._fault(f"code_lists/{path.name}", "codes", f"neither here nor in {table.name}")
            return None
        with table.open(encoding="utf-8", newline="") as stream:
            declared = body.get("attributes") or {}
            own = tuple(declared) if isinstance(declared, dict) else ()
            return body | {"codes": tuple(self._codes(f"code_lists/{table.name}", csv.DictReader(stream), own))}

    def _codes(self, file: str, rows: "csv.DictReader[str]", own: tuple[str, ...]) -> Iterator[Code]:
        names = set(rows.fieldnames or ())
        possible = _CODE_COLUMNS.union(own)
        wrong = (names - possible) | ({"code", "name_zh", *own} - names)
        if wrong:
            self._fault(file, ",".join(sorted(wrong)), f"columns are code, name_zh and any of {', '.join(sorted(possible))}")
            return
        for line, row in enumerate(rows, start=2):
            code = self._model(
                file,
                Code,
                {
                    "code": row["code"],
                    "title": {"zh": row["name_zh"], "en": row.get("name_en") or ""},
                    "aliases": _parts(row.get("aliases")),
                    "successors": _parts(row.get("successors")),
                    **{name: row.get(name) or "" for name in ("valid_from", "valid_to", "parent", "level", "sureness")},
                    "attributes": {name: row[name] for name in own if row[name]},
                },
                prefix=f"line {line}",
            )
            if code is not None:
                yield code

    def _with_elements(self, path: Path, body: dict[str, Any], elements: Mapping[str, DataElement]) -> dict[str, Any] | None:
        """Replace element ids of a schema by the elements."""
        file = f"schemas/{path.name}"
        uses = body.get("uses")
        if not isinstance(uses, list) or not all(isinstance(use, dict) for use in uses):
            self._fault(file, "uses", "a list of mappings with the key `element` is expected")
            return None
        ids = [str(use.get("element", "")) for use in uses]
        for name in ids:
            if name not in elements:
                self._fault(file, f"uses.{name}", "no such data element")
            elif ids.count(name) > 1:
                self._fault(file, f"uses.{name}", "used twice")
        for name in body.get("identity") or ():
            if name not in ids:
                self._fault(file, f"identity.{name}", "not among the uses")
        known = [use | {"element": elements[name]} for use, name in zip(uses, ids, strict=True) if name in elements]
        return body | {"uses": known}


_CODE_COLUMNS = {"code", "name_zh", "name_en", "aliases", "valid_from", "valid_to", "parent", "level", "successors", "sureness"}


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(part for part in (text or "").split(";") if part)


def _reference_faults(
    elements: Mapping[str, DataElement],
    code_lists: Mapping[str, CodeList],
    schemas: Mapping[str, Schema],
    issue_types: Mapping[str, IssueType],
    cross_rules: Iterable[CrossRule],
) -> Iterator[Fault]:
    for name, element in elements.items():
        for key, message in _element_faults(element, code_lists, issue_types):
            yield Fault(f"standards/data_elements/{name}.yml", key, message)
    for name, code_list in code_lists.items():
        for key, message in _code_list_faults(code_list):
            yield Fault(f"standards/code_lists/{name}.yml", key, message)
    for name in PIPELINE_ISSUES:
        if name not in issue_types:
            yield Fault("standards/issue_types.yml", name, "the pipeline needs this issue type")
    for rule in cross_rules:
        schema = schemas.get(rule.schema_id)
        if schema is None:
            yield Fault("standards/cross_rules.yml", f"{rule.id}.schema", f"no such schema: {rule.schema_id}")
        for name in rule.needs:
            if schema is not None and schema.use(name) is None:
                yield Fault("standards/cross_rules.yml", f"{rule.id}.needs", f"{rule.schema_id} has no element {name}")
        if rule.issue_type not in issue_types:
            yield Fault("standards/cross_rules.yml", f"{rule.id}.issue_type", f"no such issue type: {rule.issue_type}")


def _element_faults(
    element: DataElement, code_lists: Mapping[str, CodeList], issue_types: Mapping[str, IssueType]
) -> Iterator[tuple[str, str]]:
    if element.type not in SHARED_ISSUES:
        yield "type", f"no such value type: {element.type}; there are {', '.join(SHARED_ISSUES)}"
        return
    if element.code_list is not None and element.code_list not in code_lists:
        yield "code_list", f"no such code list: {element.code_list}"
    if (element.type in CODED) != (element.code_list is not None):
        yield "code_list", "a coded element names its code list, no other does"
    if (element.type == "date") != (element.data_type == "date"):
        yield "data_type", "value type date and data type date belong together"
    if element.min_length is not None and element.max_length is not None and element.min_length > element.max_length:
        yield "min_length", "greater than max_length"
    if element.pattern is not None:
        try:
            re.compile(element.pattern)
        except re.error:
            yield "pattern", "not a regular expression"
    for issue in issue_kinds(element):
        if issue not in issue_types:
            yield "type", f"finds the issue type {issue}, which issue_types.yml does not have"


def _code_list_faults(code_list: CodeList) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    current = set(code_list.current)
    for code in code_list.codes:
        for spelling in (code.code, *code.aliases):
            if seen.setdefault(spelling, code.code) != code.code:
                yield f"codes.{code.code}", f"{spelling} already stands for {seen[spelling]}"
    for wrong, right in code_list.fixes.items():
        if wrong in seen:
            yield f"fixes.{wrong}", "already a code or alias"
        if right not in current:
            yield f"fixes.{wrong}", f"{right} is not a current code"
    for junk in code_list.junk:
        if junk in seen or junk in code_list.fixes:
            yield f"junk.{junk}", "also a code, alias or fix"
    if not current:
        yield "codes", "no current code"
