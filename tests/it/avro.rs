//! Avro files through the real command: what is written is read again, by some of its columns, from
//! several files, and what is wrong with a file is told.

use super::project::Project;
use std::fs;

const WRITE: &str = "enum Level { low, high }
source rows = json(\"rows.jsonl\") {
  id:    int    key
  name:  string?
  price: decimal(8, 2)
  level: Level
  at:    timestamp?
  wait:  duration?
  tags:  list<string>
  sizes: map<string, int>
}

job odd {
  from rows
  filter id % 2 == 1
}

output all   = avro(\"out/all.avro\") from rows
output parts = avro(\"out/parts\") from rows { partition by level }
output odd_rows = avro(\"out/odd.avro\", compression: \"zstd\") from odd
";

const READ: &str = "enum Level { low, high }
source all = avro(\"out/all.avro\") {
  id:    int    key
  name:  string?
  price: decimal(8, 2)
  level: Level
  at:    timestamp?
  wait:  duration?
  tags:  list<string>
  sizes: map<string, int>
}
source parts = avro(\"out/parts/*/*.avro\") { id: int, level: string }
source both  = avro([\"out/all.avro\", \"out/odd.avro\"]) { id: int }

job levels {
  from parts
  group by level { n = count(), ids = sum(id) }
}
job ids {
  from both
  group by id { n = count() }
}
output same   = json(\"read/rows.jsonl\") from all
output counts = csv(\"read/levels.csv\") from levels
output ns     = csv(\"read/ids.csv\") from ids
";

const ROWS: &str = r#"{"id":1,"name":"Ada","price":12.50,"level":"low","at":"2024-01-31T09:00:00.000001Z","wait":"PT1H","tags":["a","b"],"sizes":{"s":1}}
{"id":2,"name":null,"price":-0.01,"level":"high","at":null,"wait":null,"tags":[],"sizes":{}}
{"id":3,"name":"","price":999999.99,"level":"low","at":"1969-12-31T23:59:59Z","wait":"PT0.5S","tags":["é"],"sizes":{"a":-1,"b":2}}
"#;

fn written() -> Project {
    let project = Project::new(WRITE);
    project.write("rows.jsonl", ROWS);
    let ended = project.batchc(&["run", "-q"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    project
}

#[test]
fn what_is_written_is_read_again() {
    let project = written();
    project.write("pipeline.batch", READ);
    let ended = project.batchc(&["run", "-q"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert_eq!(project.read("read/rows.jsonl"), ROWS);
    assert_eq!(project.read("read/levels.csv"), "level,n,ids\nhigh,1,2\nlow,2,4\n");
    assert_eq!(project.read("read/ids.csv"), "id,n\n1,2\n2,1\n3,2\n");
}

fn reading(project: &Project, columns: &str) -> String {
    let text =
        "source all = avro(\"out/all.avro\") { COLUMNS }\noutput o = csv(\"o.csv\") from all\n";
    project.write("pipeline.batch", text.replace("COLUMNS", columns));
    project.batchc(&["run", "-q"]).words
}

#[test]
fn what_is_wrong_with_a_file_is_told() {
    let project = written();
    insta::assert_snapshot!("no_such_column", reading(&project, "id: int, nmae: string?"));
    insta::assert_snapshot!("another_type", reading(&project, "id: int, price: int"));
    insta::assert_snapshot!("null_where_none_may_be", reading(&project, "id: int, name: string"));
    insta::assert_snapshot!("too_large", reading(&project, "id: int, price: decimal(4, 2)"));
    let path = project.path("out/all.avro");
    let whole = fs::read(&path).expect("it was written");
    fs::write(&path, &whole[..whole.len() - 20]).expect("a file can be written");
    insta::assert_snapshot!("cut_off", reading(&project, "id: int"));
    fs::write(&path, ROWS).expect("a file can be written");
    insta::assert_snapshot!("no_avro_file", reading(&project, "id: int"));
}
