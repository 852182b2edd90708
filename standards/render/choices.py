"""What a person chooses from in a drop-down, and the code that each choice stands for."""

from standards.division_paths import Divisions
from standards.model import CodeList, DataElement, Standards
from standards.spellings import reading, spelling_key

DIVISIONS = ("division", "historic_division")


def choices(element: DataElement, standards: Standards) -> dict[str, str]:
    """Choice → code, in the order of the list; empty for an element without codes.

    A division is chosen by its full current names, which tell one 朝阳区 from the other and which the standard mostly reads by itself; any
    other code is chosen as code and name, which the generated contract translates.
    """
    if element.code_list is None:
        return {}
    code_list = standards.code_lists[element.code_list]
    return _divisions(code_list) if element.type in DIVISIONS else _named(code_list)


def lookup(element: DataElement, standards: Standards) -> dict[str, str]:
    """The translation that a contract has to declare: the choices that the standard does not read by itself."""
    if element.code_list is None:
        return {}
    return {choice: code for choice, code in choices(element, standards).items() if reading(element, spelling_key(choice)) != code}


def _divisions(code_list: CodeList) -> dict[str, str]:
    divisions = Divisions(code_list.codes)
    return {divisions.path(code): code for code in code_list.current}


def _named(code_list: CodeList) -> dict[str, str]:
    return {f"{code.code} {code.title.zh}": code.code for code in code_list.codes if code.is_current}
