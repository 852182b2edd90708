"""What a user would write instead to come to the same tables: pandas, python-stdnum, Great Expectations on the frame, groupby for the merge.

It ends where the hub ends: record ids and digests, standard values, every refusal with its row, bad rows set aside, one row per person with
where each value came from, links, files and a serving table. It still does less: no repair beyond what `pandas_values` names, no divisions
resolved inside addresses, no counts that must agree, no commit that a crash could not tear.
"""

import hmac
import json
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import great_expectations as gx
import pandas as pd

from benchmarks.pandas_values import Read, reader
from contracts.loader import load_contracts
from contracts.model import Contract
from core.settings import REPOSITORY
from demo.benchmark_city import DATASETS
from quality.suites import expectation
from registries.definition import get_definition
from standards.checks import checks
from standards.loader import load_standards
from standards.model import DataElement, Schema

_DATES = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y年%m月%d日")
_STOCK = ("not_null", "regex", "in_set", "length")  # what Great Expectations checks on a frame without code of one's own
_SECRET = b"a key of the comparison"


def landed(path: Path, contract: Contract) -> pd.DataFrame:
    """A department's rows with a record id and a row digest: what landing gives the hub, and not counted for either."""
    raw = pd.read_parquet(path)
    texts = raw.fillna("").astype("str")
    keys = zip(*(texts[column] for column in contract.record_key), strict=True)
    raw["_record_id"] = [keyed(contract.id, *key) for key in keys]
    raw["_row_digest"] = [keyed(*row) for row in texts.itertuples(index=False)]
    return raw


def keyed(*parts: str) -> str:
    """The keyed digest of some texts."""
    return hmac.digest(_SECRET, "\x1f".join(parts).encode(), "sha256")[:16].hex()


def read_column(raw: "pd.Series[Any]", element: DataElement, lookup: dict[str, str]) -> tuple["pd.Series[Any]", "pd.Series[Any]"]:
    """One element from one source column: its values, and what is wrong where there is none."""
    if element.type == "date":
        found: pd.Series[Any] = pd.Series(pd.NaT, index=raw.index)
        for form in _DATES:
            found = found.fillna(pd.to_datetime(raw, format=form, errors="coerce"))
        wrong = (found.isna() & raw.notna()).map({True: "no-such-date", False: None})
        return found.dt.strftime("%Y-%m-%d"), wrong
    read = reader(element, lookup)
    answers: list[Read] = [read(text) if isinstance(text, str) else (None, None) for text in raw]
    return pd.Series([value for value, _ in answers], index=raw.index), pd.Series([issue for _, issue in answers], index=raw.index)


def standard_frame(raw: pd.DataFrame, contract: Contract) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One department's table with the hub's elements for columns, and its issues: record id, element, issue."""
    elements = load_standards().elements
    frame, issues = raw[["_record_id", "_row_digest"]].copy(), []
    for name, source in contract.elements.items():
        frame[name], wrong = read_column(
            raw[source.column].astype("str").where(raw[source.column].notna()), elements[name], dict(source.lookup)
        )
        wrong = wrong.dropna()
        issues.append(pd.DataFrame({"_record_id": frame["_record_id"].loc[wrong.index], "element": name, "issue": wrong}))
    frame["_valid_from"] = pd.to_datetime(raw[contract.as_of.column], errors="coerce") if contract.as_of else pd.NaT
    return frame, pd.concat(issues, ignore_index=True)


def validate(frame: pd.DataFrame, schema: Schema) -> None:
    """Run those of the hub's expectations that need no code of one's own, naming every row that fails."""
    uses = [use for use in schema.uses if use.element.id in frame.columns]
    wanted = [expectation(check) for check in checks(uses) if check.kind in _STOCK]
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    batch = context.data_sources.add_pandas("frame").add_dataframe_asset("batch").add_batch_definition_whole_dataframe("whole")
    suite = gx.ExpectationSuite(name="batch", expectations=wanted)
    named = {"result_format": "COMPLETE", "unexpected_index_column_names": ["_record_id"]}
    batch.get_batch({"dataframe": frame}).validate(suite, result_format=named)


def accepted(frame: pd.DataFrame, issues: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The rows that may be published: once each, without an issue in an element that stops a row."""
    stopping = {use.element.id for use in schema.uses if use.critical}
    bad = issues.loc[issues["element"].isin(stopping), "_record_id"]
    required = [use.element.id for use in schema.uses if use.required and use.element.id in frame.columns]
    rows = frame[~frame["_record_id"].isin(bad) & frame[required].notna().all(axis=1)]
    return rows.drop_duplicates(["_record_id", "_row_digest"]).drop_duplicates("_record_id", keep=False)


