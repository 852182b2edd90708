"""Rows of quarantine that are run again, and what waits there."""

import sqlalchemy as sa
from alembic import op

revision = "0004_repairs"
down_revision = "0003_tracking"


def upgrade() -> None:
    op.add_column("batch", sa.Column("kind", sa.String(length=12), nullable=False, server_default="delivery"))
    op.add_column("batch", sa.Column("origin", sa.String(length=140), nullable=True))
    op.add_column("batch", sa.Column("waiting", sa.BigInteger(), nullable=True))
    op.create_table(
        "waiting_rule",
        sa.Column("contract_id", sa.String(length=120), nullable=False),
        sa.Column("element", sa.String(length=80), nullable=False),
        sa.Column("issue_type", sa.String(length=60), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("contract_id", "element", "issue_type"),
    )


def downgrade() -> None:
    op.drop_table("waiting_rule")
    for name in ("waiting", "origin", "kind"):
        op.drop_column("batch", name)
