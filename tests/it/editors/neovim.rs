//! A real Neovim, without a screen, that works on a program with the real server.
//! `BATCHC_NVIM` names it.

use super::{editors, output, tool};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Each thing that is done is one of `tests/it/editors/neovim.lua`, which says what came of it.
#[test]
fn neovim_works_with_the_server() {
    let Some(nvim) = tool("BATCHC_NVIM", "the program nvim") else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let project = folder.path().join("project");
    fs::create_dir_all(project.join("lib")).expect("a folder can be made");
    let write = |name: &str, text: &str| {
        fs::write(project.join(name), text).expect("a file can be written");
    };
    write("pipeline.batch", include_str!("neovim.batch"));
    write("lib/shop.batch", "fn net(x: decimal(12, 2)) -> decimal(14, 2) = y * 2\n");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/editors/neovim.lua");
    let out = folder.path().join("out");
    let said = output(
        Command::new(nvim)
            .args(["--headless", "--clean", "-n", "-i", "NONE"])
            .args(["--cmd", "let g:batchc_path = $BATCHC", "--cmd", "set rtp+=$BATCHC_NVIM_FILES"])
            .args(["--cmd", "filetype plugin on"])
            .arg(project.join("pipeline.batch"))
            .arg("-S")
            .arg(script)
            .env("BATCHC", env!("CARGO_BIN_EXE_batchc"))
            .env("BATCHC_NVIM_FILES", editors("nvim"))
            .env("BATCHC_OUT", &out)
            .env("HOME", folder.path())
            .current_dir(&project),
    );
    let found = fs::read_to_string(&out).unwrap_or_else(|error| panic!("{error}: {said}"));
    insta::assert_snapshot!("neovim", found);
}
