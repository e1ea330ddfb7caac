//! The same text over the same inputs gives the same bytes, whatever a run uses: threads, pieces of
//! the input, memory, and optimisations; with every operator and every format.

use crate::project::Project;
use batchc::plan::PASSES;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Writes what only we can make: the inputs that are Parquet and packed.
const PREPARE: &str = r#"
source rows = csv("rows.csv") {
  id: int, key: int, name: string, price: decimal(10, 2), share: float, day: date?, note: string?
}
job readable {
  on error drop
  from rows
}
output packed  = csv("in/rows.csv.gz") from readable
output parquet = parquet("in/rows.parquet") from readable
output blocks  = avro("in/rows.avro") from readable
output listed  = json("in/lists.json") from lists
job lists {
  from readable
  group by key { ids = collect(id), names = collect(name), least = min(day) }
}
"#;

const PIPELINE: &str = r#"
source rows = csv("rows.csv") {
  id: int, key: int, name: string, price: decimal(10, 2), share: float, day: date?, note: string?
}
source packed = csv("in/rows.csv.gz") { id: int, key: int, note: string? }
source stored = parquet("in/rows.parquet") { id: int, key: int, name: string, share: float }
source blocks = avro("in/rows.avro") { id: int, name: string, price: decimal(10, 2), day: date? }
source lists  = json("in/lists.json") { key: int, ids: list<int>, names: list<string>, least: date? }
source log    = text("log.txt")

job clean {
  on error quarantine bad_rows
  from rows
  expect dear: price > 5.00 else quarantine cheap_rows
  expect dated: day is not null else warn
  set note = trim(note)
  derive rate = 1000 / (id % 97), label = "{name} of {key}"
}
job grouped {
  from clean
  group by key, note {
    rows = count(), known = count(day), dear = count_if(price > 500.00)
    names = count_distinct(name), share_of_names = distinct_rate(name), without_day = null_rate(day)
    total = sum(price), shares = sum(share), dear_total = sum_if(price, price > 500.00)
    mean = avg(share), mean_price = avg(price), least = min(day), most = max(name)
    cheapest = min_by(name, price), dearest = max_by(id, price)
    one = first(id), other = last(id), any = any_value(name), ids = collect(id)
    together = string_agg(name, "|"), common = mode(name), middle = median(share)
    middle_price = median(price), tenth = quantile(share, 0.1), spread = variance(share)
    deviation = stddev(price), together_with_id = corr(share, id)
    about_names = approx_count_distinct(name), about_middle = approx_quantile(price, 0.5)
  }
}
job windows {
  from clean
  window by key sort day, price desc rows -20..0 {
    nth = row_number(), place = rank(), part = ntile(7), before = lag(name), filled = fill_forward(note)
    rows = count(), total = sum(price), shares = sum(share), mean = avg(share), most = max(name)
    least = min(price), names = count_distinct(name), middle = median(share), one = first_value(label)
    other = last(note), common = mode(name), dear = sum_if(price, price > 500.00), spread = stddev(share)
  }
  sessionize by note gap 2d on day
  drop label
}
job window_of_all {
  from clean
  window sort price range -10..10 { near = count(), least = min(id) }
  window by note { share_of_all = share / sum(share), other_ids = max(id) }
  select id, near, least, share_of_all, other_ids
}
job all_rows {
  from clean
  group {
    rows = count(), shares = sum(share), mean = avg(share), names = count_distinct(name)
    first_id = first(id), middle = median(share), spread = variance(share)
    about_ids = approx_count_distinct(id), about_most = approx_quantile(share, 0.9)
  }
}
job sorted {
  from clean
  sort note desc nulls first, share
  drop label
}
job first_rows {
  from sorted
  take 700
}
job first_of_each {
  from clean
  take 2 by key
  select id, key
}
job distinct_names {
  from clean
  select name, day
  distinct
}
job newest {
  from clean
  dedupe by key keep newest by day
  select key, newest_id = id, newest_name = name
}
job joined {
  from clean
  join newest on key, id >= newest.newest_id expect many_to_one
  select id, key, newest_name
}
job looked_up {
  from stored
  left join newest on key expect many_to_one
}
job many {
  from packed
  filter key < 40
  join stored_few on key expect many_to_many
}
job stored_few {
  from stored
  filter key < 40 and id % 3 == 0
  select key, stored_id = id
}
job met {
  from packed
  semi join stored_few on id == stored_few.stored_id
}
job unmet {
  from packed
  anti join newest on id == newest.newest_id
}
job referring {
  from packed
  expect exists_in(id, stored_few.stored_id) else warn
  expect known: id % 5 > 0 or exists_in(id, newest.newest_id) and not exists_in(key, stored_few.key) else drop
}
job all_of_both {
  from newest
  full join stored on key, newest_id != stored.id expect many_to_many
}
job of_the_right {
  from stored_few
  right join packed on key expect many_to_many
}
job least_of_each {
  from stored
  select key, from_id = id, of_row = name
}
job nearest_rows {
  from packed
  asof join least_of_each on key, id > least_of_each.from_id within 5000
}
job next_rows {
  from clean
  select id, price
  asof inner join few_prices on price <= few_prices.other_price
}
job few_prices {
  from clean
  filter key < 40
  select other_price = price, other_id = id
}
job ranges {
  from names_of_few
  full join ends on key > ends.low, key < ends.low + 3 expect many_to_many
}
job ends {
  from stored
  group by low = key % 50 { rows = count() }
}
job names_of_few {
  from stored
  filter key < 40
  select key, name
}
job names_of_most {
  from stored
  filter key > 5
  select name, key
}
job names_that_differ {
  from names_of_most
  except names_of_few
}
job names_in_common {
  from names_of_most
  intersect names_of_few
}
job both {
  from met
  union unmet
  derive half = id / 2
}
job sorted_keys {
  from sorted
  select id, key, note
}
job united {
  from sorted_keys
  union met, unmet
}
job items {
  from lists
  explode ids as one
  drop names
}
job words {
  from log
  derive word = split(line, " ")
  select word
  explode word
  group by word { times = count() }
  sort times desc, word
}
job levels {
  on error quarantine bad_lines
  from log
  parse line with r"^(?<day>\S+) (?<level>[A-Z]+) (?<took>\d+)ms" {
    day: date
    level: string
    took: int
  }
  drop line
}
job by_hash {
  partition by hash(key) into 3
  from clean
  select id, key, name
}
job in_turn {
  partition round_robin into 4
  from levels
}
job by_size {
  partition by size into 3
  from newest
}

