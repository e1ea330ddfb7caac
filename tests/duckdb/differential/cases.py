"""One case: a random pipeline over random tables, run by batchc and computed by DuckDB."""

import itertools
import json
import random
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import duckdb

import groups
import kinds
import macros
import outputs
import pivots
import samples
import steps
import tables
import windows
from steps import Job
from tables import Table

STEPS = (
    [steps.derive] * 6
    + [steps.set_column] * 2
    + [steps.select] * 2
    + [steps.drop, steps.rename]
    + [steps.cast] * 2
    + [steps.fill] * 2
    + [steps.filter_rows] * 4
    + [steps.expect] * 2
    + [steps.sort] * 2
    + [steps.take] * 2
    + [steps.distinct, steps.dedupe, steps.dedupe]
    + [steps.explode] * 3
    + [steps.parse] * 2
    + [groups.group] * 3
    + [groups.join] * 4
    + [groups.reference] * 2
    + [groups.known_join] * 2
    + [groups.union] * 3
    + [pivots.pivot, pivots.unpivot]
    + [groups.compare] * 3
    + [windows.window] * 4
    + [windows.sessionize]
    + [groups.by_order] * 4
    + [samples.sample, samples.encode, samples.expect_of_all, samples.apply] * 2
)


JOBS_MAX, STEPS_MAX = 4, 6


class Failure(Exception):
    """A difference, or a case that could not be run."""


