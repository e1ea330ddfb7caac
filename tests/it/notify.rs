//! Who is told how a run ended: in the form that each takes, never more than once, without secrets, and
//! without any influence on the run.

use crate::folders::folder;
use crate::project::{Ended, Project};
use crate::schema::Schemas;
use crate::server::{nobody, server};
use serde_json::{Value, json};
use std::fs;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ORDERS: &str = r#"
source orders = csv("orders.csv") {
  id:     int
  amount: int
}

job clean {
  on failure notify ops
  from orders
  expect amount > 0 else fail
}

job other {
  from orders
}

output clean_csv = csv("out/clean.csv") from clean
output other_csv = csv("out/other.csv") from other
"#;

/// A pipeline that tells `ops` by this kind, at an address that is a secret.
fn project(kind: &str, rows: &str) -> Project {
    let head = "secret HOOK from env \"SHOP_HOOK\"\npipeline shop {\n  on failure notify ops\n  \
                on success notify ops\n}\n";
    let project = Project::new(&format!("{head}notify ops = {kind}(HOOK)\n{ORDERS}"));
    project.write("orders.csv", format!("id,amount\n{rows}"));
    project
}

fn run(project: &Project, hook: &str, flags: &[&str]) -> Ended {
    let mut command = project.command(&[&["run", "--no-progress"], flags].concat());
    Ended::of(&command.env("SHOP_HOOK", hook).output().expect("it runs"))
}

fn body(request: &str) -> Value {
    let (_, body) = request.split_once("\r\n\r\n").expect("a head");
    serde_json::from_str(body).expect("the body is JSON")
}

