"""The audit database: who read what about whom, and for which purpose."""

import sqlalchemy as sa

metadata = sa.MetaData()

# `subject` names an entity by its canonical id, never by an identity number: the log itself must not become a register of people.
audit_entry = sa.Table(
    "audit_entry",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("at", sa.DateTime, nullable=False, index=True),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("action", sa.String(60), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False, index=True),
    sa.Column("purpose", sa.String(400), nullable=False),
)
