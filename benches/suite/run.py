#!/usr/bin/env python3
"""Time whole pipelines, batchc's beside those of the peers that are installed, in one interleaved run.

    cargo build --release
    run.py --data DATA --out WORK [--workloads w1,w4] [--peers duckdb,polars] [--runs 5]

What is missing of the data is made first (about 5 GB; --scale 0.01 for a trial).  Every peer runs
once, then every peer again; afterwards all outputs are compared with the first peer's, and a table
is printed (and written to --table FILE): wall seconds, CPU seconds, peak memory, and the best
peer's wall time divided by batchc's.  `run.py --report` prints the table again.

A run is one process from exec to exit.  Wall time is a monotonic clock around it; user+sys seconds
and peak memory come from os.wait4 (a peer waits for its own children, so theirs are included; peak
is the largest single process).  `other` is CPU time that the rest of the machine used meanwhile; a
run with more than 15 % of its wall time in it counts as disturbed, and medians are taken without
disturbed runs while at least one calm run is left.  Before each run its inputs are read once, so
that they are in the page cache, and its output folder is emptied.

Peers are Python packages: duckdb, polars, datafusion, pyspark (with Java 17).  Making data and
comparing outputs needs numpy, pyarrow and tpchgen-cli.
"""
import argparse, json, os, platform, resource, shutil, signal, statistics, subprocess, sys, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
SUITE = os.path.abspath(os.environ.get("BENCH_SUITE", HERE))  # a folder with workloads.py and peers/
sys.path.insert(0, SUITE)
from workloads import DEFAULT, WORKLOADS

ROOT = os.path.dirname(os.path.dirname(HERE))
PACKAGES = dict(duckdb="duckdb", polars="polars", datafusion="datafusion", spark="pyspark")
PEERS = {p: [sys.executable, f"{SUITE}/peers/{p}_peer.py", "{workload}", "{data}", "{out}"] for p in PACKAGES}
BATCHC = ["{batchc}", "run", ROOT + "/benches/pipelines/{workload}.batch", "--threads", "{threads}", "-q", "--fresh",
          "-p", "data={data}", "-p", "out={out}"]
# Which set of gen.py makes an input.
SETS = {"sales.csv": "sales", "users.csv": "sales", "sales10.csv": "sales", "corpus.txt": "text", "app.log": "log",
        "measurements.txt": "brc", "events.jsonl": "events"}
HZ = os.sysconf("SC_CLK_TCK")


def busy_seconds():
    v = list(map(int, open("/proc/stat").readline().split()[1:9]))
    return (sum(v) - v[3] - v[4]) / HZ  # all but idle and iowait


def tree(pid):
    todo, out = [pid], []
    while todo:
        p = todo.pop()
        out.append(p)
        try:
            for t in os.listdir(f"/proc/{p}/task"):
                todo += map(int, open(f"/proc/{p}/task/{t}/children").read().split())
        except OSError:
            pass
    return out


def anon_mb(pid):
    """Largest process of the tree, as with ru_maxrss (a JVM's forks would count its heap twice in a sum)."""
    most = 0
    for p in tree(pid):
        try:
            for line in open(f"/proc/{p}/status"):
                if line.startswith("RssAnon"):
                    most = max(most, int(line.split()[1]))
        except OSError:
            pass
    return most / 1024


def warm(paths):
    for p in paths:
        with open(p, "rb", buffering=0) as f:
            buf = bytearray(8 << 20)
            while f.readinto(buf):
                pass


def folder_mb(path):
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(path) for f in fs) / 1e6


def run_once(cmd, env, log, timeout, data_cap=0):
    busy0, t0 = busy_seconds(), time.monotonic()
    limit = (lambda: resource.setrlimit(resource.RLIMIT_DATA, (data_cap, data_cap))) if data_cap else None
    with open(log, "wb") as out:
        proc = subprocess.Popen(cmd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, preexec_fn=limit)
    peak, done = [0.0], threading.Event()

    def sample():
        while not done.wait(0.05):
            peak[0] = max(peak[0], anon_mb(proc.pid))
            if time.monotonic() - t0 > timeout:
                os.killpg(proc.pid, signal.SIGKILL)

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    _, status, ru = os.wait4(proc.pid, 0)
    wall = time.monotonic() - t0
    done.set()
    sampler.join()
    proc.returncode = os.waitstatus_to_exitcode(status)
    other = max(0.0, busy_seconds() - busy0 - ru.ru_utime - ru.ru_stime)
    return dict(rc=proc.returncode, wall=round(wall, 3), user=round(ru.ru_utime, 3), sys=round(ru.ru_stime, 3),
                rss_mb=round(ru.ru_maxrss / 1024, 1), anon_mb=round(peak[0], 1), other=round(other, 3))


