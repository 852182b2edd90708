"""Full name of an organization as registered (GB/T 36104-2018): full-width brackets, no blanks within Chinese."""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.characters import OTHER_FORMS, unified
from standards.model import DataElement
from standards.not_names import BALANCED, no_organization_pattern, two_organizations_pattern
from standards.patterns import BLANK, DECODED_WRONG, DOTS, HAN, MISREAD_START, han_except
from standards.types.general import is_lossy, is_masked, let, where

# One character of every word that is no part of a name (`not_names.yml`) or of a missing value, chosen to be rare in names.
_DOUBTFUL = "闭址疑撤某误暂负该失详歇签等筹话更曾称个注妇审散改吊由位效查破过异我待未停在非号试章法临本废现算迁证重码照系"
_DOUBTFUL_IN_BRACKETS = "旧前存下老即密又单正同联人开简新原"
_LIMITED = "限"
_SURE = DECODED_WRONG + _LIMITED + _DOUBTFUL
_HAN, _FIRST = han_except(_SURE), han_except(_SURE + MISREAD_START)
_INSIDE = han_except(_SURE + _DOUBTFUL_IN_BRACKETS)
_OPENING, _CLOSING = "[(﹙❨⟮⦅︵⁽₍]", "[)﹚❩⟯⦆︶⁾₎]"


def ready(element: DataElement) -> str:
    """The form of a name that needs no repair."""
    return f"^[{HAN}A-Za-z][{HAN}A-Za-z0-9·（）]+$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Han names of ordinary characters with few brackets, of one company: 有限公司 occurs once."""
    rest = f"[{_HAN}]*(?:（[{_INSIDE}]{{2,}}）[{_HAN}]*)?"
    return raw.re_search(f"^[{_FIRST}][{_HAN}·]{{2,}}{rest}(?:{_LIMITED}{rest})?$")


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Full-width brackets, `·` for every dot between words, no stop at the end, no blanks beside Han characters."""
    plain = where(text, f"[{OTHER_FORMS}]", lambda part: part.translate(*unified()))
    bracketed = plain.re_replace(_OPENING, "（").re_replace(_CLOSING, "）")
    dotted = bracketed.re_replace(f"[{BLANK}]*[{DOTS}]+[{BLANK}]*", "·").re_replace(f"([{HAN}）])[.．]+([{HAN}（])", r"\1·\2")
    ended = dotted.re_replace(f'([{HAN}）])["·。.；;，,、{BLANK}]+$', r"\1").re_replace(f'["。；;，,、{BLANK}]+$', "")
    return where(ended, f"[{BLANK}]", _without_blanks)


def _without_blanks(name: StringValue) -> StringValue:
    """Only between words in Latin letters a blank has a meaning; between two names of organizations it shows that they are two."""
    joined = name.re_replace(f"[{BLANK}]+", " ").re_replace(f" ?([{HAN}（）·]) ?", r"\1").re_replace(f" ([{HAN}（）·])", r"\1")
    return let(joined, lambda one: ibis.cases((name.re_search(two_organizations_pattern()), name), else_=one))


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Texts that say something about an organization, and names with lost or covered characters."""
    covered = is_masked(value) | value.re_search("(?:^|[^A-Za-z])[Xx]{2,}(?:[^A-Za-z]|$)|××")
    no_name = value.re_search(no_organization_pattern()) | ~value.re_search(BALANCED)
    return {"not-a-name": no_name, "masked-value": covered, "lossy-encoding": is_lossy(value)}
