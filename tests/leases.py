"""Who holds a lease, as the tests look at it."""

import sqlalchemy as sa

from core.database import reading
from core.holder import is_alive


def held_by(engine: sa.Engine, table: sa.Table, name: str) -> str | None:
    """Return the living holder of a lease, if there is one."""
    with reading(engine) as connection:
        holder: str | None = connection.execute(sa.select(table.c.holder).where(table.c.name == name)).scalar()
    return holder if holder and is_alive(holder) else None
