//! Exists for the `links` key in Cargo.toml alone: it makes cargo refuse two versions of this
//! crate in one program. Each would have a registry of its own, and the backends would be
//! registered in the one that the application does not ask.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
