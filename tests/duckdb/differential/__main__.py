"""Random pipelines, run by batchc and computed a second time by DuckDB.

Usage: python tests/duckdb/differential BATCHC [--cases N] [--seed S] [--case NUMBER] [--folder DIR]
       [--jobs N] [--vary] [-- FLAGS OF batchc run]

With `--vary`, cases take turns in how they are run: as they are, without each optimisation, without
all; with 1 and 4 threads; with so little memory that everything goes to disk.

A case depends on its seed and number alone. When it differs, it is made as small as its first jobs
and steps go, and its folder stays: `pipeline.batch`, the data in `in/`, `duckdb.sql` and
`difference.txt`. What is known to differ, and why, is in docs/differences-from-duckdb.md.
"""

import argparse
import itertools
import multiprocessing
import re
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import cases  # noqa: E402

SHOWN_MAX = 5


def one(arguments):
    try:
        return cases.check(*arguments)
    except Exception:
        return traceback.format_exc(), Path(arguments[3])


def variants(batchc):
    """The flags of all ways to run a case, those of one optimisation not behind each other."""
    shown = subprocess.run([batchc, "plan", "--help"], capture_output=True, text=True, check=True).stdout
    passes = re.findall(r"^ +([a-z]+(?:-[a-z]+)+): ", shown, re.MULTILINE)
    off = [[], ["--without", ",".join(passes)]] + [["--without", one] for one in passes]
    return [
        [*without, "--threads", threads, *memory]
        for memory, threads, without in itertools.product([[], ["--memory", "1KB"]], ["1", "4"], off)
    ]


def main():
    parser = argparse.ArgumentParser(prog="differential")
    parser.add_argument("batchc")
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--case", type=int, help="only this one")
    parser.add_argument("--folder", help="where cases are made; a new one if left out")
    parser.add_argument("--vary", action="store_true", help="run cases in all ways in turn")
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time")
    at = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    flags = sys.argv[at + 1 :]
    given = parser.parse_args(sys.argv[1:at])
    folder = given.folder or tempfile.mkdtemp(prefix="batchc-differential-")
    numbers = [given.case] if given.case is not None else range(given.first, given.first + given.cases)
    batchc = str(Path(given.batchc).resolve())
    ways = variants(batchc) if given.vary else [[]]
    work = [(given.seed, number, batchc, folder, ways[number % len(ways)] + flags) for number in numbers]
    failed = 0
    with multiprocessing.Pool(given.jobs) as pool:
        for (_, number, _, _, how), (message, left) in zip(work, pool.imap(one, work, chunksize=4)):
            if message is None:
                continue
            failed += 1
            if failed <= SHOWN_MAX:
                show(given.seed, number, how, message, left)
            else:
                print(f"seed {given.seed}, case {number} differs: {message.splitlines()[0]}")
    print(f"{len(work)} cases of seed {given.seed}: {failed} differ")
    sys.exit(1 if failed else 0)


def show(seed, number, how, message, folder):
    ran = f", run with {' '.join(how)}" if how else ""
    print(f"==== seed {seed}, case {number}{ran}, differs; it is in {folder}\n{message}")
    for name in ("pipeline.batch", "duckdb.sql"):
        path = folder / name
        if path.exists():
            text = path.read_text(encoding="utf-8")
            print(f"---- {name}\n{text[:6000]}")


if __name__ == "__main__":
    main()
