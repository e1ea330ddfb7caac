//! The events of OpenLineage: as its schemas say, and what is in them.

use super::folders::folder;
use super::project::{Ended, Project};
use super::schema::Schemas;
use super::server::Requests;
use serde_json::Value;
use std::fs;

const PIPELINE: &str = r#"param least: int = 2
pipeline shop {
  owner "sales@example.com"
  tags ["finance", "daily"]
  meta { team: "data", minutes: 30 }
}

source orders = csv(["a.csv", "b-*.csv"]) {
  id:     int key named "Order"
  user:   string?
  amount: decimal(8, 2)
  owner "shop@example.com"
  tags ["raw"]
}

job large {
  from orders
  filter id >= least
  derive size = if amount > 10 then "large" else "small"
}

job totals {
  from large
  group by user {
    orders = count()
    total  = sum(amount)
  }
  sort total desc
}

output large_csv = csv("out/large.csv") from large {
  owner "large@example.com"
}
output totals_parquet = parquet("out/totals.parquet") from totals
"#;

fn project() -> Project {
    let project = Project::new(PIPELINE);
    project.write("a.csv", "Order,user,amount\n1,x,1.00\n2,y,20.00\n");
    project.write("b-1.csv", "Order,user,amount\n3,,3.50\n");
    project
}

fn schemas() -> Schemas {
    let read = |path| -> Value {
        let text = fs::read_to_string(path).expect("a schema can be read");
        serde_json::from_str(&text).expect("a schema is JSON")
    };
    let files = fs::read_dir(folder("openlineage")).expect("the folder is there");
    let paths = files.map(|file| file.expect("it can be listed").path());
    let schemas = paths.filter(|path| path.extension().is_some_and(|one| one == "json")).map(read);
    Schemas(schemas.map(|one| (one["$id"].as_str().expect("an address").into(), one)).collect())
}

/// The event, and all facets in it, are as the schemas say that they name.
fn check(event: &Value, schemas: &Schemas) {
    let address = event["schemaURL"].as_str().expect("an event names its schema");
    let whole = address.split('#').next().expect("an address");
    for address in [address, whole] {
        schemas.check(event, address).unwrap_or_else(|error| panic!("{error}\n{event:#}"));
    }
    let mut open = vec![event];
    while let Some(value) = open.pop() {
        if let Some(address) = value.get("_schemaURL") {
            let checked = schemas.check(value, address.as_str().expect("an address"));
            checked.unwrap_or_else(|error| panic!("{error}\n{value:#}"));
        }
        open.extend(value.as_object().into_iter().flat_map(|object| object.values()));
        open.extend(value.as_array().into_iter().flatten());
    }
}

fn events(project: &Project) -> Vec<Value> {
    let schemas = schemas();
    let lines = project.read("events.jsonl");
    let events = lines.lines().map(|line| serde_json::from_str(line).expect("a line is JSON"));
    events.inspect(|event| check(event, &schemas)).collect()
}

