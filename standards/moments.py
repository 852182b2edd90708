"""How a day, with or without a time of day, may be written; what it is in Beijing where there is one safe reading.

A text goes through a few plain steps: marks and numerals are made alike, then day and time are told apart, then the time is moved from its
zone. Whatever does not come out as a year of four digits, a month and a day, in this order or with a month that is named, is not read.
"""

import ibis
from ibis.expr.types import IntegerValue, StringValue

from standards.patterns import BLANK, DASHES
from standards.types.general import let, where

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTH = f"({'|'.join(_MONTHS)})"
# Hours ahead of Greenwich; CST in a Chinese system is China's time, and no other name is as sure.
_ZONES = {
    "+0000": "UTC|GMT|UT|Z",
    "+0800": "CST|HKT|SGT|BJT|PRC|ASIA/SHANGHAI|ASIA/CHONGQING|ASIA/HONG_KONG|北京时间|中国标准时间",
    "+0900": "JST|KST|ASIA/TOKYO|ASIA/SEOUL",
}
_BEIJING = 8 * 60
_DAY_MINUTES = 24 * 60
_PAIRS = "".join(f"{number:02}" for number in range(60))
_NUMERALS = {
    "〇零○◯": "0",
    "一壹弌": "1",
    "二贰貳弍两兩": "2",
    "三叁參叄弎": "3",
    "四肆": "4",
    "五伍": "5",
    "六陆陸": "6",
    "七柒": "7",
    "八捌": "8",
}
_NUMERALS |= {"九玖": "9", "十拾": "十", "百佰": "百", "千仟": "千", "万萬": "万", "廿卄": "廿", "点點": "点", "时時": "时", "号號": "号"}
_FROM = "".join(_NUMERALS)
_TO = "".join(digit * len(signs) for signs, digit in _NUMERALS.items())
_WEEKDAY = "(?:^|[ ,(])(?:MON|TUE|WED|THU|FRI|SAT|SUN)(?:S|R|RS)?(?:DAY|NESDAY|URDAY)?(?:[ ,.)]+|$)"
# Years by their places: 二千零八年, 一千九百九十年.
_SPOKEN_YEARS = (
    ("^([12])千年", r"\1零零零年"),
    ("^([12])千0?([0-9])年", r"\1零零\2年"),
    ("^([12])千0?([0-9])十年", r"\1零\2零年"),
    ("^([12])千0?([0-9])十([0-9])年", r"\1零\2\3年"),
    ("^([12])千([0-9])百([0-9])十年", r"\1\2\3零年"),
    ("^([12])千([0-9])百([0-9])十([0-9])年", r"\1\2\3\4年"),
    ("^([12])千([0-9])百年", r"\1\2零零年"),
)
_WITH_LETTER_O = r"^[0-9O][0-9O年月日号时分秒:.,/\\_ -]*(?:T[0-9O:.,+-]*Z?)?$"
_SEPARATORS = r"[./\\_,:;|~·、年月 -]{1,3}"
# Each form, and how day and time stand in it; a bar parts the two.
_ENGLISH = (
    (f"^{_MONTH}[ /-]?([0-9]{{1,2}})[ ,/-]+([0-9]{{4}})(.*)$", r"\3-\1-\2\4"),
    (f"^([0-9]{{1,2}})[ ./-]?{_MONTH}[ ,./-]*([0-9]{{4}})(.*)$", r"\3-\2-\1\4"),
    (f"^([0-9]{{4}})[ ./-]?{_MONTH}[ ./-]?([0-9]{{1,2}})(.*)$", r"\1-\2-\3\4"),
    (f"^{_MONTH} ([0-9]{{1,2}}) ([0-9:.]+)( .*)? ([0-9]{{4}})$", r"\5-\1-\2 \3\4"),
)
_FORMS = (
    (f"^([0-9]{{4}}){_SEPARATORS}([0-9]{{1,2}}){_SEPARATORS}([0-9]{{1,2}})(?: ?[日号](.*)|([^0-9].*)?)$", r"\1-\2-\3|\4\5"),
    ("^([0-9]{4})([0-9]{2})([0-9]{2})$", r"\1-\2-\3|"),
    ("^([0-9]{4})([0-9]{2})([0-9]{2})[T ]([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}))?([^0-9].*)?$", r"\1-\2-\3|\4:\5:\6\7"),
    ("^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(?:[.]?[0-9]{3})?$", r"\1-\2-\3|\4:\5:\6"),
    ("^([0-9]{1,2})-([0-9]{1,2})月 ?-([0-9]{4})([^0-9].*)?$", r"\3-\2-\1|\4"),
)
_SPLIT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\|"
_HALF = "(上午|下午|凌晨|早上|早晨|清晨|中午|傍晚|晚上|晚|夜间|[AP]M)"
_OFFSET = "([+-])([0-9]{1,2})(?::?([0-9]{2}))?"
_SECONDS = "(?:[:分.]([0-5]?[0-9]|60)(?:[.,:][0-9]+)?秒?|分)?"
_TIME = f"^{_HALF}? ?([01]?[0-9]|2[0-3])(?:[:时点.]([0-5]?[0-9]){_SECONDS}|[时点]整?) ?([AP]M)?(?: ?{_OFFSET})?$"
# The name of a zone behind its offset; other remarks (农历) change what the day is.
_ZONE_NAME = r" ?(?:\[[A-Z/_]+\]|\((?:[A-Z ]+|中国标准时间|北京时间)\))$"
# Where the clock is ahead of Beijing, a day without a time may be another one there.
_ONLY_ZONE = "^(?:[+]0?[0-8](?::?00)?|-[0-9:]+)$"
_SERIAL = "^[1-9][0-9]{4}(?:[.][0-9]+)?$"
# One digit over and over is no day but a missing value.
_FILLER = f"^(?:{'|'.join(digit * 5 for digit in '123456789')})$"
_MILLISECONDS = r"^-?[0-9]{12,13}$|^\\?/DATE[(]-?[0-9]{1,14}(?:[+-][0-9]{4})?[)]\\?/$|^NEW DATE[(]-?[0-9]{1,14}[)]$"
_NUMBER = "^[^0-9-]*(-?[0-9]+)[^0-9].*$"


