"""The example's contracts without any data."""

import pytest

from contracts.model import Contract
from tests.examples.deliveries import CONNECTION, CONTRACTS, EXAMPLE, path_of


def test_the_example_has_two_registers_and_at_least_eight_department_tables() -> None:
    folders = [path_of(contract).split("/")[0] for contract in CONTRACTS.values()]
    assert folders.count("cn_registry") == 2
    assert folders.count("cn_departments") >= 8


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.id)
def test_a_contract_names_its_file_and_the_one_connection(contract: Contract) -> None:
    assert (EXAMPLE / f"{contract.id}.yml").is_file()
    assert contract.source.connection == CONNECTION
    assert contract.id.startswith(f"{contract.department.id}__")


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.id)
def test_a_licence_with_number_and_code_feeds_the_registries_that_these_are_for(contract: Contract) -> None:
    has_number = "certificate_number" in contract.elements
    has_code = "unified_social_credit_code" in contract.elements
    assert ("certificate" in contract.feeds) == has_number
    assert ("legal_entity" in contract.feeds) == has_code
    assert ("geography" in contract.feeds) == ("place_address" in contract.elements)
    assert ("credit" in contract.feeds) == ("credit_record_number" in contract.elements)


def test_the_folder_holds_contracts_and_words_only() -> None:
    assert {path.suffix for path in EXAMPLE.iterdir()} == {".yml", ".md"}
