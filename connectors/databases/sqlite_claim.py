"""Count and digests of an SQLite table, computed by a process beside the reading one (`connectors.databases.sqlite_digest`)."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any, TypeVar

from connectors.claim import MIXED, TOO_LONG, Claim, canonical, no_digest, plan_digest
from connectors.databases.identifiers import quote
from connectors.databases.increment import Parameter
from connectors.extraction import TRY_LATER
from contracts.model import Contract
from core.errors import SourceError
from core.sums import MODULUS

Opened = TypeVar("Opened")
_PROGRAM = Path(__file__).with_name("sqlite_digest.py")
# How often the two transactions are opened anew where something is committed in between.
_ATTEMPTS, _PAUSE_SECONDS = 5, 0.05
_MARK, _SEPARATOR = "char(30)", "char(31)"
_MOST_COLUMNS = 400  # of a probe: SQLite gives a result 2,000 columns, and each of these is long
_ONE_STATE = "two read transactions between which nothing was committed, as the database's change counter shows"
_MOVING = "the database was written to without a pause, so that count and rows are not of one state"


@contextmanager
def counting(
    contract: Contract, path: Path, relation: str, names: Sequence[str], parameters: Sequence[Parameter] = ()
) -> "Iterator[Counter]":
    """A process that counts and digests a table, or part of it (SQL with its parameters), whose columns `names` are read."""
    # Isolated and without site packages: it needs none, and starts in a tenth of the time.
    process = subprocess.Popen([sys.executable, "-I", "-S", str(_PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    timer = Timer(contract.reading.statement_timeout_seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield Counter(contract, path, relation, names, parameters, process)
    finally:
        timer.cancel()
        process.kill()
        process.communicate()


class Counter:
    """The conversation with the process. `beside` opens what reads the rows, `claim` gives the source's account of them."""

    def __init__(
        self,
        contract: Contract,
        path: Path,
        relation: str,
        names: Sequence[str],
        parameters: Sequence[Parameter],
        process: "subprocess.Popen[str]",
    ) -> None:
        self._contract, self._relation, self._process = contract, relation, process
        self._columns = [name for name in contract.source_columns if name in names]
        self._one_state = False
        count = f"SELECT count(*) FROM {relation}"
        self._tell({"path": str(path), "probe": self._probe(), "count": count, "parameters": list(parameters)})
        self._hear()

    def _probe(self) -> str:
        """SQL for whether each column holds numbers or bytes that cannot be compared; empty where there are too many columns to ask."""
        if len(self._columns) > _MOST_COLUMNS or no_digest(self._contract, plan_digest(self._contract, self._columns, {})):
            return ""
        asked = (f"coalesce(max(typeof({quote(name)}) IN ('real', 'blob')), 0)" for name in self._columns)
        return f"SELECT {', '.join(asked)} FROM {self._relation}"

    def beside(self, begin: Callable[[], Opened]) -> Opened:
        """What `begin` gives, opened in the state of the database that is counted, and the counting begun."""
        for attempt in range(_ATTEMPTS):
            opened = begin()
            self._tell("check")
            self._one_state = bool(self._hear().get("same"))
            if self._one_state:
                break
            if attempt + 1 < _ATTEMPTS:
                time.sleep(_PAUSE_SECONDS)
                self._tell("again")
                self._hear()
        self._tell("go")
        return opened

    def claim(self) -> Claim:
        """What the process found; only a reason where rows and count would not be of one state."""
        counted = self._hear()
        excluded = {name: MIXED for name, mixed in zip(self._columns, counted.get("mixed", ()), strict=False) if mixed}
        plan = plan_digest(self._contract, self._columns, excluded)
        if not self._one_state:
            return Claim("SQLite", _MOVING, None, plan, reason=_MOVING)
        engine = f"SQLite {counted['version']}" if "version" in counted else "SQLite"
        reason = no_digest(self._contract, plan) or ("" if self._probe() else "the table has too many columns")
        self._tell(None if reason else self._statement(plan.key, plan.columns))
        parts = self._hear().get("parts")
        found = None if parts is None else {part: (int(rows), int(total) % MODULUS) for part, (rows, total) in parts.items()}
        reason = reason or ("" if found is not None else TOO_LONG)
        return Claim(f"{engine}; sha256 by the hub beside it", _ONE_STATE, counted.get("rows"), plan, found, reason)

    def _statement(self, key: Sequence[str], columns: Sequence[str]) -> str:
        of_key = canonical([_canonical(name) for name in key], _SEPARATOR) if key else "NULL"
        return f"SELECT {of_key}, {canonical([_canonical(name) for name in columns], _SEPARATOR)} FROM {self._relation}"

    def _tell(self, message: Any) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write((message if isinstance(message, str) and message in _WORDS else json.dumps(message)) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # what has become of it, its answer tells

    def _hear(self) -> Mapping[str, Any]:
        """The next answer; nothing where the process was ended because it took too long."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {}
        if "error" in answer:
            raise SourceError(
                f"{self._contract.id}: the rows cannot be counted (connection {self._contract.source.connection}, {answer['error']})",
                hint=TRY_LATER,
                transient=True,
            )
        return answer


_WORDS = ("check", "again", "go")


def _canonical(name: str) -> str:
    """A value's place in the canonical text: an integer as it is, a text with the marks inside written otherwise, null as a mark."""
    text = f"replace(replace(CAST({quote(name)} AS TEXT), {_MARK}, {_MARK} || 'e'), {_SEPARATOR}, {_MARK} || 's')"
    return f"coalesce({text}, {_MARK} || 'n')"
