"""A form that was changed is looked at on every row; one that is listed is only left out because the type's own test is narrower."""

import pytest

from standards.loader import load_standards
from standards.model import DataElement
from standards.sure_forms import ANY, PRESENT, _listed, form_digest, is_implied, is_present
from standards.types.general import MISSING
from tests.standards.behavior import one_per_behavior
from tests.standards.test_sure import RIGHT, sure_ones

STANDARDS = load_standards()
PRESENT_ONES = [element for element in one_per_behavior(STANDARDS.elements.values()) if is_present(element)]


@pytest.mark.parametrize("name", RIGHT)
def test_a_form_that_was_narrowed_is_believed(name: str) -> None:
    element = STANDARDS.elements[name]
    assert sure_ones(element.model_copy(update={"pattern": "^nothing$"}), [RIGHT[name]]) == []
    assert sure_ones(element.model_copy(update={"pattern": "."}), [RIGHT[name]]) == [RIGHT[name]]


def test_only_forms_that_are_in_use_are_listed() -> None:
    used = {(element.type, form_digest(element.pattern)) for element in STANDARDS.elements.values() if element.pattern}
    listed = {(kind, form) for kind, forms in _listed().items() for form in forms if form not in (ANY, PRESENT)}
    assert listed <= used, "take those out that no element has any longer"
    assert [name for name in RIGHT if not is_implied(STANDARDS.elements[name])] == [], (
        "every row of these is looked at twice: list their forms"
    )


@pytest.mark.parametrize("element", PRESENT_ONES, ids=lambda element: element.id)
def test_a_type_that_needs_no_list_calls_nothing_sure_that_stands_for_a_missing_value(element: DataElement) -> None:
    repeated = [digit * length for digit in "0123456789" for length in range(6, 41)]
    assert sure_ones(element, [*MISSING, *repeated]) == []
