"""A form that was changed is looked at on every row; one that is listed is only left out because the type's own test is narrower."""

import pytest

from standards.loader import load_standards
from standards.sure_forms import ANY, _listed, form_digest, is_implied
from tests.standards.test_sure import RIGHT, sure_ones

STANDARDS = load_standards()


@pytest.mark.parametrize("name", RIGHT)
def test_a_form_that_was_narrowed_is_believed(name: str) -> None:
    element = STANDARDS.elements[name]
    assert sure_ones(element.model_copy(update={"pattern": "^nothing$"}), [RIGHT[name]]) == []
    assert sure_ones(element.model_copy(update={"pattern": "."}), [RIGHT[name]]) == [RIGHT[name]]


def test_only_forms_that_are_in_use_are_listed() -> None:
    used = {(element.type, form_digest(element.pattern)) for element in STANDARDS.elements.values() if element.pattern}
    listed = {(kind, form) for kind, forms in _listed().items() for form in forms if form != ANY}
    assert listed <= used, "take those out that no element has any longer"
    assert [name for name in RIGHT if not is_implied(STANDARDS.elements[name])] == [], (
        "every row of these is looked at twice: list their forms"
    )
