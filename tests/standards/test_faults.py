"""A standard with faults: each is reported by file and key, all of them at once, and nothing is loaded."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.errors import DefinitionError
from standards.loader import FOLDER, load_standards, read_standards

Body = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the standard's files."""
    root = tmp_path / "standards"
    for name in ("data_elements", "code_lists", "schemas"):
        shutil.copytree(FOLDER / name, root / name)
    for name in ("issue_types.yml", "cross_rules.yml", "version.yml"):
        shutil.copy(FOLDER / name, root)
    return root


def edit(path: Path, change: Callable[[Body], Any]) -> None:
    """Change a definition; the change may also return another body."""
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(change(body) or body, allow_unicode=True), encoding="utf-8")


def put(**values: Any) -> Callable[[Body], None]:
    return lambda body: body.update(values)


def write_list(folder: Path, name: str, rows: str, **body: Any) -> None:
    source = {"standard": "made up", "sureness": "memory"}
    title = {"zh": name, "en": name}
    (folder / f"code_lists/{name}.yml").write_text(yaml.safe_dump({"id": name, "title": title, "source": source} | body), encoding="utf-8")
    (folder / f"code_lists/{name}.csv").write_text(f"code,name_zh,aliases,valid_from,valid_to,parent,successors\n{rows}", encoding="utf-8")


def spoil_elements(folder: Path) -> None:
    elements = folder / "data_elements"
    edit(elements / "sex_code.yml", put(colour="red"))
    edit(elements / "education_code.yml", put(code_list="schooling"))
    edit(elements / "ethnic_group_code.yml", put(type="tribe"))
    edit(elements / "person_name.yml", put(min_length=60, pattern="^[一-"))
    edit(elements / "birth_date.yml", put(minimum="2100-01-01", maximum="2000-01-01"))
    edit(elements / "death_date.yml", put(data_type="string", classification="public", personal_category="fate"))
    edit(elements / "former_name.yml", lambda body: body.pop("help") and None)
    edit(elements / "household_address.yml", put(personal_information="sensitive"))
    edit(elements / "household_number.yml", put(source={"standard": "GA/T 1218-2015", "sureness": "single"}))
    edit(elements / "approved_date.yml", put(code_list="sex", personal_category="basic"))
    edit(elements / "household_number.yml", put(aliases=["resident_id"]))
    edit(elements / "certificate_name.yml", put(title={"zh": "证照类型名称", "en": "certificate type name"}))
    edit(elements / "certificate_issuer_name.yml", put(source={"standard": "GB/T 36903-2018", "clause": "ZZMC", "sureness": "verified"}))
    edit(elements / "business_scope.yml", put(id="scope"))
    (elements / "native_place_division_code.yml").write_text("id: [", encoding="utf-8")


def spoil_lists(folder: Path) -> None:
    lists = folder / "code_lists"
    edit(lists / "sex.yml", put(fixes={"男": "1", "03": "3"}, junk=["女", "01"]))
    table = lists / "identity_document_type.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",foreign_card", ",green"), encoding="utf-8")
    (lists / "marital_status.csv").unlink()
    (lists / "education.csv").write_text("code,name\n10,研究生教育\n", encoding="utf-8")
    (lists / "cert_status.csv").write_text("code,name_zh,name_en,aliases,valid_from,valid_to,effective\n01,有效\n", encoding="utf-8")
    write_list(folder, "circle", "a,甲,,2000,2010,,b\nb,乙,,2000,2010,,a\nc,丙,,2000,,,\n")
    write_list(folder, "dates", "a,甲,,2010,2000,,\nb,乙,,soon,,,\nc,丙,,2000,2011,,\nc,戊,,2010,,,\n")
    write_list(folder, "relations", "a,甲,x,2000,2010,z,y\nb,乙,x;a,2000,,,\n")
    edit(
        lists / "entity_status_36104.yml",
        put(leads_to={"entity_status": "maps_to", "stars": "maps_to_ca19", "sex": "maps_to_ca19"}, prefix="x"),
    )
    write_list(folder, "gone", "a,甲,,2000,2010,,\n")


def spoil_the_rest(folder: Path) -> None:
    edit(folder / "schemas/population.yml", lambda body: body["uses"].extend([{"element": "soul"}, {"element": "resident_id"}]))
    edit(folder / "schemas/population.yml", put(identity=["resident_id", "shadow"]))
    edit(folder / "schemas/legal_entity.yml", lambda body: body["uses"].append({"element": "phone_number"}))
    edit(folder / "schemas/certificate.yml", lambda body: body.pop("table") and None)
    edit(
        folder / "issue_types.yml", lambda body: {"items": [item for item in body["items"] if item["id"] not in ("repaired", "wrong-form")]}
    )
    edit(
        folder / "cross_rules.yml",
        lambda body: (
            body["items"][0].update(needs=["resident_id", "established_date"], issue_type="ominous")
            or next(item for item in body["items"] if item["expression"] == "is_not_in_force").update(
                needs=["nationality_code", "photo_reference"]
            )
            or body["items"].append(body["items"][1])
        ),
    )
    (folder / "version.yml").write_text("version: one", encoding="utf-8")


