#!/usr/bin/env python3
"""What runs after others cost, and what keeping for them costs.

    cargo build --release
    again.py --data DATA [--batchc PATH] [--runs 5] [--parts overhead,again,fifty,half]

Over the data that run.py has made.  Wall and CPU seconds, medians of --runs runs, in turn:

overhead  w1, w5 and w9 anew, with what is kept for later runs (--checkpoints auto) and without (never)
again     w9: anew, and once more when nothing has changed
fifty     sales.csv in fifty files, cleaned and grouped: anew, one file changed, a hundredth appended to
          one; and the same as a single file, to which a hundredth is appended
half      240 million rows, filtered to Parquet and CSV and grouped: undisturbed, killed at half of the
          time, and gone on with; the outputs have to be the same bytes.  Needs 20 GB of disk
"""
import argparse, hashlib, os, signal, statistics, subprocess, sys, tempfile, time
from run import ROOT, warm

CLEAN = """
source sales = csv("{files}") {{
  record_id: string
  user_id:   string
  amount:    float?
  category:  string?
  email:     string?
  transaction_date: datetime
}}

job clean {{
  from sales
  set {{ amount = greatest(amount ?? 0.0, 0.0), category = category ?? "unknown" }}
  filter amount > 0
}}

job by_day {{
  from clean
  group by category, day = date(transaction_date) {{ total = sum(amount), count = count() }}
}}

output totals = csv("out/totals.csv") from by_day
"""

LONG = """
source g = csv("g/*.csv") {
  id1: string
  id2: string
  id3: string
  id4: int
  id5: int
  id6: int
  v1: int
  v2: int
  v3: float
}

job few {
  from g
  filter v1 != 3
}

job sums {
  from g
  group by id1, id2 { total = sum(v3), rows = count() }
}

output columns = parquet("out/few.parquet") from few
output lines   = csv("out/few.csv") from few
output totals  = csv("out/sums.csv") from sums
"""


class Runs:
    def __init__(self, batchc, folder):
        self.batchc, self.folder = batchc, folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, *flags):
        return subprocess.Popen([self.batchc, "run", "-q", *flags], cwd=self.folder,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *flags):
        """Wall and CPU seconds."""
        begun, started = self.start(*flags), time.monotonic()
        _, status, usage = os.wait4(begun.pid, 0)
        wall = time.monotonic() - started
        if status:
            sys.exit(begun.stderr.read())
        return wall, usage.ru_utime + usage.ru_stime


def median(values):
    return tuple(statistics.median(column) for column in zip(*values))


def row(what, seconds, beside=None):
    share = f" | {100 * seconds[0] / beside[0]:.1f} % of wall, {100 * seconds[1] / beside[1]:.1f} % of CPU" if beside else " |"
    print(f"| {what} | {seconds[0]:.2f} | {seconds[1]:.2f}{share} |", flush=True)


def overhead(args):
    for workload in ("w1", "w5", "w9"):
        found = {"never": [], "auto": []}
        for _ in range(args.runs + 1):
            for when in found:
                with tempfile.TemporaryDirectory(dir=args.data) as folder:
                    flags = [f"{ROOT}/benches/pipelines/{workload}.batch", "-p", f"data={args.data}", "-p", f"out={folder}",
                             "--state-dir", f"{folder}/state", "--checkpoints", when]
                    found[when].append(Runs(args.batchc, folder).run(*flags))
        # The first of each has warmed up what there is to be warmed.
        never, auto = (median(found[when][1:]) for when in ("never", "auto"))
        row(f"{workload}, nothing kept", never)
        row(f"{workload}, kept", auto, never)


def again(args):
    with tempfile.TemporaryDirectory(dir=args.data) as folder:
        flags = [f"{ROOT}/benches/pipelines/w9.batch", "-p", f"data={args.data}", "-p", f"out={folder}",
                 "--state-dir", f"{folder}/state"]
        runs = Runs(args.batchc, folder)
        cold = median([runs.run(*flags, "--fresh") for _ in range(args.runs)])
        row("w9, anew", cold)
        row("w9, nothing has changed", median([runs.run(*flags) for _ in range(args.runs)]), cold)


