"""Versions of the standard that batches have been standardized with; each is kept whole, so that a number can always be looked up."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from pydantic import ValidationError

from catalog.tables import batch, standard_version
from core.clock import now
from core.database import reading, writing
from core.errors import RequestError
from standards.model import Standards
from standards.versions import data_types, data_types_of, digest, elements_of, pack, retyped, unpack


@dataclass(frozen=True)
class StandardVersion:
    """One version in the catalog, and how many batches were standardized with it."""

    version: str
    digest: str
    in_force_from: date
    title_zh: str
    title_en: str
    recorded_at: datetime
    recorded_by: str
    batches: int


def record_standard(catalog: sa.Engine, standards: Standards, actor: str) -> None:
    """Keep a version when it is first used.

    Raises RequestError where its number already stands for other definitions, and where an element has another data type than in a version
    that was used before.
    """
    found = standard_digest(catalog, standards.version)
    if found is None:
        _check_types(catalog, standards)
        try:
            _insert(catalog, standards, actor)
        except sa.exc.IntegrityError:  # another process was first: then its definitions count
            found = standard_digest(catalog, standards.version)
    if found not in (None, digest(standards)):
        raise RequestError(
            f"the standard was changed, but is still called {standards.version}, a number that batches are pinned to",
            hint="raise the version in standards/version.yml and say there what changed; "
            f"./hub standards diff {standards.version} current shows the difference",
        )


def _check_types(catalog: sa.Engine, standards: Standards) -> None:
    with reading(catalog) as connection:
        kept = connection.execute(sa.select(standard_version.c.document).order_by(standard_version.c.recorded_at)).scalars().all()
    before = {name: kind for document in kept for name, kind in data_types_of(document).items()}
    if faults := retyped(before, data_types(standards)):
        raise RequestError(
            f"standard {standards.version} cannot be used here: {'; '.join(faults)}",
            hint="give the new form an id of its own, and map columns to that; the former may go from the schema",
        )


def standard_digest(catalog: sa.Engine, version: str) -> str | None:
    """Digest of a version's definitions; None where the catalog has none of that number."""
    with reading(catalog) as connection:
        found: str | None = connection.execute(sa.select(standard_version.c.digest).where(standard_version.c.version == version)).scalar()
    return found


def _insert(catalog: sa.Engine, standards: Standards, actor: str) -> None:
    release = standards.release
    with writing(catalog) as connection:
        connection.execute(
            standard_version.insert().values(
                version=release.version,
                digest=digest(standards),
                in_force_from=release.in_force_from,
                title_zh=release.title.zh,
                title_en=release.title.en,
                recorded_at=now(),
                recorded_by=actor,
                document=pack(standards),
            )
        )


def get_standard(catalog: sa.Engine, version: str) -> Standards:
    """Return a version as it was used. Raises RequestError where the catalog has none of that number, naming those it has."""
    document = document_at(catalog, version)
    if document is None:
        known = ", ".join(item.version for item in standard_versions(catalog))
        raise RequestError(f"no batch has used a standard {version}", hint=f"in the catalog are: {known or 'none yet'}")
    try:
        return unpack(document)
    except ValidationError:
        raise RequestError(
            f"standard {version} was kept by an older program and cannot be read by this one", hint="give the folder it came from instead"
        ) from None


def elements_at(catalog: sa.Engine, version: str, schema: str) -> list[str]:
    """Return the ids of the elements that a schema had in a version that batches have used, in order."""
    document = document_at(catalog, version)
    assert document is not None, f"no batch has used a standard {version}"
    return list(elements_of(document, schema))


def document_at(catalog: sa.Engine, version: str) -> bytes | None:
    """Return the packed document of a version; None where the catalog has none of that number."""
    with reading(catalog) as connection:
        found: bytes | None = connection.execute(
            sa.select(standard_version.c.document).where(standard_version.c.version == version)
        ).scalar()
    return found


def standard_versions(catalog: sa.Engine) -> list[StandardVersion]:
    """Return every version in the catalog, the newest first."""
    fields = [standard_version.c[name] for name in StandardVersion.__dataclass_fields__ if name != "batches"]
    uses = sa.select(sa.func.count()).where(batch.c.standard_version == standard_version.c.version).scalar_subquery()
    query = sa.select(*fields, uses.label("batches")).order_by(
        standard_version.c.in_force_from.desc(), standard_version.c.recorded_at.desc()
    )
    with reading(catalog) as connection:
        return [StandardVersion(**row._mapping) for row in connection.execute(query)]
