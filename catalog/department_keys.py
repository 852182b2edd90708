"""Public keys with which departments sign what they carry over: added and withdrawn by the data-centre engineer, never replaced."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from catalog.tables import department_key
from core.clock import now
from core.database import reading, writing
from core.errors import RequestError


@dataclass(frozen=True)
class DepartmentKey:
    """A public key (PEM) of a department."""

    department_id: str
    key_id: str
    public_key: str
    added_at: datetime
    added_by: str
    withdrawn_at: datetime | None
    withdrawn_by: str | None


def add_key(catalog: sa.Engine, department_id: str, key_id: str, public_key: str, actor: str) -> None:
    """Add a key. Raises RequestError where it is there already, also if it was withdrawn: a lost key does not come back."""
    if get_key(catalog, department_id, key_id) is not None:
        raise RequestError(f"the key {key_id} of {department_id} is there already", hint="./hub keys shows whether it was withdrawn")
    values = {"department_id": department_id, "key_id": key_id, "public_key": public_key, "added_at": now(), "added_by": actor}
    with writing(catalog) as connection:
        connection.execute(department_key.insert().values(**values))


def withdraw_key(catalog: sa.Engine, department_id: str, key_id: str, actor: str) -> None:
    """Withdraw a key: bundles that it signed are refused from now on. Raises RequestError where there is none in force."""
    mine = (department_key.c.department_id == department_id) & (department_key.c.key_id == key_id)
    in_force = mine & department_key.c.withdrawn_at.is_(None)
    with writing(catalog) as connection:
        done = connection.execute(department_key.update().where(in_force).values(withdrawn_at=now(), withdrawn_by=actor))
    if not done.rowcount:
        raise RequestError(f"{department_id} has no key {key_id} in force", hint="./hub keys lists them")


def get_key(catalog: sa.Engine, department_id: str, key_id: str) -> DepartmentKey | None:
    """A key of a department; None where it has none of that id."""
    return next((key for key in department_keys(catalog) if (key.department_id, key.key_id) == (department_id, key_id)), None)


def department_keys(catalog: sa.Engine) -> list[DepartmentKey]:
    """Every key that was ever added."""
    query = sa.select(department_key).order_by(department_key.c.department_id, department_key.c.added_at, department_key.c.key_id)
    with reading(catalog) as connection:
        return [DepartmentKey(**row._mapping) for row in connection.execute(query)]
