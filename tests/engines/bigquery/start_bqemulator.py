# Starts bqemulator, with what a client of BigQuery needs and it does not have put right.
import re
from contextvars import ContextVar

from bqemulator.api.routes import jobs, upload
from bqemulator.cli import main
from bqemulator.jobs import executor
from bqemulator.storage import type_map
from bqemulator.storage.engine import DuckDBEngine
from bqemulator.storage.sql_identifiers import quoted_table_ref

# It takes 76 digits, of which DuckDB has half.
type_map._BQ_TO_DUCKDB["BIGNUMERIC"] = "DECIMAL(38, 18)"

# What is read as text.
TEXT = {"BIGNUMERIC", "GEOGRAPHY", "INTERVAL", "JSON"}


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def duckdb_type(field):
    if field["type"] in ("RECORD", "STRUCT"):
        fields = ", ".join(f"{quoted(inner['name'])} {duckdb_type(inner)}" for inner in field["fields"])
        kind = f"STRUCT({fields})"
    else:
        kind = "VARCHAR" if field["type"] in TEXT else type_map.bq_to_duckdb(field["type"])
    return kind + "[]" if field["mode"] == "REPEATED" else kind


# The tables that jobs say their results are in do not exist: the rows lie in a dictionary, in DuckDB's types.
RESULT = re.compile(r'SELECT \* FROM "[^"]*___bqemu_anonymous"\."anon([^"]*)"')
_fetch_arrow = DuckDBEngine.fetch_arrow


def fetch_arrow(self, sql, parameters=None):
    result = RESULT.fullmatch(sql)
    if not result:
        return _fetch_arrow(self, sql, parameters)
    columns = ", ".join(
        f"CAST({quoted(field['name'])} AS {duckdb_type(field)}) AS {quoted(field['name'])}"
        for field in executor.JOB_SCHEMAS[result[1]]
    )
    with self.connection.cursor() as cursor:
        cursor.register("result", executor.JOB_RESULTS[result[1]])
        return cursor.execute(f"SELECT {columns} FROM result").to_arrow_table()


DuckDBEngine.fetch_arrow = fetch_arrow

# As local-bigquery's: DuckDB loses rows whose key is NUL bytes. Zones are those of every cursor.
_apply_session_pragmas = DuckDBEngine._apply_session_pragmas


def apply_session_pragmas(self):
    _apply_session_pragmas(self)
    self.connection.execute("SET GLOBAL TimeZone = 'UTC'")
    self.connection.execute("SET GLOBAL disabled_optimizers = 'join_filter_pushdown'")


DuckDBEngine._apply_session_pragmas = apply_session_pragmas

# A load of Parquet takes columns by their places, and says how many rows the table has then, for how many were loaded; one that
# truncates keeps the columns of the table that was there.
loaded = ContextVar("loaded")


def load_parquet(path, target, ctx):
    done = ctx.engine.execute(f"INSERT INTO {target} BY NAME SELECT * FROM read_parquet(?)", [path])
    loaded.set(done.fetchone()[0])


executor._LOAD_FORMAT_HANDLERS["PARQUET"] = load_parquet
_execute_load_job = executor.execute_load_job


async def execute_load_job(project, job, config, ctx):
    load = config["load"]
    table = [load["destinationTable"][part] for part in ("projectId", "datasetId", "tableId")]
    if load["writeDisposition"] == "WRITE_TRUNCATE" and ctx.catalog.get_table(*table):
        ctx.engine.execute(f"DROP TABLE {quoted_table_ref(*table)}")
        ctx.catalog.delete_table(*table)
    done = await _execute_load_job(project, job, config, ctx)
    done.statistics["load"]["outputRows"] = str(loaded.get())
    return done


jobs.execute_load_job = upload.execute_load_job = execute_load_job

main()
