"""What can be wrong between the definitions of a standard, once each can be read by itself; code lists have a module of their own."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import date

from core.errors import Fault
from standards.documents import Finding
from standards.expressions import expressions
from standards.model import ANY_CLASS, TODAY, UNKNOWN, CodeList, CrossRule, DataElement, Schema
from standards.portable_patterns import not_portable
from standards.value_types import CODED, PIPELINE_ISSUES, SHARED_ISSUES, issue_kinds

CODE_IN_FORCE = ("is_not_in_force",)  # expressions over a code and the day on which it should have held
PERSONAL_CATEGORIES = "sensitive_pi"  # the code list of kinds of personal information


def element_faults(
    elements: Mapping[str, DataElement],
    code_lists: Mapping[str, CodeList],
    known_lists: Container[str],
    issue_types: Container[str],
) -> Iterator[Fault]:
    """Faults of the data elements; known are the lists and issue types that are written down, readable or not."""
    categories = _categories(code_lists)
    for name, element in elements.items():
        found = (*_type(element, known_lists, issue_types), *_bounds(element), *_personal(element, categories))
        yield from (Fault(f"standards/data_elements/{name}.yml", key, message) for key, message in found)
    for element_id, key, message in _same_meanings(list(elements.values())):
        yield Fault(f"standards/data_elements/{element_id}.yml", key, message)


def schema_faults(schemas: Mapping[str, Schema], elements: Mapping[str, DataElement], known: Container[str]) -> Iterator[Fault]:
    """Elements that stand in a schema of another kind of thing, and kinds of things that there are not; `known` are schemas with a file."""
    tables: dict[str, str] = {}
    for schema in schemas.values():
        file = f"standards/schemas/{schema.id}.yml"
        if tables.setdefault(schema.table, schema.id) != schema.id:
            yield Fault(file, "table", f"{schema.table} is that of {tables[schema.table]}: each has its own")
        for element in schema.elements:
            if element.object_class not in (schema.id, ANY_CLASS, *schema.about):
                yield Fault(file, f"uses.{element.id}", f"an element of {element.object_class}")
        yield from (Fault(file, "about", f"no such schema: {name}") for name in schema.about if name not in known)
        for key in ("short", "one", "counted"):
            if getattr(schema, key) is None:
                yield Fault(file, key, "pages call the registry by it: say it in both languages")
    yield from _classes(elements, known)


def _classes(elements: Mapping[str, DataElement], known: Container[str]) -> Iterator[Fault]:
    """Kinds of things that no schema is about: where several elements name one, it is the schema that is missing."""
    strangers = defaultdict(list)
    for element in elements.values():
        if element.object_class != ANY_CLASS and element.object_class not in known:
            strangers[element.object_class].append(element.id)
    for name, naming in strangers.items():
        if len(naming) > 1:
            yield Fault(f"standards/schemas/{name}.yml", "", "the file is missing")
        else:
            yield Fault(f"standards/data_elements/{naming[0]}.yml", "object_class", f"no such schema: {name}")


def rule_faults(
    cross_rules: Iterable[CrossRule],
    schemas: Mapping[str, Schema],
    unread: Container[str],
    known_schemas: Container[str],
    issue_types: Container[str],
    code_lists: Mapping[str, CodeList],
) -> Iterator[Fault]:
    """Faults of the rules over several elements, and issue types that the pipeline misses; `unread` are elements that could not be read."""
    for name in PIPELINE_ISSUES:
        if name not in issue_types:
            yield Fault("standards/issue_types.yml", name, "the pipeline needs this issue type")
    for rule in cross_rules:
        schema = schemas.get(rule.schema_id)
        found = [*_needs(rule, schema, unread), *_expression(rule), *_in_force(rule, schema, code_lists)]
        if rule.schema_id not in known_schemas:
            found.append(("schema", f"no such schema: {rule.schema_id}"))
        if rule.issue_type not in issue_types:
            found.append(("issue_type", f"no such issue type: {rule.issue_type}"))
        yield from (Fault("standards/cross_rules.yml", f"{rule.id}.{key}", message) for key, message in found)


def _needs(rule: CrossRule, schema: Schema | None, unread: Container[str]) -> Iterator[Finding]:
    for name in rule.needs:
        if schema is not None and schema.use(name) is None and name not in unread:
            yield "needs", f"{rule.schema_id} has no element {name}"


def _expression(rule: CrossRule) -> Iterator[Finding]:
    """An expression that there is, with as many values as it takes."""
    values = expressions().get(rule.expression)
    if values is None:
        yield "expression", f"no such expression: {rule.expression}; there are {', '.join(expressions())}"
    elif len(values) != len(rule.needs):
        yield "needs", f"{len(rule.needs)} elements, and {rule.expression} takes {len(values)} values: {', '.join(values)}"


def _in_force(rule: CrossRule, schema: Schema | None, code_lists: Mapping[str, CodeList]) -> Iterator[Finding]:
    """A code and a day are asked for, and a list that has dates: of any other the rule could find nothing."""
    if schema is None or rule.expression not in CODE_IN_FORCE:
        return
    code, day = (schema.use(name) for name in (*rule.needs, "", "")[:2])
    if code is not None:
        known = code_lists.get(code.element.code_list or "")
        if code.element.code_list is None or (known is not None and not known.is_dated):
            yield "needs", f"{code.element.id} has no code list with dates"
    if day is not None and day.element.type not in ("date", "timestamp"):
        yield "needs", f"{day.element.id} is no date"


def _categories(code_lists: Mapping[str, CodeList]) -> tuple[str, ...]:
    known = code_lists.get(PERSONAL_CATEGORIES)
    return known.current if known is not None else ()


def _type(element: DataElement, lists: Container[str], issue_types: Container[str]) -> Iterator[Finding]:
    if element.type not in SHARED_ISSUES:
        yield "type", f"no such value type: {element.type}; there are {', '.join(SHARED_ISSUES)}"
        return
    if not element.source.clause:
        yield "source.clause", f"says where in the standard, or `{UNKNOWN}`"
    if element.code_list is not None and element.code_list not in lists:
        yield "code_list", f"no such code list: {element.code_list}"
    if (element.type in CODED) != (element.code_list is not None):
        yield "code_list", "a coded element names its code list, no other does"
    if (element.type == "date") != (element.data_type == "date"):
        yield "data_type", "value type date and data type date belong together"
    for issue in issue_kinds(element):
        if issue not in issue_types:
            yield "type", f"finds the issue type {issue}, which issue_types.yml does not have"


def _bounds(element: DataElement) -> Iterator[Finding]:
    if element.min_length is not None and element.max_length is not None and element.min_length > element.max_length:
        yield "min_length", "greater than max_length"
    for key, bound in (("minimum", element.minimum), ("maximum", element.maximum)):
        if bound is not None and not _is_bound(bound):
            yield key, f"{bound} is neither an ISO date nor {TODAY}"
    if element.minimum is not None and element.maximum is not None and element.minimum > element.maximum:
        yield "minimum", "greater than maximum"
    if element.pattern is not None and (fault := not_portable(element.pattern)) is not None:
        yield "pattern", fault


def _is_bound(text: str) -> bool:
    try:
        return text == TODAY or bool(re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) and date.fromisoformat(text))
    except ValueError:
        return False


def _personal(element: DataElement, categories: tuple[str, ...]) -> Iterator[Finding]:
    """The law decides: what is personal information is classified so, unless a law makes it public (as names of representatives)."""
    kind, category = element.personal_information, element.personal_category
    if element.classification in ("personal", "sensitive") and element.classification != kind:
        yield "classification", f"is {element.classification}, and personal_information says {kind}"
    if (kind == "none") != (category is None):
        yield "personal_category", "personal information names its category, nothing else does"
    if category is not None and categories and category not in categories:
        yield "personal_category", f"no such category: {category}; there are {', '.join(categories)}"


def _same_meanings(elements: list[DataElement]) -> Iterator[tuple[str, str, str]]:
    """One meaning has one element: no name, title or definition stands for two, and no clause of a standard is the source of two alike."""
    names, meanings = {bare(element.id): element for element in elements}, defaultdict(list)
    for element in elements:
        for name in element.aliases:
            if (named := names.setdefault(bare(name), element)) is not element:
                yield element.id, f"aliases.{name}", f"already means {named.id}"
        for meaning in _meanings(element):
            meanings[meaning].append(element)
    for (key, _), meant in meanings.items():
        for first, other in ((first, other) for place, other in enumerate(meant) for first in meant[:place] if _may_clash(first, other)):
            yield other.id, key, f"the same as that of {first.id}; one meaning has one element"


def _meanings(element: DataElement) -> Iterator[tuple[str, str]]:
    """What an element is called, what is said of it and where it comes from, as far as that says anything."""
    source = element.source
    texts = {
        "title.zh": element.title.zh,
        "title.en": element.title.en,
        "definition.zh": element.definition.zh,
        "definition.en": element.definition.en,
        "source.clause": f"{source.standard} {source.clause}" if source.clause not in ("", UNKNOWN) else "",
    }
    yield from ((key, said) for key, text in texts.items() if (said := bare(text)))


def bare(text: str) -> str:
    """What is left of a text without its width, case, blanks and punctuation: two texts alike in it say the same."""
    return "".join(character for character in unicodedata.normalize("NFKC", text).casefold() if character.isalnum())


def _may_clash(one: DataElement, other: DataElement) -> bool:
    return one.object_class == other.object_class or ANY_CLASS in (one.object_class, other.object_class)
