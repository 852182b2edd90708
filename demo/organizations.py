"""The organizations of the city as they truly are, and the data elements rendered from them."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa

from demo import lists
from demo.dice import Dice, Flags, Ints
from demo.identifiers import credit_codes
from demo.people import NEVER, VERSION, addresses, date_of
from demo.text import Days, Text, dates, digits, joined, picked, plain, where

ACTIVE, REVOKED, CANCELLED = "1", "2", "4"
STATUS_CODES = (ACTIVE, REVOKED, CANCELLED)


@dataclass(frozen=True)
class Organizations:
    """One entry per organization that was ever registered; `*_day` as for people. The representative is a person's ordinal."""

    ordinal: Ints
    county: Ints
    home_county: Ints
    form: Ints
    trade: Ints
    status: Ints
    representative: Ints
    established: Days
    approved: Days
    cancelled: Days
    name_version: Ints
    address_version: Ints
    founded_day: Ints
    renamed_day: Ints
    moved_day: Ints
    representative_day: Ints
    cancelled_day: Ints

    def __len__(self) -> int:
        return len(self.ordinal)

    def take(self, rows: Ints | Flags) -> "Organizations":
        """Return the chosen entries."""
        return Organizations(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @property
    def active(self) -> Flags:
        """Which organizations exist and trade."""
        return np.equal(self.status, STATUS_CODES.index(ACTIVE))

    @property
    def formerly_named(self) -> Flags:
        """Which organizations have borne another name."""
        return np.greater(self.name_version, 1)


def make_organizations(dice: Dice, ordinal: Ints, adults: Ints, founded: int = 0) -> Organizations:
    """Make organizations, represented by people out of `adults`; those `founded` on a day of the story are new on that day."""
    count, words = len(ordinal), lists.trades()
    county = dice.pick("organization county", ordinal, [county.weight for county in lists.places().counties])
    age = np.zeros(count, dtype=np.int64) if founded else 30 + dice.below("organization age", ordinal, 9000)
    day = date_of(max(founded, 1))
    established = day - age.astype("timedelta64[D]")
    status = np.zeros(count, dtype=np.int64) if founded else dice.pick("organization status", ordinal, (0.87, 0.05, 0.08))
    renamed = dice.chance("organization renamed", ordinal, 0.15) & (founded == 0)
    approved = day - (dice.share("approved", ordinal) * age).astype(np.int64).astype("timedelta64[D]")
    since_end = (dice.share("cancelled", ordinal) * (day - approved).astype(np.int64)).astype(np.int64)
    zeros, ones = np.zeros(count, dtype=np.int64), np.ones(count, dtype=np.int64)
    return Organizations(
        ordinal=ordinal, county=county, home_county=county, form=dice.pick("form", ordinal, [form.weight for form in words.forms]),
        trade=dice.pick("trade", ordinal, [trade.weight for trade in words.trades]),
        status=status, representative=adults[dice.below("representative", ordinal, len(adults))],
        established=established, approved=approved,
        cancelled=np.where(status == STATUS_CODES.index(CANCELLED), day - since_end.astype("timedelta64[D]"), NEVER),
        name_version=ones + renamed, address_version=ones, founded_day=zeros + founded,
        renamed_day=zeros, moved_day=zeros, representative_day=zeros, cancelled_day=zeros,
    )  # fmt: skip


def advance(dice: Dice, organizations: Organizations, adults: Ints, day: int) -> Organizations:
    """Return the organizations on the next day; every change but a new telephone is one the registration office approves."""
    rates = lists.changes().organizations
    what = dice.kind(f"organizations on day {day}", organizations.ordinal, list(rates.values()))
    renamed, cancelled, moved, represented = (
        (what == list(rates).index(name)) & organizations.active for name in ("renamed", "cancelled", "moved", "new_representative")
    )
    successor = adults[dice.below(f"representative {day}", organizations.ordinal, len(adults))]
    new_county = dice.pick(f"organization county {day}", organizations.ordinal, [county.weight for county in lists.places().counties])
    represented &= successor != organizations.representative
    changed = replace(
        organizations,
        county=np.where(moved, new_county, organizations.county),
        address_version=organizations.address_version + moved,
        moved_day=np.where(moved, day, organizations.moved_day),
        name_version=organizations.name_version + renamed,
        renamed_day=np.where(renamed, day, organizations.renamed_day),
        representative=np.where(represented, successor, organizations.representative),
        representative_day=np.where(represented, day, organizations.representative_day),
        status=np.where(cancelled, STATUS_CODES.index(CANCELLED), organizations.status),
        cancelled=np.where(cancelled, date_of(day), organizations.cancelled),
        cancelled_day=np.where(cancelled, day, organizations.cancelled_day),
        approved=np.where(renamed | moved | represented | cancelled, date_of(day), organizations.approved),
    )
    first = int(organizations.ordinal[-1]) + 1
    count = max(1, round(len(organizations) * lists.changes().new_organizations))
    young = make_organizations(dice, np.arange(first, first + count), adults, founded=day)
    return Organizations(**{f.name: np.concatenate([getattr(changed, f.name), getattr(young, f.name)]) for f in fields(Organizations)})


def names(dice: Dice, organizations: Organizations, version: Ints) -> Text:
    """Return names of place, core, trade and form; an ordinal's number is turned into a core no other of the same trade has."""
    words = lists.trades()
    size = len(words.cores)
    # A bijection of 0 … size³-1, so that no two organizations share a name while there are fewer than that.
    number = ((organizations.ordinal + version * 91_019) * 7_919 + dice.seed) % size**3
    core = joined(*(picked(words.cores, number // size**power % size) for power in range(3)))
    short = lists.places().prefecture.removesuffix("市")
    trade = picked([trade.name for trade in words.trades], organizations.trade)
    return joined(short, core, trade, picked([form.form for form in words.forms], organizations.form))


def addresses_of(dice: Dice, organizations: Organizations, version: Ints | None = None) -> Text:
    """Return the registered addresses; version 0 is where they were before the story."""
    if version is None:
        return addresses(dice, organizations.ordinal + organizations.address_version * VERSION + VERSION // 2, organizations.county)
    return addresses(dice, organizations.ordinal + version * VERSION + VERSION // 2, organizations.home_county)


def credit_codes_of(organizations: Organizations) -> Text:
    """Return the unified social credit codes; the region in them is that of the first registration."""
    division = np.array([int(county.code) for county in lists.places().counties])[organizations.home_county]
    return credit_codes(picked([form.prefix for form in lists.trades().forms], organizations.form), division, organizations.ordinal)


def offices(organizations: Organizations, ending: str) -> Text:
    """Return the name of the county's office with this ending."""
    prefecture = lists.places().prefecture
    return picked([f"{prefecture}{county.name}{ending}" for county in lists.places().counties], organizations.home_county)


def telephones(dice: Dice, organizations: Organizations) -> Text:
    """Return fixed-line numbers; one organization in ten has none."""
    number = joined(lists.places().area_code, "-8", digits(dice.below("landline", organizations.ordinal, 10**7), 7))
    return where(dice.chance("has landline", organizations.ordinal, 0.9), number, None)


def capital(dice: Dice, organizations: Organizations) -> Text:
    """Return the registered capital in units of ten thousand yuan."""
    return plain(np.array([10, 50, 100, 200, 500, 1000, 5000])[dice.below("capital", organizations.ordinal, 7)])


def render(dice: Dice, organizations: Organizations, person_names: Text) -> pa.Table:
    """Return the truth: one row per organization, columns named by data element, standard values."""
    words = lists.trades()
    return pa.table(
        {
            "unified_social_credit_code": credit_codes_of(organizations),
            "organization_name": names(dice, organizations, organizations.name_version),
            "organization_type_code": picked([form.code for form in words.forms], organizations.form),
            "organization_status_code": picked(STATUS_CODES, organizations.status),
            "legal_representative_name": person_names.take(pa.array(organizations.representative)),
            "established_date": dates(organizations.established),
            "approved_date": dates(organizations.approved),
            "cancelled_date": dates(organizations.cancelled),
            "registered_address": addresses_of(dice, organizations),
            "registration_authority_name": offices(organizations, "市场监督管理局"),
            "business_scope": picked([trade.scope for trade in words.trades], organizations.trade),
            "organization_phone_number": telephones(dice, organizations),
        }
    )
