//! Names of the language whose time comes later: a program that uses one is told so, and not that
//! there is no such thing. `docs/not-available-yet.md` lists the same ones, which a test holds.
//! Steps, declarations and settings that come later are known by the grammar.

/// Functions.
pub const FUNCTIONS: &[&str] = &[
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
    "fill_forward",
    "approx_count_distinct",
    "approx_quantile",
    "unique",
    "exists_in",
    "parse_json",
    "to_json",
    "json_get",
    "json_keys",
    "json_type",
    "json_length",
    "cast_json",
    "has",
    "keys",
    "uuid_v5",
    "tokenize",
    "url_parse",
    "url_host",
    "url_path",
    "url_param",
    "url_encode",
    "url_decode",
    "domain_suffix",
    "ip_parse",
    "ip_in_network",
    "ip_version",
    "ip_anonymize",
    "user_agent",
    "parse_common_log",
    "parse_combined_log",
    "parse_syslog",
    "parse_logfmt",
    "parse_key_value",
    "parse_csv_line",
    "parse_cef",
    "parse_grok",
    "typeof",
];

/// Columns that every row of a source will carry.
pub const COLUMNS: &[&str] = &["_source", "_source_file", "_source_row", "_record_id", "_read_at"];

/// Types.
pub const TYPES: &[&str] = &["bytes", "time", "uuid", "json", "map"];

/// Connectors.
pub const CONNECTORS: &[&str] =
    &["postgres", "http", "sqlite", "mysql", "report", "excel", "s3", "avro", "exec", "delta"];

/// Ways to tell somebody how a run ended.
pub const NOTIFIERS: &[&str] = &["email", "teams", "pagerduty", "opsgenie"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::foreign;
    use crate::functions::Registry;

    #[test]
    fn names_of_other_languages_lead_to_functions_that_there_are() {
        let registry = Registry::standard();
        for (theirs, ours) in foreign::functions() {
            assert!(!registry.overloads(ours).is_empty(), "there is no `{ours}`");
            let is_ours = !registry.overloads(theirs).is_empty() || FUNCTIONS.contains(&theirs);
            assert!(!is_ours, "`{theirs}` is called so here too");
        }
    }
}
