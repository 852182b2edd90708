"""Files that a request names."""

import errno
from pathlib import Path

import pytest

from core.errors import RequestError
from core.files import new_file


def _fill(path: Path) -> None:
    with new_file(path) as out:
        out.write(b"half of")
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_new_file_is_its_owners_and_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    with pytest.raises(RequestError, match="No space left") as raised:
        _fill(path)
    assert "free space on the disk of that file" in raised.value.hint
    assert not path.exists()
    with new_file(path) as out:
        out.write(b"all of it")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"all of it", 0o600)
    with pytest.raises(RequestError, match="File exists"), new_file(path):
        pass
    assert path.read_bytes() == b"all of it"
