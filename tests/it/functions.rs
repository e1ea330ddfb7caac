//! Every `Example:` of the standard library is true.

use super::project::Project;
use batchc::functions::{MODULES, Registry};
use std::fmt::Write;

/// The columns that an aggregate's example is over: name, type and the list of values.
fn column(over: &str) -> (&str, &str, &str) {
    let (name, rest) = over.split_once(':').expect("a column has a type");
    let (ty, values) = rest.split_once('=').expect("a column has values");
    (name.trim(), ty.trim(), values.trim())
}

/// A job that is one row with the truth of an aggregate's example.
fn aggregate_job(name: &str, expression: &str, over: &[String]) -> String {
    let mut job = format!("job {name} {{\n  from rows\n");
    let (_, _, values) = column(&over[0]);
    writeln!(job, "  filter i < length({values})").expect("it is a text");
    for over in over {
        let (name, ty, values) = column(over);
        writeln!(job, "  derive {name} = ({values} as list<{ty}>)[i]").expect("it is a text");
    }
    writeln!(job, "  group {{ holds = {expression} }}\n}}").expect("it is a text");
    job
}

/// A job that is one row with the truth of the example of a function of windows: the values that it
/// gives in all rows. What has no argument shows how rows are ranked.
fn window_job(name: &str, expression: &str, over: &[String]) -> String {
    let mut job = format!("job {name} {{\n  from rows\n");
    let (call, expected) = expression.split_once(" == ").expect("values are compared");
    let (column, ty, values) = column(&over[0]);
    let sort = if call.ends_with("()") { column } else { "i" };
    writeln!(job, "  filter i < length({values})").expect("it is a text");
    writeln!(job, "  derive {column} = ({values} as list<{ty}>)[i]").expect("it is a text");
    writeln!(job, "  window sort {sort} rows .. {{ value = {call} }}").expect("it is a text");
    writeln!(job, "  derive expected = {expected}[i]").expect("it is a text");
    writeln!(job, "  group {{ holds = count_if(value == expected) == count() }}\n}}")
        .expect("it is a text");
    job
}

#[test]
fn every_example_is_true() {
    let examples = Registry::standard().examples();
    let (scalars, aggregates): (Vec<_>, Vec<_>) =
        examples.iter().partition(|example| example.over.is_empty());
    assert!(scalars.len() > 100 && aggregates.len() > 20, "the examples are found");
    let uses = MODULES.iter().map(|module| format!("use std.{module}\n"));
    let mut pipeline: String = uses.collect();
    pipeline.push_str("secret SECRET from file \"secret\"\n");
    pipeline.push_str("source rows = json(\"rows.jsonl\") {\n  i: int\n}\n");
    pipeline.push_str("job scalars {\n  from rows\n  filter i == 0\n  derive {\n");
    for (at, example) in scalars.iter().enumerate() {
        writeln!(pipeline, "    e{at} = {}", example.expression).expect("it is a text");
    }
    pipeline.push_str("  }\n  drop i\n}\n");
    let mut all = String::from("job aggregates {\n  from a0\n");
    for (at, example) in aggregates.iter().enumerate() {
        let name = format!("a{at}");
        let is_aggregate = Registry::standard().declaration(example.function).is_aggregate();
        let job = if is_aggregate { aggregate_job } else { window_job };
        pipeline.push_str(&job(&name, &example.expression, &example.over));
        if at > 0 {
            writeln!(all, "  union {name}").expect("it is a text");
        }
    }
    pipeline.push_str(&all);
    pipeline.push_str("}\noutput s = json(\"scalars.jsonl\") from scalars\n");
    pipeline.push_str("output a = json(\"aggregates.jsonl\") from aggregates\n");
    let project = Project::new(&pipeline);
    let rows: String = (0..20).map(|i| format!("{{\"i\":{i}}}\n")).collect();
    project.write("rows.jsonl", rows);
    project.write("secret", "a key that nobody knows");
    project.run();
    let of_scalars = project.records("scalars.jsonl");
    let of_scalars = of_scalars[0].as_object().expect("a row").values();
    let of_aggregates = project.records("aggregates.jsonl");
    let of_aggregates = of_aggregates.iter().map(|row| &row["holds"]);
    let truths: Vec<&serde_json::Value> = of_scalars.chain(of_aggregates).collect();
    assert_eq!(truths.len(), examples.len());
    let wrong: Vec<&str> = scalars
        .iter()
        .chain(&aggregates)
        .zip(&truths)
        .filter(|(_, truth)| ***truth != serde_json::Value::Bool(true))
        .map(|(example, _)| example.expression.as_str())
        .collect();
    assert!(wrong.is_empty(), "not true:\n{}", wrong.join("\n"));
}
