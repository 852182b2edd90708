"""What the stand-alone verifier says of files that it cannot use."""

from pathlib import Path

import pytest

from exchange.verify_receipt import main

FILES = {"receipt.json": b"{}", "hub.pub": b"", "binary": b"\xff\x00", "list.json": b"[1"}


@pytest.mark.parametrize(
    ("receipt", "key", "file", "said"),
    [
        ("none.json", "hub.pub", "binary", "none.json: No such file or directory"),
        ("binary", "hub.pub", "binary", "binary is no receipt: ./hub receipt BATCH --out FILE writes one"),
        ("list.json", "hub.pub", "binary", "list.json is no receipt: ./hub receipt BATCH --out FILE writes one"),
        ("receipt.json", "none.pub", "binary", "none.pub: No such file or directory"),
        ("receipt.json", "binary", "binary", "binary is no public key: ./hub keys --export ID --out FILE writes one"),
        ("receipt.json", "hub.pub", "none.csv", "none.csv: No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], receipt: str, key: str, file: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    assert main([receipt, "--key", key, "--file", file]) == 2
    assert capsys.readouterr() == ("", f"{said}\n")
