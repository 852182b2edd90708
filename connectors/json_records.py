"""Records written as JSON objects, taken apart by the engine: a batch of texts at a time, and every value as the text that stood there.

A member of an object is a column; what is itself an object or a list stays JSON. A contract reaches into it with a pointer (RFC 6901):
`/address/city`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import duckdb
import numpy as np
import pyarrow as pa

from core.engine import literal

POINTER = "/"


@dataclass(frozen=True)
class Records:
    """The records among some texts: their columns, and which texts are one. The others are `refused`, with the reason."""

    columns: list[pa.StringArray]
    kept: "np.typing.NDArray[np.int64]"
    refused: list[tuple[int, str]]


class JsonReader:
    """An engine that takes JSON apart. Use it as a context manager."""

    def __init__(self) -> None:
        self._engine = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    def names(self, texts: Iterable[pa.StringArray]) -> tuple[str, ...]:
        """The members that occur in any of the objects, in the order in which they first do."""
        found: dict[str, None] = {}
        for some in texts:
            self._engine.register("given", pa.table({"text": some}))
            rows = self._engine.execute(
                "SELECT name, min(nr * 10000 + place) FROM (SELECT nr, unnest(names) AS name, generate_subscripts(names, 1) AS place FROM ("
                f"SELECT row_number() OVER () AS nr, json_keys(text) AS names FROM given WHERE {_IS_RECORD})) GROUP BY name ORDER BY 2"
            ).fetchall()
            found |= dict.fromkeys(name for name, _ in rows)
        return tuple(found)

    def records(self, texts: pa.StringArray, names: Sequence[str]) -> Records:
        """The columns `names` of the objects; null where a member is missing or null."""
        self._engine.register("given", pa.table({"nr": np.arange(len(texts)), "text": texts}))
        values = ", ".join(f"json_extract_string(text, {literal(path_of(name))}) AS c{place}" for place, name in enumerate(names))
        table = self._engine.execute(f"SELECT nr, {values} FROM given WHERE {_IS_RECORD} ORDER BY nr").to_arrow_table()
        others = self._engine.execute(
            f"SELECT nr, CASE WHEN trim(text, ' \t') = '' THEN 'the line is blank' WHEN json_valid(text) THEN 'the line is no JSON object' "
            f"ELSE 'the line is no JSON' END FROM given WHERE NOT coalesce({_IS_RECORD}, false) ORDER BY nr"
        ).fetchall()
        columns = [table.column(f"c{place}").combine_chunks() for place in range(len(names))]
        return Records(columns, table.column("nr").to_numpy(), others)


_IS_RECORD = "CASE WHEN json_valid(text) THEN json_type(text) = 'OBJECT' ELSE false END"


def path_of(name: str) -> str:
    """The engine's path to a member, or to what a pointer names."""
    return name if name.startswith(POINTER) else f'$."{name}"' if '"' not in name else f"{POINTER}{_escaped(name)}"


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
