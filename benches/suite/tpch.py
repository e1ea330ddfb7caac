#!/usr/bin/env python3
"""Time the 22 queries of TPC-H: batchc's pipelines of examples/tpch beside SQL in DuckDB, DataFusion and
Polars, over the same files, in one interleaved run.

    cargo build --release
    tpch.py --data DATA [--batchc PATH] [--scale 1] [--forms parquet,csv] [--queries 1,5] [--runs 3]

The data is made first where it is missing (tpchgen-cli; 1 GB for each form at scale 1).  A run is one
process from exec to exit, which reads the files and writes the answer as CSV; a peer also says how long
it took without being started, which is the time in parentheses.  Medians of --runs; peak memory is the
largest resident set of any run.  Polars computes with floats, where it is faster, and the others with
decimals, as batchc does.
"""
import argparse, math, os, statistics, subprocess, sys, tempfile, time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLES = "region nation supplier customer part partsupp orders lineitem".split()
COLUMNS = {
    "region": "r_regionkey:l r_name:s r_comment:s",
    "nation": "n_nationkey:l n_name:s n_regionkey:l n_comment:s",
    "supplier": "s_suppkey:l s_name:s s_address:s s_nationkey:l s_phone:s s_acctbal:d s_comment:s",
    "customer": "c_custkey:l c_name:s c_address:s c_nationkey:l c_phone:s c_acctbal:d c_mktsegment:s c_comment:s",
    "part": "p_partkey:l p_name:s p_mfgr:s p_brand:s p_type:s p_size:l p_container:s p_retailprice:d p_comment:s",
    "partsupp": "ps_partkey:l ps_suppkey:l ps_availqty:l ps_supplycost:d ps_comment:s",
    "orders": "o_orderkey:l o_custkey:l o_orderstatus:s o_totalprice:d o_orderdate:t o_orderpriority:s o_clerk:s"
    " o_shippriority:l o_comment:s",
    "lineitem": "l_orderkey:l l_partkey:l l_suppkey:l l_linenumber:l l_quantity:d l_extendedprice:d l_discount:d"
    " l_tax:d l_returnflag:s l_linestatus:s l_shipdate:t l_commitdate:t l_receiptdate:t l_shipinstruct:s"
    " l_shipmode:s l_comment:s",
}


def columns(table, kinds):
    pairs = (column.split(":") for column in COLUMNS[table].split())
    return {name: kinds[kind] for name, kind in pairs}


def duckdb_answer(sql, data, form, out):
    import duckdb
    begun = time.monotonic()
    con = duckdb.connect()
    kinds = dict(l="BIGINT", s="VARCHAR", d="DECIMAL(15, 2)", t="DATE")
    for table in TABLES:
        path = f"{data}/{form}/{table}.{form}"
        source = f"'{path}'" if form == "parquet" else (
            f"read_csv('{path}', header=true, auto_detect=false, delim=',', quote='\"', escape='\"',"
            f" columns={columns(table, kinds)})")
        con.execute(f"CREATE VIEW {table} AS SELECT * FROM {source}")
    con.execute(f"COPY ({sql}) TO '{out}' (HEADER)")
    return time.monotonic() - begun


def datafusion_answer(sql, data, form, out):
    import datafusion, pyarrow as pa, pyarrow.csv
    begun = time.monotonic()
    ctx = datafusion.SessionContext()
    kinds = dict(l=pa.int64(), s=pa.string(), d=pa.decimal128(15, 2), t=pa.date32())
    for table in TABLES:
        path = f"{data}/{form}/{table}.{form}"
        if form == "parquet":
            ctx.register_parquet(table, path)
        else:
            ctx.register_csv(table, path, schema=pa.schema(list(columns(table, kinds).items())))
    answer = ctx.sql(sql).to_arrow_table()
    # Its texts are views, which cannot be written as they are.
    plain = [pa.string() if pa.types.is_string_view(ty) else ty for ty in answer.schema.types]
    pa.csv.write_csv(answer.cast(pa.schema(list(zip(answer.schema.names, plain)))), out)
    return time.monotonic() - begun


def polars_answer(sql, data, form, out):
    import polars as pl
    begun = time.monotonic()
    kinds = dict(l=pl.Int64, s=pl.String, d=pl.Float64, t=pl.Date)

    def scan(table):
        path = f"{data}/{form}/{table}.{form}"
        if form == "csv":
            return pl.scan_csv(path, schema=columns(table, kinds))
        money = [name for name, kind in columns(table, kinds).items() if kind == pl.Float64]
        return pl.scan_parquet(path).with_columns(pl.col(name).cast(pl.Float64) for name in money)

    pl.SQLContext({table: scan(table) for table in TABLES}).execute(sql).sink_csv(out)
    return time.monotonic() - begun


