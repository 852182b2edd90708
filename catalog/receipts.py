"""Signed receipts of batches: written once, when a batch has ended, and never changed."""

import json
from typing import Any

import sqlalchemy as sa

from catalog.batches import OPEN
from catalog.tables import batch, batch_receipt
from core.clock import now
from core.database import reading, writing


def stored_receipt(catalog: sa.Engine, batch_id: str) -> dict[str, Any] | None:
    """The receipt of a batch as it was signed; None where there is none yet."""
    query = sa.select(batch_receipt.c.document).where(batch_receipt.c.batch_id == batch_id)
    with reading(catalog) as connection:
        document = connection.execute(query).scalar()
    return None if document is None else dict(json.loads(document))


def store_receipt(catalog: sa.Engine, batch_id: str, key_id: str, document: dict[str, Any]) -> None:
    """Keep a receipt; where another process was first, its one counts."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True)
    with writing(catalog) as connection:
        mine = batch_receipt.c.batch_id == batch_id
        if connection.execute(sa.select(batch_receipt.c.batch_id).where(mine)).one_or_none() is None:
            connection.execute(batch_receipt.insert().values(batch_id=batch_id, key_id=key_id, issued_at=now(), document=text))


def without_receipt(catalog: sa.Engine, contract_id: str) -> list[str]:
    """Ids of a dataset's batches that have ended and have no receipt, oldest first."""
    ended = (batch.c.contract_id == contract_id) & batch.c.status.not_in(OPEN)
    query = sa.select(batch.c.batch_id).where(ended, batch.c.batch_id.not_in(sa.select(batch_receipt.c.batch_id))).order_by(batch.c.seq)
    with reading(catalog) as connection:
        return list(connection.execute(query).scalars())
