"""When a dataset is collected next: the contract's cron is read by the library that Airflow reads it by, in Beijing time."""

from datetime import UTC, datetime, timedelta

from contracts.model import Contract
from core.clock import BEIJING, now

# How long after its time a run may begin: pools may be full, and the hours in which a source may be read come within a day.
PATIENCE, WINDOW_PATIENCE = timedelta(hours=1), timedelta(hours=25)


def overdue_since(contract: Contract, last: datetime) -> datetime | None:
    """The first time after the last run (UTC) at which another was due, if that is so long ago that it should have begun."""
    due = next_run(contract, last)
    patience = WINDOW_PATIENCE if contract.reading.window else PATIENCE
    return due if due is not None and now() - due > patience else None


def next_run(contract: Contract, after: datetime | None = None) -> datetime | None:
    """The next time (after now, or another moment) at which the schedule is due (UTC); None where the dataset is collected on demand, or never
    comes due."""
    from croniter import CroniterBadDateError, croniter

    if contract.schedule.cron is None:
        return None
    try:
        due: datetime = croniter(contract.schedule.cron, (after or now()).replace(tzinfo=UTC).astimezone(BEIJING)).get_next(datetime)
    except CroniterBadDateError:  # the thirtieth of February
        return None
    return due.astimezone(UTC).replace(tzinfo=None)
