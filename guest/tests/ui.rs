//! What does not compile, and that the compiler says why, where the author can see it.
//!
//! `TRYBUILD=overwrite cargo test -p dotwit --test ui` writes the messages again.

#[test]
fn mistakes_are_refused_by_the_compiler() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
