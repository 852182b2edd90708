"""Values of a database as text, as the connectors of their own write them: one value, one text, whichever way it was read."""

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import mssql, mysql, oracle, postgresql

from core.clock import BEIJING

_PLAIN = (sa.String, sa.Integer, sa.Numeric, sa.Float, sa.Date, sa.DateTime, sa.Time, sa.Boolean, sa.LargeBinary, sa.Uuid)
_DATETIME2: sa.types.TypeEngine[Any] = mssql.DATETIME2()  # type: ignore[no-untyped-call]
Convert = Callable[[Any], str | None]


class UnknownValue(TypeError):
    """A driver gave a value of a kind that has no text."""


def expression(name: str, kind: sa.types.TypeEngine[Any], family: str) -> sa.ColumnElement[Any]:
    """What is selected for a column: itself, or its text as the server writes it where a driver would lose something of it."""
    column: sa.ColumnClause[Any] = sa.column(sa.sql.quoted_name(name, True))
    if family == "postgresql":
        return _of_postgresql(column, kind)
    if family == "sqlserver" and isinstance(kind, mssql.DATETIME2 | mssql.DATETIMEOFFSET | mssql.TIME):
        # Python's times end at the microsecond, these go on to 100 nanoseconds. Style 121 is ISO.
        local = (
            sa.func.switchoffset(column, sa.literal_column("'+08:00'")).cast(_DATETIME2)
            if isinstance(kind, mssql.DATETIMEOFFSET)
            else column
        )
        return sa.func.convert(sa.literal_column("varchar(40)"), local, sa.literal_column("121"))
    if family == "oracle" and isinstance(kind, oracle.TIMESTAMP):
        is_zoned = kind.timezone or kind.local_timezone
        moment = column.op("AT TIME ZONE")(sa.literal_column("'+08:00'")) if is_zoned else column
        return sa.func.to_char(moment, sa.literal_column("'YYYY-MM-DD HH24:MI:SS.FF'"))
    if family in ("mysql", "sqlite") or isinstance(kind, _PLAIN):
        return column
    return sa.cast(column, sa.Text() if family != "sqlserver" else sa.UnicodeText())


def _of_postgresql(column: sa.ColumnClause[Any], kind: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
    kind = kind.data_type if isinstance(kind, postgresql.DOMAIN) else kind
    if isinstance(kind, sa.DateTime) and kind.timezone:
        return sa.cast(sa.cast(column, sa.DateTime()), sa.Text())
    if isinstance(kind, postgresql.MONEY):
        return sa.cast(column, sa.Numeric())
    # Dates before our era, and infinite ones, are none of Python's.
    plain = isinstance(kind, _PLAIN) and not isinstance(kind, sa.Date | sa.DateTime | sa.Time)
    return column if plain else sa.cast(column, sa.Text())


def converter(kind: sa.types.TypeEngine[Any], family: str) -> Convert:
    """How values of a column are written."""
    if isinstance(kind, sa.CHAR | sa.NCHAR):
        return lambda value: value.rstrip(" ") if isinstance(value, str) else _text(value, family)
    if isinstance(kind, mysql.BIT):
        return lambda value: str(int.from_bytes(value)) if isinstance(value, bytes) else _text(value, family)
    digits = getattr(kind, "fsp", None) or 0
    if isinstance(kind, oracle.TIMESTAMP | mssql.DATETIME2 | mssql.DATETIMEOFFSET | mssql.TIME):
        return lambda value: _without_zeros(value) if isinstance(value, str) else _text(value, family)
    return lambda value: _text(value, family, digits)


def texts(values: Iterable[Any], convert: Convert) -> list[str | None]:
    """Values of one column as text."""
    return [convert(value) for value in values]


def _text(value: Any, family: str, digits: int = 0) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | UUID():
            return str(value)
        case float():
            return _real(value, family)
        case Decimal():
            return f"{value:f}"
        case dt.datetime():
            local = value.astimezone(BEIJING).replace(tzinfo=None) if value.tzinfo else value
            return _fraction(local.strftime("%Y-%m-%d %H:%M:%S").zfill(19), local.microsecond, digits)
        case dt.date():
            return value.isoformat()
        case dt.time():
            return _fraction(value.strftime("%H:%M:%S"), value.microsecond, digits)
        case dt.timedelta():
            return _duration(value, digits)
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case _:
            raise UnknownValue(type(value).__name__)


def _real(value: float, family: str) -> str:
    """Plain digits in place of an exponent: those that give the number back, in SQLite the 15 that it shows itself."""
    if family == "sqlite":
        text = f"{Decimal(f'{value:.15g}'):f}"
        return text if "." in text or not text.lstrip("-").isdigit() or abs(value) >= 1e15 else f"{text}.0"
    return f"{Decimal(repr(value)):f}".removesuffix(".0")


def _fraction(text: str, microseconds: int, digits: int) -> str:
    if digits:
        return f"{text}.{f'{microseconds:06}'[:digits]}"
    return f"{text}.{microseconds:06}".rstrip("0") if microseconds else text


def _without_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _duration(value: dt.timedelta, digits: int) -> str:
    """A time of MySQL, which may be negative or longer than a day."""
    sign, size = ("-", -value) if value.days < 0 else ("", value)
    hours, rest = divmod(size.days * 86_400 + size.seconds, 3600)
    return _fraction(f"{sign}{hours:02}:{rest // 60:02}:{rest % 60:02}", size.microseconds, digits)