def test_every_fault_is_reported_at_once(folder: Path) -> None:
    spoil_elements(folder)
    spoil_lists(folder)
    spoil_the_rest(folder)
    with pytest.raises(DefinitionError) as caught:
        read_standards(folder)
    found = {str(fault).removeprefix("standards/") for fault in caught.value.faults}
    expected = {
        "data_elements/sex_code.yml: colour: Extra inputs are not permitted",
        "data_elements/education_code.yml: code_list: no such code list: schooling",
        "data_elements/person_name.yml: min_length: greater than max_length",
        "data_elements/person_name.yml: pattern: not a regular expression",
        "data_elements/birth_date.yml: minimum: greater than maximum",
        "data_elements/death_date.yml: data_type: value type date and data type date belong together",
        "data_elements/former_name.yml: help: Field required",
        "data_elements/household_address.yml: classification: is personal, and personal_information says sensitive",
        "data_elements/approved_date.yml: code_list: a coded element names its code list, no other does",
        "data_elements/approved_date.yml: personal_category: personal information names its category, nothing else does",
        "data_elements/household_number.yml: source.clause: says where in the standard, or `unknown`",
        "data_elements/household_number.yml: aliases.resident_id: already means resident_id",
        "data_elements/certificate_type_name.yml: title.zh: the same as that of certificate_name; one meaning has one element",
        "data_elements/certificate_type_name.yml: title.en: the same as that of certificate_name; one meaning has one element",
        "data_elements/certificate_name.yml: source.clause: the same as that of certificate_issuer_name; one meaning has one element",
        "data_elements/business_scope.yml: id: equals the file name: business_scope",
        "data_elements/native_place_division_code.yml: line 2: not readable as YAML in UTF-8",
        "code_lists/sex.yml: fixes.男: already a code or alias",
        "code_lists/sex.yml: fixes.03: 3 is not a current code",
        "code_lists/sex.yml: junk.女: also a code, alias or fix",
        "code_lists/identity_document_type.yml: codes.553.number_form: no such form: green; there are identity_card, citizen_number, "
        "residence_permit, foreign_card, credit_code, no_citizen_number, no_credit_code, own",
        "code_lists/marital_status.yml: codes: neither here nor in marital_status.csv",
        "code_lists/cert_status.csv: line 2: 7 cells are expected",
        "code_lists/circle.yml: codes.a.successors: lead in a circle: a, b",
        "code_lists/dates.yml: codes.a.valid_to: 2000 is not after valid_from 2010",
        "code_lists/dates.yml: codes.b.valid_from: soon is neither a year nor an ISO date",
        "code_lists/dates.yml: codes.c: has two entries for one time",
        "code_lists/relations.yml: codes.a.parent: no such code: z",
        "code_lists/relations.yml: codes.a.successors: no such code: y",
        "code_lists/relations.yml: codes.b: x already stands for a",
        "code_lists/relations.yml: codes.b: a already stands for a",
        "code_lists/entity_status_36104.yml: leads_to.entity_status: not among the attributes: maps_to",
        "code_lists/entity_status_36104.yml: leads_to.stars: no such code list",
        "code_lists/entity_status_36104.yml: codes.4.maps_to_ca19: no code of sex: 4, 5",
        "code_lists/entity_status_36104.yml: prefix: not among the attributes: x",
        "code_lists/gone.yml: codes: no current code",
        "schemas/population.yml: uses.soul: no such data element",
        "schemas/population.yml: uses.resident_id: used twice",
        "schemas/population.yml: identity.shadow: not among the uses",
        "schemas/legal_entity.yml: uses.phone_number: an element of population",
        "schemas/certificate.yml: table: Field required",
        "issue_types.yml: repaired: the pipeline needs this issue type",
        "cross_rules.yml: birth-date-agrees-with-resident-id.needs: population has no element established_date",
        "cross_rules.yml: birth-date-agrees-with-resident-id.issue_type: no such issue type: ominous",
        "cross_rules.yml: birth-division-in-force-at-birth.needs: nationality_code has no code list with dates",
        "cross_rules.yml: birth-division-in-force-at-birth.needs: photo_reference is no date",
        "cross_rules.yml: sex-agrees-with-resident-id: defined 2 times",
        "version.yml: in_force_from: Field required",
        "version.yml: title: Field required",
    }
    assert expected - found == set()
    rest = found - expected
    assert any(text.startswith("data_elements/ethnic_group_code.yml: type: no such value type: tribe; there are ") for text in rest)
    assert any(text.startswith("data_elements/death_date.yml: personal_category: no such category: fate; there are ") for text in rest)
    assert any(text.startswith("code_lists/education.csv: name,name_zh: columns are ") for text in rest)
    assert any(text.startswith("version.yml: version: ") for text in rest)
    assert {text for text in rest if "wrong-form, which" not in text and "there are " not in text and "columns are" not in text} <= {
        text for text in rest if text.startswith("version.yml: version: ")
    }


def test_a_copy_without_faults_is_loaded_as_the_original(folder: Path) -> None:
    assert load_standards(folder) == load_standards()


def test_a_definition_with_a_fault_is_not_missed_where_it_is_named(folder: Path) -> None:
    """What names a faulty definition is not at fault itself."""
    (folder / "code_lists/sex.yml").write_text("[", encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        read_standards(folder)
    assert [(fault.file, fault.key) for fault in caught.value.faults] == [("standards/code_lists/sex.yml", "line 2")]