PEERS = dict(duckdb=duckdb_answer, datafusion=datafusion_answer, polars=polars_answer)


def measure(command):
    """Wall seconds, peak megabytes, and what was printed."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    printed = process.stdout.read()
    words = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begun
    if status:
        return None, usage.ru_maxrss / 1024, words.strip()[-300:]
    return wall, usage.ru_maxrss / 1024, printed


def generate(data, scale, forms):
    for form in forms:
        if not (data / form / f"lineitem.{form}").exists():
            tool = Path(sys.executable).with_name("tpchgen-cli")
            subprocess.run([tool, form, "-s", str(scale), "--output-dir", data / form], check=True)


def warm(data, form):
    for table in TABLES:
        with open(data / form / f"{table}.{form}", "rb", buffering=0) as file:
            buffer = bytearray(8 << 20)
            while file.readinto(buffer):
                pass


def commands(args, form, number, folder):
    name = f"q{number:02}"
    text = (ROOT / "examples" / "tpch" / f"{name}.batch").read_text(encoding="utf-8")
    if form == "csv":
        text = text.replace('parquet("{data}/', 'csv("{data}/').replace('.parquet")', '.csv")')
    program = folder / f"{name}.batch"
    program.write_text(text, encoding="utf-8")
    yield "batchc", [args.batchc, "run", program, "-q", "--fresh", "-p", f"data={args.data / form}",
                     "-p", f"out={folder}", "--state-dir", folder / "state"]
    for peer in args.peers:
        yield peer, [sys.executable, __file__, "--data", args.data, "--peer", peer, "--forms", form,
                     "--queries", str(number), "--out", folder / f"{peer}.csv"]


def table(args, form):
    print(f"\n| {form} | batchc | MB | " + " | ".join(f"{peer} | MB" for peer in args.peers) + " | best ÷ batchc |")
    print("|" + "---|" * (4 + 2 * len(args.peers)))
    ratios, inner_ratios = [], []
    for number in args.numbers:
        walls, inner, peaks = {}, {}, {}
        with tempfile.TemporaryDirectory(dir=args.data) as folder:
            folder = Path(folder)
            for _ in range(args.runs):
                for who, command in commands(args, form, number, folder):
                    wall, peak, printed = measure(command)
                    if wall is None:
                        print(f"q{number:02} {who}: {printed}", file=sys.stderr)
                        continue
                    walls.setdefault(who, []).append(wall)
                    peaks[who] = max(peak, peaks.get(who, 0))
                    if who != "batchc":
                        inner.setdefault(who, []).append(float(printed))
        wall = {who: statistics.median(times) for who, times in walls.items()}
        own = {who: statistics.median(times) for who, times in inner.items()}
        best = min(wall[peer] for peer in args.peers if peer in wall) / wall["batchc"]
        best_own = min(own.values()) / wall["batchc"]
        ratios.append(best)
        inner_ratios.append(best_own)
        cells = [f"{wall['batchc']:.2f} | {peaks['batchc']:.0f}"]
        for peer in args.peers:
            cells.append(f"{wall[peer]:.2f} ({own[peer]:.2f}) | {peaks[peer]:.0f}" if peer in wall else "– | –")
        print(f"| q{number:02} | " + " | ".join(cells) + f" | {best:.2f} ({best_own:.2f}) |", flush=True)
    mean = lambda values: math.exp(statistics.mean(map(math.log, values)))
    print(f"\ngeometric mean of the best peer's time divided by batchc's, {form}: {mean(ratios):.2f};"
          f" without the peers' start {mean(inner_ratios):.2f}")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", type=Path, required=True)
    ap.add_argument("--batchc", type=Path, default=ROOT / "target" / "release" / "batchc")
    ap.add_argument("--scale", type=float, default=1)
    ap.add_argument("--forms", default="parquet,csv")
    ap.add_argument("--queries", default=",".join(map(str, range(1, 23))))
    ap.add_argument("--peers", default="duckdb,datafusion,polars")
    ap.add_argument("--runs", type=int, default=3)
    ap.add_argument("--peer", help=argparse.SUPPRESS)
    ap.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    args = ap.parse_args()
    args.data, args.peers, args.forms = args.data.resolve(), args.peers.split(","), args.forms.split(",")
    args.numbers = [int(number) for number in args.queries.split(",")]
    if args.peer:
        sql = (ROOT / "tests" / "duckdb" / "tpch" / f"q{args.numbers[0]:02}.sql").read_text().strip().rstrip(";")
        print(PEERS[args.peer](sql, args.data, args.forms[0], str(args.out)))
        return
    args.data.mkdir(parents=True, exist_ok=True)
    generate(args.data, args.scale, args.forms)
    for form in args.forms:
        warm(args.data, form)
        table(args, form)


if __name__ == "__main__":
    main()
