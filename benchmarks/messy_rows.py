"""Texts as department tables have them, out of the clean ones of the generated city: each with what clerks, forms and other programs make of it.

What is done to the values of an element goes by its type: the faults and their shares are those that were seen in real tables, with texts that are
made here.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.landing import texts_of
from contracts.loader import load_contracts
from contracts.model import Contract
from core.settings import REPOSITORY
from demo.benchmark_city import DATASETS
from standards.characters import simplified
from standards.loader import load_standards

Fault = Callable[[str, random.Random], str]
REPEATED = 0.02  # of the rows have the key of the row before
_TRADITIONAL = {plain: other for other, plain in simplified().items()}
_DASHES = "-—–－~～―"
_NOTHING = ("/", "无", "不详", "-", "同上", "NULL", "***", "0", "　")


def _wide(text: str, dice: random.Random) -> str:
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text)


def _traditional(text: str, dice: random.Random) -> str:
    return "".join(_TRADITIONAL.get(one, one) for one in text)


def _spaced(text: str, dice: random.Random) -> str:
    place = dice.randrange(len(text) + 1)
    return f"{text[:place]}{dice.choice((' ', '  ', '　', chr(9)))}{text[place:]}"


def _bracketed(text: str, dice: random.Random) -> str:
    first, last = dice.choice(("()", "（）", "【】", "[]", "﹙﹚"))
    return f"{text}{first}{dice.choice('abcdABC')}座{last}"


def _with_former(text: str, dice: random.Random) -> str:
    return f"{text}（曾用名：{text[0]}小{text[-1]}）"


def _dashed(text: str, dice: random.Random) -> str:
    return text.replace("幢", dice.choice(_DASHES)).replace("单元", dice.choice(_DASHES))


def _with_commas(text: str, dice: random.Random) -> str:
    return text.replace("市", "市，").replace("区", "区，", 1)


def _noted(text: str, dice: random.Random) -> str:
    return f"{text}；备注：与户主同住，联系“物业”底商b1-{dice.randint(1, 99)}"


def _long(text: str, dice: random.Random) -> str:
    return text + "；与父母同住，租赁合同编号a-12，" * dice.randint(20, 100)


def _two(text: str, dice: random.Random) -> str:
    return f"{text}{dice.choice(('/', '、', ',', '；', ' '))}0571-8{dice.randint(0, 9_999_999):07d}"


def _hidden(text: str, dice: random.Random) -> str:
    return text[:3] + "*" * max(len(text) - 7, 1) + text[7:]


def _fifteen(text: str, dice: random.Random) -> str:
    return text[:6] + text[8:17]


def _other_check(text: str, dice: random.Random) -> str:
    return text[:-1] + dice.choice("0123456789X")


def _instead(*texts: str) -> Fault:
    return lambda text, dice: dice.choice(texts)


def _changed(old: str, new: str) -> Fault:
    return lambda text, dice: text.replace(old, new)


# Type of an element → share of its values → what is done to them.
FAULTS: Mapping[str, Sequence[tuple[float, Fault]]] = {
    "address": (
        (0.12, _bracketed),
        (0.1, _dashed),
        (0.08, _with_commas),
        (0.08, _wide),
        (0.08, _traditional),
        (0.08, _spaced),
        (0.06, _noted),
        (0.03, _long),
        (0.05, _instead("浙江省杭州市上城区解放路1号（集体户）")),
        (0.03, _instead(*_NOTHING)),
    ),
    # Of names and telephones few are refused, or the gates of the contracts would stop the batches.
    "person_name": ((0.1, _spaced), (0.04, _traditional), (0.02, _with_former), (0.002, _instead(*_NOTHING, "测试"))),
    "resident_id": (
        (0.03, _fifteen),
        (0.02, lambda text, dice: text.lower()),
        (0.02, _wide),
        (0.03, _spaced),
        (0.015, _other_check),
        (0.01, _instead("/", "无", "111111111111111111", "000000000000000000", "123456789012345678")),
        (0.01, _instead("330102199001011237")),
    ),
    "phone": (
        (0.12, _two),
        (0.07, lambda text, dice: f"+86 {text}"),
        (0.07, lambda text, dice: f"{text[:3]}-{text[3:7]}-{text[7:]}"),
        (0.06, _wide),
        (0.01, _hidden),
        (0.01, _instead("无", "/", "13800000000", "11111111111")),
        (0.01, _noted),
    ),
    "organization_name": ((0.2, _changed("有限公司", "（有限公司）")), (0.1, _wide), (0.1, _traditional), (0.1, _spaced)),
    "code": ((0.06, _spaced), (0.04, _wide), (0.04, _instead("未知", "其它", "?", "不详"))),
    "date": (
        (0.03, _changed("-", "/")),
        (0.02, _changed("-", "")),
        (0.02, _spaced),
        (0.02, _wide),
        (0.01, _instead("0000-00-00", "2099-01-01")),
    ),
}


def write_messy(clean: Path, target: Path, seed: int) -> None:
    """Write the tables of a generated city anew, as texts with their faults."""
    target.mkdir(parents=True)
    standards = load_standards()
    for contract in load_contracts([REPOSITORY / "demo" / "contracts" / f"{dataset}.yml" for dataset in DATASETS], standards):
        kinds = {source.column: standards.elements[element].type for element, source in contract.elements.items()}
        dice = random.Random(f"{seed} {contract.id}")  # noqa: S311  which values have which faults
        name = f"{contract.id}.parquet"
        _write(contract, clean / name, target / name, kinds, dice)


def _write(contract: Contract, clean: Path, target: Path, kinds: Mapping[str, str], dice: random.Random) -> None:
    with (
        pq.ParquetFile(clean) as file,
        pq.ParquetWriter(target, pa.schema([(name, pa.string()) for name in file.schema_arrow.names])) as writer,
    ):
        for batch in texts_of(file):
            columns = {name: batch[name].to_pylist() for name in batch.schema.names}
            for name in columns.keys() & kinds.keys():
                columns[name] = list(messy(columns[name], FAULTS.get(kinds[name], ()), dice))
            for name in contract.record_key:
                for place in range(1, len(batch), round(1 / REPEATED)):
                    columns[name][place] = columns[name][place - 1]
            writer.write(pa.table(columns, schema=writer.schema))


def messy(texts: Sequence[str | None], faults: Sequence[tuple[float, Fault]], dice: random.Random) -> Iterator[str | None]:
    """The texts, of which each fault has its share."""
    for text in texts:
        drawn = dice.random()
        for share, fault in faults:
            drawn -= share
            if drawn < 0:
                yield text and fault(text, dice)
                break
        else:
            yield text
