"""Purges, and what each has removed."""

import sqlalchemy as sa
from alembic import op

revision = "0007_purges"
down_revision = "0006_alerts"


def upgrade() -> None:
    op.create_table(
        "purge",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "purge_item",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.Column("layer", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["purge.number"]),
        sa.PrimaryKeyConstraint("number", "path"),
    )


def downgrade() -> None:
    op.drop_table("purge_item")
    op.drop_table("purge")
