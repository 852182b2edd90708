"""The data dictionary: what every column means, for people, in both languages."""

from collections.abc import Iterator

from standards.model import CodeList, DataElement, Schema, SchemaUse, Standards

_HEAD = "| 数据项 Element | 名称 Title | 含义 Definition | 类型 Type | 代码表 Code list | 必填 Required | 分级 Class | 依据 Source |"
_SURENESS = {"verified": "", "single": " ¹", "memory": " ²"}
MOST_CODES = 80  # longer lists are named, not printed


def to_dictionary(standards: Standards) -> str:
    """The whole dictionary as Markdown: one table per schema, then the code lists they use."""
    parts = [f"# 数据字典 Data dictionary {standards.version}", "¹ 仅见一处来源 seen in one source · ² 未见原文 not seen in a source"]
    parts += ["\n".join(_schema(schema)) for schema in standards.schemas.values()]
    parts += ["\n".join(_code_list(code_list)) for code_list in standards.code_lists.values()]
    return "\n\n".join(parts) + "\n"


def _schema(schema: Schema) -> Iterator[str]:
    yield f"## {schema.title.zh} {schema.title.en} (`{schema.table}`)"
    yield ""
    yield _HEAD
    yield "|" + "---|" * 8
    yield from (_row(use) for use in schema.uses)


def _row(use: SchemaUse) -> str:
    element = use.element
    source = f"{element.source.standard} {element.source.clause}".strip() + _SURENESS[element.source.sureness]
    cells = (
        f"`{element.id}`",
        f"{element.title.zh} {element.title.en}",
        f"{element.definition.zh}。{element.definition.en}.",
        _type(element),
        f"`{element.code_list}`" if element.code_list else "",
        "是 yes" if use.required else "",
        element.classification,
        source,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(element: DataElement) -> str:
    if element.data_type != "string" or element.max_length is None:
        return element.data_type
    low = element.min_length
    return f"string({element.max_length})" if low == element.max_length else f"string({low or 0}..{element.max_length})"


def _code_list(code_list: CodeList) -> Iterator[str]:
    yield f"## {code_list.title.zh} {code_list.title.en} (`{code_list.id}`, {code_list.source.standard})"
    yield ""
    current = [code for code in code_list.codes if not code.valid_to]
    if len(current) > MOST_CODES:
        yield f"{len(current)} 个现行代码 current codes: `standards/code_lists/{code_list.id}.csv`"
        return
    yield "| 代码 Code | 名称 Name |"
    yield "|---|---|"
    yield from (f"| {code.code} | {f'{code.title.zh} {code.title.en}'.strip()} |" for code in current)
