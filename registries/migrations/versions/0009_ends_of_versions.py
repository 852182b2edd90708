"""The end of a version is a row beside it: who ends one does not write all that it says anew."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from core.database import run_as_written
from core.errors import StoreError

revision = "0009_ends_of_versions"
down_revision = "0008_judgement_numbers"

_RESTED_ON = "2BP01"  # PostgreSQL, of what is not dropped because something depends on it


def upgrade() -> None:
    for table in _bases("_history"):
        _part(table)


def downgrade() -> None:
    for table in _bases("_rows"):
        _join(table)


def _part(table: str) -> None:
    history, rows, ended = f"{table}_history", f"{table}_rows", f"{table}_ended"
    views = _taken_away(table)
    names = [name for name in _columns(history) if name != "_publication_to"]
    op.execute(f"DROP INDEX IF EXISTS ix_{table}_closed")
    op.execute(f"ALTER TABLE {history} RENAME TO {rows}")
    op.execute(
        f"CREATE TABLE {ended} (_canonical_id VARCHAR(36) NOT NULL, _publication_from INTEGER NOT NULL, "
        f"_publication_to INTEGER NOT NULL, PRIMARY KEY (_canonical_id, _publication_from)){_without_rowid()}"
    )
    op.execute(
        f"INSERT INTO {ended} SELECT _canonical_id, _publication_from, _publication_to FROM {rows} "
        "WHERE _publication_to IS NOT NULL ORDER BY _canonical_id, _publication_from"
    )
    op.execute(f"CREATE INDEX ix_{ended} ON {ended} (_publication_to, _canonical_id)")
    columns = ", ".join([*(f"h.{name}" for name in names[:2]), "e._publication_to", *(f"h.{name}" for name in names[2:])])
    op.execute(
        f"CREATE VIEW {history} AS SELECT {columns} FROM {rows} h "
        f"LEFT JOIN {ended} e ON e._canonical_id = h._canonical_id AND e._publication_from = h._publication_from"
    )
    _put_back(views)
    try:
        op.execute(f"ALTER TABLE {rows} DROP COLUMN _publication_to")
    except sa.exc.InternalError as error:
        if getattr(error.orig, "sqlstate", None) != _RESTED_ON:
            raise
        raise StoreError(
            f"views that others have made rest on {history}, which this version of the hub parts in two",
            hint="drop them, run any command, and make them again; their definitions: pg_views",
        ) from None


def _join(table: str) -> None:
    """The views rest on what there will not be; an older hub makes its own with its next publication."""
    history, rows, ended = f"{table}_history", f"{table}_rows", f"{table}_ended"
    for view in ("_values", "_as_of", "_versions", "", "_history"):
        op.execute(f"DROP VIEW IF EXISTS {table}{view}")
    op.execute(f"ALTER TABLE {rows} ADD COLUMN _publication_to INTEGER")
    op.execute(
        f"UPDATE {rows} SET _publication_to = (SELECT e._publication_to FROM {ended} e "
        f"WHERE e._canonical_id = {rows}._canonical_id AND e._publication_from = {rows}._publication_from)"
    )
    op.execute(f"ALTER TABLE {rows} RENAME TO {history}")
    op.execute(f"DROP TABLE {ended}")
    op.execute(f"CREATE INDEX ix_{table}_closed ON {history} (_publication_to, _canonical_id) WHERE _publication_to IS NOT NULL")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _without_rowid() -> str:
    return "" if _is_postgresql() else " WITHOUT ROWID"


def _bases(ending: str) -> Iterator[str]:
    names = sa.inspect(op.get_bind()).get_table_names()
    yield from (name.removesuffix(ending) for name in names if name.startswith("base_") and name.endswith(ending))


def _columns(table: str) -> list[str]:
    return [column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)]


def _taken_away(table: str) -> dict[str, str]:
    """The statements that make the views which show what is published, each behind those that it rests on. In SQLite, where a view is a text, they
    are dropped meanwhile; in PostgreSQL they are replaced, with the rights granted on them.
    """
    connection, found = op.get_bind(), {}
    for name in (table, f"{table}_versions", f"{table}_as_of", f"{table}_values"):
        if _is_postgresql():
            query = sa.text("SELECT definition FROM pg_views WHERE viewname = :name AND schemaname = current_schema()")
            text = connection.execute(query, {"name": name}).scalar()
            made = text and f"CREATE OR REPLACE VIEW {name} AS {text}"
        else:
            made = connection.execute(
                sa.text("SELECT sql FROM sqlite_master WHERE type = 'view' AND name = :name"), {"name": name}
            ).scalar()
        if made:
            found[name] = str(made)
    if not _is_postgresql():
        for name in reversed(found):
            op.execute(f"DROP VIEW {name}")
    return found


def _put_back(views: dict[str, str]) -> None:
    for statement in views.values():
        run_as_written(op.get_bind(), statement)
