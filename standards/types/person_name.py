"""Name of a person (民委发〔2016〕33号): Han characters with `·` between the parts of a name, or Latin letters."""

from functools import lru_cache

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.characters import OTHER_FORMS, unified
from standards.model import DataElement
from standards.not_names import no_person_pattern, surnames
from standards.patterns import BLANK, DECODED_WRONG, DOTS, HAN, MISREAD_START, han_except, one_of
from standards.types.general import is_lossy, is_masked, let, where, without_blanks

# Between the parts of a name a full stop is a dot, and so is the stroke of that form; a dash or comma is none.
_STROKE = "丶"
_DOTS = f"{DOTS}.．。｡{_STROKE}"
_PLAIN = han_except(_STROKE)
# In the place of a character, or how it is composed.
_LOST = f"[?？□〓*＊■▇]|〇〇|左[{HAN}]右[{HAN}]|上[{HAN}]下[{HAN}]|(?:^|[ ·])[Xx]{{2,}}(?:$|[ ·])"
# Every word that is no name (`not_names.yml`) has one of these characters, or begins or ends with one of those below: chosen to be rare there.
_DOUBTFUL = (
    "嫂妇请堡某姨护失故婶傈舅它内婚吧队佬妻喀姐试丈爷街蒂究撤导站注餐亡娘限室吊例或父处哥股瓜埃奶疾驾口色休服号责局察工不他馆"
    "出属离部去玻药板医乡事度比总共等证秘表警萨县助的牙所参教主亲村集院帝特乌台员尼委校区拉居尔班经州旗儿斯名古师司西同先"
)
_DOUBTFUL_FIRST = (
    "身市也外排芬厂圭约登署社叙帛配缅挪姑之组瑙店柬莱厅丧夫弟寮旅专崩基女澳乍园裕捷存叔斐瓦佛荷书省意群会土团本在联俄图绿独津"
    "百科立正男硕学泰日有列菲北镇克锡奥中伯军希波妹博瑞新大星营朝美越丹行老太法香义塔圣英格德加贝黑未鄂保智布小赫阿巴南普连农"
    "汤韩"
)
_DOUBTFUL_LAST = "姥字爸陀妈户婆别牌店族母岛劳场身市府孙巴叔楼地公人朗里计官记夫社行伯女心太业士中子会家长学"
# So has every word for a missing value (`missing.yml`); family names among its first characters are told by the last.
_MISSING_FIRST, _MISSING_LAST = "空没沒暂暫并均目无待涉隐拒免面另见详", "缺无录"
_SURE = DECODED_WRONG + _STROKE + "〇右下" + _DOUBTFUL
_FIRST = han_except(_SURE + _DOUBTFUL_FIRST + MISREAD_START + _MISSING_FIRST)
_MIDDLE, _LAST = han_except(_SURE), han_except(_SURE + _DOUBTFUL_LAST + _MISSING_LAST)


def ready(element: DataElement) -> str:
    """The form of a name that needs no repair."""
    return f"^[{_PLAIN}]{{2,}}(?:·[{_PLAIN}]+)*$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Han names without any character that occurs in what is no name."""
    return raw.re_search(f"^[{_FIRST}][{_MIDDLE}]*[{_LAST}]$")


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Unified ideographs, one `·` between parts, no blanks in a Han name and single ones in a Latin name."""
    plain = where(text, f"[{OTHER_FORMS}]", lambda part: part.translate(*unified()))
    return let(
        plain,
        lambda name: ibis.cases(
            (name.re_search(two_names_pattern()), text), (name.re_search(f"[{HAN}]"), _han(name)), else_=name.re_replace(f"[{BLANK}]+", " ")
        ),
    )


def _han(name: StringValue) -> StringValue:
    dotted = name.re_replace(f"[{BLANK}]*[{_DOTS}][{_DOTS}{BLANK}]*", "·")
    return without_blanks(dotted.re_replace("^·+|·+$", ""))


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Texts that have the form of a name and are none, and names with lost or covered characters."""
    no_name = value.re_search(no_person_pattern()) | value.re_search(_LOST)
    return {"not-a-name": no_name, "masked-value": is_masked(value), "lossy-encoding": is_lossy(value)}


@lru_cache(maxsize=1)
def two_names_pattern() -> str:
    """Two names with only a blank between them: each begins with a family name and is whole."""
    single = one_of(name for name in surnames() if len(name) == 1)
    return f"^{single}[{HAN}]{{1,2}}[{BLANK}]+{single}[{HAN}]{{1,2}}$"
