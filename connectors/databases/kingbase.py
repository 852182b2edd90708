"""KingbaseES for SQLAlchemy: PostgreSQL's dialect over Kingbase's driver, which is psycopg2 under another name."""

import re
from types import ModuleType
from typing import Any, cast

from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

# What its catalog is at least compatible with where it does not say so itself.
_LIKE = (12, 0)


class KingbaseDialect(PGDialect_psycopg2):
    """A dialect that only differs in its driver and in how the server calls itself."""

    driver = "ksycopg2"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        """Its driver."""
        import ksycopg2

        return cast("ModuleType", ksycopg2)

    @property
    def _psycopg2_extras(self) -> ModuleType:
        from ksycopg2 import extras

        return cast("ModuleType", extras)

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        said = re.search(r"PostgreSQL (\d+)\.(\d+)", str(connection.exec_driver_sql("SELECT version()").scalar()))
        return (int(said[1]), int(said[2])) if said else _LIKE
