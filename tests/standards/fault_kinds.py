"""Ways in which a copy of the standards can be wrong, each with what has to be said of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from standards.loader import load_standards

Body = dict[str, Any]
Spoil = Callable[[Path], Any]


@dataclass(frozen=True)
class Kind:
    """A kind of fault: how to bring it into a standard, and what is then said (the beginning of it)."""

    name: str
    spoil: Spoil
    said: tuple[str, ...]


def edit(file: str, change: Callable[[Body], Any]) -> Spoil:
    """Change a definition; the change may also return another body."""

    def spoil(root: Path) -> None:
        path = root / file
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        path.write_text(yaml.safe_dump(change(body) or body, allow_unicode=True, sort_keys=False), encoding="utf-8")

    return spoil


def put(file: str, **values: Any) -> Spoil:
    return edit(file, lambda body: body.update(values))


def element(name: str, **values: Any) -> Spoil:
    return put(f"data_elements/{name}.yml", **values)


def write(file: str, text: str, encoding: str = "utf-8") -> Spoil:
    return lambda root: (root / file).write_bytes(text.encode(encoding))


def prepend(file: str, text: str, encoding: str = "utf-8") -> Spoil:
    return lambda root: (root / file).write_bytes(text.encode(encoding) + (root / file).read_bytes())


def substitute(file: str, one: str, other: str) -> Spoil:
    return lambda root: (root / file).write_text((root / file).read_text(encoding="utf-8").replace(one, other), encoding="utf-8")


def remove(file: str) -> Spoil:
    return lambda root: (root / file).unlink()


def each(*spoils: Spoil) -> Spoil:
    return lambda root: [spoil(root) for spoil in spoils]


def new_list(name: str, rows: str, **body: Any) -> Spoil:
    head = {"id": name, "title": {"zh": name, "en": name}, "source": {"standard": "made up", "sureness": "memory"}}
    return each(
        write(f"code_lists/{name}.yml", yaml.safe_dump(head | body, allow_unicode=True)),
        write(f"code_lists/{name}.csv", f"code,name_zh,aliases,valid_from,valid_to,parent,successors\n{rows}"),
    )


def new_table(name: str, text: str, **body: Any) -> Spoil:
    """A list whose table is the given text."""
    return each(new_list(name, "", **body), write(f"code_lists/{name}.csv", text))


def rule(number: int, **values: Any) -> Spoil:
    return edit("cross_rules.yml", lambda body: body["items"][number].update(values))


def without(file: str, key: str) -> Spoil:
    return edit(file, lambda body: body.pop(key) and None)


RULES = [item.id for item in load_standards().cross_rules]
IN_FORCE = next(place for place, item in enumerate(load_standards().cross_rules) if item.expression == "is_not_in_force")
ELEMENTS = "data_elements"

OF_ELEMENTS = (
    Kind("unknown key", element("sex_code", colour="red"), (f"{ELEMENTS}/sex_code.yml: colour: Extra inputs are not permitted",)),
    Kind(
        "unknown key beside another fault",
        element("yes_no_flag", colour="red", code_list="flags"),
        (f"{ELEMENTS}/yes_no_flag.yml: colour: Extra inputs", f"{ELEMENTS}/yes_no_flag.yml: code_list: no such code list: flags"),
    ),
    Kind(
        "missing list", element("education_code", code_list="schooling"), (f"{ELEMENTS}/education_code.yml: code_list: no such code list",)
    ),
    Kind(
        "unknown type", element("ethnic_group_code", type="tribe"), (f"{ELEMENTS}/ethnic_group_code.yml: type: no such value type: tribe",)
    ),
    Kind("lengths", element("person_name", min_length=60), (f"{ELEMENTS}/person_name.yml: min_length: greater than max_length",)),
    Kind(
        "bounds",
        element("birth_date", minimum="2100-01-01", maximum="2000-01-01"),
        (f"{ELEMENTS}/birth_date.yml: minimum: greater than maximum",),
    ),
    Kind("no date as bound", element("revoked_date", minimum="soon"), (f"{ELEMENTS}/revoked_date.yml: minimum: soon is neither",)),
    Kind("no such day", element("calendar_date", maximum="2024-02-30"), (f"{ELEMENTS}/calendar_date.yml: maximum: 2024-02-30 is neither",)),
    Kind(
        "type and data type",
        element("death_date", data_type="string", classification="public", personal_category="fate"),
        (
            f"{ELEMENTS}/death_date.yml: data_type: value type date and data type date belong together",
            f"{ELEMENTS}/death_date.yml: personal_category: no such category: fate; there are ",
        ),
    ),
    Kind(
        "clause left out",
        element("household_authority_code", source={"standard": "GA 380-2012", "sureness": "single"}),
        (f"{ELEMENTS}/household_authority_code.yml: source.clause: says where in the standard, or `unknown`",),
    ),
    Kind(
        "form of a document's number",
        substitute("code_lists/identity_document_type.csv", ",foreign_card", ",green"),
        ("code_lists/identity_document_type.csv: codes.553.number_form: no such form: green; there are ",),
    ),
    Kind("missing key", without(f"{ELEMENTS}/former_name.yml", "help"), (f"{ELEMENTS}/former_name.yml: help: Field required",)),
    Kind(
        "classification",
        element("household_address", personal_information="sensitive"),
        (f"{ELEMENTS}/household_address.yml: classification: is personal, and personal_information says sensitive",),
    ),
    Kind(
        "list without use",
        element("approved_date", code_list="sex", personal_category="basic"),
        (
            f"{ELEMENTS}/approved_date.yml: code_list: a coded element names its code list, no other does",
            f"{ELEMENTS}/approved_date.yml: personal_category: personal information names its category, nothing else does",
        ),
    ),
    Kind(
        "alias of another",
        element("household_number", aliases=["ＲＥＳＩＤＥＮＴ＿ＩＤ"]),
        (f"{ELEMENTS}/household_number.yml: aliases.ＲＥＳＩＤＥＮＴ＿ＩＤ: already means resident_id",),
    ),
    Kind(
        "same meaning, written otherwise",
        each(
            element("certificate_name", title={"zh": "证照 类型，名称", "en": "CERTIFICATE-type  name"}),
            element("contact_name", definition={"zh": "（企业）法人名称。", "en": "Name, as registered: for the ORGANIZATION!"}),
            element("supervising_body_name", definition={"zh": "(企业)法人名称", "en": "name as registered for the organization"}),
        ),
        (
            f"{ELEMENTS}/certificate_type_name.yml: title.zh: the same as that of certificate_name; one meaning has one element",
            f"{ELEMENTS}/certificate_type_name.yml: title.en: the same as that of certificate_name; one meaning has one element",
            f"{ELEMENTS}/supervising_body_name.yml: definition.zh: the same as that of contact_name",
            f"{ELEMENTS}/supervising_body_name.yml: definition.en: the same as that of contact_name",
        ),
    ),
    Kind(
        "same source",
        element("certificate_issuer_code", source={"standard": "GB／T 36903-2018", "clause": "zzbfjg", "sureness": "verified"}),
        (f"{ELEMENTS}/certificate_issuer_name.yml: source.clause: the same as that of certificate_issuer_code",),
    ),
    Kind("other id", element("business_scope", id="scope"), (f"{ELEMENTS}/business_scope.yml: id: equals the file name: business_scope",)),
    Kind("no YAML", write(f"{ELEMENTS}/contact_phone.yml", "id: ["), (f"{ELEMENTS}/contact_phone.yml: line ",)),
    Kind("a control character", write(f"{ELEMENTS}/bell.yml", "id: \a"), (f"{ELEMENTS}/bell.yml: line 1: is not valid YAML: it holds",)),
    Kind(
        "brackets",
        write(f"{ELEMENTS}/deep.yml", "id: x\nz: " + "[" * 99_999),
        (f"{ELEMENTS}/deep.yml: line 2: is not valid YAML: more than 50",),
    ),
    Kind(
        "a tag that does not fit",
        write(f"{ELEMENTS}/tag.yml", "id: !!bool maybe"),
        (f"{ELEMENTS}/tag.yml: line 1: is not valid YAML: the value",),
    ),
    Kind("no mapping", write(f"{ELEMENTS}/sequence.yml", "- a\n"), (f"{ELEMENTS}/sequence.yml: a mapping is expected",)),
    Kind("empty file", write(f"{ELEMENTS}/empty.yml", ""), (f"{ELEMENTS}/empty.yml: a mapping is expected",)),
    Kind(
        "key twice",
        prepend(f"{ELEMENTS}/postal_code.yml", "title: {zh: 甲, en: a, zh: 乙}\n"),
        (
            f"{ELEMENTS}/postal_code.yml: line 1: zh already stands in line 1, and the last would win",
            f"{ELEMENTS}/postal_code.yml: line 3: title already stands in line 1, and the last would win",
        ),
    ),
    Kind(
        "not UTF-8",
        prepend(f"{ELEMENTS}/photo_reference.yml", "\n# 照片\n", "gbk"),
        (f"{ELEMENTS}/photo_reference.yml: line 2: is not UTF-8: save the file in that encoding",),
    ),
    Kind(
        "no regular expression", element("taxpayer_number", pattern="^[一-"), (f"{ELEMENTS}/taxpayer_number.yml: pattern: not a regular",)
    ),
    Kind("look-around", element("mobile_number", pattern="^(?!0)[0-9]{11}$"), (f"{ELEMENTS}/mobile_number.yml: pattern: look-around",)),
    Kind("another ending", write(f"{ELEMENTS}/extra.yaml", "id: extra\n"), (f"{ELEMENTS}/extra.yaml: nothing reads it: definitions end",)),
    Kind(
        "a folder among definitions",
        lambda root: (root / ELEMENTS / "new").mkdir(),
        (f"{ELEMENTS}/new: nothing reads it: definitions end in .yml",),
    ),
)
OF_LISTS = (
    Kind(
        "fixes and junk",
        put("code_lists/sex.yml", fixes={"男": "1", "03": "3"}, junk=["女", "01", "03"]),
        (
            "code_lists/sex.yml: fixes.男: already a code or alias",
            "code_lists/sex.yml: fixes.03: 3 is not a current code",
            "code_lists/sex.yml: junk.女: also a code, alias or fix",
            "code_lists/sex.yml: junk.03: also a code, alias or fix",
        ),
    ),
    Kind(
        "codes that say nothing",
        edit("code_lists/sex.yml", lambda body: body["says_nothing"].update(codes=["0", "0", "8"])),
        ("code_lists/sex.yml: says_nothing.codes.0: is named twice", "code_lists/sex.yml: says_nothing.codes.8: no such code"),
    ),
    Kind(
        "nothing but codes that say nothing",
        edit("code_lists/address_status.yml", lambda body: body["says_nothing"].update(codes=["0", "1", "2"])),
        ("code_lists/address_status.yml: says_nothing.codes: no code is left that says something",),
    ),
    Kind(
        "codes that say nothing, and nobody knows by what standard",
        edit("code_lists/address_stage.yml", lambda body: body["says_nothing"].pop("source") and None),
        ("code_lists/address_stage.yml: says_nothing.source: Field required",),
    ),
    Kind(
        "no codes",
        remove("code_lists/marital_status.csv"),
        ("code_lists/marital_status.yml: codes: neither here nor in marital_status.csv",),
    ),
    Kind(
        "columns",
        new_table("columns", "code,name,aliases,aliases,\n10,甲,,,\n"),
        (
            "code_lists/columns.csv: line 1, column name: no such column; there are aliases, code, level, name_en, name_zh, ",
            "code_lists/columns.csv: line 1, column name_zh: the column is missing: add it to the header and to every row",
            "code_lists/columns.csv: line 1, column 4: aliases stands in the header already: keep one",
            "code_lists/columns.csv: line 1, column 5: no such column",
        ),
    ),
    Kind(
        "a declared column",
        new_table("declared", "code,name_zh\n1,甲\n", attributes={"kind": {"zh": "种类", "en": "Kind"}}),
        ("code_lists/declared.csv: line 1, column kind: the column is missing",),
    ),
    Kind(
        "ragged rows",
        new_list("ragged", 'a,甲,,2000,,,\nb,"乙\n二"\n\nc,丙,,,,,,,\n,戊,,,,,\n'),
        (
            "code_lists/ragged.csv: line 3, column aliases: the row ends after 2 of 7 cells: add the missing commas",
            "code_lists/ragged.csv: line 5, column code: the row ends after 0 of 7 cells",
            "code_lists/ragged.csv: line 6, column 8: the row has 9 cells and the header 7: put a text that holds a comma into quotation",
            "code_lists/ragged.csv: line 7, column code: ",
        ),
    ),
    Kind("quotation marks", new_list("quoted", 'a,甲,,,,,\nb,"乙,,,,,\n'), ("code_lists/quoted.csv: line 3: is not valid CSV",)),
    Kind(
        "empty table",
        new_table("nothing", ""),
        (
            "code_lists/nothing.csv: line 1, column code: the column is missing",
            "code_lists/nothing.csv: line 1, column name_zh: the column is missing",
        ),
    ),
    Kind(
        "table not in UTF-8",
        each(new_list("other", ""), write("code_lists/other.csv", "code,name_zh\n1,甲\n", "gbk")),
        ("code_lists/other.csv: line 2: is not UTF-8: save the file in that encoding",),
    ),
    Kind(
        "table beside an unreadable list",
        each(new_table("both", "code,name_zh\n1\n"), write("code_lists/both.yml", "[")),
        ("code_lists/both.yml: line ", "code_lists/both.csv: line 2, column name_zh: the row ends after 1 of 2 cells"),
    ),
    Kind("table without list", write("code_lists/orphan.csv", "code,name_zh\n"), ("code_lists/orphan.csv: nothing reads it: there is no",)),
    Kind(
        "table beside stated codes",
        new_list("stated", "a,甲,,,,,\n", codes=[{"code": "a", "title": {"zh": "甲"}}]),
        ("code_lists/stated.csv: nothing reads it: stated.yml states the codes itself",),
    ),
    Kind("a list with another ending", write("code_lists/extra.yaml", "id: extra\n"), ("code_lists/extra.yaml: nothing reads it",)),
    Kind(
        "circle of successors",
        new_list("circle", "a,甲,,2000,2010,,b\nb,乙,,2000,2010,,a\nc,丙,,2000,,,\n"),
        ("code_lists/circle.csv: codes.a.successors: lead in a circle: a, b",),
    ),
    Kind(
        "circles of parents",
        new_list("family", "a,甲,,,,b,\nb,乙,,,,c,\nc,丙,,,,a,\nd,丁,,,,d,\ne,戊,,,,a,\n"),
        (
            "code_lists/family.csv: codes.a.parent: leads in a circle: a, b, c",
            "code_lists/family.csv: codes.d.parent: leads in a circle: d",
        ),
    ),
    Kind(
        "validity",
        new_list("dates", "a,甲,,2010,2000,,\nb,乙,,soon,,,\nc,丙,,2000,2011,,\nc,戊,,2010,,,\n"),
        (
            "code_lists/dates.csv: codes.a.valid_to: 2000 is not after valid_from 2010",
            "code_lists/dates.csv: codes.b.valid_from: soon is neither a year nor an ISO date",
            "code_lists/dates.csv: codes.c: has two entries for one time",
        ),
    ),
    Kind(
        "relations",
        new_list("relations", "a,甲,x,2000,2010,z,y\nb,乙,x;a,2000,,,\n"),
        (
            "code_lists/relations.csv: codes.a.parent: no such code: z",
            "code_lists/relations.csv: codes.a.successors: no such code: y",
            "code_lists/relations.csv: codes.b: x already stands for a",
            "code_lists/relations.csv: codes.b: a already stands for a",
        ),
    ),
    Kind(
        "where a list leads",
        put(
            "code_lists/entity_status_36104.yml",
            leads_to={"entity_status": "maps_to", "stars": "maps_to_ca19", "sex": "maps_to_ca19"},
            prefix="x",
        ),
        (
            "code_lists/entity_status_36104.yml: leads_to.entity_status: not among the attributes: maps_to",
            "code_lists/entity_status_36104.yml: leads_to.stars: no such code list",
            "code_lists/entity_status_36104.csv: codes.4.maps_to_ca19: no code of sex: 4, 5",
            "code_lists/entity_status_36104.yml: prefix: not among the attributes: x",
        ),
    ),
    Kind("nothing current", new_list("gone", "a,甲,,2000,2010,,\n"), ("code_lists/gone.csv: codes: no current code",)),
    Kind(
        "words of issuers",
        each(
            remove("code_lists/certificate_kind.csv"),
            put(
                "code_lists/certificate_kind.yml",
                codes=[
                    {"code": "甲证", "title": {"zh": "甲证"}, "attributes": {"issuer_words": "(公安"}},
                    {"code": "乙证", "title": {"zh": "乙证"}, "attributes": {"issuer_words": "(?<=市)公安"}},
                    {"code": "丙证", "title": {"zh": "丙证"}},
                ],
            ),
        ),
        (
            "code_lists/certificate_kind.yml: codes.甲证.issuer_words: not a regular expression: ",
            "code_lists/certificate_kind.yml: codes.乙证.issuer_words: look-around",
            "code_lists/certificate_kind.yml: codes.丙证.issuer_words: is missing",
        ),
    ),
)
OF_THE_REST = (
    Kind(
        "uses",
        edit("schemas/population.yml", lambda body: body["uses"].extend([{"element": "soul"}, {"element": "resident_id"}])),
        ("schemas/population.yml: uses.soul: no such data element", "schemas/population.yml: uses.resident_id: used twice"),
    ),
    Kind(
        "identity",
        put("schemas/population.yml", identity=["resident_id", "shadow"]),
        ("schemas/population.yml: identity.shadow: not among",),
    ),
    Kind(
        "element of another schema",
        edit("schemas/legal_entity.yml", lambda body: body["uses"].append({"element": "phone_number"})),
        ("schemas/legal_entity.yml: uses.phone_number: an element of population",),
    ),
    Kind(
        "registry whose elements may be reused",
        put("schemas/credit.yml", about=["legal_entity", "ghost"]),
        ("schemas/credit.yml: about: no such schema: ghost",),
    ),
    Kind(
        "schema without a name", without("schemas/geography.yml", "short"), ("schemas/geography.yml: short: pages call the registry by it",)
    ),
    Kind(
        "a table of another",
        put("schemas/credit.yml", table="base_population"),
        ("schemas/population.yml: table: base_population is that of credit: each has its own",),
    ),
    Kind("schema without a table", without("schemas/certificate.yml", "table"), ("schemas/certificate.yml: table: Field required",)),
    Kind("schema with another ending", write("schemas/city.yaml", "id: city\n"), ("schemas/city.yaml: nothing reads it",)),
    Kind(
        "issue type of the pipeline",
        edit("issue_types.yml", lambda body: {"items": [item for item in body["items"] if item["id"] not in ("repaired", "wrong-form")]}),
        ("issue_types.yml: repaired: the pipeline needs this issue type", "REGEX .*: type: finds the issue type wrong-form, which"),
    ),
    Kind("key beside the items", put("issue_types.yml", more=[]), ("issue_types.yml: more: nothing reads it",)),
    Kind(
        "rule",
        rule(0, needs=["resident_id", "established_date"], issue_type="ominous"),
        (
            f"cross_rules.yml: {RULES[0]}.needs: population has no element established_date",
            f"cross_rules.yml: {RULES[0]}.issue_type: no such issue type: ominous",
        ),
    ),
    Kind(
        "unknown expression",
        rule(2, expression="is_odd"),
        (f"cross_rules.yml: {RULES[2]}.expression: no such expression: is_odd; there are is_before, ",),
    ),
    Kind(
        "number of needs",
        rule(4, needs=["resident_id", "birth_date", "death_date"], expression="is_before"),
        (f"cross_rules.yml: {RULES[4]}.needs: 3 elements, and is_before takes 2 values: late, early",),
    ),
    Kind(
        "code in force",
        rule(IN_FORCE, needs=["nationality_code", "family_relationship_code"]),
        (
            f"cross_rules.yml: {RULES[IN_FORCE]}.needs: nationality_code has no code list with dates",
            f"cross_rules.yml: {RULES[IN_FORCE]}.needs: family_relationship_code is no date",
        ),
    ),
    Kind(
        "rule twice",
        edit("cross_rules.yml", lambda body: body["items"].append(body["items"][1])),
        (f"cross_rules.yml: {RULES[1]}: defined 2 times",),
    ),
    Kind(
        "version",
        write("version.yml", "version: one\nin_force_from: 2024-13-01"),
        ("version.yml: version: ", "version.yml: in_force_from: ", "version.yml: title: Field required"),
    ),
)
KINDS = (*OF_ELEMENTS, *OF_LISTS, *OF_THE_REST)
