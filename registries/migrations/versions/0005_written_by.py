"""What a publication was made with: engine, settings, and the definition of its registry."""

import sqlalchemy as sa
from alembic import op

revision = "0005_written_by"
down_revision = "0004_identity_events"


def upgrade() -> None:
    op.add_column("publication", sa.Column("written_by", sa.JSON(), nullable=True))
    op.create_table(
        "definition_version",
        sa.Column("registry", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("registry", "version"),
    )


def downgrade() -> None:
    op.drop_table("definition_version")
    op.drop_column("publication", "written_by")
