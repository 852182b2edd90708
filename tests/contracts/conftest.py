"""Contracts written out as a user writes them."""

import pytest
import yaml


@pytest.fixture
def written(tmp_path):
    def write(content, name="resident.yml"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        return path

    return write