output o1  = json("out/grouped.json") from grouped
output o2  = csv("out/all_rows.csv") from all_rows
output o3  = csv("out/sorted.csv.gz") from sorted
output o4  = csv("out/first_rows.csv") from first_rows
output o5  = csv("out/first_of_each.csv") from first_of_each
output o6  = parquet("out/distinct_names.parquet") from distinct_names
output o7  = csv("out/newest.csv") from newest
output o8  = json("out/joined.json.zst") from joined
output o9  = parquet("out/looked_up.parquet") from looked_up
output o10 = csv("out/many.csv") from many
output o11 = csv("out/both.csv") from both
output o12 = parquet("out/united.parquet") from united
output o13 = json("out/items.json") from items
output o14 = csv("out/words.csv") from words
output o15 = csv("out/by_hash") from by_hash
output o16 = parquet("out/in_turn") from in_turn
output o17 = csv("out/by_size") from by_size
output o18 = text("out/log.txt") from log
output o19 = parquet("out/all_of_both.parquet") from all_of_both
output o20 = csv("out/of_the_right.csv") from of_the_right
output o21 = csv("out/names_that_differ.csv") from names_that_differ
output o33 = parquet("out/nearest_rows.parquet") from nearest_rows
output o34 = csv("out/next_rows.csv") from next_rows
output o35 = csv("out/ranges.csv") from ranges
output o40 = csv("out/referring.csv") from referring
output o22 = csv("out/names_in_common.csv") from names_in_common
output o23 = parquet("out/windows.parquet") from windows
output o24 = csv("out/window_of_all.csv") from window_of_all
output o36 = avro("out/blocks.avro") from blocks
output o37 = avro("out/windows.avro", compression: "zstd") from windows
"#;

