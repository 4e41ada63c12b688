"""What other readers of Delta Lake find in a lake: `readers.py LAKE` prints one JSON object a reader."""

import json
import multiprocessing
import sys
from collections import Counter

import deltalake
import duckdb
import polars

EVENTS = sys.argv[1] + "/events"


def told(rows, kind, last):
    """Rows are (day, event name, ARN)."""
    days, names, arns = Counter(), Counter(), Counter()
    for day, name, arn in rows:
        days[str(day)] += 1
        names[str(name)] += 1
        arns[str(arn)] += 1
    return {"days": days, "names": names, "arns": arns, "time_type": str(kind), "last_time": str(last)[:19]}


def with_deltalake():
    table = deltalake.DeltaTable(EVENTS).to_pyarrow_table()
    arns = [None if who is None else who["arn"] for who in table["useridentity"].to_pylist()]
    rows = zip(table["event_date"].to_pylist(), table["eventname"].to_pylist(), arns)
    times = [time for time in table["eventtime"].to_pylist() if time is not None]
    return told(rows, table.schema.field("eventtime").type, max(times))


def with_polars():
    frame = polars.scan_delta(EVENTS).select(
        "event_date", "eventname", "eventtime", polars.col("useridentity").struct.field("arn")
    ).collect()
    rows = frame.select("event_date", "eventname", "arn").iter_rows()
    return told(rows, frame.schema["eventtime"], frame["eventtime"].max())


def ask_duckdb(connection, source):
    rows = connection.execute(f"SELECT event_date, eventname, useridentity.arn FROM {source}").fetchall()
    ask = f"SELECT any_value(typeof(eventtime)), max(eventtime AT TIME ZONE 'UTC') FROM {source}"
    return told(rows, *connection.execute(ask).fetchone())


def with_duckdb():
    """The Parquet files that Delta's log names, read as such."""
    files = deltalake.DeltaTable(EVENTS).file_uris()
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    source = f"read_parquet([{listed}], hive_partitioning = true, hive_types = {{'event_date': DATE}})"
    return ask_duckdb(duckdb.connect(), source)


def delta_scan(answer):
    """DuckDB's own reader of Delta is an extension that it downloads."""
    try:
        connection = duckdb.connect()
        connection.execute("INSTALL delta; LOAD delta")
    except Exception as error:
        answer.put({"skipped": str(error).splitlines()[0]})
        return
    answer.put(ask_duckdb(connection, f"delta_scan('{EVENTS}')"))


def with_delta_scan():
    answer = multiprocessing.Queue()
    process = multiprocessing.Process(target=delta_scan, args=(answer,), daemon=True)
    process.start()
    try:
        return answer.get(timeout=30)
    except Exception:
        process.kill()
        return {"skipped": "no answer in 30 seconds"}


readers = [with_deltalake, with_polars, with_duckdb] + ([with_delta_scan] if "--delta-scan" in sys.argv else [])
json.dump({reader.__name__: reader() for reader in readers}, sys.stdout)
