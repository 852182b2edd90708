"""Quality reports as the portal shows and writes them."""

from tests.factories import resident_id
from tests.portal.conftest import TOKEN, Portal


def test_reports_of_two_days_agree_on_what_did_not_change(filled: Portal) -> None:
    """The second batch examined three rows; its scores speak of all seven, as those of the first do of all six."""
    from pipeline.report import report_batch

    first, second = (report_batch(filled.hub.home, f"public_security__resident@{day}") for day in (1, 2))
    assert second.standing == 4
    for one, two in zip(first.scores, second.scores, strict=True):
        assert one.unexpected == two.unexpected
        assert (two.evaluated > one.evaluated) == (one.evaluated > 0)


def test_a_registry_report_counts_fill_and_sources(filled: Portal) -> None:
    from pipeline.report import report_registry

    report = report_registry(filled.hub.home, "population")
    phone = next(fill for fill in report.fills if fill.element == "phone_number")
    assert phone.evaluated == 4
    assert phone.filled == sum(phone.sources.values()) == 3
    assert sum(part.count for part in report.parts) == report.total


def test_a_report_file_allows_its_own_style_only(filled: Portal) -> None:
    response = filled.client.get("/batches/public_security__resident@1/report.html")
    assert "sha256-" in response.headers["content-security-policy"]
    assert "script" not in response.text.lower()


def test_what_a_later_standard_has_dropped_goes_by_its_id() -> None:
    from quality.report import element_title, issue_type
    from standards.loader import load_standards

    standards = load_standards()
    assert element_title("no_longer", standards).zh == "no_longer"
    assert issue_type("no-longer", standards).title.en == "no-longer"


def test_reports_are_written_by_subject(filled: Portal) -> None:
    from pipeline.report import write_report

    for subject in ("population", "public_security__resident", "public_security__resident@1"):
        path = write_report(filled.hub.home, subject, lang="en")
        text = path.read_text()
        assert text.startswith("<!doctype html>")
        assert "http" not in text
        assert resident_id(0) not in text
        assert TOKEN not in text
