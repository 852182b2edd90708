"""Rows with every fault that the elements of a registry can have, and a contract that maps them all."""

from contracts.model import Contract
from standards.loader import load_standards
from standards.model import DataElement
from standards.render.examples import example
from tests.factories import REGION, certificate_identifier, credit_code, resident_id, wrong_check
from tests.standards.cross_examples import cross_examples
from tests.standards.identifiers import USCC, make_resident_id, make_uscc

STANDARDS = load_standards()
TODAY = "2025-06-30"
GOOD: dict[str, str] = {
    "resident_id": resident_id(1),
    "unified_social_credit_code": credit_code(1),
    "certificate_issuer_code": credit_code(2),
    "certificate_holder_code": resident_id(2),
    "certificate_identifier": certificate_identifier(1),
    "certificate_number": "A123456",
    "household_division_code": "110101",
    "phone_number": "13800000001",
    "organization_phone_number": "010-12345678",
}
LONG = 500


def good(element: DataElement) -> str:
    """A right value of an element."""
    if element.type == "code":
        return STANDARDS.code_lists[element.code_list or ""].current[0]
    return GOOD.get(element.id) or example(element, STANDARDS)


def faults(element: DataElement) -> list[str]:
    """Raw values that between them have every issue the element can have."""
    by_type = {
        "resident_id": [
            wrong_check(resident_id(1)),
            make_resident_id(REGION + "19990230001"),
            make_resident_id(REGION + "20990203001"),
            make_resident_id("99110119990203001"[:17]),
            make_resident_id("00000019990203001"),
            "1101**********1234",
            "11010119990203",
            "不是号码",
        ],
        "uscc": [
            wrong_check(credit_code(1)),
            _wrong_inner(),
            make_uscc("91000000", "MA000001"),
            make_uscc("9A110101", "MA000001"),
            "9111**********123X",
            "911101",
            "不是代码",
        ],
        "holder_code": [wrong_check(resident_id(1)), wrong_check(credit_code(1)), "1101**********1234", "A1", "不是代码"],
        "document_number": [wrong_check(resident_id(1)), "11**********34", "不是号码?", "A" * LONG],
        "certificate_identifier": [wrong_check(certificate_identifier(1)), "1.2.156.9", "x" * LONG],
        "certificate_number": ["锟斤拷锟斤拷", "编号?!", "A" * LONG],
        "date": ["2001-02-30", "01/02/03", "2999-01-01", "1700-01-01", "不是日期"],
        "division": ["999999", "11", "不是区划"],
        "code": ["不是代码", "XYZ"],
        "person_name": ["李**", "李先生", "锟斤拷", "李", "李" * LONG, "李9"],
        "organization_name": ["北京**公司", "锟斤拷公司", "公", "公司" * LONG, "公司<b>", "样例公司（已注销）"],
        "address": ["北京市东城区", "北京市****号", "锟斤拷锟斤拷锟斤拷", "街1号", "街" * LONG, "北京市东城区甲街1号；北京市西城区乙街2号"],
        "phone": ["138****0001", "123", "1" * 40],
        "money": ["壹佰", "-5 CNY", "100 ZZZ", "12345" * 10 + " CNY"],
        "organization_code": ["MA0000019", "********9", "123"],
        "postal_code": ["1234", "邮编?", "1000000"],
        "registration_number": ["110101000000011", "110101000000012", "*" * 15, "123"],
        "count": ["一二", "98" * 25],
        "historic_division": ["999999", "11", "不是区划"],
        "identifier": ["11**********34", "不是号码?", "A" * LONG, "1"],
        "latin_name": ["****", "锟斤拷", "A" * LONG, "A", "张"],
        "long_code": ["不是代码", "XYZ"],
        "timestamp": ["2001-02-30 10:00:00", "2001", "不是时间"],
        "text": ["锟斤拷锟斤拷", "字", "字" * ((element.max_length or 3 * LONG) + 1)],
    }
    return by_type[element.type]


def _wrong_inner() -> str:
    """A credit code whose own check character is right although that of the organization code within it is not."""
    code = credit_code(1)
    body = code[:16] + ("1" if code[16] != "1" else "2")
    return body + USCC[(31 - sum(USCC.index(c) * 3**place for place, c in enumerate(body)) % 31) % 31]


def rows_with_faults(schema_id: str) -> list[dict[str, str | None]]:
    """For each element: right, missing, and each way to be wrong; then pairs of values that do not go together."""
    elements = STANDARDS.schemas[schema_id].elements
    right: dict[str, str | None] = {element.id: good(element) for element in elements}
    rows = [dict(right) for _ in range(3)]
    for element in elements:
        rows += [right | {element.id: value} for value in (None, *faults(element))]
    examples = cross_examples()
    for rule in STANDARDS.cross_rules:
        if rule.schema_id == schema_id:
            rows += [
                right | dict(zip(rule.needs, [value or None for value in values], strict=True)) for values in examples[rule.id]["break"]
            ]
    return rows


def contract(schema_id: str) -> Contract:
    """A contract that maps every element of a registry, each from a column of its own name."""
    return Contract.model_validate(
        {
            "id": f"test__{schema_id}",
            "title": {"zh": "全部", "en": "All"},
            "department": {"id": "test", "title": {"zh": "测试", "en": "Test"}},
            "feeds": [schema_id],
            "source": {"kind": "csv", "connection": "drop", "path": "all.csv"},
            "record_key": "*",
            "columns": {element.id: element.id for element in STANDARDS.schemas[schema_id].elements},
        }
    )
