//! The `batchc` command. Start reading at `lib.rs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    batchc::cli::main()
}
