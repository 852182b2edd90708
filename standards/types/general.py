"""Rules that hold for every element: invisible characters, outer blanks, width, labels, spreadsheet marks, missing-value markers.

They run only on texts that are not already in the form of their element, so a step may cost more than the whole of a clean row.
"""

from collections.abc import Callable, Collection

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, StringValue, Value

from standards.patterns import BLANK, INVISIBLE

# What departments write where they have no value; compared in capitals, after trimming.
MISSING = (
    *(
        "无",
        "空",
        "暂无",
        "暂缺",
        "未知",
        "不详",
        "匿名",
        "待定",
        "待补充",
        "待补",
        "办理中",
        "面议",
        "同上",
        "没有",
        "未填",
        "未填写",
        "无记录",
    ),
    *("NULL", "NONE", "NIL", "NAN", "<NULL>", "(NULL)", "N/A", "#N/A", "\\N", "-", "--", "—", "——", "/", "\\", ".", "、"),
    *("0000-00-00", "0000-00-00 00:00:00", "0000/00/00"),
)
_LABELS = (
    "公民身份号码|居民身份证号码?|身份证号码?|身份证|统一社会信用代码|社会信用代码|信用代码|姓名|手机号码?|联系电话|电话号码?|电话|手机"
    "|邮政编码|邮编|户籍地址|联系地址|地址|住址|企业名称|单位名称|名称|性别|民族|出生日期|日期|证件号码|证书编号|证照编号|编号"
)
_FULL = "０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ－．／＋＝＿＃％＆＊＠＇＂\u3000"  # noqa: E501
_HALF = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-./+=_#%&*@'\" "
REPEATED = f"^(?:{'|'.join(f'{digit}{{6,}}' for digit in range(10))})$"
MASKED = "[*＊●█]{2,}|[Xx×]{4,}"
LOSSY = "�|锟斤拷|烫烫烫|屯屯屯|\\?\\?|[\ue000-\uf8ff]|#VALUE!|#REF!|#NAME\\?|^#+$"


def let(value: Value, body: Callable[..., Value]) -> Value:
    """`body(value)` with `value` computed once, however often the body names it. An expression has no variables otherwise."""
    return ibis.array([value]).map(body)[0]


def where(text: StringValue, pattern: str, change: Callable[[StringValue], StringValue]) -> StringValue:
    """Change only the texts in which the pattern occurs."""
    return let(text, lambda part: ibis.cases((part.re_search(pattern), change(part)), else_=part))


def clean(raw: StringValue, keep: Collection[str] = ()) -> StringValue:
    """The text by the general rules, null for a missing-value marker, unless the marker is a spelling (`keep`) of the element itself."""
    text = raw.re_replace(f"[{INVISIBLE}]", "")
    text = where(text, f"[{_FULL}]", lambda part: part.translate(_FULL, _HALF))
    text = trim(text)
    text = text.re_replace(f'^(?:[\'{BLANK}]|=?[{BLANK}]*"|(?:{_LABELS})[:：])+|["{BLANK}]+$', "").re_replace(
        f"^(?:{_LABELS})([0-9])", r"\1"
    )
    text = text.re_replace(f"^([0-9][0-9{BLANK}]*)\\.0+$", r"\1")
    return let(trim(text), lambda part: ibis.cases((is_missing(part, keep), ibis.null("string")), else_=part))


def trim(text: StringValue) -> StringValue:
    """Without blanks of any kind around it."""
    return text.re_replace(f"^[{BLANK}]+|[{BLANK}]+$", "")


def is_missing(text: StringValue, keep: Collection[str] = ()) -> BooleanValue:
    """Whether a trimmed text only says that there is no value."""
    markers = [marker for marker in ("", *MISSING) if marker not in keep]
    return text.upper().isin(markers) | without_blanks(text).re_search(REPEATED)


def without_blanks(text: StringValue) -> StringValue:
    """Without any blank inside."""
    return text.re_replace(f"[{BLANK}]+", "")


def is_masked(value: StringValue) -> BooleanValue:
    """Whether parts of the value are covered."""
    return value.re_search(MASKED)


def is_lossy(value: StringValue) -> BooleanValue:
    """Whether characters were lost on the way."""
    return value.re_search(LOSSY)


def weighted_sum(number: IntegerValue, weights: tuple[int, ...], modulus: int) -> IntegerValue:
    """Sum of digit × weight over the decimal digits of a number, up to multiples of the modulus.

    Digit k is (n mod 10^(k+1) − n mod 10^k) / 10^k, and dividing by 10^k is multiplying by its inverse, so remainders alone do:
    a third of the cost of taking the digits out one by one.
    """
    factors = [0] * (len(weights) + 1)
    for place, weight in enumerate(reversed(weights)):
        factor = weight * pow(10, -place, modulus)
        factors[place + 1] += factor
        factors[place] -= factor
    terms = [
        (number if place == len(weights) else number % 10**place) * (factor % modulus)
        for place, factor in enumerate(factors)
        if place and factor % modulus
    ]
    return sum(terms[1:], start=terms[0])


def character_sum(code: StringValue, alphabet: str, start: int, weights: tuple[int, ...]) -> IntegerValue:
    """Sum of place in the alphabet × weight over the characters from `start` on.

    They are taken from blocks of nine: short texts are kept in place by the engine and cost half.
    """
    terms = []
    for place, weight in enumerate(weights):
        block, within = divmod(start + place, 9)
        terms.append(ibis.literal(alphabet).find(code.substr(block * 9, 9).substr(within, 1)) * weight)
    return sum(terms[1:], start=terms[0])
