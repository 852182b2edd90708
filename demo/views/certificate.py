"""The certificates as four departments hold them; a certificate issued again stands there twice, with its number and two dates of issue."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo import certificates, lists, people
from demo.certificates import BUSINESS_LICENCE, DRIVING_LICENCE, FOR_EVER, PROPERTY_DEED, ROAD_PERMIT, Certificates, Holders
from demo.city import City
from demo.text import Text, date_text, joined, picked, plain, spreadsheet_days, where
from demo.views.sheet import Sheet, sheet

Counts = Counter[tuple[str, str, str]]
STATUS_WORDS = {"01": "有效", "02": "暂扣", "04": "注销", "05": "失效", "07": "吊销"}
VEHICLE_CLASSES = ("C1", "C2", "B2", "A2")


def _page(city: City, dataset: str, kind: int, counts: Counts) -> tuple[Sheet, Certificates]:
    """Return the sheet of one kind and its rows: a certificate issued again, first as it was issued before."""
    now = city.certificates
    held = now.kind == kind
    page = sheet(city, dataset, held, now.ordinal, counts)
    chosen = now.take(page.rows)
    repeated = np.flatnonzero(chosen.version > 1)
    page.press.count("rows", "reissued", len(repeated))
    rows = np.concatenate([page.rows, page.rows[repeated]])
    old = np.concatenate([np.zeros(len(page.rows), dtype=bool), np.ones(len(repeated), dtype=bool)])
    both = now.take(rows)
    issues = Certificates(
        ordinal=both.ordinal, kind=both.kind, holder=both.holder, county=both.county, first_issued=both.first_issued,
        issued=np.where(old, both.first_issued, both.issued), version=np.where(old, 1, both.version), issued_day=both.issued_day,
    )  # fmt: skip
    keys = np.concatenate([page.keys, page.keys[repeated] + (1 << 50)])
    return Sheet(city, dataset, rows, keys, old, page.press), issues


def _holders(city: City, issues: Certificates) -> tuple[Text, Text]:
    return Holders(city.person_names, city.person_ids, city.organization_names, city.credit_codes).chosen(issues)


def _status_words(city: City, page: Sheet, issues: Certificates) -> Text:
    codes = certificates.statuses(city.dice, issues, city.organizations, city.day)
    words = pa.array(list(STATUS_WORDS.values())).take(pc.index_in(codes, pa.array(list(STATUS_WORDS))))
    return where(page.again, "失效", words)


def _issuers(issues: Certificates) -> Text:
    offices = [f"{lists.places().prefecture}{county.name}" for county in lists.places().counties]
    return joined(picked(offices, issues.county), picked(certificates.ISSUERS, issues.kind))


def business_licence(city: City, counts: Counts) -> pa.Table:
    """Licences by the short names of GB/T 36903."""
    page, issues = _page(city, "market_regulation__business_licence", BUSINESS_LICENCE, counts)
    name, code = _holders(city, issues)
    until = certificates.valid_to(issues)
    page.clean("LSH", joined(plain(issues.ordinal), "-", plain(issues.version)))
    page.put("ZZBH", certificates.numbers(issues))
    page.clean("CZZT", name)
    page.put("CZZTDM", code)
    page.clean("ZZBFJG", _issuers(issues))
    page.clean("ZZBFJGDM", certificates.issuer_codes(issues))
    page.clean("ZZBFRQ", date_text(issues.issued, "%Y-%m-%d"))
    page.clean("ZZYXQQSRQ", date_text(issues.issued, "%Y-%m-%d"))
    page.clean("ZZYXQJZRQ", where(until == FOR_EVER, "长期", date_text(until, "%Y-%m-%d")))
    page.clean("ZZZT", _status_words(city, page, issues))
    return page.table()


def driving_licence(city: City, counts: Counts) -> pa.Table:
    """Driving licences: dates as the numbers of a spreadsheet."""
    page, issues = _page(city, "transport__driving_licence", DRIVING_LICENCE, counts)
    name, code = _holders(city, issues)
    page.clean("xh", joined(plain(issues.ordinal), "-", plain(issues.version)))
    page.clean("dabh", certificates.numbers(issues))
    page.put("xm", name)
    page.put("sfzmhm", code)
    page.clean("zjcx", picked(VEHICLE_CLASSES, city.dice.pick("vehicle class", issues.ordinal, (0.7, 0.2, 0.07, 0.03))))
    page.clean("fzjg", _issuers(issues))
    page.clean("fzrq", spreadsheet_days(issues.issued))
    page.clean("yxqs", spreadsheet_days(issues.issued))
    page.clean("yxqz", spreadsheet_days(certificates.valid_to(issues)))
    page.put("zt", _status_words(city, page, issues))
    return page.table()


def road_permit(city: City, counts: Counts) -> pa.Table:
    """Road transport permits of companies."""
    page, issues = _page(city, "transport__road_permit", ROAD_PERMIT, counts)
    name, code = _holders(city, issues)
    page.clean("xh", joined(plain(issues.ordinal), "-", plain(issues.version)))
    page.put("xkzh", certificates.numbers(issues))
    page.clean("yhmc", name)
    page.put("tyshxydm", code)
    page.clean("fzjg", _issuers(issues))
    page.clean("fzrq", date_text(issues.issued, "%Y-%m-%d"))
    page.clean("yxqz", date_text(certificates.valid_to(issues), "%Y-%m-%d"))
    page.clean("zt", _status_words(city, page, issues))
    return page.table()


def real_property(city: City, counts: Counts) -> pa.Table:
    """Deeds and their owners: feeds people (an address) and certificates; GBK loses rare characters of names."""
    page, issues = _page(city, "housing__property", PROPERTY_DEED, counts)
    name, code = _holders(city, issues)
    owner = city.people.take(issues.holder)
    page.clean("业务号", joined(plain(issues.ordinal), "-", plain(issues.version)))
    page.put("不动产权证号", certificates.numbers(issues))
    page.clean("电子证照标识", certificates.identifiers(issues))
    page.put("权利人", name)
    page.lose("权利人", "gbk")
    page.put("权利人证件号", code)
    first = issues.ordinal % 2 == 0
    other = people.addresses(city.dice, issues.ordinal, issues.county)
    home = page.stale("坐落", people.former_homes(city.dice, owner), people.homes(city.dice, owner))
    page.put("坐落", where(first, home, other))
    page.clean("用途", where(first, "住宅", "商业"))
    page.put("登簿日期", date_text(issues.issued, "%Y-%m-%d"))
    page.clean("使用期限起", date_text(issues.first_issued, "%Y-%m-%d"))
    page.clean("使用期限止", date_text(certificates.valid_to(issues), "%Y-%m-%d"))
    page.clean("登记机构", _issuers(issues))
    page.clean("登记机构代码", certificates.issuer_codes(issues))
    page.clean("权属状态", _status_words(city, page, issues))
    return page.table()
