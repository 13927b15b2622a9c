# shellcheck shell=bash
# S3 on moto's server. Exports what the S3 tests and the AWS clients read.

start_moto() {
    local dir="$1" python port
    python="$(venv moto "$ENGINES/moto.txt")"
    port="$(free_port)"
    engine_start moto "$port" "$dir" "$python" -m moto.server -H 127.0.0.1 -p "$port"
    export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_ALLOW_HTTP=true
    export AWS_ENDPOINT="http://127.0.0.1:$port" AWS_ENDPOINT_URL="http://127.0.0.1:$port"
    export HYBRID_S3_ENDPOINT="$AWS_ENDPOINT" HYBRID_S3_BUCKET=hybrid-test
    unset AWS_PROFILE AWS_SESSION_TOKEN
    "$python" -c 'import boto3, sys; boto3.client("s3", endpoint_url=sys.argv[1]).create_bucket(Bucket=sys.argv[2])' \
        "$HYBRID_S3_ENDPOINT" "$HYBRID_S3_BUCKET" || die "moto did not create the bucket $HYBRID_S3_BUCKET"
}
