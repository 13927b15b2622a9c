//! features.yaml: what is wrong, where, and what would be right.

use super::{check_errors, definitions};

#[test]
fn entities() {
    check_errors(
        definitions,
        &[
            ("entities: [{}]\n", "features.yaml:1:12: an entity has no `name`"),
            (
                "entities: driver\n",
                "features.yaml:1:11: `entities` must be a list, not the text `driver`",
            ),
            (
                "entities: [driver]\n",
                "features.yaml:1:12: an entity must be a mapping, not the text `driver`",
            ),
            (
                "entities: [{name: d, value_type: int}, {name: d}, {name: 'a:b'}]\n",
                "3 problems\n\
             features.yaml:1:34: unknown dtype `int`\n\
             \x20 help: did you mean `Int32`?\n\
             \x20 help: the types are Bytes, String, Int32, Int64, Float64, Float32, Bool, UnixTimestamp, PdfBytes, ImageBytes, Map, Json, Uuid, TimeUuid, Decimal, ScalarMap, ZonedTimestamp, and Array(…), Set(…), Struct({name: …}) of them\n\
             features.yaml:1:47: entity `d` is defined twice: first at features.yaml:1:19\n\
             features.yaml:1:58: `a:b` is no name for an entity: it must not hold `:` or `@`",
            ),
            (
                "entities: [{name: d, join_keys: [a, b]}, {name: e, join_key: a, join_keys: [a]}, {name: f, join_keys: ['']}, {name: g, joinkey: a}]\n",
                "4 problems\n\
             features.yaml:1:33: `join_keys` must have one element, not 2\n\
             \x20 help: an entity has one join key; a view may have several entities\n\
             features.yaml:1:65: `join_key` and `join_keys` are both given\n\
             \x20 help: write one of them\n\
             features.yaml:1:103: a join key must not be empty\n\
             features.yaml:1:120: unknown field `joinkey`\n\
             \x20 help: did you mean `join_key`?\n\
             \x20 help: the fields are name, join_key, join_keys, value_type, description, owner, tags",
            ),
            (
                "entites: []\n",
                "features.yaml:1:1: unknown field `entites`\n\
             \x20 help: did you mean `entities`?\n\
             \x20 help: the fields are entities, sources, feature_views, feature_services",
            ),
        ],
    );
}

#[test]
fn sources() {
    check_errors(
        definitions,
        &[
            (
                "sources: [{type: file, path: a}, {name: s}, {name: t, type: fil}, {name: u, type: 5}]\n",
                "4 problems\n\
             features.yaml:1:11: a source has no `name`\n\
             features.yaml:1:34: a source has no `type`\n\
             \x20 help: a store key, for example `type: file`\n\
             features.yaml:1:61: unknown source type `fil`\n\
             \x20 help: a custom source is given by its class, a dotted path that ends in `Source`\n\
             features.yaml:1:83: unknown source type `5`\n\
             \x20 help: a custom source is given by its class, a dotted path that ends in `Source`",
            ),
            (
                "sources:\n\
             \x20 - name: s\n\
             \x20   type: file\n\
             \x20   timestamp_field: a\n\
             \x20   event_timestamp_column: b\n",
                "features.yaml:5:5: `timestamp_field` and `event_timestamp_column` are both given\n\
             \x20 help: they are two names for one thing: write one of them",
            ),
            (
                "sources: [{name: s, type: file, date_partition_column_format: a}]\n",
                "features.yaml:1:33: `date_partition_column_format` is given without a `date_partition_column`\n\
             \x20 help: name the column, or leave its format out",
            ),
            (
                "sources: [{name: s, type: file, field_mapping: {a: x, b: x, c: ''}}]\n",
                "2 problems\n\
             features.yaml:1:58: columns `a` and `b` are both mapped to `x`\n\
             features.yaml:1:64: column `c` is mapped to no name",
            ),
            (
                "sources: [{name: s, type: file, field_mapping: [a]}]\n",
                "features.yaml:1:48: `field_mapping` must be a mapping, not a list",
            ),
            (
                "sources: [{name: s, type: file}, {name: s, type: bigquery}]\n",
                "features.yaml:1:41: source `s` is defined twice: first at features.yaml:1:18",
            ),
            (
                "sources: [{name: s, type: file, path: '${NOWHERE}'}]\n",
                "features.yaml:1:39: the variable `NOWHERE` is not defined\n\
             \x20 help: `$$` is a dollar sign",
            ),
        ],
    );
}

