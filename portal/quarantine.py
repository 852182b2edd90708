"""Rows with issues, as the portal shows them: masked, and not before the audit log has its entry."""

from collections.abc import Callable

from catalog.batches import Batch
from exchange import audit
from pipeline.quarantine.row_issues import IssueRows, Wanted, quarantined, waiting, warned
from portal.context import EXPORTED, Hub
from portal.records import MASKED
from quality.report_data import KEY, ROW

ReadRows = Callable[[Hub, Batch, Wanted], IssueRows]
PAGE = 50


def read_quarantine(hub: Hub, batch: Batch, wanted: Wanted) -> IssueRows:
    """Rows that a batch set aside."""
    return _written_down(hub, batch, "view-quarantine", wanted, quarantined(hub.home, batch, wanted))


def read_waiting(hub: Hub, batch: Batch, wanted: Wanted) -> IssueRows:
    """Rows of the batch's dataset that are in quarantine now."""
    return _written_down(hub, batch, "view-quarantine", wanted, waiting(hub.home, batch.contract_id, wanted))


def read_warnings(hub: Hub, batch: Batch, wanted: Wanted) -> IssueRows:
    """Rows in which a batch found warnings."""
    return _written_down(hub, batch, "view-warnings", wanted, warned(hub.home, batch, wanted))


def read_warnings_in_force(hub: Hub, batch: Batch, wanted: Wanted) -> IssueRows:
    """All rows with warnings that are in force after a batch."""
    return _written_down(hub, batch, "view-warnings", wanted, warned(hub.home, batch, wanted, in_force=True))


def _written_down(hub: Hub, batch: Batch, action: str, wanted: Wanted, found: IssueRows) -> IssueRows:
    """The rows that were found, once the log says which of them are shown; where it cannot, nothing is."""
    # An export asks for one row more than it hands out, to tell whether there are more.
    shown = min(len(found.rows), EXPORTED)
    rows = f"rows {wanted.offset + 1}-{wanted.offset + shown}" if shown else "no rows"
    audit.record(hub.home.audit, actor=hub.actor, action=action, subject=batch.batch_id, purpose=f"{MASKED}, {rows}")
    return found


def as_stored(rule: str) -> str:
    """A repeated key is counted under the key's name, and stored as an issue of the row as a whole."""
    element, _, issue = rule.partition(":")
    return f"{ROW}:{issue}" if element == KEY else rule
