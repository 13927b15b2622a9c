//! The rows of a sample project: made by code, the same each time.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use hybrid_offline_store::{BatchStream, Result};

/// 2025-01-01T00:00:00Z.
const FIRST_HOUR: i64 = 1_735_689_600_000_000;
const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const HOURS: i64 = 7 * 24;
const DRIVERS: [i64; 5] = [1001, 1002, 1003, 1004, 1005];

/// Statistics of five drivers for each hour of a week, each known five minutes later.
pub fn driver_stats() -> Result<BatchStream> {
    let mut random = Random(7);
    let hours = (0..HOURS).flat_map(|hour| DRIVERS.map(|driver| (FIRST_HOUR + hour * HOUR, driver)));
    let (times, drivers): (Vec<i64>, Vec<i64>) = hours.unzip();
    let created: Vec<i64> = times.iter().map(|time| time + 5 * MINUTE).collect();
    let conv_rate: Vec<f32> = times.iter().map(|_| random.share()).collect();
    let acc_rate: Vec<f32> = times.iter().map(|_| random.share()).collect();
    let trips: Vec<i64> = times.iter().map(|_| random.below(40)).collect();
    stream([
        ("driver_id", ints(drivers)),
        ("event_timestamp", instants(times)),
        ("created", instants(created)),
        ("conv_rate", floats(conv_rate)),
        ("acc_rate", floats(acc_rate)),
        ("avg_daily_trips", ints(trips)),
    ])
}

/// Ten trips with a label. One is by a driver nobody knows, one from before the first statistics,
/// one from long after the last: their features are NULL.
pub fn trips() -> Result<BatchStream> {
    let trips = [
        (1001, 30 * HOUR + 12 * MINUTE, 1),
        (1002, 41 * HOUR, 0),
        (1003, 77 * HOUR + 59 * MINUTE, 1),
        (1001, 30 * HOUR + 12 * MINUTE, 0),
        (1099, 50 * HOUR, 1),
        (1004, 101 * HOUR + 30 * MINUTE, 1),
        (1005, -HOUR, 0),
        (1002, 160 * HOUR + MINUTE, 1),
        (1003, 60 * 24 * HOUR, 0),
        (1005, 12 * HOUR + 34 * MINUTE, 1),
    ];
    stream([
        ("driver_id", ints(trips.map(|trip| trip.0).to_vec())),
        (
            "event_timestamp",
            instants(trips.map(|trip| FIRST_HOUR + trip.1).to_vec()),
        ),
        ("satisfied", ints(trips.map(|trip| trip.2).to_vec())),
    ])
}

fn stream<const N: usize>(columns: [(&str, ArrayRef); N]) -> Result<BatchStream> {
    // Nullable, so that rows without a value can be appended.
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, values)| (name, values, true)))?;
    Ok(BatchStream::from_batches(batch.schema(), vec![batch]))
}

fn ints(values: Vec<i64>) -> ArrayRef {
    Arc::new(Int64Array::from(values))
}

fn floats(values: Vec<f32>) -> ArrayRef {
    Arc::new(Float32Array::from(values))
}

fn instants(values: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
}

/// A linear congruential generator: no sample needs better, and it is the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as u32
    }

    fn below(&mut self, limit: u32) -> i64 {
        i64::from(self.next() % limit)
    }

    /// Between 0 and 1 in thousandths.
    fn share(&mut self) -> f32 {
        (self.next() % 1000) as f32 / 1000.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_sample_is_the_same_each_time() {
        let first = driver_stats().unwrap().collect().await.unwrap();
        assert_eq!(driver_stats().unwrap().collect().await.unwrap(), first);
        assert_eq!(first[0].num_rows(), 840);
        assert_eq!(trips().unwrap().collect().await.unwrap()[0].num_rows(), 10);
    }
}
