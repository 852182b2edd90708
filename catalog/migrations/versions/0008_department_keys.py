"""Public keys of departments."""

import sqlalchemy as sa
from alembic import op

revision = "0008_department_keys"
down_revision = "0007_purges"


def upgrade() -> None:
    op.create_table(
        "department_key",
        sa.Column("department_id", sa.String(length=60), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.Column("added_by", sa.String(length=120), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("department_id", "key_id"),
    )


def downgrade() -> None:
    op.drop_table("department_key")
