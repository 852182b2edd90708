"""The value types there are, and the issue types each can find beyond those that follow from the element's own attributes.

Light on purpose: checks, loader and documents need the names, not the expressions. A test compares this table with the modules.
"""

from typing import Literal

from standards.model import TODAY, DataElement

Kind = Literal["not_null", "regex", "in_set", "length", "between", "unique", "shared"]

# What a type finds by an expression of its own, in the order of the module's `issues`.
SHARED_ISSUES: dict[str, tuple[str, ...]] = {
    "address": ("no-division", "division-only", "several-values", "masked-value", "lossy-encoding"),
    "certificate_identifier": ("wrong-check-character",),
    "certificate_number": ("lossy-encoding",),
    "code": (),
    "count": (),
    "date": ("no-such-date", "ambiguous-date", "future-date"),
    "division": ("unknown-division",),
    "document_number": ("wrong-check-character", "masked-value"),
    "foreign_card": ("unknown-code", "unknown-division", "no-such-date", "wrong-check-character", "future-date", "masked-value"),
    "historic_division": ("unknown-division",),
    "holder_code": ("wrong-check-character", "masked-value"),
    "identifier": ("masked-value",),
    "latin_name": ("masked-value", "lossy-encoding"),
    "long_code": ("unknown-code",),
    "money": ("unknown-code",),
    "organization_code": ("wrong-check-character", "masked-value"),
    "organization_name": ("not-a-name", "masked-value", "lossy-encoding"),
    "percentage": ("unit-missing",),
    "period": ("no-such-date", "end-before-begin"),
    "person_name": ("not-a-name", "masked-value", "lossy-encoding"),
    "phone": ("masked-value",),
    "postal_code": (),
    "registration_number": ("wrong-check-character",),
    "resident_id": ("no-such-date", "future-date", "unknown-division", "wrong-check-character", "masked-value"),
    "text": ("lossy-encoding",),
    "timestamp": ("no-such-date",),
    "uscc": ("unknown-category", "unknown-division", "wrong-inner-code", "wrong-check-character", "masked-value"),
}
# How a code list of documents may say what their numbers are like (`standards/number_forms.py`).
NUMBER_FORMS = (
    *("identity_card", "citizen_number", "residence_permit", "foreign_card", "credit_code"),
    *("no_citizen_number", "no_credit_code", "own"),
)
# Types whose values come from a code list.
CODED = ("code", "long_code", "division", "historic_division")
# Issue types that only the pipeline finds.
PIPELINE_ISSUES = ("missing", "repaired", "duplicate-key")
# Code lists that value types, spellings and cross-field rules look things up in, whichever elements draw on them.
NEEDED_LISTS = ("certificate_kind", "certificate_type", "currency", "division", "ethnic_group")


def stock_issues(element: DataElement) -> dict[str, Kind]:
    """Issue types that follow from the element's attributes, each with its kind of check."""
    found: dict[str, Kind] = {}
    if element.pattern is not None:
        found["wrong-form"] = "regex"
    if element.min_length is not None or element.max_length is not None:
        found["wrong-length"] = "length"
    if element.type == "code":
        found["unknown-code"] = "in_set"
    if element.minimum is not None:
        found["out-of-range"] = "between"
    return found


def issue_kinds(element: DataElement) -> dict[str, Kind]:
    """Every issue type a value of this element can have, with the kind of its check."""
    shared = [name for name in SHARED_ISSUES[element.type] if element.type != "date" or name != "future-date" or element.maximum == TODAY]
    return stock_issues(element) | dict.fromkeys(shared, "shared")
