#!/usr/bin/env python3
"""How time and memory grow with the rows: w1, w5 and w9 over the data of several scales.

    cargo build --release
    growth.py --data DATA [--rows 1,3,10,30] [--memory 1GB] [--workloads w1,w5,w9] [--keep]

For each number of millions of rows the data is made (30: about 5 GB), read by every workload, with
the memory of the machine and with --memory, and deleted.  A table is printed: wall seconds, CPU
seconds and peak memory of the process, those of a limit in rows of their own.  One run each.
"""
import argparse, os, shutil, subprocess, sys, tempfile
from run import HERE, ROOT, warm
from workloads import WORKLOADS


def measured(batchc, workload, data, threads, memory):
    """Wall seconds, CPU seconds and peak MB of a run."""
    with tempfile.TemporaryDirectory(dir=data) as out:
        command = ["/usr/bin/env", "time", "-f", "%e %U %S %M", batchc, "run", "-q", "--no-progress", "--fresh"]
        command += [f"{ROOT}/benches/pipelines/{workload}.batch", "-p", f"data={data}", "-p", f"out={out}"]
        command += ["--threads", str(threads), "--temp-dir", out] + (["--memory", memory] if memory else [])
        ran = subprocess.run(command, capture_output=True, text=True)
        if ran.returncode:
            sys.exit(ran.stderr)
    wall, user, system, peak = map(float, ran.stderr.split()[-4:])
    return wall, user + system, peak / 1000


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--batchc", default=f"{ROOT}/target/release/batchc")
    ap.add_argument("--data", required=True, help="a folder for the data")
    ap.add_argument("--rows", default="1,3,10,30", help="millions of rows")
    ap.add_argument("--memory", default="1GB")
    ap.add_argument("--threads", type=int, default=os.cpu_count())
    ap.add_argument("--workloads", default="w1,w5,w9")
    ap.add_argument("--keep", action="store_true", help="leave the data, and use what is there")
    args = ap.parse_args()
    workloads = args.workloads.split(",")
    print("| rows | memory | " + " | ".join(f"{w}: wall s / CPU s / peak MB" for w in workloads) + " |")
    print("|---|---|" + "---|" * len(workloads))
    for rows in args.rows.split(","):
        data = f"{args.data}/{rows}M"
        inputs = {f"{data}/{name}" for w in workloads for name in WORKLOADS[w].inputs}
        if not all(map(os.path.exists, inputs)):
            make = [sys.executable, f"{HERE}/gen.py", "--out", data, "--scale", str(float(rows) / 10)]
            subprocess.run([*make, "--only", "sales,h2o"], check=True, stdout=sys.stderr)
        for memory in (None, args.memory):
            cells = []
            for workload in workloads:
                warm(f"{data}/{name}" for name in WORKLOADS[workload].inputs)
                wall, cpu, peak = measured(args.batchc, workload, data, args.threads, memory)
                cells.append(f"{wall:.2f} / {cpu:.2f} / {peak:,.0f}")
            print(f"| {rows} M | {memory or 'all'} | " + " | ".join(cells) + " |", flush=True)
        if not args.keep:
            shutil.rmtree(data)


if __name__ == "__main__":
    main()
