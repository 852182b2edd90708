"""What a user would write instead: pandas, python-stdnum for every identity number, Great Expectations on the frame, groupby for the merge.

It does less than the hub: no digests, no comparison with the snapshot before, no positions, no links, no history, no issue per value.
"""

import json
import re
import sqlite3
import sys
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import great_expectations as gx
import pandas as pd
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from contracts.loader import load_contracts
from contracts.model import Contract
from core.settings import REPOSITORY
from demo.benchmark_city import DATASETS
from quality.suites import expectation
from registries.definition import get_definition
from standards.checks import checks
from standards.loader import load_standards
from standards.model import DataElement, Schema
from standards.spellings import lookup_table

_DATES = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y年%m月%d日")
_STOCK = ("not_null", "regex", "in_set", "length")  # what Great Expectations checks on a frame without code of one's own


def _identity_number(text: str) -> str | None:
    number = str(ric.compact(unicodedata.normalize("NFKC", text)))
    try:
        return str(ric.validate(number))
    except KeyError:  # counties that its table knows without a name
        return number
    except ValidationError:
        return None


def _text(text: str) -> str | None:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)) or None


def _phone(text: str) -> str | None:
    digits = re.sub(r"^(\+?86)?0?(?=1)", "", re.sub(r"[\s()-]", "", text))
    return digits if re.fullmatch("1[3-9][0-9]{9}|0[0-9]{9,11}", digits) else None


_VALUES: dict[str, Callable[[str], str | None]] = {"resident_id": _identity_number, "phone": _phone}


def standard_column(raw: "pd.Series[Any]", element: DataElement) -> "pd.Series[Any]":
    """One element from one source column."""
    if element.type == "date":
        found: pd.Series[Any] = pd.Series(pd.NaT, index=raw.index)
        for form in _DATES:
            found = found.fillna(pd.to_datetime(raw, format=form, errors="coerce"))
        days: pd.Series[Any] = found.dt.strftime("%Y-%m-%d")
        return days
    if element.type in ("code", "division"):
        codes: pd.Series[Any] = raw.map(lookup_table(element))
        return codes
    return raw.map(_VALUES.get(element.type, _text), na_action="ignore")


def standard_frame(path: Path, contract: Contract) -> pd.DataFrame:
    """One department's table with the hub's elements for columns."""
    raw = pd.read_parquet(path)
    elements = load_standards().elements
    columns = {}
    for name, source in contract.elements.items():
        column = raw[source.column].map({**source.lookup}).fillna(raw[source.column]) if source.lookup else raw[source.column]
        columns[name] = standard_column(column if column.dtype == "str" else column.astype("str").where(column.notna()), elements[name])
    return pd.DataFrame(columns)


def validate(frame: pd.DataFrame, schema: Schema) -> None:
    """Run those of the hub's expectations that need no code of one's own."""
    uses = [use for use in schema.uses if use.element.id in frame.columns]
    wanted = [expectation(check) for check in checks(uses) if check.kind in _STOCK]
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    batch = context.data_sources.add_pandas("frame").add_dataframe_asset("batch").add_batch_definition_whole_dataframe("whole")
    suite = gx.ExpectationSuite(name="batch", expectations=wanted)
    batch.get_batch({"dataframe": frame}).validate(suite, result_format="BASIC")


def merge(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per identity number: of each element the first value, sources in the registry's order of ranks."""
    rank = get_definition("population").ranks["default"]
    ordered = sorted(frames, key=lambda dataset: rank.index(dataset.split("__")[0]))
    rows = pd.concat([frames[dataset] for dataset in ordered], ignore_index=True)
    return rows[rows["resident_id"].notna()].groupby("resident_id", sort=True).first().reset_index()


def run(sources: Path, target: Path) -> dict[str, float]:
    """Build the population table from the five files, and return rows and processor seconds; imports are not counted."""
    standards = load_standards()
    paths = [REPOSITORY / "demo" / "contracts" / f"{dataset}.yml" for dataset in DATASETS]
    contracts = load_contracts(paths, standards)
    began, frames, seconds = time.process_time(), {}, {}
    for contract in contracts:
        frames[contract.id] = standard_frame(sources / f"{contract.id}.parquet", contract)
    seconds["standardize"] = time.process_time() - began
    for frame in frames.values():
        validate(frame, standards.schemas["population"])
    seconds["validate"] = time.process_time() - began - sum(seconds.values())
    for dataset, frame in frames.items():
        frame.to_parquet(target / f"{dataset}.parquet", compression="zstd")
    base = merge(frames)
    base.to_parquet(target / "base_population.parquet", compression="zstd")
    connection = sqlite3.connect(target / "serving.db")
    base.to_sql("base_population", connection, index=False, chunksize=20_000)
    connection.commit()
    seconds["merge and write"] = time.process_time() - began - sum(seconds.values())
    return {"rows": sum(map(len, frames.values())), "entities": len(base), **seconds}


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), Path(sys.argv[2]))))
