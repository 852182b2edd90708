"""The truth of the demo: the same from the same seed, right by the standards' own checks, and changing as its log says."""

from collections import Counter
from hashlib import sha256

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_2, mod_37_36

from contracts.loader import load_contracts
from core.settings import REPOSITORY
from demo.city import City, Truth, changes, make_city, truth_at
from demo.truth import IDENTITY
from standards.loader import load_standards
from standards.single import normalize_values

from .conftest import PEOPLE, SEED

CONTRACTS = REPOSITORY / "demo" / "contracts"
REGISTRIES = tuple(IDENTITY)


def digest(table: pa.Table) -> str:
    return sha256(repr(table.to_pydict()).encode()).hexdigest()


@pytest.fixture(scope="module")
def truths(city: City) -> dict[int, Truth]:
    return {day: truth_at(city, day) for day in (1, 2)}


def identities(truth: Truth, registry: str) -> list[str]:
    table = truth.table(registry)
    return ["\x1f".join(row) for row in zip(*(table[column].to_pylist() for column in IDENTITY[registry]), strict=True)]


@pytest.mark.parametrize("registry", REGISTRIES)
def test_the_same_seed_gives_the_same_city_and_another_seed_another(registry: str) -> None:
    def made(seed: int) -> str:
        make_city.cache_clear()
        return digest(truth_at(make_city(500, seed), 2).table(registry))

    assert made(1) == made(1) != made(2)


def test_choices_do_not_depend_on_how_many_people_there_are(truths: dict[int, Truth]) -> None:
    small = truth_at(make_city(300, SEED), 1).population
    columns = ["person_name", "birth_date", "residence_address", "phone_number"]
    assert small.select(columns).equals(truths[1].population.select(columns).slice(0, 300))


@pytest.mark.parametrize("day", [1, 2])
@pytest.mark.parametrize("registry", REGISTRIES)
def test_identities_are_unique_and_never_missing(truths: dict[int, Truth], registry: str, day: int) -> None:
    keys = identities(truths[day], registry)
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("registry", REGISTRIES)
def test_the_columns_are_what_the_departments_supply(truths: dict[int, Truth], registry: str) -> None:
    contracts = [contract for contract in load_contracts(sorted(CONTRACTS.glob("*.yml")), load_standards()) if registry in contract.feeds]
    supplied = {name for contract in contracts for name in (*contract.elements, *contract.constants)}
    schema = load_standards().schemas[registry]
    columns = truths[1].table(registry).column_names
    assert len(set(columns)) == len(columns)
    assert set(columns) == {element.id for element in schema.elements if element.id in supplied}


@pytest.mark.parametrize("registry", REGISTRIES)
def test_true_values_have_the_form_and_the_codes_of_the_standard(truths: dict[int, Truth], registry: str) -> None:
    standards = load_standards()
    for name in truths[2].table(registry).column_names:
        element, column = standards.elements[name], truths[2].table(registry)[name]
        if element.pattern and column.type == pa.string():
            assert pc.all(pc.match_substring_regex(column, element.pattern)).as_py() is not False, element.id
        if element.code_list:
            known = {code.code for code in standards.code_lists[element.code_list].codes}
            assert set(column.drop_null().to_pylist()) <= known, element.id


def test_check_characters_are_right(truths: dict[int, Truth]) -> None:
    for number in truths[2].population["resident_id"].to_pylist():
        mod_11_2.validate(number)
    for code in truths[2].legal_entity["unified_social_credit_code"].to_pylist():
        uscc.validate(code)
    deeds = truths[2].certificate["certificate_identifier"].drop_null().to_pylist()
    assert deeds
    for identifier in deeds[:500]:
        mod_37_36.validate("".join(identifier.removeprefix("1.2.156.3005.2.").split(".")))


def test_identity_numbers_repeat_sex_and_birth_date(truths: dict[int, Truth]) -> None:
    population = truths[2].population
    numbers = population["resident_id"]
    assert pc.strftime(population["birth_date"], "%Y%m%d").equals(pc.utf8_slice_codeunits(numbers, 6, 14))
    odd = [int(number[16]) % 2 for number in numbers.to_pylist()]
    assert odd == [code == "1" for code in population["sex_code"].to_pylist()]


def test_the_second_day_differs_by_what_the_log_says(city: City, truths: dict[int, Truth]) -> None:
    log = changes(city, 2).to_pylist()
    counted = Counter((event["registry"], event["kind"]) for event in log)
    assert sum(counted[key] for key in counted if key[0] == "population") in range(PEOPLE // 200, PEOPLE // 50)
    assert min(counted.values()) > 0
    kinds: dict[str, set[str]] = {}
    for event in log:
        kinds.setdefault(f"{event['registry']}/{event['kind']}", set()).add(event["identity"])
    people = {day: dict(zip(identities(truths[day], "population"), truths[day].population.to_pylist(), strict=True)) for day in (1, 2)}
    assert set(people[2]) - set(people[1]) == kinds["population/born"]
    assert set(people[1]) - set(people[2]) == kinds["population/left"]
    for kind, element in (
        ("moved", "residence_address"),
        ("renamed", "person_name"),
        ("marital", "marital_status_code"),
        ("died", "death_date"),
        ("phone", "phone_number"),
    ):
        different = {key for key in people[1].keys() & people[2].keys() if people[1][key][element] != people[2][key][element]}
        # A new name can be the old one again: given names are picked from a list.
        assert different <= kinds[f"population/{kind}"], kind
        assert len(different) >= 0.8 * len(kinds[f"population/{kind}"]), kind
    companies = {day: set(identities(truths[day], "legal_entity")) for day in (1, 2)}
    assert companies[2] - companies[1] == kinds["legal_entity/founded"]


@pytest.mark.parametrize("registry", REGISTRIES)
def test_true_values_are_what_the_standard_would_make_of_them(truths: dict[int, Truth], registry: str) -> None:
    standards = load_standards()
    for name in truths[2].table(registry).column_names:
        values = sorted(set(map(str, truths[2].table(registry)[name].drop_null().to_pylist())))[::101][:150]
        answers = normalize_values(standards, name, values, today="2025-07-01")
        assert [answer.value for answer in answers] == values, name
