//! How jobs are run and who is told of them, which changes no row.

use super::Expr;
use crate::text::Span;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// When a job is tried again that failed for a reason that can pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often, after the first time.
    pub times: u32,
    /// The shortest and the longest pause before it is.
    pub pauses: (Duration, Duration),
}

/// How long a job may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout {
    /// So long.
    pub most: Duration,
    /// Does the job say so itself, and not the pipeline for all?
    pub is_own: bool,
    /// Where it is said.
    pub span: Span,
}

/// A text that nobody may see. It is looked up when it is used, and kept nowhere.
#[derive(Clone, Debug)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// Where it is found.
    pub from: SecretFrom,
}

/// The value of a secret in a run.
#[derive(Clone)]
pub struct SecretText(Arc<str>);

impl SecretText {
    /// This text, which is shown nowhere from here on.
    pub fn new(text: &str) -> SecretText {
        SecretText(text.into())
    }

    /// The text itself, for who computes with it.
    pub fn reveal(&self) -> &Arc<str> {
        &self.0
    }

    /// What tells it from other texts, and does not show it.
    pub fn digest(&self) -> String {
        Sha256::digest(self.0.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }
}

/// Where a secret is found.
#[derive(Clone, Debug)]
pub enum SecretFrom {
    /// In a variable of the environment.
    Env(String),
    /// In a file.
    File(String),
}

/// Who can be told of a run.
#[derive(Clone, Debug)]
pub struct Notifier {
    /// Its name.
    pub name: String,
    /// In which form.
    pub kind: NotifierKind,
    /// Where.
    pub address: Address,
}

/// In which form something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifierKind {
    /// All that is known, as JSON.
    Webhook,
    /// A text, as Slack and those like it take it.
    Slack,
    /// A text, as Discord takes it.
    Discord,
    /// A text and nothing else.
    Ntfy,
}

/// Where something is told.
#[derive(Clone, Debug)]
pub enum Address {
    /// A text: constant but for parameters.
    Given(Box<Expr>),
    /// The secret at this position.
    Secret(usize),
}

/// Who is told how something ended, by their positions in [`Pipeline::notifiers`](super::Pipeline::notifiers).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// If it failed.
    pub failure: Vec<usize>,
    /// If it succeeded.
    pub success: Vec<usize>,
}

/// What a job may use of what its run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// So many threads.
    pub threads: Option<usize>,
    /// So many bytes.
    pub memory: Option<usize>,
    /// Does the job say so itself, and not the pipeline for all?
    pub is_own: bool,
    /// Where it is said.
    pub span: Span,
}

impl Resources {
    /// Without limits, said here.
    pub fn new(span: Span) -> Resources {
        Resources { threads: None, memory: None, is_own: true, span }
    }

    /// The same, with those of all where it has none.
    pub fn or(self, all: Option<Resources>) -> Resources {
        Resources {
            threads: self.threads.or(all.and_then(|all| all.threads)),
            memory: self.memory.or(all.and_then(|all| all.memory)),
            ..self
        }
    }
}
