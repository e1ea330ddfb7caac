"""Compares the outputs of an example that was run with the same computation in DuckDB.

Usage: compare.py FOLDER, a copy of an example with its `data/` and `out/`.

`examples/NAME.sql` has one query for each output, behind a line `-- out/FILE`; `-- out/FILE unordered`
compares without regard to order. Values are compared one by one: floats to 1e-9 relative, numbers as
numbers, everything else as text; null only equals null.
"""

import csv
import decimal
import glob
import math
import os
import re
import sys
from pathlib import Path

import duckdb


def queries(path):
    """(output, ordered, query) of each query of a file."""
    parts = re.split(r"^-- (out/\S+)( unordered)?\s*$", path.read_text(encoding="utf-8"), flags=re.M)
    prelude = parts[0]
    rest = parts[1:]
    return prelude, [(rest[i], rest[i + 1] is None, rest[i + 2]) for i in range(0, len(rest), 3)]


def read(path):
    """The header and the rows of an output: a CSV file, a folder of them, or a Parquet file."""
    if path.endswith(".parquet"):
        found = duckdb.sql(f"from read_parquet('{path}')")
        return found.columns, [list(row) for row in found.fetchall()]
    files = sorted(glob.glob(path + "/*.csv")) if os.path.isdir(path) else [path]
    header, rows = None, []
    for file in files:
        with open(file, newline="", encoding="utf-8") as opened:
            reader = csv.reader(opened)
            of_file = next(reader)
            assert header in (None, of_file), f"{file}: another header"
            header = of_file
            rows.extend([None if value == "" else value for value in row] for row in reader)
    return header, rows


def same(got, wanted):
    if got is None or wanted is None:
        # A CSV file has one spelling for null and for the empty text.
        return (got is None and wanted in (None, "")) or (wanted is None and got == "")
    if isinstance(wanted, bool):
        return str(got).lower() == str(wanted).lower()
    if isinstance(wanted, float):
        return math.isclose(float(got), wanted, rel_tol=1e-9, abs_tol=0.0)
    if isinstance(wanted, (int, decimal.Decimal)):
        return decimal.Decimal(str(got)) == decimal.Decimal(str(wanted))
    return str(got) == str(wanted)


def key(row):
    return [(value is None, str(value)) for value in row]


def main():
    folder = Path(sys.argv[1])
    sql = Path(__file__).parent / "examples" / f"{folder.name}.sql"
    os.chdir(folder)
    duckdb.sql("set timezone = 'UTC'")
    prelude, found = queries(sql)
    for statement in prelude.split(";"):
        if re.sub(r"--.*", "", statement).strip():
            duckdb.execute(statement)
    outputs = {path for path in glob.glob("out/*")}
    compared = {output for output, _, _ in found}
    assert outputs == compared, f"{folder.name}: outputs {sorted(outputs)}, queries {sorted(compared)}"
    failed = False
    for output, ordered, query in found:
        wanted = duckdb.sql(query)
        names, rows = wanted.columns, wanted.fetchall()
        header, got = read(output)
        if not ordered:
            rows, got = sorted(rows, key=key), sorted(got, key=key)
        problems = []
        if list(header) != list(names):
            problems.append(f"columns {header}, DuckDB {names}")
        if len(got) != len(rows):
            problems.append(f"{len(got)} rows, DuckDB {len(rows)}")
        for at, (mine, other) in enumerate(zip(got, rows)):
            for name, a, b in zip(names, mine, other):
                if not same(a, b):
                    problems.append(f"row {at + 1}, {name}: {a!r}, DuckDB {b!r}")
        print(f"{folder.name} {output}: {len(got)} rows, {len(problems)} differences")
        for problem in problems[:10]:
            print("  " + problem)
        failed = failed or bool(problems)
    sys.exit(1 if failed else 0)


main()
