"""What the data dictionary's search looks through: one script of plain rows, read from disk as a page reads any script."""

import json
from collections.abc import Callable, Iterator

from standards.model import CodeList, Standards

Row = list[str]


def to_search_index(standards: Standards, address: Callable[..., str], codes_per_page: int) -> str:
    """The script. A row is kind, id, Chinese title, English title, other names (one a line), address; a code's page follows from its place."""
    rows = [*_definitions(standards, address)]
    codes = {name: _codes(code_list) for name, code_list in standards.code_lists.items()}
    text = json.dumps({"per_page": codes_per_page, "definitions": rows, "codes": codes}, ensure_ascii=False, separators=(",", ":"))
    return f"window.DICTIONARY = {text};\n"


def _definitions(standards: Standards, address: Callable[..., str]) -> Iterator[Row]:
    for schema in standards.schemas.values():
        yield ["schema", schema.id, schema.title.zh, schema.title.en, schema.table, address("schema", schema.id)]
    for element in standards.elements.values():
        others = "\n".join((*element.aliases, element.source.standard))
        yield ["element", element.id, element.title.zh, element.title.en, others, address("element", element.id)]
    for code_list in standards.code_lists.values():
        title = code_list.title
        yield ["list", code_list.id, title.zh, title.en, code_list.source.standard, address("code_list", code_list.id)]
    for issue in standards.issue_types.values():
        yield ["issue", issue.id, issue.title.zh, issue.title.en, "", address("issue", issue.id)]


def _codes(code_list: CodeList) -> list[Row]:
    """Code, names, other spellings, end and beginning of its validity and the code above it, in the order of the list."""
    return [
        [code.code, code.title.zh, code.title.en, "\n".join(code.aliases), code.valid_to, code.valid_from, code.parent]
        for code in code_list.codes
    ]
