"""The people as six departments hold them."""

from collections import Counter

import numpy as np
import pyarrow as pa

from demo import lists, organizations, people
from demo.city import City
from demo.dice import Flags
from demo.people import DIVORCED, EDUCATION_CODES, MARITAL_CODES, NEVER, UNMARRIED, WIDOWED, People
from demo.text import Text, date_text, dates, digits, joined, picked, plain, where
from demo.views.sheet import Sheet, sheet

Counts = Counter[tuple[str, str, str]]
MARITAL_WORDS = ("未婚", "已婚", "丧偶", "离婚")
RELATIONS_TO_HOUSEHOLD = ("户主", "配偶", "子", "女")


def _registered(city: City) -> Flags:
    """People of the household register; the others live here but are registered elsewhere, or were not entered."""
    return city.people.present & city.dice.chance("registered", city.people.ordinal, 0.97)


def _marital_before(person: People) -> Text:
    """What a register says that has not heard of the last change."""
    before = np.where(person.marital == DIVORCED, 1, np.where(person.marital == WIDOWED, 1, UNMARRIED))
    return picked(MARITAL_CODES, before)


def resident(city: City, counts: Counts) -> pa.Table:
    """Household register of the public security bureau; dates as eight digits, codes for sex and marital status, names of ethnic groups."""
    page = sheet(city, "public_security__resident", _registered(city), city.people.ordinal, counts)
    person = city.people.take(page.rows)
    county, household = people.households(city.dice, person)
    codes = [place.code for place in lists.places().counties]
    reported = city.dice.chance("death reported", person.ordinal, 0.75)
    page.clean("RYID", joined("330100", digits(person.ordinal, 12), where(page.again, "02", "01")))
    page.put("SFZH", people.ids(person))
    page.put("XM", people.names(city.dice, person))
    page.clean("XB", plain(person.sex))
    page.put("MZ", picked([name for _, name in lists.names().ethnic.values()], person.ethnic))
    page.put("CSRQ", date_text(person.birth, "%Y%m%d"))
    page.put("HKSZD", picked(codes, county))
    page.clean("HJDZ", household)
    page.put("XZZ", page.stale("XZZ", people.former_homes(city.dice, person), people.homes(city.dice, person)))
    marital = page.stale("HYZK", _marital_before(person), picked(MARITAL_CODES, person.marital))
    page.put("HYZK", marital)
    page.clean("YHZGX", picked(RELATIONS_TO_HOUSEHOLD, city.dice.below("relation", person.ordinal, 4)))
    page.clean("SWRQ", date_text(np.where(reported, person.death, NEVER), "%Y%m%d"))
    changed = page.updated(person.born_day, person.moved_day, person.renamed_day, person.marital_day, person.died_day)
    page.clean("GXSJ", joined(date_text(changed, "%Y-%m-%d"), " 02:15:00"))
    return page.table()


def marriage(city: City, counts: Counts) -> pa.Table:
    """Marriage register of the civil affairs bureau: the state of each grown-up person it has had to do with, in words."""
    now = city.people
    held = now.present & (now.age(1) >= 20) & (city.dice.chance("marriage register", now.ordinal, 0.9) | (now.marital_day > 0))
    page = sheet(city, "civil_affairs__marriage", held, now.ordinal, counts)
    person = now.take(page.rows)
    page.clean("登记编号", joined("HY", digits(person.ordinal, 10)))
    page.put("姓名", people.names(city.dice, person))
    page.put("身份证号", people.ids(person))
    page.clean("性别", picked(("男", "女"), person.sex - 1))
    page.put("婚姻状况", picked(MARITAL_WORDS, person.marital))
    page.clean("变更日期", date_text(page.updated(person.marital_day, since=6000), "%Y-%m-%d"))
    page.clean("登记机关", picked([f"{place.name}民政局" for place in lists.places().counties], person.county))
    return page.table()


def death(city: City, counts: Counts) -> pa.Table:
    """Funeral register of the civil affairs bureau; dates as they are spoken."""
    now = city.people
    held = now.present & ~np.isnat(now.death) & city.dice.chance("funeral register", now.ordinal, 0.93)
    page = sheet(city, "civil_affairs__death", held, now.ordinal, counts)
    person = now.take(page.rows)
    page.clean("火化编号", joined("BZ", digits(person.ordinal, 10)))
    page.clean("逝者姓名", people.names(city.dice, person))
    page.put("身份证号", people.ids(person))
    page.clean("性别", picked(("男", "女"), person.sex - 1))
    page.put("死亡日期", date_text(person.death, "Y年m月d日"))
    page.clean("殡仪馆", pa.array(["杭州市殡仪馆"] * len(person), pa.string()))
    return page.table()


