"""What python-stdnum says about the credit codes of a delivery, beside what the hub says.

python-stdnum asks for eight digits in front, so it refuses the authorities A, N and Y of GB 32100-2015, and tests neither the pair of
authority and category nor the inner check character. Every other difference would be a fault of the one or the other.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

import duckdb
from stdnum.cn import uscc

from contracts.model import Contract
from pipeline.landing import batch_folder
from tests.examples.deliveries import Hub, file_of, has_header, rows_of

CODE = "unified_social_credit_code"
# As INDEX.csv counts: any run of eighteen letters and digits of the code's alphabet, in any cell.
_RUN = re.compile("(?<![0-9A-Z])[0-9A-HJ-NPQRTUWXY]{18}(?![0-9A-Z])")


@cache
def is_valid(text: str) -> bool:
    return bool(uscc.is_valid(text))


@dataclass(frozen=True)
class Verdict:
    """One distinct text in the column of credit codes: in how many rows, and what became of it."""

    rows: int
    issues: tuple[str, ...]
    value: str | None
    is_accepted: bool

    @property
    def is_right(self) -> bool:
        """No issue, and not missing. A row set aside for another reason publishes no value, so there only the issues speak."""
        return not self.issues and (self.value is not None or not self.is_accepted)


def verdicts(hub: Hub, contract: Contract) -> dict[str, Verdict]:
    """The hub's verdict on every distinct text, put together from landing, issues and the standardized table."""
    assert hub.batch(contract.id).status == "accepted"
    settings, table = hub.home.settings, f"std_{contract.id}"
    landed = batch_folder(settings, contract.id, 1) / "rows.parquet"
    log, found = (settings.lake_dir / table / f"{kind}-00000001.parquet" for kind in ("log", "issues"))
    column = contract.elements[CODE].column
    issues = f"SELECT _position, list(issue_type) AS issues FROM '{found}' WHERE element = '{CODE}' GROUP BY 1"
    if not found.exists():
        issues = "SELECT NULL::bigint AS _position, NULL::varchar[] AS issues WHERE false"
    with duckdb.connect() as connection:
        rows = connection.execute(
            f'SELECT "{column}", count(*), list_sort(list_distinct(flatten(list(coalesce(issues, []))))), max({CODE}), '
            f"count(DISTINCT {CODE}), bool_or(g._position IS NOT NULL) FROM '{landed}' LEFT JOIN ({issues}) USING (_position) "
            f"LEFT JOIN '{log}' g USING (_position) GROUP BY 1"
        ).fetchall()
    assert all(values <= 1 for *_, values, _ in rows), "one text was read in two ways"
    return {raw: Verdict(count, tuple(found), value, accepted) for raw, count, found, value, _, accepted in rows}


def comparison(found: dict[str, Verdict]) -> Counter[str]:
    """Rows by what the two say of their text; every difference has a word of its own."""
    result: Counter[str] = Counter()
    for raw, verdict in found.items():
        result[_word(raw, verdict)] += verdict.rows
    return result


def accepted_by_stdnum(hub: Hub, contract: Contract) -> int:
    """Rows whose text in the column of credit codes python-stdnum accepts as it stands, by what landed."""
    found = comparison(verdicts(hub, contract))
    return sum(rows for word, rows in found.items() if word == "both accept" or word.startswith("only stdnum"))


def _word(raw: str, verdict: Verdict) -> str:
    stdnum = is_valid(raw)
    if verdict.is_right == stdnum:
        return "both accept" if stdnum else "both refuse"
    if stdnum:
        return f"only stdnum accepts: {'+'.join(verdict.issues)}"
    if verdict.value is not None and verdict.value[0] in "ANY":
        return "only the hub accepts: authority A, N or Y"
    if verdict.value is not None and verdict.value != raw and is_valid(verdict.value):
        return "only the hub accepts: repaired"
    return "unexplained"


@dataclass(frozen=True)
class Counted:
    """Credit codes in all cells of a file as INDEX.csv counts them, and where they stand."""

    seen: int
    valid: int
    column: int  # cells of the mapped column that are a right code as they stand
    broken_up: int  # … of which the count of runs misses these: blanks inside
    within: int  # right codes with other text before or behind them, in the mapped column
    elsewhere: int  # right codes in other columns


def count_codes(contract: Contract) -> Counted:
    rows = rows_of(file_of(contract))
    column = contract.elements[CODE].column
    header = 0 if has_header(contract) else -1
    while has_header(contract) and column not in map(str.strip, rows[header]):
        header += 1
    place = int(column) - 1 if header < 0 else [name.strip() for name in rows[header]].index(column)
    runs = [(at == place, cell, run) for row in rows for at, cell in enumerate(row) for run in _RUN.findall(cell.upper())]
    right = [(mapped, cell) for mapped, cell, run in runs if is_valid(run)]
    cells = [row[place] for row in rows[header + 1 :]]
    return Counted(
        # Eighteen digits that are no right code may be anything, so INDEX.csv leaves them out.
        seen=len(right) + sum(not is_valid(run) and not run.isdigit() for _, _, run in runs),
        valid=len(right),
        column=sum(map(is_valid, cells)),
        broken_up=sum(is_valid(cell) and not _RUN.search(cell.upper()) for cell in cells),
        within=sum(mapped and not is_valid(cell) for mapped, cell in right),
        elsewhere=sum(not mapped for mapped, _ in right),
    )
