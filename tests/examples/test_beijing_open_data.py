"""Real registers and department tables through every stage, held against figures that were counted without this hub."""

from collections.abc import Iterable

import pytest

from catalog.batches import issues_of
from contracts.model import Contract
from pipeline.ledger import check_ledger
from pipeline.publish import publish
from registries.definition import load_definitions
from tests.examples import oracle
from tests.examples.deliveries import CONTRACTS, EXAMPLE, Hub, file_of, has_header, index, path_of, register_rows, rows_of

pytestmark = [pytest.mark.usefixtures("real_data"), pytest.mark.slow]
# What these would show is shown by others; all of them together take more time than an ordinary run has.
LONG = {
    "haidian_park__hightech_certificate",
    "housing__presale_permit",
    "housing__real_estate_qualification",
    "huairou_housing__construction_permit",
    "jiangsu_market_regulation__register",
    "market_regulation__listed_company",
    "science__tech_sme",
}
ORDINARY = [contract for contract in CONTRACTS.values() if contract.id not in LONG]


def over(contracts: Iterable[Contract]) -> pytest.MarkDecorator:
    marked = [pytest.param(c, id=c.id, marks=[pytest.mark.long] if c.id in LONG else []) for c in contracts]
    return pytest.mark.parametrize("contract", marked)


EVERY = over(CONTRACTS.values())
WITH_CODES = over(c for c in CONTRACTS.values() if oracle.CODE in c.elements)
TABLES_WITH_CODES = over(c for c in CONTRACTS.values() if oracle.CODE in c.elements and path_of(c).startswith("cn_departments/"))


def total(*parts: int | None) -> int:
    """The sum of counts that have all been made."""
    assert None not in parts
    return sum(part for part in parts if part is not None)


@EVERY
def test_every_row_is_read_and_accounted_for(example: Hub, contract: Contract) -> None:
    batch = example.batch(contract.id)
    assert batch.status == "accepted", batch.error
    assert batch.read == total(batch.landed, batch.unreadable)
    assert batch.landed == total(batch.accepted, batch.unchanged, batch.repeated, batch.quarantined)
    if path_of(contract) in register_rows():
        assert (batch.read, batch.unreadable) == (register_rows()[path_of(contract)], 0)
    else:
        entry = index()[path_of(contract)]
        # Of a file without a header the index counts the first line as one.
        assert batch.read == int(entry["rows"]) + (not has_header(contract))
        assert batch.unreadable == int(entry["blank_rows"]) + int(entry["rows_with_other_width"])


# Rows that are copies in what the contract maps. INDEX.csv counts copies over all columns.
REPEATED = {
    "agriculture__farm_producer": 643,  # 55 copies; the others differ in columns that are ignored (products, certifications)
    "commerce__prepaid_card": 1,  # differs in the line number only
    "science__tech_sme": 1,  # differs in the line number only
    "jiangsu_market_regulation__register": 4,
    "huairou_health__permit": 24,
    "tax__penalty": 1,
    "yanqing__penalty": 35,
    # Permits of one site on one day; INDEX.csv counts 25 whole copies.
    "planning__building_permit": 264,
}


@EVERY
def test_copies_are_counted_as_repeated(example: Hub, contract: Contract) -> None:
    assert example.batch(contract.id).repeated == REPEATED.get(contract.id, 0)


# Rows by what python-stdnum and the hub say of the text in the column of credit codes.
DIFFERENCES = {
    "agriculture__farm_producer": {
        "only the hub accepts: authority A, N or Y": 122,  # farmers' collectives: N1, N2, N3
        "only the hub accepts: repaired": 32,  # an apostrophe in front; O and I for 0 and 1
        "only stdnum accepts: unknown-category": 4,  # 54: villagers' committees, not in the table of GB 32100-2015
        "only stdnum accepts: wrong-inner-code": 2,
    },
    "culture__press_inspection": {
        "only the hub accepts: repaired": 16,  # O and I for 0 and 1
        "only stdnum accepts: wrong-inner-code": 7,
    },
    "huairou_health__permit": {"only stdnum accepts: unknown-category": 3},  # 54
    "jiangsu_market_regulation__register": {"only stdnum accepts: wrong-inner-code": 1},
    "market_regulation__beijing_register": {"only stdnum accepts: wrong-inner-code": 1},
    "yanqing__penalty": {"only stdnum accepts: unknown-category": 2},  # 54
    "tax__penalty": {
        "only the hub accepts: authority A, N or Y": 2,
        # Taxpayer numbers of eighteen characters whose last one happens to fit; two in a thousand numbers do.
        "only stdnum accepts: unknown-division": 2,
        "only stdnum accepts: unknown-division+wrong-inner-code": 2,
    },
}


