"""Department tables that are nowhere else: made up, with what a careful person would accept for each column, written before they were matched.

An empty set means that the column is no data element; `NONE` beside elements, that leaving it out is as good.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.factories import FAMILY_NAMES, Row, credit_code, person, resident_id

NONE = "none"
Cell = Callable[[int], str]

STREETS = ("景山前街", "西四北大街", "安定门外大街", "朝阳门内大街")
NATIONS = ("汉族", "满族", "回族", "蒙古族")


@dataclass(frozen=True)
class UnseenTable:
    """A table: its file's name, its title where it has one, and per column what stands in it and what it may be called."""

    name: str
    title: str
    columns: Mapping[str, tuple[Cell, frozenset[str]]]

    def rows(self, count: int) -> list[Row]:
        return [{column: cell(number) for column, (cell, _) in self.columns.items()} for number in range(count)]


def be(*elements: str) -> frozenset[str]:
    return frozenset(elements)


def name(number: int) -> str:
    return person(number)["XM"]


def parent_name(number: int) -> str:
    return FAMILY_NAMES[number % 10] + "建国"


def born(number: int) -> str:
    return person(number)["CSRQ"]


def digits_of_birth(number: int) -> str:
    return born(number).replace("-", "")


def sex(number: int) -> str:
    return {"1": "男", "2": "女"}[person(number)["XB"]]


def sex_digit(number: int) -> str:
    return person(number)["XB"]


def mobile(number: int) -> str:
    return f"139{number * 7919 % 10**8:08}"


def landline(number: int) -> str:
    return f"010-{60000000 + number * 37 % 10**7}"


def address(number: int) -> str:
    return f"北京市东城区{STREETS[number % 4]}{number % 90 + 1}号院{number % 9 + 1}号楼{number % 6 + 1}0{number % 4 + 1}室"


def company(number: int) -> str:
    return f"北京{'晨光启明华安'[number % 6]}{number}号{('科技', '商贸', '物业管理')[number % 3]}有限公司"


def day(first_year: int, years: int, form: str = "{}-{:02}-{:02}") -> Cell:
    return lambda number: form.format(first_year + number % years, number % 12 + 1, number % 28 + 1)


def one_of(*values: str) -> Cell:
    return lambda number: values[number % len(values)]


def numbered(form: str) -> Cell:
    return lambda number: form.format(number + 1)


def amount(largest: int) -> Cell:
    return lambda number: f"{number * 7907 % (largest * 100) / 100:.2f}"


NOTHING: frozenset[str] = frozenset()

