"""From a table nobody has described to an accepted batch: the draft is a contract, says what is doubtful, and quotes no one's data."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from catalog.batches import issues_of
from catalog.datasets import register
from contracts.loader import load_contract
from contracts.model import Contract
from contracts.proposal.draft import _score, to_document
from core.errors import RequestError, SourceError
from pipeline.accept import accept
from pipeline.delivery.check import check_source
from pipeline.land import land
from pipeline.propose import Proposal, Request, propose
from standards.loader import load_standards
from tests.factories import Hub, credit_code, hub_in, person, resident_id, to_csv, wrong_check

STANDARDS = load_standards()
PEOPLE = [person(number) for number in range(300)]
COMPANIES = [
    {
        "序号": str(number + 1),
        "企业名称": f"北京第{number}贸易有限公司",
        "统一社会信用代码": credit_code(number),
        "企业类型": ("有限责任公司", "合伙企业", "自定义的一种")[number % 3],
        "法定代表人": person(number)["XM"],
        "注册日期": f"{number % 12 + 1}/{number % 28 + 1}/2020",
        "处罚机关": "北京市某区市场监督管理局",
        "处罚机关统一社会信用代码": credit_code(1),
        "更新时间": "2024/1/2",
    }
    for number in range(300)
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    return hub_in(tmp_path_factory.mktemp("propose") / "home")


def proposed(hub: Hub, source: str, **options: Any) -> Proposal:
    hub.home  # noqa: B018 - opened, so that its connections are set up
    return propose(Request(source, **options), STANDARDS, hub.settings)


def of_rows(hub: Hub, name: str, rows: list[dict[str, str]], **options: Any) -> Proposal:
    hub.home  # noqa: B018
    (hub.drop / name).write_text(to_csv(rows, list(rows[0])), encoding="utf-8")
    return proposed(hub, f"drop:{name}", **options)


@pytest.fixture(scope="module")
def residents(hub: Hub) -> Proposal:
    return of_rows(hub, "resident.csv", PEOPLE, department="public_security")


@pytest.fixture(scope="module")
def companies(hub: Hub) -> Proposal:
    return of_rows(hub, "企业登记信息.csv", COMPANIES, department="market_regulation")


def elements(proposal: Proposal) -> dict[str, tuple[str, ...]]:
    return {item.match.column.names[-1]: item.elements for item in proposal.decisions.columns if item.elements}


def test_initials_and_values_together_tell_a_table_of_residents(residents: Proposal) -> None:
    found = elements(residents)
    assert {name: found[name] for name in ("SFZH", "XM", "XB", "CSRQ")} == {
        "SFZH": ("resident_id",),
        "XM": ("person_name",),
        "XB": ("sex_code",),
        "CSRQ": ("birth_date",),
    }
    assert residents.decisions.feeds == ("population",)
    assert residents.decisions.record_key == ("SFZH",)
    assert residents.decisions.as_of == ("GXSJ", ("%Y-%m-%d",))
    assert residents.decisions.sharing_class == "conditional"


def test_the_draft_is_the_contract_that_was_decided(residents: Proposal, companies: Proposal, tmp_path: Path) -> None:
    for proposal in (residents, companies):
        assert proposal.faults == ()
        path = tmp_path / "draft.yml"
        path.write_text(proposal.draft, encoding="utf-8")
        expected = Contract.model_validate(to_document(proposal.dataset, proposal.decisions))
        assert load_contract(path, STANDARDS).digest == expected.digest


def test_the_draft_can_be_checked_registered_and_collected(hub: Hub, residents: Proposal, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.validate import count_issues

    monkeypatch.setattr("pipeline.accept.validate", lambda engine, plan, standards: ([], count_issues(engine, plan, standards)))
    path = hub.drop / "draft.yml"
    path.write_text(residents.draft, encoding="utf-8")
    contract = load_contract(path, STANDARDS)
    assert check_source(hub.home, contract).error is None
    register(hub.home.catalog, contract, "test", hub.home.settings.registered)
    batch = accept(land(contract.id, hub.home), hub.home)
    assert (batch.status, batch.landed, batch.quarantined) == ("accepted", len(PEOPLE), 0)


def test_no_value_of_a_person_is_quoted(residents: Proposal, companies: Proposal) -> None:
    for proposal, rows in ((residents, PEOPLE), (companies, COMPANIES)):
        values = {value for row in rows for key, value in row.items() if len(value) > 1 and key not in ("序号", "企业类型", "处罚机关")}
        assert [value for value in values if value in proposal.draft] == []
        assert not any(value in repr(proposal.reading) for value in values)


def test_what_is_doubtful_is_said_and_not_mapped(companies: Proposal) -> None:
    found = elements(companies)
    assert found["统一社会信用代码"] == ("unified_social_credit_code",)
    assert found["法定代表人"] == ("legal_representative_name",)
    # Another party's, a row number, a date of which nobody can say what stands first (28 days, 12 months).
    assert not {"处罚机关", "处罚机关统一社会信用代码", "序号"} & found.keys()
    assert companies.decisions.record_key != ("序号",)
    assert "自定义的一种" in companies.draft
    assert companies.decisions.as_of == ("更新时间", ("%Y/%m/%d",))


def test_day_or_month_first_is_declared_only_where_it_can_be_told(hub: Hub) -> None:
    rows = [{**row, "注册日期": f"{place % 12 + 1}/{place % 11 + 1}/2020"} for place, row in enumerate(COMPANIES)]
    (decision,) = [item for item in of_rows(hub, "d.csv", rows).decisions.columns if item.match.column.names == ("注册日期",)]
    assert (decision.elements, decision.formats) == ((), ())
    assert "day or month" in decision.reason


def test_wrong_check_characters_raise_what_may_be_quarantined(hub: Hub) -> None:
    rows = [{**row, "SFZH": wrong_check(row["SFZH"])} if place % 10 == 0 else row for place, row in enumerate(PEOPLE)]
    assert of_rows(hub, "w.csv", rows).decisions.largest_quarantine >= 0.15


def test_of_a_column_that_is_covered_no_fill_is_promised(hub: Hub) -> None:
    """Published tables often show names and telephones only in part: nothing of such a column is kept."""
    rows = [{**row, "电话": f"139****{number:04}"} for number, row in enumerate(COMPANIES)]
    found = of_rows(hub, "covered.csv", rows, department="market_regulation")
    phone = elements(found)["电话"][0]
    assert phone.endswith("phone_number")
    assert phone not in found.decisions.fill_rates
    assert "organization_name" in found.decisions.fill_rates


def test_addresses_that_the_standard_refuses_lower_what_is_promised_of_them(hub: Hub) -> None:
    """One that names no division is kept with a warning; of a hundred, five are left for a worse day."""
    written = ["北京市朝阳区样例路7号", "样例街5号", "北京市东城区样例街1号", "??", "广东省深圳市南山区样例路2号"]
    rows = [{**row, "住址": written[place % 5]} for place, row in enumerate(PEOPLE)]
    found = of_rows(hub, "addresses.csv", rows).decisions
    element = next(name for name in found.fill_rates if name.endswith("_address"))
    assert found.fill_rates[element] == pytest.approx(0.95 * 0.8, abs=0.011)


def test_a_table_of_a_database(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.home  # noqa: B018
    path = hub.drop / "d.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t_hzxx (id INTEGER PRIMARY KEY, full_name TEXT, id_card_no TEXT, gender TEXT, mobile TEXT)")
        connection.executemany(
            "INSERT INTO t_hzxx VALUES (?, ?, ?, ?, ?)",
            [(n, person(n)["XM"], resident_id(n), "MF"[n % 2], person(n)["DH"]) for n in range(200)],
        )
    connection.close()
    monkeypatch.setenv("HUB_CONNECTION_HEALTH_DB", f"sqlite:///{path}")
    found = proposed(hub, "health_db:t_hzxx", department="health")
    assert elements(found) == {
        "full_name": ("person_name",),
        "id_card_no": ("resident_id",),
        "gender": ("sex_code",),
        "mobile": ("phone_number",),
    }
    assert (found.dataset.id, found.decisions.record_key, found.faults) == ("health__hzxx", ("id",), ())


def test_the_key_that_a_table_declares_is_the_record_key(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.home  # noqa: B018
    path = hub.drop / "k.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE 门诊 (机构编码 TEXT, 门诊号 TEXT, 姓名 TEXT, 身份证号 TEXT, PRIMARY KEY (机构编码, 门诊号))")
        rows = [("A", f"MZ{n:06}", person(n)["XM"], resident_id(n)) for n in range(200)]
        connection.executemany("INSERT INTO 门诊 VALUES (?, ?, ?, ?)", rows)
    connection.close()
    monkeypatch.setenv("HUB_CONNECTION_HEALTH_DB", f"sqlite:///{path}")
    found = proposed(hub, "health_db:门诊", department="health")
    assert (found.decisions.record_key, found.faults) == (("机构编码", "门诊号"), ())
    assert "# the table's primary key\nrecord_key: [机构编码, 门诊号]" in found.draft


def test_a_draft_takes_its_own_table(hub: Hub) -> None:
    """However much of it the standard refuses: what a draft asks for is what the standard accepts of what was seen."""
    rows = [
        {
            "企业名称": f"北京第{number}贸易有限公司",
            "统一社会信用代码": credit_code(number),
            "注册资本": f"{number + 100}.00" if number % 3 else f"{number + 100}万元",
            "登记状态": ("存续", "存续", "不知道的状态")[number % 3],
            "成立日期": f"20{number % 20:02}年13月01日" if number % 4 == 0 else "2020-01-02",
        }
        for number in range(300)
    ]
    found = of_rows(hub, "capital.csv", rows, department="tax")
    assert found.faults == ()
    (hub.drop / "capital.yml").write_text(found.draft, encoding="utf-8")
    contract = load_contract(hub.drop / "capital.yml", STANDARDS)
    register(hub.home.catalog, contract, "tester", hub.settings.registered)
    batch = accept(land(contract.id, hub.home), hub.home)
    assert batch.status == "accepted"
    counts = {(item["element"], item["issue_type"]): item["rows"] for item in issues_of(hub.home.catalog, batch.batch_id)}
    capital = next(element for column, (element,) in elements(found).items() if column == "注册资本")
    # What was rewritten and then refused was not used: no repair.
    assert (counts[capital, "wrong-form"], counts[capital, "repaired"]) == (200, 100)


def test_a_table_of_certificates_feeds_both_and_says_their_kind(hub: Hub) -> None:
    rows = [
        {
            "证书编号": f"京建安许证字〔2024〕{number:06}",
            "企业名称": f"北京第{number}建筑有限公司",
            "统一社会信用代码": credit_code(number),
            "发证机关": "北京市住房和城乡建设委员会",
            "发证日期": "2024-01-02",
            "有效期至": "2099-12-31",
        }
        for number in range(100)
    ]
    found = of_rows(hub, "c.csv", rows, title="安全生产许可证信息")
    assert found.faults == ()
    assert found.decisions.feeds == ("legal_entity", "certificate")
    assert found.decisions.constants["certificate_type_name"] == "安全生产许可证"
    assert elements(found)["统一社会信用代码"] == ("certificate_holder_code", "unified_social_credit_code")
    assert elements(found)["有效期至"] == ("certificate_valid_to_date",)


def test_a_workbook_and_a_file_outside_any_connection(hub: Hub, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["居民信息"])
    book.active.append(["姓名", "身份证号", "性别"])
    for row in PEOPLE[:50]:
        book.active.append([row["XM"], row["SFZH"], {"1": "男", "2": "女"}[row["XB"]]])
    book.save(tmp_path / "jmxx.csv")
    found = proposed(hub, str(tmp_path / "jmxx.csv"), department="health")
    assert found.dataset.source.model_dump(exclude_none=True) == {
        "kind": "xlsx", "connection": "health_drop", "path": "jmxx.csv", "header": True, "header_row": 2,
    }  # fmt: skip
    assert f"health_drop: {tmp_path.as_uri()}" in found.draft
    assert set(elements(found)) == {"姓名", "身份证号", "性别"}


def test_a_doubt_that_the_registry_has_no_place_for_says_so(hub: Hub) -> None:
    """Settling it as the draft asks would only make another fault."""
    rows = [{"姓名": row["XM"], "身份证号": row["SFZH"], "登记日期": f"2020-0{place % 9 + 1}-11"} for place, row in enumerate(PEOPLE[:50])]
    found = of_rows(hub, "registered.csv", rows)
    assert "feeds: [population]" in found.draft
    assert "not sure enough, and established_date is not part of population" in found.draft


def test_a_header_that_names_a_column_twice_is_one(hub: Hub) -> None:
    """In a narrow table that is a third of its names; the names of columns are known, and no row of data has them."""
    hub.home  # noqa: B018
    lines = ["身份证号,姓名,身份证号", *(f"{row['SFZH']},{row['XM']},{row['SFZH']}" for row in PEOPLE[:30])]
    (hub.drop / "twice.csv").write_text("\n".join(lines), encoding="utf-8")
    found = proposed(hub, "drop:twice.csv")
    assert elements(found)["身份证号"] == ("resident_id",)
    assert found.reading.profile.rows == 30


def test_an_empty_column_without_a_name_is_ignored(hub: Hub) -> None:
    """A header that ends in an empty cell: every batch told of a column that is neither mapped nor ignored."""
    text = to_csv(PEOPLE, list(PEOPLE[0]))
    (hub.drop / "behind.csv").write_text(text.replace("\r\n", "\n").replace("\n", ",\n"), encoding="utf-8")
    proposal = proposed(hub, "drop:behind.csv", department="public_security")
    assert f"unnamed_{len(PEOPLE[0]) + 1}" in yaml.safe_load(proposal.draft)["ignore"]


def test_what_is_mapped_and_what_is_shown_do_not_contradict(hub: Hub) -> None:
    """Shares of values that fit stand beside how sure an element is, and are not that; what is not mapped shows less than what it takes."""
    rows = [
        {"姓名": row["XM"], "联系方式": row["DH"] if place % 10 < 7 else "见附件", "身份证号": row["SFZH"]}
        for place, row in enumerate(PEOPLE)
    ]
    draft = of_rows(hub, "contacts.csv", rows).draft
    assert "# where that is at least 0.80, and 0.05 more than for any other element." in draft
    assert _score(0.799) == "0.79"
    assert [_score(hundredths / 100) for hundredths in range(101)] == [f"{hundredths / 100:.2f}" for hundredths in range(101)]


def test_a_cover_sheet_is_not_the_table(hub: Hub, tmp_path: Path) -> None:
    """Filling it, as it is said of an empty table, would be the wrong thing to do."""
    book = openpyxl.Workbook()
    book.active.append(["居民信息"])
    data = book.create_sheet("数据")
    data.append(["姓名", "身份证号"])
    for row in PEOPLE[:50]:
        data.append([row["XM"], row["SFZH"]])
    book.save(tmp_path / "jmxx.xlsx")
    with pytest.raises(SourceError, match="the first sheet has no rows") as error:
        proposed(hub, str(tmp_path / "jmxx.xlsx"))
    assert "--sheet" in (error.value.hint or "")
    assert set(elements(proposed(hub, str(tmp_path / "jmxx.xlsx"), sheet="数据"))) == {"姓名", "身份证号"}


def test_a_table_whose_rows_cannot_be_read_is_not_called_empty(hub: Hub, tmp_path: Path) -> None:
    """A workbook that a program has written holds formulas without their values."""
    book = openpyxl.Workbook()
    book.active.append(["姓名", "身份证号"])
    for row in PEOPLE[:50]:
        book.active.append([row["XM"], f'="{row["SFZH"]}"'])
    book.save(tmp_path / "jmxx.xlsx")
    with pytest.raises(SourceError, match=r"none of the 50 rows can be read as rows of this table; 50 of them: .*formula"):
        proposed(hub, str(tmp_path / "jmxx.xlsx"))


def test_a_table_without_any_element_says_what_is_missing(hub: Hub) -> None:
    found = of_rows(hub, "n.csv", [{"品种": "苹果", "产地": "山东"}])
    assert found.faults
    first, second, third, *_ = found.draft.splitlines()
    assert first == "# NOT A CONTRACT YET: of 2 columns none is surely a data element of legal_entity."
    assert second == "# It needs a column for organization_name: none looks like it."
    assert third.startswith("# What to do: ")
    assert all(f"STILL MISSING: {fault}" in found.draft for fault in found.faults)
    assert yaml.safe_load(found.draft)["columns"] == {}


def test_a_required_column_that_is_doubtful_is_named(hub: Hub) -> None:
    rows = [{"USCC": credit_code(number), "CLNT_NM": f"北京第{number}贸易有限公司"} for number in range(50)]
    found = of_rows(hub, "c.csv", rows, title="water customers")
    assert found.faults
    assert "# It needs a column for organization_name: maybe CLNT_NM." in found.draft


def uncommented(draft: str, column: str) -> str:
    """The draft with the first lookup for a column in use, as a person would edit it."""
    lines = draft.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(f"  #   {column}:"))
    block = [lines[start]]
    for line in lines[start + 1 :]:
        if not line.startswith("  #     "):
            break
        block.append(line)
    kept = [line for line in lines if line != f"  - {column}" and not line.startswith(f"  {column}:")]
    place = kept.index("columns:") + 1
    return "\n".join([*kept[:place], *(line.replace("  #   ", "  ", 1) for line in block), *kept[place:]])


CODED = [
    {
        "SFZH": resident_id(number),
        "XM": person(number)["XM"],
        "民族": ("01-汉族", "回", "蒙古", "满族")[number % 4],
        "婚姻状况": ("1", "2", "4")[number % 3],
        "文化程度": ("本科", "初级中学", "高中毕业")[number % 3] if number != 9 else person(7)["XM"],
        "性别": ("0", "1")[number % 2],
        "备注": "",
    }
    for number in range(120)
]


def test_values_that_a_list_does_not_know_are_drafted_as_a_lookup(hub: Hub, tmp_path: Path) -> None:
    found = of_rows(hub, "coded.csv", CODED)
    assert '  #       "01-汉族": "01"  # 汉族' in found.draft
    assert '  #       "1": "10"  # one digit, before GB/T 2261.2-2003' in found.draft
    for column, lookup in (("民族", {"01-汉族": "01"}), ("婚姻状况", {"1": "10", "2": "20", "4": "40"}), ("文化程度", {"初级中学": "70"})):
        path = tmp_path / "draft.yml"
        path.write_text(uncommented(found.draft, column), encoding="utf-8")
        (mapping,) = load_contract(path, STANDARDS).columns[column]
        assert mapping.lookup == lookup
        assert column not in load_contract(path, STANDARDS).ignore


def test_a_value_that_few_share_is_not_shown_where_it_may_be_somebodys(hub: Hub) -> None:
    found = of_rows(hub, "coded.csv", CODED)
    assert person(7)["XM"] not in found.draft
    assert "1 more values are in no list; they may be somebody's and are not shown" in found.draft


def test_codes_that_can_be_read_in_two_ways_are_not_mapped_and_every_way_is_drafted(hub: Hub, tmp_path: Path) -> None:
    rows = [{key: value for key, value in row.items() if key != "SFZH"} for row in CODED]
    found = of_rows(hub, "ways.csv", rows)
    (decision,) = [item for item in found.decisions.columns if item.match.column.names == ("性别",)]
    assert (decision.elements, decision.is_confident, len(decision.schemes)) == ((), False, 3)
    assert '  #   性别: {element: sex_code, lookup: {"0": "2", "1": "1"}}  # 1 男, 0 女 (some school systems)' in found.draft
    path = tmp_path / "draft.yml"
    path.write_text(uncommented(found.draft, "性别"), encoding="utf-8")
    (mapping,) = load_contract(path, STANDARDS).columns["性别"]
    assert mapping.lookup == {"0": "0", "1": "1"}


def test_identity_numbers_decide_how_a_sex_is_written(hub: Hub, tmp_path: Path) -> None:
    rows = [{**row, "性别": {"1": "1", "2": "0"}[person(number)["XB"]]} for number, row in enumerate(CODED)]
    found = of_rows(hub, "told.csv", rows)
    path = tmp_path / "draft.yml"
    path.write_text(found.draft, encoding="utf-8")
    (mapping,) = load_contract(path, STANDARDS).columns["性别"]
    assert mapping.lookup == {"0": "2", "1": "1"}
    assert "the identity numbers of the same rows leave one" in found.draft


def test_columns_may_be_called_anything(hub: Hub, tmp_path: Path) -> None:
    names = ["姓名\n（必填）", "身份证号: #1", "- a", "{b}", "'c", "d\u2028e", "f\x85g", "*h", "&i \\ j\t", "!k"]
    rows = [dict.fromkeys(names, "x") | {names[0]: row["XM"], names[1]: row["SFZH"]} for row in PEOPLE[:40]]
    found = of_rows(hub, "names.csv", rows)
    path = tmp_path / "draft.yml"
    path.write_text(found.draft, encoding="utf-8")
    contract = load_contract(path, STANDARDS)
    assert {*contract.columns, *contract.ignore} == {item.match.column.names[-1] for item in found.decisions.columns}
    assert "person_name" in contract.elements


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("nowhere.csv", RequestError, "there is no file"),
        ("nowhere_db:t", RequestError, "not set up"),
        ("drop:nowhere.csv", RequestError, "no file nowhere.csv"),
        ("drop:empty.csv", SourceError, "empty"),
        ("drop:header.csv", SourceError, "no rows"),
    ],
)
def test_what_cannot_be_read_is_said_in_words(hub: Hub, source: str, error: type[Exception], words: str) -> None:
    hub.home  # noqa: B018
    (hub.drop / "empty.csv").write_text("")
    (hub.drop / "header.csv").write_text("姓名,身份证号\n")
    with pytest.raises(error, match=words):
        proposed(hub, source)


def test_the_document_for_programs_quotes_nothing_either(hub: Hub, residents: Proposal) -> None:
    from cli.proposing import _document

    text = json.dumps(_document(residents), ensure_ascii=False, default=str)
    assert [row["SFZH"] for row in PEOPLE if row["SFZH"] in text or row["XM"] + '"' in text] == []
