"""How much of its source a batch has read, and where change tracking stands after it."""

import sqlalchemy as sa
from alembic import op

revision = "0003_tracking"
down_revision = "0002_standards"


def upgrade() -> None:
    op.add_column("batch", sa.Column("scope", sa.String(length=10), nullable=True))
    op.add_column("batch", sa.Column("tracking", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("batch", "tracking")
    op.drop_column("batch", "scope")
