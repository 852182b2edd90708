"""Versions of the definitions of registries that publications were made with; each is kept, so that a publication can be worked out again."""

import sqlalchemy as sa

from core.clock import now
from core.database import reading, writing
from core.errors import RequestError
from registries.definition import RegistryDefinition, get_definition
from registries.tables import definition_version


def record_definition(serving: sa.Engine, definition: RegistryDefinition, actor: str) -> None:
    """Keep a version when it is first used. Raises RequestError where its number already stands for another definition."""
    found = _recorded(serving, definition.id, definition.version)
    if found is None:
        # What says nothing else than the default is left out: an element that definitions may have from now on changes none there is.
        document = definition.model_dump(mode="json", exclude_defaults=True)
        row = {"registry": definition.id, "version": definition.version, "document": document, "recorded_at": now(), "recorded_by": actor}
        with writing(serving) as connection:
            connection.execute(definition_version.insert().values(**row))
    elif found != definition:
        raise RequestError(
            f"the definition of {definition.id} was changed, but is still called {definition.version}, a number that publications have",
            hint=f"raise `version` in registries/definitions/{definition.id}.yml: everything is then merged anew",
        )


def definition_at(serving: sa.Engine, registry: str, version: int) -> RegistryDefinition:
    """A version that publications have. Raises RequestError where it was not kept: it is older than the keeping, and not the installed one."""
    found = _recorded(serving, registry, version)
    if found is not None:
        return found
    installed = get_definition(registry)
    if installed.version != version:
        raise RequestError(
            f"version {version} of the definition of {registry} has not been kept",
            hint="it is older than the keeping: ./hub show and ./hub export still answer of that time, why and a replay cannot",
        )
    return installed


def _recorded(serving: sa.Engine, registry: str, version: int) -> RegistryDefinition | None:
    query = sa.select(definition_version.c.document).where(
        definition_version.c.registry == registry, definition_version.c.version == version
    )
    with reading(serving) as connection:
        document = connection.execute(query).scalar()
    return None if document is None else RegistryDefinition.model_validate(document)
