"""Files in zip archives."""

import zipfile
from contextlib import suppress

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.errors import SourceError
from tests.connectors.helpers import Drop
from tests.connectors.test_record_files import refused


def archive(drop, name, files, **info):
    with zipfile.ZipFile(drop.folder / name, "w", zipfile.ZIP_DEFLATED) as packed:
        for member, content in files.items():
            packed.writestr(member, content)


def test_files_in_an_archive_are_a_delivery(drop):
    archive(drop, "a.zip", {"2.csv": "n\n三\n", "sub/1.csv": "n\n一\n二\n", "__MACOSX/x": "rubbish", "sub/": ""})
    delivery = drop.read(["n"], "a.zip")
    assert delivery.values("n") == ["三", "一", "二"]
    assert delivery.positions == [2, 4, 5]


def test_files_of_one_name_are_told_with_their_folders(drop):
    """Twelve offices send one `a.csv` each; a refused row that is in `a.csv`, line 3, would be anybody's."""
    broken = "n,m\n一,1\n二,2,3\n"
    for office in ("east", "west"):
        (drop.folder / "2026" / office).mkdir(parents=True)
        (drop.folder / "2026" / office / "a.csv").write_text(broken)
    archive(drop, "2026/east/b.zip", {"1/a.csv": broken, "2/a.csv": broken, "3/c.csv": broken})
    delivery = drop.read(["n", "m"], "2026/*/*.*")
    places = [reason.partition(", line")[0] for reason in delivery.unreadable.values()]
    assert places == ["east/a.csv", "west/a.csv", "east/b.zip/1/a.csv", "east/b.zip/2/a.csv", "east/b.zip/c.csv"]
    (drop.folder / "2026" / "west" / "a.csv").write_text("")
    with pytest.raises(SourceError, match=r"west/a\.csv is empty"):
        drop.read(["n", "m"], "2026/*/*.*")


def test_an_archive_is_opened_as_often_for_many_members_as_for_few(drop, monkeypatch):
    """Each opening reads the names of all members: for two thousand it took more than a minute."""
    opened = []

    class Counted(zipfile.ZipFile):
        def __init__(self, *args, **named):
            opened.append(args)
            super().__init__(*args, **named)

    archive(drop, "few.zip", {f"{number}.csv": "n\n一\n" for number in range(2)})
    archive(drop, "many.zip", {f"{number}.csv": "n\n一\n" for number in range(50)})
    monkeypatch.setattr("connectors.files.drop.zipfile.ZipFile", Counted)
    times = []
    for name, rows in (("few.zip", 2), ("many.zip", 50)):
        opened.clear()
        assert len(drop.read(["n"], name).rows) == rows
        times.append(len(opened))
    assert times[0] == times[1]


def test_two_members_of_one_name_are_two_files(drop):
    with zipfile.ZipFile(drop.folder / "a.zip", "w") as packed:
        packed.writestr("a.csv", "n\nfirst\n")
        with pytest.warns(UserWarning, match="Duplicate name"):
            packed.writestr("a.csv", "n\nsecond\n")
    assert drop.read(["n"], "a.zip").values("n") == ["first", "second"]


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (10, 9, "is packed in a way that is not read here"),  # the method: Deflate64
        (8, 1, "is locked by a password"),
        (8, 64, "is locked by a password"),
        (8, 32, "is packed in a way that is not read here"),
        (6, 90, "is a damaged zip archive"),  # the version that unpacks it
    ],
)
def test_archives_of_other_programs_are_refused_in_words(drop, place, value, words):
    archive(drop, "a.zip", {"a.csv": "n\n1\n"})
    content = bytearray((drop.folder / "a.zip").read_bytes())
    content[content.index(b"PK\x01\x02") + place] = value
    drop.put("a.zip", bytes(content))
    assert words in refused(drop, ["n"], path="a.zip").message


def test_a_damaged_archive_is_to_be_delivered_anew(drop):
    archive(drop, "a.zip", {"a.csv": "n\n1\n"})
    drop.put("a.zip", (drop.folder / "a.zip").read_bytes()[:-9])
    assert refused(drop, ["n"], path="a.zip").hint == "ask the department for the delivery again"


@settings(max_examples=150)
@given(places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4), kind=st.sampled_from(["csv", "xlsx"]))
@example(places=[(0.87890625, 0)], kind="csv")  # a member without a name
def test_a_damaged_archive_is_read_or_refused(tmp_path_factory, places, kind):
    """Whatever byte of it is another."""
    drop = Drop(tmp_path_factory.mktemp("damaged"))
    if kind == "csv":
        archive(drop, "a.zip", {"a.csv": "n\n" + "value\n" * 30, "b.csv": "n\nx\n"})
        content = bytearray((drop.folder / "a.zip").read_bytes())
    else:
        book = openpyxl.Workbook()
        for row in (["n", "f"], ["一", "=1+1"], [2, 3.5]):
            book.active.append(row)
        book.save(drop.folder / "a.xlsx")
        content = bytearray((drop.folder / "a.xlsx").read_bytes())
    for where, value in places:
        content[int(where * (len(content) - 1))] = value
    drop.put("a.zip" if kind == "csv" else "a.xlsx", bytes(content))
    with suppress(SourceError):
        drop.read(["n"], "a.zip" if kind == "csv" else "a.xlsx", kind)


def test_names_in_an_archive_are_those_that_a_chinese_windows_wrote(drop):
    """Nothing in it says that they are GBK; the second byte of some characters is a backslash."""
    archive(drop, "a.zip", {"XXXXXX.csv": "n\nx\n", "YYYY.csv": "n,m\n1\n"})
    content = (drop.folder / "a.zip").read_bytes()
    drop.put("a.zip", content.replace(b"XXXXXX", "人口表".encode("gbk")).replace(b"YYYY", "誠信".encode("gbk")))
    assert b"\\" in "誠".encode("gbk")
    delivery = drop.read(["n"], "a.zip")
    assert delivery.values("n") == ["x"]
    assert [reason.partition(":")[0] for reason in delivery.unreadable.values()] == ["a.zip/誠信.csv, line 2"]


def test_two_stars_within_a_name_are_one(drop):
    drop.put("rk_1.csv", "n\n1\n")
    assert drop.read(["n"], "rk_**.csv").values("n") == ["1"]


def test_a_workbook_in_an_archive_is_read(drop):
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["n"])
    book.active.append(["一"])
    book.save(drop.folder / "w.xlsx")
    archive(drop, "a.zip", {"w.xlsx": (drop.folder / "w.xlsx").read_bytes()})
    assert drop.read(["n"], "a.zip", "xlsx").values("n") == ["一"]


@pytest.mark.parametrize("member", ["../../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "..\\evil.csv"])
def test_names_that_lead_out_of_an_archive_are_refused(drop, member):
    archive(drop, "a.zip", {member: "n\n1\n"})
    assert "leads out of the archive" in refused(drop, ["n"], path="a.zip").message
    assert not list(drop.folder.parent.glob("evil*"))


def test_bombs_and_links_in_archives_are_refused(drop):
    archive(drop, "bomb.zip", {"a.csv": "n\n" + "0" * (300 << 20)})
    assert "that is no delivery" in refused(drop, ["n"], path="bomb.zip").message
    link = zipfile.ZipInfo("l.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(drop.folder / "l.zip", "w") as packed:
        packed.writestr(link, "/etc/passwd")
    assert "has a link in it" in refused(drop, ["n"], path="l.zip").message
    archive(drop, "none.zip", {})
    assert "an empty zip archive" in refused(drop, ["n"], path="none.zip").message
