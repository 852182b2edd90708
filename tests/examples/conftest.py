"""One run of the whole example over the real files, for all tests that look at it."""

from collections.abc import Iterator

import pytest

from tests.examples.deliveries import CONNECTION, CONTRACTS, REAL_DATA, Hub, open_hub


@pytest.fixture(scope="session")
def real_data() -> None:
    if not (REAL_DATA / "cn_departments" / "INDEX.csv").is_file():
        pytest.skip(f"no published files in {REAL_DATA}: GOVHUB_REAL_DATA names the folder of cn_departments and cn_registry")


@pytest.fixture(scope="session")
def example(real_data: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """The example registered; each dataset is collected when a test asks for it."""
    with open_hub(tmp_path_factory.mktemp("beijing"), {CONNECTION: REAL_DATA.resolve().as_uri()}) as hub:
        hub.register(*CONTRACTS.values())
        yield hub