def median_row(runs):
    """Median over calm, successful runs (over all successful ones if none was calm)."""
    ok = [r for r in runs if r["rc"] == 0]
    if not ok:
        return None
    calm = [r for r in ok if r["other"] <= 0.15 * r["wall"]]
    use = calm or ok
    med = lambda f: statistics.median(f(r) for r in use)
    return dict(wall=med(lambda r: r["wall"]), cpu=med(lambda r: r["user"] + r["sys"]), rss=med(lambda r: r["rss_mb"]),
                anon=med(lambda r: r["anon_mb"]), out=med(lambda r: r["out_mb"]), n=len(use), calm=bool(calm))


def versions():
    from importlib.metadata import PackageNotFoundError, version
    out = {}
    for p in ("duckdb", "polars", "datafusion", "pyspark", "pyarrow", "numpy", "tpchgen-cli"):
        try:
            out[p] = version(p)
        except PackageNotFoundError:
            pass
    return out


def machine():
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "?")
    mem = int(open("/proc/meminfo").readline().split()[1]) // 1024 // 1024
    return dict(cpu=cpu, cores=os.cpu_count(), memory_gib=mem, kernel=platform.release(), python=platform.python_version())


def load(path):
    if os.path.exists(path):
        return json.load(open(path))
    return dict(machine=machine(), versions=versions(), runs=[], verified={})


def save(path, results):
    with open(path + ".tmp", "w") as f:
        json.dump(results, f, indent=0)
    os.replace(path + ".tmp", path)


def measure(args, peers, works):
    results, start = load(args.results), time.monotonic()
    have = lambda w, p: [r for r in results["runs"] if r["workload"] == w and r["peer"] == p]
    for w in works:
        spec = WORKLOADS[w]
        for _ in range(args.runs):
            for peer, template in peers.items():
                calm = [r for r in have(w, peer) if r["rc"] != 0 or r["other"] <= 0.15 * r["wall"]]
                if len(calm) >= args.runs or len(have(w, peer)) >= args.runs + args.retries:
                    continue
                if args.budget and time.monotonic() - start > args.budget:
                    print("budget spent; run again to go on")
                    return 3
                out = os.path.join(args.out, w, peer)
                shutil.rmtree(out, ignore_errors=True)
                os.makedirs(out)
                warm(f"{args.data}/{i}" for i in spec.inputs)
                fill = dict(workload=w, data=os.path.abspath(args.data), out=os.path.abspath(out), threads=args.threads, mem=spec.mem)
                cmd = [c.format(**fill) for c in template]
                if peer == "batchc" and spec.mem:
                    cmd += ["--memory", spec.mem]
                env = dict(os.environ, BENCH_THREADS=str(args.threads), BENCH_MEM=spec.mem)
                r = run_once(cmd, env, f"{out}.log", args.timeout, args.data_cap << 20)
                shutil.rmtree(f"{out}/.tmp", ignore_errors=True)
                r.update(workload=w, peer=peer, out_mb=round(folder_mb(out), 3), at=time.strftime("%Y-%m-%d %H:%M:%S"))
                results["runs"].append(r)
                save(args.results, results)
                print(f"{w:8s} {peer:11s} rc={r['rc']} wall={r['wall']:7.2f} cpu={r['user'] + r['sys']:7.2f} "
                      f"rss={r['rss_mb']:7.0f} anon={r['anon_mb']:7.0f} other={r['other']:5.2f}", flush=True)
    return 0


def verify(args, peers, works):
    from compare import compare
    results, bad = load(args.results), 0
    for w in works:
        for peer in peers:
            a, b = f"{args.out}/{w}/{args.reference}", f"{args.out}/{w}/{peer}"
            if peer == args.reference or not os.path.isdir(b):
                continue
            problems = compare(w, a, b)
            results["verified"][f"{w}/{peer}"] = problems
            bad += bool(problems)
            print(f"{w:8s} {peer:11s} {'equal' if not problems else problems}", flush=True)
    save(args.results, results)
    return bool(bad)


def set_of(path):
    if path.startswith("tpch"):
        return "tpch"
    return SETS.get(path) or ("h2o" if path.startswith("G1") else "h2o_join")


