"""Publications whose deliveries are kept no longer."""

import sqlalchemy as sa
from alembic import op

revision = "0003_replayable"
down_revision = "0002_attempts"


def upgrade() -> None:
    op.add_column("publication", sa.Column("not_replayable_since", sa.DateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("publication", "not_replayable_since")
