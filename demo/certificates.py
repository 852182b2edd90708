"""The certificates of the city as they truly are: licences of organizations, driving licences and deeds of people, each as last issued."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa

from demo import lists
from demo.dice import Dice, Flags, Ints
from demo.identifiers import certificate_identifiers, codes_of, credit_codes
from demo.organizations import CANCELLED, REVOKED, STATUS_CODES, Organizations
from demo.people import People, date_of
from demo.text import Days, Text, dates, digits, from_bytes, joined, picked, plain, where

BUSINESS_LICENCE, DRIVING_LICENCE, PROPERTY_DEED, ROAD_PERMIT = range(4)
TYPE_NAMES = ("营业执照", "机动车驾驶证", "不动产权证书", "道路运输经营许可证")
# Only the deed's type code is published (GB/T 36903); the others are not known and stay empty.
DEED_TYPE_CODE = "11100000MB03271699001"
HELD_BY_PEOPLE = (DRIVING_LICENCE, PROPERTY_DEED)
ISSUERS = ("市场监督管理局", "公安局交通警察支队", "规划和自然资源局", "交通运输局")
PERSON_CODE, ORGANIZATION_CODE = "111", "001"
VALID, WITHHELD, STRUCK_OFF, EXPIRED, REVOKED_STATUS = "01", "02", "04", "05", "07"
FOR_EVER = np.datetime64("9999-12-31")


@dataclass(frozen=True)
class Certificates:
    """One entry per certificate; `holder` is the ordinal of a person or an organization, `version` counts how often it was issued."""

    ordinal: Ints
    kind: Ints
    holder: Ints
    county: Ints
    first_issued: Days
    issued: Days
    version: Ints
    issued_day: Ints

    def __len__(self) -> int:
        return len(self.ordinal)

    def take(self, rows: Ints | Flags) -> "Certificates":
        """Return the chosen entries."""
        return Certificates(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @property
    def personal(self) -> Flags:
        """Which certificates belong to people."""
        return np.isin(self.kind, HELD_BY_PEOPLE)


def make_certificates(dice: Dice, people: People, organizations: Organizations) -> Certificates:
    """Make the certificates of the first day."""
    age, living = people.age(1), np.isnat(people.death)
    drives = (age >= 18) & (age < 76) & living & dice.chance("drives", people.ordinal, 0.5)
    owns = (age >= 25) & living & dice.chance("owns", people.ordinal, 0.32)
    second = owns & dice.chance("owns two", people.ordinal, 0.08)
    hauls = np.array([trade.transport for trade in lists.trades().trades])[organizations.trade] & dice.chance(
        "hauls", organizations.ordinal, 0.9
    )
    groups = [
        _of_organizations(dice, organizations, BUSINESS_LICENCE),
        _of_people(dice, people.take(drives), DRIVING_LICENCE, 0, 18),
        _of_people(dice, people.take(owns), PROPERTY_DEED, 0, 25),
        _of_people(dice, people.take(second), PROPERTY_DEED, 1, 25),
        _of_organizations(dice, organizations.take(hauls), ROAD_PERMIT),
    ]
    return _stacked(groups)


def _stacked(groups: list[Certificates]) -> Certificates:
    return Certificates(**{field.name: np.concatenate([getattr(group, field.name) for group in groups]) for field in fields(Certificates)})


def _of_people(dice: Dice, people: People, kind: int, copy: int, from_age: int) -> Certificates:
    ordinal = people.ordinal * 16 + kind * 2 + copy
    since = np.minimum((people.age(1) - from_age) * 365, 12_000) + 1
    first = date_of(1) - (1 + dice.below("issued ago", ordinal, 1 << 40) % since).astype("timedelta64[D]")
    # A deed is issued by the county of the property, which is the owner's home only for the first.
    county = people.county if copy == 0 else dice.pick("second property", ordinal, [place.weight for place in lists.places().counties])
    return _issued(dice, ordinal, kind, people.ordinal, county, first)


def _of_organizations(dice: Dice, organizations: Organizations, kind: int) -> Certificates:
    ordinal = (1 << 44) + organizations.ordinal * 16 + kind * 2
    made = _issued(dice, ordinal, kind, organizations.ordinal, organizations.home_county, organizations.established)
    if kind == BUSINESS_LICENCE:  # a licence is issued again with each approved change
        issued = np.where(made.version > 1, organizations.approved, made.first_issued)
        return replace(
            made, issued=issued, version=np.where(issued > made.first_issued, made.version, 1), issued_day=organizations.founded_day
        )
    return made


def _issued(dice: Dice, ordinal: Ints, kind: int, holder: Ints, county: Ints, first: Days) -> Certificates:
    again = dice.chance("issued again", ordinal, 0.12)
    age = (date_of(1) - first).astype(np.int64)
    later = first + (1 + dice.share("issued again after", ordinal) * age).astype(np.int64).astype("timedelta64[D]")
    again &= (age > 10) & (later < date_of(1))
    count = len(ordinal)
    return Certificates(ordinal=ordinal, kind=np.full(count, kind), holder=holder, county=county, first_issued=first,
                        issued=np.where(again, later, first), version=1 + again, issued_day=np.zeros(count, dtype=np.int64))  # fmt: skip


def advance(dice: Dice, certificates: Certificates, organizations: Organizations, day: int) -> Certificates:
    """Return the certificates on the next day: some issued again under their number, and licences of new organizations."""
    again = dice.chance(f"issued again on day {day}", certificates.ordinal, lists.changes().certificates["reissued"])
    changed = replace(
        certificates,
        issued=np.where(again, date_of(day), certificates.issued),
        version=certificates.version + again,
        issued_day=np.where(again, day, certificates.issued_day),
    )
    return _stacked([changed, _of_organizations(dice, organizations.take(organizations.founded_day == day), BUSINESS_LICENCE)])


def numbers(certificates: Certificates) -> Text:
    """Return the certificate numbers as each kind of office writes them."""
    places = lists.places()
    year = plain(certificates.first_issued.astype("datetime64[Y]").astype(np.int64) + 1970)
    serial = (certificates.ordinal % (1 << 44)) // 16 * 2 + certificates.ordinal % 2
    code = picked([county.code for county in places.counties], certificates.county)
    by_kind = (
        joined(code, year, digits(serial, 8)),
        joined("3301", digits(serial, 8)),
        joined("浙（", year, "）", places.prefecture, "不动产权第", digits(serial, 7), "号"),
        joined("浙交运管许可", places.short, "字", code, digits(serial, 6), "号"),
    )
    return by_kind[-1] if not len(certificates) else _chosen(certificates.kind, by_kind)


def _chosen(kind: Ints, by_kind: tuple[Text, ...]) -> Text:
    result = by_kind[0]
    for index, column in enumerate(by_kind[1:], start=1):
        result = where(kind == index, column, result)
    return result


def issuer_codes(certificates: Certificates) -> Text:
    """Return made-up credit codes of the issuing offices (category 11, one per county and kind)."""
    counties = np.array([int(county.code) for county in lists.places().counties])
    number = np.arange(len(counties) * len(ISSUERS))
    table = codes_of(credit_codes(pa.array(["11"] * len(number)), counties[number // len(ISSUERS)], 800_000_000 + number), 18)
    return from_bytes(table[certificates.county * len(ISSUERS) + certificates.kind])


def valid_to(certificates: Certificates) -> Days:
    """Return the last day: driving licences by renewals, deeds after seventy years, permits after four, most licences never."""
    years = np.array([0, 6, 70, 4])[certificates.kind]
    renewed = (certificates.kind == DRIVING_LICENCE) & (certificates.version > 1)
    years = np.where(renewed, 10, years)
    start = np.where(certificates.kind == PROPERTY_DEED, certificates.first_issued, certificates.issued)
    month = start.astype("datetime64[M]")
    end = (month + (years * 12).astype("timedelta64[M]")).astype("datetime64[D]") + (start - month.astype("datetime64[D]"))
    return np.where(years == 0, FOR_EVER, end)


def statuses(dice: Dice, certificates: Certificates, organizations: Organizations, day: int) -> Text:
    """Return the status codes: expired by date, struck off or revoked with the organization, a few withheld."""
    by_holder = [{CANCELLED: STRUCK_OFF, REVOKED: REVOKED_STATUS}.get(code, VALID) for code in STATUS_CODES]
    holder = np.where(certificates.personal, 0, np.minimum(certificates.holder, len(organizations) - 1))
    inherited = picked(by_holder, np.where(certificates.personal, 0, organizations.status[holder]))
    withheld = (certificates.kind == DRIVING_LICENCE) & dice.chance("withheld", certificates.ordinal, 0.01)
    expired = valid_to(certificates) < date_of(day)
    return where(withheld, WITHHELD, where(expired & (organizations.active[holder] | certificates.personal), EXPIRED, inherited))


def identifiers(certificates: Certificates) -> Text:
    """Return electronic certificate identifiers; only deeds have one."""
    made = certificate_identifiers(DEED_TYPE_CODE, issuer_codes(certificates), certificates.ordinal, certificates.version)
    return where(certificates.kind == PROPERTY_DEED, made, None)


@dataclass(frozen=True)
class Holders:
    """Names and codes of all people and organizations, by ordinal."""

    person_names: Text
    person_codes: Text
    organization_names: Text
    organization_codes: Text

    def chosen(self, certificates: Certificates) -> tuple[Text, Text]:
        """Return name and code of each certificate's holder."""
        person = pa.array(certificates.holder, mask=~certificates.personal)
        organization = pa.array(certificates.holder, mask=certificates.personal)
        personal = certificates.personal
        return (
            where(personal, self.person_names.take(person), self.organization_names.take(organization)),
            where(personal, self.person_codes.take(person), self.organization_codes.take(organization)),
        )