/// Without what differs from run to run.
fn settled(event: &Value, project: &Project) -> String {
    let text = serde_json::to_string_pretty(event).expect("it can be written");
    let folder = fs::canonicalize(project.path("")).expect("the folder is there");
    let text = text.replace(&*folder.to_string_lossy(), "/project");
    let text =
        text.replace(concat!("urn:batchc:", env!("CARGO_PKG_VERSION")), "urn:batchc:VERSION");
    let settled = |text: &str, pattern: &str, to: &str| {
        regex::Regex::new(pattern).expect("a pattern").replace_all(text, to).into_owned()
    };
    let text = settled(&text, r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME");
    let text = settled(&text, r"[0-9a-f]{8}-[0-9a-f-]{27}", "UUID");
    settled(&text, r#""size": \d+"#, "\"size\": SIZE")
}

#[test]
fn a_run_says_what_it_reads_and_writes_when_it_starts_and_when_it_ends() {
    let project = project();
    let ended = project.batchc(&["run", "-q", "--openlineage", "events.jsonl"]);
    assert_eq!((ended.code, &*ended.words), (Some(0), ""));
    let [started, completed] = &events(&project)[..] else { panic!("two events") };
    assert_eq!(started["run"]["runId"], completed["run"]["runId"]);
    assert_eq!(started["inputs"], completed["inputs"]);
    assert_eq!(started["eventType"], "START");
    insta::assert_snapshot!("completed", settled(completed, &project));
    // The outputs are there, so nothing is written that could be counted.
    project.batchc(&["run", "-q", "--openlineage", "events.jsonl", "--select", "large_csv"]);
    let all = events(&project);
    let last = all.last().expect("there are events");
    assert_eq!((all.len(), &last["eventType"]), (4, &Value::from("COMPLETE")));
    assert_ne!(last["run"]["runId"], completed["run"]["runId"]);
    assert_eq!(last["outputs"].as_array().map(Vec::len), Some(1));
    assert_eq!(last["outputs"][0].get("outputFacets"), None);
}

#[test]
fn a_run_that_fails_says_why() {
    let project = project();
    project.write("a.csv", "Order,user,amount\n1,x,many\n");
    project.batchc(&["run", "-q", "--openlineage", "events.jsonl"]).fails(3, "not a decimal");
    let [_, failed] = &events(&project)[..] else { panic!("two events") };
    assert_eq!(failed["eventType"], "FAIL");
    let message = failed["run"]["facets"]["errorMessage"]["message"].as_str();
    assert!(message.is_some_and(|message| message.contains("a.csv:2")), "{message:?}");
}

#[test]
fn a_pipeline_says_what_it_would_read_and_write() {
    let project = project();
    let lineage = |flags: &[&str]| {
        project.batchc(&[&["lineage", "pipeline.batch", "--to", "openlineage"], flags].concat())
    };
    let event: Value = serde_json::from_str(&lineage(&[]).data).expect("it is JSON");
    check(&event, &schemas());
    assert_eq!((event.get("run"), &event["job"]["name"]), (None, &Value::from("shop")));
    let event: Value = serde_json::from_str(&lineage(&["large_csv"]).data).expect("it is JSON");
    assert_eq!(event["outputs"].as_array().map(Vec::len), Some(1));
    lineage(&["large_csv.size"]).fails(2, "is of outputs as a whole");
}

#[test]
fn events_replace_nothing_of_the_pipeline() {
    let project = project();
    for (file, what) in [("a.csv", "what `orders` reads"), ("pipeline.batch", "the pipeline")] {
        let message = format!("the OpenLineage events {file} would replace {what}");
        project.batchc(&["run", "--openlineage", file]).fails(2, &message);
    }
}

/// A server that answers each request so, by an address with secrets.
fn server(answer: &'static str, requests: usize) -> (String, Requests) {
    let (host, requests) = super::server::server(&vec![answer; requests]);
    (format!("http://me:secret@{host}"), requests)
}

#[test]
fn events_are_sent_to_a_server() {
    let project = project();
    let (address, requests) = server("201 Created", 2);
    let flags = ["run", "-q", "--openlineage", &address, "--openlineage-namespace", "shops"];
    let mut command = project.command(&flags);
    let ended = command.env("OPENLINEAGE_API_KEY", "key-1").output().expect("it runs");
    let ended = Ended::of(&ended);
    assert_eq!((ended.code, &*ended.words), (Some(0), ""));
    let requests = requests.join().expect("it served");
    let kinds = requests.iter().map(|request| {
        let (head, body) = request.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("POST /api/v1/lineage HTTP/1.1\r\n"), "{head}");
        let head = head.to_lowercase();
        assert!(head.contains("content-type: application/json"), "{head}");
        assert!(head.contains("authorization: bearer key-1"), "{head}");
        let event: Value = serde_json::from_str(body).expect("JSON");
        check(&event, &schemas());
        assert_eq!(event["job"]["namespace"], "shops");
        event["eventType"].as_str().expect("a kind").to_owned()
    });
    assert_eq!(kinds.collect::<Vec<_>>(), ["START", "COMPLETE"]);
}

#[test]
fn a_server_that_takes_nothing_fails_no_run() {
    let project = project();
    let (address, requests) = server("500 Oh", 2);
    let ended = project.batchc(&["run", "-q", "--fresh", "--openlineage", &address]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert_eq!(
        ended.words.matches("/api/v1/lineage: it answers 500").count(),
        2,
        "{}",
        ended.words
    );
    assert!(!ended.words.contains("secret"), "{}", ended.words);
    requests.join().expect("it served");
    // Nobody is there any more.
    let ended = project.batchc(&["run", "-q", "--fresh", "--openlineage", &address]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert_eq!(ended.words.matches("was not delivered to http://127.0.0.1:").count(), 2);
    assert!(!ended.words.contains("secret"), "{}", ended.words);
}

#[test]
fn what_is_not_as_the_schemas_say_is_found() {
    let project = project();
    project.batchc(&["run", "-q", "--openlineage", "events.jsonl"]);
    let (schemas, event) = (schemas(), events(&project).remove(0));
    let address = event["schemaURL"].as_str().expect("an address").to_owned();
    for (pointer, wrong) in [
        ("/run/runId", Value::from("happy-raven")),
        ("/eventType", Value::from("BEGIN")),
        ("/inputs/0/name", Value::Null),
        ("/outputs/0/facets/schema/_producer", Value::from(1)),
        ("/job", Value::Object(Default::default())),
    ] {
        let mut event = event.clone();
        *event.pointer_mut(pointer).expect("it is there") = wrong;
        assert!(schemas.check(&event, &address).is_err(), "{pointer}");
    }
}
