"""Random `window` and `sessionize`.

Functions of windows are those of DuckDB. Aggregates over frames are not: each is computed by `group by`
over a join of every row with the rows of its frame, which are said here in conditions.
"""

from expressions import any_fail
from groups import aggregate
from kinds import DATE, DATETIME, FLOAT, INT, TIMESTAMP
from steps import ordered_columns, sort_keys
from tables import Column

# Joins of all rows of a partition with all: not more of them.
PAIRS_MAX = 200_000


def window(job):
    rng = job.rng
    by = ordered_columns(job, 2) if rng.random() < 0.75 else []
    texts, sqls, nodes = sort_keys(job, rng.choice([1, 1, 1, 2])) if rng.random() < 0.85 else ([], [], [])
    if any_fail(*(node.fail for node in nodes)) is not None:
        return False
    partition = f"PARTITION BY {', '.join(column.sql for column in by)} " if by else ""
    order = ", ".join(sqls + ["_n"])
    numbered = f"{job.name}_w{len(job.queries)}"
    places = [f"row_number() OVER ({partition}ORDER BY {order}) AS _r"]
    places.append(f"rank() OVER ({partition}ORDER BY {', '.join(sqls)}) AS _p" if sqls else "1 AS _p")
    places += [f"{node.sql} AS _k{at}" for at, node in enumerate(nodes[:1])]
    job.query(f"CREATE TEMP TABLE {numbered} AS SELECT *, {', '.join(places)} FROM {job.table.sql}")
    frame, condition = random_frame(rng, texts, nodes)
    same = " AND ".join(f"a.{column.sql} IS NOT DISTINCT FROM b.{column.sql}" for column in by) or "true"
    pairs = job.connection.execute(
        f"SELECT count(*) FROM {numbered} a JOIN {numbered} b ON {same}"
    ).fetchone()[0]
    x = job.expressions(False)
    lines, columns, joins = [], list(job.table.columns), []
    chosen = ["w.* EXCLUDE (_r, _p" + ("".join(f", _k{at}" for at in range(len(nodes[:1])))) + ")"]
    for _ in range(rng.randint(1, 4)):
        name = job.new_name()
        if sqls and rng.random() < 0.5:
            text, sql, kind, nullable = neighbour(rng, job.table.columns, partition, sqls)
            chosen.append(f'{sql} AS "{name}"')
        elif condition is not None and pairs <= PAIRS_MAX:
            text, sql, kind, nullable = framed(job, x, bool(sqls))
            if sql is None or len(sql) > 3000:
                continue
            over = (
                f"SELECT _i, {sql} AS v FROM (SELECT a._n AS _i, b.* EXCLUDE (_n, _r, _p), b._r AS _n"
                f" FROM {numbered} a JOIN {numbered} b ON {same} AND {condition}) GROUP BY _i"
            )
            none = f"(SELECT {sql} FROM {job.table.sql} WHERE false)"
            if kind == INT and "sum(" in sql and not fits(job, over):
                continue
            alias = f"f{len(joins)}"
            joins.append(f" LEFT JOIN ({over}) {alias} ON w._n = {alias}._i")
            value = f"CASE WHEN {alias}._i IS NULL THEN {none} ELSE {alias}.v END"
            value = f"CAST({value} AS BIGINT)" if kind == INT else value
            chosen.append(f'{value} AS "{name}"')
        else:
            continue
        lines.append(f"    {name} = {text}")
        columns.append(Column(name, kind, nullable))
    if not lines:
        return False
    head = "  window"
    head += f" by {', '.join(column.name for column in by)}" if by else ""
    head += f" sort {', '.join(texts)}" if texts else ""
    job.lines.append(head + (f" {frame}" if frame else "") + " {")
    job.lines += lines + ["  }"]
    job.advance(f"SELECT {', '.join(chosen)} FROM {numbered} w{''.join(joins)}", columns)
    return None


def fits(job, over):
    return job.connection.execute(f"SELECT coalesce(bool_and(fits_int(v)), true) FROM ({over})").fetchone()[0]


