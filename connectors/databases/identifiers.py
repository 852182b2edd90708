"""Names of tables and columns, quoted for a dialect, so that none of them can be read as SQL."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from core.errors import SourceError

_PARTS = re.compile(r'"((?:[^"]|"")+)"|([^."]+)')


def quote(name: str, mark: str = '"') -> str:
    """A name between quotation marks of the dialect."""
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def split_object(name: str) -> tuple[str | None, str]:
    """Schema and table of `schema.table`; a part that holds a dot stands in double quotes."""
    parts = [(quoted or plain).replace('""', '"') for quoted, plain in _PARTS.findall(name)]
    if not 1 <= len(parts) <= 2:
        raise SourceError(f'"{name}" is not the name of a table', hint='write "table" or "schema.table"')
    return (parts[0], parts[1]) if len(parts) == 2 else (None, parts[0])


def no_such_table(contract_id: str, name: str, tables: Sequence[str]) -> SourceError:
    """The error for a missing table, with the name that was probably meant."""
    is_short = len(_PARTS.findall(name)) == 1
    # A name without its schema is held against names without theirs, or "upper" would be nothing like "public.UPPER".
    known = {(table.rpartition(".")[2] if is_short else table).lower(): table for table in reversed(tables)}
    close = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    meant = known[close[0]] if close else None
    hint = f"did you mean {meant}?" if meant else "ask the department whether it was renamed, or whether the hub's user may see it"
    return SourceError(f"{contract_id}: there is no table or view {name}", hint=hint)
