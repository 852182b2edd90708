"""The hub's clock: stored times are UTC, dates are Beijing dates."""

from datetime import UTC, date, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")


def now() -> datetime:
    """The present moment in UTC, to the second: finer stamps would only pretend to be exact across machines."""
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None)


def today() -> date:
    """The date in Beijing, which decides what lies in the future for every department."""
    return datetime.now(BEIJING).date()


def utc_text(moment: datetime) -> str:
    """Write a stored time for a program: ISO 8601, and it says that it is UTC."""
    return f"{moment.isoformat()}Z"


def beijing_text(moment: datetime | None) -> str:
    """Show a stored UTC time to a person, in Beijing time; an absent time is an empty text."""
    return moment.replace(tzinfo=UTC).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S") if moment else ""
