//! What does not fit into memory: the same bytes come out, by way of the disk.

use crate::project::Project;
use std::fmt::Write;
use std::fs;

const PIPELINE: &str = r#"
source rows = csv("rows.csv") {
  id: int, key: int, name: string, price: decimal(10, 2), share: float, day: date
}
job sorted {
  from rows
  sort -share, id
}
job distinct_names {
  from rows
  select name, day
  distinct
}
job latest {
  from rows
  dedupe by key keep newest by day
}
job grouped {
  from rows
  group by key, name {
    rows = count(), total = sum(price), shares = sum(share), mean = avg(price)
    least = min(day), longest = max(name), first_id = first(id), best = max_by(name, share)
    ids = collect(id), names = string_agg(name, "|"), middle = median(share)
    spread = stddev(share), days = count_distinct(day), common = mode(name)
  }
}
job newest {
  from latest
  select key, latest_id = id, latest_name = name, latest_share = share
}
job joined {
  from rows
  left join newest on key, id > newest.latest_id
  derive both = "{name} and {latest_name ?? "none"}"
  filter price > 10.00
}
job missing {
  from rows
  anti join latest on id == latest.id
  semi join sorted on key == sorted.key
}
job known {
  from rows
  join newest on key, id == newest.latest_id
  select id, name, key
}
job others {
  from rows
  filter price < 500.00
  anti join latest on id == latest.id
  select id, name, key
}
job both {
  from known
  union others
  filter id % 3 == 0
}
output o1 = csv("out/sorted.csv") from sorted
output o2 = csv("out/distinct_names.csv") from distinct_names
output o3 = csv("out/latest.csv") from latest
output o4 = json("out/grouped.json") from grouped
output o5 = json("out/joined.json") from joined
output o6 = csv("out/missing.csv") from missing
output o7 = csv("out/both.csv") from both
"#;

const OUTPUTS: [&str; 7] = [
    "out/sorted.csv",
    "out/distinct_names.csv",
    "out/latest.csv",
    "out/grouped.json",
    "out/joined.json",
    "out/missing.csv",
    "out/both.csv",
];

/// Rows with about three rows a key, in no order.
fn rows(count: u64) -> String {
    let mut text = String::from("id,key,name,price,share,day\n");
    let mut state = 1u64;
    for id in 0..count {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = state >> 33;
        let key = random % (count / 3);
        let name = key % 5000;
        let (price, share, day) = (random % 100_000, random as f64 / 1e3, 1 + random % 28);
        writeln!(
            text,
            "{id},{key},a name that is no short one {name},{}.{:02},{share},2026-01-{day:02}",
            price / 100,
            price % 100
        )
        .expect("a text grows");
    }
    text
}

#[test]
fn little_memory_gives_the_same_bytes() {
    let project = Project::new(PIPELINE);
    project.write("rows.csv", rows(60_000));
    let outputs = |arguments: &[&str]| {
        let ended = project.run_with(arguments);
        let report = project.report();
        let bytes = |of: &serde_json::Value| of.as_u64().expect("a number of bytes");
        let spilled = bytes(&report["spilled"]);
        let spills = report["spills"].as_array().expect("a list");
        assert_eq!(spills.iter().map(|spill| bytes(&spill["bytes"])).sum::<u64>(), spilled);
        for spill in spills {
            let (operator, job) = (spill["operator"].as_str(), spill["job"].as_str());
            let told = format!("went to disk: {} of {} (", operator.unwrap(), job.unwrap());
            assert!(ended.words.contains(&told), "{told} is in {}", ended.words);
        }
        assert_eq!(spilled > 0, spills.iter().any(|spill| spill["job"] == "sorted"));
        (OUTPUTS.map(|output| project.read(output)), spilled)
    };
    let (whole, spilled) = outputs(&["--memory", "4GB", "--threads", "2"]);
    assert_eq!(spilled, 0);
    for threads in ["1", "4"] {
        let (found, spilled) = outputs(&["--memory", "4MB", "--threads", threads]);
        assert!(spilled > 1 << 20, "{spilled} bytes went to disk");
        for ((found, whole), output) in found.iter().zip(&whole).zip(OUTPUTS) {
            assert!(found == whole, "{output} differs with {threads} threads");
        }
    }
    assert_eq!(project.read(".batchc/.gitignore"), "*\n", "git sees nothing of the spool");
}