def render(dice: Dice, certificates: Certificates, organizations: Organizations, holders: Holders, day: int) -> pa.Table:
    """Return the truth: one row per certificate, columns named by data element, standard values."""
    type_names = picked(TYPE_NAMES, certificates.kind)
    name, code = holders.chosen(certificates)
    begin = np.where(certificates.kind == PROPERTY_DEED, certificates.first_issued, certificates.issued)
    prefecture = lists.places().prefecture
    offices = [f"{prefecture}{county.name}{ending}" for county in lists.places().counties for ending in ISSUERS]
    return pa.table(
        {
            "certificate_identifier": identifiers(certificates),
            "certificate_type_name": type_names,
            "certificate_type_code": where(certificates.kind == PROPERTY_DEED, DEED_TYPE_CODE, None),
            "certificate_number": numbers(certificates),
            "certificate_name": type_names,
            "certificate_issuer_name": picked(offices, certificates.county * len(ISSUERS) + certificates.kind),
            "certificate_issuer_code": issuer_codes(certificates),
            "issued_date": dates(certificates.issued),
            "certificate_valid_from_date": dates(begin),
            "certificate_valid_to_date": dates(valid_to(certificates)),
            "certificate_holder_name": name,
            "certificate_holder_code": code,
            "certificate_holder_type_code": where(certificates.personal, PERSON_CODE, ORGANIZATION_CODE),
            "certificate_status_code": statuses(dice, certificates, organizations, day),
        }
    )
