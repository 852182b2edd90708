"""The base tables in the serving database: a table of versions, one of their ends, and views of both.

`base_<registry>_rows` keeps every version of every entity under the publication that began it, `base_<registry>_ended` which publication ended it.
Both are only added to: to write its end into each row that has one would be to write the pages of nearly all rows anew. The view
`base_<registry>_history` has both, those of a coming publication included. The other views show what is published: `base_<registry>` the current
publication, `base_<registry>_values` what it has beside the values in its columns, `base_<registry>_versions` every version, and
`base_<registry>_as_of` both times. There, a version holds in the world from its `_valid_from` on until a later publication says something else of
the same days; it is known from `_known_from` until before `_known_to`. So
`_known_from <= N AND (_known_to IS NULL OR _known_to > N) AND _valid_from <= D AND _valid_to > D` gives what was known at publication N of day D:
one row of an entity, or none. A delete takes back all that was said of an entity; what comes after it begins anew.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from core.database import reading, run_as_written, writing
from core.errors import StoreError
from registries.further_values import COLUMN
from standards.model import Schema
from standards.render.ddl import Dialect, column_comment, column_type

SYSTEM = ("_canonical_id", "_publication_from", "_publication_to", "_valid_from", "_valid_to")
FIRST_DAY = "0001-01-01"  # where a source does not say since when: always
MEANINGS = {
    "_canonical_id": "主体的内部编号，不变更、不复用",
    "_publication_from": "发布此版本的发布号",
    "_publication_to": "取代或撤回此版本的发布号；空值表示现行",
    "_known_from": "自此次发布起为已知",
    "_known_to": "自此次发布起不再如此；空值表示至今",
    "_valid_from": "在现实中自该日起有效（来源所报）",
    "_valid_to": "在现实中至该日之前有效；9999-12-31 表示未终止",
    COLUMN: "除所采用的值外，来源所报的其他值（JSON），逐条见其他值视图",
}
_RESTED_ON = "2BP01"  # PostgreSQL, of what is not dropped because something depends on it
DROPPED = "现行标准不再包含的数据元；较早的发布有其值"
# Columns of the view of further values, one row for each value and dataset that says so.
FURTHER = {
    "element": "数据元",
    "role": "该值的角色，如户籍地址、原名称",
    "value": "值",
    "source": "报送该值的数据集",
    "_valid_from": MEANINGS["_valid_from"],
}


def rows_table(schema: Schema) -> str:
    """Every version, by entity and the publication that began it."""
    return f"{schema.table}_rows"


def ended_table(schema: Schema) -> str:
    """Which publication ended a version; one that holds is not in it."""
    return f"{schema.table}_ended"


def history_view(schema: Schema) -> str:
    """Every version with its end, what a coming publication adds included."""
    return f"{schema.table}_history"


def versions_view(schema: Schema) -> str:
    """Every published version."""
    return f"{schema.table}_versions"


def as_of_view(schema: Schema) -> str:
    """What was known when of which days."""
    return f"{schema.table}_as_of"


def values_view(schema: Schema) -> str:
    """Values beside those of the current publication's rows."""
    return f"{schema.table}_values"


@dataclass(frozen=True)
class _View:
    """A view: SQL of each of its columns, what each means, and where they are from."""

    name: str
    title: str
    columns: Mapping[str, str]
    meant: Mapping[str, str]
    source: str


def ensure_table(serving: sa.Engine, schema: Schema) -> None:
    """Create the tables and the views of a base registry, or bring them to the standard where elements or views are new.

    What a later standard has no more stays in table and views: an earlier publication had it, and as long as the later standard is only
    installed, the current one has. A column that a later standard makes longer becomes so, one that it makes shorter stays: it has longer values.
    Raises StoreError where a view of somebody else rests on one that has to be dropped.
    """
    dialect: Dialect = "postgresql" if serving.dialect.name == "postgresql" else "sqlite"
    with reading(serving) as connection:
        existing = _columns(connection, rows_table(schema))
        names = (history_view(schema), schema.table, versions_view(schema), as_of_view(schema), values_view(schema))
        standing = {name: _columns(connection, name) for name in names}
    wanted = {element.id: column_type(element, dialect) for element in schema.elements} | {COLUMN: "TEXT"}
    dropped = sorted(name for name in existing if name not in wanted and not name.startswith("_"))
    shown = {*wanted, *dropped}
    outgrown = [
        element.id for element in schema.elements if (held := existing.get(element.id)) and not 0 < (element.max_length or 0) <= held
    ]
    views_stand = all(standing.values()) and all(shown <= {*standing[name]} for name in (schema.table, as_of_view(schema)))
    if views_stand and wanted.keys() <= existing.keys() and not outgrown:
        return
    views = list(_views(schema, dialect, dropped))
    # PostgreSQL changes the type of no column that a view has.
    replaced = dialect == "postgresql" and not outgrown and all({*standing[view.name]} <= view.columns.keys() for view in views)
    statements = [] if replaced else [f"DROP VIEW IF EXISTS {view.name}" for view in reversed(views)]
    statements += _tables(schema, wanted, existing, dialect)
    statements += [f"ALTER TABLE {rows_table(schema)} ALTER COLUMN {name} TYPE {wanted[name]}" for name in outgrown]
    for view in views:
        statements += _written(view, dialect, [*standing[view.name]] if replaced else ())
    try:
        with writing(serving) as connection:
            rights = _rights(connection, names) if dialect == "postgresql" and not replaced else []
            for statement in [*statements, *rights]:
                run_as_written(connection, statement)
    except sa.exc.InternalError as error:
        if getattr(error.orig, "sqlstate", None) != _RESTED_ON:
            raise
        raise StoreError(
            f"views that others have made rest on those of {schema.table}, which this version of the hub makes anew",
            hint="drop them, publish, and make them again; their definitions: pg_views",
        ) from None


