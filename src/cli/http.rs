//! Something is sent to a server. What is said of it never names the address, which may hold secrets.

use super::load::system_words;
use std::time::Duration;

/// So long a server may take for an answer; the run waits for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a server did not take what it was sent.
#[derive(Debug)]
pub(super) struct Refusal {
    /// In words.
    pub(super) words: String,
    /// Can it be over by itself in a moment?
    pub(super) may_pass: bool,
}

/// Sends a text of this type, with the headers.
pub(super) fn post(
    address: &str,
    kind: &str,
    headers: &[(&str, String)],
    text: &str,
) -> Result<(), Refusal> {
    let patient = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(0);
    let agent = ureq::Agent::new_with_config(patient.build());
    let request = agent.post(address).content_type(kind);
    let request = headers.iter().fold(request, |to, (name, value)| to.header(*name, value));
    let of = |words: String, may_pass| Err(Refusal { words, may_pass });
    let answers = |code: u16, words: String| of(words, code >= 500 || code == 429);
    match request.send(text) {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => answers(answer.status().as_u16(), format!("it answers {}", answer.status())),
        Err(ureq::Error::StatusCode(code)) => answers(code, format!("it answers {code}")),
        Err(ureq::Error::Timeout(_)) => of(format!("no answer in {} s", PATIENCE.as_secs()), false),
        Err(ureq::Error::Io(error)) => {
            let (words, may_pass) = words(&error);
            of(words, may_pass)
        }
        Err(ureq::Error::HostNotFound) => of("there is no such host".to_owned(), true),
        Err(ureq::Error::ConnectionFailed) => of("it does not answer".to_owned(), true),
        // Others may name the address.
        Err(_) => of("it cannot be sent".to_owned(), false),
    }
}

/// What the system said, or who makes connections safe, and whether it can be over in a moment.
fn words(error: &std::io::Error) -> (String, bool) {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(_) => (system_words(error), true),
        None if text.contains("certificate") => {
            ("its certificate is not one that can be trusted".to_owned(), false)
        }
        None if text.contains("lookup") => ("there is no such host".to_owned(), true),
        None => ("the connection broke off".to_owned(), true),
    }
}
