//! Names of the language whose time comes later: a program that uses one is told so, and not that
//! there is no such thing. `docs/not-available-yet.md` lists the same ones, which a test holds.
//! Steps, declarations and settings that come later are known by the grammar.

/// Connectors.
pub const CONNECTORS: &[&str] = &["postgres", "sqlite", "mysql", "http", "s3", "delta", "report"];

/// Ways to tell somebody how a run ended.
pub const NOTIFIERS: &[&str] = &["email", "teams", "pagerduty", "opsgenie"];

#[cfg(test)]
mod tests {
    use crate::diagnostics::foreign;
    use crate::functions::Registry;

    #[test]
    fn names_of_other_languages_lead_to_functions_that_there_are() {
        let registry = Registry::standard();
        for (theirs, ours) in foreign::functions() {
            assert!(!registry.overloads(ours).is_empty(), "there is no `{ours}`");
            assert!(registry.overloads(theirs).is_empty(), "`{theirs}` is called so here too");
        }
    }
}
