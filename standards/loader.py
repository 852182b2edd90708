"""Reads the standard from its files and says everything that is wrong with it at once."""

import csv
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from core.errors import DefinitionError, Fault
from standards.code_list_faults import code_list_faults
from standards.faults import element_faults, rule_faults, schema_faults
from standards.model import Code, CodeList, CrossRule, DataElement, Definition, IssueType, Release, Schema, Standards

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
        self.faults += element_faults(elements, code_lists, self._stems("code_lists"), issue_types)
        self.faults += code_list_faults(code_lists)
        self.faults += schema_faults(schemas)
        self.faults += rule_faults(cross_rules, schemas, self._stems("data_elements") - elements.keys(), issue_types, code_lists)
        body = self._yaml(self.folder / "version.yml")
        release = self._model("version.yml", Release, body) if body is not None else None
        if self.faults:
            raise DefinitionError(self.faults)
        return Standards.model_construct(
            release=release, elements=elements, code_lists=code_lists, schemas=schemas, issue_types=issue_types, cross_rules=cross_rules
        )

    def _stems(self, name: str) -> set[str]:
        """Ids of the definitions that have a file, readable or not: what names one of them is not at fault."""
        return {path.stem for path in (self.folder / name).glob("*.yml")}

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
        declared = body.get("attributes")
        codes = self._codes(f"code_lists/{table.name}", table, tuple(declared) if isinstance(declared, dict) else ())
        return body | {"codes": codes} if codes is not None else None

    def _codes(self, file: str, table: Path, own: tuple[str, ...]) -> tuple[Code, ...] | None:
        with table.open(encoding="utf-8", newline="") as stream:
            head, *rows = csv.reader(stream)
        names, possible = set(head), _CODE_COLUMNS.union(own)
        if wrong := (names - possible) | ({"code", "name_zh", *own} - names):
            self._fault(file, ",".join(sorted(wrong)), f"columns are code, name_zh and any of {', '.join(sorted(possible))}")
            return None
        uneven = [line for line, row in enumerate(rows, start=2) if len(row) != len(head)]
        for line in uneven:
            self._fault(file, f"line {line}", f"{len(head)} cells are expected")
        if uneven:
            return None
        try:
            return _CODES.validate_python([_code(dict(zip(head, row, strict=True)), own) for row in rows])
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_input=False):
                row, *key = problem["loc"]
                self._fault(file, ".".join((f"line {int(row) + 2}", *map(str, key))), problem["msg"])
            return None

    def _with_elements(self, path: Path, body: dict[str, Any], elements: Mapping[str, DataElement]) -> dict[str, Any] | None:
        """Replace element ids of a schema by the elements."""
        file = f"schemas/{path.name}"
        uses = body.get("uses")
        if not isinstance(uses, list) or not all(isinstance(use, dict) for use in uses):
            self._fault(file, "uses", "a list of mappings with the key `element` is expected")
            return None
        ids, files = [str(use.get("element", "")) for use in uses], self._stems("data_elements")
        for name in ids:
            if name not in files:
                self._fault(file, f"uses.{name}", "no such data element")
            elif ids.count(name) > 1:
                self._fault(file, f"uses.{name}", "used twice")
        for name in body.get("identity") or ():
            if name not in ids:
                self._fault(file, f"identity.{name}", "not among the uses")
        known = [use | {"element": elements[name]} for use, name in zip(uses, ids, strict=True) if name in elements]
        return body | {"uses": known}


_CODES = TypeAdapter(tuple[Code, ...])
_PLAIN = ("code", "valid_from", "valid_to", "parent", "level", "sureness")
_LISTED = ("aliases", "successors")
_CODE_COLUMNS = {*_PLAIN, *_LISTED, "name_zh", "name_en"}


def _code(row: Mapping[str, str], own: Sequence[str]) -> dict[str, Any]:
    """The attributes of a code that a row gives; several aliases or successors are parted by semicolons."""
    made: dict[str, Any] = {name: row[name] for name in _PLAIN if row.get(name)}
    made["title"] = {"zh": row["name_zh"], "en": row.get("name_en", "")}
    for name in _LISTED:
        if row.get(name):
            made[name] = tuple(part for part in row[name].split(";") if part)
    made["attributes"] = {name: row[name] for name in own if row[name]}
    return made
