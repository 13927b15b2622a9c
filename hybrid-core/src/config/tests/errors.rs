//! feature_store.yaml: what is wrong, where, and what would be right.

use super::{check_errors, config};

#[test]
fn project_and_registry() {
    check_errors(
        config,
        &[
            (
                "",
                "2 problems\n\
             repo/feature_store.yaml:1:1: feature_store.yaml has no `project`\n\
             repo/feature_store.yaml:1:1: feature_store.yaml has no `registry`\n\
             \x20 help: for example registry: data/registry.db",
            ),
            (
                "project: p\n",
                "repo/feature_store.yaml:1:1: feature_store.yaml has no `registry`\n\
             \x20 help: for example registry: data/registry.db",
            ),
            (
                "registry: r.db\n",
                "repo/feature_store.yaml:1:1: feature_store.yaml has no `project`",
            ),
            (
                "- a\n",
                "repo/feature_store.yaml:1:1: feature_store.yaml must be a mapping, not a list",
            ),
            (
                "project: my project\n\
             registry: r.db\n",
                "repo/feature_store.yaml:1:10: `my project` is no name for a project\n\
             \x20 help: letters, digits, `_` and `-`, not beginning with `_` or `-`",
            ),
            (
                "project: [a]\n\
             registry: {path: r.db}\n",
                "repo/feature_store.yaml:1:10: `project` must be a text, not a list",
            ),
            (
                "project: p\n\
             registry: ''\n",
                "repo/feature_store.yaml:2:11: `registry` must not be empty\n\
             \x20 help: for example data/registry.db",
            ),
            (
                "project: p\n\
             registry: {registry_type: snowflake.registry, path: x}\n",
                "repo/feature_store.yaml:2:27: registry type `snowflake.registry` is not supported\n\
             \x20 help: `file`, `sql` (SQLite and PostgreSQL) and `remote` are supported",
            ),
            (
                "project: p\n\
             registry: {pth: r.db}\n",
                "2 problems\n\
             repo/feature_store.yaml:2:11: `registry` has no `path`\n\
             repo/feature_store.yaml:2:12: unknown field `pth`\n\
             \x20 help: did you mean `path`?\n\
             \x20 help: the fields are registry_type, path, purge_feast_metadata, registry_store_type, cache_ttl_seconds, cache_mode, s3_additional_kwargs, enable_online_feature_view_versioning, serve_features_while_materializing, mcp",
            ),
        ],
    );
}

#[test]
fn fields() {
    check_errors(
        config,
        &[
            (
                "project: p\n\
             registry: r.db\n\
             ofline_store: {type: file}\n",
                "repo/feature_store.yaml:3:1: unknown field `ofline_store`\n\
             \x20 help: did you mean `offline_store`?\n\
             \x20 help: the fields are project, registry, offline_store, provider, project_description, online_store, auth, batch_engine, batch_engine_config, feature_server, embedding_model, flags, repo_path, entity_key_serialization_version, coerce_tz_aware, materialization, materialization_config, openlineage, openlineage_config, mlflow, mlflow_config, data_quality_monitoring, data_quality_monitoring_config, go_feature_serving, go_feature_retrieval",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             zzzzzzzzzz: 1\n",
                "repo/feature_store.yaml:3:1: unknown field `zzzzzzzzzz`\n\
             \x20 help: the fields are project, registry, offline_store, provider, project_description, online_store, auth, batch_engine, batch_engine_config, feature_server, embedding_model, flags, repo_path, entity_key_serialization_version, coerce_tz_aware, materialization, materialization_config, openlineage, openlineage_config, mlflow, mlflow_config, data_quality_monitoring, data_quality_monitoring_config, go_feature_serving, go_feature_retrieval",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store:\n\
             \x20 type: hybrid\n\
             \x20 cross_source_join: true\n\
             \x20 offline_stores:\n\
             \x20   - type: file\n",
                "repo/feature_store.yaml:5:3: unknown field `cross_source_join`\n\
             \x20 help: did you mean `cross_source_joins`?\n\
             \x20 help: the fields are type, cross_source_joins, offline_stores",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store:\n\
             \x20 type: hybrid\n\
             \x20 cross_source_joins: maybe\n\
             \x20 offline_stores: [{type: file}]\n",
                "repo/feature_store.yaml:5:23: `cross_source_joins` must be true or false, not the text `maybe`",
            ),
        ],
    );
}

