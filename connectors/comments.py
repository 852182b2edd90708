"""What a database says about a table and its columns: comments in its catalog, often the only Chinese name a column has."""

import re
from collections.abc import Callable
from importlib import import_module

from connectors.extraction import Comments
from contracts.model import Contract
from contracts.sources import DatabaseSource
from core.connections import Connections

# SQLite keeps no comments.
_CATALOGS = {"postgresql": "connectors.postgresql", "mysql": "connectors.mysql", "sql": "connectors.dialects"}
_REST = re.compile(r"[，,:：;；。\n|].*$|(?<=[\u3400-\u9fff])\s.*$", re.DOTALL)


def read_comments(contract: Contract, connections: Connections) -> Comments:
    """The comments of a table and its columns; none for files and for databases that keep none. Raises SourceError as reading does."""
    if not isinstance(contract.source, DatabaseSource) or contract.source.kind not in _CATALOGS:
        return Comments()
    read: Callable[[Contract, Connections], Comments] = import_module(_CATALOGS[contract.source.kind]).comments
    found = read(contract, connections)
    return Comments(found.table, {name: title for name, text in found.columns.items() if (title := title_of(text))})


def title_of(comment: str) -> str:
    """The name at the head of a comment, without the explanation behind it (性别：1男，2女)."""
    return _REST.sub("", comment.strip())
