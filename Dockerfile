# `hybrid serve` with every backend: docker build -t hybrid . && docker run -p 8815:8815 -v ./repo:/repo hybrid
# tests/image runs these steps.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --workspace --all-features

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/hybrid /usr/local/bin/hybrid
RUN useradd --system --create-home hybrid
USER hybrid
WORKDIR /repo
EXPOSE 8815 9090
# Outside of the container's own machine: give --auth-tokens or --oidc-issuer in its place where the network is not trusted.
ENTRYPOINT ["hybrid", "serve", "--repo", "/repo", "--host", "0.0.0.0", "--status-port", "9090"]
CMD ["--allow-unauthenticated"]
