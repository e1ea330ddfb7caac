//! Where the events of OpenLineage go: a file, or a server that takes them.

use super::http::post;
use super::print::say;
use serde_json::Value;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The key of the server, as other programs that send these events take it too.
const KEY: &str = "OPENLINEAGE_API_KEY";

/// Where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Receiver {
    File(PathBuf),
    /// By its address.
    Server(String),
}

impl Receiver {
    /// What `--openlineage` names. A server without a path has the usual one.
    pub(super) fn of(name: &Path) -> Receiver {
        let text = name.to_string_lossy();
        let Some((scheme, rest)) = text.split_once("://") else {
            return Receiver::File(name.to_owned());
        };
        match (scheme, rest.trim_end_matches('/')) {
            ("http" | "https", host) if !host.contains('/') => {
                Receiver::Server(format!("{scheme}://{host}/api/v1/lineage"))
            }
            ("http" | "https", _) => Receiver::Server(text.into_owned()),
            _ => Receiver::File(name.to_owned()),
        }
    }

    /// Writes or sends an event. A file that cannot be written is an error; what a server does not
    /// take is only told, and no run fails of it.
    pub(super) fn take(&self, event: &Value) -> Result<(), String> {
        match self {
            Receiver::File(file) => append(event, file),
            Receiver::Server(address) => {
                if let Err(error) = send(event, address) {
                    let to = without_secrets(address);
                    say!("  an event of OpenLineage was not delivered to {to}: {error}");
                }
                Ok(())
            }
        }
    }
}

fn append(event: &Value, file: &Path) -> Result<(), String> {
    let opened = OpenOptions::new().create(true).append(true).open(file);
    let written = opened.and_then(|mut opened| opened.write_all(format!("{event}\n").as_bytes()));
    written.map_err(|error| format!("cannot write {}: {error}", file.display()))
}

fn send(event: &Value, address: &str) -> Result<(), String> {
    let key = std::env::var(KEY).ok().filter(|key| !key.is_empty());
    let key: Vec<_> =
        key.map(|key| ("Authorization", format!("Bearer {key}"))).into_iter().collect();
    post(address, "application/json", &key, &event.to_string()).map_err(|refusal| refusal.words)
}

/// The address without a name and password, and without what is asked for behind a `?`.
fn without_secrets(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            format!("{scheme}://{}{path}", host.rsplit('@').next().unwrap_or_default())
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_a_file_and_shown_without_secrets() {
        let of = |name: &str| Receiver::of(Path::new(name));
        let server = |address: &str| Receiver::Server(address.to_owned());
        assert_eq!(of("events.jsonl"), Receiver::File("events.jsonl".into()));
        assert_eq!(of("http://a:1/"), server("http://a:1/api/v1/lineage"));
        assert_eq!(of("https://a"), server("https://a/api/v1/lineage"));
        assert_eq!(of("https://a/b?c=d"), server("https://a/b?c=d"));
        assert_eq!(without_secrets("https://me:secret@a:1/b?key=secret"), "https://a:1/b");
    }
}
