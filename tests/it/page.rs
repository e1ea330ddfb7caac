//! The page of HTML about a run: all of one of a shipped example, and what of it depends on data.

use super::project::Project;
use std::fs;
use std::path::Path;

/// Without what differs from run to run: times, rates, memory, and where bars begin and end.
fn settled(page: &str) -> String {
    let settled = |text: &str, pattern: &str, to: &str| {
        regex::Regex::new(pattern).expect("a pattern").replace_all(text, to).into_owned()
    };
    let page = settled(page, r"(?s)<style>.*?</style>", "<style></style>");
    let page = settled(&page, r"\d{8}-\d{6}-[0-9a-f]{3}-[a-z]+-[a-z]+", "RUN");
    let page = settled(&page, r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME");
    let page = settled(&page, r"\d\d:\d\d:\d\d\.\d+ *", "TIME ");
    let page = settled(&page, r"\d+\.\d+ s\b", "S s");
    let page = settled(&page, r"left:[0-9.]+%;width:[0-9.]+%", "left:L%;width:W%");
    let page = settled(&page, r"[0-9,]+(</b><span>rows each second)", "RATE$1");
    let page = settled(&page, r"[0-9.]+ [KMG]iB(</b><span>memory)", "MEMORY$1");
    let page = settled(&page, r"batchc [0-9.]+, 1 thread, [0-9.]+ [KMG]?i?B", "batchc VERSION");
    settled(&page, r"Made by batchc [0-9.]+", "Made by batchc VERSION")
}

#[test]
fn an_example_has_its_page() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/dirty");
    let project = Project::new(&fs::read_to_string(example.join("pipeline.batch")).unwrap());
    project.write("data/orders.csv", fs::read(example.join("data/orders.csv")).unwrap());
    project.batchc(&["run", "-q", "--threads", "1"]);
    let page = project.batchc(&["report"]).data;
    insta::assert_snapshot!(settled(&page));
    project.batchc(&["report", "last", "-o", "page.html"]);
    assert_eq!(project.read("page.html"), page);
    for outside in ["http:", "https:", "<script", "<link", "src=", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn what_comes_from_data_and_names_is_never_markup() {
    let project = Project::new(
        r#"param greeting: string

source rows = csv("<i>.csv") { id: int key, text: string }

job clean {
  from rows
  expect small: text != "<b>"
}

output out = csv("out.csv") from clean
"#,
    );
    project.write("<i>.csv", "id,text\n1,<b>\n");
    let run = ["run", "-q", "-p", "greeting=</code><script>alert(1)</script>"];
    project.batchc(&run).fails(4, "D0101");
    let page = project.batchc(&["report", "last-failed"]).data;
    for wrong in ["<b>\"", "<i>.csv", "</code><script>", "alert(1)</script>"] {
        assert!(!page.contains(wrong), "{wrong}");
    }
    assert!(page.contains("&lt;/code&gt;&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
    assert!(page.contains("<span class=\"badge failed\">failed</span>"));
    assert!(page.contains("&lt;i&gt;.csv"));
    project.batchc(&["report", "-o", "no/page.html"]).fails(2, "cannot write no/page.html");
}
