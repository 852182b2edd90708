"""What each department holds on a day: its own table and column names, codes and date forms, its own gaps and faults."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pyarrow as pa

from demo.city import City, at_day
from demo.views import certificate, organization, population

View = Callable[[City, Counter[tuple[str, str, str]]], pa.Table]
VIEWS: dict[str, View] = {
    "public_security__resident": population.resident,
    "civil_affairs__marriage": population.marriage,
    "civil_affairs__death": population.death,
    "health__resident_card": population.resident_card,
    "social_security__insured": population.insured,
    "social_security__employer": organization.employer,
    "education__student": population.student,
    "housing__property": certificate.real_property,
    "market_regulation__enterprise": organization.enterprise,
    "market_regulation__business_licence": certificate.business_licence,
    "tax__taxpayer": organization.taxpayer,
    "transport__driving_licence": certificate.driving_licence,
    "transport__road_permit": certificate.road_permit,
}


@dataclass(frozen=True)
class Supply:
    """All tables of a day, and how often each fault (dataset, column, kind) is in them."""

    tables: dict[str, pa.Table]
    faults: Counter[tuple[str, str, str]]


def supply_with_faults(city: City, day: int, datasets: Iterable[str] = VIEWS) -> Supply:
    """Return the tables of a day with an account of their faults."""
    now, faults = at_day(city, day), Counter[tuple[str, str, str]]()
    return Supply({dataset: VIEWS[dataset](now, faults) for dataset in datasets}, faults)


def supply(city: City, day: int, datasets: Iterable[str] = VIEWS) -> dict[str, pa.Table]:
    """Return dataset → the department's table on a day."""
    return supply_with_faults(city, day, tuple(datasets)).tables
