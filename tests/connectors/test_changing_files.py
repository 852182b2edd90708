"""Files that change, come or are replaced while a delivery is read: it is read again later, and nothing of it is taken for the other."""

import os
import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest

from connectors.extract import extract
from connectors.files.drop import LOOK_AGAIN_SECONDS
from core.connections import Connections
from core.errors import SourceError
from tests.connectors.helpers import make_contract


def test_copies_under_way_are_left_alone(drop, monkeypatch):
    from connectors.files import drop as files

    drop.put("rk_1.csv", "n\n一\n")
    drop.put("rk_2.csv.part", "n\n二\n")
    drop.put("~$rk_3.csv", "n\n三\n")
    assert drop.read(["n"], "*rk_*").values("n") == ["一"]

    def grow(seconds: float) -> None:
        with (drop.folder / "rk_1.csv").open("a") as file:
            file.write("二\n")

    monkeypatch.setattr(files.time, "sleep", grow)
    with pytest.raises(SourceError, match="still being written") as error:
        drop.read(["n"], "rk_1.csv")
    assert error.value.transient


def test_a_file_to_which_somebody_writes_line_by_line_is_left_alone(drop, monkeypatch):
    monkeypatch.setattr("connectors.files.drop.LOOK_AGAIN_SECONDS", LOOK_AGAIN_SECONDS)
    path, is_read = drop.put("a.csv", "n\n"), threading.Event()

    def write() -> None:
        while not is_read.wait(0.8):
            with path.open("a") as file:
                file.write("一\n")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(SourceError, match="still being written"):
            drop.read(["n"])
    finally:
        is_read.set()
        writer.join()


@pytest.mark.parametrize(
    ("age", "waited"),
    [(0, 10), (6, 4), (9.5, 2), (-3, 10), (60, 2), (8 * 3600, 2), (-8 * 3600, 2), (25 * 3600, 0)],
    ids=["now", "just now", "a moment ago", "ahead", "a minute", "another zone", "a zone ahead", "yesterday"],
)
def test_a_file_has_to_stay_as_it_is_whatever_the_clock_of_its_server(drop, monkeypatch, age, waited):
    for name, seconds in (("SETTLED_SECONDS", 10.0), ("LOOK_AGAIN_SECONDS", LOOK_AGAIN_SECONDS)):
        monkeypatch.setattr(f"connectors.files.drop.{name}", seconds)
    path, slept = drop.put("a.csv", "n\n一\n"), []

    def grow(seconds: float) -> None:
        if seconds:
            slept.append(seconds)
            path.write_text("n\n一\n二\n")

    monkeypatch.setattr("connectors.files.drop.time.sleep", grow)
    changed = time.time() - age
    os.utime(path, (changed, changed))
    if waited:
        with pytest.raises(SourceError, match="still being written"):
            drop.read(["n"])
    else:
        assert drop.read(["n"]).values("n") == ["一"]
    assert slept == ([pytest.approx(waited, abs=0.5)] if waited else [])


def test_a_file_that_grows_while_it_is_read_is_read_again_later(drop):
    contract = make_contract({"kind": "csv", "connection": "drop", "path": "a.csv"}, ["n"])
    path = drop.put("a.csv", "n\n" + "一\n" * 100)
    extraction = extract(contract, Connections({"HUB_CONNECTION_DROP": drop.folder.as_uri()}, Path("none.yml")))
    next(extraction.batches)
    path.write_text("n\n")
    with pytest.raises(SourceError, match="still being written") as error:
        list(extraction.batches)
    assert error.value.transient


@pytest.mark.parametrize(
    "second", ['{"n":"二","m":"1"}\n'.encode(), '{"n":"二"}\n'.encode("gb18030")], ids=["a member more", "another encoding"]
)
def test_a_file_that_is_replaced_before_its_reading_begins_is_read_again_later(drop, second):
    """Names, encoding and what stands twice were found out of the one that lay there before."""
    contract = make_contract({"kind": "jsonl", "connection": "drop", "path": "*.jsonl"}, ["n"])
    path = drop.put("a.jsonl", '{"n":"一"}\n')
    extraction = extract(contract, Connections({"HUB_CONNECTION_DROP": drop.folder.as_uri()}, Path("none.yml")))
    path.write_bytes(second)
    with pytest.raises(SourceError, match=r"a\.jsonl is still being written") as error:
        list(extraction.batches)
    assert error.value.transient


def test_a_file_that_comes_while_others_are_read_is_not_taken_for_read(drop):
    contract = make_contract({"kind": "jsonl", "connection": "drop", "path": "*.jsonl"}, ["n"])
    drop.put("a.jsonl", '{"n":"一"}\n')
    extraction = extract(contract, Connections({"HUB_CONNECTION_DROP": drop.folder.as_uri()}, Path("none.yml")))
    next(extraction.batches)
    drop.put("b.jsonl", '{"n":"二"}\n')
    with pytest.raises(SourceError, match=r"b\.jsonl is still being written"):
        list(extraction.batches)


def test_text_in_another_encoding_than_was_found_is_told_and_never_given_to_the_engine(drop):
    from connectors.files.text_lines import check_text

    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.array([0, 2], pa.int32()).buffers()[1], pa.py_buffer(b"\xb0\xa1")])
    with pytest.raises(SourceError, match="still being written"):
        check_text("tax__delivery", drop.put("a.jsonl", "x"), bad)


def test_a_file_that_changes_or_leads_out_is_told_with_the_folders_left_open(drop, monkeypatch):
    """Each district has a file of that name."""
    from connectors.files import drop as files

    for name in ("east/a.csv", "west/a.csv"):
        (drop.folder / name).parent.mkdir(exist_ok=True)
        drop.put(name, "n\n")
    with monkeypatch.context() as patch:
        patch.setattr(files.time, "sleep", lambda _: (drop.folder / "west/a.csv").write_text("n\n二\n", encoding="utf-8"))
        with pytest.raises(SourceError, match=r": west/a\.csv is still being written"):
            drop.read(["n"], "*/a.csv")
    (drop.folder.parent / "outside.csv").write_text("n\n", encoding="utf-8")
    (drop.folder / "west/a.csv").unlink()
    (drop.folder / "west/a.csv").symlink_to(drop.folder.parent / "outside.csv")
    with pytest.raises(SourceError, match=r": west/a\.csv is a link out of the folder"):
        drop.read(["n"], "*/a.csv")
