"""Random `sample`, `split` and `encode`, rules about all rows, and steps with a name.

The hash by which rows are chosen is computed here from its specification, as DuckDB has none.
"""

import dataclasses
import re

from kinds import BOOL, INT, STRING
from pivots import value_sql, value_text
from steps import BIG, derived, replace
from tables import Column, Table

MASK = (1 << 64) - 1
P1, P2, P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P4, P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5


def rotated(value, bits):
    return ((value << bits) | (value >> (64 - bits))) & MASK


def mixed(lane, word):
    return rotated((lane + word * P2) & MASK, 31) * P1 & MASK


def xxh64(data):
    """XXH64 with seed 0, as a signed number (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md)."""
    at, length = 0, len(data)

    def word(size):
        nonlocal at
        at += size
        return int.from_bytes(data[at - size : at], "little")

    if length >= 32:
        lanes = [(P1 + P2) & MASK, P2, 0, -P1 & MASK]
        while length - at >= 32:
            lanes = [mixed(lane, word(8)) for lane in lanes]
        found = sum(rotated(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & MASK
        for lane in lanes:
            found = ((found ^ mixed(0, lane)) * P1 + P4) & MASK
    else:
        found = P5
    found = (found + length) & MASK
    while length - at >= 8:
        found = (rotated(found ^ mixed(0, word(8)), 27) * P1 + P4) & MASK
    while length - at >= 4:
        found = (rotated(found ^ (word(4) * P1 & MASK), 23) * P2 + P3) & MASK
    while at < length:
        found = rotated(found ^ (word(1) * P5 & MASK), 11) * P1 & MASK
    found = (found ^ (found >> 33)) * P2 & MASK
    found = (found ^ (found >> 29)) * P3 & MASK
    found ^= found >> 32
    return found - (1 << 64) if found >> 63 else found


def hashes(job, columns, seed):
    """The place of each row and its hash, in the order of the rows."""
    texts = ", ".join(f"CAST({column.sql} AS VARCHAR)" for column in columns)
    rows = job.connection.execute(f"SELECT _n, {texts} FROM {job.table.sql} ORDER BY _n").fetchall()
    for place, *values in rows:
        parts = [0 if value is None else xxh64(value.encode()) for value in values]
        yield place, xxh64(" ".join(map(str, [seed, *parts])).encode())


def below(share):
    """What the hashes of this share of all are less than."""
    return min(int(share / 100 * 2.0**64) - 2**63, 2**63 - 1)


def keys(job):
    """Columns whose values both sides spell alike: all of a table, or some; None where there are none."""
    alike = [column for column in job.table.columns if column.kind in (INT, STRING, BOOL)]
    if not alike or job.table.rows > BIG:
        return None, False
    if len(alike) == len(job.table.columns) and job.rng.random() < 0.6:
        return alike, True
    return job.rng.sample(alike, min(len(alike), job.rng.randint(1, 2))), False


def sample(job):
    rng = job.rng
    by, whole = keys(job)
    if by is None:
        return False
    seed, named = rng.randint(0, 99), "" if whole else f" by {', '.join(column.name for column in by)}"
    found = list(hashes(job, by, seed))
    if whole and rng.random() < 0.5:
        count = rng.choice([0, 1, 5, 50, 10_000])
        job.lines.append(f"  sample {count} rows seed {seed}")
        chosen = [place for place, _ in sorted(found, key=lambda one: one[1])[:count]]
    else:
        share = rng.choice([0, 10, 50, 90, 100])
        job.lines.append(f"  sample {share}%{named} seed {seed}")
        chosen = [place for place, value in found if share == 100 or value < below(share)]
    job.advance(
        f"SELECT _rank AS _n, * EXCLUDE (_n, _place, _rank) FROM {job.table.sql} JOIN"
        f" (SELECT unnest({chosen}::BIGINT[]) AS _place, generate_subscripts({chosen}::BIGINT[], 1) AS _rank)"
        f" ON _n = _place",
        job.table.columns,
    )
    return None


def split(job):
    """Ends the job in branches; gives the name and the table of each, or nothing."""
    rng = job.rng
    by, _ = keys(job)
    if by is None:
        return
    seed = rng.randint(0, 99)
    first = rng.choice([1, 20, 50, 80])
    second = rng.choice([0, (100 - first) // 2])
    shares = [share for share in (first, second, 100 - first - second) if share]
    job.lines.append(f"  split by {', '.join(column.name for column in by)} seed {seed} {{")
    job.lines += [f"    b{at} {share}%" for at, share in enumerate(shares)] + ["  }"]
    found = list(hashes(job, by, seed))
    low, total = -(2**63), 0
    for at, share in enumerate(shares):
        total += share
        high = 2**63 if total == 100 else below(total)
        chosen = [place for place, value in found if low <= value < high]
        low = high
        table = f"{job.name}_b{at}"
        job.query(
            f"CREATE TEMP TABLE {table} AS SELECT * FROM {job.table.sql}"
            f" WHERE list_contains({chosen}::BIGINT[], _n)"
        )
        yield f"b{at}", Table(table, job.table.columns, len(chosen))


def encode(job):
    rng = job.rng
    columns = [column for column in job.table.columns if column.kind in (STRING, INT, BOOL)]
    if not columns:
        return False
    column = rng.choice(columns)
    if rng.random() < 0.3:
        count = rng.choice([1, 2, 7, 1000])
        job.lines.append(f"  encode {column.name} with hash_bucket({count})")
        bucket = f"CAST(CAST('0x' || md5(CAST({column.sql} AS VARCHAR)) AS UHUGEINT) % {count} AS BIGINT)"
        return change(job, column, [Column(column.name, INT, column.nullable)], [bucket])
    found = job.connection.execute(
        f"SELECT DISTINCT {column.sql} FROM {job.table.sql} WHERE {column.sql} IS NOT NULL ORDER BY 1"
    ).fetchall()
    values = [value for (value,) in found if value_text(value) is not None]
    if not values:
        return False
    values = rng.sample(values, min(len(values), rng.randint(1, 3)))
    written = ", ".join(value_text(value) for value in values)
    is_name = all(isinstance(value, str) and re.fullmatch(r"[A-Za-z]\w*", value) for value in values)
    if is_name and rng.random() < 0.6:
        job.lines.append(f"  encode {column.name} with one_hot([{written}])")
        added = [Column(f"{column.name}_{value}", INT, False) for value in values]
        sqls = [
            f"CAST(coalesce({column.sql} = {value_sql(value)}, false) AS BIGINT)" for value in values
        ]
        return change(job, column, added, sqls)
    job.lines.append(f"  encode {column.name} with ordinal([{written}])")
    arms = " ".join(f"WHEN {column.sql} = {value_sql(value)} THEN {at}" for at, value in enumerate(values))
    return change(job, column, [Column(column.name, INT, True)], [f"CAST(CASE {arms} END AS BIGINT)"])


def change(job, old, columns, sqls):
    """Columns in the place of one."""
    all_columns, chosen = [], ["_n"]
    for column in job.table.columns:
        if column is old:
            all_columns += columns
            chosen += [f'{sql} AS "{new.name}"' for new, sql in zip(columns, sqls)]
        else:
            all_columns.append(column)
            chosen.append(column.sql)
    job.advance(f"SELECT {', '.join(chosen)} FROM {job.table.sql}", all_columns)


def expect_of_all(job):
    """A rule about all rows that come to a line."""
    rng = job.rng
    column = rng.choice(job.table.columns)
    count = rng.choice([0, 1, 10, 1000])
    rules = [
        (f"count() > {count}", f"count(*) > {count}"),
        (f"null_rate({column.name}) < 0.5", f"coalesce(avg(CAST({column.sql} IS NULL AS INT)), 0) < 0.5"),
    ]
    if column.kind.is_ordered:
        has_null = f"CAST(count(*) > count({column.sql}) AS INT)"
        rules += [
            (f"unique({column.name})", f"count(*) = count(DISTINCT {column.sql}) + {has_null}"),
            (f"count_distinct({column.name}) <= {count}", f"count(DISTINCT {column.sql}) <= {count}"),
        ]
    text, sql = rng.choice(rules)
    action = "fail" if rng.random() < 0.15 else "warn"
    job.lines.append(f"  expect all_{job.name}_{len(job.lines)}: {text} else {action}")
    if action == "fail":
        holds = job.connection.execute(f"SELECT {sql} FROM {job.table.sql}").fetchone()[0]
        job.fails |= not holds


def apply(job):
    """A step with a name, of one column, for any table that has it."""
    column = job.rng.choice(job.table.columns)
    if column.kind.name == "list":
        return False
    whole, job.table = job.table, dataclasses.replace(job.table, columns=[column])
    node, name = derived(job), job.new_name()
    job.table = whole
    step = f"{job.name}_step{len(job.lines)}"
    given = f"{column.name}: {column.kind.spelled()}{'?' if column.nullable else ''}"
    puts = job.rng.random() < 0.4 and node.kind == column.kind and not job.nullable(node) == column.nullable
    target = f"set {column.name}" if puts else f"derive {name}"
    head = f"transform {step}(t: {{{given}, ..}})"
    job.declarations.append(f"{head} {{\n  from t\n  {target} = {node.text}\n}}")
    job.lines.append(f"  apply {step}()")
    if puts:
        return replace(job, column, node)
    job.lose_failed([node])
    columns = job.table.columns + [Column(name, node.kind, job.nullable(node))]
    job.advance(f'SELECT *, {job.value(node)} AS "{name}" FROM {job.table.sql}', columns)
    return None
