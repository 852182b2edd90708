"""What there still is of a dataset after purges: states of its standardized table, and deliveries in landing."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.batches import accepted_from
from pipeline.home import Home
from pipeline.landing import batch_folder
from pipeline.state import oldest_state, standardized_table


@dataclass(frozen=True)
class Kept:
    """Numbers of batches, in order; looked up once, however many publications rest on them."""

    oldest_state: int
    whole: Sequence[int]
    missing: Sequence[int]

    def lacks_state(self, seq: int) -> bool:
        """Whether the state after a batch can be read no longer."""
        return seq < self.oldest_state

    def lacks_delivery(self, seq: int) -> bool:
        """Whether the state after a batch cannot be worked out again from what was received: the last whole delivery and all since."""
        place = bisect_right(self.whole, seq)
        first = self.whole[place - 1] if place else 1
        return self.lacks_state(seq) or bisect_left(self.missing, first) < bisect_right(self.missing, seq)


def what_is_kept(home: Home, contract_id: str) -> Kept:
    """Look at the catalog and at the folders of the accepted batches."""
    accepted = accepted_from(home.catalog, contract_id, 1)
    return Kept(
        oldest_state(home, standardized_table(contract_id)),
        [batch.seq for batch in accepted if batch.is_whole],
        [batch.seq for batch in accepted if not batch_folder(home.settings, contract_id, batch.seq).exists()],
    )
