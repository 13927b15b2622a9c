//! What those who run the server ask over HTTP: is it alive, is it ready, what has it done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::observe::Observer;

/// What a scraper of Prometheus is told of the text.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether new calls are taken.
#[derive(Clone, Default)]
pub(crate) struct Ready(Arc<AtomicBool>);

impl Ready {
    pub(crate) fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Relaxed);
    }

    fn answer(&self) -> Response {
        match self.0.load(Ordering::Relaxed) {
            true => "ready\n".into_response(),
            false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response(),
        }
    }
}

/// Answers `/livez`, `/readyz` and `/metrics` for as long as it is polled.
pub(crate) async fn answer(listener: TcpListener, observer: Observer, ready: Ready) {
    let router = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(move || std::future::ready(ready.answer())))
        .route("/metrics", get(move || std::future::ready(metrics(&observer))));
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "metrics are no longer served");
    }
}

fn metrics(observer: &Observer) -> Response {
    match observer.text() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
