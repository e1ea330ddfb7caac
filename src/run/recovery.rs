//! What a run that died left half published is completed, before anything else.

use super::failure::Failure;
use crate::connect::{ConnectError, complete_move, written};
use crate::store::journal::{self, Found};
use crate::store::ledger::{Entry, Ledger};
use std::path::Path;

/// Publishes what a run that died was publishing; the run.
pub(super) fn recover(path: &Path, ledger: &mut Ledger) -> Result<Option<String>, Failure> {
    let commit = match journal::read(path)? {
        Found::Nothing => return Ok(None),
        Found::Damaged => return journal::end(path).map(|()| None).map_err(Failure::State),
        Found::Commit(commit) => commit,
    };
    for (staged, target) in &commit.moves {
        complete_move(staged, target).map_err(|error| {
            let help = format!(
                "remove what is in the way, or give up the rest of its outputs: remove {}",
                path.display()
            );
            let run = &commit.run;
            let message = format!("the outputs of run {run} are not all published: {error}");
            ConnectError::new(message).help(help)
        })?;
    }
    // What the run had given up is not there.
    let there: Vec<String> =
        commit.moves.iter().filter_map(|(_, target)| written(target)).collect();
    let is_there = |entry: &&Entry| there.contains(&entry.target);
    let entries: Vec<Entry> = commit.entries.iter().filter(is_there).cloned().collect();
    ledger.note(&entries, &commit.files)?;
    journal::end(path)?;
    Ok(Some(commit.run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::{Arguments, Outputs, SinkSpec};
    use crate::store::journal::Commit;
    use crate::types::Scalar;
    use std::fs;
    use std::path::PathBuf;

    #[test]
    fn what_a_dead_run_was_publishing_is_published_once() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let stage = |name: &str, parts| {
            let path = Scalar::String(place(name).display().to_string().into());
            let spec = SinkSpec {
                base: PathBuf::new(),
                arguments: Arguments(vec![("path".into(), path)]),
                columns: vec![],
                run: "dead".into(),
                parts,
                adds: false,
                behind: None,
                folders: None,
            };
            Outputs::open(&spec, "csv", b"new").unwrap().finish().unwrap()
        };
        let read = |name: &str| fs::read_to_string(place(name)).unwrap();
        // How far the run came: so many outputs were published when it died.
        for published in 0..=3 {
            fs::write(place("a.csv"), "old").unwrap();
            let staged = [stage("a.csv", None), stage("b.csv", None), stage("parts", Some(2))];
            let moves: Vec<_> = staged.iter().flat_map(|one| one.moves.clone()).collect();
            let entry = Entry {
                pipeline: "p.batch".into(),
                output: "a".into(),
                key: "key".into(),
                path: "a.csv".into(),
                made: String::new(),
                target: written(&moves[0].0).unwrap(),
                run: "dead".into(),
                rows: 1,
                bytes: 3,
            };
            let commit =
                Commit { run: "dead".into(), moves, entries: vec![entry.clone()], files: vec![] };
            let journal = place("journal");
            journal::begin(&journal, &commit).unwrap();
            staged.into_iter().enumerate().for_each(|(at, mut one)| match at < published {
                true => one.publish().unwrap(),
                false => std::mem::forget(one),
            });
            let mut ledger = Ledger::open(folder.path()).unwrap();
            assert_eq!(recover(&journal, &mut ledger).ok().unwrap().as_deref(), Some("dead"));
            assert_eq!([read("a.csv"), read("b.csv"), read("parts/part-00001.csv")], ["new"; 3]);
            assert_eq!(ledger.output("p.batch", "a").unwrap(), Some(entry.clone()));
            assert_eq!(written(&place("a.csv")), Some(entry.target));
            assert_eq!(recover(&journal, &mut ledger).ok().unwrap(), None);
            let left = fs::read_dir(folder.path()).unwrap().map(|one| one.unwrap().file_name());
            let hidden = left.filter(|name| name.as_encoded_bytes().starts_with(b"."));
            assert_eq!(hidden.count(), 0);
        }
    }

    #[test]
    fn what_cannot_be_published_is_told_with_a_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let (staged, target) = (folder.path().join(".a"), folder.path().join("a"));
        fs::write(&staged, "new").unwrap();
        fs::create_dir_all(target.join("mine")).unwrap();
        let moves = vec![(staged, target.clone())];
        let commit = Commit { run: "dead".into(), moves, entries: vec![], files: vec![] };
        let journal = folder.path().join("journal");
        journal::begin(&journal, &commit).unwrap();
        let mut ledger = Ledger::open(folder.path()).unwrap();
        let Err(Failure::Stage(crate::exec::Error::Connect(error), _)) =
            recover(&journal, &mut ledger)
        else {
            panic!("it is told")
        };
        let begin = "the outputs of run dead are not all published: cannot replace ";
        assert!(error.message.starts_with(begin), "{}", error.message);
        assert!(error.help.unwrap().ends_with("journal"));
        fs::remove_dir_all(&target).unwrap();
        assert!(recover(&journal, &mut ledger).is_ok());
        assert_eq!(fs::read_to_string(target).unwrap(), "new");
    }
}
