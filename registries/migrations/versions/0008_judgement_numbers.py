"""Numbers of facts that publications set aside."""

import sqlalchemy as sa
from alembic import op

revision = "0008_judgement_numbers"
down_revision = "0007_judgements"


def upgrade() -> None:
    op.create_table(
        "judgement_number",
        sa.Column("registry", sa.String(length=60), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("registry"),
    )


def downgrade() -> None:
    op.drop_table("judgement_number")
