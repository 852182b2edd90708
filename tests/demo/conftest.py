"""One small city for all tests of the demo."""

import pytest

from demo.city import City, make_city
from demo.departments import Supply, supply_with_faults

PEOPLE = 20_000
SEED = 20250630


@pytest.fixture(scope="session")
def city() -> City:
    return make_city(PEOPLE, SEED)


@pytest.fixture(scope="session")
def first_day(city: City) -> Supply:
    return supply_with_faults(city, 1)


@pytest.fixture(scope="session")
def second_day(city: City) -> Supply:
    return supply_with_faults(city, 2)