def framed(job, x, is_sorted):
    """What looks at a frame: text, SQL over the rows of the frame, kind and nullability."""
    rng = job.rng
    if rng.random() < 0.75 or not is_sorted:
        text, sql, kind, nullable = aggregate(job, x)
        if "list_transform" in sql and job.table.rows > 300:
            return text, None, kind, nullable
        return text, sql, kind, nullable
    column = rng.choice(job.table.columns)
    nth = rng.choice([1, 2, 5])
    values = f"list({column.sql} ORDER BY _n)"
    text, at = rng.choice(
        [
            (f"first_value({column.name})", "1"),
            (f"last_value({column.name})", "-1"),
            (f"nth_value({column.name}, {nth})", str(nth)),
        ]
    )
    return text, f"{values}[{at}]", column.kind, True


def random_frame(rng, texts, nodes):
    """A frame as text, and as a condition on row `a` and a row `b` of its partition; no condition if
    nothing may look at a frame."""
    if not texts:
        return "", "true"
    unit = rng.choice(["none", "whole", "rows", "rows", "rows", "range", "range"])
    if unit == "none":
        return "", None
    if unit == "whole":
        return rng.choice(["rows ..", "range .."]), "true"
    if unit == "rows":
        ends = sorted(rng.choice([-5, -3, -1, 0, 0, 1, 2, 100]) for _ in range(2))
        first, last = [None if rng.random() < 0.3 else end for end in ends]
        return spelled("rows", first, last), between("b._r", "a._r", first, last)
    node = nodes[0]
    down = texts[0].split()[-1] == "desc" or " desc" in texts[0]
    if len(texts) == 1 and rng.random() < 0.8:
        found = by_distance(rng, node, down)
        if found is not None:
            return found
    first, last = rng.choice([(None, 0), (0, None), (0, 0)])
    return spelled("range", first, last), between("b._p", "a._p", first, last)


def spelled(unit, first, last):
    end = lambda value: "" if value is None else str(value)
    return f"{unit} {end(first)}..{end(last)}"


def between(value, other, first, last):
    conditions = [f"{value} >= {other} + ({first})"] if first is not None else []
    conditions += [f"{value} <= {other} + ({last})"] if last is not None else []
    return " AND ".join(conditions) or "true"


def by_distance(rng, node, down):
    """A range around the sort key."""
    ends = sorted(rng.choice([-40, -3, -1, 0, 0, 1, 7]) for _ in range(2))
    first, last = [None if rng.random() < 0.25 else end for end in ends]
    sign = "-" if down else ""
    months = False
    kind = node.kind
    if kind == INT:
        key, unit = "CAST({}._k0 AS HUGEINT)", ""
    elif kind == FLOAT:
        key, unit = "{}._k0", ""
    elif kind.is_decimal and kind.precision <= 18:
        key, unit = "units({}._k0)", ""
        scale = 10**kind.scale
        condition = distances(key, first, last, down, lambda end: f"(CAST({end} AS HUGEINT) * {scale})")
        return spelled("range", first, last), condition
    elif kind == DATE:
        months = rng.random() < 0.4
        key, unit = "{}._k0", "mo" if months else "d"
    elif kind in (DATETIME, TIMESTAMP):
        months = kind == DATETIME and rng.random() < 0.4
        key, unit = "CAST(epoch_us({}._k0) AS HUGEINT)", "mo" if months else "h"
        if months:
            key = "{}._k0"
    else:
        return None
    if months:
        moved = lambda key, end: f"CAST({key} + to_months({sign}({end})) AS {kind.sql()})"
    elif kind == DATE:
        moved = lambda key, end: f"({key} + CAST({sign}({end}) AS INTEGER))"
    elif unit == "h":
        moved = lambda key, end: f"({key} + {sign}({end} * CAST(3600000000 AS HUGEINT)))"
    else:
        moved = lambda key, end: f"({key} + {sign}({end}))"
    text = lambda end: "" if end is None else ("0" if end == 0 else f"{end}{unit}")
    return f"range {text(first)}..{text(last)}", around(key, first, last, down, moved)


def distances(key, first, last, down, scaled):
    sign = "-" if down else ""
    return around(key, first, last, down, lambda of, end: f"({of} + {sign}{scaled(end)})")


