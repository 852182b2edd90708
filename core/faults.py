"""What nobody foresaw: an exception that is not the hub's own becomes an error that names its kind and place, and never its text.

The text of such an exception may quote a record.
"""

import errno
import traceback

from core.errors import HubError, StoreError
from core.settings import REPOSITORY


class InternalFault(HubError):
    """A fault of the hub, not of the request or the data; its status is what sysexits calls EX_SOFTWARE."""

    exit_status = 70


def described(error: Exception) -> HubError:
    """The error itself if it is the hub's own, else an InternalFault in its place."""
    if isinstance(error, HubError):
        return error
    if is_full(error):
        return StoreError("the disk is full", hint="free space on the disk of HUB_HOME, or ./hub purge, then run it again", transient=True)
    return InternalFault(
        f"{type(error).__name__} in {_place(error)}: a fault of the hub, not of the request", hint="report it with this line"
    )


def is_full(error: Exception) -> bool:
    """Whether a disk, or what is allowed of it, is used up."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _place(error: Exception) -> str:
    """File and line of the innermost frame that is the hub's own code."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(REPOSITORY))]
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    return f"{own[-1].filename.removeprefix(f'{REPOSITORY}/')}:{own[-1].lineno}" if own else "an unknown place"
