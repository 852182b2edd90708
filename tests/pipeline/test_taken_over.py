"""A publisher that is stopped, believed dead, and goes on after another has published in its place: it changes nothing any more."""

from contextlib import suppress
from typing import Any

import pytest

from core.database import writing
from core.errors import LeaseHeld
from pipeline.publication.replay import replay_publication
from registries.publications import latest
from registries.tables import lease
from tests.factories import PATIENTS, Hub
from tests.marks import rest_long
from tests.pipeline.test_crashes import found_at, phones, published, rows_of, run

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]

# Where it is stopped, and whether it can only notice by then.
PLACES = {
    "registries.serving.clear_leftovers": False,
    "core.lake.remove_leftovers": False,
    "core.lake.write": True,
    "registries.serving.end_rows": True,
    "registries.serving.load_rows": True,
    "pipeline.publish.load_events": True,
    "pipeline.publish.commit": True,
}


@pytest.mark.parametrize("place", rest_long([*PLACES], kept=(2, 6)))
@pytest.mark.parametrize("any_hub", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True)
def test_who_was_taken_over_changes_nothing(any_hub: Hub, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    hub = any_hub
    hub.register(PATIENTS)
    run(hub, rows_of(0))
    hub.sync(PATIENTS, rows_of(1))
    module, name = found_at(place)
    original, stopped = getattr(module, name), []

    def meanwhile(*arguments: Any, **named: Any) -> Any:
        if not stopped:
            stopped.append(place)
            with writing(hub.home.serving) as connection:  # what another sees who believes the holder dead
                connection.execute(lease.update().values(holder=None))
            hub.sync(PATIENTS, rows_of(2))
            hub.publish("population")
        return original(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(module, name, meanwhile)
        if PLACES[place]:
            with pytest.raises(LeaseHeld):
                hub.publish("population")
        else:
            with suppress(LeaseHeld):
                hub.publish("population")
    assert stopped
    assert latest(hub.home.serving, "population").number == 2
    assert published(hub) == phones(rows_of(2))
    assert hub.unbalanced() == []
    again = replay_publication("population", 2, hub.home)
    assert again.published == again.replayed
    run(hub, rows_of(3))
    assert published(hub) == phones(rows_of(3))
    assert hub.unbalanced() == []