def make_data(args, works):
    """Makes the sets of which a needed file is missing."""
    missing = {set_of(i) for w in works for i in WORKLOADS[w].inputs if not os.path.exists(f"{args.data}/{i}")}
    if missing:
        command = [sys.executable, f"{SUITE}/gen.py", "--out", args.data, "--scale", str(args.scale),
                   "--only", ",".join(sorted(missing))]
        subprocess.run(command, check=True)


def report(args):
    """One line a workload: each peer's medians, and the best other peer's wall time through batchc's."""
    results = load(args.results)
    runs = results["runs"]
    peers = sorted({r["peer"] for r in runs}, key=lambda p: (["batchc"] + list(PEERS) + [p]).index(p))
    m, v = results["machine"], results["versions"]
    lines = [f"{m['cpu']}, {m['cores']} cores, {m['memory_gib']} GiB, Linux {m['kernel']}; "
             + ", ".join(f"{k} {x}" for k, x in v.items()) + ".", "",
             "Medians of whole-process runs: wall s / CPU s (user+sys) / peak MB; `~` where no run was calm, "
             "so that CPU seconds are the figure to trust.  Ratios above 1 say that batchc is ahead of the best peer.", "",
             "| workload | " + " | ".join(peers) + " | ratio of wall | ratio of CPU | equal |", "|---|" + "---|" * (len(peers) + 3)]
    for w, spec in WORKLOADS.items():
        rows = {p: median_row([r for r in runs if r["workload"] == w and r["peer"] == p]) for p in peers}
        if not any(rows.values()):
            continue
        cells = []
        for p in peers:
            r = rows[p]
            tried = [x for x in runs if x["workload"] == w and x["peer"] == p]
            cells.append(f"{r['wall']:.2f}{'' if r['calm'] else '~'} / {r['cpu']:.2f} / {r['rss']:.0f}" if r
                         else f"failed ({tried[-1]['rc']})" if tried else "-")
        own, others = rows.get("batchc"), [r for p, r in rows.items() if r and p != "batchc"]
        ratio = lambda key: f"{min(r[key] for r in others) / own[key]:.2f}" if own and others else "-"
        found = results["verified"].get(f"{w}/batchc")
        equal = "-" if found is None else "no" if found else "yes"
        lines.append(f"| {w}: {spec.title} | " + " | ".join(cells) + f" | {ratio('wall')} | {ratio('cpu')} | {equal} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if args.table:
        with open(args.table, "w") as f:
            f.write(text)
    return 0


def installed():
    from importlib.util import find_spec
    return [p for p, package in PACKAGES.items() if find_spec(package)]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", default="/tmp/batchc-bench/data")
    ap.add_argument("--out", default="/tmp/batchc-bench/out", help="folder for the outputs and logs of the runs")
    ap.add_argument("--scale", type=float, default=1.0, help="of data that is made; other sizes need a folder of their own")
    ap.add_argument("--batchc", default=f"{os.environ.get('CARGO_TARGET_DIR', ROOT + '/target')}/release/batchc")
    ap.add_argument("--workloads", default=",".join(DEFAULT), help="comma list; default: all but the single-query ones")
    ap.add_argument("--peers", default=",".join(p for p in installed() if p != "spark"),
                    help="default: those that are installed, but for spark")
    ap.add_argument("--runs", type=int, default=5)
    ap.add_argument("--retries", type=int, default=2, help="extra runs allowed in place of disturbed ones")
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--timeout", type=float, default=600)
    ap.add_argument("--data-cap", type=int, default=0, metavar="MIB", help="hard cap on private memory (RLIMIT_DATA)")
    ap.add_argument("--budget", type=float, default=0, metavar="SECONDS", help="start no run after this; a second call goes on")
    ap.add_argument("--results", help="default: results.json in --out")
    ap.add_argument("--table", help="write the table to this file too")
    ap.add_argument("--report", action="store_true", help="only print the table of earlier runs")
    args = ap.parse_args()
    args.results = args.results or f"{args.out}/results.json"
    if args.report:
        return report(args)
    works = [w for w in args.workloads.split(",") if os.path.exists(f"{ROOT}/benches/pipelines/{w}.batch")]
    peers = {"batchc": [part.replace("{batchc}", args.batchc) for part in BATCHC]}
    peers.update({p: PEERS[p] for p in args.peers.split(",") if p})
    args.reference = next((p for p in peers if p != "batchc"), "batchc")
    os.makedirs(args.out, exist_ok=True)
    make_data(args, works)
    left = measure(args, peers, works)
    verify(args, peers, works)
    report(args)
    return left


if __name__ == "__main__":
    sys.exit(main())