def tidy(text: StringValue) -> StringValue:
    """Capitals, marks of one kind each, digits for numerals; without weekday, era and outer marks."""
    narrow = text.upper().translate("，：；（）～。﹕∶", ",:;()~.::").re_replace(f"[{DASHES}]", "-").re_replace(f"[{BLANK}]+", " ")
    chinese = narrow.re_replace("[ (]*(?:星期|周|礼拜)[一二三四五六日天][ )]*", " ")
    western = where(chinese, "MON|TUE|WED|THU|FRI|SAT|SUN", lambda part: part.re_replace(_WEEKDAY, " "))
    bare = western.re_replace("^[ ,;]+|[ .,;]+$", "").re_replace("^(?:公元|西元|公历|阳历|新历|A[.]?D[.]?) ?", "")
    digits = where(bare, f"[{_FROM}元]", _digits)
    return where(digits, _WITH_LETTER_O, lambda part: part.replace("O", "0"))


def _digits(text: StringValue) -> StringValue:
    """二〇二四年十二月廿一日 and 贰零零捌年零捌月壹拾贰日 with digits."""
    digits = text.translate(_FROM, _TO).replace("元月", "1月").replace("廿", "2十").replace("卅", "3十")
    years = where(digits, "千", _with_years)
    tens = years.re_replace("([0-9])十([0-9])", r"\1\2").re_replace("([0-9])十", r"\1零")
    return tens.re_replace("十([0-9])", r"1\1").replace("十", "10").replace("零", "0")


def _with_years(text: StringValue) -> StringValue:
    for pattern, written in _SPOKEN_YEARS:
        text = text.re_replace(pattern, written)
    return text


def read(text: StringValue) -> StringValue:
    """Day in Beijing as `YYYY-MM-DD`, followed by `hh:mm:ss` where minutes are given. Null where there is no safe reading."""
    return let(tidy(text), read_tidy)


def read_tidy(text: StringValue) -> StringValue:
    """As `read`, of a text that is tidy."""
    return ibis.cases(
        (text.re_search(_SERIAL) & ~text.re_search(_FILLER), _day("1899-12-30", text.substr(0, 5).try_cast("int64"))),
        (text.re_search(_MILLISECONDS), _of_milliseconds(text.re_replace(_NUMBER, r"\1").try_cast("int64"))),
        else_=let(_parted(where(text, _MONTH, _with_month_numbers)), _joined),
    )


def _with_month_numbers(text: StringValue) -> StringValue:
    """Year, month and day in this order where the month has a name."""
    short = text.re_replace(f"{_MONTH}(?:RUARY|UARY|TEMBER|EMBER|OBER|UST|CH|IL|E|Y|T)?[.]?", r"\1")
    plain = short.re_replace("([0-9])(?:ST|ND|RD|TH)([ ,]|$)", r"\1\2")
    ordered = ibis.cases(*((plain.re_search(pattern), plain.re_replace(pattern, written)) for pattern, written in _ENGLISH), else_=plain)
    for number, month in enumerate(_MONTHS, start=1):
        ordered = ordered.replace(f"-{month}-", f"-{number:02}-")
    return ordered


