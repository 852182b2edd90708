"""Lands a source of so many rows in a process of its own and prints its peak memory in KB: `KIND ADDRESS FOLDER`."""

import json
import sys
from pathlib import Path

from catalog.datasets import register
from core.settings import load_settings
from pipeline.home import open_home
from pipeline.land import land
from tests.connectors.helpers import make_contract

COLUMNS = ["id", "name", "code", "note"]
WIDTHS = {"id": 9, "name": 12, "code": 18, "note": 30}
FILES = {"csv": "rows.csv", "jsonl": "rows.jsonl", "xml": "rows.xml", "fixed": "rows.txt"}


def source(kind: str) -> dict[str, object]:
    """What a contract says of the rows of each kind."""
    places = [{"name": name, "start": 1 + sum(list(WIDTHS.values())[:place]), "width": WIDTHS[name]} for place, name in enumerate(COLUMNS)]
    more: dict[str, object] = {"fixed": {"fields": places}, "xml": {"record": "row"}}.get(kind, {})
    where = {"path": FILES[kind]} if kind in FILES else {"object": "hub_memory"}
    return {"kind": kind, "connection": "memory", **where, **more}


def main(kind: str, address: str, folder: Path) -> None:
    """Land, and tell."""
    home = open_home(load_settings({"HUB_HOME": str(folder), "HUB_ACTOR": "test"}))
    (folder / "connections.yml").write_text(json.dumps({"memory": address}))
    contract = make_contract(source(kind), COLUMNS, record_key=["id"], reading={"source_digest": False})
    register(home.catalog, contract, "test", home.settings.registered)
    land(contract.id, home)
    status = Path("/proc/self/status").read_text()
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
