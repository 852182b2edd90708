"""Backup and restore: an installation as of one moment, taken while it runs.

The serving database first, then the catalog: every batch that a publication rests on is then in the catalog. Files of landing and lake never
change and are named by rows, so they are copied after the rows that name them; the lease on purging keeps them there meanwhile. Iceberg's
own catalog follows from those rows and is made anew. Keys and connections are secrets and never part of a backup: it holds the names of the
keys and proofs of them, so that a restore can tell whether they have been put back.
"""

import hashlib
import hmac
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from catalog.batches import latest_accepted
from catalog.datasets import contracts_in_force, write_registered
from catalog.tables import batch, lake_file, lease
from core import dump
from core.clock import now, utc_text
from core.database import writing
from core.errors import RequestError, StoreError
from core.files import requested
from core.keys import CANONICAL_KEY, RECORD_KEY, proof
from core.leases import holding
from core.nouns import noun
from core.settings import Settings, prepare_home
from pipeline.accept import follow as follow_dataset
from pipeline.home import RESTORING, Home, open_home
from pipeline.landing import batch_folder
from pipeline.publish import follow as follow_registry
from registries.definition import load_definitions
from registries.linkage.model import learned_folder
from registries.publications import latest
from registries.tables import current_publication, publication, publication_file
from registries.tables import lease as serving_lease
from standards.loader import load_standards

FORMAT = 1
MANIFEST = "manifest.json"
DATABASES = ("serving", "catalog", "audit")  # in the order in which they are taken
NEEDED_KEYS = (RECORD_KEY, CANONICAL_KEY)


@dataclass(frozen=True)
class BackedUp:
    """What a backup holds: where, as of when (UTC), how many files and bytes, and which publication of each registry."""

    folder: str
    at: str
    files: int
    bytes: int
    publications: Mapping[str, int]


def backup(folder: Path, home: Home | None = None) -> BackedUp:
    """Write a backup into a new folder; whole or not at all. Raises RequestError where it is there already, where the one above it is not, and
    in landing and lake.
    """
    home = home or open_home()
    check_place(folder, home.settings)
    draft = folder.absolute().with_name(f".{folder.name}.part")
    with holding(home.catalog, lease, "purge", home.settings.actor):
        with requested(folder):  # where a medium is not mounted, folders would be made on the disk that is backed up
            if draft.exists():  # of a backup that died
                shutil.rmtree(draft)
            draft.mkdir(mode=0o700)
        try:
            (draft / "databases").mkdir(mode=0o700)
            manifest = _filled(home, draft)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)  # what is in it already is as secret as all of it
            raise
        draft.replace(folder)
    return _account(folder, manifest)


def check_place(folder: Path, settings: Settings) -> None:
    """Raise RequestError as `backup` does where none can be put at a place, for whoever writes it down before it is made."""
    with requested(folder):
        if folder.exists() or folder.is_symlink():  # also one that leads nowhere: nothing can be put in its place
            raise RequestError(f"{folder} exists already", hint="name a new folder")
        place = folder.absolute().parent.resolve(strict=True)
    for layer in (settings.landing, settings.lake_dir):
        if place.is_relative_to(layer.resolve()):
            raise RequestError(f"{folder} lies in {layer}, where purge removes what no record names", hint="name a folder outside")


