"""What a failing stage becomes in a task: a retry or none, and a log without values."""

import logging
import sys
from collections.abc import Callable
from datetime import datetime
from types import ModuleType

import pytest

from core.clock import BEIJING
from core.errors import GateFailed, HubError, LeaseHeld, SourceError

MARKER = "110101199003078888"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception | str], None]:
    """Put a stage `land` in place that raises or returns what it is told."""

    def put(outcome: Exception | str) -> None:
        def land(contract_id: str) -> str:
            if isinstance(outcome, Exception):
                raise outcome
            return f"{outcome} of {contract_id}"

        module = ModuleType("pipeline.land")
        module.land = land  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "pipeline.land", module)

    return put


def test_a_stage_gives_its_result(stage: Callable[[Exception | str], None]) -> None:
    from dags.stages import run_stage

    stage("batch-1")
    assert run_stage("land", "tax__payer") == "batch-1 of tax__payer"


def test_what_comes_too_early_gives_its_place_back_until_then(stage: Callable[[Exception | str], None]) -> None:
    from airflow.sdk.exceptions import AirflowRescheduleException

    from dags.stages import run_stage

    opens = datetime(2030, 1, 1, 22, tzinfo=BEIJING)
    stage(SourceError("the source may be read from 22:00 to 06:00 only", transient=True, not_before=opens))
    with pytest.raises(AirflowRescheduleException) as raised:
        run_stage("land", "tax__payer")
    assert raised.value.reschedule_date == opens


@pytest.mark.parametrize(
    ("error", "is_retried"),
    [
        (SourceError("the source does not answer", transient=True), True),
        (LeaseHeld("tax__payer is being written"), True),
        (SourceError("the table is missing", hint="ask the department"), False),
        (GateFailed("0.3 of the rows would be quarantined"), False),
        (ValueError(f"cannot read {MARKER}"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_transient_errors_are_retried(
    stage: Callable[[Exception | str], None], error: Exception, is_retried: bool, caplog: pytest.LogCaptureFixture
) -> None:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    from dags.stages import run_stage

    stage(error)
    with caplog.at_level(logging.DEBUG), pytest.raises(AirflowException) as raised:
        run_stage("land", "tax__payer")
    assert isinstance(raised.value, AirflowFailException) is not is_retried
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    if isinstance(error, HubError):
        assert str(raised.value) == str(error)
    assert MARKER not in caplog.text + str(raised.value)
