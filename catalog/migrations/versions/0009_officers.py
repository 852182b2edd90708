"""Tokens of officers."""

import sqlalchemy as sa
from alembic import op

revision = "0009_officers"
down_revision = "0008_department_keys"


def upgrade() -> None:
    op.create_table(
        "officer_token",
        sa.Column("proof", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("given_at", sa.DateTime(), nullable=False),
        sa.Column("given_by", sa.String(length=120), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("proof"),
    )
    in_force = sa.text("withdrawn_at IS NULL")
    op.create_index("officer_token_in_force", "officer_token", ["name"], unique=True, sqlite_where=in_force, postgresql_where=in_force)


def downgrade() -> None:
    op.drop_table("officer_token")
