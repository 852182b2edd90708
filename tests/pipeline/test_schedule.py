"""When a dataset is due next, in Beijing time."""

from datetime import datetime, timedelta

import pytest

from contracts.cycles import allowed_age, load_cycles
from contracts.model import Contract
from pipeline.operation.schedule import next_run
from tests.factories import PATIENTS

NOW = datetime(2026, 3, 3, 18, 20)  # UTC; in Beijing it is Wednesday, 4 March, 02:20


@pytest.mark.parametrize(
    ("cron", "beijing"),
    [
        ("30 2 * * *", "2026-03-04 02:30"),
        ("20 2 * * *", "2026-03-05 02:20"),
        ("0 2 * * *", "2026-03-05 02:00"),
        ("*/15 * * * *", "2026-03-04 02:30"),
        ("0 3 * * 0", "2026-03-08 03:00"),
        ("0 3 * * 7", "2026-03-08 03:00"),
        ("0 0 1 * *", "2026-04-01 00:00"),
        ("0 8 29 2 *", "2028-02-29 08:00"),
    ],
)
def test_the_next_run_is_the_next_time_that_the_cron_names_in_beijing(cron: str, beijing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.operation.schedule.now", lambda: NOW)
    found = next_run(Contract.model_validate({**PATIENTS, "schedule": {"cron": cron}}))
    assert found == datetime.fromisoformat(beijing) - timedelta(hours=8)


@pytest.mark.parametrize("schedule", [{}, {"cron": "0 0 30 2 *"}])
def test_what_has_no_schedule_or_never_comes_due_has_no_next_run(schedule: dict[str, str]) -> None:
    assert next_run(Contract.model_validate({**PATIENTS, "schedule": schedule})) is None


def test_every_cycle_that_a_contract_can_promise_but_the_irregular_allows_a_little_more_than_itself() -> None:
    words = set(Contract.model_fields["update_cycle"].annotation.__args__)  # type: ignore[union-attr]
    assert set(load_cycles()) == words - {"irregular"}
    assert all(timedelta(days=cycle.days) < cycle.allowed < 2 * timedelta(days=cycle.days) for cycle in load_cycles().values())
    assert allowed_age("irregular") is None
