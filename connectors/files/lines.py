"""In which line of a text file each row begins.

The parser hands over good rows in batches and calls back for ragged ones; neither knows its line. A row takes one line and one more for
every line break inside its values, so the lines follow from putting both kinds back in order.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from core.nouns import noun

Lines = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Ragged:
    number: int  # among all rows of the file, from 1
    height: int
    reason: str


class LineCount:
    """Counts lines while the rows of one file go by."""

    def __init__(self, first_line: int) -> None:
        self.next_line = first_line
        self.last_height = 1
        self._rows = 0  # good and ragged ones that have their line
        self._waiting: list[_Ragged] = []

    def refuse(self, row: pyarrow.csv.InvalidRow) -> str:
        """Remember a ragged row; the parser then leaves it out."""
        is_blank = not row.text.strip()  # a line of blanks only is one value
        reason = (
            "the row is blank"
            if is_blank
            else f"the row has {(has := row.actual_columns)} {noun(has, 'value')}, the header {row.expected_columns}"
        )
        self._waiting.append(_Ragged(row.number, 1 + row.text.count("\n"), reason))
        return "skip"

    def place(self, batch: pa.RecordBatch, *, has_quotes: bool) -> tuple[Lines, list[tuple[int, str]]]:
        """The line of each row of the next batch, and line and reason of the ragged rows that lie before its last one."""
        heights = np.ones(batch.num_rows, dtype=np.int64)
        for column in batch.columns if has_quotes else ():
            if _has_breaks(column):
                heights += pc.count_substring(column, "\n").to_numpy(zero_copy_only=False)
        return self._merge(heights)

    def finish(self) -> list[tuple[int, str]]:
        """Line and reason of the ragged rows after the last good one."""
        return self._merge(np.ones(0, dtype=np.int64))[1]

    def _merge(self, heights: Lines) -> tuple[Lines, list[tuple[int, str]]]:
        # The place of a ragged row among the good ones: its number less the rows before the batch and the ragged ones since.
        places = [ragged.number - 1 - self._rows - earlier for earlier, ragged in enumerate(self._waiting)]
        due = sum(place < len(heights) for place in places) if len(heights) else len(places)
        ragged, self._waiting = self._waiting[:due], self._waiting[due:]
        if ragged:
            is_ragged = np.insert(np.zeros(len(heights), dtype=bool), places[:due], True)
            heights = np.insert(heights, places[:due], [row.height for row in ragged])
        else:
            is_ragged = np.zeros(len(heights), dtype=bool)
        starts = self.next_line + np.cumsum(heights) - heights
        self._rows += len(heights)
        if len(heights):
            self.next_line += int(heights.sum())
            self.last_height = int(heights[-1])
        refused = [(int(line), row.reason) for line, row in zip(starts[is_ragged], ragged, strict=True)]
        return starts[~is_ragged], refused


def _has_breaks(column: pa.StringArray) -> bool:
    """Whether a line break stands anywhere in the column; far quicker to see than to count."""
    text = column.buffers()[2]
    return text is not None and bool((np.frombuffer(text, np.uint8) == ord("\n")).any())
