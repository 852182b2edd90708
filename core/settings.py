"""Settings of one installation, from the environment: where state lives and how much of the machine a task may use."""

import os
import pwd
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from core.errors import RequestError, StoreError

LONGEST_ACTOR = 100  # catalog, publications and audit log hold 120, also with the name of a door before it
_PORTS = range(1, 65_536)
_DATABASES = ("sqlite:///", "postgresql://", "postgresql+psycopg://")
FILES = "file://"
_KEY_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_NOT_IN_PATHS = "#?%*[]{}"  # they mean something of their own in addresses, or in patterns of file names
REPOSITORY = Path(__file__).resolve().parent.parent


class Settings(BaseModel):
    """One installation. Every folder below `home` is created by `prepare_home`, readable by its owner only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    catalog_url: str
    serving_url: str
    audit_url: str
    lake_url: str
    lake_warehouse: str
    memory_limit_mb: int = Field(gt=0)
    threads: int = Field(gt=0)
    portal_port: int = 18090
    airflow_port: int = 18080
    actor: str
    signature: Literal["Ed25519", "SM2"] = "Ed25519"
    signing_key: str = ""
    # Where OpenLineage events are written, and the names of the connections to which they and alerts are sent.
    lineage_file: Path | None = None
    lineage_connection: str = ""
    alert_connections: tuple[str, ...] = ()
    # Megabytes: what a batch has to find free on the disk, and the most that a layer may hold (0: as much as there is room for).
    least_free_mb: int = 200
    landing_quota_mb: int = 0
    lake_quota_mb: int = 0

    @property
    def landing(self) -> Path:
        """One folder per dataset, one below it per batch; written once, never changed."""
        return self.home / "landing"

    @property
    def lake_dir(self) -> Path:
        """Parquet files of the standardized and base tables."""
        return self.home / "lake"

    @property
    def work(self) -> Path:
        """Files of a running task; whatever is here after a crash may be removed."""
        return self.home / "work"

    @property
    def registered(self) -> Path:
        """What `dags/` reads: one JSON file per department."""
        return self.home / "registered"

    @property
    def reports(self) -> Path:
        """Quality reports as HTML files."""
        return self.home / "reports"


def load_settings(environment: dict[str, str] | None = None) -> Settings:
    """Read the settings from `HUB_*` variables; each has a default that works on one machine without any server.

    Raises RequestError, naming the variable, where one cannot be meant.
    """
    env = dict(os.environ) if environment is None else environment
    home = _home(env)
    urls = {name: _database(env, name, home) for name in ("catalog", "serving", "audit", "lake")}
    _refuse_shared(urls)
    return Settings(
        home=home,
        catalog_url=urls["catalog"],
        serving_url=urls["serving"],
        audit_url=urls["audit"],
        lake_url=urls["lake"],
        lake_warehouse=env.get("HUB_LAKE_WAREHOUSE") or located(home / "lake"),
        memory_limit_mb=_number(env, "HUB_MEMORY_MB", 3072),
        threads=_number(env, "HUB_THREADS", min(4, os.cpu_count() or 1)),
        portal_port=_number(env, "HUB_PORTAL_PORT", 18090, _PORTS),
        airflow_port=_number(env, "HUB_AIRFLOW_PORT", 18080, _PORTS),
        actor=_actor(env),
        signature=_signature(env),
        signing_key=_signing_key(env),
        lineage_file=_lineage_file(env, home),
        lineage_connection=env.get("HUB_LINEAGE_CONNECTION", "").strip(),
        least_free_mb=_number(env, "HUB_LEAST_FREE_MB", 200, range(2**31)),
        landing_quota_mb=_number(env, "HUB_LANDING_QUOTA_MB", 0, range(2**31)),
        lake_quota_mb=_number(env, "HUB_LAKE_QUOTA_MB", 0, range(2**31)),
        alert_connections=tuple(dict.fromkeys(name.strip() for name in env.get("HUB_ALERTS", "").split(",") if name.strip())),
    )


def _lineage_file(env: dict[str, str], home: Path) -> Path | None:
    """Events are sent from the file in which they were written, so whoever wants them sent has the file too."""
    named = env.get("HUB_LINEAGE_FILE", "").strip()
    return Path(named).resolve() if named else home / "lineage.ndjson" if env.get("HUB_LINEAGE_CONNECTION", "").strip() else None


def _number(env: dict[str, str], name: str, default: int, allowed: range = range(1, 2**31)) -> int:
    text = (env.get(name) or str(default)).strip()
    number = int(text) if text.isascii() and text.isdigit() else -1
    if number not in allowed:
        raise RequestError(
            f"{name} is no number that can be used", hint=f"set it to a whole number from {allowed[0]} to {allowed[-1]}, or leave it out"
        )
    return number


def located(path: Path) -> str:
    """Where Iceberg finds a file or a folder: its readers take the path as it stands, blanks and Chinese characters included."""
    return f"{FILES}{path}"


def _home(env: dict[str, str]) -> Path:
    home = Path(env.get("HUB_HOME") or REPOSITORY / "var").resolve()
    bad = sorted({character for character in str(home) if character in _NOT_IN_PATHS or not character.isprintable()})
    if bad:
        raise RequestError(
            f"HUB_HOME is a folder whose path has {' '.join(bad) if all(map(str.isprintable, bad)) else 'control characters'} in it",
            hint=f"choose a path without any of {' '.join(_NOT_IN_PATHS)}; blanks and letters of every script may be in it",
        )
    return home


def _database(env: dict[str, str], name: str, home: Path) -> str:
    variable = f"HUB_{name.upper()}_URL"
    url = env.get(variable) or f"sqlite:///{home / name}.db"
    if not url.startswith(_DATABASES):  # the address itself is not quoted, it may hold a password
        raise RequestError(
            f"{variable} is not the address of a database that the hub can use", hint="it begins with sqlite:/// or postgresql://"
        )
    return url


def _refuse_shared(urls: Mapping[str, str]) -> None:
    """Two in one database would be taken for one that a newer hub has made. The lake's catalog has tables of its own, but as a file it goes by
    itself: a restore removes it. A server has a schema for whoever logs in, so by other users, or with other options, they are two.
    """
    places: dict[str, list[str]] = {}
    for name, url in urls.items():
        if name != "lake" or url.startswith("sqlite"):
            user, at, place = url.partition("://")[2].rpartition("@")
            places.setdefault(f"{user.partition(':')[0]}{at}{place}", []).append(f"HUB_{name.upper()}_URL")
    for names in places.values():
        if len(names) > 1:
            raise RequestError(f"{' and '.join(names)} lead to one database", hint="name a database of its own for each")


def _actor(env: dict[str, str]) -> str:
    actor = env.get("HUB_ACTOR") or f"cli:{env.get('USER') or env.get('LOGNAME') or _login()}"
    if len(actor) > LONGEST_ACTOR:
        raise RequestError(f"HUB_ACTOR is longer than {LONGEST_ACTOR} characters", hint="name whoever acts, as a login does")
    return actor


def _login() -> str:
    """Who this process is to the system, where its environment does not say."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"