def merge(frames: dict[str, pd.DataFrame], schema: Schema) -> pd.DataFrame:
    """One row per identity number: of each element the value of the best-ranked source that has one, and which source that was."""
    definition = get_definition("population")
    best = {
        dataset: frame.sort_values(["_valid_from", "_record_id"], ascending=[False, True])
        .drop_duplicates("resident_id")
        .set_index("resident_id")
        for dataset, frame in frames.items()
    }
    numbers = pd.Index(sorted(set().union(*(frame.index for frame in best.values()))), name="resident_id")
    base = pd.DataFrame(index=numbers)
    for use in schema.uses:
        having = [dataset for dataset in best if use.element.id in best[dataset].columns]
        value = pd.Series(pd.NA, index=numbers, dtype="str")
        origin = pd.Series(pd.NA, index=numbers, dtype="str")
        for dataset in sorted(having, key=lambda item, name=use.element.id: definition.rank(name, item.split("__")[0])):  # type: ignore[misc]
            offered = best[dataset][use.element.id].reindex(numbers)
            origin = origin.mask(value.isna() & offered.notna(), dataset)
            value = value.fillna(offered)
        if having:
            base[use.element.id], base[f"_from_{use.element.id}"] = value, origin
    return base.reset_index() if "resident_id" not in base.columns else base.reset_index(drop=True)


def row_digests(base: pd.DataFrame) -> list[str]:
    """The digest of every base row over all its values."""
    return [keyed(*row) for row in base.fillna("").itertuples(index=False)]


def run(sources: Path, target: Path) -> dict[str, float]:
    """Build the population table from the five files, and return rows and processor seconds; imports are not counted."""
    standards = load_standards()
    schema = standards.schemas["population"]
    contracts = load_contracts([REPOSITORY / "demo" / "contracts" / f"{dataset}.yml" for dataset in DATASETS], standards)
    for contract in contracts:
        landed(sources / f"{contract.id}.parquet", contract).to_parquet(target / f"{contract.id}.landed.parquet")
    began, seconds, read, rows = time.process_time(), {}, {}, {}
    for contract in contracts:
        read[contract.id] = standard_frame(pd.read_parquet(target / f"{contract.id}.landed.parquet"), contract)
    seconds["standardize"] = time.process_time() - began
    for frame, _ in read.values():
        validate(frame, schema)
    seconds["validate"] = time.process_time() - began - sum(seconds.values())
    for dataset, (frame, issues) in read.items():
        rows[dataset] = accepted(frame, issues, schema)
        rows[dataset].to_parquet(target / f"{dataset}.parquet", compression="zstd")
        issues.to_parquet(target / f"{dataset}.issues.parquet", compression="zstd")
    linked = {dataset: frame[frame["resident_id"].notna()] for dataset, frame in rows.items()}
    base = merge(linked, schema)
    ids = {number: keyed("population", number) for number in base["resident_id"]}
    base.insert(0, "_canonical_id", base["resident_id"].map(ids))
    base["_row_digest"] = row_digests(base)
    links = pd.concat([frame[["_record_id"]].assign(_canonical_id=frame["resident_id"].map(ids)) for frame in linked.values()])
    links.to_parquet(target / "links.parquet", compression="zstd")
    base.to_parquet(target / "base_population.parquet", compression="zstd")
    connection = sqlite3.connect(target / "serving.db")
    base.to_sql("base_population", connection, index=False, chunksize=20_000, if_exists="replace")
    connection.execute("CREATE INDEX ix_identity ON base_population (resident_id)")
    connection.commit()
    seconds["merge and write"] = time.process_time() - began - sum(seconds.values())
    return {"rows": sum(len(frame) for frame, _ in read.values()), "entities": len(base), **seconds}


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), Path(sys.argv[2]))))
