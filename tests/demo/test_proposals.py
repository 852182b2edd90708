"""The city's contracts, written by people, are an oracle for proposals: the same elements and the same keys from the tables alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.loader import load_contract
from contracts.model import Contract
from core.settings import REPOSITORY, load_settings
from demo.departments import Supply
from demo.sources import PLACES, write_sources
from pipeline.propose import Proposal, Request, propose
from standards.loader import load_standards

pytestmark = pytest.mark.long

# Without a PostgreSQL, which the tests of connectors start.
DATASETS = [name for name, place in PLACES.items() if place.kind != "postgresql"]
# As many of each table as tell its columns.
ROWS = 4_000
# Elements that say the same of one column: a holder is also the person or organization it is.
SAME = {
    "certificate_holder_name": {"person_name", "organization_name"},
    "certificate_holder_code": {"resident_id", "unified_social_credit_code"},
}
# A taxpayer's number and the type of a market entity are elements of their own since the contracts were written.
SAME |= {"unified_social_credit_code": {"taxpayer_number"}, "organization_type_code": {"market_entity_type_code"}}


@pytest.fixture(scope="module")
def proposals(first_day: Supply, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Proposal, Contract]]]:
    folder = tmp_path_factory.mktemp("proposals")
    some = {name: table.slice(0, ROWS) for name, table in first_day.tables.items()}
    urls = write_sources(some, folder / "sources", None, 1)
    with pytest.MonkeyPatch.context() as patched:
        for name, url in urls.items():
            patched.setenv(f"HUB_CONNECTION_{name.upper()}", url)
        settings, standards = load_settings({"HUB_HOME": str(folder / "home")}), load_standards()
        yield {name: (_proposed(name, settings, standards), _written(name, standards)) for name in DATASETS}


def _proposed(name: str, settings: object, standards: object) -> Proposal:
    place = PLACES[name]
    return propose(Request(f"{place.connection}:{place.object}", department=name.split("__")[0]), standards, settings)  # type: ignore[arg-type]


def _written(name: str, standards: object) -> Contract:
    return load_contract(Path(REPOSITORY, "demo", "contracts", f"{name}.yml"), standards)  # type: ignore[arg-type]


def test_columns_are_what_the_contracts_say(proposals: dict[str, tuple[Proposal, Contract]]) -> None:
    wrong, columns = [], 0
    for name, (proposal, contract) in proposals.items():
        for item in proposal.decisions.columns:
            column = item.match.column.names[-1]
            wanted = {mapping.element for mapping in contract.columns.get(column, ())}
            accepted = wanted.union(*(SAME.get(element, set()) for element in wanted))
            columns += bool(wanted)
            if wanted and item.match.element not in accepted:
                wrong.append((name, column, item.match.element))
    assert len(wrong) <= 0.05 * columns, wrong


def test_keys_are_those_of_the_contracts(proposals: dict[str, tuple[Proposal, Contract]]) -> None:
    keys = {name: (proposal.decisions.record_key, contract.record_key) for name, (proposal, contract) in proposals.items()}
    # One table has no number of its own and its contract takes the whole row, where the taxpayer's number nearly is one.
    assert [name for name, (proposed, written) in keys.items() if proposed != written and written != ("*",)] == []


def test_declared_date_formats_are_found(proposals: dict[str, tuple[Proposal, Contract]]) -> None:
    for name, (proposal, contract) in proposals.items():
        for item in proposal.decisions.columns:
            declared = {form for mapping in contract.columns.get(item.match.column.names[-1], ()) for form in mapping.formats}
            # A column of which every value says "without end" shows no form.
            if item.formats and declared:
                assert declared <= set(item.formats), (name, item.match.column.names)
