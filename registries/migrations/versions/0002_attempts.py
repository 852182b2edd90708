"""Publications that were stopped or failed, and the decision of a person to let a shrink pass."""

import sqlalchemy as sa
from alembic import op

revision = "0002_attempts"
down_revision = "0001_first"


def upgrade() -> None:
    op.add_column("publication", sa.Column("shrink_accepted", sa.Text(), nullable=True))
    op.create_table(
        "publication_attempt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("registry", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("previous", sa.BigInteger(), nullable=False),
        sa.Column("inserted", sa.BigInteger(), nullable=True),
        sa.Column("updated", sa.BigInteger(), nullable=True),
        sa.Column("deleted", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_publication_attempt_registry"), "publication_attempt", ["registry"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_publication_attempt_registry"), table_name="publication_attempt")
    op.drop_table("publication_attempt")
    with op.batch_alter_table("publication") as batch:
        batch.drop_column("shrink_accepted")