def told_columns(connection: sa.Connection, schema: Schema) -> list[str]:
    """The columns of the table of versions that hold what is published: the schema's elements, those of earlier standards, and further values."""
    there = {*_columns(connection, rows_table(schema))}
    own = [element.id for element in schema.elements if element.id in there]
    return [*own, *sorted(name for name in there - set(own) if not name.startswith("_")), COLUMN]


def _columns(connection: sa.Connection, name: str) -> dict[str, int | None]:
    """The columns of a table or view in their order, and the most characters that each may have, where the database says so."""
    inspector = sa.inspect(connection)
    found = inspector.get_columns(name) if inspector.has_table(name) else []
    return {column["name"]: getattr(column["type"], "length", None) for column in found}


def _rights(connection: sa.Connection, views: Sequence[str]) -> list[str]:
    """Statements that grant again what has been granted on views: it goes with a view that is dropped."""
    asked = (
        "SELECT table_name, grantee, privilege_type, is_grantable FROM information_schema.table_privileges "
        "WHERE table_schema = current_schema() AND table_name = ANY(:views) AND grantee <> current_user"
    )
    return [
        f"GRANT {right} ON {view} TO {'PUBLIC' if grantee == 'PUBLIC' else _name(grantee)}{' WITH GRANT OPTION' if may_grant == 'YES' else ''}"
        for view, grantee, right, may_grant in connection.execute(sa.text(asked), {"views": list(views)})
    ]


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _tables(schema: Schema, columns: Mapping[str, str], existing: Collection[str], dialect: Dialect) -> Iterator[str]:
    rows, ended = rows_table(schema), ended_table(schema)
    if not existing:
        elements = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        yield (
            f"CREATE TABLE IF NOT EXISTS {rows} (_canonical_id VARCHAR(36) NOT NULL, _publication_from INTEGER NOT NULL, "
            f"_valid_from DATE, _valid_to DATE, {elements}, PRIMARY KEY (_canonical_id, _publication_from))"
        )
        yield (
            f"CREATE TABLE IF NOT EXISTS {ended} (_canonical_id VARCHAR(36) NOT NULL, _publication_from INTEGER NOT NULL, "
            "_publication_to INTEGER NOT NULL, PRIMARY KEY (_canonical_id, _publication_from))"
            + (" WITHOUT ROWID" if dialect == "sqlite" else "")
        )
        yield f"CREATE INDEX IF NOT EXISTS ix_{ended} ON {ended} (_publication_to, _canonical_id)"
        return
    for name, kind in columns.items():
        if name not in existing:
            yield f"ALTER TABLE {rows} ADD COLUMN {name} {kind}"


def _views(schema: Schema, dialect: Dialect, dropped: Sequence[str]) -> Iterator[_View]:
    """The views, each behind those that it rests on."""
    current = f"JOIN current_publication c ON c.registry = '{schema.id}'"
    held = "h._publication_from <= c.number AND (h._publication_to IS NULL OR h._publication_to > c.number)"
    begun = "h._publication_from <= c.number"
    plain = {name: f"h.{name}" for name in SYSTEM}
    # What a coming publication is about to close is open to readers.
    published = plain | {"_publication_to": "CASE WHEN h._publication_to <= c.number THEN h._publication_to END"}
    history = history_view(schema)
    ends = f"LEFT JOIN {ended_table(schema)} e ON e._canonical_id = h._canonical_id AND e._publication_from = h._publication_from"
    source = f"FROM {rows_table(schema)} h {ends}"
    yield _of_versions(schema, history, "全部版本，含正在发布的", plain | {"_publication_to": "e._publication_to"}, source, dropped)
    yield _of_versions(schema, schema.table, "现行数据", plain, f"FROM {history} h {current} WHERE {held}", dropped)
    yield _of_versions(schema, versions_view(schema), "全部版本", published, f"FROM {history} h {current} WHERE {begun}", dropped)
    yield _of_versions(schema, as_of_view(schema), "按有效日期和发布号追溯", *_as_of(schema, dialect), dropped)
    yield _further(schema, dialect)