def resident_card(city: City, counts: Counts) -> pa.Table:
    """Health cards: English names, real dates and timestamps, sex as M and F."""
    now = city.people
    held = now.present & (city.dice.chance("health card", now.ordinal, 0.88) | (now.born_day > 0))
    page = sheet(city, "health__resident_card", held, now.ordinal, counts)
    person = now.take(page.rows)
    known = city.dice.chance("death in hospital", person.ordinal, 0.6)
    page.clean("card_no", joined("H33", digits(person.ordinal, 11), where(page.again, "B", "A")))
    page.put("id_number", people.ids(person))
    page.put("full_name", people.names(city.dice, person))
    page.clean("gender", picked(("M", "F"), person.sex - 1))
    page.clean("date_of_birth", dates(person.birth))
    mobile = people.phones(city.dice, person, np.where(page.again, 0, person.phone_version))
    page.put("phone", where(people.has_phone(city.dice, person), mobile, None))
    page.put("address", page.stale("address", people.former_homes(city.dice, person), people.homes(city.dice, person)))
    page.clean("date_of_death", dates(np.where(known, person.death, NEVER)))
    page.clean("blood_type", picked(("A", "B", "AB", "O"), city.dice.below("blood", person.ordinal, 4)))
    changed = page.updated(person.born_day, person.moved_day, person.renamed_day, person.died_day, person.phone_day)
    page.clean("updated_at", pa.array(changed.astype("datetime64[us]") + np.timedelta64(9, "h")))
    return page.table()


def insured(city: City, counts: Counts) -> pa.Table:
    """Insured persons: full pinyin names; some of the dead are insured still."""
    now = city.people
    dead = ~np.isnat(now.death)
    joins = ((now.age(1) >= 16) & city.dice.chance("insured", now.ordinal, 0.55)) | (now.employer >= 0)
    page = sheet(city, "social_security__insured", now.present & joins, now.ordinal, counts)
    forgotten = page.press.happens("rows", "deceased_still_insured", page.keys)
    keep = ~dead[page.rows] | forgotten
    page.press.count("rows", "deceased_still_insured", int(np.sum(dead[page.rows] & forgotten)))
    page = Sheet(city, page.dataset, page.rows[keep], page.keys[keep], page.again[keep], page.press)
    person = now.take(page.rows)
    employer = pa.array(person.employer, mask=person.employer < 0)
    companies = city.organizations
    former = organizations.names(city.dice, companies, np.zeros(len(companies), dtype=np.int64)).take(employer)
    page.clean("sbk_bianhao", joined("SB", digits(person.ordinal, 10)))
    page.put("xingming", people.names(city.dice, person))
    page.put("gongmin_shenfen_haoma", people.ids(person))
    page.clean("xingbie", plain(person.sex))
    page.put("chusheng_riqi", date_text(person.birth, "%Y-%m-%d"))
    page.put("danwei_mingcheng", page.stale("danwei_mingcheng", former, city.organization_names.take(employer)))
    mobiles = (people.phones(city.dice, person, person.phone_version * 0), people.phones(city.dice, person, person.phone_version))
    page.put("lianxi_dianhua", where(people.has_phone(city.dice, person), page.stale("lianxi_dianhua", *mobiles), None))
    page.clean("canbao_zhuangtai", picked(("正常参保", "暂停参保"), (person.employer < 0).astype(np.int64)))
    page.clean("gengxin_riqi", date_text(page.updated(person.job_day, person.phone_day, person.renamed_day), "%Y-%m-%d"))
    return page.table()


def student(city: City, counts: Counts) -> pa.Table:
    """Students and graduates: the names of ethnic groups with and without 族, education by code and by name."""
    now = city.people
    held = now.present & (now.age(1) >= 12) & (now.age(1) < 44) & city.dice.chance("student", now.ordinal, 0.62)
    page = sheet(city, "education__student", held, now.ordinal, counts)
    person = now.take(page.rows)
    page.clean("学籍号", joined("G3301", digits(person.ordinal, 9)))
    page.put("姓名", people.names(city.dice, person))
    page.put("身份证件号", people.ids(person))
    page.clean("性别", picked(("男性", "女性"), person.sex - 1))
    page.put("民族", picked([name for _, name in lists.names().ethnic.values()], person.ethnic))
    page.put("出生日期", date_text(person.birth, "%Y-%m-%d"))
    page.put("学历", picked(EDUCATION_CODES, person.education))
    page.clean("学校", picked([f"{place.name}第一中学" for place in lists.places().counties], person.county))
    return page.table()
