"""Elements that treat every value alike: a test of values takes one of them."""

from collections.abc import Iterable

from standards.model import DataElement


def behavior(element: DataElement) -> tuple[object, ...]:
    """What says how an element treats a value: type, form, range and code list; lengths apart."""
    return element.type, element.pattern, element.minimum, element.maximum, element.code_list


def one_per_behavior(elements: Iterable[DataElement]) -> list[DataElement]:
    """The first of all elements that behave the same."""
    firsts: dict[object, DataElement] = {}
    for element in elements:
        firsts.setdefault(behavior(element), element)
    return list(firsts.values())
