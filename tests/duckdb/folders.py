"""Folders that batchc writes are read by DuckDB as the same rows, and the other way round.

python folders.py BATCHC FOLDER
"""

import subprocess
import sys
from pathlib import Path

import duckdb

PIPELINE = """
source rows = csv("rows.csv") {
  id:   int
  kind: string?
  day:  date
}

output columns = parquet("columns") from rows { partition by kind, day }
output lines   = csv("lines")       from rows { partition by day, kind }
output objects = json("objects")    from rows { partition by kind, month = month(day) }
"""

BACK = """
source back = parquet("duckdb/*/*/*.parquet") {
  id:   int
  kind: string?
  day:  date
}

job sorted {
  from back
  sort id
}

output same = csv("same.csv") from sorted
"""

KINDS = [None, "", "plain", "a/b=c", "50% off", "ü ñ", "x:y?*", "[1]", "'q'", '"d"', "a\\b", "#^{}"]


def batchc(program, folder, *arguments):
    subprocess.run([program, "run", "-q", *arguments], cwd=folder, check=True)


def main():
    program, folder = sys.argv[1], Path(sys.argv[2])
    rows = [(i, KINDS[i * 7 % len(KINDS)], f"2026-{1 + i % 3:02}-{1 + i % 28:02}") for i in range(500)]
    quoted = lambda kind: "" if kind is None else '"' + kind.replace('"', '""') + '"'
    text = "".join(f"{i},{quoted(kind)},{day}\n" for i, kind, day in rows)
    (folder / "rows.csv").write_text("id,kind,day\n" + text)
    (folder / "pipeline.batch").write_text(PIPELINE)
    batchc(program, folder)
    database = duckdb.connect()
    types = "hive_partitioning = true, hive_types_autocast = false"
    read = {
        f"read_parquet('{folder}/columns/*/*/*.parquet', {types})": "id, kind, day",
        f"read_csv('{folder}/lines/*/*/*.csv', header = true, columns = {{'id': 'BIGINT'}}, {types})": "id, kind, day",
        f"read_json('{folder}/objects/*/*/*.jsonl', format = 'newline_delimited', {types})": "id, kind, cast(day as varchar)",
    }
    for table, columns in read.items():
        found = database.execute(f"select {columns} from {table} order by id").fetchall()
        assert [(i, kind, str(day)) for i, kind, day in found] == rows, (table, found[:20])
    # And back: DuckDB has no folder for an empty text of its own.
    database.execute("create table rows (id bigint, kind varchar, day date)")
    database.executemany("insert into rows values (?, nullif(?, ''), ?)", rows)
    database.execute(f"copy rows to '{folder}/duckdb' (format parquet, partition_by (kind, day))")
    (folder / "back.batch").write_text(BACK)
    batchc(program, folder, "back.batch")
    expected = "".join(f"{i},{quoted(kind or None)},{day}\n" for i, kind, day in rows)
    found = (folder / "same.csv").read_text()
    plain = lambda text: text.replace('"', "")
    assert plain(found) == plain("id,kind,day\n" + expected), found[:500]


main()
