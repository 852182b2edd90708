"""The benchmark of messy texts in small: both builds account for every row, and the faults are there."""

import json
import random

import pytest

from benchmarks.messy import run
from benchmarks.messy_rows import FAULTS, messy

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_has_its_share(kind: str) -> None:
    text, dice = (
        {"resident_id": "110101199003071233", "date": "2024-03-01"}.get(kind, "浙江省杭州市西湖区文三路1幢2单元有限公司"),
        random.Random(1),
    )
    texts = list(messy([text] * 5_000 + [None], FAULTS[kind], dice))
    assert len(texts) == 5_001
    assert texts[-1] is None
    share = sum(share for share, _ in FAULTS[kind])
    assert 0.5 * share < sum(one != text for one in texts[:-1]) / 5_000 < share + 0.02


@pytest.mark.long
def test_both_builds_account_for_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    run(people=2_000, as_json=True)
    found = json.loads(capsys.readouterr().out)
    for kind in ("clean", "messy"):
        part = found[kind]
        assert part["landed"] == part["accepted"] + part["quarantined"] + part["repeated"]
    assert found["messy"]["landed"] == found["clean"]["landed"]
    assert found["messy"]["quarantined"] > found["clean"]["quarantined"]
    # Whose number is mistyped stands there as somebody else.
    assert abs(found["messy"]["entities"] - found["clean"]["entities"]) < 0.1 * found["clean"]["entities"]
    assert found["ratio"] > 0
