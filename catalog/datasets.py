"""Registered datasets: every contract version ever registered is a row; the newest one is in force.

Registering also writes `registered/<department>.json`, which is all that the DAG files read.
"""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from catalog.tables import contract_version, dataset_number
from contracts.model import Contract
from contracts.sources import DatabaseSource
from core.clock import now
from core.database import reading, writing
from core.errors import RequestError


def register(catalog: sa.Engine, contract: Contract, actor: str, folder: Path) -> int:
    """Register a contract and return its version; the same content again keeps its version."""
    try:
        version = _register(catalog, contract, actor)
    except sa.exc.IntegrityError:
        # On PostgreSQL two first registrations can read the same highest number; the second then reads the first's.
        version = _register(catalog, contract, actor)
    write_registered(catalog, contract.department.id, folder)
    return version


def _register(catalog: sa.Engine, contract: Contract, actor: str) -> int:
    with writing(catalog) as connection:
        version = _insert_version(connection, contract, actor)
        _give_number(connection, contract.id)
    return version


def _insert_version(connection: sa.Connection, contract: Contract, actor: str) -> int:
    latest = connection.execute(
        sa.select(contract_version.c.version, contract_version.c.digest)
        .where(contract_version.c.contract_id == contract.id)
        .order_by(contract_version.c.version.desc())
        .limit(1)
    ).one_or_none()
    if latest is not None and latest.digest == contract.digest:
        return int(latest.version)
    version = 1 if latest is None else latest.version + 1
    connection.execute(
        contract_version.insert().values(
            contract_id=contract.id,
            version=version,
            digest=contract.digest,
            document=contract.model_dump_json(by_alias=True),
            department_id=contract.department.id,
            department_zh=contract.department.title.zh,
            department_en=contract.department.title.en,
            title_zh=contract.title.zh,
            title_en=contract.title.en,
            feeds=list(contract.feeds),
            registered_at=now(),
            registered_by=actor,
        )
    )
    return version


def _give_number(connection: sa.Connection, contract_id: str) -> None:
    known = connection.execute(sa.select(dataset_number.c.number).where(dataset_number.c.contract_id == contract_id)).scalar()
    if known is None:
        highest = connection.execute(sa.select(sa.func.max(dataset_number.c.number))).scalar() or 0
        connection.execute(dataset_number.insert().values(contract_id=contract_id, number=highest + 1))


def dataset_numbers(catalog: sa.Engine) -> dict[str, int]:
    """Return each dataset's small number."""
    with reading(catalog) as connection:
        return {row.contract_id: row.number for row in connection.execute(sa.select(dataset_number))}


@lru_cache(maxsize=2048)
def parsed(document: str) -> Contract:
    """A contract as it is kept; one document is read once."""
    return Contract.model_validate_json(document)


def in_force() -> sa.Select[Any]:
    """A query for the newest version of every contract, by id."""
    newest = (
        sa.select(contract_version.c.contract_id, sa.func.max(contract_version.c.version).label("version"))
        .group_by(contract_version.c.contract_id)
        .subquery()
    )
    same = (contract_version.c.contract_id == newest.c.contract_id) & (contract_version.c.version == newest.c.version)
    return sa.select(contract_version).join(newest, same).order_by(contract_version.c.contract_id)


def contracts_in_force(catalog: sa.Engine) -> dict[str, tuple[int, Contract]]:
    """Return version and contract of every registered dataset, by id."""
    with reading(catalog) as connection:
        rows = connection.execute(in_force()).all()
    return {row.contract_id: (row.version, parsed(row.document)) for row in rows}


def contract_in_force(catalog: sa.Engine, contract_id: str) -> tuple[int, Contract]:
    """Return version and contract of one dataset. Raises RequestError where it is not registered."""
    with reading(catalog) as connection:
        row = connection.execute(in_force().where(contract_version.c.contract_id == contract_id)).one_or_none()
        if row is None:
            known = connection.execute(
                sa.select(contract_version.c.contract_id).distinct().order_by(contract_version.c.contract_id)
            ).scalars()
            raise RequestError(f"no dataset {contract_id} is registered", hint=f"registered are: {', '.join(known) or 'none yet'}")
    return row.version, parsed(row.document)


def other_source(catalog: sa.Engine, contract: Contract) -> str | None:
    """What to think of, where a contract reads another table or file than the dataset of its id, as it is registered."""
    before = contracts_in_force(catalog).get(contract.id)
    if before is None or _place(before[1]) == _place(contract):
        return None
    return (
        f"{contract.id} has read {_place(before[1])} until now, and reads {_place(contract)}: if these are two tables, give this one an id of "
        "its own, or its records take the place of those that are there"
    )


def _place(contract: Contract) -> str:
    source = contract.source
    return f"{source.connection}:{source.object if isinstance(source, DatabaseSource) else source.path}"


def contract_at(catalog: sa.Engine, contract_id: str, version: int) -> Contract:
    """Return the contract as it stood in one version."""
    mine = (contract_version.c.contract_id == contract_id) & (contract_version.c.version == version)
    with reading(catalog) as connection:
        return parsed(connection.execute(sa.select(contract_version.c.document).where(mine)).scalar_one())


def write_registered(catalog: sa.Engine, department_id: str, folder: Path) -> None:
    """Write what the DAG files need to know about one department's datasets, by an atomic rename.

    `feeds` are all registries that a dataset has ever fed: one that it leaves is to be published once more, without it.
    """
    fed = _ever_fed(catalog, department_id)
    datasets = [
        {
            "id": contract.id,
            "title": contract.title.en,
            "feeds": sorted(fed[contract.id]),
            "collected": contract.ended is None,
            "cron": contract.schedule.cron,
            "retries": contract.schedule.retries,
            "retry_seconds": contract.schedule.retry_seconds,
            "pool": f"source__{contract.source.connection}",
        }
        for _, contract in contracts_in_force(catalog).values()
        if contract.department.id == department_id
    ]
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{department_id}.{os.getpid()}"
    draft.write_text(json.dumps({"department": department_id, "datasets": datasets}, ensure_ascii=False, indent=1))
    draft.replace(folder / f"{department_id}.json")


def _ever_fed(catalog: sa.Engine, department_id: str) -> dict[str, set[str]]:
    """By dataset of a department, the registries that any version of its contract names."""
    mine = contract_version.c.department_id == department_id
    found: dict[str, set[str]] = {}
    with reading(catalog) as connection:
        for contract_id, feeds in connection.execute(sa.select(contract_version.c.contract_id, contract_version.c.feeds).where(mine)):
            found.setdefault(contract_id, set()).update(feeds)
    return found
