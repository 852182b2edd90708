"""Publications that were stopped, or accepted, for what a source changed at once."""

import sqlalchemy as sa
from alembic import op

revision = "0006_source_gate"
down_revision = "0005_written_by"


def upgrade() -> None:
    op.add_column("publication", sa.Column("change_accepted", sa.Text(), nullable=True))
    op.add_column("publication_attempt", sa.Column("findings", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("publication_attempt", "findings")
    op.drop_column("publication", "change_accepted")
