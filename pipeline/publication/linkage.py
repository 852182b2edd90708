"""Training the linkage model of a registry on the hub's own records: those with an identifier show how records of one entity differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from catalog.batches import batch_at
from catalog.datasets import contract_at
from core.engine import Engine, literal, quote
from core.leases import holding
from pipeline.home import Home
from pipeline.resolve import schema_elements
from pipeline.state import log_columns, standardized_table, state
from registries.linkage.chart import weights_page
from registries.linkage.model import Trained, kept_path, learned_path, model_path, read_model
from registries.linkage.train import train
from registries.publications import inputs_of, published
from registries.tables import lease
from standards.loader import load_standards

# Another training writes its three files in less than a second.
PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True)
class Training:
    """What came of a training: the model with its parameters, and the files that were written."""

    trained: Trained
    parameters: Path
    chart: Path


def train_linkage(home: Home, registry: str) -> Training:
    """Learn from the records that the current publication has taken in. Prediction takes the parameters from then on; those before are kept.

    Raises RequestError where nothing has been published, or no two records have the same label, or all have.
    """
    model = read_model(model_path(registry))
    with Engine(home.settings, threads=1) as engine:
        datasets = read_records(engine, home, registry, [*model.elements, model.training.label or ""], "records")
        trained = Trained(model=model, parameters=train(engine, model, "records", ", ".join(datasets)))
    # One after the other: the chart is that of the parameters beside it, whoever trains at the same time.
    with holding(home.serving, lease, f"training/{registry}", home.settings.actor, patience=PATIENCE):
        return _written(home, registry, trained)


def _written(home: Home, registry: str, trained: Trained) -> Training:
    path = learned_path(home.settings.home, registry)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    for left in (*path.parent.glob(f"{registry}.new"), *path.parent.glob(f"{registry}-*.new")):
        left.unlink()  # by a training that was killed: whoever writes is alone
    chart, learned = path.with_suffix(".html"), trained.parameters.model_dump_json(indent=1) + "\n"
    for file, text in ((chart, weights_page(trained)), (kept_path(home.settings.home, trained.parameters), learned), (path, learned)):
        written = file.with_suffix(".new")
        written.write_text(text, encoding="utf-8")
        written.replace(file)  # at once: a prediction beside it reads the old parameters or the new ones
    return Training(trained, path, chart)


def read_records(engine: Engine, home: Home, registry: str, elements: Sequence[str], into: str) -> list[str]:
    """Make the table `into` of all records of the current publication: `_record_id`, `_dataset` and those of the elements that any dataset has.

    Returns the datasets. Raises RequestError where nothing has been published.
    """
    number = published(home.serving, registry).number
    standards = load_standards()
    # Of no dataset at all, where all are withheld, there is a table too.
    parts, datasets = ["SELECT NULL::uuid AS _record_id, '' AS _dataset WHERE false"], []
    for item in inputs_of(home.serving, registry, number).values():
        contract = contract_at(home.catalog, item.contract_id, batch_at(home.catalog, item.contract_id, item.batch_seq).contract_version)
        columns = log_columns(contract, standards)
        supplied = [name for name in schema_elements(contract, standards.schemas[registry], standards) if name in elements]
        if item.withheld or not supplied:
            continue
        rows = state(home, standardized_table(contract.id), {name: columns[name] for name in ("_record_id", *supplied)}, item.batch_seq)
        parts.append(f"SELECT _record_id, {literal(contract.id)} AS _dataset, {', '.join(map(quote, supplied))} FROM {rows}")
        datasets.append(contract.id)
    engine.run(f"CREATE TABLE {into} AS {' UNION ALL BY NAME '.join(parts)}", doing=f"reading the records of {registry}")
    return datasets
