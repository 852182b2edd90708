"""Moments against Python's own calendar: whatever way one is written, the same second of Beijing time is read."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from standards.loader import load_standards
from standards.single import normalize_values

BEIJING = ZoneInfo("Asia/Shanghai")
# Beijing had summer time until 1991, which no source says it observed: moments since then have one reading.
MOMENTS = st.datetimes(datetime(2002, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))


FORMS = ("%Y/%m/%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y年%m月%d日 %H时%M分%S秒", "%Y-%m-%d %H:%M:%S.000+08:00")


def writings(moment: datetime) -> list[str]:
    """One moment (UTC) as sources write it."""
    there = moment.astimezone(BEIJING)
    return [
        f"{moment:%Y-%m-%dT%H:%M:%S}Z",
        f"{moment:%Y-%m-%dT%H:%M:%S}.123+00:00",
        str(int(moment.timestamp()) * 1000),
        *map(there.strftime, FORMS),
    ]


@settings(max_examples=3, derandomize=True)
@given(moments=st.lists(MOMENTS, min_size=60, max_size=60))
def test_every_way_to_write_a_moment_gives_the_same_second(moments: list[datetime]) -> None:
    pairs = [(text, moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")) for moment in moments for text in writings(moment)]
    found = normalize_values(load_standards(), "source_updated_datetime", [text for text, _ in pairs])
    assert [answer.value for answer in found] == [expected for _, expected in pairs]