class Case:
    """A case and the folder in which it is; it may end early, to be smaller."""

    def __init__(self, seed, number, folder, jobs_max=None, steps_of_last=None):
        self.folder, self.jobs_max, self.steps_of_last = folder, jobs_max, steps_of_last
        self.connection = duckdb.connect()
        # DuckDB 2.0 gives the rows of one join to both of two that differ in their conditions.
        self.connection.execute("SET disabled_optimizers = 'common_subplan'")
        macros.define(self.connection)
        self.rng = kinds.rng_of(seed, number)
        self.inputs, self.declarations, self.jobs, self.results = {}, [], [], []
        # How jobs began, so that others can begin in the same way.
        self.beginnings = []

    def build(self):
        """Makes the tables and the pipeline."""
        (self.folder / "in").mkdir(parents=True)
        rng = self.rng
        # Sources with values that cannot be read, whose rows every job sets aside or has null for.
        self.dirty = rng.random() < 0.15
        for at in range(rng.randint(1, 3)):
            name = f"s{at}"
            columns = tables.random_columns(rng, name)
            values = tables.random_rows(rng, columns, tables.row_count(rng))
            form = rng.choice(["csv", "csv", "json"] if self.dirty else ["csv", "csv", "json", "parquet"])
            dirt = tables.random_dirt(rng, form, columns, values) if self.dirty else {}
            tables.load(self.connection, name, columns, values, dirt)
            self.declarations.append(
                tables.write(rng, self.connection, self.folder, form, name, columns, values, dirt)
            )
            self.inputs[name] = Table(name, columns, len(values[0]), is_source=True)
        jobs = rng.randint(1, JOBS_MAX)
        for at in range(min(jobs, self.jobs_max or jobs)):
            self.add_job(f"j{at}", self.steps_of_last if at + 1 == self.jobs_max else None)
        (self.folder / "pipeline.batch").write_text(self.text(), encoding="utf-8")
        (self.folder / "duckdb.sql").write_text(
            ";\n\n".join(query for job in self.jobs for query in job.queries) + ";\n", encoding="utf-8"
        )

    def add_job(self, name, steps_max):
        rng = self.rng
        policy = rng.choice(
            ["null", "quarantine"] if self.dirty else ["fail", "drop", "null", "null", "quarantine"]
        )
        inputs = self.inputs
        if policy == "null":
            # A value that cannot be read is null as well.
            inputs = {
                name: tables.with_nulls(table) if table.is_source else table for name, table in inputs.items()
            }
        start = rng.choice(list(inputs))
        seed, again = rng.random(), 0
        if self.beginnings and rng.random() < 0.3:
            policy, inputs, start, first = rng.choice(self.beginnings)
            again = rng.randint(1, 3)
        whole = policy == "quarantine" and self.dirty
        if whole:
            inputs = {**inputs, start: tables.readable(self.connection, inputs[start])}
        job = Job(random.Random(first if again else seed), self.connection, name, inputs, start, policy)
        if whole:
            # A value that cannot be read counts if its column is used: here, all are. Of a source
            # that is joined that would not be so.
            job.inputs = {name: table for name, table in inputs.items() if not table.is_source}
            job.quarantined += self.inputs[start].rows - job.table.rows
            steps.distinct(job)
        else:
            self.beginnings.append((policy, inputs, start, first if again else seed))
        count = rng.randint(1, STEPS_MAX)
        for at in range(count if steps_max is None else min(count, steps_max)):
            if again and at == again:
                job.rng = random.Random(seed)
            job.rng.choice(STEPS)(job)
        tables_of = {name: job.table}
        if rng.random() < 0.1:
            ends = rng.choice([pivots.route, samples.split])
            tables_of = {f"{name}.{branch}": table for branch, table in ends(job)} or tables_of
        head = [f"job {name} {{"]
        if policy != "fail" or rng.random() < 0.2:
            head.append(f"  on error {policy}{' bad_rows' if policy == 'quarantine' else ''}")
        self.declarations += [*job.declarations, "\n".join(head + job.lines + ["}"])]
        self.jobs.append(job)
        for of, table in tables_of.items():
            form = rng.choice(["csv", "json", "parquet", "parquet"])
            if form == "csv" and any(column.kind.name == "list" for column in table.columns):
                form = "json"
            path = f"out/{of}.{form}"
            self.declarations.append(f'output {of.replace(".", "_")}_out = {form}("{path}") from {of}')
            self.results.append((table, path, form))
            self.inputs = {**self.inputs, of: replace(table, is_source=False)}

    def text(self):
        # What of the library is used is left to chance.
        modules = ["calendars", "cleaning", "features", "money", "quality"]
        uses = "\n".join(f"use std.{module}" for module in modules)
        return "\n\n".join([uses, *self.declarations]) + "\n"

    def run(self, batchc, flags):
        """Runs batchc and compares."""
        command = [
            batchc,
            "run",
            "--fresh",
            "pipeline.batch",
            "--no-progress",
            "--format",
            "short",
            "--report",
            "report.json",
            *flags,
        ]
        ran = subprocess.run(command, cwd=self.folder, capture_output=True, timeout=120)
        if ran.returncode == 1 and ran.stderr.count(b"error[") == ran.stderr.count(b"error[E0228]"):
            # A divisor that is always zero, which random literals are now and then, is refused.
            return
        if any(job.fails for job in self.jobs):
            return self.check_failed(ran)
        if ran.returncode != 0:
            raise Failure(
                f"batchc ended with {ran.returncode}\n{ran.stderr.decode('utf-8', 'replace')[-3000:]}"
            )
        found = []
        for table, path, form in self.results:
            rows = outputs.wanted(self.connection, table)
            header, got = outputs.read(self.connection, self.folder / path, form, table.columns)
            differing = outputs.differences(table.columns, header, got, rows)
            found += [f"{path}: {sentence}" for sentence in differing[:8]]
        found += self.miscounted()
        if found:
            raise Failure("\n".join(found))

    def check_failed(self, ran):
        """A row that may not fail did, so the run must end so and publish nothing."""
        if ran.returncode not in (3, 4):
            raise Failure(f"DuckDB finds rows that fail, and batchc ended with {ran.returncode}")
        if b"panicked" in ran.stderr:
            raise Failure(ran.stderr.decode("utf-8", "replace")[-3000:])
        left = [path for _, path, _ in self.results if (self.folder / path).exists()]
        if left:
            raise Failure(f"the run failed and published {', '.join(left)}")

    def miscounted(self):
        """Where the report says something else about the rows."""
        report = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))
        by_name = {entry["job"]: entry for entry in report["jobs"]}
        for job in self.jobs:
            of = by_name[job.name]
            expected = {
                "records_out": job.table.rows,
                "dropped": job.dropped,
                "quarantined": job.quarantined,
                "deduplicated": job.deduplicated,
            }
            for name, count in expected.items():
                fewer_is_right = job.may_end_early and name != "records_out"
                if of[name] > count or (of[name] < count and not fewer_is_right):
                    yield f"report of {job.name}: {name} is {of[name]}, DuckDB {count}"


def check(seed, number, batchc, root, flags):
    """Runs one case; gives what is wrong, or None, and the folder, which stays in the first case."""
    folder = Path(root) / f"{seed}-{number}"
    message = attempt(Case(seed, number, folder), batchc, flags)
    if message is None:
        shutil.rmtree(folder)
        return None, folder
    # The same numbers make the same jobs and steps, as far as they are made.
    for jobs, steps_of_last in itertools.product(range(1, JOBS_MAX + 1), range(STEPS_MAX + 1)):
        smaller = attempt(Case(seed, number, folder, jobs, steps_of_last), batchc, flags)
        if smaller is not None:
            return smaller, folder
    return message, folder


def attempt(case, batchc, flags):
    """What is wrong with a case, if something is."""
    shutil.rmtree(case.folder, ignore_errors=True)
    try:
        case.build()
        case.run(batchc, flags)
    except Exception as error:
        kind = "" if isinstance(error, Failure) else f"{type(error).__name__}: "
        (case.folder / "difference.txt").write_text(f"{kind}{error}\n", encoding="utf-8")
        return f"{kind}{error}"
    finally:
        case.connection.close()
    return None
