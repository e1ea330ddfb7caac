//! Secrets are looked up: in the environment, in files. What they are is never said.

use super::load::system_words;
use crate::ir::{Input, Pipeline, RunContext, SecretFrom, SecretText};
use std::path::Path;

/// The text of a secret, or why it is not known.
pub(super) fn secret_of(pipeline: &Pipeline, at: usize, base: &Path) -> Result<String, String> {
    let text = match &pipeline.secrets[at].from {
        SecretFrom::Env(name) => {
            std::env::var(name).map_err(|_| format!("{name} is not set in the environment"))?
        }
        SecretFrom::File(file) => {
            let failed = |error| format!("cannot read {file}: {}", system_words(&error));
            std::fs::read_to_string(base.join(file)).map_err(failed)?
        }
    };
    match text.trim() {
        "" => Err(format!("`{}` is empty", pipeline.secrets[at].name)),
        text => Ok(text.to_owned()),
    }
}

/// The run with the secrets that are keys of what is computed for these tables and outputs; an error
/// says which is not known.
pub(super) fn with_keys(
    context: RunContext,
    pipeline: &Pipeline,
    (tables, outputs): (&[Input], &[usize]),
    base: &Path,
) -> Result<RunContext, String> {
    let mut secrets = vec![None; pipeline.secrets.len()];
    for at in pipeline.keys_for(tables.iter().copied(), outputs) {
        let text = secret_of(pipeline, at, base);
        let text = text.map_err(|why| {
            format!("the secret `{}` is not known: {why}", pipeline.secrets[at].name)
        })?;
        secrets[at] = Some(SecretText::new(&text));
    }
    Ok(RunContext { secrets, ..context })
}
