"""Feast's own rendering of its own point-in-time template."""
from dataclasses import asdict

import pyarrow.compute as pc
from feast import utils
from feast.infra.offline_stores import offline_utils


def point_in_time_query(store, references, frame, table, template, context_type=None):
    times = pc.min_max(frame["event_timestamp"]).as_py()
    views, _ = utils._get_feature_views_to_use(store.registry, store.project, references)
    contexts = offline_utils.get_feature_view_query_context(references, views, store.registry, store.project, (times["min"], times["max"]))
    if context_type:
        contexts = [context_type(**asdict(context), min_date_partition=None, max_date_partition=None) for context in contexts]
    columns = dict.fromkeys(frame.column_names)
    return offline_utils.build_point_in_time_query(contexts, table, "event_timestamp", columns.keys(), template)
