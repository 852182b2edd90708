"""The departments' views of the city: the same every time, with all the faults there are, and each with a contract that fits."""

from collections import Counter
from pathlib import Path

import pyarrow.compute as pc
import pytest

from contracts.loader import load_contracts
from contracts.model import Contract
from contracts.sources import DatabaseSource
from demo import lists
from demo.city import City, changes
from demo.departments import VIEWS, Supply, supply
from demo.faults import CONTEXT_KINDS, KINDS
from demo.sources import PLACES
from standards.loader import load_standards

from .test_city import digest

CONTRACTS = Path(__file__).parents[2] / "demo" / "contracts"


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    return {contract.id: contract for contract in load_contracts(sorted(CONTRACTS.glob("*.yml")), load_standards())}


def test_the_same_seed_gives_the_same_tables(city: City, first_day: Supply) -> None:
    again = supply(city, 1)
    assert {name: digest(table) for name, table in again.items()} == {name: digest(table) for name, table in first_day.tables.items()}


def test_every_kind_of_fault_occurs(first_day: Supply) -> None:
    assert {kind for _, _, kind in first_day.faults} == set(KINDS) | set(CONTEXT_KINDS)


def test_every_fault_of_the_rates_is_known_and_stands_at_a_real_column(first_day: Supply) -> None:
    for dataset, columns in lists.fault_rates().items():
        assert set(columns) <= {"rows", *first_day.tables[dataset].column_names}, dataset
        assert {fault for faults in columns.values() for fault in faults} <= set(KINDS) | set(CONTEXT_KINDS), dataset


def test_faults_come_about_as_often_as_their_rates_say(first_day: Supply) -> None:
    resident, rates = first_day.tables["public_security__resident"].num_rows, lists.fault_rates()["public_security__resident"]
    for column, fault in (("SFZH", "fifteen_digits"), ("XM", "blank_inside"), ("CSRQ", "zeros"), ("rows", "twice_with_other_content")):
        expected = rates[column][fault] * resident
        assert 0.3 * expected < first_day.faults["public_security__resident", column, fault] < 1.7 * expected + 5, (column, fault)


def test_a_person_stands_twice_with_other_content(first_day: Supply) -> None:
    table = first_day.tables["public_security__resident"]
    keys = Counter(table["RYID"].to_pylist())
    twins = [key for key in keys if key.endswith("02")]
    assert twins
    assert all(key[:-2] + "01" in keys for key in twins)
    assert max(keys.values()) == 2  # and some rows stand twice as they are


def test_untouched_records_are_the_same_on_the_second_day(city: City, first_day: Supply, second_day: Supply) -> None:
    touched = changes(city, 2).num_rows
    for dataset, table in first_day.tables.items():
        before, after = ({tuple(row.values()) for row in day.to_pylist()} for day in (table, second_day.tables[dataset]))
        assert before != after or dataset in {"transport__road_permit"}, dataset
        assert len(before - after) <= touched, dataset
        assert len(before - after) <= 0.03 * len(before) + 5, dataset


def test_the_dead_are_insured_and_old_names_live_on(first_day: Supply) -> None:
    assert first_day.faults["social_security__insured", "rows", "deceased_still_insured"] > 20
    tax, register = first_day.tables["tax__taxpayer"], first_day.tables["market_regulation__enterprise"]
    names = dict(zip(register["TYSHXYDM"].to_pylist(), register["QYMC"].to_pylist(), strict=True))
    pairs = zip(tax["纳税人识别号"].to_pylist(), tax["纳税人名称"].to_pylist(), strict=True)
    assert sum(code in names and names[code][:5] != name[:5] for code, name in pairs) > 10


def test_every_view_has_a_contract_that_accounts_for_every_column(contracts: dict[str, Contract], first_day: Supply) -> None:
    assert set(contracts) == set(VIEWS) == set(PLACES)
    for dataset, contract in contracts.items():
        assert set(first_day.tables[dataset].column_names) == {*contract.source_columns, *contract.ignore}, dataset
        source, place = contract.source, PLACES[dataset]
        found = source.object if isinstance(source, DatabaseSource) else source.path
        assert (source.kind, source.connection, found) == (place.kind, place.connection, place.object), dataset


def test_the_departments_are_nine_and_feed_all_three_registries(contracts: dict[str, Contract]) -> None:
    assert len({contract.department.id for contract in contracts.values()}) == 9
    assert {feed for contract in contracts.values() for feed in contract.feeds} == {"population", "legal_entity", "certificate"}
    assert contracts["housing__property"].feeds == ("population", "certificate")


def test_record_keys_tell_records_apart(contracts: dict[str, Contract], first_day: Supply) -> None:
    for dataset, contract in contracts.items():
        if contract.whole_row_is_key:
            continue
        (key,) = contract.record_key
        table = first_day.tables[dataset]
        assert table[key].null_count == 0
        twice = first_day.faults[dataset, "rows", "exact_duplicate"]
        assert table.num_rows - pc.count_distinct(table[key]).as_py() == twice, dataset
