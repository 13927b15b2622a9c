"""What feature_store.yaml says of each emulator. Imports nothing big: whoever starts measured processes imports it."""


def bigquery(env):
    return {"type": "bigquery", "project_id": env["HYBRID_BIGQUERY_PROJECT"], "anonymous": "true",
            "api_endpoint": env["HYBRID_BIGQUERY_REST"], "storage_endpoint": env["HYBRID_BIGQUERY_STORAGE"]}


def snowflake(env):
    return {"type": "snowflake", "account": "tests", "user": "tester", "password": "secret", "database": "TEST",
            "host": env["HYBRID_SNOWFLAKE_HOST"], "port": env["HYBRID_SNOWFLAKE_PORT"], "protocol": "http"}


def redshift(env):
    return {"type": "redshift", "region": "us-east-1", "cluster_id": "cluster", "user": "hybrid",
            "database": env["HYBRID_REDSHIFT_DATABASE"], "s3_staging_location": env["HYBRID_REDSHIFT_STAGING"],
            "endpoint": env["HYBRID_REDSHIFT_ENDPOINT"], "s3_endpoint": env["HYBRID_REDSHIFT_S3"]}


def redshift_connection(env):
    return {"type": "redshift", "region": "us-east-1", "host": env["HYBRID_REDSHIFT_HOST"], "port": env["HYBRID_REDSHIFT_PORT"],
            "user": env["HYBRID_REDSHIFT_USER"], "password": env["HYBRID_REDSHIFT_PASSWORD"],
            "database": env["HYBRID_REDSHIFT_DATABASE"], "sslmode": "disable"}