/// A notification that is as its schema says.
fn notification(request: &str) -> Value {
    let path = folder("../docs/schemas/notification.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let id = schema["$id"].as_str().expect("an address").to_owned();
    let body = body(request);
    let checked = Schemas([(id.clone(), schema)].into()).check(&body, &id);
    checked.unwrap_or_else(|error| panic!("{error}\n{body:#}"));
    body
}

#[test]
fn a_webhook_is_sent_all_that_is_known() {
    let project = project("webhook", "1,5\n2,7\n");
    let (host, requests) = server(&["200 OK"]);
    let ended = run(&project, &format!("http://{host}/hook/token-1"), &["-q"]);
    assert_eq!((ended.code, &*ended.words), (Some(0), ""));
    let requests = requests.join().expect("it served");
    assert!(requests[0].starts_with("POST /hook/token-1 HTTP/1.1\r\n"), "{}", requests[0]);
    let told = notification(&requests[0]);
    assert_eq!((&told["event"], &told["pipeline"]), (&json!("run.succeeded"), &json!("shop")));
    assert_eq!((&told["job"], &told["error"]), (&json!(null), &json!(null)));
    assert_eq!(told["outputs"][0]["records"], 2);
    // The job that failed, and the run that failed of it.
    project.write("orders.csv", "id,amount\n1,5\n2,-7\n");
    let (host, requests) = server(&["200 OK", "204 No Content"]);
    let ended = run(&project, &format!("http://{host}/hook/token-1"), &["-q"]);
    ended.fails(4, "`amount > 0`");
    let told: Vec<Value> =
        requests.join().expect("it served").iter().map(|one| notification(one)).collect();
    let of = |event: &str| told.iter().find(|one| one["event"] == event).expect("it was told");
    assert_eq!(of("job.failed")["job"], "clean");
    assert_eq!(of("job.failed")["jobs"].as_array().map(Vec::len), Some(1));
    let jobs = &of("run.failed")["jobs"];
    assert_eq!((&jobs[0]["status"], &jobs[1]["status"]), (&json!("FAILED"), &json!("SUCCESS")));
    assert!(of("run.failed")["error"].as_str().expect("a text").contains("amount > 0"));
}

#[test]
fn others_are_told_in_the_text_that_they_take() {
    for (kind, field) in [("slack", Some("text")), ("discord", Some("content")), ("ntfy", None)] {
        let project = project(kind, "1,5\n2,-7\n");
        project.write(
            "pipeline.batch",
            project.read("pipeline.batch").replace("  on failure notify ops\n  from", "  from"),
        );
        let (host, requests) = server(&["200 OK"]);
        run(&project, &format!("http://{host}/x"), &[]).fails(4, "`amount > 0`");
        let request = requests.join().expect("it served").remove(0);
        let text = match field {
            Some(field) => body(&request)[field].as_str().expect("a text").to_owned(),
            None => request.split_once("\r\n\r\n").expect("a head").1.to_owned(),
        };
        assert!(text.starts_with("shop failed after "), "{text}");
        let rule = if kind == "slack" { "`amount &gt; 0`" } else { "`amount > 0`" };
        assert!(text.contains(rule), "{text}");
    }
}

#[test]
fn what_cannot_be_delivered_changes_nothing() {
    let told = |hook: &str| {
        let project = project("webhook", "1,5\n");
        let started = Instant::now();
        let ended = run(&project, hook, &["-q"]);
        assert!(started.elapsed().as_secs() < 20);
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert_eq!(project.read("out/clean.csv"), "id,amount\n1,5\n");
        ended.words
    };
    let gone = nobody();
    assert_eq!(told(&format!("http://{gone}/x")), "  `ops` was not told: connection refused\n");
    let (host, requests) = server(&["403 Forbidden"]);
    assert_eq!(told(&format!("http://{host}")), "  `ops` was not told: it answers 403\n");
    assert_eq!(requests.join().expect("it served").len(), 1);
    // What may pass is tried again.
    let (host, requests) = server(&["503 Service Unavailable", "429 Too Many Requests", "200 OK"]);
    assert_eq!(told(&format!("http://{host}")), "");
    assert_eq!(requests.join().expect("it served").len(), 3);
    // Who cannot be told is known when the run begins, and is no reason not to run.
    assert_eq!(told(""), "  `ops` cannot be told: `HOOK` is empty\n");
    let wanted = "  `ops` cannot be told: its address does not begin with `https://`\n";
    assert_eq!(told("hooks.example.com/x"), wanted);
}

#[test]
fn secrets_are_kept_nowhere() {
    let project = project("webhook", "1,5\n");
    project.write(
        "pipeline.batch",
        project.read("pipeline.batch").replace("from env \"SHOP_HOOK\"", "from file \"hook.txt\""),
    );
    let gone = nobody();
    project.write("hook.txt", format!("http://{gone}/hidden-token\n"));
    let flags =
        ["run", "--events", "events.jsonl", "--report", "report.json", "--openlineage", "ol.jsonl"];
    let ended = project.batchc(&flags);
    assert!(ended.words.contains("`ops` was not told"), "{}", ended.words);
    let mut said = ended.words + &project.batchc(&["report", "-o", "page.html"]).words;
    for command in [&["plan"][..], &["runs", "show", "last", "--json"], &["runs", "logs", "last"]] {
        said += &project.batchc(command).data;
    }
    for form in ["ir", "ast", "plan"] {
        said += &project.batchc(&["show", form, "pipeline.batch"]).data;
    }
    assert!(!said.contains("hidden-token"), "{said}");
    let files = project.files().into_iter().filter(|name| name != "hook.txt");
    for name in files {
        let bytes = fs::read(project.path(&name)).expect("it is there");
        let found = bytes.windows(12).any(|bytes| bytes == b"hidden-token");
        assert!(!found, "{name}");
    }
    fs::remove_file(project.path("hook.txt")).expect("it is there");
    let ended = project.batchc(&["run", "-q"]);
    let wanted = "  `ops` cannot be told: cannot read hook.txt: no such file or directory\n";
    assert_eq!((ended.code, &*ended.words), (Some(0), wanted));
}

#[test]
fn nobody_is_told_what_is_not_to_be() {
    let project = project("webhook", "1,5\n");
    let gone = format!("http://{}", nobody());
    assert_eq!(run(&project, &gone, &["-q", "--no-notify"]).words, "");
    assert_eq!(run(&project, &gone, &["-q", "--dry-run"]).words, "");
    let text = project.read("pipeline.batch").replace("  on success notify ops\n", "");
    project.write("pipeline.batch", text);
    assert_eq!(run(&project, &gone, &["-q", "--fresh"]).words, "");
}

/// A server with a certificate of its own, where there is `openssl`; it is asked once, since that cannot
/// pass.
#[test]
fn a_server_that_nobody_vouches_for_is_told_nothing() {
    let project = project("webhook", "1,5\n");
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(project.folder());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let make = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 \
                -subj /CN=localhost -addext subjectAltName=DNS:localhost";
    if !openssl(make).status().is_ok_and(|made| made.success()) {
        return;
    }
    let port = nobody().rsplit(':').next().expect("a port").to_owned();
    let serve = format!("s_server -accept {port} -key key.pem -cert cert.pem -quiet");
    let mut server = openssl(&serve).spawn().expect("openssl can be started");
    let until = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(format!("127.0.0.1:{port}")).is_err() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    let ended = run(&project, &format!("https://localhost:{port}/token"), &["-q"]);
    server.kill().and_then(|()| server.wait()).expect("it was started");
    let wanted = "  `ops` was not told: its certificate is not one that can be trusted\n";
    assert_eq!((ended.code, &*ended.words), (Some(0), wanted));
}
