//! Limits on the time of jobs and of runs: what takes longer fails, and what does not depend on it goes
//! on.

use crate::project::Project;

const JOBS: &str = r#"
pipeline p {
  timeout 1h
}

source rows = csv("rows.csv") {
  id:   int
  kind: string
}

job slow {
  timeout 1ms
  on error quarantine bad
  from rows
  sort kind, -id
}

job after_slow {
  from slow
  group by kind { last = max(id) }
}

job beside {
  on error quarantine bad
  from rows
  filter id > 10
}

output slow_rows = csv("out/slow.csv") from slow
output last_rows = csv("out/last.csv") from after_slow
output beside_rows = csv("out/beside.csv") from beside
"#;

fn project() -> Project {
    let project = Project::new(JOBS);
    let rows = (0..200_000).map(|id| match id % 1000 {
        7 => format!("bad,kind {}\n", id % 3),
        _ => format!("{id},kind {}\n", id % 3),
    });
    project.write("rows.csv", format!("id,kind\n{}", rows.collect::<String>()));
    project
}

#[test]
fn a_job_whose_time_is_up_fails_and_others_go_on() {
    let project = project();
    let flags = ["run", "--report", "report.json", "--no-progress"];
    let ended = project.batchc(&flags);
    ended.fails(3, "R0105");
    ended.fails(3, "job `slow` took longer than its `timeout`");
    let jobs = project.report()["jobs"].clone();
    let state = |at: usize| jobs[at]["status"].as_str().map(str::to_owned);
    let found: Vec<_> = (0..3).filter_map(state).collect();
    assert_eq!(found, ["FAILED", "CANCELLED", "SUCCESS"]);
    assert_eq!(jobs[1]["needs"], "slow");
    assert_eq!(jobs[2]["quarantined"], 200);
    assert!(!project.files().iter().any(|name| name.starts_with("out/")), "nothing is left");
    // With time enough all is done, and nothing remains of the first try.
    project.write("pipeline.batch", JOBS.replace("timeout 1ms", "timeout 10m"));
    assert_eq!(project.batchc(&flags).code, Some(0));
    let found = project.read("out/slow.csv");
    project.write("pipeline.batch", JOBS.replace("  timeout 1ms\n", ""));
    project.run();
    assert!(project.read("out/slow.csv") == found);
}

#[test]
fn a_run_whose_time_is_up_ends() {
    let project = project();
    project.write("pipeline.batch", JOBS.replace("  timeout 1ms\n", ""));
    let ended = project.batchc(&["run", "--report", "report.json", "--timeout", "1ms"]);
    ended.fails(3, "error: the run took longer than `--timeout`");
    assert_eq!(project.report()["status"], "FAILED");
    assert!(!project.files().iter().any(|name| name.starts_with("out/")), "nothing is left");
    assert_eq!(project.batchc(&["run", "--timeout", "1h"]).code, Some(0));
    project.batchc(&["run", "--timeout", "1"]).fails(2, "a time such as 90s");
}
