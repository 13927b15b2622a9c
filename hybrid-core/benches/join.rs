//! Seconds and memory of the point-in-time join alone, on synthetic batches.
//!
//! `cargo bench -p hybrid-core --bench join -- [sparse|dense|string|pair|latest] [million feature rows] [batch size]`
//!
//! Feature rows are in time order with three features, the ttl is 30 days unless NO_TTL is set. Seconds
//! of `push` are those on the processor where the system tells them, so a busy machine disturbs little.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::sync::Arc;
use std::time::Instant;

use hybrid_core::arrow::array::{ArrayRef, Float32Array, Float64Array, Int64Array, StringArray};
use hybrid_core::arrow::datatypes::{DataType, Field, Schema};
use hybrid_core::join::{EntityIndex, FeatureBatch, JoinOptions, JoinWorker, LatestPerKey};

const YEAR: u64 = 365 * 86_400_000_000;
const HOUR: u64 = 3_600_000_000;
const TYPES: [DataType; 3] = [DataType::Float32, DataType::Float64, DataType::Int64];

#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    rows: u64,
    keys: u64,
    entity_rows: u64,
    entity_keys: u64,
    batch: u64,
}

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let rows = numbers.first().copied().unwrap_or(20) * 1_000_000;
    let batch = numbers.get(1).copied().unwrap_or(65_536);
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let known = ["sparse", "dense", "string", "pair", "latest"];
    let all = !wanted.iter().any(|w| known.contains(&w.as_str()));
    for name in known {
        if !all && !wanted.iter().any(|w| w == name) {
            continue;
        }
        let keys = if name == "dense" { 10_000 } else { 1_000_000 };
        let case = Case {
            name,
            rows,
            keys,
            entity_rows: 1_000_000,
            entity_keys: keys.min(200_000),
            batch,
        };
        if name == "latest" { latest(case) } else { join(case) }
    }
}

fn join(case: Case) {
    let (keys, times) = entity_rows(case);
    let options = JoinOptions {
        ttl: std::env::var_os("NO_TTL").is_none().then_some(30 * 24 * HOUR as i64),
        filter_by_created: std::env::var_os("CREATED").is_some(),
    };
    let (index, seconds) = timed(|| Arc::new(EntityIndex::new(&keys, &times).unwrap()));
    println!(
        "{:7} index {seconds:.3} s, {} keys, peak {} MiB",
        case.name,
        index.distinct_keys(),
        peak()
    );
    for threads in [1, 2] {
        let started = Instant::now();
        let workers: Vec<_> = std::thread::scope(|scope| {
            let run = |part| worker(case, index.clone(), options, part, threads);
            let handles: Vec<_> = (0..threads).map(|part| scope.spawn(move || run(part))).collect();
            handles.into_iter().map(|handle| handle.join().unwrap()).collect()
        });
        let wall = started.elapsed().as_secs_f64();
        let pushing: Vec<String> = workers.iter().map(|(_, s)| format!("{s:.3}")).collect();
        let before = peak();
        let mut workers = workers.into_iter().map(|(worker, _)| worker);
        let mut first = workers.next().unwrap();
        let (_, merge) = timed(|| workers.for_each(|other| first.merge(other).unwrap()));
        let (joined, finish) = timed(|| first.finish().unwrap());
        let (_, read) = timed(|| {
            for start in (0..joined.rows()).step_by(65_536) {
                joined.columns(start, 65_536.min(joined.rows() - start)).unwrap();
            }
        });
        println!(
            "{:7} {threads} threads: push {} s (with making the rows {wall:.2}), merge {merge:.3}, finish {finish:.3}, \
             read {read:.3}; {} matched; peak {before} MiB, then {} MiB",
            case.name,
            pushing.join(" + "),
            joined.matched(),
            peak()
        );
    }
}

