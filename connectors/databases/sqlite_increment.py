"""What a cursor asks of SQLite, where types belong to values: whole numbers, or times as ISO text, which has the order of time.

Values that are neither, or of another kind than the highest one, have no place in that order and are read every time, like missing ones. A
time is never taken for the highest that is no time, or still to come.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from connectors.databases.identifiers import quote
from connectors.databases.increment import (
    Ask,
    Differing,
    Following,
    Increment,
    Part,
    Period,
    Request,
    backwards,
    no_cursor_column,
    no_time,
    other_kind,
    unusable,
)
from core.clock import BEIJING

# 2024-01-31, 2024-01-31 23:59[:59[.999]] and with T; a zone can only be Z, or the order of the texts would not be that of the times.
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:([T ])\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z?))?")
_TRIED = 100  # texts in the form of a time that are none, from the highest down, before the table is read whole
_LEAST_INTEGER = -(1 << 63)
_FIRST_LETTERS = "____-__-__%"
_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"


def choose_part(contract_id: str, request: Request | None, columns: Sequence[str], ask: Ask) -> Part:
    """Decide what is read of a table. Raises SourceError where the column cannot say what is new."""
    if request is None or isinstance(request, (Following, Differing)):
        return Part()
    if isinstance(request, Period):
        return _period(contract_id, request, columns, ask)
    if request.column not in columns:
        raise no_cursor_column(contract_id, request.column, columns)
    column = quote(request.column)
    kind, top = ask(f"typeof(max({column})), max({column})", "true", ())
    if kind == "null":
        return Part() if request.since is None else backwards(None)
    if kind in ("text", "blob"):  # they come after all numbers, so a single word among these would be the highest
        last = _last_time(column, ask)
        if last is not None:
            return _by_time(request, column, last, ask)
        (top,) = ask(f"max({column})", f"typeof({column}) = 'integer'", ())
        if top is None:
            raise unusable(contract_id, request.column, "text that is no ISO time" if kind == "text" else kind)
    elif kind != "integer":
        raise unusable(contract_id, request.column, kind)
    return _by_number(request, column, int(top))


def _by_number(request: Increment, column: str, top: int) -> Part:
    if request.since is None:
        return Part(cursor=str(top))
    if not re.fullmatch("-?[0-9]+", request.since):
        return other_kind(str(top))
    if top < int(request.since):
        return backwards(str(top))
    condition = f"({column} >= ? OR typeof({column}) NOT IN ('integer', 'real'))"
    low = max(int(request.since) - request.overlap, _LEAST_INTEGER)
    return Part(condition, (low,), str(top), is_whole=False)


def _last_time(column: str, ask: Ask) -> str | None:
    """The highest text in the form of a time; None where the highest few that begin like a day have another."""
    bound: tuple[str, ...] = ()
    condition = f"typeof({column}) = 'text' AND {column} GLOB '{_DAY}*'"
    for _ in range(_TRIED):
        (found,) = ask(f"max({column})", condition + (f" AND {column} < ?" if bound else ""), bound)
        if found is None or _ISO.fullmatch(str(found)):
            return None if found is None else str(found)
        bound = (str(found),)
    return None


def _by_time(request: Increment, column: str, last: str, ask: Ask) -> Part:
    top = _highest(column, last, ask)
    if request.since is None:
        return Part(cursor=top)
    since = _moment(request.since)
    if since is None:
        return other_kind(top)
    if top is None or top < request.since[: len(top)]:
        return backwards(top)
    earlier = since - min(timedelta(seconds=request.overlap), since - datetime.min)
    low = _like(request.since, earlier)
    others = f"{column} IS NULL OR typeof({column}) <> 'text' OR {column} NOT LIKE '{_FIRST_LETTERS}' OR {_no_time(column)}"
    return Part(f"({column} >= ? OR {others} OR {_written_otherwise(column, request.since)})", (low,), top, is_whole=False)


def _highest(column: str, last: str, ask: Ask) -> str | None:
    """The highest text that is a time and not still to come, where `last` is the highest of all; None where the highest few are none."""
    bound, within = _like(last, datetime.now(UTC) if last.endswith("Z") else datetime.now(BEIJING)), "<="
    for _ in range(_TRIED):
        (found,) = ask(f"max({column})", f"typeof({column}) = 'text' AND {column} {within} ?", (bound,))
        if found is None or _moment(str(found)) is not None:
            return None if found is None else str(found)
        bound, within = str(found), "<"
    return None


def _moment(text: str) -> datetime | None:
    """The time that a text is, zone left aside; None for a day or an hour that there is not."""
    if not _ISO.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        return None


def _no_time(column: str) -> str:
    """SQL for texts that are days or hours that there are not: SQLite takes 02-30 and 24:00 for times of the day after."""
    return f"date({column}) IS NOT substr({column}, 1, 10) OR {column} < '0001'"


def _written_otherwise(column: str, pattern: str) -> str:
    """SQL for times that are written otherwise than a text, so that their order as texts is not that of time."""
    mark, zone = (match[1], match[4]) if (match := _ISO.fullmatch(pattern)) and match[1] else ("", "")
    return f"substr({column}, 11, 1) <> '{mark}' OR ({column} LIKE '%Z') <> {int(zone == 'Z')}" if mark else "false"


def _like(pattern: str, moment: datetime) -> str:
    """A moment written as another one is, to the minute and without zone: a shorter text comes first, so that nothing is passed over."""
    mark = match[1] if (match := _ISO.fullmatch(pattern)) else None
    # Years before 1000 keep their noughts only this way.
    return f"{moment.date().isoformat()}{mark}{moment:%H:%M}" if mark else moment.date().isoformat()


def _period(contract_id: str, period: Period, columns: Sequence[str], ask: Ask) -> Part:
    for name in (name for name in period.columns if name in columns):
        column = quote(name)
        (top,) = ask(f"max({column})", "true", ())
        if isinstance(top, str) and _ISO.fullmatch(top):
            days = (period.first.isoformat(), (period.last + timedelta(days=1)).isoformat())
            return Part(f"({column} >= ? AND {column} < ?)", days, is_whole=False)
    raise no_time(contract_id, period.columns)
