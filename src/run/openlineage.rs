//! A pipeline and its runs as events of OpenLineage 2-0-2: the files that are read and written, with
//! the types of their columns, and where each column comes from. Who keeps the events is left to
//! who calls.

use super::report::{Report, Status};
use super::{arguments, made::Ancestors};
use crate::connect::place;
use crate::data::display;
use crate::ir::lineage::{Lineage, Origin, Origins, Role};
use crate::ir::{About, Column, Expr, Input, Output, Pipeline, Row, RunContext, Source};
use crate::types::{DataType, Scalar};
use serde_json::{Map, Value, json};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use twox_hash::XxHash3_128;

const SPEC: &str = "https://openlineage.io/spec";
const PRODUCER: &str = concat!("urn:batchc:", env!("CARGO_PKG_VERSION"));
/// What pipelines belong to if nothing else is said.
pub const NAMESPACE: &str = "batchc";

/// What of a pipeline events are about.
pub struct Events<'r> {
    pipeline: &'r Pipeline,
    context: &'r RunContext,
    base: PathBuf,
    outputs: Vec<usize>,
    /// What the pipeline is called.
    name: String,
    /// What it belongs to.
    pub namespace: String,
    /// Followed when it is first asked for.
    lineage: OnceCell<Lineage>,
}

impl<'r> Events<'r> {
    /// Of these outputs, by their positions, and all that they are made of.
    pub fn new(
        pipeline: &'r Pipeline,
        context: &'r RunContext,
        base: PathBuf,
        outputs: Vec<usize>,
        name: String,
    ) -> Events<'r> {
        Events {
            pipeline,
            context,
            base,
            outputs,
            name,
            namespace: NAMESPACE.to_owned(),
            lineage: OnceCell::new(),
        }
    }

    /// What the pipeline does, without a run: a `JobEvent`.
    pub fn job(&self) -> Value {
        self.event("JobEvent", self.context.time, Map::new(), None)
    }

    /// The run has started.
    pub fn started(&self) -> Value {
        self.of_run("START", self.context.time, json!({}), None)
    }

    /// The run has ended at this time, in microseconds since 1970.
    pub fn ended(&self, report: &Report, time: i64) -> Value {
        let kind = match report.status {
            Status::Success => "COMPLETE",
            Status::Cancelled => "ABORT",
            Status::Failed | Status::Running => "FAIL",
        };
        let facets = match (&report.error, report.status) {
            (Some(message), Status::Failed) => json!({
                "errorMessage": facet("1-0-1", "ErrorMessageRunFacet", json!({
                    "message": message,
                    "programmingLanguage": "batchc",
                })),
            }),
            _ => json!({}),
        };
        self.of_run(kind, time, facets, Some(report))
    }

    fn of_run(&self, kind: &str, time: i64, facets: Value, report: Option<&Report>) -> Value {
        let mut event = Map::new();
        event.insert("eventType".into(), json!(kind));
        event.insert("run".into(), json!({ "runId": run_id(self.context), "facets": facets }));
        self.event("RunEvent", time, event, report)
    }

    fn event(
        &self,
        kind: &str,
        time: i64,
        mut event: Map<String, Value>,
        report: Option<&Report>,
    ) -> Value {
        let sources = Ancestors::of(self.pipeline, self.outputs.iter().copied()).sources;
        let sources = sources.iter().map(|id| &self.pipeline.sources[id.0 as usize]);
        let inputs: Vec<Value> = sources.flat_map(|source| self.inputs(source)).collect();
        let outputs = self.outputs.iter().map(|at| &self.pipeline.outputs[*at]);
        let outputs: Vec<Value> = outputs.map(|output| self.output(output, report)).collect();
        event.insert(
            "eventTime".into(),
            json!(display(&Scalar::Timestamp(time), &DataType::Timestamp)),
        );
        event.insert("producer".into(), json!(PRODUCER));
        event.insert(
            "schemaURL".into(),
            json!(format!("{SPEC}/2-0-2/OpenLineage.json#/$defs/{kind}")),
        );
        let mut job = json!({ "namespace": self.namespace, "name": self.name });
        let said = said(&self.pipeline.about, "Job");
        if !said.is_empty() {
            job["facets"] = json!(said);
        }
        event.insert("job".into(), job);
        event.insert("inputs".into(), json!(inputs));
        event.insert("outputs".into(), json!(outputs));
        Value::Object(event)
    }

    /// The paths that a source or output names, as they lead from the root.
    fn paths(&self, given: &[(String, Expr)]) -> Vec<String> {
        let given = arguments(given, self.context);
        let paths = given.texts("path").unwrap_or_default().into_iter();
        paths.map(|path| place(&self.base.join(path)).to_string_lossy().into_owned()).collect()
    }

    /// A dataset for each path of a source; patterns stay patterns.
    fn inputs(&self, source: &Source) -> Vec<Value> {
        let names = source.columns.iter().map(|column| &*column.external);
        let mut facets = said(&source.about, "Dataset");
        facets.insert("schema".into(), schema(names, &source.row));
        let dataset = |path| json!({ "namespace": "file", "name": path, "facets": facets });
        self.paths(&source.arguments).into_iter().map(dataset).collect()
    }

    fn output(&self, output: &Output, report: Option<&Report>) -> Value {
        let row = self.pipeline.row_of(output.from);
        let names = row.columns.iter().map(|column| &*column.name);
        let mut facets = said(&output.about, "Dataset");
        facets.insert("schema".into(), schema(names, row));
        facets.insert("columnLineage".into(), self.lineage_of(output));
        let mut dataset = json!({
            "namespace": "file",
            "name": self.paths(&output.arguments).concat(),
            "facets": facets,
        });
        let made = report.iter().flat_map(|report| &report.outputs);
        if let Some(made) = made.into_iter().find(|one| one.output == output.name && !one.reused) {
            let facts = json!({ "rowCount": made.records, "size": made.bytes });
            let statistics = facet("1-0-2", "OutputStatisticsOutputDatasetFacet", facts);
            dataset["outputFacets"] = json!({ "outputStatistics": statistics });
        }
        dataset
    }

    fn lineage_of(&self, output: &Output) -> Value {
        let row = self.pipeline.row_of(output.from);
        let lineage = self.lineage.get_or_init(|| Lineage::of(self.pipeline));
        let columns = row.columns.iter().zip(lineage.columns(output.from));
        let field = |(column, origins): (&Column, &Origins)| {
            let fields = self.fields(&mut origins.keys());
            (column.name.to_string(), json!({ "inputFields": fields }))
        };
        let fields: Map<String, Value> = columns.map(field).collect();
        let jobs = self.pipeline.jobs_before(output.from);
        let mut decided = jobs.iter().flat_map(|job| lineage.decided(*job).keys());
        let dataset = self.fields(&mut decided);
        facet("1-2-0", "ColumnLineageDatasetFacet", json!({ "fields": fields, "dataset": dataset }))
    }

    /// The columns among these origins, as they are called in the files, each with all its roles.
    fn fields(&self, origins: &mut dyn Iterator<Item = &(Origin, Role)>) -> Vec<Value> {
        let mut roles: BTreeMap<_, BTreeSet<Role>> = BTreeMap::new();
        for (origin, role) in origins {
            if let Origin::Column(Input::Source(source), column) = origin {
                roles.entry((source.0 as usize, *column)).or_default().insert(*role);
            }
        }
        let fields = roles.into_iter().flat_map(|((source, column), roles)| {
            let source = &self.pipeline.sources[source];
            let roles: Vec<Value> = roles.into_iter().map(transformation).collect();
            let field = move |path| {
                json!({
                    "namespace": "file",
                    "name": path,
                    "field": *source.columns[column].external,
                    "transformations": roles,
                })
            };
            self.paths(&source.arguments).into_iter().map(field)
        });
        fields.collect()
    }
}

