"""Room on the disk: what a layer holds, and whether a batch may begin. It is refused before the disk is full, not when it is."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from core.errors import StoreError
from core.settings import Settings

MB = 1 << 20
RESERVE_MB = 16  # set aside for the day when others have filled the disk
_FULL_MB = 4  # less than this, and neither a database can be opened nor an alert be noted


def held(folder: Path) -> tuple[int, int]:
    """How many files there are below a folder (or whether it is one), and how many bytes they hold."""
    sizes = list(_sizes(folder))
    return len(sizes), sum(sizes)


def _sizes(folder: Path) -> Iterator[int]:
    if folder.is_file():
        yield folder.stat().st_size
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield (Path(place) / name).stat().st_size
            except FileNotFoundError:  # a run has just removed it
                continue


def check_free(folder: Path, least_mb: int, needed: int = 0) -> None:
    """Raise StoreError where the disk of a folder has no room for `needed` more bytes beside the megabytes that are to stay free."""
    free, asked = shutil.disk_usage(folder).free, least_mb * MB + needed
    if free < asked:
        raise StoreError(
            f"{free // MB} MB are free on the disk of HUB_HOME, a batch asks for {asked // MB} MB",
            hint="free space, ./hub purge, or lower HUB_LEAST_FREE_MB; nothing was begun",
            transient=True,
        )


def check_space(settings: Settings, layer: str, needed: int = 0) -> None:
    """Raise StoreError where there is no room for `needed` more bytes: on the disk, beside what is to stay free, or in the layer's quota.

    Layers are `landing` and `lake`. What stopped a batch today may be purged tomorrow, so a later run tries again.
    """
    check_free(settings.home, settings.least_free_mb, needed)
    folder, quota = (settings.landing, settings.landing_quota_mb) if layer == "landing" else (settings.lake_dir, settings.lake_quota_mb)
    if quota and held(folder)[1] + needed > quota * MB:
        raise StoreError(
            f"the layer {layer} is to hold {quota} MB at most, and has no room for {-(-needed // MB)} MB more",
            hint="./hub purge, shorten the retention of contracts, or raise its quota; nothing was begun",
            transient=True,
        )


def keep_reserve(settings: Settings) -> None:
    """Set some megabytes of the disk aside while there is room, so that a full disk can still be told and purged."""
    reserve = _reserve(settings)
    if not reserve.exists() and shutil.disk_usage(settings.home).free > (settings.least_free_mb + 2 * RESERVE_MB) * MB:
        try:
            reserve.write_bytes(bytes(RESERVE_MB * MB))
        except OSError:  # others were faster
            reserve.unlink(missing_ok=True)


def release_reserve(settings: Settings) -> None:
    """Give back what was set aside where the disk is full to the last."""
    if shutil.disk_usage(settings.home).free < _FULL_MB * MB:
        _reserve(settings).unlink(missing_ok=True)


def _reserve(settings: Settings) -> Path:
    return settings.home / "reserve"
