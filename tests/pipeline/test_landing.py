"""The account of a landed batch: what was altered afterwards is found, whoever altered it and however well."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.landing import batch_folder, verify_landing
from tests.factories import RESIDENTS, Hub, person

DOCUMENT = {**RESIDENTS, "columns": {name: element for name, element in RESIDENTS["columns"].items() if name != "DZ"}}
PEOPLE = [person(number) for number in range(4)]


@pytest.fixture
def folder(hub: Hub) -> Path:
    """A batch that has landed; its addresses are in no contract's columns."""
    hub.register(DOCUMENT)
    hub.land(DOCUMENT, PEOPLE)
    assert verify(hub) == []
    return batch_folder(hub.settings, DOCUMENT["id"], 1)


def verify(hub: Hub) -> list[str]:
    return verify_landing(hub.home, hub.batch(f"{DOCUMENT['id']}@1"))


def altered(column: str, change: Callable[[list[Any]], list[Any]]) -> Callable[[Path], None]:
    """Writes the rows again with other values of one column; everything else, the digests too, as it was."""

    def alter(folder: Path) -> None:
        path = folder / "rows.parquet"
        table = pq.read_table(path)
        place = table.schema.get_field_index(column)
        values = change(table.column(column).to_pylist())
        pq.write_table(table.set_column(place, table.schema.field(place), pa.array(values, table.schema.field(place).type)), path)

    return alter


def manifest(**changed: object) -> Callable[[Path], None]:
    """Writes the manifest again with other entries."""

    def alter(folder: Path) -> None:
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changed))

    return alter


def without_a_row(folder: Path) -> None:
    table = pq.read_table(folder / "rows.parquet")
    pq.write_table(table.slice(1), folder / "rows.parquet")
    manifest(landed=3, read=3)(folder)


ALTERED: dict[str, tuple[Callable[[Path], None], str]] = {
    "a value": (altered("XM", lambda names: [*names[:1], "改名", *names[2:]]), "rows: 1 are not what landed any more (position 3)"),
    "a value that became null": (altered("DH", lambda numbers: [*numbers[:3], None]), "rows: 1 are not what landed any more (position 5)"),
    "a record id": (altered("_record_id", lambda ids: [ids[1], *ids[1:]]), "rows: 1 are not what landed any more (position 2)"),
    "a digest": (altered("_row_digest", lambda digests: digests[::-1]), "rows: 4 are not what landed any more"),
    "the digest of the manifest": (manifest(digest="0" * 32), "digest: "),
    "a column beside the contract": (altered("DZ", lambda places: places[::-1]), "seal: "),
    "a position": (altered("_position", lambda places: places[::-1]), "seal: "),
    "a row that is gone, manifest and all": (without_a_row, "landed: the catalog says 4, landing has 3"),
    "a count": (manifest(landed=5, read=5), "landed: the manifest says 5, landing has 4"),
    "an unreadable row": (manifest(unreadable=1, unreadable_rows=[{"position": 9, "reason": "x"}], read=5), "read: the catalog says 4"),
    "the seal": (manifest(seal="0" * 64), "seal: "),
    "a column that is not there": (manifest(columns=["SFZH", "XM"]), "rows: 4 are not what landed any more"),
    "another document": (lambda folder: (folder / "manifest.json").write_text("{}") and None, "manifest: "),
    "no document": (lambda folder: (folder / "manifest.json").unlink(), "manifest: "),
    "no rows": (lambda folder: (folder / "rows.parquet").unlink(), "rows: they cannot be read"),
    "torn rows": (lambda folder: (folder / "rows.parquet").write_bytes(b"PAR1") and None, "rows: they cannot be read"),
}


@pytest.mark.parametrize("case", ALTERED)
def test_what_was_altered_after_landing_is_found(hub: Hub, folder: Path, case: str) -> None:
    alter, words = ALTERED[case]
    alter(folder)
    differences = verify(hub)
    assert any(difference.startswith(words) for difference in differences), differences
    assert [row["XM"] for row in PEOPLE if row["XM"] in " ".join(differences)] == []
    assert not re.search("[0-9a-f]{32}", " ".join(differences))


def test_the_file_may_lie_elsewhere_and_come_back(hub: Hub, folder: Path) -> None:
    """A backup that was restored is what landed."""
    content = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    assert verify(hub) != []
    for name, data in content.items():
        (folder / name).write_bytes(data)
    assert verify(hub) == []


@pytest.mark.parametrize("more", [0, 600])
def test_a_file_of_many_columns_is_written_in_smaller_groups(hub: Hub, more: int) -> None:
    """The writer holds several groups: 122,880 rows of 900 columns took minutes and gigabytes. The rows stay in the order of the source."""
    names = [f"ZD{number}" for number in range(more)]
    document = {**DOCUMENT, "ignore": [*DOCUMENT.get("ignore", []), *names]}
    hub.register(document)
    row = person(1)
    count = 20_000 if more else 70_000
    hub.land(document, [{**row, **dict.fromkeys(names, "x"), "SFZH": str(number)} for number in range(count)])
    written = pq.ParquetFile(batch_folder(hub.settings, document["id"], 1) / "rows.parquet")
    sizes = [written.metadata.row_group(number).num_rows for number in range(written.num_row_groups)]
    assert sum(sizes) == count
    assert max(sizes) < 80_000  # 61,440 and what the last batch had beyond them
    assert max(sizes) * written.metadata.num_columns < 9_000_000
    positions = written.read(["_position"]).column(0).to_pylist()
    assert positions == sorted(positions)
