"""Prepared columns: names of people and organizations by their parts, on made-up values."""

import pyarrow as pa
import pytest

from core.engine import Engine
from core.settings import load_settings
from registries.linkage.model import load_trained
from registries.linkage.pinyin import readings, without_tone
from registries.linkage.prepare import prepare

PEOPLE = {
    "欧阳样例": ("欧阳样例", "欧阳", "样例", "ouyangyangli"),
    "張樣例": ("张样例", "张", "样例", "zhangyangli"),
    "阿卜杜·热合曼": ("阿卜杜热合曼", None, None, "abodureheman"),
    "吕绿": ("吕绿", "吕", "绿", "lvlv"),
    "Li Xiaoming": ("LIXIAOMING", None, None, "lixiaoming"),
}
ORGANIZATIONS = {
    "北京样例科技有限公司": ("北京", "样例", "科技", "有限公司", None),
    "样例科技（北京）有限责任公司": ("北京", "样例", "科技", "有限公司", None),
    "北京样例科技股份有限公司朝阳分公司": ("北京", "样例", "科技", "股份公司", "朝阳分公司"),
    "（白名单）上海范式印刷有限公司（范式图书专营店）": ("上海", "范式", "印刷", "有限公司", None),
    "杭州某例投资管理合伙企业（有限合伙）": ("杭州", "某例", "投资管理", "合伙", None),
    "中国样例银行股份有限公司杭州西湖支行": ("中国", "样例银行", None, "股份公司", "杭州西湖支行"),
    "浙江省杭州市西湖区水务局": ("浙江省杭州市西湖区", "水务局", None, None, None),
    "範式書局": (None, "范式书局", None, None, None),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with Engine(load_settings({"HUB_HOME": str(tmp_path_factory.mktemp("linkage"))}), threads=1) as engine:
        yield engine


def prepared(engine: Engine, registry: str, element: str, values: list[str], parts: str) -> dict[str, tuple]:
    engine.register("given", pa.table({"_record_id": list(range(len(values))), "_dataset": ["d"] * len(values), element: values}))
    prepare(engine, load_trained(registry).model, "given", "made")
    return {row[0]: row[1:] for row in engine.rows(f"SELECT {element}, {parts} FROM made")}


def test_names_of_people_have_key_family_given_and_pinyin(engine):
    parts = ", ".join(f"person_name_{part}" for part in ("key", "family", "given", "pinyin"))
    assert prepared(engine, "population", "person_name", list(PEOPLE), parts) == PEOPLE


def test_names_of_organizations_have_place_core_trade_form_and_branch(engine):
    parts = ", ".join(f"organization_name_{part}" for part in ("place", "core", "trade", "form", "branch"))
    assert prepared(engine, "legal_entity", "organization_name", list(ORGANIZATIONS), parts) == ORGANIZATIONS


def test_an_element_that_is_not_there_and_one_without_a_value_are_null(engine):
    found = prepared(engine, "population", "person_name", ["", "张三"], "person_name_key, birth_date, residence_address_road, born_year")
    assert found == {"": (None, None, None, None), "张三": ("张三", None, None, None)}


def test_readings_are_plain_letters():
    table = readings()
    assert len(table) > 40_000
    assert {len(character) for character in table} == {1}
    assert without_tone("lǜ") == "lv"
    assert all(reading.isascii() and reading.islower() for reading in table.values() if "ê" not in reading)