def _as_of(schema: Schema, dialect: Dialect) -> tuple[dict[str, str], str]:
    """Columns and source of the view of both times: version `h` as it was known while version `k` of the same entity was the newest."""
    rows = rows_table(schema)
    first = f"DATE '{FIRST_DAY}'" if dialect == "postgresql" else f"'{FIRST_DAY}'"
    # Every later version says something of all days from its own first one on.
    overtaken = (
        f"(SELECT min(coalesce(w._valid_from, {first})) FROM {rows} w WHERE w._canonical_id = h._canonical_id "
        "AND w._publication_from > h._publication_from AND w._publication_from <= k._publication_from)"
    )
    # A version that ended without another one in its place was deleted.
    deleted = (
        f"SELECT 1 FROM {ended_table(schema)} g WHERE g._canonical_id = h._canonical_id AND g._publication_from >= h._publication_from "
        f"AND g._publication_from < k._publication_from AND NOT EXISTS (SELECT 1 FROM {rows} b "
        "WHERE b._canonical_id = g._canonical_id AND b._publication_from = g._publication_to)"
    )
    columns = {
        "_canonical_id": "h._canonical_id",
        "_publication_from": "h._publication_from",
        "_known_from": "k._publication_from",
        "_known_to": "k._publication_to",
        "_valid_from": f"coalesce(h._valid_from, {first})",
        "_valid_to": f"coalesce({overtaken}, h._valid_to)",
    }
    source = (
        f"FROM {versions_view(schema)} k JOIN {rows} h ON h._canonical_id = k._canonical_id AND h._publication_from <= k._publication_from "
        f"WHERE NOT EXISTS ({deleted}) AND coalesce(h._valid_from, {first}) < coalesce({overtaken}, h._valid_to)"
    )
    return columns, source


def _further(schema: Schema, dialect: Dialect) -> _View:
    """The view of further values."""
    if dialect == "postgresql":
        each = (
            f"CROSS JOIN LATERAL json_array_elements(b.{COLUMN}::json) AS v(entry) "
            "CROSS JOIN LATERAL json_array_elements_text(v.entry -> 'sources') AS s(source)"
        )
        members = {name: f"v.entry ->> '{name}'" for name in ("element", "role", "value")}
        since, source = "(v.entry ->> 'valid_from')::date", "s.source"
    else:
        each = f"JOIN json_each(b.{COLUMN}) v JOIN json_each(v.value, '$.sources') s"
        members = {name: f"json_extract(v.value, '$.{name}')" for name in ("element", "role", "value")}
        since, source = "json_extract(v.value, '$.valid_from')", "s.value"
    columns = {"_canonical_id": "b._canonical_id", **members, "source": source, "_valid_from": since}
    meant = {"_canonical_id": MEANINGS["_canonical_id"], **FURTHER}
    return _View(values_view(schema), f"{schema.title.zh}：现行数据的其他值", columns, meant, f"FROM {schema.table} b {each}")


def _of_versions(schema: Schema, name: str, title: str, columns: Mapping[str, str], source: str, dropped: Sequence[str]) -> _View:
    """A view of versions."""
    meant = {use.element.id: column_comment(use) for use in schema.uses} | MEANINGS | dict.fromkeys(dropped, DROPPED)
    elements = (element.id for element in schema.elements)
    computed = {**columns, **{column: f"h.{column}" for column in (*elements, *dropped, COLUMN)}}
    return _View(name, f"{schema.title.zh}：{title}", computed, meant, source)


def _written(view: _View, dialect: Dialect, standing: Sequence[str]) -> Iterator[str]:
    """Statements for a view with what it and its columns mean: PostgreSQL keeps comments of its own, SQLite those inside the statement.

    PostgreSQL replaces one that stands, with the rights granted on it and whatever rests on it, where its columns stay in their places.
    """
    if dialect == "sqlite":
        last = list(view.columns)[-1]
        lines = "".join(f"{sql} AS {name}{'' if name == last else ','} -- {view.meant[name]}\n" for name, sql in view.columns.items())
        yield f"CREATE VIEW {view.name} AS -- {view.title}\nSELECT {lines}{view.source}"
        return
    columns = ", ".join(f"{view.columns[name]} AS {name}" for name in dict.fromkeys([*standing, *view.columns]))
    yield f"CREATE OR REPLACE VIEW {view.name} AS SELECT {columns} {view.source}"
    yield f"COMMENT ON VIEW {view.name} IS {_quoted(view.title)}"
    for name in view.columns:
        yield f"COMMENT ON COLUMN {view.name}.{name} IS {_quoted(view.meant[name])}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