def around(key, first, last, down, moved):
    """Rows whose key is in the range; the range of null is null, and what an open end adds."""
    mine, theirs = key.format("a"), key.format("b")
    before, behind = ("<=", ">=") if down else (">=", "<=")
    conditions = []
    if first is not None:
        conditions.append(f"{theirs} {before} {moved(mine, first)}")
    if last is not None:
        conditions.append(f"{theirs} {behind} {moved(mine, last)}")
    null = "b._k0 IS NULL"
    if first is None and last is None:
        return "true"
    # Nulls stand at one end; an open end reaches them if they stand there.
    reached = []
    if first is None:
        reached.append("b._p <= a._p")
    if last is None:
        reached.append("b._p >= a._p")
    open_null = f"({null} AND ({' OR '.join(reached)}))" if reached else "false"
    with_key = f"(a._k0 IS NOT NULL AND (({' AND '.join(conditions)}) IS TRUE OR {open_null}))"
    of_null = f"(a._k0 IS NULL AND ({null} OR {' OR '.join(reached) or 'false'}))"
    return f"({with_key} OR {of_null})"


def neighbour(rng, columns, partition, sqls):
    """A function of windows: text, SQL, kind and nullability."""
    column = rng.choice(columns)
    name, sql, kind = column.name, column.sql, column.kind
    rows = f"OVER ({partition}ORDER BY {', '.join(sqls)}, _n)"
    peers = f"OVER ({partition}ORDER BY {', '.join(sqls)})"
    parts, by = rng.choice([1, 2, 3, 100]), rng.choice([0, 1, 2, 7])
    so_far = rows[:-1] + " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    choices = [
        ("row_number()", f"row_number() {rows}", INT, False),
        ("rank()", f"rank() {peers}", INT, False),
        ("dense_rank()", f"dense_rank() {peers}", INT, False),
        ("percent_rank()", f"percent_rank() {peers}", FLOAT, False),
        (f"ntile({parts})", f"ntile({parts}) {rows}", INT, False),
        (f"lag({name})", f"lag({sql}) {rows}", kind, True),
        (f"lag({name}, {by})", f"lag({sql}, {by}) {rows}", kind, True),
        (f"lead({name}, {by})", f"lead({sql}, {by}) {rows}", kind, True),
        (f"lag({name}, default: {name})", f"lag({sql}, 1, {sql}) {rows}", kind, column.nullable),
        (f"fill_forward({name})", f"last_value({sql} IGNORE NULLS) {so_far}", kind, column.nullable),
    ]
    return rng.choice(choices)


def sessionize(job):
    rng = job.rng
    times = [column for column in job.table.columns if column.kind in (DATE, DATETIME, TIMESTAMP)]
    if not times:
        return False
    time = rng.choice(times)
    by = ordered_columns(job, 2) if rng.random() < 0.8 else []
    name = job.new_name()
    text, micros = rng.choice([("0s", 0), ("30m", 1_800_000_000), ("1d", 86_400_000_000), ("52w", 31_449_600_000_000)])
    keys = ", ".join(column.sql for column in by)
    head = f" by {', '.join(column.name for column in by)}" if by else ""
    job.lines.append(f"  sessionize{head} gap {text} on {time.name} as {name}")
    partition = f"PARTITION BY {keys}, {time.sql} IS NULL" if by else f"PARTITION BY {time.sql} IS NULL"
    us = f"CAST(epoch_us(CAST({time.sql} AS TIMESTAMP)) AS HUGEINT)"
    before = f"lag({us}) OVER ({partition} ORDER BY {time.sql}, _n)"
    begins = f"CASE WHEN {time.sql} IS NULL THEN 0 WHEN {before} IS NULL OR {us} - {before} > {micros} THEN 1 ELSE 0 END"
    order = ", ".join([f"{column.sql} ASC NULLS LAST" for column in by] + [f"{time.sql} ASC NULLS LAST", "_n"])
    numbers = f"sum(_begins) OVER (ORDER BY {order} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    columns = job.table.columns + [Column(name, INT, time.nullable)]
    job.advance(
        f'SELECT * EXCLUDE (_begins), CASE WHEN {time.sql} IS NULL THEN NULL ELSE CAST({numbers} AS BIGINT) END AS "{name}"'
        f" FROM (SELECT *, {begins} AS _begins FROM {job.table.sql})",
        columns,
    )
    return None
