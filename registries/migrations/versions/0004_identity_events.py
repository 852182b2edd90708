"""Merges, splits and re-keys of entities, published with what changed."""

import sqlalchemy as sa
from alembic import op

revision = "0004_identity_events"
down_revision = "0003_replayable"


def upgrade() -> None:
    op.add_column("publication", sa.Column("identity_events", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "identity_event",
        sa.Column("registry", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("old_id", sa.String(length=36), nullable=False),
        sa.Column("new_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("registry", "number", "old_id", "new_id"),
    )


def downgrade() -> None:
    op.drop_table("identity_event")
    with op.batch_alter_table("publication") as batch:
        batch.drop_column("identity_events")
