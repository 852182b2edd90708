"""OpenDocument spreadsheets: what is in them beside the values that the reader of workbooks gives, and what is none."""

import pytest

from connectors.files import ods_document
from core.errors import SourceError
from tests.connectors.workbooks import cells, with_table

pytestmark = pytest.mark.usefixtures("each_way")

ERROR = (
    '<table:table-cell {} table:formula="of:=NA()" office:value-type="string" office:string-value="" calcext:value-type="error">'
    "<text:p>#N/A</text:p></table:table-cell>"
)
UNSTORED = '<table:table-cell table:formula="of:=1+1"/>'


def test_a_cell_of_an_ods_document_that_shows_no_value_is_told(drop):
    row = "<table:table-row {}>{}</table:table-row>".format
    rows = row("", cells("id", "n")), row("", cells("1", "x")), row('table:number-rows-repeated="2"', cells("2") + ERROR.format(""))
    with_table(drop, "".join((*rows, row("", cells("3", "y")), row("", cells("4") + UNSTORED), row("", cells("5", "z")))))
    delivery = drop.read(["id", "n"], "a.ods", "xlsx")
    assert [(row["id"], row["n"]) for row in delivery.rows] == [("1", "x"), ("3", "y"), ("5", "z")]
    assert {place: why.partition(":")[0] for place, why in delivery.unreadable.items()} == {
        3: "a cell under n shows an error in place of a value",
        4: "a cell under n shows an error in place of a value",
        6: "a formula under n has no value",
    }
    often = row('table:number-rows-repeated="100"', '<table:table-cell table:number-columns-repeated="16384" table:formula="of:=1"/>')
    with_table(drop, row("", cells("id", "n")) + row("", cells("1", "x")) + often)
    with pytest.raises(SourceError, match="more than 1,000,000 cells that show no value"):
        drop.read(["id"], "a.ods", "xlsx")


def test_a_cell_that_an_ods_document_repeats_counts_as_often(drop):
    cell = '<table:table-cell office:value-type="string" {}><text:p>id</text:p></table:table-cell>'
    rest = (
        '<table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    for repeated, columns in ((1, ["id"]), (1_000_000, None)):
        sixteen = cell.format('table:number-columns-repeated="16"')
        again = f'<table:table-row table:number-rows-repeated="{repeated}">{sixteen}</table:table-row>'
        with_table(drop, f"<table:table-row>{cell.format('')}</table:table-row>{again}{rest}")
        if columns:
            assert len(drop.read(columns, "a.ods", "xlsx").rows) == 1
        else:
            with pytest.raises(SourceError, match="nearly all of them empty"):
                drop.read(["id"], "a.ods", "xlsx")


def test_a_text_of_an_ods_document_that_is_not_declared_as_a_value_is_told(drop):
    """The reader of workbooks gives nothing for it. A remark is no text of its cell."""
    row = "<table:table-row>{}</table:table-row>".format
    undeclared = "<table:table-cell><text:p> <text:span>x</text:span></text:p></table:table-cell>"
    said = "<text:p>x</text:p>"
    drawn = f"<draw:frame xmlns:draw='urn:d'><draw:text-box>{said}</draw:text-box></draw:frame>"
    remark = f"<table:table-cell><office:annotation>{said}</office:annotation>{drawn}</table:table-cell>"
    with_table(drop, "".join((row(cells("id", "n")), row(cells("1") + undeclared), row(cells("2") + remark), row(cells("3", "y")))))
    delivery = drop.read(["id", "n"], "a.ods", "xlsx")
    assert [(row["id"], row["n"]) for row in delivery.rows] == [("2", ""), ("3", "y")]
    assert {place: why.partition(":")[0] for place, why in delivery.unreadable.items()} == {
        2: "a cell under n shows a text that is not declared as its value"
    }


@pytest.mark.parametrize("block", [1, 7, 4 << 20])
def test_breaks_within_a_text_of_an_ods_document_are_characters(drop, monkeypatch, block):
    monkeypatch.setattr(ods_document, "_BLOCK", block)
    texts = (
        ("北京市<text:line-break/>朝阳区", "北京市\n朝阳区"),
        ('1<text:tab text:tab-ref="3"/>2<text:tab></text:tab>3', "1\t2\t3"),
        ('1<text:s text:c="3"/>2</text:p><text:p>3<text:span>4<text:line-break />5</text:span>', "1   2\n34\n5"),
        ("&lt;text:tab/&gt;", "<text:tab/>"),
    )
    with_table(drop, "".join(f"<table:table-row>{cells(text)}</table:table-row>" for text in ("n", *(text for text, _ in texts))))
    assert drop.read(["n"], "a.ods", "xlsx").values("n") == [expected for _, expected in texts]


def test_what_is_drawn_upon_a_cell_of_an_ods_document_is_no_value(drop):
    seal = '<draw:frame draw:name="公章"><draw:image><text:p/></draw:image></draw:frame>'
    group = "<draw:g><draw:g><draw:custom-shape><text:p>已核</text:p></draw:custom-shape></draw:g><draw:line/></draw:g>"
    drawn = {"张三": seal, "李四": group, "王五": f"{seal}<draw:line/><draw:line />", "赵六": ""}
    rows = [cells("n"), *(cells(name).replace("</text:p>", f"</text:p>{upon}") for name, upon in drawn.items())]
    rows += [
        f"<table:table-cell>{group}</table:table-cell>{cells('x')}",
        cells("北京<text:line-break/>市").replace("<text:p>", f"{seal}<text:p>"),
    ]
    with_table(drop, f"<table:shapes>{group}</table:shapes>" + "".join(f"<table:table-row>{row}</table:table-row>" for row in rows))
    assert drop.read(["n"], "a.ods", "xlsx").values("n") == [*drawn, "", "北京\n市"]


def test_notes_to_a_text_of_an_ods_document_are_no_part_of_it(drop):
    note = "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>脚注</text:p></text:note-body></text:note>"
    ruby = "<text:ruby><text:ruby-base>张三</text:ruby-base><text:ruby-text>zhāng sān</text:ruby-text></text:ruby>"
    remark = "<office:annotation><text:p>批注</text:p></office:annotation>"
    texts = {f"甲{note}乙": "甲乙", ruby: "张三", f"丙{remark}": "丙", f"丁</text:p>{remark}<text:p>戊{note}": "丁\n戊"}
    with_table(drop, "".join(f"<table:table-row>{cells(text)}</table:table-row>" for text in ("n", *texts)))
    assert drop.read(["n"], "a.ods", "xlsx").values("n") == [*texts.values()]


def test_cells_of_an_ods_document_that_reach_over_several_rows_are_told(drop):
    row, covered = "<table:table-row>{}</table:table-row>".format, "<table:covered-table-cell/>"
    cell = '<table:table-cell table:number-columns-spanned="{}" table:number-rows-spanned="{}" office:value-type="string">{}</table:table-cell>'
    wide, high = cell.format(2, 1, "<text:p>t</text:p>"), cell.format(1, 2, "<text:p>x</text:p>")
    above = row(wide + covered) + row(cells("id", "n"))
    with_table(drop, above + row(cells("1", "x")))
    assert "merged-cells" not in drop.read(["id"], "a.ods", "xlsx", header_row=2).notes
    with_table(drop, above + row(cells("1") + high) + row(cells("2") + covered))
    assert "under n reach over several rows" in drop.read(["id"], "a.ods", "xlsx", header_row=2).notes["merged-cells"]
