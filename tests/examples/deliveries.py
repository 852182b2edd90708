"""The example's contracts, the files they are for, and what an installation makes of them."""

import csv
import gzip
import io
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from catalog.batches import Batch, batches_of
from catalog.datasets import register
from contracts.loader import load_contracts
from contracts.model import Contract
from contracts.sources import DatabaseSource
from core.errors import HubError
from core.settings import REPOSITORY, load_settings
from pipeline.accept import accept
from pipeline.home import Home, open_home
from pipeline.land import land
from standards.loader import load_standards

EXAMPLE = REPOSITORY / "examples" / "beijing_open_data"
CONTRACTS = {contract.id: contract for contract in load_contracts(sorted(EXAMPLE.glob("*.yml")), load_standards())}
REAL_DATA = Path(os.environ.get("GOVHUB_REAL_DATA") or REPOSITORY.parent / "shared" / "data")
CONNECTION = "beijing_open_data"


@dataclass
class Hub:
    """An installation in a folder of its own, and the errors that deliveries ended with."""

    home: Home
    errors: dict[str, HubError] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)

    def register(self, *contracts: Contract) -> None:
        for contract in contracts:
            register(self.home.catalog, contract, "test", self.home.settings.registered)

    def collect(self, contract_id: str) -> Batch:
        """Land and accept; an error is kept, and the batch that it ended is returned."""
        try:
            return accept(land(contract_id, self.home), self.home)
        except HubError as error:
            self.errors[contract_id] = error
            return self.last_batch(contract_id)

    def batch(self, contract_id: str) -> Batch:
        """The first batch of a dataset, collected when it is first asked for."""
        if contract_id not in self.batches:
            self.batches[contract_id] = self.collect(contract_id)
        return self.batches[contract_id]

    def last_batch(self, contract_id: str) -> Batch:
        return batches_of(self.home.catalog, contract_id, 1)[0]


@contextmanager
def open_hub(folder: Path, connections: dict[str, str]) -> Iterator[Hub]:
    """An empty installation whose connections stand in its `connections.yml`, whatever the surroundings say."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # Great Expectations imports modules that Python 3.11 calls old.
        warnings.simplefilter("ignore", DeprecationWarning)
        for name in connections:
            patch.delenv(f"HUB_CONNECTION_{name.upper()}", raising=False)
        home = open_home(load_settings({"HUB_HOME": str(folder), "HUB_ACTOR": "test"}))
        (folder / "connections.yml").write_text(yaml.safe_dump(connections))
        yield Hub(home)
        for database in (home.catalog, home.serving, home.audit):
            database.dispose()


def path_of(contract: Contract) -> str:
    assert not isinstance(contract.source, DatabaseSource)
    return contract.source.path


def has_header(contract: Contract) -> bool:
    assert not isinstance(contract.source, DatabaseSource)
    return contract.source.header


def file_of(contract: Contract) -> Path:
    return REAL_DATA / path_of(contract)


def index() -> dict[str, dict[str, str]]:
    """What was counted without this hub, by path: rows, blank rows, credit codes seen and right."""
    with (REAL_DATA / "cn_departments" / "INDEX.csv").open(encoding="utf-8-sig", newline="") as stream:
        return {f"cn_departments/{entry['file']}": entry for entry in csv.DictReader(stream)}


def register_rows() -> dict[str, int]:
    """Rows of the registers as their description states them, by path."""
    text = (REAL_DATA / "README.md").read_text(encoding="utf-8")
    return {f"cn_registry/{file}": int(rows.replace(",", "")) for file, rows in re.findall(r"\| (\w+\.csv\.gz) \| ([\d,]+) \|", text)}


def rows_of(path: Path) -> list[list[str]]:
    """Every row of a file by Python's own reader, header and titles included."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030")
    return list(csv.reader(io.StringIO(text, newline="")))
