"""Signed receipts."""

import sqlalchemy as sa
from alembic import op

revision = "0005_receipts"
down_revision = "0004_repairs"


def upgrade() -> None:
    op.create_table(
        "batch_receipt",
        sa.Column("batch_id", sa.String(length=140), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("issued_at", sa.DateTime(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"]),
        sa.PrimaryKeyConstraint("batch_id"),
    )


def downgrade() -> None:
    op.drop_table("batch_receipt")
