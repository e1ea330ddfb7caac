"""Random pipelines, run by batchc and computed a second time by DuckDB.

Usage: python tests/duckdb/differential BATCHC [--cases N] [--seed S] [--case NUMBER] [--folder DIR]
       [--jobs N] [-- FLAGS OF batchc run]

A case depends on its seed and number alone. When it differs, it is made as small as its first jobs
and steps go, and its folder stays: `pipeline.batch`, the data in `in/`, `duckdb.sql` and
`difference.txt`. What is known to differ, and why, is in docs/differences-from-duckdb.md.
"""

import argparse
import multiprocessing
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


def main():
    parser = argparse.ArgumentParser(prog="differential")
    parser.add_argument("batchc")
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--case", type=int, help="only this one")
    parser.add_argument("--folder", help="where cases are made; a new one if left out")
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time")
    at = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    flags = sys.argv[at + 1 :]
    given = parser.parse_args(sys.argv[1:at])
    folder = given.folder or tempfile.mkdtemp(prefix="batchc-differential-")
    numbers = [given.case] if given.case is not None else range(given.first, given.first + given.cases)
    batchc = str(Path(given.batchc).resolve())
    work = [(given.seed, number, batchc, folder, flags) for number in numbers]
    failed = 0
    with multiprocessing.Pool(given.jobs) as pool:
        for (_, number, *_), (message, left) in zip(work, pool.imap(one, work, chunksize=4)):
            if message is None:
                continue
            failed += 1
            if failed <= SHOWN_MAX:
                show(given.seed, number, message, left)
            else:
                print(f"seed {given.seed}, case {number} differs: {message.splitlines()[0]}")
    print(f"{len(work)} cases of seed {given.seed}: {failed} differ")
    sys.exit(1 if failed else 0)


def show(seed, number, message, folder):
    print(f"==== seed {seed}, case {number} differs; it is in {folder}\n{message}")
    for name in ("pipeline.batch", "duckdb.sql"):
        path = folder / name
        if path.exists():
            text = path.read_text(encoding="utf-8")
            print(f"---- {name}\n{text[:6000]}")


if __name__ == "__main__":
    main()