/// Rows in no order, some of which cannot be read or have a text of several lines.
fn rows(count: u64) -> String {
    let mut text = String::from("id,key,name,price,share,day,note\n");
    let mut state = 7u64;
    for id in 0..count {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = state >> 33;
        let (key, name) = (random % (count / 5), random % 300);
        let id = if random.is_multiple_of(211) { format!("no. {id}") } else { id.to_string() };
        let cents = random % 100_000;
        // Sums of these depend on their order unless they are exact.
        let share = (random as f64 - 1e9) * 10f64.powi((random % 30) as i32 - 15);
        let day = match random % 7 {
            0 => String::new(),
            day => format!("2026-0{day}-1{}", random % 10),
        };
        let note = match random % 5 {
            0 => "\"of two\nlines, \"\"quoted\"\"\"",
            1 => "",
            2 => " short",
            _ => "a note that is no short one",
        };
        let name = format!("name {name} {}", "é".repeat(name as usize % 12));
        let price = format!("{}.{:02}", cents / 100, cents % 100);
        writeln!(text, "{id},{key},{name},{price},{share:e},{day},{note}").expect("a text grows");
    }
    text
}

fn log(count: u64) -> String {
    let line = |at: u64| match at % 13 {
        0 => format!("something else {at}\n"),
        level => {
            let name = ["INFO", "WARN", "ERROR"][level as usize % 3];
            format!("2026-03-{:02} {name} {}ms for {}\n", 1 + at % 28, at * 7919 % 1000, at % 500)
        }
    };
    (0..count).map(line).collect()
}

/// What a run may use. Each value of a flag meets each of the others in some way.
fn ways() -> Vec<Vec<String>> {
    let all: Vec<&str> = PASSES.iter().map(|pass| pass.name).collect();
    let all = all.join(",");
    let without = [vec![], vec!["--without", &all]];
    let threads = ["1", "2", "4", "8"];
    let chunks = ["524288", "20000", "3000", "300"];
    // All, half, and next to nothing: then even the least state goes to disk.
    let memory = ["4GB", "3MB", "1KB"];
    let mut ways = vec![];
    for (at, threads) in threads.iter().enumerate() {
        for (of, chunk) in chunks.iter().enumerate() {
            // Small pieces of few states are many files, which takes long and shows nothing more.
            let memory = if of == 3 { "4GB" } else { memory[(at + of) % 3] };
            let mut way = vec!["--threads", threads, "--chunk", chunk, "--memory", memory];
            way.extend(&without[(at + of) / 2 % 2]);
            ways.push(way.into_iter().map(str::to_owned).collect());
        }
    }
    ways
}

#[test]
fn every_way_to_run_gives_the_same_bytes() {
    let project = Project::new(PREPARE);
    project.write("rows.csv", rows(6_000));
    project.write("log.txt", log(9_000));
    assert_eq!(project.batchc(&["run", "-q", "--no-progress"]).code, Some(0));
    project.write("pipeline.batch", PIPELINE);
    let mut first: Option<BTreeMap<String, Vec<u8>>> = None;
    let mut spilled = 0;
    for way in ways() {
        let flags: Vec<&str> = way.iter().map(String::as_str).collect();
        project.run_with(&flags);
        spilled += u64::from(project.report()["spilled"].as_u64() > Some(0));
        let files = project.files().into_iter();
        let files = files.filter(|name| name.starts_with("out/") || name.starts_with(".batchc/"));
        let read = |name: String| {
            let bytes = std::fs::read(project.path(&name)).expect("it was written");
            (name, bytes)
        };
        let found: BTreeMap<String, Vec<u8>> = files.map(read).collect();
        let Some(first) = &first else {
            assert!(
                found.values().all(|bytes| !bytes.is_empty()),
                "every operator gives something"
            );
            first = Some(found);
            continue;
        };
        assert!(found.keys().eq(first.keys()), "{way:?}");
        for (name, bytes) in &found {
            assert!(bytes == &first[name], "{name} differs with {way:?}");
        }
    }
    assert!(spilled > 4, "only {spilled} runs went to disk");
}
