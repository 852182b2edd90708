"""What the standard says, in words of one language: for comments, templates and the data dictionary."""

from pathlib import Path

from standards.model import TODAY, CodeTitle, DataElement, Source, Standards, Title
from standards.texts import STANDARD_TEXTS, Language, load_texts, make_translate

RENDER_TEXTS = Path(__file__).with_name("texts.yml")


class Words:
    """The words of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.t = make_translate(load_texts(STANDARD_TEXTS, RENDER_TEXTS), language)

    def of(self, title: Title | CodeTitle) -> str:
        """A title in this language; Chinese where there is no English one."""
        text: str = getattr(title, self.language) or title.zh
        return text

    def source(self, source: Source) -> str:
        """Standard and clause; what has not been seen twice says so."""
        named = source.citation
        return (
            named if source.sureness == "verified" else self.t("source.unsure", named=named, sureness=self.t(f"sureness.{source.sureness}"))
        )

    def mask(self, element: DataElement) -> str:
        """What is left of a value that may not be seen; personal values without a mask of their own are covered wholly."""
        if element.mask != "none":
            return self.t(f"mask.{element.mask}")
        return self.t("mask.full" if element.classification in ("personal", "sensitive") else "dict.mask.none")

    def help(self, element: DataElement) -> str:
        """Who answers for a value, and the paper on which it stands."""
        return self.t("help.text", authority=self.of(element.help.authority), document=self.of(element.help.document))

    def length(self, element: DataElement) -> str:
        """How many characters a value has, or nothing where that is open."""
        least, most = element.min_length or 0, element.max_length
        if most is None:
            return self.t("length.least", least=least) if least else ""
        if least == most:
            return self.t("length.exact", most=most)
        return self.t("length.between", least=least, most=most) if least > 1 else self.t("length.most", most=most)

    def form(self, element: DataElement, standards: Standards) -> str:
        """How a value is written, for someone who fills it in."""
        if element.code_list is not None:
            return self.t("form.code", title=self.of(standards.code_lists[element.code_list].title))
        if element.data_type == "date":
            return self.t("form.today" if element.maximum == TODAY else "form.date")
        if element.type == "timestamp":
            return self.t("form.timestamp")
        if element.data_type != "string":
            return self.t(f"form.{element.data_type}")
        return self.length(element) or self.t("form.text")

    def range(self, element: DataElement) -> str:
        """The earliest and latest value."""
        least = self.t("dict.range.from", least=element.minimum) if element.minimum else ""
        if element.maximum is None:
            return least
        most = self.t("dict.range.today") if element.maximum == TODAY else self.t("dict.range.to", most=element.maximum)
        return self.t("list.and").join(filter(None, (least, most)))
