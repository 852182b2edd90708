"""What others would use to bring a table into a Parquet file (zstd): `PEER KIND ADDRESS FOLDER TABLE`, one JSON line out.

Nothing of the hub is imported: the peers live in an environment of their own, whose Python HUB_BENCH_PEERS names.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

_CHUNK = 100_000


def connectorx(kind: str, address: str, folder: Path, table: str) -> int:
    """ConnectorX into one Arrow table."""
    import connectorx as cx
    import pyarrow.parquet as pq

    found = cx.read_sql(_for_connectorx(kind, address), f"SELECT * FROM {table}", return_type="arrow")
    pq.write_table(found, folder / "peer.parquet", compression="zstd")
    return int(found.num_rows)


def _for_connectorx(kind: str, address: str) -> str:
    """Its own ways of writing a file's path and a server's socket."""
    parts = urlsplit(address)
    socket = parse_qs(parts.query).get("host")
    if kind == "postgresql" and socket and not parts.hostname:
        return f"postgresql://{parts.username}@{quote(socket[0], safe='')}{parts.path}"
    return address.replace("sqlite:///", "sqlite://", 1) if kind == "sqlite" else address


def pandas(kind: str, address: str, folder: Path, table: str) -> int:
    """pandas.read_sql or read_csv, in chunks, as its guide advises for what may not fit."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    chunks: Any
    if kind == "csv":
        chunks = pd.read_csv(folder / "rows.csv", dtype=str, keep_default_na=False, chunksize=_CHUNK)
    else:
        import sqlalchemy as sa

        engine = sa.create_engine(_for_sqlalchemy(address))
        connection = engine.connect().execution_options(stream_results=True)
        chunks = pd.read_sql(sa.text(f"SELECT * FROM {table}"), connection, chunksize=_CHUNK)
    rows, writer = 0, None  # type: int, Any
    for chunk in chunks:
        part = pa.Table.from_pandas(
            chunk.astype(str) if kind == "csv" else chunk, preserve_index=False, schema=writer.schema if writer else None
        )
        writer = writer or pq.ParquetWriter(folder / "peer.parquet", part.schema, compression="zstd")
        writer.write_table(part)
        rows += len(chunk)
    if writer:
        writer.close()
    return rows


def _for_sqlalchemy(address: str) -> str:
    return address.replace("mysql://", "mysql+pymysql://", 1).replace("postgresql://", "postgresql+psycopg2://", 1)


def dlt(kind: str, address: str, folder: Path, table: str) -> int:
    """dlt's sql_database with Arrow, or its reader of CSV, into Parquet files in a folder."""
    import dlt as library
    import pyarrow.parquet as pq
    from dlt.sources.filesystem import filesystem, read_csv

    out = folder / "dlt"
    pipeline = library.pipeline(
        "bench", destination=library.destinations.filesystem(out.as_uri()), dataset_name="rows", pipelines_dir=str(folder / "state")
    )
    if kind == "csv":
        source = filesystem(bucket_url=folder.as_uri(), file_glob="rows.csv") | read_csv(chunksize=_CHUNK)
        source = source.with_name(table)
    else:
        from dlt.sources.sql_database import sql_table

        source = sql_table(credentials=_for_sqlalchemy(address), table=table, backend="pyarrow", chunk_size=_CHUNK)
    pipeline.run(source, loader_file_format="parquet")
    return sum(pq.ParquetFile(path).metadata.num_rows for path in out.rglob(f"{table}/*.parquet"))


PEERS = {"connectorx": connectorx, "pandas": pandas, "dlt": dlt}
_MODULES = {"connectorx": ("connectorx",), "pandas": ("pandas", "sqlalchemy"), "dlt": ("dlt", "dlt.sources.sql_database", "sqlalchemy")}


def main(peer: str, kind: str, address: str, folder: Path, table: str) -> None:
    """Import, then measure."""
    from importlib import import_module

    try:
        for name in (*_MODULES[peer], "pyarrow.parquet"):
            import_module(name)
    except ImportError as error:
        print(json.dumps({"missing": f"{error.name} is not installed"}))
        return
    began, before = time.monotonic(), time.process_time()
    rows = PEERS[peer](kind, address, folder, table)
    seconds, cpu = time.monotonic() - began, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_mb": peak, "rows": rows}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]), sys.argv[5])
