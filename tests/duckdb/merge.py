"""`mode merge` and `mode scd2` against DuckDB: random rows over several runs, each merged into what the
outputs hold, and into tables by SQL.

Usage: merge.py BATCHC FOLDER, an empty folder to work in.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

import duckdb

PIPELINE = """source rows = csv("rows.csv") {
  id:    int
  part:  string
  name:  string?
  price: decimal(8, 2)?
  since: timestamp
}

job new {
  from rows
  dedupe by id, part keep newest by since
}

output replaced = parquet("replaced.parquet") from new { mode merge on id, part }
output kept = parquet("kept.parquet") from new { mode merge on id, part keep first }
output newest = parquet("newest.parquet") from new { mode merge on id, part keep newest by since }
output oldest = parquet("oldest.parquet") from new { mode merge on id, part keep oldest by since }
output versions = parquet("versions.parquet") from new { mode scd2 on id, part track name, price }
"""

# Which rows of `new` come into a table `t` and take the place of those with their key.
MERGES = {
    "replaced": "true",
    "kept": "t.id is null",
    "newest": "t.id is null or new.since >= t.since",
    "oldest": "t.id is null or new.since <= t.since",
}

# Python needs another package for instants.
AS_TEXT = "select * replace (since::varchar as since)"


def rows(chance):
    """A file of rows: no key twice with one time."""
    seen, lines = set(), ["id,part,name,price,since"]
    for _ in range(chance.randrange(60)):
        key = (chance.randrange(25), chance.choice("ab"), chance.randrange(40))
        if key not in seen:
            seen.add(key)
            name = chance.choice(["", "Ada", "Bo", "é"])
            price = chance.choice(["", "1.50", "0.00", "-3.25"])
            lines.append(f"{key[0]},{key[1]},{name},{price},2026-01-01T00:00:{key[2]:02}Z")
    return "\n".join(lines) + "\n"


def merge(table, comes):
    """Has rows of `new` take the places of others."""
    duckdb.sql(f"create or replace table come as select new.* from new left join {table} t using (id, part) where {comes}")
    duckdb.sql(f"delete from {table} using come where {table}.id = come.id and {table}.part = come.part")
    duckdb.sql(f"insert into {table} from come")


def version(round):
    """The versions of rows, ended and begun in this round."""
    differs = "(v.name is distinct from new.name or v.price is distinct from new.price)"
    duckdb.sql(
        "create or replace table come as select new.* from new left join versions v "
        f"on v.id = new.id and v.part = new.part and v.is_current where v.id is null or {differs}"
    )
    duckdb.sql(
        f"update versions set valid_to = {round}, is_current = false from come "
        "where versions.is_current and versions.id = come.id and versions.part = come.part"
    )
    duckdb.sql(f"insert into versions select *, {round}, null, true from come")


def compare(name, found, wanted, seed):
    key = lambda row: tuple((value is not None, str(value)) for value in row)
    found, wanted = sorted(found, key=key), sorted(wanted, key=key)
    if found != wanted:
        print(f"{name} of seed {seed}: {len(found)} rows and not {len(wanted)}")
        for row in found:
            if row not in wanted:
                print("  only batchc:", row)
        for row in wanted:
            if row not in found:
                print("  only DuckDB:", row)
        sys.exit(1)


def case(batchc, folder, seed):
    chance = random.Random(seed)
    folder.mkdir()
    (folder / "pipeline.batch").write_text(PIPELINE, encoding="utf-8")
    columns = "id bigint, part varchar, name varchar, price decimal(8, 2), since timestamptz"
    for table in MERGES:
        duckdb.sql(f"create or replace table {table} ({columns})")
    duckdb.sql(f"create or replace table versions ({columns}, valid_from bigint, valid_to bigint, is_current boolean)")
    began = []
    for round in range(chance.randrange(2, 6)):
        (folder / "rows.csv").write_text(rows(chance), encoding="utf-8")
        flags = ["-q", "--report", "report.json", "--threads", str(chance.choice([1, 3])), "--chunk", "200"]
        subprocess.run([batchc, "run", *flags], cwd=folder, check=True)
        began.append(json.loads((folder / "report.json").read_text(encoding="utf-8"))["started"])
        duckdb.sql(
            "create or replace table new as select id::bigint id, part, name, price::decimal(8, 2) price, since::timestamptz since "
            f"from read_csv('{folder}/rows.csv', all_varchar = true, nullstr = '', header = true) "
            "qualify row_number() over (partition by id, part order by since desc) = 1"
        )
        for table, comes in MERGES.items():
            merge(table, comes)
            found = duckdb.sql(f"{AS_TEXT} from read_parquet('{folder}/{table}.parquet')").fetchall()
            compare(table, found, duckdb.sql(f"{AS_TEXT} from {table}").fetchall(), seed)
        version(round)
        # A version began with a run: which one, its time says.
        times = ", ".join(f"({at}, '{time}'::timestamptz)" for at, time in enumerate(began))
        found = duckdb.sql(
            f"with runs(number, time) as (values {times}) select id, part, name, price, since::varchar, f.number, t.number, is_current "
            f"from read_parquet('{folder}/versions.parquet') left join runs f on f.time = valid_from left join runs t on t.time = valid_to"
        ).fetchall()
        compare("versions", found, duckdb.sql(f"{AS_TEXT} from versions").fetchall(), seed)


def main():
    batchc, folder = sys.argv[1], Path(sys.argv[2])
    duckdb.sql("set timezone = 'UTC'")
    for seed in range(20):
        case(batchc, folder / str(seed), seed)


main()
