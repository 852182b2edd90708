"""What Airflow is told by environment: everything that differs between two installations on one machine.

Secrets are made once per installation and kept in `HUB_HOME/airflow`, readable by the owner only. Without a shared `jwt_secret` each
component invents its own, every task fails with "Invalid auth token", and no log says why.
"""

import base64
import json
import os
import secrets
from pathlib import Path

from core.settings import REPOSITORY, Settings

ADMIN = "admin"


def airflow_folder(settings: Settings) -> Path:
    """The folder of Airflow's own state: metadata database, secrets, record of processes."""
    return settings.home / "airflow"


def logs_folder(settings: Settings) -> Path:
    """The folder with one log file per component, and Airflow's task logs below `tasks`."""
    return settings.home / "logs"


def write_private(path: Path, text: str) -> None:
    """Replace a file as a whole; nobody but the owner can ever read it, not even while it is being written."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def load_secrets(settings: Settings) -> dict[str, str]:
    """Return the installation's secrets; the first call makes them."""
    path = airflow_folder(settings) / "secrets.json"
    if not path.exists():
        made = {
            "jwt_secret": secrets.token_urlsafe(48),
            "secret_key": secrets.token_urlsafe(32),
            "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "admin_password": secrets.token_urlsafe(18),
        }
        write_private(path, json.dumps(made))
    loaded: dict[str, str] = json.loads(path.read_text())
    return loaded


def airflow_environment(settings: Settings, port: int) -> dict[str, str]:
    """Return the environment of every component, on top of this process's own. What the operator has set for Airflow wins."""
    folder, logs, secret = airflow_folder(settings), logs_folder(settings), load_secrets(settings)
    passwords = folder / "passwords.json"
    write_private(passwords, json.dumps({ADMIN: secret["admin_password"]}))
    ours = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        **_waiting(),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(logs / "tasks"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(logs / "dags"),
        # The default is a folder in /tmp that two users of a machine would fight over.
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(folder / "bundles"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__FERNET_KEY": secret["fernet_key"],
        "AIRFLOW__CORE__PARALLELISM": str(max(4, 2 * settings.threads)),
        "AIRFLOW__API__SECRET_KEY": secret["secret_key"],
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API_AUTH__JWT_SECRET": secret["jwt_secret"],
    }
    own = dict(os.environ)
    no_proxy = ",".join(filter(None, [own.get("NO_PROXY") or own.get("no_proxy"), "127.0.0.1,localhost"]))
    return {
        **ours,
        **own,
        **hub_environment(settings),
        "AIRFLOW_HOME": str(REPOSITORY),
        # Tasks report to the API server over loopback; a proxy of the surroundings must not see or break that.
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [own.get("PYTHONPATH"), str(REPOSITORY)])),
        # Libraries that start threads on import would do so before the scheduler forks.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "GX_ANALYTICS_ENABLED": "False",
    }


def hub_environment(settings: Settings) -> dict[str, str]:
    """Return the variables from which `load_settings` in a task makes the same settings."""
    return {
        "HUB_HOME": str(settings.home),
        "HUB_CATALOG_URL": settings.catalog_url,
        "HUB_SERVING_URL": settings.serving_url,
        "HUB_AUDIT_URL": settings.audit_url,
        "HUB_LAKE_URL": settings.lake_url,
        "HUB_LAKE_WAREHOUSE": settings.lake_warehouse,
        "HUB_MEMORY_MB": str(settings.memory_limit_mb),
        "HUB_THREADS": str(settings.threads),
        "HUB_PORTAL_PORT": str(settings.portal_port),
        "HUB_AIRFLOW_PORT": str(settings.airflow_port),
        "HUB_ACTOR": "scheduler",
    }


def _waiting() -> dict[str, str]:
    """Arguments for SQLite's driver; another database would not take them."""
    if "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" in os.environ:
        return {}
    path = "deploy.metadata.CONNECT_ARGS"
    return {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS": path, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS_ASYNC": path}