def _filled(home: Home, draft: Path) -> dict[str, Any]:
    """Put all that belongs to a backup into a folder, and return its manifest."""
    at = utc_text(now())
    publications, paths = _databases(home.settings, draft)
    for path in (*paths, *_learned(home.settings)):
        _copy(home.settings.home / path, draft / "files" / path)
        if path.suffix == ".parquet":
            _check_has_its_end(home.settings.home / path)
    manifest = {
        "format": FORMAT,
        "at": at,
        "actor": home.settings.actor,
        "databases": {name: dump.kind_of(_url(home.settings, name)) for name in DATABASES},
        "publications": publications,
        "keys": {path.name: _proof(path) for path in sorted(_keys(home.settings).iterdir()) if path.is_file()},
        "files": [_described(draft, path) for path in sorted(draft.rglob("*")) if path.is_file()],
    }
    manifest["seal"] = _seal(home.settings, manifest)
    _write(draft / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
    return manifest


def _learned(settings: Settings) -> list[Path]:
    """What linkage models have learned here, below HUB_HOME: without it, pairs would be weighed otherwise than those that are judged."""
    return [path.relative_to(settings.home) for path in sorted(learned_folder(settings.home).glob("*.json"))]


def _account(folder: Path, manifest: Mapping[str, Any]) -> BackedUp:
    numbers = {name: item["number"] for name, item in manifest["publications"].items()}
    return BackedUp(str(folder), manifest["at"], len(manifest["files"]), sum(item["bytes"] for item in manifest["files"]), numbers)


def _url(settings: Settings, name: str) -> str:
    return str(getattr(settings, f"{name}_url"))


def _keys(settings: Settings) -> Path:
    return settings.home / "keys"


def _databases(settings: Settings, draft: Path) -> tuple[dict[str, dict[str, Any]], list[Path]]:
    """Dump the databases; returns what is published, and the files (below HUB_HOME) that rows name, both as of the dumps."""
    lake, landing = settings.lake_dir.relative_to(settings.home), settings.landing.relative_to(settings.home)
    with dump.dumped(_url(settings, "serving"), _dump_file(draft, "serving")) as serving:
        numbers = serving.execute(sa.select(current_publication.c.registry, current_publication.c.number)).all()
        key = publication.c.registry == sa.bindparam("r"), publication.c.number == sa.bindparam("n")
        digest = sa.select(publication.c.digest).where(*key)
        published = {name: {"number": n, "digest": serving.execute(digest, {"r": name, "n": n}).scalar_one()} for name, n in numbers}
        paths = [lake / path for path in serving.execute(sa.select(publication_file.c.path)).scalars()]
    with dump.dumped(_url(settings, "catalog"), _dump_file(draft, "catalog")) as catalog:
        paths += [lake / path for path in catalog.execute(sa.select(lake_file.c.path)).scalars()]
        for row in catalog.execute(sa.select(batch.c.contract_id, batch.c.seq).where(batch.c.landed.is_not(None))):
            folder = batch_folder(settings, row.contract_id, row.seq)
            paths += [landing / row.contract_id / folder.name / path.name for path in sorted(folder.iterdir())] if folder.exists() else []
    with dump.dumped(_url(settings, "audit"), _dump_file(draft, "audit")):
        pass
    return published, paths


def _dump_file(folder: Path, name: str) -> Path:
    return folder / "databases" / f"{name}.dump"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError:
        raise StoreError(f"{source.name} is missing below {source.parent}, and would be in a backup", hint=dump.DAMAGED) from None
    target.chmod(0o600)


def _check_has_its_end(path: Path) -> None:
    """Parquet ends with what tells its columns, and only then is it a file: one that a failing disk cut off has no end."""
    try:
        pq.read_metadata(path)
    except (pa.ArrowException, OSError):
        raise StoreError(f"{path.name} below {path.parent} is damaged, and so would be a copy of it", hint=dump.DAMAGED) from None


def _described(folder: Path, path: Path) -> dict[str, Any]:
    return {"path": str(path.relative_to(folder)), "bytes": path.stat().st_size, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _proof(path: Path) -> str:
    return proof(path.read_bytes().strip())


def _seal(settings: Settings, manifest: Mapping[str, Any]) -> str:
    """A keyed digest of the manifest: whoever alters a file and its digest cannot make the seal anew without the key."""
    sealed = json.dumps({name: value for name, value in manifest.items() if name != "seal"}, ensure_ascii=False, sort_keys=True)
    return hmac.new((_keys(settings) / RECORD_KEY).read_bytes().strip(), sealed.encode(), "sha256").hexdigest()


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    path.chmod(0o600)


def restore(folder: Path, settings: Settings) -> BackedUp:
    """Put a backup into an installation that holds nothing yet. Its keys have to be in their place before.

    Everything is verified first. Raises RequestError, having changed nothing, where the backup is damaged, where keys are missing or others,
    and where the installation is in use. One that dies in the middle is begun again; until then the installation does not open.
    """
    manifest = read_backup(folder, settings)
    prepare_home(settings)
    marker = settings.home / RESTORING
    if not marker.exists() and not _is_empty(settings):
        raise RequestError(f"{settings.home} holds data already", hint="restore into an empty HUB_HOME and empty databases")
    marker.touch(mode=0o600)
    for place in (settings.landing, settings.lake_dir, learned_folder(settings.home)):
        if place.exists():
            shutil.rmtree(place)
    prepare_home(settings)
    for item in manifest["files"]:
        path = Path(item["path"])
        if path.parts[0] == "files":
            _copy(folder / path, settings.home / path.relative_to("files"))
    for name in DATABASES:
        dump.load(_url(settings, name), _dump_file(folder, name))
    if dump.kind_of(settings.lake_url) == dump.SQLITE:
        dump.remove(settings.lake_url)
    _make_ready(settings)
    marker.unlink()
    return _account(folder, manifest)


def read_backup(folder: Path, settings: Settings) -> dict[str, Any]:
    """The manifest of a backup whose files are all as they were. Raises RequestError where one is not, or where the keys are not those."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        files, proofs = {item["path"]: item for item in manifest["files"]}, dict(manifest["keys"])
    except (OSError, ValueError, KeyError, TypeError):
        raise RequestError(f"{folder} is no backup, or not a whole one", hint="name a folder that ./hub backup has written") from None
    for key_id in NEEDED_KEYS:
        path = _keys(settings) / key_id
        if not path.exists() or _proof(path) != proofs.get(key_id):
            raise RequestError(
                f"the key {key_id} in {path.parent} is missing or not that of the backup",
                hint="keys are kept apart from backups: put the folder keys/ back first",
            )
    if manifest.get("format") != FORMAT or not hmac.compare_digest(str(manifest.get("seal")), _seal(settings, manifest)):
        raise RequestError(f"the manifest of {folder} is not the one that was written", hint="take another backup")
    kinds = {name: dump.kind_of(_url(settings, name)) for name in DATABASES}
    if kinds != manifest["databases"]:
        raise RequestError(f"the backup is of other databases: {manifest['databases']}", hint="set HUB_*_URL to databases of the same kind")
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    damaged = sorted(name for name, item in files.items() if name not in found or _sha256(folder / name) != item["sha256"])
    if wrong := [*damaged, *sorted(found - files.keys())]:
        raise RequestError(
            f"{len(wrong)} {noun(len(wrong), 'file')} of {folder} cannot be trusted (damaged, missing or foreign): {', '.join(wrong[:5])}",
            hint="restore another backup",
        )
    return manifest


def _is_empty(settings: Settings) -> bool:
    holds = any(path.is_file() for place in (settings.landing, settings.lake_dir) for path in place.rglob("*"))
    return not holds and all(dump.is_empty(_url(settings, name)) for name in (*DATABASES, "lake"))


def _make_ready(settings: Settings) -> None:
    """Nobody holds a lease of the installation that was backed up; schedules and the lake's tables follow from its rows."""
    home = open_home(settings, restoring=True)
    for engine, table in ((home.catalog, lease), (home.serving, serving_lease)):
        with writing(engine) as connection:
            connection.execute(table.update().values(holder=None, expires_at=None))
    contracts = contracts_in_force(home.catalog)
    for department in {contract.department.id for _, contract in contracts.values()}:
        write_registered(home.catalog, department, settings.registered)
    for contract_id in contracts:
        if (last := latest_accepted(home.catalog, contract_id)) is not None:
            follow_dataset(home, last)
    for name in load_definitions():
        if number := latest(home.serving, name).number:
            follow_registry(home, load_standards().schemas[name], number)
