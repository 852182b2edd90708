"""Addresses that cannot be meant: said so, by the connection's name, and without a word of the address."""

from pathlib import Path

import pytest

from core.connections import Connections
from core.errors import RequestError


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:pa#ss@127.0.0.1:3306/x",
        "mysql://u:pa/ss@127.0.0.1:3306/x",
        "postgresql://u:pa?ss@127.0.0.1/x",
        "mysql://u:p@[::1/x",
        "postgresql://u:p%ss@127.0.0.1/x",
        "postgresql://u:p@127.0.0.1:99999/x",
    ],
)
def test_signs_of_a_password_that_lead_elsewhere_are_told(tmp_path: Path, url: str) -> None:
    connections = Connections({"HUB_CONNECTION_TAX": url}, tmp_path / "connections.yml")
    with pytest.raises(RequestError, match='the address of connection "tax" cannot be read') as caught:
        connections.url("tax", "mysql", "postgresql")
    assert caught.value.hint
    assert not any(part in str(caught.value) for part in ("ss@", "127", "u:p"))


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:pa%23s%2Fs@127.0.0.1:3306/x",
        "postgresql://h1:5432,h2:5433/x?target_session_attrs=any",
        "postgresql:///x?host=/run/postgresql",
        "mysql://u:p@[::1]:3306/x",
    ],
)
def test_what_servers_understand_is_taken(tmp_path: Path, url: str) -> None:
    assert Connections({"HUB_CONNECTION_TAX": url}, tmp_path / "connections.yml").url("tax", "mysql", "postgresql") == url


@pytest.mark.parametrize("text", ["tax: [", "tax: !!int x", "&a\ntax: *a", "tax: " + "[" * 99_999, "tax: " + "7" * 5_000, "tax: \a"])
def test_a_file_of_connections_that_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "connections.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RequestError, match=r"connections\.yml is not valid YAML"):
        Connections({}, file).url("tax", "mysql")
    file.write_text("# 税务\ntax: mysql://h/x\n", encoding="gb18030")
    with pytest.raises(RequestError, match=r"connections\.yml is not UTF-8"):
        Connections({}, file).url("tax", "mysql")
