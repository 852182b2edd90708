"""Contracts, batches and files."""

import sqlalchemy as sa
from alembic import op

revision = "0001_first"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "batch",
        sa.Column("batch_id", sa.String(length=140), nullable=False),
        sa.Column("contract_id", sa.String(length=120), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("contract_version", sa.Integer(), nullable=False),
        sa.Column("standard_version", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("landed_at", sa.DateTime(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("read", sa.BigInteger(), nullable=True),
        sa.Column("landed", sa.BigInteger(), nullable=True),
        sa.Column("unreadable", sa.BigInteger(), nullable=True),
        sa.Column("accepted", sa.BigInteger(), nullable=True),
        sa.Column("unchanged", sa.BigInteger(), nullable=True),
        sa.Column("repeated", sa.BigInteger(), nullable=True),
        sa.Column("quarantined", sa.BigInteger(), nullable=True),
        sa.Column("previous", sa.BigInteger(), nullable=True),
        sa.Column("inserted", sa.BigInteger(), nullable=True),
        sa.Column("updated", sa.BigInteger(), nullable=True),
        sa.Column("deleted", sa.BigInteger(), nullable=True),
        sa.Column("records", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("hint", sa.Text(), nullable=True),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id"),
        sa.UniqueConstraint("contract_id", "seq"),
    )
    op.create_table(
        "contract_version",
        sa.Column("contract_id", sa.String(length=120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("department_id", sa.String(length=60), nullable=False),
        sa.Column("department_zh", sa.String(length=200), nullable=False),
        sa.Column("department_en", sa.String(length=200), nullable=False),
        sa.Column("title_zh", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("feeds", sa.JSON(), nullable=False),
        sa.Column("registered_at", sa.DateTime(), nullable=False),
        sa.Column("registered_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("contract_id", "version"),
    )
    op.create_table(
        "dataset_number",
        sa.Column("contract_id", sa.String(length=120), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("contract_id"),
        sa.UniqueConstraint("number"),
    )
    op.create_table(
        "lake_field",
        sa.Column("table_name", sa.String(length=160), nullable=False),
        sa.Column("column_name", sa.String(length=120), nullable=False),
        sa.Column("field_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", "column_name"),
        sa.UniqueConstraint("table_name", "field_id"),
    )
    op.create_table(
        "lake_file",
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.Column("table_name", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("path"),
    )
    op.create_index(op.f("ix_lake_file_table_name"), "lake_file", ["table_name"], unique=False)
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(length=200), nullable=True),
        sa.Column("expires_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "batch_check",
        sa.Column("batch_id", sa.String(length=140), nullable=False),
        sa.Column("check_id", sa.String(length=160), nullable=False),
        sa.Column("element", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("issue_type", sa.String(length=60), nullable=False),
        sa.Column("dimension", sa.String(length=20), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("evaluated", sa.BigInteger(), nullable=False),
        sa.Column("unexpected", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batch.batch_id"],
        ),
        sa.PrimaryKeyConstraint("batch_id", "check_id"),
    )
    op.create_table(
        "batch_fill",
        sa.Column("batch_id", sa.String(length=140), nullable=False),
        sa.Column("element", sa.String(length=80), nullable=False),
        sa.Column("evaluated", sa.BigInteger(), nullable=False),
        sa.Column("filled", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batch.batch_id"],
        ),
        sa.PrimaryKeyConstraint("batch_id", "element"),
    )
    op.create_table(
        "batch_issue",
        sa.Column("batch_id", sa.String(length=140), nullable=False),
        sa.Column("element", sa.String(length=80), nullable=False),
        sa.Column("issue_type", sa.String(length=60), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("dimension", sa.String(length=20), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batch.batch_id"],
        ),
        sa.PrimaryKeyConstraint("batch_id", "element", "issue_type"),
    )


def downgrade() -> None:
    op.drop_table("batch_issue")
    op.drop_table("batch_fill")
    op.drop_table("batch_check")
    op.drop_table("lease")
    op.drop_index(op.f("ix_lake_file_table_name"), table_name="lake_file")
    op.drop_table("lake_file")
    op.drop_table("lake_field")
    op.drop_table("dataset_number")
    op.drop_table("contract_version")
    op.drop_table("batch")
