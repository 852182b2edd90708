"""The longest time of a statement where a database is read through SQLAlchemy: how it is told, and how a statement is ended that is given up."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict

Unit = Literal["seconds", "milliseconds", "microseconds"]
_OF_A_SECOND: dict[Unit, int] = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000}


@dataclass(frozen=True)
class Limit:
    """Where one kind of database is told it, each in its own unit: in statements of the session, in what the driver is given when it
    connects, in attributes of the connection. `cancel` is the driver's own method that ends a statement from another thread; `kill` are two
    statements, one that asks the session for its number, one that ends what the session of that number does, by another connection.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    session: tuple[str, ...] = ()
    connect: Mapping[str, Unit] = field(default_factory=dict)
    attributes: Mapping[str, Unit] = field(default_factory=dict)
    cancel: str = ""
    kill: tuple[str, str] | None = None

    def statements(self, seconds: int) -> list[str]:
        """What the session is told."""
        times = {unit: seconds * number for unit, number in _OF_A_SECOND.items()}
        return [statement.format(**times) for statement in self.session]

    def options(self, seconds: int) -> dict[str, int]:
        """What the driver is given."""
        return {name: seconds * _OF_A_SECOND[unit] for name, unit in self.connect.items()}

    def set_on(self, connection: Any, seconds: int) -> None:
        """Set a connection's attributes."""
        for name, unit in self.attributes.items():
            setattr(connection, name, seconds * _OF_A_SECOND[unit])


class Ending:
    """How what the newest connection to a source does is ended, from another thread; nothing happens where a driver has no safe way."""

    def __init__(self, limit: Limit, connect: Callable[[], Any]) -> None:
        self._limit, self._connect = limit, connect
        self._end: Callable[[], None] = lambda: None
        self._is_ended = False

    def opened(self, connection: Any) -> None:
        """Take note of a connection, but for the one that ends another."""
        if self._is_ended:
            return
        if self._limit.cancel:
            self._end = getattr(connection, self._limit.cancel)
        elif self._limit.kill:
            number, kill = self._limit.kill
            with closing(connection.cursor()) as cursor:
                cursor.execute(number)
                statement = kill.format(number=int(cursor.fetchone()[0]))
            self._end = lambda: self._kill(statement)

    def end(self) -> None:
        """End what it does. Whatever a driver says to that is of no use: the statement is given up in any case."""
        self._is_ended = True
        with suppress(Exception):
            self._end()

    @contextmanager
    def where_left(self, cursor: Any, errors: tuple[type[BaseException], ...] = (GeneratorExit,)) -> Iterator[None]:
        """End it where one of these errors says that the rest of a cursor's rows is not wanted any more: a driver whose server
        has to be told so by another connection reads all of them before it closes its own.
        """
        try:
            yield
        except errors:
            if self._limit.kill:
                self.end()
                with suppress(Exception):
                    cursor.close()  # here it hears that the statement was ended
            raise

    def _kill(self, statement: str) -> None:
        with closing(self._connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(statement)
