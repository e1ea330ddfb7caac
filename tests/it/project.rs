//! A folder with a pipeline and its data, in which the real batchc is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Rows of `rows` one by one, in each `version`: a file, a packed file, a directory and a Parquet file
/// of one scan.
pub(crate) const FOUR_OUTPUTS: &str = "
job all {
  on error quarantine bad
  from rows
  derive version = version
}

job parts {
  partition by hash(text) into 4
  from all
}

output plain   = csv(\"out/plain.csv\") from all
output packed  = json(\"out/packed.jsonl.gz\") from all
output folder  = csv(\"out/folder\") from parts
output columns = parquet(\"out/columns.parquet\") from all
";

/// A folder that goes away with its last use.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// A project with this `pipeline.batch`.
    pub(crate) fn new(pipeline: &str) -> Project {
        let project = Project { folder: tempfile::tempdir().expect("a folder can be made") };
        project.write("pipeline.batch", pipeline);
        project
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The path of a file.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Writes a file, and its folder if that is missing.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("it can be made");
        fs::write(path, content).expect("it can be written");
    }

    /// The text of a file.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The records of a file of JSON lines.
    pub(crate) fn records(&self, name: &str) -> Vec<serde_json::Value> {
        let record = |line: &str| serde_json::from_str(line).expect("a line is JSON");
        self.read(name).lines().map(record).collect()
    }

    /// The names in a folder, in order, hidden ones too.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(folder)) else { return vec![] };
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.expect("it can be read").file_name().into_string().expect("a plain name")
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }

    /// All files below the folder by their paths, in order; of what batchc keeps for itself, only
    /// the rows set aside.
    pub(crate) fn files(&self) -> Vec<String> {
        let (mut files, mut open) = (vec![], vec![self.folder().to_owned()]);
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).expect("it can be read") {
                let path = entry.expect("it can be read").path();
                let name = path.strip_prefix(self.folder()).expect("it is inside");
                match path.is_dir() {
                    true => open.push(path),
                    false
                        if name.starts_with(".batchc")
                            && !name.starts_with(".batchc/quarantine") => {}
                    false => files.push(name.display().to_string()),
                }
            }
        }
        files.sort();
        files
    }

    /// A command of batchc in the folder, to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_batchc"));
        command.args(arguments).current_dir(self.folder());
        for name in ["NO_COLOR", "FORCE_COLOR", "CI"] {
            command.env_remove(name);
        }
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BATCHC_")) {
            command.env_remove(name);
        }
        command
    }

    /// Runs a command of batchc to its end.
    pub(crate) fn batchc(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().expect("batchc can be started");
        Ended::of(&output)
    }

    /// Runs the pipeline, which must end well.
    pub(crate) fn run(&self) -> Ended {
        self.run_with(&[])
    }

    /// The same with these flags, whatever is there already.
    pub(crate) fn run_with(&self, flags: &[&str]) -> Ended {
        let ended = self.batchc(&[&["run", "--fresh", "--report", "report.json"], flags].concat());
        assert_eq!(ended.code, Some(0), "{flags:?}: {}", ended.words);
        ended
    }

    /// The jobs of the report, without how long they took.
    pub(crate) fn jobs_without_times(&self) -> serde_json::Value {
        let mut jobs = self.report()["jobs"].take();
        for job in jobs.as_array_mut().expect("a list") {
            job["seconds"] = 0.into();
            job["records_per_second"] = 0.into();
            job["peak_memory"] = 0.into();
        }
        jobs
    }

    /// The report of [`Project::run`] and [`Project::run_with`].
    pub(crate) fn report(&self) -> serde_json::Value {
        serde_json::from_str(&self.read("report.json")).expect("a report is JSON")
    }
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; none after a signal.
    pub(crate) code: Option<i32>,
    /// What it wrote to stdout.
    pub(crate) data: String,
    /// What it wrote to stderr.
    pub(crate) words: String,
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Ended {
        Ended {
            code: output.status.code(),
            data: String::from_utf8(output.stdout.clone()).expect("stdout is text"),
            words: String::from_utf8(output.stderr.clone()).expect("stderr is text"),
        }
    }

    /// Expects a failure with this code that says so.
    pub(crate) fn fails(&self, code: i32, saying: &str) {
        assert_eq!(self.code, Some(code), "{}", self.words);
        assert!(self.words.contains(saying), "{saying:?} is not in\n{}", self.words);
    }
}
