"""The organizations as three departments hold them."""

from collections import Counter

import numpy as np
import pyarrow as pa

from demo import lists, organizations
from demo.city import City
from demo.organizations import CANCELLED, STATUS_CODES
from demo.text import date_text, digits, joined, picked, where
from demo.views.sheet import sheet

Counts = Counter[tuple[str, str, str]]
STATUS_WORDS = ("存续", "吊销，未注销", "注销")
TAX_WORDS = ("正常", "非正常", "注销")


def enterprise(city: City, counts: Counts) -> pa.Table:
    """Register of the market regulation bureau: entity types as codes of GS 14-2014, the status in words."""
    now = city.organizations
    page = sheet(city, "market_regulation__enterprise", city.dice.chance("enterprise", now.ordinal, 0.99), now.ordinal, counts)
    company = now.take(page.rows)
    page.clean("ZTBS", joined("ZT", digits(company.ordinal, 12)))
    page.put("TYSHXYDM", organizations.credit_codes_of(company))
    page.put("QYMC", organizations.names(city.dice, company, company.name_version))
    page.clean("QYLX", picked([form.entity_type for form in lists.trades().forms], company.form))
    page.put("QYZT", picked(STATUS_WORDS, company.status))
    page.put("FDDBR", city.person_names.take(pa.array(company.representative)))
    page.clean("ZCZB", organizations.capital(city.dice, company))
    page.clean("CLRQ", date_text(company.established, "%Y-%m-%d"))
    page.clean("HZRQ", date_text(company.approved, "%Y-%m-%d"))
    page.clean("ZXRQ", date_text(company.cancelled, "%Y-%m-%d"))
    page.put("ZS", organizations.addresses_of(city.dice, company))
    page.clean("DJJG", organizations.offices(company, "市场监督管理局"))
    page.clean("JYFW", picked([trade.scope for trade in lists.trades().trades], company.trade))
    page.put("LXDH", organizations.telephones(city.dice, company))
    return page.table()


def taxpayer(city: City, counts: Counts) -> pa.Table:
    """Register of the tax bureau: old names, old addresses, dates as 2023/5/6, credit codes in full-width characters."""
    now = city.organizations
    page = sheet(city, "tax__taxpayer", city.dice.chance("taxpayer", now.ordinal, 0.94), now.ordinal, counts)
    company = now.take(page.rows)
    names = (
        organizations.names(city.dice, company, company.name_version - company.formerly_named),
        organizations.names(city.dice, company, company.name_version),
    )
    first_address = organizations.addresses_of(city.dice, company, np.ones(len(company), dtype=np.int64))
    page.put("纳税人识别号", organizations.credit_codes_of(company))
    page.put("纳税人名称", page.stale("纳税人名称", *names))
    page.clean("登记注册类型", picked([form.entity_type for form in lists.trades().forms], company.form))
    active = picked(TAX_WORDS, np.where(company.status == STATUS_CODES.index(CANCELLED), 0, company.status))
    page.put("登记状态", page.stale("登记状态", active, picked(TAX_WORDS, company.status)))
    page.clean("法定代表人", city.person_names.take(pa.array(company.representative)))
    page.clean("成立日期", date_text(company.established, "Y/m/d"))
    page.put("注册地址", page.stale("注册地址", first_address, organizations.addresses_of(city.dice, company)))
    page.clean("主管税务机关", organizations.offices(company, "税务局"))
    changed = page.updated(company.renamed_day, company.moved_day, company.cancelled_day, company.founded_day)
    page.clean("更新日期", date_text(changed, "Y/m/d"))
    return page.table()


def employer(city: City, counts: Counts) -> pa.Table:
    """Employers known to social security: names and telephone numbers, often of long ago."""
    now = city.organizations
    page = sheet(city, "social_security__employer", city.dice.chance("insures", now.ordinal, 0.8), now.ordinal, counts)
    company = now.take(page.rows)
    names = (
        organizations.names(city.dice, company, company.name_version - company.formerly_named),
        organizations.names(city.dice, company, company.name_version),
    )
    page.clean("danwei_bianhao", joined("DW", digits(company.ordinal, 8)))
    page.put("tongyi_daima", organizations.credit_codes_of(company))
    page.put("danwei_mingcheng", page.stale("danwei_mingcheng", *names))
    page.clean("danwei_dianhua", organizations.telephones(city.dice, company))
    page.clean(
        "danwei_dizhi",
        where(city.dice.chance("employer address", company.ordinal, 0.7), organizations.addresses_of(city.dice, company), None),
    )
    return page.table()
