//! The `batchc` command. Start reading at `lib.rs`.

fn main() {}
