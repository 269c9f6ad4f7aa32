//! The htgate program.
fn main() {}
