"""What on-demand feature views make of a table. worker.py, which comes behind it, has the modules of Arrow and Feast."""

import sys

# `python -c` puts the working directory first: a file there must not take a module's place.
sys.path[:] = [folder for folder in sys.path if folder]

import contextlib
import traceback


class Refused(Exception):
    """A view cannot be run, or what its function gave does not fit."""

    def __init__(self, text, kind="refused"):
        super().__init__(text)
        self.kind = kind


def load(asked, message):
    view = OnDemandFeatureView.from_proto(OnDemandFeatureViewProto.FromString(message))
    if asked["alias"]:
        view.projection.name_alias = asked["alias"]
    if view.feature_transformation is None:
        raise Refused("it has no function, and aggregations are not computed in retrievals", "unsupported")
    if view.singleton:
        view.feature_transformation.udf = row_by_row(view.feature_transformation.udf)
    return view


def row_by_row(function):
    """A function of one row's values as one of columns."""

    def columns_of(columns):
        rows = [function(dict(zip(columns, values))) for values in zip(*columns.values())]
        return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}

    return columns_of


def transformed(view, table, names, full):
    """The columns `names` of what the view makes of a table."""
    for column in view.get_request_data_schema():
        if column not in table.column_names:
            raise Refused(f"the entity rows have no column `{column}`, which it asks of a request")
    made = view.transform_arrow(table, full)
    for name in names:
        if name not in made.column_names:
            raise Refused(f"its function gives no column `{name}`")
    if made.num_rows != table.num_rows:
        raise Refused(f"its function gives {made.num_rows} rows for {table.num_rows}")
    return [made[name] for name in names]


def declared_type(view, feature):
    for field in view.features:
        if field.name == feature:
            return from_feast_to_pyarrow_type(field.dtype)
    return pa.string()


def settled(found, declared):
    """The type for all batches, after the first one: what was found, where that tells enough."""
    if pa.types.is_null(found) or (pa.types.is_integer(found) and pa.types.is_floating(declared)):
        return declared
    return found


def is_text(kind):
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def fitted(name, column, wanted):
    if column.type.equals(wanted):
        return column
    # Text of numbers would be parsed, and the other way round.
    if pa.types.is_null(column.type) or is_text(column.type) == is_text(wanted):
        with contextlib.suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return column.cast(wanted)
    raise Refused(f"column `{name}` is {column.type} here, and {wanted} in rows before: its function has to give one type")


def with_outputs(table, asked, message, agreed, full):
    """The table with what a view makes of it at its end."""
    view = load(asked, message)
    prefix = f"{view.projection.name_to_use()}__" if full else ""
    names = [prefix + feature for feature in asked["features"]]
    types = [declared_type(view, feature) for feature in asked["features"]]
    try:
        columns = transformed(view, table, names, full)
    except Exception:
        # Many a function cannot do without rows.
        if table.num_rows:
            raise
        columns = [pa.chunked_array([], kind) for kind in types]
    for name, column, declared in zip(names, columns, types):
        if name in table.column_names:
            raise Refused(f"there is a column `{name}` already")
        wanted = agreed.field(name).type if agreed else settled(column.type, declared)
        table = table.append_column(name, fitted(name, column, wanted))
    return table


def failure(view, error):
    if isinstance(error, MemoryError):
        return {"view": view, "kind": "memory", "text": "", "trace": ""}
    if isinstance(error, Refused):
        return {"view": view, "kind": error.kind, "text": str(error), "trace": ""}
    text = "".join(traceback.format_exception_only(error)).strip()
    return {"view": view, "kind": "function", "text": text[:1000], "trace": trace(error)}


def trace(error):
    """Where in the function it was."""
    place = error.__traceback__
    while place.tb_next and is_ours(place.tb_frame.f_globals):
        place = place.tb_next
    lines = "".join(traceback.format_exception(type(error), error, place, chain=False)).splitlines()
    lines = [line[:200] for line in lines if line.strip(" ^~")]
    return "\n".join(lines if len(lines) <= 9 else [*lines[:4], "  …", *lines[-4:]])


def is_ours(names):
    return names is globals() or names.get("__name__", "").partition(".")[0] == "feast"


