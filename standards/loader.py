"""Reads the standard from its files and says everything that is wrong with it at once."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from core.errors import DefinitionError, Fault
from standards.code_list_faults import code_list_faults, needed_list_faults
from standards.code_tables import read_codes
from standards.documents import Finding, read_yaml
from standards.faults import element_faults, rule_faults, schema_faults
from standards.model import CodeList, CrossRule, DataElement, Definition, IssueType, Release, Schema, Standards

FOLDER = Path(__file__).resolve().parent
# What stands in each folder of definitions; anything else in it would be read by nothing.
_ENDINGS = {"data_elements": (".yml",), "code_lists": (".yml", ".csv"), "schemas": (".yml",)}
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


class _Anything:
    """The names in a folder or file that is not there: that alone is at fault, not what names one of them."""

    def __contains__(self, name: object) -> bool:
        return True


class _Reading:
    """One reading of one folder: definitions as far as they can be made, and the faults met on the way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[Fault] = []

    def result(self) -> Standards:
        for name in _ENDINGS:
            self._look_around(name)
        elements = self._named_files("data_elements", DataElement)
        code_lists = self._named_files("code_lists", CodeList, self._with_codes)
        schemas = self._named_files("schemas", Schema, lambda path, body: self._with_elements(path, body, elements))
        issue_types, known_issues = self._items("issue_types.yml", IssueType)
        cross_rules, _ = self._items("cross_rules.yml", CrossRule)
        known_lists = self._named("code_lists")
        self.faults += element_faults(elements, code_lists, known_lists, known_issues)
        self.faults += code_list_faults(code_lists, self._tables())
        self.faults += needed_list_faults(known_lists)
        self.faults += schema_faults(schemas, elements, self._named("schemas"))
        self.faults += rule_faults(cross_rules, schemas, self._unread(elements), self._named("schemas"), known_issues, code_lists)
        release = self._release()
        if self.faults:
            raise DefinitionError(self.faults)
        return Standards.model_construct(
            release=release,
            elements=elements,
            code_lists=code_lists,
            schemas=schemas,
            issue_types={item.id: item for item in issue_types},
            cross_rules=tuple(cross_rules),
        )

    def _look_around(self, name: str) -> None:
        """Folders that are not there or empty, and what stands in them and is read by nothing."""
        if not self._paths(name):
            self._fault(name, "", "the folder is missing, or holds no definition (*.yml)")
            return
        for path in sorted((self.folder / name).iterdir()):
            if path.suffix not in _ENDINGS[name] or path.is_dir():
                if not path.name.startswith("."):
                    self._fault(
                        f"{name}/{path.name}",
                        "",
                        f"nothing reads it: definitions end in {' or '.join(_ENDINGS[name])}; rename it or take it away",
                    )
            elif path.suffix == ".csv" and not path.with_suffix(".yml").exists():
                self._fault(f"{name}/{path.name}", "", f"nothing reads it: there is no {path.stem}.yml beside it")

    def _paths(self, name: str) -> list[Path]:
        return sorted(path for path in (self.folder / name).glob("*.yml") if path.is_file())

    def _named(self, name: str) -> Container[str]:
        """Ids of the definitions that have a file, readable or not: what names one of them is not at fault."""
        return {path.stem for path in self._paths(name)} or _Anything()

    def _unread(self, elements: Mapping[str, DataElement]) -> Container[str]:
        """Elements that have a file and could not be made."""
        known = self._named("data_elements")
        return known - elements.keys() if isinstance(known, set) else known

    def _tables(self) -> set[str]:
        return {path.stem for path in (self.folder / "code_lists").glob("*.csv")}

    def _fault(self, file: str, key: str, message: str) -> None:
        self.faults.append(Fault(f"standards/{file}", key, message))

    def _findings(self, file: str, findings: Iterable[Finding]) -> None:
        for key, message in findings:
            self._fault(file, key, message)

    def _named_files(
        self, name: str, model: type[D], prepare: Callable[[Path, dict[str, Any] | None], dict[str, Any] | None] | None = None
    ) -> dict[str, D]:
        """One definition per file; the id equals the file name."""
        found: dict[str, D] = {}
        for path in self._paths(name):
            file = f"{name}/{path.name}"
            body = self._yaml(path)
            if body is not None and body.get("id") != path.stem:
                self._fault(file, "id", f"equals the file name: {path.stem}")
            prepared = prepare(path, body) if prepare else body
            item = self._model(file, model, prepared) if prepared is not None else None
            if item is not None:
                found[path.stem] = item
        return found

    def _items(self, name: str, model: type[D]) -> tuple[list[D], Container[str]]:
        """A file that holds a list of definitions under `items`, and the ids that stand in it; they are unique."""
        body = self._yaml(self.folder / name)
        if body is None:
            return [], _Anything()
        for key in body.keys() - {"items"}:
            self._fault(name, key, "nothing reads it: the definitions stand under `items`")
        entries = body.get("items")
        if not isinstance(entries, list):
            self._fault(name, "items", "a list of definitions is expected")
            return [], _Anything()
        ids = Counter(str(entry.get("id")) for entry in entries if isinstance(entry, dict))
        for key, count in ids.items():
            if count > 1:
                self._fault(name, key, f"defined {count} times")
        made = (self._model(name, model, entry, prefix=f"items.{index}") for index, entry in enumerate(entries))
        return [item for item in made if item is not None], set(ids)

    def _release(self) -> Release | None:
        body = self._yaml(self.folder / "version.yml")
        return self._model("version.yml", Release, body) if body is not None else None

    def _yaml(self, path: Path) -> dict[str, Any] | None:
        body, findings = read_yaml(path)
        self._findings(path.relative_to(self.folder).as_posix(), findings)
        return body

    def _model(self, file: str, model: type[D], body: Any, prefix: str = "") -> D | None:
        """The definition; one with unknown keys is made without them, so that its other faults are found as well."""
        try:
            return model.model_validate(body)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
        for problem in problems:
            key = ".".join(str(part) for part in ((prefix, *problem["loc"]) if prefix else problem["loc"]))
            self._fault(file, key, problem["msg"])
        unknown = {problem["loc"][0] for problem in problems if problem["type"] == "extra_forbidden" and len(problem["loc"]) == 1}
        if len(unknown) < len(problems):
            return None
        return model.model_validate({key: value for key, value in body.items() if key not in unknown})

    def _with_codes(self, path: Path, body: dict[str, Any] | None) -> dict[str, Any] | None:
        """The codes stand in a CSV beside the YAML, unless they are few enough to stand in it."""
        table = path.with_suffix(".csv")
        if body is not None and "codes" in body:
            if table.exists():
                self._fault(f"code_lists/{table.name}", "", f"nothing reads it: {path.name} states the codes itself")
            return body
        if not table.exists():
            if body is not None:
                self._fault(f"code_lists/{path.name}", "codes", f"neither here nor in {table.name}")
            return None
        declared = body.get("attributes") or {} if body is not None else None
        codes, findings = read_codes(table, tuple(map(str, declared)) if isinstance(declared, dict) else None)
        self._findings(f"code_lists/{table.name}", findings)
        return body | {"codes": codes} if body is not None and codes is not None else None

    def _with_elements(self, path: Path, body: dict[str, Any] | None, elements: Mapping[str, DataElement]) -> dict[str, Any] | None:
        """Replace element ids of a schema by the elements."""
        if body is None:
            return None
        file = f"schemas/{path.name}"
        uses = body.get("uses")
        if not isinstance(uses, list) or not all(isinstance(use, dict) for use in uses):
            self._fault(file, "uses", "a list of mappings with the key `element` is expected")
            return None
        ids, known = [str(use.get("element", "")) for use in uses], self._named("data_elements")
        for name in ids:
            if name not in known:
                self._fault(file, f"uses.{name}", "no such data element")
            elif ids.count(name) > 1:
                self._fault(file, f"uses.{name}", "used twice")
        identity = body.get("identity")
        for name in identity if isinstance(identity, list) else ():
            if name not in ids:
                self._fault(file, f"identity.{name}", "not among the uses")
        found = [use | {"element": elements[name]} for use, name in zip(uses, ids, strict=True) if name in elements]
        return body | {"uses": found}