#[test]
fn stores() {
    check_errors(
        config,
        &[
            (
                "project: p\n\
             registry: r.db\n\
             offline_store: {type: bigqury}\n",
                "repo/feature_store.yaml:3:23: unknown store type `bigqury`\n\
             \x20 help: a custom store is given by its class, a dotted path that ends in `OfflineStore`",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store: 5\n",
                "repo/feature_store.yaml:3:16: unknown store type `5`\n\
             \x20 help: a custom store is given by its class, a dotted path that ends in `OfflineStore`",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store: [file]\n",
                "repo/feature_store.yaml:3:16: a store must be a mapping with a `type`, not a list",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store: {type: [file]}\n",
                "repo/feature_store.yaml:3:23: `type` must be a text, not a list",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store: {type: hybrid}\n",
                "repo/feature_store.yaml:3:16: the hybrid store has no `offline_stores`\n\
             \x20 help: list the stores there, each with its `type` and its fields",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store: hybrid\n",
                "repo/feature_store.yaml:3:16: the hybrid store has no `offline_stores`\n\
             \x20 help: list the stores there, each with its `type` and its fields",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store: {type: hybrid, offline_stores: {type: file}}\n",
                "repo/feature_store.yaml:3:47: `offline_stores` must be a list, not a mapping",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store: {type: hybrid, offline_stores: []}\n",
                "repo/feature_store.yaml:3:47: the hybrid store has no `offline_stores`\n\
             \x20 help: list the stores there, each with its `type` and its fields",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store: {offline_stores: [{type: file}]}\n",
                "repo/feature_store.yaml:3:16: an `offline_store` with `offline_stores` has no `type`\n\
             \x20 help: write `type: hybrid`",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store:\n\
             \x20 type: hybrid\n\
             \x20 offline_stores:\n\
             \x20   - path: a\n\
             \x20   - type:\n\
             \x20   -\n\
             \x20   - type: hybrid\n\
             \x20   - [file]\n",
                "5 problems\n\
             repo/feature_store.yaml:6:7: this store has no `type`\n\
             repo/feature_store.yaml:7:7: this store has no `type`\n\
             repo/feature_store.yaml:8:6: a store must be a mapping with a `type`, not nothing\n\
             repo/feature_store.yaml:9:13: a hybrid store cannot hold another\n\
             repo/feature_store.yaml:10:7: a store must be a mapping with a `type`, not a list",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store: {type: postgres, conf: {host: h}, port: 1}\n",
                "repo/feature_store.yaml:3:50: `port` stands beside `conf`\n\
             \x20 help: put all fields into `conf`, or all beside `type`",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store: {type: postgres, conf: h}\n",
                "repo/feature_store.yaml:3:39: `conf` must be a mapping, not the text `h`",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store: {type: postgres, conf: {type: file}}\n",
                "repo/feature_store.yaml:3:46: `type` in `conf` is not the store's `type`",
            ),
        ],
    );
}

#[test]
fn repeated_types() {
    check_errors(
        config,
        &[
            (
                "project: p\n\
             registry: r.db\n\
             offline_store:\n\
             \x20 type: hybrid\n\
             \x20 offline_stores:\n\
             \x20   - type: file\n\
             \x20   - type: bigquery\n\
             \x20   - type: dask\n\
             \x20     path: a\n",
                "repo/feature_store.yaml:8:13: store `file` is configured twice: as `dask` here, and as `file` at repo/feature_store.yaml:6:13\n\
             \x20 help: each store type may be configured once",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store:\n\
             \x20 type: hybrid\n\
             \x20 offline_stores:\n\
             \x20   - type: postgres\n\
             \x20   - type: postgresql\n\
             \x20   - type: feast.contrib.PostgreSQLOfflineStore\n",
                "2 problems\n\
             repo/feature_store.yaml:7:13: store `postgres` is configured twice: as `postgresql` here, and as `postgres` at repo/feature_store.yaml:6:13\n\
             \x20 help: each store type may be configured once\n\
             repo/feature_store.yaml:8:13: store `postgres` is configured twice: as `feast.contrib.PostgreSQLOfflineStore` here, and as `postgres` at repo/feature_store.yaml:6:13\n\
             \x20 help: each store type may be configured once",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             offline_store:\n\
             \x20 type: hybrid\n\
             \x20 offline_stores:\n\
             \x20   - type: my.ClickHouseOfflineStore\n\
             \x20   - type: other.ClickHouseOfflineStore\n",
                "repo/feature_store.yaml:7:13: store `clickhouse` is configured twice: as `other.ClickHouseOfflineStore` here, and as `my.ClickHouseOfflineStore` at repo/feature_store.yaml:6:13\n\
             \x20 help: each store type may be configured once",
            ),
        ],
    );
}

