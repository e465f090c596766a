"""Runs the queries of contrib/queries on one engine and prints their rows as JSON.

engine.py ENGINE CHECKS EVENTS: ENGINE is duckdb, clickhouse or spark; the other two are files.
"""

import json
import pathlib
import subprocess
import sys

QUERIES = pathlib.Path(__file__).resolve().parents[2] / "contrib" / "queries"


def duckdb_engine():
    import duckdb

    connection = duckdb.connect()

    def run(statement):
        return connection.execute(statement).fetchall()

    return run


def clickhouse_engine():
    from chdb import session

    server = session.Session()

    def run(statement):
        text = str(server.query(statement, "JSONCompactEachRow"))
        return [json.loads(line) for line in text.splitlines()]

    # 64-bit numbers are numbers here, not texts.
    run("SET output_format_json_quote_64bit_integers = 0")
    return run


def spark_engine():
    from pyspark.sql import SparkSession

    # A master and two executor processes: what is read and grouped goes through a real shuffle.
    session = (
        SparkSession.builder.master("local-cluster[2,1,700]")
        .config("spark.executor.memory", "600m")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")

    def run(statement):
        return [list(row) for row in session.sql(statement).collect()]

    return run


ENGINES = {
    "duckdb": duckdb_engine,
    "clickhouse": clickhouse_engine,
    "spark": spark_engine,
}


def loaded(engine, checks, events):
    """The load script with its two places filled in by envsubst, statement by statement."""
    script = (QUERIES / engine / "load.sql").read_bytes()
    environment = {"CHECKS": checks, "EVENTS": events, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["envsubst", "$CHECKS $EVENTS"], input=script, env=environment, stdout=subprocess.PIPE, check=True
    )
    return [part for part in done.stdout.decode().split(";\n") if part.strip()]


def main():
    engine, checks, events = sys.argv[1:]
    run = ENGINES[engine]()
    for statement in loaded(engine, checks, events):
        run(statement)
    rows = {}
    for path in sorted(QUERIES.glob("*.sql")):
        rows[path.stem] = [list(row) for row in run(path.read_text())]
    # Engines print on stdout too; the answer is the last line.
    print(json.dumps(rows, default=int))


main()
