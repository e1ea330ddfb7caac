#!/usr/bin/env python3
"""The queries of TPC-H in examples/tpch, over Parquet and over CSV, against DuckDB over the same data.

    tpch.py BATCHC FOLDER [--scale 0.1] [--queries 1,5]

The data is made by tpchgen-cli, which has to be installed beside this Python, unless the folder has it.
Rows are compared in their order. Exact numbers have to be the same; where DuckDB computes with floats, so
may the last digits differ, and batchc's decimals have six digits behind the point.
"""
import argparse, csv, datetime, os, subprocess, sys
from decimal import Decimal
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
TABLES = "region nation supplier customer part partsupp orders lineitem".split()


def generate(folder, scale):
    tool = Path(sys.executable).with_name("tpchgen-cli")
    for form in ("parquet", "csv"):
        if not (folder / form / f"lineitem.{form}").exists():
            command = [tool, form, "-s", str(scale), "--output-dir", folder / form]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def of_csv(text):
    """The program over CSV files."""
    return text.replace('parquet("{data}/', 'csv("{data}/').replace('.parquet")', '.csv")')


def answer(batchc, program, data, out):
    command = [batchc, "run", program, "-q", "-p", f"data={data}", "-p", f"out={out}", "--state-dir", out / "state"]
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode != 0:
        return None, ran.stderr
    with open(out / f"{program.stem}.csv", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return header, rows


def is_same(got, wanted):
    if wanted is None or got == "":
        return wanted is None and got == ""
    if isinstance(wanted, (int, Decimal)):
        return Decimal(got) == Decimal(wanted)
    if isinstance(wanted, float):
        # Six digits behind the point, or as many as a float has.
        return abs(float(got) - wanted) <= max(6e-7, 1e-12 * abs(wanted))
    if isinstance(wanted, datetime.date):
        return got == wanted.isoformat()
    return got == wanted


def difference(header, rows, wanted_header, wanted):
    if header != wanted_header:
        return f"columns {header}, DuckDB has {wanted_header}"
    for at, (row, other) in enumerate(zip(rows, wanted)):
        for name, got, value in zip(header, row, other):
            if not is_same(got, value):
                return f"row {at + 1}, {name}: {got!r}, DuckDB has {value!r}"
    return None if len(rows) == len(wanted) else f"{len(rows)} rows, DuckDB has {len(wanted)}"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("batchc", type=Path)
    ap.add_argument("folder", type=Path)
    ap.add_argument("--scale", type=float, default=0.1)
    ap.add_argument("--queries", default=",".join(str(number) for number in range(1, 23)))
    args = ap.parse_args()
    folder = args.folder.resolve()
    generate(folder, args.scale)
    connection = duckdb.connect()
    for table in TABLES:
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM '{folder}/parquet/{table}.parquet'")
    found = []
    for number in args.queries.split(","):
        name = f"q{int(number):02}"
        program = ROOT / "examples" / "tpch" / f"{name}.batch"
        result = connection.execute((ROOT / "tests" / "duckdb" / "tpch" / f"{name}.sql").read_text())
        columns, wanted = [column[0] for column in result.description], result.fetchall()
        for form in ("parquet", "csv"):
            out = folder / "out" / form
            os.makedirs(out, exist_ok=True)
            copy = out / f"{name}.batch"
            text = program.read_text(encoding="utf-8")
            copy.write_text(text if form == "parquet" else of_csv(text), encoding="utf-8")
            header, rows = answer(args.batchc.resolve(), copy, folder / form, out)
            wrong = rows if header is None else difference(header, rows, columns, wanted)
            if wrong:
                found.append(f"{name} from {form}: {wrong}")
        if not wanted:
            found.append(f"{name} has no rows at this scale")
    print("\n".join(found) or f"{len(args.queries.split(','))} queries are the same")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