def settle():
    """A file that was written less than two seconds ago is known by its bytes alone."""
    time.sleep(2.2)


def files_of(args, runs, count):
    os.makedirs(runs.path("in"))
    lines = open(f"{args.data}/sales.csv", "rb")
    head = lines.readline()
    share = os.path.getsize(f"{args.data}/sales.csv") // count
    for at in range(count):
        with open(runs.path(f"in/{at:02}.csv"), "wb") as part:
            part.write(head)
            part.write(lines.read(share))
            part.write(lines.readline())


def fifty(args):
    for count in (50, 1):
        with tempfile.TemporaryDirectory(dir=args.data) as folder:
            runs = Runs(args.batchc, folder)
            files_of(args, runs, count)
            open(runs.path("p.batch"), "w").write(CLEAN.format(files="in/*.csv"))
            settle()
            cold = median([runs.run("p.batch", "--fresh") for _ in range(args.runs)])
            row(f"{count} files, anew" if count > 1 else "a single file, anew", cold)
            changed, grown = [], []
            for at in range(args.runs):
                name = runs.path(f"in/{7 * at % count:02}.csv")
                content = open(name, "rb").read()
                if count > 1:
                    # As long as before: another amount.
                    first = content.index(b"\n", content.index(b"\n") + 1)
                    line = content[content.index(b"\n") + 1:first]
                    fields = line.split(b",")
                    fields[2] = fields[2].translate(bytes.maketrans(b"0123456789", b"1234567890"))
                    open(name, "wb").write(content.replace(line, b",".join(fields), 1))
                    settle()
                    changed.append(runs.run("p.batch"))
                more = content[content.index(b"\n") + 1:][:len(content) // 100]
                open(name, "ab").write(more[:more.rindex(b"\n") + 1])
                settle()
                grown.append(runs.run("p.batch"))
            if changed:
                row("one of them changed", median(changed), cold)
            row("a hundredth appended to one of them" if count > 1 else "a hundredth appended", median(grown), cold)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def half(args):
    with tempfile.TemporaryDirectory(dir=args.data) as folder:
        runs = Runs(args.batchc, folder)
        os.makedirs(runs.path("g"))
        for at in range(24):
            os.link(f"{args.data}/G1_1e7_1e2_0_0.csv", runs.path(f"g/{at}.csv"))
        open(runs.path("p.batch"), "w").write(LONG)
        names = ["few.parquet", "few.csv", "sums.csv"]
        whole = runs.run("p.batch", "--fresh")
        row("240 million rows, undisturbed", whole)
        wanted = [digest(runs.path(f"out/{name}")) for name in names]
        for name in names:
            os.remove(runs.path(f"out/{name}"))
        begun = runs.start("p.batch", "--fresh")
        time.sleep(whole[0] / 2)
        begun.send_signal(signal.SIGKILL)
        begun.wait()
        rest = runs.run("p.batch")
        row("killed at half, and gone on with", rest, whole)
        if [digest(runs.path(f"out/{name}")) for name in names] != wanted:
            sys.exit("the outputs are not the same")
        lost = whole[0] / 2 + rest[0] - whole[0]
        print(f"| what the kill cost | {lost:.2f} | | {100 * lost / whole[0]:.1f} % of wall |")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--batchc", default=f"{ROOT}/target/release/batchc")
    ap.add_argument("--data", required=True, help="the folder with the data of run.py")
    ap.add_argument("--runs", type=int, default=5)
    ap.add_argument("--parts", default="overhead,again,fifty,half")
    args = ap.parse_args()
    args.data = os.path.abspath(args.data)
    warm([f"{args.data}/{name}" for name in ("sales.csv", "users.csv", "G1_1e7_1e2_0_0.csv")])
    print("| | wall s | CPU s | |\n|---|---|---|---|")
    for part in args.parts.split(","):
        {"overhead": overhead, "again": again, "fifty": fifty, "half": half}[part](args)


if __name__ == "__main__":
    main()