#[test]
fn views() {
    check_errors(
        definitions,
        &[
            (
                "entities: [{name: driver_id, value_type: Int64}]\n\
             sources: [{name: s, type: file, path: a.parquet, timestamp_field: ts}]\n\
             feature_views: [{name: v, entities: [driver], source: t}]\n",
                "2 problems\n\
             features.yaml:3:38: entity `driver` does not exist\n\
             \x20 help: did you mean `driver_id`?\n\
             \x20 help: what exists: driver_id\n\
             features.yaml:3:55: source `t` does not exist\n\
             \x20 help: what exists: s",
            ),
            (
                "entities: [{name: driver_id, value_type: Int64}]\n\
             sources: [{name: s, type: file, path: a.parquet, timestamp_field: ts}]\n\
             feature_views: [{name: v}]\n",
                "features.yaml:3:17: a feature view has no `source`\n\
             \x20 help: the name of a source, or its fields",
            ),
            (
                "entities: [{name: driver_id, value_type: Int64}]\n\
             sources: [{name: s, type: file, path: a.parquet, timestamp_field: ts}]\n\
             feature_views:\n\
             \x20 - {name: v, source: s, ttl: 5}\n\
             \x20 - {name: v, source: s, ttl: 1x}\n",
                "3 problems\n\
             features.yaml:4:31: `5` is no duration\n\
             \x20 help: write numbers with units w, d, h, m, s, ms or us, for example 30d, 1h30m, 86400s; a bare number only for 0\n\
             features.yaml:5:12: feature view `v` is defined twice: first at features.yaml:4:12\n\
             features.yaml:5:31: `1x` is no duration\n\
             \x20 help: write numbers with units w, d, h, m, s, ms or us, for example 30d, 1h30m, 86400s; a bare number only for 0",
            ),
            (
                "entities: [{name: driver_id, value_type: Int64}]\n\
             sources: [{name: s, type: file, path: a.parquet, timestamp_field: ts}]\n\
             feature_views: [{name: v, source: s, schema: [{name: a, dtype: Flaot32}, {name: a, dtype: Int64}, {name: b}, {dtype: Int64}, {name: ts, dtype: UnixTimestamp}]}]\n",
                "5 problems\n\
             features.yaml:3:64: unknown dtype `Flaot32`\n\
             \x20 help: did you mean `Float32`?\n\
             \x20 help: the types are Bytes, String, Int32, Int64, Float64, Float32, Bool, UnixTimestamp, PdfBytes, ImageBytes, Map, Json, Uuid, TimeUuid, Decimal, ScalarMap, ZonedTimestamp, and Array(…), Set(…), Struct({name: …}) of them\n\
             features.yaml:3:81: feature `a` is defined twice: first at features.yaml:3:54\n\
             features.yaml:3:99: a feature has no `dtype`\n\
             \x20 help: for example `dtype: Float32`\n\
             features.yaml:3:110: a feature has no `name`\n\
             features.yaml:3:133: feature `ts` is named like a timestamp of the view's source\n\
             \x20 help: a timestamp needs no field",
            ),
            (
                "entities: [{name: driver_id, value_type: Int64}]\n\
             sources: [{name: s, type: file, path: a.parquet, timestamp_field: ts}]\n\
             feature_views: [{name: v, source: s, schema: [{name: a, dtype: Int64}], features: [{name: a, dtype: Int64}]}]\n",
                "features.yaml:3:73: `schema` and `features` are both given\n\
             \x20 help: they are two names for one thing: write one of them",
            ),
            (
                "entities: [{name: driver_id, value_type: Int64}]\n\
             sources: [{name: s, type: file, path: a.parquet, timestamp_field: ts}]\n\
             feature_views: [{name: v, source: {name: s, type: file, path: b}}]\n",
                "features.yaml:3:42: source `s` is defined twice, and differently",
            ),
            (
                "entities: [{name: driver_id, value_type: Int64}]\n\
             sources: [{name: s, type: file, path: a.parquet, timestamp_field: ts}]\n\
             feature_views: [{name: v, source: {type: file, path: b, timestamp_fild: 5}, online: often, tags: {a: [b]}}]\n",
                "2 problems\n\
             features.yaml:3:85: `online` must be true or false, not the text `often`\n\
             features.yaml:3:102: `a` must be a text, not a list",
            ),
            (
                "entities: [{name: driver_id, value_type: Int64}]\n\
             sources: [{name: s, type: file, path: a.parquet, timestamp_field: ts}]\n\
             feature_views: [{name: v, entities: [driver_id, driver_id], source: s}]\n",
                "features.yaml:3:49: entity `driver_id` is defined twice: first at features.yaml:3:38",
            ),
            (
                "entities: [{name: driver_id, value_type: Int64}]\n\
             sources: [{name: s, type: file, path: a.parquet, timestamp_field: ts}]\n\
             feature_views: [{name: v, entities: [driver_id], source: s, schema: [{name: driver_id, dtype: String}]}]\n",
                "features.yaml:3:95: join key `driver_id` is String here, and Int64 by entity `driver_id`\n\
             \x20 help: a join key needs no field: its type stands at the entity",
            ),
        ],
    );
}

