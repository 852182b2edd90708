"""Whatever goes wrong in one dataset, foreseen or not, closes its batch with a word and nobody else's."""

import pytest

from catalog.batches import batches_of
from pipeline.accept import accept
from pipeline.land import land
from tests.factories import PATIENTS, RESIDENTS, Hub, person

pytestmark = pytest.mark.usefixtures("without_suite")
NAME = person(1)["XM"]


def refusing(*_: object, **__: object) -> None:
    raise ValueError(f"cannot read {NAME}")


def assert_failed(hub: Hub) -> None:
    (batch,) = batches_of(hub.home.catalog, PATIENTS["id"])
    assert (batch.status, batch.finished_at is not None) == ("failed", True)
    assert batch.error is not None
    assert batch.error.startswith("ValueError in ")
    assert batch.hint == "report it with this line"
    assert NAME not in batch.error


def test_an_unforeseen_error_while_landing_closes_the_batch(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.register(PATIENTS)
    hub.deliver(PATIENTS, [person(1)])
    monkeypatch.setattr("pipeline.land._manifest", refusing)
    with pytest.raises(ValueError, match="cannot read"):
        land(PATIENTS["id"], hub.home)
    assert_failed(hub)


def test_an_unforeseen_error_while_accepting_closes_the_batch(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.register(PATIENTS, RESIDENTS)
    batch = hub.land(PATIENTS, [person(1)])
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.accept.split_rows", refusing)
        with pytest.raises(ValueError, match="cannot read"):
            accept(batch, hub.home)
    assert_failed(hub)
    assert hub.sync(RESIDENTS, [person(1)]).accepted == 1
    assert hub.sync(PATIENTS, [person(1)]).accepted == 1
    assert hub.unbalanced() == []
