"""The data standard, for reading: elements, code lists, kinds of issue."""

from collections.abc import Iterable

from fastapi import APIRouter
from fastapi.responses import Response

from core.errors import RequestError
from pipeline.operation.datasets import dataset_states
from portal.context import PageDep
from portal.export import exported
from quality.report_data import DIMENSIONS, SEVERITIES
from registries.definition import load_definitions
from standards.model import Title

router = APIRouter()
CODES = 200


@router.get("/standards")
def elements(page: PageDep) -> Response:
    """Every data element."""
    standards = page.hub.standards
    used = {name: [schema for schema in standards.schemas.values() if schema.use(name)] for name in standards.elements}
    registry, text = page.request.query_params.get("registry", ""), page.request.query_params.get("q", "").strip()
    rows, sorting = page.sort(
        [
            item
            for item in standards.elements.values()
            if (not registry or any(schema.id == registry for schema in used[item.id])) and _names(item.id, item.title, item.aliases, text)
        ],
        {
            "id": lambda item: item.id,
            "title": lambda item: page.words(item.title),
            "type": lambda item: (item.data_type, item.type),
            "class": lambda item: item.classification,
            "source": lambda item: item.source.standard,
        },
        "id",
    )
    return exported(page, "data-elements", [_row(item) for item in rows]) or page.render(
        "standards.html", rows=rows, sorting=sorting, used=used, standards=standards, registry=registry, text=text
    )


def _names(identifier: str, title: Title, aliases: Iterable[str], text: str) -> bool:
    """Whether a text stands in one of the names of a thing."""
    return any(text.lower() in name.lower() for name in (identifier, title.zh, title.en, *aliases))


def _row(item: object) -> dict[str, object]:
    return item.model_dump(mode="json")  # type: ignore[attr-defined,no-any-return]


@router.get("/standards/elements/{element_id}")
def element(page: PageDep, element_id: str) -> Response:
    """One data element: what it means, what it allows, where it is used."""
    standards = page.hub.standards
    if element_id not in standards.elements:
        raise RequestError(f"the standard has no data element {element_id[:80]}")
    return page.render(
        "element.html",
        element=standards.elements[element_id],
        uses=[(schema, use) for schema in standards.schemas.values() if (use := schema.use(element_id))],
        orders={name: definition.order_of(element_id) for name, definition in load_definitions().items()},
        rules=[rule for rule in standards.cross_rules if element_id in rule.needs],
        datasets=[
            (state, state.contract.elements.get(element_id), state.contract.constants.get(element_id))
            for state in dataset_states(page.hub.home.catalog).values()
            if element_id in state.contract.elements or element_id in state.contract.constants
        ],
        codes=standards.code_lists.get(standards.elements[element_id].code_list or ""),
    )


@router.get("/standards/code-lists")
def code_lists(page: PageDep) -> Response:
    """Every code list."""
    standards = page.hub.standards
    users = {name: [item for item in standards.elements.values() if item.code_list == name] for name in standards.code_lists}
    rows, sorting = page.sort(
        standards.code_lists.values(),
        {
            "title": lambda item: page.words(item.title),
            "id": lambda item: item.id,
            "source": lambda item: item.source.standard,
            "codes": lambda item: len(item.current),
        },
        "id",
    )
    listed = [{**_row(item), "codes": len(item.current)} for item in rows]
    return exported(page, "code-lists", listed) or page.render("code_lists.html", rows=rows, sorting=sorting, users=users)


@router.get("/standards/code-lists/{list_id}")
def code_list(page: PageDep, list_id: str) -> Response:
    """One code list, page by page, with a search."""
    standards = page.hub.standards
    if list_id not in standards.code_lists:
        raise RequestError(f"the standard has no code list {list_id[:80]}")
    found = standards.code_lists[list_id]
    text, part = page.request.query_params.get("q", "").strip(), page.part(CODES)
    codes = [
        code for code in found.codes if not text or text in code.code or text in code.title.zh or text.lower() in code.title.en.lower()
    ]
    return exported(page, list_id, [_row(code) for code in codes]) or page.render(
        "code_list.html",
        list=found,
        codes=codes[part.offset : part.offset + CODES],
        total=len(codes),
        part=part,
        text=text,
        users=[item for item in standards.elements.values() if item.code_list == list_id],
    )


@router.get("/standards/issues")
def issues(page: PageDep) -> Response:
    """Every kind of issue with its words, and the rules over several elements."""
    standards = page.hub.standards
    rows, sorting = page.sort(
        standards.issue_types.values(),
        {
            "title": lambda item: page.words(item.title),
            "id": lambda item: item.id,
            "severity": lambda item: SEVERITIES.index(item.severity),
            "dimension": lambda item: DIMENSIONS.index(item.dimension),
        },
        "severity",
    )
    rules = page.request.query_params.get("list") == "rules"
    wanted = [_row(item) for item in (standards.cross_rules if rules else rows)]
    name = "cross-rules" if rules else "issue-types"
    return exported(page, name, wanted) or page.render("issues.html", issue_types=rows, sorting=sorting, standards=standards)
