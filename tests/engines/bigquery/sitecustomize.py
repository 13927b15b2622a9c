# The emulator gives DuckDB its time zone when it connects, before the statically linked icu is registered: DuckDB would
# then look for that extension on the network. Here the zone is set right afterwards instead.
import duckdb

_connect = duckdb.connect


def connect(*arguments, **options):
    config = dict(options.pop("config", None) or {})
    zone = config.pop("TimeZone", None)
    connection = _connect(*arguments, config=config, **options)
    if zone:
        connection.execute(f"SET GLOBAL TimeZone='{zone}'")
    # DuckDB's own: a join on BYTES loses rows whose key is NUL bytes when it filters the other side by the keys it has seen.
    connection.execute("SET GLOBAL disabled_optimizers='join_filter_pushdown'")
    return connection


duckdb.connect = connect

# Of a load that says its schema, the emulator takes BYTES for base64, as JSON and CSV have them, also in Parquet.
from local_bigquery.engine import types
from local_bigquery.engine.database import quote
from local_bigquery.jobs import load

_projection = load._projection


def projection(config, fields, columns):
    if config.sourceFormat != "PARQUET" or not fields:
        return _projection(config, fields, columns)
    casts = [f"CAST({quote(field.name)} AS {types.duckdb_type(field)}) AS {quote(field.name)}" for field in fields]
    return ", ".join(casts), "false"


load._projection = projection

# Its messages of rows are as large as DuckDB's batches, a million rows; BigQuery's hold some thousand.
MESSAGE_ROWS = 20_000
_reader = duckdb.DuckDBPyRelation.to_arrow_reader
duckdb.DuckDBPyRelation.to_arrow_reader = lambda relation: _reader(relation, MESSAGE_ROWS)

# A stream that is asked for again is asked for behind the last message that came. The emulator takes that for one that is not
# sent yet until it makes the next.
from local_bigquery.grpc import read

_read_rows = read.read_rows


def read_rows(request):
    behind = request.offset
    for answer in _read_rows(request):
        behind += answer.row_count
        stream = read._lookup(request.read_stream)
        stream.allocated = max(stream.allocated, behind)
        yield answer


read.read_rows = read_rows
