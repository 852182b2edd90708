"""What a database's catalog says of a table: its primary key, and comments, often the only Chinese name that a column has."""

import re
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

from connectors.extraction import Described
from contracts.model import Contract
from contracts.sources import DatabaseSource
from core.connections import Connections

_CATALOGS = {
    "postgresql": "connectors.databases.postgresql",
    "mysql": "connectors.databases.mysql",
    "sqlite": "connectors.databases.sqlite",
    "sql": "connectors.databases.dialects",
}
_REST = re.compile(r"[，,:：;；。\n|].*$|(?<=[\u3400-\u9fff])\s.*$", re.DOTALL)


def describe(contract: Contract, connections: Connections) -> Described:
    """What is said of a table and its columns, comments cut to the names at their heads; nothing for files. Raises SourceError as reading does."""
    if not isinstance(contract.source, DatabaseSource):
        return Described()
    read: Callable[[Contract, Connections], Described] = import_module(_CATALOGS[contract.source.kind]).described
    found = read(contract, connections)
    return replace(found, columns={name: title for name, text in found.columns.items() if (title := title_of(text))})


def title_of(comment: str) -> str:
    """The name at the head of a comment, without the explanation behind it (性别：1男，2女)."""
    return _REST.sub("", comment.strip())
