"""When a dataset is collected next: the contract's cron is read by the library that Airflow reads it by, in Beijing time."""

from datetime import UTC, datetime

from contracts.model import Contract
from core.clock import BEIJING, now


def next_run(contract: Contract) -> datetime | None:
    """The next time at which the schedule is due (UTC); None where the dataset is collected on demand, or never comes due."""
    from croniter import CroniterBadDateError, croniter

    if contract.schedule.cron is None:
        return None
    try:
        due: datetime = croniter(contract.schedule.cron, now().replace(tzinfo=UTC).astimezone(BEIJING)).get_next(datetime)
    except CroniterBadDateError:  # the thirtieth of February
        return None
    return due.astimezone(UTC).replace(tzinfo=None)