def _parted(text: StringValue) -> StringValue:
    """`YYYY-MM-DD|time`, null where there is no day."""
    found = ibis.cases(
        *((text.re_search(pattern), text.re_replace(pattern, written)) for pattern, written in _FORMS), else_=ibis.null("string")
    )
    return found.re_replace(r"^([0-9]{4})-([0-9])-", r"\1-0\2-").re_replace(r"^([0-9]{4}-[0-9]{2})-([0-9])\|", r"\1-0\2|")


def _joined(parted: StringValue) -> StringValue:
    return let(_time(parted.re_replace(_SPLIT, "")), lambda time: _with_time(parted.substr(0, 10), time))


def _time(text: StringValue) -> StringValue:
    """The time of day with its zone as an offset."""
    bare = text.re_replace("^[T ,:-]+(.)", r"\1").re_replace(":([^0-9]|$)", r"\1").re_replace(_ZONE_NAME, "")
    offset = bare.re_replace("(?:UTC|GMT) ?([+-][0-9])", r"\1").re_replace("([+-][0-9:]{1,5}) ?[A-Z]{2,5}$", r"\1")
    for hours, names in _ZONES.items():
        offset = offset.re_replace(f"(^| |[0-9MZ秒分时])(?:{names})$", rf"\1{hours}")
    return offset.re_replace("^([0-2][0-9])([0-5][0-9])([0-5][0-9])([^0-9].*)?$", r"\1:\2:\3\4").re_replace("许|左右", "")


def _with_time(day: StringValue, time: StringValue) -> StringValue:
    no_minutes = time.re_replace(_TIME, r"\3") == ""
    return ibis.cases(
        ((time == "") | time.re_search(_ONLY_ZONE), day),
        (time.re_search(_TIME), ibis.cases((no_minutes, day), else_=_moved(day, time))),
        else_=ibis.null("string"),
    )


def _moved(day: StringValue, time: StringValue) -> StringValue:
    """Day and time in Beijing."""
    half = time.re_replace(_TIME, r"\1\5")
    hour = _integer(time.re_replace(_TIME, r"\2"))
    late = ibis.cases((half.re_search("下午|傍晚|晚|PM") & (hour < 12), hour + 12), (half.re_search("AM") & (hour == 12), 0), else_=hour)
    ahead = _integer(time.re_replace(_TIME, r"0\7")) * 60 + _integer(time.re_replace(_TIME, r"0\8"))
    sign = time.re_replace(_TIME, r"\6")
    away = ibis.cases((sign == "+", ahead), (sign == "-", ahead * -1), else_=_BEIJING)
    second = time.re_replace(_TIME, r"0\4").re_replace("^0([0-9]{2})$", r"\1").re_replace("^0$", "00").replace("60", "59")
    return let(late * 60 + _integer(time.re_replace(_TIME, r"\3")) - away + _BEIJING, lambda minutes: _shifted(day, minutes, second))


def _shifted(day: StringValue, minutes: IntegerValue, second: StringValue) -> StringValue:
    """A day and minutes from its start, which may lie in a neighboring day."""
    days = minutes // _DAY_MINUTES
    clock = let(
        minutes - days * _DAY_MINUTES, lambda rest: _two(rest // 60) + ibis.literal(":") + _two(rest % 60) + ibis.literal(":") + second
    )
    moved = (day.try_cast("date") + days.as_interval("D")).cast("string").substr(0, 10)
    return ibis.cases((days == 0, day), else_=moved) + ibis.literal(" ") + clock


def _of_milliseconds(given: IntegerValue) -> StringValue:
    """Milliseconds since 1970 in Greenwich."""
    return let(given // 1000 + _BEIJING * 60, _of_seconds)


def _of_seconds(seconds: IntegerValue) -> StringValue:
    days = seconds // 86_400
    rest = seconds - days * 86_400
    clock = _two(rest // 3600) + ibis.literal(":") + _two(rest // 60 % 60) + ibis.literal(":") + _two(rest % 60)
    return _day("1970-01-01", days) + ibis.literal(" ") + clock


def _day(epoch: str, days: IntegerValue) -> StringValue:
    return (ibis.date(epoch) + days.as_interval("D")).cast("string").substr(0, 10)  # DuckDB adds to a date and gets a timestamp


def _integer(text: StringValue) -> IntegerValue:
    return text.try_cast("int64").fill_null(0)


def _two(number: IntegerValue) -> StringValue:
    return ibis.literal(_PAIRS).substr(number * 2, 2)
