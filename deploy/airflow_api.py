"""Airflow's REST interface on loopback, as far as the hub uses it: health, triggering runs, looking at runs."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from core.errors import RequestError, StoreError
from deploy.metadata import CONNECT_ARGS

# The server may have to wait for its database before it can answer.
REQUEST_SECONDS = CONNECT_ARGS["timeout"] + 10.0
# A proxy named in the environment has no business between two processes of one machine.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class AirflowApi:
    """One signed-in client; the token is fetched at the first call that needs it."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._sign_in = {"username": user, "password": password}
        self._token = ""

    def healthy(self) -> set[str]:
        """Return the names of the components that are healthy; empty while the API server does not answer.

        The tasks' side of the API server is built at its first request, which takes seconds: asked here, no task has to wait for it.
        """
        try:
            self._send("GET", "/execution/health", token="")
            health = self._send("GET", "/api/v2/monitor/health", token="")
        except (StoreError, RequestError):
            return set()
        parts = {"api-server": "metadatabase", "scheduler": "scheduler", "dag-processor": "dag_processor"}
        return {name for name, part in parts.items() if (health.get(part) or {}).get("status") == "healthy"}

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Return the answer to a GET. Raises `RequestError` for what Airflow does not know, `StoreError` if it cannot be reached."""
        return self._call("GET", f"{path}?{urllib.parse.urlencode(query, doseq=True)}" if query else path)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a POST; raises as `get` does."""
        return self._call("POST", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a PATCH; raises as `get` does."""
        return self._call("PATCH", path, body)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if not self._token:
            self._token = str(self._send("POST", "/auth/token", self._sign_in, token="")["access_token"])
        return self._send(method, path, body, token=self._token)

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None, *, token: str) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)  # noqa: S310 - always loopback
        try:
            with _direct.open(request, timeout=REQUEST_SECONDS) as response:
                answer: dict[str, Any] = json.loads(response.read() or b"{}")
                return answer
        except urllib.error.HTTPError as error:
            with error:
                raise ApiRefusal(method, path, error.code) from None
        except (OSError, json.JSONDecodeError) as error:
            raise StoreError(f"Airflow does not answer on {self.url} ({type(error).__name__}).", transient=True) from None


class ApiRefusal(RequestError):
    """Airflow answered with a status of its own; 404 for a DAG may mean that it has not been parsed yet."""

    def __init__(self, method: str, path: str, status: int) -> None:
        self.status = status
        super().__init__(f"Airflow refused {method} {path.partition('?')[0]} with status {status}.")


def retry_until(deadline: float, pause: float = 0.5) -> bool:
    """Sleep a little and return True while the deadline (of `time.monotonic`) is ahead."""
    if time.monotonic() >= deadline:
        return False
    time.sleep(pause)
    return True