/// What is said about a job or a dataset, which is a part of its facets' names.
fn said(about: &About, of: &str) -> Map<String, Value> {
    let mut facets = Map::new();
    if let Some(owner) = &about.owner {
        let owners = json!({ "owners": [{ "name": owner }] });
        facets.insert("ownership".into(), facet("1-0-1", &format!("Ownership{of}Facet"), owners));
    }
    let tags = about.tags.iter().map(|tag| (tag.as_str(), "true"));
    let facts = about.meta.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let tag = |(key, value)| json!({ "key": key, "value": value, "source": "USER" });
    let tags: Vec<Value> = tags.chain(facts).map(tag).collect();
    if !tags.is_empty() {
        let tags = json!({ "tags": tags });
        facets.insert("tags".into(), facet("1-0-0", &format!("Tags{of}Facet"), tags));
    }
    facets
}

fn transformation(role: Role) -> Value {
    let (kind, subtype) = match role {
        Role::Copied => ("DIRECT", "IDENTITY"),
        Role::Computed => ("DIRECT", "TRANSFORMATION"),
        Role::Disguised => ("DIRECT", "TRANSFORMATION"),
        Role::Aggregated | Role::Counted => ("DIRECT", "AGGREGATION"),
        Role::Condition => ("INDIRECT", "CONDITIONAL"),
        Role::Filter => ("INDIRECT", "FILTER"),
        Role::Join => ("INDIRECT", "JOIN"),
        Role::Group => ("INDIRECT", "GROUP_BY"),
        Role::Order => ("INDIRECT", "SORT"),
    };
    match role {
        Role::Disguised | Role::Counted => {
            json!({ "type": kind, "subtype": subtype, "masking": true })
        }
        _ => json!({ "type": kind, "subtype": subtype }),
    }
}

fn schema<'n>(names: impl Iterator<Item = &'n str>, row: &Row) -> Value {
    let field =
        |(name, column): (&str, &Column)| json!({ "name": name, "type": column.ty.to_string() });
    let fields: Vec<Value> = names.zip(row.columns.iter()).map(field).collect();
    facet("1-2-0", "SchemaDatasetFacet", json!({ "fields": fields }))
}

/// A facet says who made it and by which version of its schema.
fn facet(version: &str, name: &str, mut facts: Value) -> Value {
    facts["_producer"] = json!(PRODUCER);
    facts["_schemaURL"] = json!(format!("{SPEC}/facets/{version}/{name}.json#/$defs/{name}"));
    facts
}

/// A UUID of version 7, which sorts by time, of the time and name of a run.
fn run_id(context: &RunContext) -> String {
    let milliseconds = (context.time / 1000) & 0xFFFF_FFFF_FFFF;
    let hash = XxHash3_128::oneshot(format!("{} {}", context.id, context.time).as_bytes());
    format!(
        "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
        milliseconds >> 16,
        milliseconds & 0xFFFF,
        hash & 0xFFF,
        0x8000 | ((hash >> 12) & 0x3FFF),
        hash >> 80,
    )
}
