"""Runs published queries in DuckDB, as sqlglot writes them for it, over rows that trailhound wrote, and compares answers.

Arguments: a folder with athena.parquet and lake.parquet (the two views, whole), and NAME.sql with NAME.parquet for each
query (its text and trailhound's answer; the first line of the text names its view). Prints one JSON object.
"""

import datetime
import decimal
import json
import math
import pathlib
import sys

import duckdb
import sqlglot
from sqlglot import exp


def plain(value):
    """A value without what differs between two engines that agree."""
    if isinstance(value, dict):
        return tuple(plain(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        # array_agg without an order has none.
        return tuple(sorted((plain(item) for item in value), key=repr))
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return value.isoformat()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, decimal.Decimal)):
        number = float(value)
        return None if math.isnan(number) else round(number, 9)
    return value


def rows(connection, sql):
    found = connection.execute(sql).fetchall()
    return sorted((tuple(plain(value) for value in row) for row in found), key=repr)


def transpiled(sql, view):
    tree = sqlglot.parse_one(sql, read="athena" if view == "athena" else "trino")
    names = {table.alias for table in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier) and table.name not in names:
            alias = table.alias or table.name
            table.set("db", None)
            table.set("catalog", None)
            table.set("this", exp.to_identifier(view))
            table.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))
    return tree.sql(dialect="duckdb")


def main(folder):
    folder = pathlib.Path(folder)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for view in ("athena", "lake"):
        connection.execute(f"CREATE TABLE {view} AS SELECT * FROM read_parquet('{folder / view}.parquet')")
    told = {"equal": [], "different": {}, "not_compared": {}}
    for path in sorted(folder.glob("*.sql")):
        name, text = path.stem, path.read_text()
        view, sql = text.split("\n", 1)
        try:
            theirs = rows(connection, transpiled(sql, view))
        except Exception as error:  # What sqlglot or DuckDB cannot do says nothing of our answer.
            told["not_compared"][name] = str(error).strip().split("\n")[0][:200]
            continue
        ours = rows(connection, f"SELECT * FROM read_parquet('{folder / name}.parquet')")
        limited = "limit" in sql.lower()
        # Which of equals a limit lets through is nobody's promise.
        if ours == theirs or (limited and len(ours) == len(theirs)):
            told["equal"].append(name)
        else:
            first = next((pair for pair in zip(ours, theirs) if pair[0] != pair[1]), None)
            told["different"][name] = f"{len(ours)} rows here, {len(theirs)} there; first: {first}"[:1500]
    print(json.dumps(told))


main(sys.argv[1])
