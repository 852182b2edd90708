"""Judgements about pairs of records, and the pairs that wait for one."""

import sqlalchemy as sa
from alembic import op

revision = "0007_judgements"
down_revision = "0006_source_gate"
COUNTS = ("apart", "judgements", "contradictions")


def upgrade() -> None:
    for name in COUNTS:
        op.add_column("publication", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "judgement",
        sa.Column("registry", sa.String(length=60), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("left_record", sa.String(length=36), nullable=False),
        sa.Column("right_record", sa.String(length=36), nullable=False),
        sa.Column("left_dataset", sa.String(length=120), nullable=False),
        sa.Column("right_dataset", sa.String(length=120), nullable=False),
        sa.Column("verdict", sa.String(length=12), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("method", sa.String(length=120), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("withdraws", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("registry", "number"),
        sa.UniqueConstraint("registry", "withdraws"),
    )
    op.create_index("ix_judgement_pair", "judgement", ["registry", "left_record", "right_record"])
    op.create_index("ix_judgement_right", "judgement", ["registry", "right_record"])
    op.create_table(
        "candidate_pair",
        sa.Column("registry", sa.String(length=60), nullable=False),
        sa.Column("left_record", sa.String(length=36), nullable=False),
        sa.Column("right_record", sa.String(length=36), nullable=False),
        sa.Column("left_dataset", sa.String(length=120), nullable=False),
        sa.Column("right_dataset", sa.String(length=120), nullable=False),
        sa.Column("method", sa.String(length=120), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.Column("found_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("registry", "left_record", "right_record"),
    )
    op.create_index("ix_candidate_pair_score", "candidate_pair", ["registry", "score"])


def downgrade() -> None:
    op.drop_table("candidate_pair")
    op.drop_table("judgement")
    with op.batch_alter_table("publication") as batch:
        for name in COUNTS:
            batch.drop_column(name)