def _signing_key(env: dict[str, str]) -> str:
    key_id = env.get("HUB_SIGNING_KEY", "")
    if key_id and not _KEY_ID.fullmatch(key_id):
        raise RequestError("HUB_SIGNING_KEY is no id of a key", hint="small letters, digits and dashes, for example receipt-ed25519-2")
    return key_id


def _signature(env: dict[str, str]) -> Literal["Ed25519", "SM2"]:
    match env.get("HUB_SIGNATURE", "").lower():
        case "" | "ed25519":
            return "Ed25519"
        case "sm2":
            return "SM2"
    raise RequestError(
        "HUB_SIGNATURE is no kind of signature that the hub knows", hint="ed25519, or sm2 where national algorithms are demanded"
    )


def prepare_home(settings: Settings) -> None:
    """Create the state folders, closed to everyone but their owner: they hold people's records.

    Raises RequestError where HUB_HOME is no folder, StoreError where nothing can be written to it.
    """
    os.umask(0o077)
    try:
        for folder in (settings.home, settings.landing, settings.lake_dir, settings.work, settings.registered, settings.reports):
            folder.mkdir(parents=True, exist_ok=True)
        settings.home.chmod(0o700)
    except (FileExistsError, NotADirectoryError):
        raise RequestError(f"{settings.home} is not a folder", hint="name a folder in HUB_HOME, or leave it out") from None
    except OSError as error:
        raise StoreError(
            f"{settings.home} cannot be used as the hub's home: {error.strerror}", hint="make it writable, or name another in HUB_HOME"
        ) from None