fn worker(case: Case, index: Arc<EntityIndex>, options: JoinOptions, part: u64, parts: u64) -> (JoinWorker, f64) {
    let mut worker = JoinWorker::new(index, &TYPES, options);
    let mut seconds = 0.0;
    for number in (0..case.rows.div_ceil(case.batch)).filter(|number| number % parts == part) {
        let batch = features(case, number * case.batch);
        seconds += timed(|| worker.push(&batch).unwrap()).1;
    }
    (worker, seconds)
}

fn latest(case: Case) {
    let fields: Vec<Field> = TYPES.iter().map(|t| Field::new("f", t.clone(), true)).collect();
    let mut latest = LatestPerKey::new(&[DataType::Int64], Arc::new(Schema::new(fields))).unwrap();
    let mut seconds = 0.0;
    for number in 0..case.rows.div_ceil(case.batch) {
        let batch = features(case, number * case.batch);
        seconds += timed(|| latest.push(&batch).unwrap()).1;
    }
    let (batches, finish) = timed(|| latest.finish(65_536).unwrap());
    let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
    println!(
        "latest  push {seconds:.3} s, finish {finish:.3} s, {rows} rows, peak {} MiB",
        peak()
    );
}

fn entity_rows(case: Case) -> (Vec<ArrayRef>, Int64Array) {
    let spread = case.keys / case.entity_keys;
    let ids = (0..case.entity_rows).map(|row| random(row, 1) % case.entity_keys * spread);
    let times = (0..case.entity_rows).map(|row| (random(row, 2) % YEAR) as i64);
    (key_columns(case, ids), times.collect())
}

fn features(case: Case, start: u64) -> FeatureBatch {
    let rows = start..(start + case.batch).min(case.rows);
    let time = |row: u64| (row as u128 * YEAR as u128 / case.rows as u128) as u64;
    let value = |row: u64| random(row, 5) % 1000;
    FeatureBatch {
        keys: key_columns(case, rows.clone().map(|row| random(row, 3) % case.keys)),
        times: rows.clone().map(|row| time(row) as i64).collect(),
        created: Some(
            rows.clone()
                .map(|row| (time(row) + random(row, 4) % HOUR) as i64)
                .collect(),
        ),
        features: vec![
            Arc::new(
                rows.clone()
                    .map(|row| Some(value(row) as f32))
                    .collect::<Float32Array>(),
            ),
            Arc::new(
                rows.clone()
                    .map(|row| Some(value(row) as f64))
                    .collect::<Float64Array>(),
            ),
            Arc::new(rows.map(|row| Some(value(row) as i64)).collect::<Int64Array>()),
        ],
        sequence: start,
    }
}

fn key_columns(case: Case, ids: impl Iterator<Item = u64>) -> Vec<ArrayRef> {
    let ids: Vec<u64> = ids.collect();
    let column =
        |id: fn(u64) -> u64| -> ArrayRef { Arc::new(ids.iter().map(|i| Some(id(*i) as i64)).collect::<Int64Array>()) };
    match case.name {
        "string" => vec![Arc::new(
            ids.iter()
                .map(|id| Some(format!("driver-{id}")))
                .collect::<StringArray>(),
        )],
        "pair" => vec![column(|id| id / 1000), column(|id| id % 1000)],
        _ => vec![column(|id| id)],
    }
}

/// A hash of row and column: the same rows whatever the batches and threads.
fn random(row: u64, column: u64) -> u64 {
    let mut x = row
        .wrapping_mul(8)
        .wrapping_add(column)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (x ^ (x >> 31)) >> 1
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let (cpu, wall) = (cpu_seconds(), Instant::now());
    let done = work();
    let seconds = match (cpu, cpu_seconds()) {
        (Some(before), Some(after)) => after - before,
        _ => wall.elapsed().as_secs_f64(),
    };
    (done, seconds)
}

/// Seconds of this thread on a processor, where the system tells.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos: u64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanos as f64 / 1e9)
}

/// The most memory the process has held, in MiB, where the system tells.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