#[test]
fn services() {
    check_errors(
        definitions,
        &[
            (
                "entities: [{name: driver_id, value_type: Int64}]\n\
             sources: [{name: s, type: file, path: a.parquet, timestamp_field: ts}]\n\
             feature_views:\n\
             \x20 - {name: v, entities: [driver_id], source: s, schema: [{name: x, dtype: Int64}, {name: y, dtype: Int64}]}\n\
             feature_services: [{name: f}]\n",
                "features.yaml:5:20: a feature service has no `features`\n\
             \x20 help: list them: view:feature, or a view's name for all of its features",
            ),
            (
                "entities: [{name: driver_id, value_type: Int64}]\n\
             sources: [{name: s, type: file, path: a.parquet, timestamp_field: ts}]\n\
             feature_views:\n\
             \x20 - {name: v, entities: [driver_id], source: s, schema: [{name: x, dtype: Int64}, {name: y, dtype: Int64}]}\n\
             feature_services: [{name: f, features: [w, 'v:z', 'w:x', 'v:', ':x', {view: v, features: [xx]}, {alias: a}]}]\n",
                "7 problems\n\
             features.yaml:5:41: feature view `w` does not exist\n\
             \x20 help: what exists: v\n\
             features.yaml:5:44: feature of view `v`: `z` does not exist\n\
             \x20 help: what exists: x, y\n\
             features.yaml:5:51: feature view `w` does not exist\n\
             \x20 help: what exists: v\n\
             features.yaml:5:58: a feature reference is view:feature\n\
             features.yaml:5:64: a feature reference is view:feature\n\
             features.yaml:5:91: feature of view `v`: `xx` does not exist\n\
             \x20 help: did you mean `x`?\n\
             \x20 help: what exists: x, y\n\
             features.yaml:5:97: a view of a service has no `view`",
            ),
            (
                "entities: [{name: driver_id, value_type: Int64}]\n\
             sources: [{name: s, type: file, path: a.parquet, timestamp_field: ts}]\n\
             feature_views:\n\
             \x20 - {name: v, entities: [driver_id], source: s, schema: [{name: x, dtype: Int64}, {name: y, dtype: Int64}]}\n\
             feature_services: [{name: f, features: ['v:x', 'v:x', {view: v, alias: a, join_key_map: {driver: a}}, {view: v, join_key_map: {driver_id: ''}}]}]\n",
                "4 problems\n\
             features.yaml:5:48: feature `v:x` is listed twice\n\
             features.yaml:5:90: join key of view `v`: `driver` does not exist\n\
             \x20 help: did you mean `driver_id`?\n\
             \x20 help: what exists: driver_id\n\
             features.yaml:5:103: `v` is used twice: first at features.yaml:5:41\n\
             \x20 help: give one of the two another `alias`\n\
             features.yaml:5:139: join key `driver_id` is joined on no column",
            ),
            (
                "entities: [{name: driver_id, value_type: Int64}]\n\
             sources: [{name: s, type: file, path: a.parquet, timestamp_field: ts}]\n\
             feature_views:\n\
             \x20 - {name: v, entities: [driver_id], source: s, schema: [{name: x, dtype: Int64}, {name: y, dtype: Int64}]}\n\
             feature_services:\n\
             \x20 - name: f\n\
             \x20   features:\n\
             \x20     - {view: v, alias: a}\n\
             \x20     - {view: v, alias: a, join_key_map: {driver_id: b}}\n\
             \x20     - 'v:x'\n\
             \x20     - v\n",
                "2 problems\n\
             features.yaml:9:9: `a` is used twice: first at features.yaml:8:9\n\
             \x20 help: give one of the two another `alias`\n\
             features.yaml:11:9: all features of `v` and some of them: first at features.yaml:10:9",
            ),
            (
                "entities: [{name: driver_id, value_type: Int64}]\n\
             sources: [{name: s, type: file, path: a.parquet, timestamp_field: ts}]\n\
             feature_views:\n\
             \x20 - {name: v, entities: [driver_id], source: s, schema: [{name: x, dtype: Int64}, {name: y, dtype: Int64}]}\n\
             feature_services: [{name: f, features: [{view: v, alias: v, features: [x, x]}]}, {name: f, features: [v]}]\n",
                "2 problems\n\
             features.yaml:5:75: feature `x` is defined twice: first at features.yaml:5:72\n\
             features.yaml:5:89: feature service `f` is defined twice: first at features.yaml:5:27",
            ),
        ],
    );
}

