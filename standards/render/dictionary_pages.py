"""What each page of the data dictionary shows: its address, its template and the definitions that go into it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from standards.checks import severity_in
from standards.model import Code, CodeList, DataElement, Schema, SchemaUse, Severity, Standards
from standards.render.examples import example
from standards.value_types import issue_kinds

CODES_PER_PAGE = 500
CATEGORIES = "sensitive_pi"
Kind = Literal["schema", "element", "code_list", "issue"]


def address(kind: Kind, name: str, page: int = 1) -> str:
    """Where a definition is described, from the root of one language."""
    match kind:
        case "schema":
            return f"schemas/{name}.html"
        case "element":
            return f"elements/{name}.html"
        case "code_list":
            return f"code-lists/{name}.html" if page == 1 else f"code-lists/{name}-{page}.html"
        case "issue":
            return f"issues.html#{name}"


def anchor(code: Code) -> str:
    """Where a code stands on its page; an earlier holder of the same code carries its first year."""
    return f"c{code.code}" if code.is_current else f"c{code.code}-{code.valid_from}"


@dataclass(frozen=True)
class Page:
    """One page: its address, its template and what it shows."""

    path: str
    template: str
    values: dict[str, Any]


def pages(standards: Standards) -> Iterator[Page]:
    """Every page of one language, in the order of the definitions."""
    yield Page("index.html", "index.html", {"elements": _in_order(standards)})
    yield Page("issues.html", "issues.html", {"raised_by": _raised_by(standards)})
    for schema in standards.schemas.values():
        rules = [rule for rule in standards.cross_rules if rule.schema_id == schema.id]
        yield Page(address("schema", schema.id), "schema.html", {"schema": schema, "rules": rules})
    for element in standards.elements.values():
        yield Page(address("element", element.id), "element.html", _element_values(element, standards))
    for code_list in standards.code_lists.values():
        yield from _code_list_pages(code_list, standards)


def _in_order(standards: Standards) -> list[DataElement]:
    """The elements as the schemas bring them up, then those that no schema has."""
    used = {element.id: element for schema in standards.registries for element in schema.elements}
    return [*used.values(), *(element for name, element in standards.elements.items() if name not in used)]


def _element_values(element: DataElement, standards: Standards) -> dict[str, Any]:
    uses = _uses(element, standards)
    return {
        "element": element,
        "uses": uses,
        "codes": standards.code_lists.get(element.code_list or ""),
        "issues": [(standards.issue_types[name], _severities(name, uses, standards)) for name in _issues(element, uses)],
        "rules": [rule for rule in standards.cross_rules if element.id in rule.needs],
        "example": example(element, standards),
        "category": _category(element, standards),
        "one_page": element.code_list is not None and len(standards.code_lists[element.code_list].codes) <= CODES_PER_PAGE,
    }


def _category(element: DataElement, standards: Standards) -> Code | None:
    """The kind of personal information, as GB/T 35273 and the law name it."""
    kinds = standards.code_lists[CATEGORIES].codes if element.personal_category else ()
    return next((code for code in kinds if code.code == element.personal_category), None)


def _code_list_pages(code_list: CodeList, standards: Standards) -> Iterator[Page]:
    users = [element for element in standards.elements.values() if element.code_list == code_list.id]
    total = len(code_list.codes)
    pages = -(-total // CODES_PER_PAGE)
    # A code in force goes before an earlier holder of the same code.
    ordered = sorted(enumerate(code_list.codes), key=lambda item: item[1].is_current)
    places = {code.code: (place // CODES_PER_PAGE + 1, anchor(code)) for place, code in ordered}
    for page in range(1, pages + 1):
        codes = code_list.codes[(page - 1) * CODES_PER_PAGE : page * CODES_PER_PAGE]
        values = {"list": code_list, "codes": codes, "users": users, "page": page, "pages": pages, "total": total, "places": places}
        yield Page(address("code_list", code_list.id, page), "code_list.html", values)


def _uses(element: DataElement, standards: Standards) -> list[tuple[Schema, SchemaUse]]:
    return [(schema, use) for schema in standards.registries if (use := schema.use(element.id)) is not None]


def _issues(element: DataElement, uses: list[tuple[Schema, SchemaUse]]) -> list[str]:
    return [*(["missing"] if any(use.required for _, use in uses) else []), *issue_kinds(element), "repaired"]


def _severities(name: str, uses: list[tuple[Schema, SchemaUse]], standards: Standards) -> dict[Severity, list[Schema]]:
    """How bad an issue is, and in which schemas."""
    found: dict[Severity, list[Schema]] = {}
    for schema, use in uses:
        if name != "missing" or use.required:
            found.setdefault(severity_in(use, standards.issue_types[name]), []).append(schema)
    return found


def _raised_by(standards: Standards) -> dict[str, list[DataElement]]:
    found: dict[str, list[DataElement]] = {name: [] for name in standards.issue_types}
    for element in standards.elements.values():
        for name in _issues(element, _uses(element, standards)):
            if name != "repaired":  # every element can have that
                found[name].append(element)
    return found
