"""Folders of running tasks: spilled data, copies to try something on. They may hold personal data, so none outlives its task.

A process that is killed cannot clean up; its folders carry its name and are removed by the next one that opens the installation.
"""

import shutil
import tempfile
import time
from pathlib import Path

from core.holder import is_alive, is_here, me
from core.settings import Settings

_MARK = "~"
# A process on another machine cannot be asked; no task is given as long as this.
_LONGEST = 24 * 3600.0


def make_work_folder(settings: Settings, purpose: str) -> Path:
    """A new folder that bears the name of this process."""
    return make_folder_in(settings.work, purpose)


def make_folder_in(work: Path, purpose: str) -> Path:
    """The same below an installation's work folder, for its owner only."""
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{purpose}{_MARK}{me().replace('/', _MARK)}{_MARK}", dir=work))


def remove_abandoned(settings: Settings) -> None:
    """Remove what dead processes have left."""
    for folder in settings.work.iterdir():
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    _, *process = folder.name.split(_MARK)
    holder = "/".join(process[:3])
    if len(process) == 4 and process[1].isdigit() and is_here(holder):
        return not is_alive(holder)
    try:
        return time.time() - folder.stat().st_mtime > _LONGEST
    except OSError:  # its task has just removed it
        return False
