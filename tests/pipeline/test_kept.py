"""What is kept of a dataset, held against looking at every batch."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.operation.kept import Kept

SEQS = st.integers(1, 12)


@given(accepted=st.dictionaries(SEQS, st.tuples(st.booleans(), st.booleans())), oldest=st.integers(0, 12), seq=SEQS)
def test_a_delivery_is_lacking_where_any_batch_of_it_is(accepted: dict[int, tuple[bool, bool]], oldest: int, seq: int) -> None:
    """`accepted`: by batch, whether it held all of its source, and whether its folder is gone."""
    batches = sorted(accepted.items())
    kept = Kept(oldest, [number for number, (whole, _) in batches if whole], [number for number, (_, gone) in batches if gone])
    upto = {number: facts for number, facts in batches if number <= seq}
    first = max((number for number, (whole, _) in upto.items() if whole), default=1)
    assert kept.lacks_delivery(seq) == (seq < oldest or any(gone for number, (_, gone) in upto.items() if number >= first))