KINDERGARTEN = UnseenTable(
    "yeyxsxx",
    "",
    {
        "xh": (numbered("{}"), NOTHING),
        "yexm": (name, be("person_name")),
        "yexb": (sex, be("sex_code")),
        "csrq": (born, be("birth_date")),
        "yesfzh": (resident_id, be("resident_id", "identity_document_number")),
        "mz": (one_of(*NATIONS), be("ethnic_group_code")),
        "hjdz": (address, be("household_address")),
        "xzz": (address, be("residence_address")),
        "jhrxm": (parent_name, NOTHING),
        "jhrlxdh": (mobile, NOTHING),
        "rysj": (day(2021, 3), NOTHING),
        "bjmc": (one_of("小一班", "小二班", "中一班", "大一班"), NOTHING),
        "sfdszn": (one_of("是", "否"), NOTHING),
        "yeymc": (one_of("东城区第一幼儿园", "东城区第二幼儿园"), be(NONE, "employer_name", "organization_name")),
        "bz": (one_of("", "", "过敏"), NOTHING),
    },
)
WATER = UnseenTable(
    "WS_CORP_CUST",
    "",
    {
        "CUST_NO": (numbered("W{:08}"), NOTHING),
        "CUST_NM": (company, be("organization_name")),
        "USCC": (credit_code, be("unified_social_credit_code")),
        "LGL_REP_NM": (name, be("legal_representative_name")),
        "REG_ADDR": (address, be("registered_address")),
        "BIZ_ADDR": (address, be("business_address")),
        "OFC_TEL": (landline, be("organization_phone_number")),
        "CNTCT_NM": (parent_name, be("contact_name", NONE)),
        "ZIP_CD": (one_of("100010", "100009", "100011"), be("postal_code")),
        "IND_CD": (one_of("F", "I", "K"), be("industry_code")),
        "ESTB_DT": (day(1998, 20, "{}/{}/{}"), be("established_date")),
        "METER_NO": (numbered("M-{:06}"), NOTHING),
        "INSTL_DT": (day(2010, 10), NOTHING),
        "WTR_TYPE": (one_of("居民", "工业", "特种"), NOTHING),
        "MTH_USG": (amount(900), NOTHING),
        "ARREARS_AMT": (amount(3000), NOTHING),
        "LST_UPD_TS": (one_of("2024-05-01 08:00:00"), be("source_updated_datetime")),
    },
)
PENSION = UnseenTable(
    "城镇职工养老保险参保人员",
    "",
    {
        "个人编号": (numbered("{:010}"), NOTHING),
        "社会保障号码": (resident_id, be("resident_id", "identity_document_number")),
        "参保人姓名": (name, be("person_name")),
        "性别代码": (sex_digit, be("sex_code")),
        "出生年月日": (digits_of_birth, be("birth_date")),
        "民族代码": (one_of("01", "11", "03", "02"), be("ethnic_group_code")),
        "户口性质": (one_of("非农业家庭户口", "农业家庭户口"), be("household_type_code")),
        "婚姻状况": (one_of("未婚", "已婚", "离婚"), be("marital_status_code")),
        "学历": (one_of("大学本科", "大学专科", "高中"), be("education_code")),
        "手机号码": (mobile, be("phone_number")),
        "参加工作日期": (day(1990, 30), NOTHING),
        "首次参保年月": (one_of("199807", "200301"), NOTHING),
        "单位名称": (company, be("employer_name")),
        "单位社会信用代码": (credit_code, be("employer_credit_code", "unified_social_credit_code")),
        "月缴费基数": (amount(20000), NOTHING),
        "待遇状态": (one_of("正常", "暂停"), NOTHING),
        "死亡日期": (one_of("", "", "2023-02-03"), be("death_date")),
        "经办机构名称": (one_of("东城区社会保险事业管理中心"), NOTHING),
        "更新时间": (one_of("2024-05-01"), be("source_updated_datetime")),
    },
)
DRIVERS = UnseenTable(
    "drv_jszxx",
    "机动车驾驶证信息",
    {
        "XM": (name, be("person_name", "certificate_holder_name")),
        "XB": (sex_digit, be("sex_code")),
        "SFZMMC": (one_of("居民身份证"), be("identity_document_type_code", "certificate_holder_type_code", "certificate_holder_type_name")),
        "SFZMHM": (resident_id, be("resident_id", "identity_document_number", "certificate_holder_code")),
        "GJ": (one_of("中国", "156"), be("nationality_code")),
        "JSZH": (resident_id, be("certificate_number", "resident_id", "certificate_holder_code")),
        "DABH": (numbered("1101{:08}"), NOTHING),
        "ZJCX": (one_of("C1", "C2", "B2"), NOTHING),
        "CCLZRQ": (day(2001, 20), be("issued_date", NONE)),
        "YXQS": (day(2018, 6), be("certificate_valid_from_date")),
        "YXQZ": (day(2028, 6), be("certificate_valid_to_date")),
        "FZJG": (one_of("北京市公安局公安交通管理局"), be("certificate_issuer_name")),
        "LJJF": (one_of("0", "3", "6"), NOTHING),
        "LXZSXXDZ": (address, be("residence_address")),
        "SJHM": (mobile, be("phone_number")),
        "ZT": (one_of("有效", "注销"), be("certificate_status_code", NONE)),
    },
)
REAL_ESTATE = UnseenTable(
    "不动产权证书登记信息",
    "",
    {
        "不动产单元号": (numbered("110101001001GB{:05}F00010001"), NOTHING),
        "不动产权证书号": (numbered("京（2023）东不动产权第{:07}号"), be("certificate_number")),
        "权利人": (name, be("certificate_holder_name", "person_name")),
        "权利人证件种类": (
            one_of("居民身份证"),
            be("certificate_holder_type_code", "certificate_holder_type_name", "identity_document_type_code"),
        ),
        "权利人证件号码": (resident_id, be("certificate_holder_code", "identity_document_number", "resident_id")),
        "共有情况": (one_of("单独所有", "共同共有"), NOTHING),
        "坐落": (address, be(NONE)),
        "权利类型": (one_of("国有建设用地使用权/房屋所有权"), NOTHING),
        "规划用途": (one_of("住宅", "商业"), NOTHING),
        "建筑面积": (amount(200), NOTHING),
        "登记日期": (day(2023, 2), be("issued_date", NONE)),
        "登记机构": (one_of("北京市规划和自然资源委员会"), be("certificate_issuer_name", NONE)),
        "交易价格": (amount(5000000), NOTHING),
    },
)
RESIDENTS_IN_ENGLISH = UnseenTable(
    "tbl_ppl_mstr",
    "",
    {
        "ppl_id": (numbered("{}"), NOTHING),
        "full_nm": (name, be("person_name")),
        "frmr_nm": (one_of("", "", "李梅"), be("former_name")),
        "gndr_cd": (sex_digit, be("sex_code")),
        "brth_dt": (born, be("birth_date")),
        "natn_cd": (one_of("CHN", "CHN", "JPN"), be("nationality_code")),
        "ethnc_cd": (one_of("01", "11"), be("ethnic_group_code")),
        "cert_typ": (one_of("111", "111", "414"), be("identity_document_type_code")),
        "cert_num": (resident_id, be("identity_document_number", "resident_id")),
        "mrg_sts": (one_of("10", "20", "40"), be("marital_status_code")),
        "edu_lvl": (one_of("20", "30", "60"), be("education_code")),
        "hh_addr": (address, be("household_address", "residence_address")),
        "cur_addr": (address, be("residence_address")),
        "mob_ph": (mobile, be("phone_number")),
        "dth_dt": (one_of("", "", "2022-03-04"), be("death_date")),
        "spse_nm": (parent_name, NOTHING),
        "crt_tm": (one_of("2020-01-01 00:00:00"), NOTHING),
        "is_del": (one_of("0", "1"), NOTHING),
        "upd_tm": (one_of("2024-01-01 00:00:00"), be("source_updated_datetime")),
    },
)
ALMSHOUSES = UnseenTable(
    "养老机构备案信息_2024",
    "",
    {
        "机构全称": (lambda number: f"北京市东城区{number}号养老院", be("organization_name")),
        "统一信用代码": (credit_code, be("unified_social_credit_code")),
        "机构类别": (one_of("民办非企业单位", "事业单位"), be("organization_type_code", NONE)),
        "法人姓名": (name, be("legal_representative_name")),
        "法人身份证号": (resident_id, be("legal_representative_document_number")),
        "注册资金（万元）": (amount(500), be("registered_capital")),
        "成立时间": (day(2001, 20, "{}年{}月{}日"), be("established_date")),
        "机构地址": (address, be("registered_address", "business_address")),
        "所在区划": (one_of("110101", "110102"), be("registered_address_division_code", "business_address_division_code")),
        "业务主管单位": (one_of("北京市东城区民政局"), be("supervising_body_name")),
        "联系人": (parent_name, be("contact_name")),
        "联系电话": (landline, be("organization_phone_number")),
        "床位数": (one_of("60", "120", "88"), NOTHING),
        "入住率": (one_of("81.5%", "92.0%", "77.3%"), NOTHING),
        "星级": (one_of("三星", "四星"), NOTHING),
        "从业人员数": (one_of("12", "35", "60"), be("employee_count")),
        "运营状态": (one_of("1", "2"), be("organization_status_code", NONE)),
        "备案日期": (day(2019, 5), NOTHING),
    },
)
TABLES = (KINDERGARTEN, WATER, PENSION, DRIVERS, REAL_ESTATE, RESIDENTS_IN_ENGLISH, ALMSHOUSES)
