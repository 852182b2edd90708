"""Elements that treat every value alike: a test of values takes one of them."""

from collections.abc import Iterable

from standards.model import DataElement


def one_per_behavior(elements: Iterable[DataElement]) -> list[DataElement]:
    """The first of all elements that have the same type, form, range and code list; lengths apart."""
    firsts: dict[object, DataElement] = {}
    for element in elements:
        firsts.setdefault((element.type, element.pattern, element.minimum, element.maximum, element.code_list), element)
    return list(firsts.values())