#[test]
fn several_at_once() {
    check_errors(
        config,
        &[(
            "project: -p\n\
             registy: r.db\n\
             offline_store:\n\
             \x20 type: hybrid\n\
             \x20 offline_stores:\n\
             \x20   - type: fil\n\
             \x20   - type: trino\n\
             \x20     host: ${NOWHERE}\n\
             \x20   - type: spark\n\
             \x20   - type: spark\n",
            "6 problems\n\
             repo/feature_store.yaml:1:1: feature_store.yaml has no `registry`\n\
             \x20 help: for example registry: data/registry.db\n\
             repo/feature_store.yaml:1:10: `-p` is no name for a project\n\
             \x20 help: letters, digits, `_` and `-`, not beginning with `_` or `-`\n\
             repo/feature_store.yaml:2:1: unknown field `registy`\n\
             \x20 help: did you mean `registry`?\n\
             \x20 help: the fields are project, registry, offline_store, provider, project_description, online_store, auth, batch_engine, batch_engine_config, feature_server, embedding_model, flags, repo_path, entity_key_serialization_version, coerce_tz_aware, materialization, materialization_config, openlineage, openlineage_config, mlflow, mlflow_config, data_quality_monitoring, data_quality_monitoring_config, go_feature_serving, go_feature_retrieval\n\
             repo/feature_store.yaml:6:13: unknown store type `fil`\n\
             \x20 help: a custom store is given by its class, a dotted path that ends in `OfflineStore`\n\
             repo/feature_store.yaml:8:13: the variable `NOWHERE` is not defined\n\
             \x20 help: `$$` is a dollar sign\n\
             repo/feature_store.yaml:10:13: store `spark` is configured twice: as `spark` here, and as `spark` at repo/feature_store.yaml:9:13\n\
             \x20 help: each store type may be configured once",
        )],
    );
}

#[test]
fn syntax() {
    check_errors(
        config,
        &[
            (
                "project: p\n\
             registry: r.db\n\
             offline_store:\n\
             \ttype: file\n",
                "repo/feature_store.yaml:4:2: this is no YAML: tabs disallowed within this context (block indentation)",
            ),
            (
                "project: p\n\
             project: q\n\
             registry: r.db\n",
                "repo/feature_store.yaml:2:1: `project` is given twice: first at line 1, column 1",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             ---\n\
             project: q\n",
                "repo/feature_store.yaml:3:1: a second document: the file must hold one",
            ),
            (
                "project: 'p\n",
                "repo/feature_store.yaml:1:10: this is no YAML: while scanning a quoted scalar, found unexpected end of stream",
            ),
            (
                "project: p: q\n",
                "repo/feature_store.yaml:1:11: this is no YAML: mapping values are not allowed in this context",
            ),
            (
                "project: *p\n",
                "repo/feature_store.yaml:1:10: this is no YAML: while parsing node, found unknown anchor",
            ),
            (
                "project: p\n\
             registry: r.db\n\
             provider: !ruby/object x\n",
                "repo/feature_store.yaml:3:11: tags are not supported here, but for those of YAML's core schema",
            ),
            (
                "? [a]\n\
             : b\n",
                "repo/feature_store.yaml:1:3: a key must be a name, not a list or a mapping",
            ),
            (
                "a: {<<: 5}\n",
                "repo/feature_store.yaml:1:5: `<<` must name a mapping, or a list of mappings",
            ),
            (
                "\u{feff}project: p\r\n\
             registry: r.db\r\n\
             ofline: 1\r\n",
                "repo/feature_store.yaml:3:1: unknown field `ofline`\n\
             \x20 help: the fields are project, registry, offline_store, provider, project_description, online_store, auth, batch_engine, batch_engine_config, feature_server, embedding_model, flags, repo_path, entity_key_serialization_version, coerce_tz_aware, materialization, materialization_config, openlineage, openlineage_config, mlflow, mlflow_config, data_quality_monitoring, data_quality_monitoring_config, go_feature_serving, go_feature_retrieval",
            ),
        ],
    );
}