#[test]
fn columns_with_nulls_have_the_same_bytes_however_they_came() {
    let project = Project::new(
        "source s = csv(\"s.csv\") { id: int key, x: int?, t: string? }\n\n\
         job j {\n  from s\n  sort x desc, id\n  select x, t, l = [x]\n}\n\n\
         output o = parquet(\"o.parquet\") from j\n",
    );
    let row = |id: u32| match id % 8 {
        0 => format!("{id},,\n"),
        _ => format!("{id},{},text {}\n", id * 7 % 1000, id % 300),
    };
    project.write("s.csv", format!("id,x,t\n{}", (0..80_000).map(row).collect::<String>()));
    project.run_with(&["--memory", "4GB"]);
    let bytes = || fs::read(project.path("o.parquet")).expect("it is there");
    let whole = bytes();
    project.run_with(&["--memory", "4MB"]);
    assert!(project.report()["spilled"].as_u64() > Some(0), "rows went to disk");
    assert!(bytes() == whole, "the same bytes");
}

/// Groups of which there are so many that they are found only when they are read.
const MANY_GROUPS: &str = r#"
source rows = csv("rows.csv") { id: int, twin: int }
job groups {
  from rows
  group by id { twins = count(), twin = max(twin) }
}
job others {
  from groups
  select other = id, others = twins
}
job again {
  from groups
  join others on twin == others.other
}
job none {
  from groups
  filter id < 0
}
job all {
  from groups
  union none
}
output o1 = csv("out/groups.csv") from groups
output o2 = csv("out/again.csv") from again
output o3 = csv("out/all.csv") from all
"#;

#[test]
fn very_many_groups_are_counted_and_read_as_often_as_is_needed() {
    const GROUPS: u64 = 1_100_000;
    let project = Project::new(MANY_GROUPS);
    let mut text = String::from("id,twin\n");
    for id in 0..GROUPS {
        writeln!(text, "{id},{}", (id + 1) % GROUPS).expect("a text grows");
    }
    project.write("rows.csv", text);
    let outputs = |arguments: &[&str]| {
        project.run_with(arguments);
        let report = project.report();
        for job in report["jobs"].as_array().expect("a list") {
            let expected = if job["job"] == "none" { 0 } else { GROUPS };
            assert_eq!(job["records_out"], expected, "{job}");
        }
        ["out/groups.csv", "out/again.csv", "out/all.csv"].map(|output| project.read(output))
    };
    let whole = outputs(&["--memory", "4GB", "--threads", "2"]);
    assert!(whole[0] == whole[2], "the order is the same for all who read");
    assert!(whole == outputs(&["--memory", "4GB", "--threads", "1"]), "one thread differs");
    assert!(whole == outputs(&["--memory", "32MB", "--threads", "2"]), "less memory differs");
}

/// Every step that keeps rows or states, over more rows than there is memory for.
const BOUNDED: &str = r#"
source rows = csv("rows.csv") {
  id: int, key: int, name: string, price: decimal(10, 2), share: float, day: date
}
job sorted {
  from rows
  sort name, share
}
job latest {
  from rows
  dedupe by id keep newest by day
}
job grouped {
  from rows
  group by id { name = max(name), price = sum(price), names = collect(name) }
}
job joined {
  from sorted
  join latest_names on id
}
job latest_names {
  from latest
  select id, latest_name = name
}
job both {
  from sorted
  union latest
}
output o1 = csv("out/sorted.csv") from sorted
output o2 = csv("out/latest.csv") from latest
output o3 = json("out/grouped.json") from grouped
output o4 = csv("out/joined.csv") from joined
output o5 = csv("out/both.csv") from both
"#;

#[test]
fn the_process_needs_little_more_than_it_is_given() {
    let project = Project::new(BOUNDED);
    project.write("rows.csv", rows(800_000));
    let peak = |arguments: &[&str]| {
        project.run_with(arguments);
        project.report()["peak_memory"].as_u64().expect("a number of bytes") >> 20
    };
    let free = peak(&["--memory", "8GB", "--threads", "2"]);
    let bound = peak(&["--memory", "64MB", "--threads", "2"]);
    // The program itself takes 30 MiB, and 32 MiB a thread are what it is given besides.
    assert!(bound < 64 + 30 + 2 * 32, "{bound} MiB with 64 MB, {free} without a limit");
    assert!(free > 2 * bound, "all of it would have fitted: {free} MiB without a limit");
}
