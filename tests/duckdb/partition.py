"""Partitions are what a few lines of Python say they are.

`by hash(k) into n`: `int(md5(text of k), 16) % n`, the text as outputs spell it and "" for null.
`round_robin into n`: row i goes to i mod n. `by size into n`: the largest row first, each onto the
lightest partition so far; a row's size is the characters of its values.

Usage: partition.py BATCHC FOLDER, an empty folder to work in.
"""

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

# The type of the key, how it is spelled in the input, and how outputs and the hash spell it.
TEXTS = [f"category_{i}" for i in range(50)] + [f"user_{i % 100}" for i in range(300)]
TEXTS += ["", "é", "e\u0301", "日本", "👩‍👩‍👧", "a,b", 'q"q', "two\nlines", " ", "NULL", "a" * 1000]
KEYS = {
    "string": [(text, text) for text in TEXTS],
    "string?": [("", "")] * 3 + [(text, text) for text in TEXTS[:20]],
    "int": [(str(i), str(i)) for i in [*range(-50, 50), 2**63 - 1, -(2**63)]] + [("007", "7"), ("-0", "0")],
    "int?": [("", "")] * 3 + [(str(i), str(i)) for i in range(20)],
    "decimal(12, 2)": [("1.5", "1.50"), ("1.50", "1.50"), ("-0.01", "-0.01"), ("0", "0.00"), ("1e3", "1000.00")]
    + [(f"{i}.{i % 100:02}", f"{i}.{i % 100:02}") for i in range(100)],
    "bool": [("true", "true"), ("false", "false")] * 5,
    "date": [(f"2026-01-{day:02}", f"2026-01-{day:02}") for day in range(1, 32)],
    "timestamp": [("2026-01-31T01:00:00+01:00", "2026-01-31T00:00:00Z"), ("2026-01-31T00:00:00.5Z", "2026-01-31T00:00:00.5Z")],
}

PIPELINE = """source keys = csv("keys.csv") {{
  row: int
  k:   {type}
}}

job parts {{
  {partition}
  from keys
  {more}
}}

output parts_csv = csv("out") from parts
"""


def run(batchc, folder, kind, partition, keys):
    """The numbers of the rows in each part, and the report of the run."""
    with open(folder / "keys.csv", "w", newline="", encoding="utf-8") as file:
        file.write("row,k\n")
        for row, (key, _) in enumerate(keys):
            # Only without quotes is an empty field null.
            null = key == "" and kind.endswith("?")
            quoted = '"' + key.replace('"', '""') + '"'
            file.write(f"{row},{'' if null else quoted}\n")
    # The function gives the same number.
    count = partition.split()[-1]
    more = f"derive bucket = hash_bucket(k, {count})" if kind == "string" and "hash" in partition else ""
    (folder / "pipeline.batch").write_text(PIPELINE.format(type=kind, partition=partition, more=more))
    report = folder / "report.json"
    subprocess.run([batchc, "run", str(folder / "pipeline.batch"), "-q", "--report", str(report)], check=True)
    parts = []
    for path in sorted((folder / "out").glob("part-*.csv")):
        with open(path, newline="", encoding="utf-8") as file:
            rows = [(int(line["row"]), line["k"], line.get("bucket")) for line in csv.DictReader(file)]
        for row, spelled, bucket in rows:
            assert bucket in (None, str(len(parts))), f"hash_bucket({spelled!r}) is {bucket}"
            assert spelled == keys[row][1], f"{kind}: {keys[row][0]!r} is written {spelled!r}"
        parts.append([row for row, _, _ in rows])
    counted = json.loads(report.read_text())["jobs"][0]["partitions"]
    assert [one["records_processed"] for one in counted] == [len(part) for part in parts], "the report differs"
    return parts


def by_hash(keys, count):
    parts = [[] for _ in range(count)]
    for row, (_, spelled) in enumerate(keys):
        parts[int(hashlib.md5(spelled.encode()).hexdigest(), 16) % count].append(row)
    return parts


def in_turn(keys, count):
    return [list(range(part, len(keys), count)) for part in range(count)]


def by_size(keys, count):
    sizes = [len(str(row)) + len(spelled) for row, (_, spelled) in enumerate(keys)]
    parts, weights = [[] for _ in range(count)], [0] * count
    for row in sorted(range(len(keys)), key=lambda row: -sizes[row]):
        lightest = weights.index(min(weights))
        parts[lightest].append(row)
        weights[lightest] += sizes[row]
    return [sorted(part) for part in parts]


def main():
    batchc, folder = sys.argv[1], Path(sys.argv[2])
    compared = 0
    for kind, keys in KEYS.items():
        for count in (1, 3, 64):
            for partition, rule in [
                (f"partition by hash(k) into {count}", by_hash),
                (f"partition round_robin into {count}", in_turn),
                (f"partition by size into {count}", by_size),
            ]:
                got, wanted = run(batchc, folder, kind, partition, keys), rule(keys, count)
                assert got == wanted, f"{partition} of {kind}: {got}, and Python has {wanted}"
                compared += 1
    print(f"{compared} partitions agree")


main()
