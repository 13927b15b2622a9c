//! The mistakes that an author of a store can make in a declaration: one to a file, which is named
//! after it, with the whole message beside it. After a wanted change of a message:
//! `TRYBUILD=overwrite cargo test -p hybrid-core --test ui`, and read what changed.

#[test]
fn each_mistake_is_one_message_at_its_place() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
