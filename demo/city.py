"""A city with a known truth: people, organizations and certificates, made from a seed, and what changes from one day to the next."""

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
import pyarrow as pa

from demo import certificates, organizations, people
from demo.certificates import Certificates, Holders
from demo.dice import Dice, Ints
from demo.organizations import Organizations
from demo.people import People
from demo.text import Text

PEOPLE_PER_ORGANIZATION = 12


@dataclass(frozen=True, eq=False)
class City:
    """The city on one day of its story."""

    dice: Dice
    day: int
    people: People
    organizations: Organizations
    certificates: Certificates

    @cached_property
    def person_names(self) -> Text:
        """Names by ordinal, of those who left as well."""
        return people.names(self.dice, self.people)

    @cached_property
    def person_ids(self) -> Text:
        """Resident identity numbers by ordinal."""
        return people.ids(self.people)

    @cached_property
    def organization_names(self) -> Text:
        """Present names by ordinal."""
        return organizations.names(self.dice, self.organizations, self.organizations.name_version)

    @cached_property
    def credit_codes(self) -> Text:
        """Unified social credit codes by ordinal."""
        return organizations.credit_codes_of(self.organizations)

    @property
    def holders(self) -> Holders:
        """Who may hold a certificate."""
        return Holders(self.person_names, self.person_ids, self.organization_names, self.credit_codes)

    @property
    def adults(self) -> Ints:
        """Ordinals of living grown-up people on the first day: who may represent an organization."""
        return _adults(self.people)

    def next(self) -> "City":
        """Return the city one day later."""
        day = self.day + 1
        companies = organizations.advance(self.dice, self.organizations, self.adults, day)
        employers = companies.ordinal[companies.active]
        return replace(
            self,
            day=day,
            organizations=companies,
            people=people.advance(self.dice, self.people, employers, day),
            certificates=certificates.advance(self.dice, self.certificates, companies, day),
        )


def _adults(everyone: People) -> Ints:
    return everyone.ordinal[(everyone.age(1) >= 22) & np.isnat(everyone.death) & everyone.present]


@cache
def make_city(people: int, seed: int) -> City:
    """Return a city on its first day."""
    from demo.organizations import make_organizations
    from demo.people import make_people

    dice = Dice(seed)
    count = max(10, people // PEOPLE_PER_ORGANIZATION)
    everyone = make_people(dice, np.arange(people), np.arange(count))
    companies = make_organizations(dice, np.arange(count), _adults(everyone))
    employed = everyone.employer
    works = (employed >= 0) & companies.active[employed]
    everyone = replace(everyone, employer=np.where(works, employed, -1))
    return City(dice, 1, everyone, companies, certificates.make_certificates(dice, everyone, companies))


@cache
def at_day(city: City, day: int) -> City:
    """Return the city on a day of its story; day 1 is the one it was made on."""
    return city if day <= city.day else at_day(city, day - 1).next()


@dataclass(frozen=True)
class Truth:
    """What is true on one day: a table per base registry, columns named by data element, standard values."""

    day: int
    population: pa.Table
    legal_entity: pa.Table
    certificate: pa.Table

    def table(self, registry: str) -> pa.Table:
        """Return the table of one registry."""
        return {"population": self.population, "legal_entity": self.legal_entity, "certificate": self.certificate}[registry]


def truth_at(city: City, day: int) -> Truth:
    """Return what is true on a day."""
    now = at_day(city, day)
    companies = organizations.render(now.dice, now.organizations, now.person_names)
    return Truth(
        day=day,
        population=people.render(now.dice, now.people, now.organization_names),
        legal_entity=companies,
        certificate=certificates.render(now.dice, now.certificates, now.organizations, now.holders, day),
    )


def changes(city: City, day: int) -> pa.Table:
    """Return what happened on a day: registry, kind of change, identity of the person or organization, number of the certificate."""
    now = at_day(city, day)
    pieces = [
        _events("population", name, now.person_ids, getattr(now.people, field) == day)
        for name, field in (
            ("moved", "moved_day"), ("renamed", "renamed_day"), ("marital", "marital_day"), ("died", "died_day"),
            ("phone", "phone_day"), ("job", "job_day"), ("left", "left_day"), ("born", "born_day"),
        )
    ]  # fmt: skip
    pieces += [
        _events("legal_entity", name, now.credit_codes, getattr(now.organizations, f"{name}_day") == day)
        for name in ("renamed", "cancelled", "moved", "representative", "founded")
    ]
    numbers = certificates.numbers(now.certificates)
    fresh = now.certificates.issued_day == day
    again = now.certificates.version > 1
    pieces += [_events("certificate", "reissued", numbers, fresh & again), _events("certificate", "issued", numbers, fresh & ~again)]
    return pa.concat_tables(pieces)


def _events(registry: str, kind: str, identity: Text, happened: "np.ndarray") -> pa.Table:
    chosen = identity.filter(pa.array(happened))
    count = len(chosen)
    return pa.table(
        {"registry": pa.array([registry] * count, pa.string()), "kind": pa.array([kind] * count, pa.string()), "identity": chosen}
    )
