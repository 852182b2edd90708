"""Opening an installation: its folders and databases, made or brought up to date where needed."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

import catalog
import exchange
import registries
from catalog.tables import batch, installation
from core.database import migrate, open_database, reading, writing
from core.errors import StoreError
from core.keys import CANONICAL_KEY, RECORD_KEY, load_key, proof
from core.settings import Settings, load_settings, prepare_home
from core.space import release_reserve
from core.work import remove_abandoned

RESTORING = ".restoring"  # is there while a backup is being put back
MADE = "databases.json"  # which databases have been made


@dataclass(frozen=True)
class Home:
    """One installation: its settings and its three databases. The lake's own catalog is opened by `core.iceberg` alone."""

    settings: Settings
    catalog: sa.Engine
    serving: sa.Engine
    audit: sa.Engine


def open_home(settings: Settings | None = None, *, restoring: bool = False) -> Home:
    """Open the installation that the settings (by default the environment) name.

    Raises StoreError where a restore has not ended well, where a database that there was is gone, and where the databases are another's.
    """
    settings = settings or load_settings()
    if not restoring and (settings.home / RESTORING).exists():
        raise StoreError(f"a restore into {settings.home} was interrupted", hint="run the same ./hub restore again: it begins anew")
    prepare_home(settings)
    release_reserve(settings)
    remove_abandoned(settings)
    if not restoring:
        _refuse_new_keys(settings)
    for key_id in (RECORD_KEY, CANONICAL_KEY):
        load_key(settings, key_id)
    urls = {catalog: settings.catalog_url, registries: settings.serving_url, exchange: settings.audit_url}
    made = _made(settings)
    for package, url in urls.items():
        migrate(url, Path(package.__path__[0]) / "migrations", may_make=package.__name__ not in made)
    _refuse_catalog_of_another(settings)
    if made != (names := {package.__name__ for package in urls}):
        _note_made(settings, names)
    # The serving database is loaded through Arrow's driver as well.
    return Home(settings, *(open_database(url, kept=url != settings.serving_url) for url in urls.values()))


def _refuse_new_keys(settings: Settings) -> None:
    """A HUB_HOME without keys whose catalog knows batches is no new installation: it was mistyped, or has lost its keys. What it would land has
    other ids than all that there is, and lies where the installation that the catalog belongs to does not find it.
    """
    if (settings.home / "keys").exists() or any(settings.landing.glob("*/*/manifest.json")):
        return  # of keys that are gone beside what has landed, who loads them says so
    engine = open_database(settings.catalog_url)
    with reading(engine) as connection:
        if (
            not sa.inspect(connection).has_table(batch.name)
            or connection.execute(sa.select(sa.exists().select_from(batch))).scalar() is False
        ):
            return
    raise StoreError(
        f"{settings.home} is a new HUB_HOME, and the catalog {engine.url.render_as_string()} is of an installation that has data",
        hint="name that installation's HUB_HOME, or for a new one databases of its own; if its keys are lost, put the folder keys/ back",
    )


def _refuse_catalog_of_another(settings: Settings) -> None:
    """A catalog that knows batches is that of the installation by whose key their records have ids. It is another's where an address was mistyped:
    what is landed here would stand there among batches whose files are elsewhere.
    """
    engine, own = open_database(settings.catalog_url), proof(load_key(settings, RECORD_KEY).encode())
    known = sa.select(installation.c.key_proof)
    with reading(engine) as connection:
        if connection.execute(known).scalar() == own:
            return
    is_free = sa.or_(installation.c.key_proof.is_(None), ~sa.exists().select_from(batch))
    with writing(engine) as connection:
        connection.execute(installation.update().where(is_free).values(key_proof=own))
        if connection.execute(known).scalar() == own:
            return
    raise StoreError(
        f"the catalog {engine.url.render_as_string()} is of another installation than {settings.home}: it has data, and the keys are others",
        hint="name that installation's HUB_HOME, or databases of this one; if its keys were replaced, put the folder keys/ back",
    )


def _made(settings: Settings) -> set[str]:
    """The databases that this installation has: an empty one in the place of any of them is a loss, and would be taken for a new beginning, in
    which what no row names is leftovers.
    """
    try:
        return set(json.loads((settings.home / MADE).read_text()))
    except FileNotFoundError:
        return set()
    except ValueError:
        raise StoreError(f"databases.json in {settings.home} is damaged", hint="remove it, if all databases are there") from None


def _note_made(settings: Settings, names: set[str]) -> None:
    draft = settings.home / f".{MADE}.{os.getpid()}"
    draft.write_text(json.dumps(sorted(names)))
    draft.replace(settings.home / MADE)
