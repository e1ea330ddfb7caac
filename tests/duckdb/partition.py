"""`partition by hash(k) into n` puts a key where `int(md5(k), 16) % n` does.

Usage: partition.py BATCHC FOLDER, an empty folder to work in.
"""

import csv
import hashlib
import subprocess
import sys
from pathlib import Path

PIPELINE = """source keys = csv("keys.csv") {{
  k: string
}}

job parts {{
  partition by hash(k) into {count}
  from keys
  derive bucket = hash_bucket(k, {count})
}}

output parts_csv = csv("out") from parts
"""


def main():
    batchc, folder = sys.argv[1], Path(sys.argv[2])
    keys = [f"category_{i}" for i in range(50)] + [f"user_{i % 100}" for i in range(300)] + ["", "é", "日本", "a,b", 'q"q']
    with open(folder / "keys.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(["k"])
        writer.writerows([k] for k in keys)
    for count in (1, 2, 4, 7, 64):
        (folder / "pipeline.batch").write_text(PIPELINE.format(count=count))
        subprocess.run([batchc, "run", str(folder / "pipeline.batch"), "-q"], check=True)
        files = sorted((folder / "out").glob("part-*.csv"))
        assert len(files) == count, f"{len(files)} files for {count} partitions"
        for part, path in enumerate(files):
            with open(path, newline="", encoding="utf-8") as file:
                got = [(row["k"], int(row["bucket"])) for row in csv.DictReader(file)]
            wanted = [k for k in keys if int(hashlib.md5(k.encode()).hexdigest(), 16) % count == part]
            assert [k for k, _ in got] == wanted, f"partition {part} of {count} differs"
            assert all(bucket == part for _, bucket in got), f"hash_bucket differs in {part} of {count}"
    print("partitions agree")


main()
