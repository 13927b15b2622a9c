"""Writes the repository that the command `hybrid` reads. Imports nothing big: whoever starts measured processes imports it."""
import os

SETTINGS = {
    "postgres": lambda env: {"type": "postgres", "host": env["HYBRID_POSTGRES_HOST"], "port": env["HYBRID_POSTGRES_PORT"],
                             "database": env["HYBRID_POSTGRES_DATABASE"], "user": env["HYBRID_POSTGRES_USER"],
                             "password": env["HYBRID_POSTGRES_PASSWORD"], "sslmode": "disable"},
    "trino": lambda env: {"type": "trino", "host": env["HYBRID_TRINO_HOST"], "port": env["HYBRID_TRINO_PORT"], "user": "bench",
                          "catalog": "iceberg", "dataset": "bench", "connector": "{type: iceberg}",
                          "staging": f"{{path: {env['HYBRID_TRINO_WAREHOUSE']}/staging, location: local:///staging, catalog: hive, "
                                     "schema: staging}"},
    "spark": lambda env: {"type": "spark", "connect_url": env["HYBRID_SPARK_REMOTE"]},
}


def entities(keys):
    return ["entities:"] + [f"  - {{name: {key}, value_type: Int64}}" for key in keys] if keys else []


def feature_view(engine, view):
    lines = [f"  - name: {view.name}", f"    entities: [{', '.join(view.keys)}]"]
    lines += [f"    ttl: {view.ttl_days}d"] if view.ttl_days else []
    lines += [f"    source: {{type: {engine}, table: {view.name}, timestamp_field: event_timestamp, created_timestamp_column: created}}"]
    return lines + ["    schema:"] + [f"      - {{name: {name}, dtype: {dtype}}}" for name, dtype in view.features]


def write(engine, folder, views, settings=None):
    """feature_store.yaml for the engine that the environment names, unless its settings are given; features.yaml for the views."""
    settings = settings or SETTINGS[engine](os.environ)
    store = ["project: bench", "registry: registry.db", "provider: local", "offline_store:"]
    (folder / "feature_store.yaml").write_text("\n".join(store + [f"  {key}: {value}" for key, value in settings.items()]) + "\n")
    lines = entities(sorted({key for view in views for key in view.keys})) + ["feature_views:"]
    lines += [line for view in views for line in feature_view(engine, view)]
    (folder / "features.yaml").write_text("\n".join(lines) + "\n")
