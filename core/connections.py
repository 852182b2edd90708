"""Where a named connection leads.

Contracts carry names only. The address behind a name, with its password, comes from the environment or from `connections.yml` in the hub's
state folder, and is resolved inside the running task; it stands in no message.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from core.errors import RequestError
from core.settings import Settings, load_settings
from core.yaml_text import NotYaml, parsed

_VARIABLE = "HUB_CONNECTION_"


_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")


def _is_readable(url: str) -> bool:
    """Whether host and port can be told from user and password: unescaped signs of a password lead elsewhere."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        # PostgreSQL takes several hosts.
        return not _STRAY.search(parts.netloc) and ("," in host or parts.port is None or parts.port > 0)
    except ValueError:
        return False


@dataclass(frozen=True)
class Connections:
    """Resolves connection names; addresses are kept out of its text form, they hold passwords."""

    environment: Mapping[str, str] = field(repr=False)
    file: Path
    # What has to stay free on the disk where files are put that a connection leads to.
    least_free_mb: int = Settings.model_fields["least_free_mb"].default

    def url(self, name: str, *schemes: str) -> str:
        """The address behind a name; raises RequestError if there is none, or one of another scheme than those asked for."""
        url = self.environment.get(_variable(name)) or self._filed().get(name)
        if not url:
            raise RequestError(f'connection "{name}" is not set up', hint=f"set {_variable(name)} or add {name} to {self.file}")
        if not _is_readable(url):
            raise RequestError(
                f'the address of connection "{name}" cannot be read',
                hint="in a user or password write %40 for @, %3A for :, %2F for /, %23 for #, %3F for ?, %25 for %, %5B and %5D for brackets",
            )
        scheme = urlsplit(url).scheme.split("+")[0]
        if schemes and scheme not in schemes:
            raise RequestError(
                f'connection "{name}" leads to {scheme or "something without a scheme"}; this contract needs {" or ".join(schemes)}',
                hint=f"an address begins like {schemes[0]}://",
            )
        return url

    def path(self, name: str, scheme: str) -> Path:
        """The folder (`file:///folder`) or database file (`sqlite:////file.db`) behind a name."""
        path = unquote(urlsplit(self.url(name, scheme)).path)
        # SQLAlchemy's way of writing it: three slashes and then the path, which begins with a fourth if it is absolute.
        located = Path(path[1:] if scheme == "sqlite" else path)
        if not located.is_absolute():
            raise RequestError(
                f'connection "{name}" needs an absolute path', hint=f"as in {scheme}://{'/' if scheme == 'sqlite' else ''}/data/…"
            )
        return located

    def leading(self, name: str, url: str) -> Self:
        """The same connections, but one leads elsewhere: to where its files have been fetched to."""
        return replace(self, environment={**self.environment, _variable(name): url})

    @property
    def work(self) -> Path:
        """Where a running task of the installation may put files."""
        return self.file.parent / "work"

    def _filed(self) -> dict[str, str]:
        try:
            text = self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise RequestError(f"{self.file} cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise RequestError(f"{self.file} is not UTF-8", hint="save it in that encoding") from None
        try:
            entries = parsed(text) or {}
        except NotYaml:
            raise RequestError(f"{self.file} is not valid YAML", hint="one line for each connection: name: address") from None
        if not isinstance(entries, dict) or not all(isinstance(value, str) for value in entries.values()):
            raise RequestError(f"{self.file} is not a list of names and addresses", hint="one line for each connection: name: address")
        return {str(name): value for name, value in entries.items()}


def load_connections(environment: Mapping[str, str] | None = None, settings: Settings | None = None) -> Connections:
    """Connections of an installation, by default of the one that the environment names."""
    env = dict(os.environ) if environment is None else dict(environment)
    installed = settings or load_settings(env)
    return Connections(env, installed.home / "connections.yml", installed.least_free_mb)


def options(url: str, *known: str) -> dict[str, str]:
    """What stands behind the question mark of an address; raises RequestError for an option that is none of `known`.

    One of these that ends with a point stands for all that begin so. A plus is a plus: digests and keys are full of them.
    """
    pairs = (pair.partition("=") for pair in urlsplit(url).query.split("&") if pair)
    found = {unquote(name): unquote(value) for name, _, value in pairs}
    beginnings = tuple(name for name in known if name.endswith("."))
    if unknown := sorted(name for name in found.keys() - set(known) if not name.startswith(beginnings)):
        raise RequestError(
            f"the address of a connection has an option {unknown[0]} that its kind does not know", hint=f"expected {', '.join(known)}"
        )
    return found


def _variable(name: str) -> str:
    return _VARIABLE + re.sub(r"[^A-Z0-9]", "_", name.upper())
