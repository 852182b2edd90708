"""Settings of one installation, from the environment: where state lives and how much of the machine a task may use."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from core.errors import RequestError, StoreError

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
    portal_host: str = "127.0.0.1"
    portal_port: int = 18090
    airflow_port: int = 18080
    actor: str

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
    """Read the settings from `HUB_*` variables; each has a default that works on one machine without any server."""
    env = dict(os.environ) if environment is None else environment
    home = Path(env.get("HUB_HOME") or REPOSITORY / "var").resolve()

    def database(name: str) -> str:
        return env.get(f"HUB_{name.upper()}_URL") or f"sqlite:///{home / name}.db"

    return Settings(
        home=home,
        catalog_url=database("catalog"),
        serving_url=database("serving"),
        audit_url=database("audit"),
        lake_url=database("lake"),
        lake_warehouse=env.get("HUB_LAKE_WAREHOUSE") or (home / "lake").as_uri(),
        memory_limit_mb=_number(env, "HUB_MEMORY_MB", 2048),
        threads=_number(env, "HUB_THREADS", min(4, os.cpu_count() or 1)),
        portal_port=_number(env, "HUB_PORTAL_PORT", 18090),
        airflow_port=_number(env, "HUB_AIRFLOW_PORT", 18080),
        actor=env.get("HUB_ACTOR") or f"cli:{env.get('USER') or env.get('LOGNAME') or 'unknown'}",
    )


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdecimal() or int(text) == 0:
        raise RequestError(f"{name} is not a whole number above 0", hint=f"set it to one, or unset it for {default}")
    return int(text)


def prepare_home(settings: Settings) -> None:
    """Create the state folders, closed to everyone but their owner: they hold people's records. Raises StoreError where that cannot be."""
    os.umask(0o077)
    try:
        for folder in (settings.home, settings.landing, settings.lake_dir, settings.work, settings.registered, settings.reports):
            folder.mkdir(parents=True, exist_ok=True)
        settings.home.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"HUB_HOME ({settings.home}) cannot be used: {error.strerror}", hint="set HUB_HOME to a folder of your own"
        ) from None
