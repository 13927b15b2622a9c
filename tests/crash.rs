//! Appends survive `kill -9` at any moment and two writers at once: what was acknowledged is there, whole, and no
//! reader ever sees half of a batch.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod crash {
    pub mod table;
    pub mod writer;
}

use std::time::Duration;

use crash::table::{Layout, Table};
use crash::writer::{Writer, write_until_killed};

const ROUNDS: u64 = 100;

#[test]
fn a_folder_survives_kills_and_two_writers() {
    (0..ROUNDS).for_each(|round| survive(Layout::Folder, round));
}

#[test]
fn a_single_file_survives_kills_and_two_writers() {
    (0..ROUNDS).for_each(|round| survive(Layout::File, round));
}

#[test]
#[ignore = "a process of its own, which the other tests start and kill"]
fn writes_until_killed() {
    write_until_killed();
}

/// Two writers on one table; one is killed, the other goes on, then it is killed too.
fn survive(layout: Layout, round: u64) {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::create(folder.path(), layout);
    let first = Writer::start(folder.path(), layout, 1);
    let mut second = Writer::start(folder.path(), layout, 2);
    first.wait_until_ready();
    second.wait_until_ready();
    std::thread::sleep(moment(round));
    table.read().assert_whole();
    let mut acknowledged = first.kill();
    second.wait_for_another_append();
    std::thread::sleep(moment(round + ROUNDS));
    acknowledged.extend(second.kill());
    let found = table.read();
    found.assert_whole();
    found.assert_has(&acknowledged);
}

/// Between 0 and 20 ms, another one each round.
fn moment(round: u64) -> Duration {
    Duration::from_micros(round.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32 & 0x3FFF) + Duration::from_micros(round * 17)
}
