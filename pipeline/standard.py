"""Which version of the standard is meant: the one that a batch is pinned to, or the one that a person names."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from catalog.standards import get_standard, record_standard
from core.clock import today
from core.errors import DefinitionError, RequestError
from pipeline.home import Home
from registries.publications import Publication, latest
from standards.loader import load_standards, read_standards
from standards.model import Schema, Standards

CURRENT = "current"
_VERSION = re.compile(r"[0-9]+(\.[0-9]+){1,2}")


def standard_in_force(home: Home) -> Standards:
    """The installed standard, kept in the catalog from its first use on.

    Raises RequestError where it is not in force yet, and where its number already stands for other definitions.
    """
    standards = load_standards()
    release = standards.release
    if release.in_force_from > today():
        raise RequestError(
            f"standard {release.version} is in force from {release.in_force_from}, which is still to come",
            hint="until then keep the version before it installed; ./hub standards diff compares a folder that is not installed",
        )
    record_standard(home.catalog, standards, home.settings.actor)
    return standards


def standard_of(home: Home, publication: Publication) -> Standards:
    """The standard that a publication was made with, as the catalog has it: to read the installed one takes longer than an answer."""
    try:
        return get_standard(home.catalog, publication.standard_version)
    except RequestError:
        # Kept in the form of another program; but it may be the one that is installed.
        if (installed := load_standards()).version == publication.standard_version:
            return installed
        raise


def published_schema(home: Home, registry: str) -> Schema:
    """The schema by which a registry is published now: a later standard, even if installed, reaches its table with the next publication."""
    publication, installed = latest(home.serving, registry), load_standards()
    if not publication.number or publication.standard_version == installed.version:
        return installed.schemas[registry]
    return standard_of(home, publication).schemas[registry]


def standard_named(name: str, home: Callable[[], Home]) -> Standards:
    """The standard that a person names: `current` (installed), the number of a version that batches have used, or a folder.

    The installation is opened only where a number is given. Raises RequestError where nothing is named so, DefinitionError with every fault.
    """
    if name == CURRENT:
        return load_standards()
    if _VERSION.fullmatch(name):
        return get_standard(home().catalog, name)
    folder = Path(name)
    if not (folder / "version.yml").exists():
        raise RequestError(
            f"{name} is no standard: neither {CURRENT}, nor a version such as 1.0.0, nor a folder with version.yml",
            hint="to propose a change, copy the folder standards/, edit the copy, and name it here",
        )
    try:
        return read_standards(folder)
    except DefinitionError as error:
        named = [replace(fault, file=str(folder / fault.file.removeprefix("standards/"))) for fault in error.faults]
        raise DefinitionError(named) from None
