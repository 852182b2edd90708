"""Settings of an installation in a temporary folder."""

from pathlib import Path

from core.settings import Settings, load_settings


def settings_at(home: Path, **variables: str) -> Settings:
    """Return the settings of an installation whose state is in `home`; nothing of the surroundings counts."""
    return load_settings({"HUB_HOME": str(home), "HUB_THREADS": "2", **variables})