@WITH_CODES
def test_credit_codes_are_judged_as_python_stdnum_judges_them(example: Hub, contract: Contract) -> None:
    found = oracle.comparison(oracle.verdicts(example, contract))
    assert found.total() == example.batch(contract.id).landed
    differences = {word: rows for word, rows in found.items() if word.startswith("only") or word == "unexplained"}
    assert differences == DIFFERENCES.get(contract.id, {})


@TABLES_WITH_CODES
def test_the_counts_of_right_codes_are_those_of_the_index(example: Hub, contract: Contract) -> None:
    counted = oracle.count_codes(contract)
    assert oracle.accepted_by_stdnum(example, contract) == counted.column
    assert counted.valid == counted.column - counted.broken_up + counted.within + counted.elsewhere
    entry = index()[path_of(contract)]
    headless = not has_header(contract)  # its first line holds a code as well, and the index takes it for the header
    assert (counted.seen - headless, counted.valid - headless) == (int(entry["uscc_like_values"]), int(entry["uscc_valid"]))


def test_every_code_of_beijings_register_is_right_but_one_that_says_there_is_none(example: Hub) -> None:
    assert oracle.accepted_by_stdnum(example, CONTRACTS["market_regulation__beijing_register"]) == 55_656 - 1


@pytest.mark.long
def test_jiangsus_register_has_the_share_of_right_codes_that_its_description_states(example: Hub) -> None:
    assert round(oracle.accepted_by_stdnum(example, CONTRACTS["jiangsu_market_regulation__register"]) / 40_000, 3) == 0.946


# Records, linked, entities. Credit: 443 decisions with a code of its own and 53, less 5 set aside. Geography: 10,838 licences and 1,479 sites;
# two sites are empty, and 43 are a district or too short to be an address.
FIGURES = {"credit": (491, 491, 491), "geography": (12_317, 12_272, 10_914)}


def test_the_ledger_holds_from_every_source_to_every_registry(example: Hub) -> None:
    batches = [
        (contract, example.batch(contract.id)) for contract in (ORDINARY if not example.batches.keys() & LONG else CONTRACTS.values())
    ]
    for registry in load_definitions().keys() - {"population"}:
        publication = publish(registry, example.home).publication
        assert publication.records == total(*(batch.records for contract, batch in batches if registry in contract.feeds))
        assert publication.records == publication.linked + publication.unlinked + publication.withheld
        assert 0 < publication.entities <= publication.linked
        if registry in FIGURES:
            assert (publication.records, publication.linked, publication.entities) == FIGURES[registry]
    equations = check_ledger(example.home)
    assert len(equations) > 6 * len(batches)
    assert [equation for equation in equations if not equation.holds] == []


def test_the_faults_that_the_files_are_known_for_are_found(example: Hub) -> None:
    def count(contract_id: str, element: str, issue: str) -> int:
        found = issues_of(example.home.catalog, example.batch(contract_id).batch_id)
        return sum(row["rows"] for row in found if (row["element"], row["issue_type"]) == (element, issue))

    # Two rows moved to the right: what stands in the date's column is the authority's name.
    assert count("housing__work_safety_licence", "issued_date", "wrong-form") == 2
    assert any(
        "2 columns are neither mapped nor ignored" in note["message"] for note in example.batch("housing__work_safety_licence").notes
    )
    # One decision number for two permits; seven decisions without a permit number.
    assert count("huairou_health__permit", "_record_id", "duplicate-key") == 2
    assert count("huairou_health__permit", "certificate_number", "missing") == 7
    # Taxpayer numbers of fifteen digits and others of before 2015.
    assert count("tax__penalty", oracle.CODE, "wrong-length") == 541
    assert any(note["kind"] == "skipped_lines" for note in example.batch("commerce__prepaid_card").notes)


def test_what_goes_wrong_is_told_without_values(example: Hub) -> None:
    path = file_of(CONTRACTS["culture__press_inspection"])
    header, *rows = rows_of(path)
    names = {row[header.index("行政相对人")] for row in rows[:500]}
    words = "\n".join(f"{note}" for contract in ORDINARY for note in example.batch(contract.id).notes)
    assert not [name for name in names if name in words]


def test_nothing_of_the_data_is_in_the_example() -> None:
    """No name of a published row stands in a contract or in the README."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in EXAMPLE.iterdir())
    assert "source:" in text
    for contract_id, column in (
        ("science__tech_sme", 1),
        ("housing__real_estate_qualification", 1),
        ("market_regulation__beijing_register", 0),
    ):
        names = {row[column] for row in rows_of(file_of(CONTRACTS[contract_id]))[1:]}
        assert not [name for name in names if len(name) > 4 and name in text]