#[test]
fn cross_checks_at_once() {
    check_errors(
        definitions,
        &[(
            "entities:\n\
             \x20 - name: d\n\
             \x20   value_type: Int65\n\
             sources:\n\
             \x20 - name: s\n\
             \x20   type: fille\n\
             feature_views:\n\
             \x20 - name: v\n\
             \x20   entities: [e]\n\
             \x20   source: r\n\
             feature_services:\n\
             \x20 - name: f\n\
             \x20   features: [u]\n",
            "5 problems\n\
             features.yaml:3:17: unknown dtype `Int65`\n\
             \x20 help: did you mean `Int64`?\n\
             \x20 help: the types are Bytes, String, Int32, Int64, Float64, Float32, Bool, UnixTimestamp, PdfBytes, ImageBytes, Map, Json, Uuid, TimeUuid, Decimal, ScalarMap, ZonedTimestamp, and Array(…), Set(…), Struct({name: …}) of them\n\
             features.yaml:6:11: unknown source type `fille`\n\
             \x20 help: a custom source is given by its class, a dotted path that ends in `Source`\n\
             features.yaml:9:16: entity `e` does not exist\n\
             \x20 help: what exists: d\n\
             features.yaml:10:13: source `r` does not exist\n\
             \x20 help: what exists: s\n\
             features.yaml:13:16: feature view `u` does not exist\n\
             \x20 help: what exists: v",
        )],
    );
}
