"""Tables of the serving database beside the base tables: publications, which are the only commit point, and what went into each."""

import sqlalchemy as sa

from core.leases import lease_table

metadata = sa.MetaData()

publication = sa.Table(
    "publication",
    metadata,
    sa.Column("registry", sa.String(60), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("published_at", sa.DateTime, nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("standard_version", sa.String(20), nullable=False),
    sa.Column("definition_version", sa.Integer, nullable=False),
    # Each record is linked, unlinked (waiting for matching) or withheld.
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("linked", sa.BigInteger, nullable=False),
    sa.Column("unlinked", sa.BigInteger, nullable=False),
    sa.Column("withheld", sa.BigInteger, nullable=False),
    # Of the unlinked, those with an identifier that are kept apart from its entity: by a conflict, or by a person's word.
    sa.Column("apart", sa.BigInteger, nullable=False, server_default="0"),
    # base rows: entities = previous + inserted - deleted
    sa.Column("entities", sa.BigInteger, nullable=False),
    sa.Column("inserted", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Column("deleted", sa.BigInteger, nullable=False),
    # merges, splits and re-keys, which precede the changes of rows in the feed
    sa.Column("identity_events", sa.BigInteger, nullable=False, server_default="0"),
    # The newest fact about pairs of records that it saw, and links among those which contradict others and were left out.
    sa.Column("judgements", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("contradictions", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("digest", sa.String(32), nullable=False),
    sa.Column("seconds", sa.JSON, nullable=False),
    # Why its actor let more entities disappear than the gate does; null where the gate let it pass.
    sa.Column("shrink_accepted", sa.Text),
    # Why its actor let a source change more of its values than the gate does; null where the gate let it pass.
    sa.Column("change_accepted", sa.Text),
    # Since when a delivery that it rests on is kept no longer, so that it cannot be worked out again from what was received.
    sa.Column("not_replayable_since", sa.DateTime),
    # Engine and settings that its files were written with; with the same ones a replay gives the same bytes.
    sa.Column("written_by", sa.JSON),
)

# What the versions of a registry's definition say, each from its first publication on.
definition_version = sa.Table(
    "definition_version",
    metadata,
    sa.Column("registry", sa.String(60), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("recorded_at", sa.DateTime, nullable=False),
    sa.Column("recorded_by", sa.String(120), nullable=False),
)

# Attempts that became no publication: `number` is the one that they would have become.
publication_attempt = sa.Table(
    "publication_attempt",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("registry", sa.String(60), nullable=False, index=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("hint", sa.Text, nullable=False),
    # Base rows, as far as the attempt came: those before it, and what it would have changed.
    sa.Column("previous", sa.BigInteger, nullable=False),
    sa.Column("inserted", sa.BigInteger),
    sa.Column("updated", sa.BigInteger),
    sa.Column("deleted", sa.BigInteger),
    # What sources changed beyond the limits: dataset, element, kind, rows.
    sa.Column("findings", sa.JSON),
)

publication_input = sa.Table(
    "publication_input",
    metadata,
    sa.Column("registry", sa.String(60), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("contract_id", sa.String(120), primary_key=True),
    sa.Column("batch_seq", sa.Integer, nullable=False),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("linked", sa.BigInteger, nullable=False),
    sa.Column("unlinked", sa.BigInteger, nullable=False),
    sa.Column("withheld", sa.BigInteger, nullable=False),
    sa.ForeignKeyConstraint(["registry", "number"], ["publication.registry", "publication.number"]),
)

# What became of entities whose records moved: one row for an old and a new canonical id.
identity_event = sa.Table(
    "identity_event",
    metadata,
    sa.Column("registry", sa.String(60), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("old_id", sa.String(36), primary_key=True),
    sa.Column("new_id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(12), nullable=False),
)

# Decisions about pairs of records, and that they were taken back (`withdraws`): numbered in their order, and never changed. Where a publication
# was stopped after it had numbers reserved for what it would judge, they are nobody's.
judgement = sa.Table(
    "judgement",
    metadata,
    sa.Column("registry", sa.String(60), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("left_record", sa.String(36), nullable=False),
    sa.Column("right_record", sa.String(36), nullable=False),
    sa.Column("left_dataset", sa.String(120), nullable=False),
    sa.Column("right_dataset", sa.String(120), nullable=False),
    sa.Column("verdict", sa.String(12), nullable=False),
    sa.Column("score", sa.Float),
    sa.Column("method", sa.String(120), nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("withdraws", sa.BigInteger),
    sa.UniqueConstraint("registry", "withdraws"),
    sa.Index("ix_judgement_pair", "registry", "left_record", "right_record"),
    sa.Index("ix_judgement_right", "registry", "right_record"),
)

# The last number that a publication has set aside for facts that are written with it: nobody else is given one of these.
judgement_number = sa.Table(
    "judgement_number",
    metadata,
    sa.Column("registry", sa.String(60), primary_key=True),
    sa.Column("reserved", sa.BigInteger, nullable=False),
)

# Pairs of records that may be one entity and about which a person has to decide.
candidate_pair = sa.Table(
    "candidate_pair",
    metadata,
    sa.Column("registry", sa.String(60), primary_key=True),
    sa.Column("left_record", sa.String(36), primary_key=True),
    sa.Column("right_record", sa.String(36), primary_key=True),
    sa.Column("left_dataset", sa.String(120), nullable=False),
    sa.Column("right_dataset", sa.String(120), nullable=False),
    # What found it: the rule of a conflict, a contradiction, or the version of a model.
    sa.Column("method", sa.String(120), nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    # Comparison → level and weight, as the model has them; empty where none was asked.
    sa.Column("levels", sa.JSON, nullable=False),
    sa.Column("found_at", sa.DateTime, nullable=False),
    sa.Index("ix_candidate_pair_score", "registry", "score"),
)

publication_file = sa.Table(
    "publication_file",
    metadata,
    sa.Column("path", sa.String(400), primary_key=True),
    sa.Column("registry", sa.String(60), nullable=False, index=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("table_name", sa.String(160), nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
)

# The one row per registry that readers look at: views show what was published up to this number.
current_publication = sa.Table(
    "current_publication",
    metadata,
    sa.Column("registry", sa.String(60), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
)

lease = lease_table(metadata)
