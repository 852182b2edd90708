"""Bundles that are not what was packed: whatever was altered is refused, in words, and nothing of it arrives."""

import base64
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from catalog.batches import batches_of
from connectors.offline.bundle import Bundle, BundleError
from core.errors import RequestError, SourceError
from tests.factories import person
from tests.pipeline.offices import Office, office, rewritten

__all__ = ["office"]
pytestmark = pytest.mark.usefixtures("without_suite")
PART = "parts/00001.jsonl"


def manifest(**changed: Any) -> Callable[[dict[str, bytes]], None]:
    def change(contents: dict[str, bytes]) -> None:
        contents["manifest.json"] = json.dumps({**json.loads(contents["manifest.json"]), **changed}).encode()

    return change


TAMPERED: dict[str, tuple[Callable[[dict[str, bytes]], Any], str]] = {
    "a value of a row": (lambda c: c.update({PART: c[PART].replace(b"139", b"138", 1)}), "is not the one that was packed"),
    "a row taken out": (lambda c: c.update({PART: c[PART].split(b"\n", 1)[1]}), "is not as long as the manifest says"),
    "a part taken out": (lambda c: c.pop(PART), "parts are missing: parts/00001.jsonl"),
    "a part put in": (lambda c: c.update({"parts/00002.jsonl": b"[]"}), "something in the bundle that its manifest does not name"),
    "the manifest's count": (manifest(rows=1), "the manifest is not one"),
    "the manifest's date": (manifest(packed_at="2020-01-01T00:00:00+00:00"), "the signature is not that of this manifest"),
    "the manifest's number": (manifest(sequence=7), "the signature is not that of this manifest"),
    "the signature": (lambda c: c.update(signature=base64.b64encode(b"0" * 64)), "the signature is not that of this manifest"),
    "no signature": (lambda c: c.pop("signature"), "it has no signature"),
    "no manifest": (lambda c: c.pop("manifest.json"), "it has no manifest.json"),
    "a manifest that is none": (lambda c: c.update({"manifest.json": b"[1]"}), "the manifest is not one"),
    "a manifest without end": (lambda c: c.update({"manifest.json": b"[" * 100_000}), "the manifest is not one"),
    "a name that leads out": (lambda c: c.update({"parts/../../x": b""}), "whose name leads out of the bundle"),
    "an absolute name": (lambda c: c.update({"/etc/x": b""}), "whose name leads out of the bundle"),
    "a name of another system": (lambda c: c.update({"parts/..\\x": b""}), "whose name leads out of the bundle"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_whatever_was_altered_is_refused(office: Office, case: str) -> None:
    change, words = TAMPERED[case]
    path = rewritten(office.pack(), change)
    with pytest.raises((SourceError, RequestError)) as raised:
        office.take(path)
    assert words in str(raised.value)
    assert person(3)["SFZH"] not in str(raised.value)
    assert "accepted" not in {batch.status for batch in batches_of(office.hub.home.catalog, office.document["id"])}


@pytest.mark.parametrize("case", ["a value of a row", "the manifest's count", "no signature"])
def test_what_was_refused_is_taken_when_it_is_packed_again(office: Office, case: str) -> None:
    path = rewritten(office.pack(), TAMPERED[case][0])
    with pytest.raises((SourceError, RequestError)):
        office.take(path)
    path.unlink()
    assert office.take(office.pack(sequence=1)).status == "accepted"


def test_every_byte_counts(office: Office) -> None:
    """One byte after another is altered: the bundle is refused, or what it says is the same."""
    path = office.pack(query="SELECT * FROM patient LIMIT 3")
    assert path.stat().st_mode & 0o077 == 0
    whole = path.read_bytes()
    public = office.key.with_suffix(".pub").read_text()

    def content(data: bytes) -> Any:
        path.write_bytes(data)
        with Bundle(path) as bundle:
            bundle.verify(public)
            return bundle.manifest_bytes, list(bundle.rows())

    expected = content(whole)
    refused = 0
    for place in range(0, len(whole), 7):
        try:
            found = content(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        except BundleError:
            refused += 1
        else:
            assert found == expected, place
    assert refused > len(whole) / 7 / 2
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        with pytest.raises(BundleError):
            content(whole[:length])
    for more in (b"x" + whole, whole + b"x", b"PREFIX" * 100 + whole, whole + b"\n" * 5_000, whole + whole):
        with pytest.raises(BundleError, match="bytes before or behind"):
            content(more)


def test_bombs_links_and_doubles_are_refused(office: Office) -> None:
    path = office.folder / "bomb.bundle"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b" " * (17 << 20))
        archive.writestr("signature", b"")
    with pytest.raises(SourceError, match=r"manifest\.json of the bundle is larger than any is"):
        office.take(path)
    data = bytearray(office.pack().read_bytes())
    # The list at the end says that a part unpacks to more than there is room for.
    place = data.rindex(b"PK\x01\x02", 0, data.rindex(PART.encode()))
    data[place + 24 : place + 28] = (0xFFFFFFF0).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(SourceError, match="is not as long as the manifest says"):
        office.take(path)
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("parts/a")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(SourceError, match="no plain file"):
        office.take(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("signature", "a")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("signature", "b")
    with pytest.raises(SourceError, match="two files of one name"):
        office.take(path)
