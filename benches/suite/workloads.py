"""The workloads: what each reads, what it must write, and how outputs are compared.

`outputs` maps a name to the columns that identify a row (rows are matched on
them, so file order is free), or to ORDERED (rows are compared in file order).
An output NAME.csv or NAME.parquet may be a file or a folder of part files.
The meaning of every workload is in ../README.md and the pipelines.
"""
from dataclasses import dataclass

ORDERED = "ordered"
TPCH_QUERIES = ("q1", "q3", "q5", "q6", "q9", "q18")
TPCH_KEYS = dict(q1=["l_returnflag", "l_linestatus"], q3=["l_orderkey"], q5=["n_name"], q6=[],
                 q9=["nation", "o_year"], q18=["o_orderkey"])
TPCH_TABLES = ("lineitem", "orders", "customer", "supplier", "nation", "region", "part", "partsupp")
H2O_KEYS = {"q1": ["id1"], "q3": ["id3"], "q5": ["id6"], "q10": ["id1", "id2", "id3", "id4", "id5", "id6"]}


@dataclass
class Workload:
    title: str
    inputs: list
    outputs: dict
    mem: str = ""                             # memory cap handed to the peer
    atol: float = 1e-9                        # absolute tolerance; relative is always 1e-9


G1, SALES = ["G1_1e7_1e2_0_0.csv"], ["sales.csv"]
CSVS = [f"tpch_csv/{t}.csv" for t in TPCH_TABLES]
PQS = [f"tpch_parquet/{t}.parquet" for t in TPCH_TABLES]
AVG6 = 1e-6  # avg(DECIMAL) may be a DECIMAL of 6 places

WORKLOADS = {
    "w1": Workload("cleanse, score, filter, totals by category -> CSV + Parquet", SALES,
                   {"by_category.csv": ["category"], "by_category.parquet": ["category"]}),
    "w2": Workload("word count, top 1000 -> CSV", ["corpus.txt"], {"top_words.csv": ["word"]}),
    "w3": Workload("log split: levels, errors by hour -> 2 CSV", ["app.log"],
                   {"levels.csv": ["level"], "errors.csv": ["hour", "message"]}),
    "w3r": Workload("log by regex with captures: levels, errors by hour -> 2 CSV", ["app.log"],
                    {"levels.csv": ["level"], "errors.csv": ["hour", "message"]}),
    "w4": Workload("1BRC (50M rows): min, mean, max by station -> CSV", ["measurements.txt"],
                   {"stations.csv": ["station"]}),
    "w5": Workload("h2o groupby q1, q3, q5, q10 in one pipeline -> 4 CSV", G1,
                   {f"{q}.csv": k for q, k in H2O_KEYS.items()}),
    **{f"w5_{q}": Workload(f"h2o groupby {q} alone -> CSV", G1, {f"{q}.csv": k}) for q, k in H2O_KEYS.items()},
    "w6c": Workload("TPC-H SF1 q1,3,5,6,9,18 from CSV in one pipeline -> 6 CSV", CSVS,
                    {f"{q}.csv": TPCH_KEYS[q] for q in TPCH_QUERIES}, atol=AVG6),
    "w6p": Workload("TPC-H SF1 q1,3,5,6,9,18 from Parquet in one pipeline -> 6 CSV", PQS,
                    {f"{q}.csv": TPCH_KEYS[q] for q in TPCH_QUERIES}, atol=AVG6),
    **{f"w6c_{q}": Workload(f"TPC-H SF1 {q} alone from CSV", CSVS, {f"{q}.csv": TPCH_KEYS[q]}, atol=AVG6) for q in TPCH_QUERIES},
    **{f"w6p_{q}": Workload(f"TPC-H SF1 {q} alone from Parquet", PQS, {f"{q}.csv": TPCH_KEYS[q]}, atol=AVG6) for q in TPCH_QUERIES},
    "w7": Workload("lineitem CSV -> Parquet (zstd 3)", ["tpch_csv/lineitem.csv"],
                   {"lineitem.parquet": ["l_orderkey", "l_linenumber"]}),
    "w8": Workload("JSONL: unnest + totals by country and SKU, users by type and OS -> 2 CSV", ["events.jsonl"],
                   {"sku.csv": ["country", "sku"], "types.csv": ["type", "os"]}),
    "w9": Workload("DAG: clean, dedupe, daily, category, top customers, wide Parquet (6 jobs, 4 outputs)",
                   ["sales.csv", "users.csv"],
                   {"daily.csv": ["day"], "category.csv": ["category"], "top_customers.csv": ["user_id"],
                    "export.parquet": ["record_id"]}),
    # No two rows of the data have the same three columns, so there is only one right order.
    "w10s": Workload("sort 10M full rows under a 512 MB cap -> Parquet", SALES, {"sorted.parquet": ORDERED}, mem="512MB"),
    "w10d": Workload("latest row per record_id under a 512 MB cap -> Parquet", SALES,
                     {"latest.parquet": ["record_id"]}, mem="512MB"),
    "w11": Workload("start-up: a 10-row CSV, filter + group -> CSV", ["sales10.csv"], {"totals.csv": ["category"]}),
    "w12": Workload("h2o join q5: 10M x 10M inner join on id3 -> Parquet",
                    ["J1_1e7_NA_0_0.csv", "J1_1e7_1e7_0_0.csv"], {"joined.parquet": ["id3"]}),
}
DEFAULT = [w for w in WORKLOADS if "_" not in w]
