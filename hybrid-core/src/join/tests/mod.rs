#![allow(clippy::unwrap_used)]

mod data;
mod latest;
mod misuse;
mod oracle;
mod random;
mod rules;
mod types;
