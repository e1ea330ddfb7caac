//! Pages that show what programs give: each program is run over the files of its page, and has to give
//! the table behind it.
//!
//! With `BATCHC_SHOWN=write` the tables are written into the pages; they are read before they are
//! committed, as snapshots are.

use super::project::Project;
use std::fmt::Write as _;
use std::fs;

/// The pages, from `docs/` on.
const PAGES: &[&str] = &["language/steps.md", "from-spark.md"];

/// A piece of a page: a block between fences with the word behind them, or what is outside.
enum Piece<'p> {
    Block(&'p str, &'p str),
    Outside(&'p str),
}

fn pieces(page: &str) -> Vec<Piece<'_>> {
    let mut pieces = vec![];
    let mut rest = page;
    while let Some((before, behind)) = rest.split_once("```") {
        let (word, behind) = behind.split_once('\n').expect("a block has lines");
        let (block, behind) = match behind.strip_prefix("```") {
            Some(behind) => ("", behind),
            None => {
                let end = behind.find("\n```").expect("a block ends");
                (&behind[..end + 1], &behind[end + 4..])
            }
        };
        pieces.push(Piece::Outside(before));
        pieces.push(Piece::Block(word, block));
        rest = behind;
    }
    pieces.push(Piece::Outside(rest));
    pieces
}

/// The files of a page: `==> NAME <==`, and their lines.
fn files(pieces: &[Piece]) -> Vec<(String, String)> {
    let block = pieces.iter().find_map(|piece| match piece {
        Piece::Block("text", block) if block.starts_with("==> ") => Some(*block),
        _ => None,
    });
    let files = block.expect("the page has files").split("==> ").skip(1);
    let file = |text: &str| {
        let (name, content) = text.split_once(" <==\n").expect("a name stands in arrows");
        (name.to_owned(), format!("{}\n", content.trim_end()))
    };
    files.map(file).collect()
}

/// The last job of a program, as a table.
fn shown(program: &str, files: &[(String, String)]) -> String {
    let project = Project::new(program);
    files.iter().for_each(|(name, content)| project.write(name, content));
    let job = program.lines().filter_map(|line| line.strip_prefix("job ")).next_back();
    let job = job.expect("there is a job").trim_end_matches(" {");
    let mut command = project.command(&["preview", "pipeline.batch", job, "--color", "never"]);
    let output = command.output().expect("it can be started");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}\n{words}");
    String::from_utf8(output.stdout).expect("it is a text")
}

#[test]
fn programs_give_the_tables_that_pages_show() {
    let mut differ = vec![];
    for page in PAGES {
        let path = format!("{}/docs/{page}", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(&path).expect("the page is there");
        let pieces = pieces(&text);
        let files = files(&pieces);
        let mut again = String::new();
        let mut program = None;
        for piece in &pieces {
            match piece {
                Piece::Outside(text) => {
                    program = program.filter(|_| text.trim().is_empty());
                    again.push_str(text);
                }
                Piece::Block(word, block) => {
                    let table = match (*word, program.take()) {
                        ("text", Some(program)) => Some(shown(program, &files)),
                        _ => None,
                    };
                    let table = table.map(|table| format!("{}\n", table.trim_end()));
                    write!(again, "```{word}\n{}```", table.as_deref().unwrap_or(block))
                        .expect("a text takes it");
                    program = Some(*block).filter(|_| *word == "batch");
                }
            }
        }
        if again != text {
            differ.push(*page);
            if std::env::var("BATCHC_SHOWN").is_ok_and(|how| how == "write") {
                fs::write(&path, again).expect("it can be written");
            }
        }
    }
    assert!(differ.is_empty(), "tables of {} are not what programs give", differ.join(", "));
}
