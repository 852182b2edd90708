"""The version of the standard that a batch is pinned to: the installed one, once it is in force."""

from catalog.standards import record_standard
from core.clock import today
from core.errors import RequestError
from pipeline.home import Home
from standards.loader import load_standards
from standards.model import Standards


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
