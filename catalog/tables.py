"""Tables of the operational database: registered contracts, batches with their ledger, and the files that make up the lake."""

import sqlalchemy as sa

from core.leases import lease_table

metadata = sa.MetaData()

contract_version = sa.Table(
    "contract_version",
    metadata,
    sa.Column("contract_id", sa.String(120), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("department_id", sa.String(60), nullable=False),
    sa.Column("department_zh", sa.String(200), nullable=False),
    sa.Column("department_en", sa.String(200), nullable=False),
    sa.Column("title_zh", sa.String(200), nullable=False),
    sa.Column("title_en", sa.String(200), nullable=False),
    sa.Column("feeds", sa.JSON, nullable=False),
    sa.Column("registered_at", sa.DateTime, nullable=False),
    sa.Column("registered_by", sa.String(120), nullable=False),
)

# Every version of the standard that a batch has used, whole: `document` is compressed JSON.
standard_version = sa.Table(
    "standard_version",
    metadata,
    sa.Column("version", sa.String(20), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("in_force_from", sa.Date, nullable=False),
    sa.Column("title_zh", sa.Text, nullable=False),
    sa.Column("title_en", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.DateTime, nullable=False),
    sa.Column("recorded_by", sa.String(120), nullable=False),
    sa.Column("document", sa.LargeBinary, nullable=False),
)

batch = sa.Table(
    "batch",
    metadata,
    sa.Column("batch_id", sa.String(140), primary_key=True),
    sa.Column("contract_id", sa.String(120), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("contract_version", sa.Integer, nullable=False),
    sa.Column("standard_version", sa.String(20), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("started_at", sa.DateTime, nullable=False),
    sa.Column("landed_at", sa.DateTime),
    sa.Column("finished_at", sa.DateTime),
    # Rows: what was read has landed or is unreadable; what has landed was accepted, unchanged, repeated or quarantined.
    sa.Column("read", sa.BigInteger),
    sa.Column("landed", sa.BigInteger),
    sa.Column("unreadable", sa.BigInteger),
    sa.Column("accepted", sa.BigInteger),
    sa.Column("unchanged", sa.BigInteger),
    sa.Column("repeated", sa.BigInteger),
    sa.Column("quarantined", sa.BigInteger),
    # Records: those before, with what was inserted and without what was deleted.
    sa.Column("previous", sa.BigInteger),
    sa.Column("inserted", sa.BigInteger),
    sa.Column("updated", sa.BigInteger),
    sa.Column("deleted", sa.BigInteger),
    sa.Column("records", sa.BigInteger),
    # What the rows are: a delivery of the source, or rows of quarantine that are run again, repaired or as they were (then of which batch).
    sa.Column("kind", sa.String(12), nullable=False, server_default="delivery"),
    sa.Column("origin", sa.String(140)),
    # Rows in quarantine after the batch, whichever batch set them aside.
    sa.Column("waiting", sa.BigInteger),
    sa.Column("error", sa.Text),
    sa.Column("hint", sa.Text),
    sa.Column("notes", sa.JSON, nullable=False),
    sa.Column("seconds", sa.JSON, nullable=False),
    # `whole`: what is not in it is gone. `part`: only what changed was read. Empty in batches older than the distinction: whole.
    sa.Column("scope", sa.String(10)),
    # Where change tracking stands after the batch: it counts from the moment the batch is accepted, with all else.
    sa.Column("tracking", sa.JSON),
    sa.UniqueConstraint("contract_id", "seq"),
)

batch_issue = sa.Table(
    "batch_issue",
    metadata,
    sa.Column("batch_id", sa.String(140), sa.ForeignKey("batch.batch_id"), primary_key=True),
    sa.Column("element", sa.String(80), primary_key=True),
    sa.Column("issue_type", sa.String(60), primary_key=True),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("dimension", sa.String(20), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
)

batch_check = sa.Table(
    "batch_check",
    metadata,
    sa.Column("batch_id", sa.String(140), sa.ForeignKey("batch.batch_id"), primary_key=True),
    sa.Column("check_id", sa.String(160), primary_key=True),
    sa.Column("element", sa.String(80), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("issue_type", sa.String(60), nullable=False),
    sa.Column("dimension", sa.String(20), nullable=False),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("evaluated", sa.BigInteger, nullable=False),
    sa.Column("unexpected", sa.BigInteger, nullable=False),
)

batch_fill = sa.Table(
    "batch_fill",
    metadata,
    sa.Column("batch_id", sa.String(140), sa.ForeignKey("batch.batch_id"), primary_key=True),
    sa.Column("element", sa.String(80), primary_key=True),
    sa.Column("evaluated", sa.BigInteger, nullable=False),
    sa.Column("filled", sa.BigInteger, nullable=False),
)

# What waits in quarantine after a dataset's last accepted batch, by rule; `since` is when the row that has waited longest came in.
waiting_rule = sa.Table(
    "waiting_rule",
    metadata,
    sa.Column("contract_id", sa.String(120), primary_key=True),
    sa.Column("element", sa.String(80), primary_key=True),
    sa.Column("issue_type", sa.String(60), primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("since", sa.DateTime, nullable=False),
)

# The signed account of a batch that has ended: `document` is the receipt as it is handed out.
batch_receipt = sa.Table(
    "batch_receipt",
    metadata,
    sa.Column("batch_id", sa.String(140), sa.ForeignKey("batch.batch_id"), primary_key=True),
    sa.Column("key_id", sa.String(40), nullable=False),
    sa.Column("issued_at", sa.DateTime, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)

# What somebody has to be told: open until its cause is gone. One alert per rule and subject is open at a time.
alert = sa.Table(
    "alert",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("rule", sa.String(60), nullable=False),
    sa.Column("subject", sa.String(160), nullable=False),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("message_zh", sa.Text, nullable=False),
    sa.Column("message_en", sa.Text, nullable=False),
    sa.Column("opened_at", sa.DateTime, nullable=False),
    sa.Column("seen_at", sa.DateTime, nullable=False),
    sa.Column("closed_at", sa.DateTime, index=True),
)

# One line for everything that a channel is to be told: that an alert opened, or that its cause is gone.
alert_notice = sa.Table(
    "alert_notice",
    metadata,
    sa.Column("alert_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.ForeignKey("alert.id"), primary_key=True),
    sa.Column("channel", sa.String(120), primary_key=True),
    sa.Column("kind", sa.String(10), primary_key=True),
    sa.Column("made_at", sa.DateTime, nullable=False),
    sa.Column("sent_at", sa.DateTime),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
)

# One purge of what retention periods have run out for: its account is its receipt.
purge = sa.Table(
    "purge",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("started_at", sa.DateTime, nullable=False),
    sa.Column("finished_at", sa.DateTime),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("files", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    # What was kept although it is old, and what could not be removed, with why.
    sa.Column("notes", sa.JSON, nullable=False),
)

# What a purge removes is written down before it is removed: a process that dies leaves nothing unexplained.
purge_item = sa.Table(
    "purge_item",
    metadata,
    sa.Column("number", sa.Integer, sa.ForeignKey("purge.number"), primary_key=True),
    sa.Column("path", sa.String(400), primary_key=True),
    sa.Column("layer", sa.String(20), nullable=False),
    sa.Column("subject", sa.String(160), nullable=False),
    sa.Column("reason", sa.String(60), nullable=False),
    sa.Column("files", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
)

# One row: a proof of the key that gives this installation's records their ids, so that no other one writes here; none before it was first opened.
installation = sa.Table(
    "installation",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("key_proof", sa.String(64)),
)

# Public keys with which departments sign bundles. A key that was withdrawn stays: what it signed before was taken in by it.
department_key = sa.Table(
    "department_key",
    metadata,
    sa.Column("department_id", sa.String(60), primary_key=True),
    sa.Column("key_id", sa.String(16), primary_key=True),
    sa.Column("public_key", sa.Text, nullable=False),
    sa.Column("added_at", sa.DateTime, nullable=False),
    sa.Column("added_by", sa.String(120), nullable=False),
    sa.Column("withdrawn_at", sa.DateTime),
    sa.Column("withdrawn_by", sa.String(120)),
)

# `proof` is a digest from which the token cannot be had; who had one, and since when, is never deleted.
officer_token = sa.Table(
    "officer_token",
    metadata,
    sa.Column("proof", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(60), nullable=False),
    sa.Column("given_at", sa.DateTime, nullable=False),
    sa.Column("given_by", sa.String(120), nullable=False),
    sa.Column("withdrawn_at", sa.DateTime),
    sa.Column("withdrawn_by", sa.String(120)),
)
_IN_FORCE = officer_token.c.withdrawn_at.is_(None)
sa.Index("officer_token_in_force", officer_token.c.name, unique=True, sqlite_where=_IN_FORCE, postgresql_where=_IN_FORCE)

# A file belongs to the lake from the moment its row is committed; a file without a row is a leftover.
lake_file = sa.Table(
    "lake_file",
    metadata,
    sa.Column("path", sa.String(400), primary_key=True),
    sa.Column("table_name", sa.String(160), nullable=False, index=True),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
)

# Iceberg field ids: given once per table and column, never reused, so that a renamed column cannot take another's data.
lake_field = sa.Table(
    "lake_field",
    metadata,
    sa.Column("table_name", sa.String(160), primary_key=True),
    sa.Column("column_name", sa.String(120), primary_key=True),
    sa.Column("field_id", sa.Integer, nullable=False),
    sa.UniqueConstraint("table_name", "field_id"),
)

# A dataset's small number inside a registry: how a base row names its sources in one byte.
dataset_number = sa.Table(
    "dataset_number",
    metadata,
    sa.Column("contract_id", sa.String(120), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False, unique=True),
)

lease = lease_table(metadata)
