"""What a publication has found and a person has to decide: conflicts under one identifier, and judgements that contradict each other."""

from catalog.datasets import dataset_numbers
from core.engine import Engine, uuid_literal
from pipeline.home import Home
from pipeline.publication.conflicts import DISPUTED
from pipeline.publication.placing import EXAMINED, LEFT_OUT, REACHED
from registries.candidates import CONTRADICTION, Candidate, drop, found_by, found_by_versions, offer
from registries.definition import ConflictRule, RegistryDefinition
from registries.judgements import Side


def offer_found(engine: Engine, home: Home, definition: RegistryDefinition, *, judged: bool) -> None:
    """Put before a person what the publication has found, and no longer what it has found to be over. Again and again is as once."""
    if definition.conflict is not None:
        _offer_disputes(engine, home, definition.id, definition.conflict)
    if judged:
        _offer_contradictions(engine, home, definition.id)


def _offer_disputes(engine: Engine, home: Home, registry: str, rule: ConflictRule) -> None:
    contracts = {number: contract_id for contract_id, number in dataset_numbers(home.catalog).items()}
    rows = engine.rows(
        f"SELECT _record_id::varchar, _dataset, anchor::varchar, anchor_dataset FROM {DISPUTED} WHERE anchor IS NOT NULL ORDER BY 1"
    )
    found = {pair_of(name, anchor): (Side(name, contracts[of]), Side(anchor, contracts[its])) for name, of, anchor, its in rows}
    # What an earlier version of the rule has found is over too, where this one does not find it.
    before = {
        pair_of(item.left.record_id, item.right.record_id): item.method for item in found_by_versions(home.serving, registry, rule.id)
    }
    ids = ", ".join(uuid_literal(name) for name in sorted({name for pair in before for name in pair})) or "NULL"
    examined = {row[0] for row in engine.rows(f"SELECT _record_id::varchar FROM {EXAMINED} WHERE _record_id IN ({ids})")}
    drop(home.serving, registry, sorted(pair for pair in before.keys() - found.keys() if not examined.isdisjoint(pair)))
    offer(home.serving, registry, [Candidate(*sides, rule.name) for pair, sides in found.items() if before.get(pair) != rule.name])


def pair_of(left: str, right: str) -> tuple[str, str]:
    """Record ids as a pair is kept."""
    return (left, right) if left < right else (right, left)


def _offer_contradictions(engine: Engine, home: Home, registry: str) -> None:
    rows = engine.rows(f"SELECT left_record, left_dataset, right_record, right_dataset, coalesce(score, 0) FROM {LEFT_OUT} ORDER BY 1, 3")
    before = [(item.left.record_id, item.right.record_id) for item in found_by(home.serving, registry, CONTRADICTION)]
    reached = {row[0] for row in engine.rows(f"SELECT node FROM {REACHED}")} if before else set()
    drop(home.serving, registry, [pair for pair in before if pair[0] in reached])
    offer(home.serving, registry, [Candidate(Side(a, of), Side(b, its), CONTRADICTION, score) for a, of, b, its, score in rows])
