//! Settings: statements that say how something is run, and the columns of a source.

use super::super::ast::{
    ColumnAttribute, ColumnDeclaration, ErrorPolicy, Expr, Mode, Name, PartitionBy, Setting,
    SettingKind,
};
use super::steps::{first_of, keep_of};
use super::{Lower, Pair, child, children, first, has};
use batchc_grammar::Rule;

impl Lower<'_> {
    /// A setting: a pair of any of the rules that the blocks list beside steps and columns.
    pub(super) fn setting(&self, pair: Pair) -> Setting {
        let span = self.span(&pair);
        Setting { kind: self.setting_kind(pair), span }
    }

    fn setting_kind(&self, pair: Pair) -> SettingKind {
        match pair.as_rule() {
            Rule::on_error => self.on_error(&pair),
            Rule::partition => self.partition(&pair),
            Rule::checkpoint => SettingKind::Checkpoint(has(&pair, Rule::k_on)),
            Rule::mode if has(&pair, Rule::k_overwrite) => SettingKind::Mode(Mode::Overwrite),
            Rule::mode if has(&pair, Rule::k_append) => SettingKind::Mode(Mode::Append),
            Rule::mode if has(&pair, Rule::merge) => self.merge(&first_of(&pair, Rule::merge)),
            Rule::mode if has(&pair, Rule::scd2) => self.scd2(&first_of(&pair, Rule::scd2)),
            Rule::owner => SettingKind::Owner(self.plain_text(first_of(&pair, Rule::plain_text))),
            Rule::timezone => {
                SettingKind::Timezone(self.plain_text(first_of(&pair, Rule::plain_text)))
            }
            Rule::tags => SettingKind::Tags(
                children(pair, Rule::plain_text).map(|tag| self.plain_text(tag)).collect(),
            ),
            Rule::meta => SettingKind::Meta(self.meta(first_of(&pair, Rule::record))),
            Rule::retry => self.retry(&pair),
            Rule::incremental => SettingKind::Incremental {
                column: self.name_of(&pair),
                lookback: child(&pair, Rule::quantity)
                    .map(|lookback| (self.duration(&lookback), self.span(&lookback))),
            },
            Rule::timeout => SettingKind::Timeout(self.duration(&first_of(&pair, Rule::quantity))),
            Rule::resources => SettingKind::Resources(
                children(pair, Rule::resource).map(|resource| self.resource(resource)).collect(),
            ),
            Rule::allow => SettingKind::AllowSensitive(self.names(first_of(&pair, Rule::names))),
            Rule::after => SettingKind::After(
                children(pair, Rule::path).map(|path| self.names(path)).collect(),
            ),
            Rule::on_event => SettingKind::Notify {
                on_failure: has(&pair, Rule::k_failure),
                names: self.names(first_of(&pair, Rule::names)),
            },
            _ => self.later_setting(&pair),
        }
    }

    fn meta(&self, record: Pair) -> Vec<(Name, Expr)> {
        let entry = |entry: Pair| (self.name_of(&entry), self.expr_of(&entry));
        children(record, Rule::record_entry).map(entry).collect()
    }

    fn resource(&self, pair: Pair) -> (Name, Expr) {
        let amount = pair.clone().into_inner().last().expect("a resource has an amount");
        (self.name_of(&pair), self.literal(amount))
    }

    fn on_error(&self, pair: &Pair) -> SettingKind {
        let policy = first(first_of(pair, Rule::error_policy));
        let policy = match policy.as_rule() {
            Rule::k_fail => ErrorPolicy::Fail,
            Rule::k_drop => ErrorPolicy::Drop,
            Rule::k_null => ErrorPolicy::Null,
            _ => ErrorPolicy::Quarantine(self.name_of(&policy)),
        };
        SettingKind::OnError { policy, above: self.above(pair) }
    }

    fn partition(&self, pair: &Pair) -> SettingKind {
        let by = if let Some(hash) = child(pair, Rule::by_hash) {
            PartitionBy::Hash(self.expr_of(&hash))
        } else if has(pair, Rule::by_size) {
            PartitionBy::Size
        } else if let Some(columns) = child(pair, Rule::columns) {
            PartitionBy::Values(self.block(columns))
        } else {
            PartitionBy::RoundRobin
        };
        SettingKind::Partition {
            by,
            into: child(pair, Rule::int).map(|into| (self.count(&into), self.span(&into))),
        }
    }

    fn merge(&self, pair: &Pair) -> SettingKind {
        SettingKind::Mode(Mode::Merge {
            keys: self.names(first_of(pair, Rule::names)),
            keep: child(pair, Rule::keep).map(|keep| (keep_of(&keep), self.span(&keep))),
            by: child(pair, Rule::expr).map(|by| self.expr(by)),
        })
    }

    fn scd2(&self, pair: &Pair) -> SettingKind {
        let mut names = children(pair.clone(), Rule::names).map(|names| self.names(names));
        let keys = names.next().unwrap_or_default();
        SettingKind::Mode(Mode::Scd2 { keys, track: names.next().unwrap_or_default() })
    }

    fn retry(&self, pair: &Pair) -> SettingKind {
        let pauses: Vec<i64> =
            children(pair.clone(), Rule::quantity).map(|pause| self.duration(&pause)).collect();
        let backoff =
            pauses.first().map(|shortest| (*shortest, *pauses.last().unwrap_or(shortest)));
        SettingKind::Retry { times: self.count(&first_of(pair, Rule::int)), backoff }
    }

    /// Named by its first word, or by its two first where one alone would not say enough.
    fn later_setting(&self, pair: &Pair) -> SettingKind {
        let mut words = pair.clone().into_inner();
        let verb = words.next().expect("a setting begins with its word");
        let mut span = self.span(&verb);
        if pair.as_rule() == Rule::mode
            && let Some(second) = words.next()
        {
            let second = second.clone().into_inner().next().unwrap_or(second);
            span = span.to(self.span(&second));
        }
        let words: Vec<&str> = self.source[span.range()].split_ascii_whitespace().collect();
        SettingKind::Later(self.later(&words.join(" "), None, span))
    }

    /// A column of a source.
    pub(super) fn column_line(&self, pair: Pair) -> ColumnDeclaration {
        let span = self.span(&pair);
        let name = self.name_of(&pair);
        let ty = self.type_expr(first_of(&pair, Rule::type_expr));
        let attributes = pair.into_inner().filter_map(|child| self.attribute(&child)).collect();
        ColumnDeclaration { name, ty, attributes, doc: self.doc_above(span.start as usize), span }
    }

    fn attribute(&self, pair: &Pair) -> Option<ColumnAttribute> {
        match pair.as_rule() {
            Rule::k_key => Some(ColumnAttribute::Key(self.span(pair))),
            Rule::k_sensitive => Some(ColumnAttribute::Sensitive(self.span(pair))),
            Rule::named => {
                Some(ColumnAttribute::Named(self.plain_text(first_of(pair, Rule::plain_text))))
            }
            Rule::format => {
                Some(ColumnAttribute::Format(self.plain_text(first_of(pair, Rule::plain_text))))
            }
            _ => None,
        }
    }
}
