"""Whose catalog it is."""

import sqlalchemy as sa
from alembic import op

revision = "0010_installation"
down_revision = "0009_officers"


def upgrade() -> None:
    made = op.create_table(
        "installation",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key_proof", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.bulk_insert(made, [{"number": 1, "key_proof": None}])


def downgrade() -> None:
    op.drop_table("installation")
