"""Random `group by`, with the aggregates, and steps over two tables: `join` and `union`."""

import kinds
from kinds import BOOL, FLOAT, INT, STRING, decimal
from steps import BIG, ordered_columns
from tables import Column

NUMBERS = ("int", "float", "decimal")


def aggregate(job, x):
    """One aggregate: text, SQL, kind and nullability."""
    rng = job.rng
    column = rng.choice(job.table.columns)
    name, sql, kind = column.name, column.sql, column.kind
    condition = x.of(BOOL, 1)
    where = f"FILTER (WHERE {condition.sql})"
    first = f"first({sql} ORDER BY _n) FILTER (WHERE {sql} IS NOT NULL)"
    last = f"last({sql} ORDER BY _n) FILTER (WHERE {sql} IS NOT NULL)"
    choices = [
        ("count()", "count(*)", INT, False),
        (f"count({name})", f"count({sql})", INT, False),
        (f"count_if({condition.text})", f"count(*) {where}", INT, False),
        (
            f"null_rate({name})",
            f"coalesce(CAST(count(*) FILTER (WHERE {sql} IS NULL) AS DOUBLE) / nullif(count(*), 0), 0)",
            FLOAT,
            False,
        ),
        (f"first({name})", first, kind, True),
        (f"last({name})", last, kind, True),
        (f"any_value({name})", first, kind, True),
    ]
    if kind.name != "list":
        choices += [
            (f"count_distinct({name})", f"count(DISTINCT {sql})", INT, False),
            # Exact of so few values.
            (f"approx_count_distinct({name})", f"count(DISTINCT {sql})", INT, False),
            (f"min({name})", f"min({sql})", kind, True),
            (f"max({name})", f"max({sql})", kind, True),
            (f"mode({name})", None, kind, True),
            (
                f"collect({name})",
                f"coalesce(list({sql} ORDER BY _n) FILTER (WHERE {sql} IS NOT NULL), [])",
                kinds.list_of(kind),
                False,
            ),
        ]
        by = rng.choice([other for other in job.table.columns if other.kind.is_ordered])
        choices += [
            (
                f"min_by({name}, {by.name})",
                f"first({sql} ORDER BY {by.sql} ASC NULLS LAST, _n) FILTER (WHERE {by.sql} IS NOT NULL)",
                kind,
                True,
            ),
            (
                f"max_by({name}, {by.name})",
                f"first({sql} ORDER BY {by.sql} DESC NULLS LAST, _n) FILTER (WHERE {by.sql} IS NOT NULL)",
                kind,
                True,
            ),
        ]
    if kind == STRING:
        choices += [(f'string_agg({name}, "|")', f"string_agg({sql}, '|' ORDER BY _n)", STRING, True)] * 3
    if kind.name in NUMBERS:
        choices += numeric(column, condition, where) * 2
    text, found, kind, null = rng.choice(choices)
    if found is None:
        # The most frequent value; of several, the least.
        return text, mode_of(sql), kind, null
    return text, found, kind, null


def mode_of(sql):
    values = f"list({sql} ORDER BY {sql}) FILTER (WHERE {sql} IS NOT NULL)"
    distinct = f"list_distinct({values})"
    counts = f"list_transform({distinct}, lambda v: {{'n': -len(list_filter({values}, lambda w: w IS NOT DISTINCT FROM v)), 'v': v}})"
    return f"list_sort({counts})[1].v"


def numeric(column, condition, where):
    name, sql, kind = column.name, column.sql, column.kind
    if kind == INT:
        return [
            (f"sum({name})", f"coalesce(sum({sql}), 0)", INT, False),
            (f"sum_if({name}, {condition.text})", f"coalesce(sum({sql}) {where}, 0)", INT, False),
            (f"avg({name})", f"exact_int_mean(list({sql}) FILTER (WHERE {sql} IS NOT NULL))", FLOAT, True),
            (f"median({name})", f"exact_median(list(CAST({sql} AS DOUBLE)) FILTER (WHERE {sql} IS NOT NULL))", FLOAT, True),
        ]
    if kind == FLOAT:
        listed = f"list({sql}) FILTER (WHERE {sql} IS NOT NULL)"
        total = f"exact_sum({listed})"
        return [
            (f"sum({name})", f"coalesce({total}, 0.0)", FLOAT, False),
            (f"avg({name})", f"exact_mean({listed})", FLOAT, True),
            (f"median({name})", f"exact_median({listed})", FLOAT, True),
            (f"variance({name})", f"exact_variance({listed})", FLOAT, True),
            (f"stddev({name})", f"sqrt(exact_variance({listed}))", FLOAT, True),
        ]
    p, s = kind.precision, kind.scale
    units = f"units({sql})"
    total = f"sum({units})"
    mean_scale = min(max(6, s), 38 - p + s)
    mean = decimal(min(38, p - s + max(6, s)), mean_scale)
    found = []
    if p <= 30:
        found += [
            (
                f"sum({name})",
                f"CAST(unit_text(coalesce({total}, 0), {s}) AS DECIMAL(38, {s}))",
                decimal(38, s),
                False,
            ),
            (
                f"sum_if({name}, {condition.text})",
                f"CAST(unit_text(coalesce({total} {where}, 0), {s}) AS DECIMAL(38, {s}))",
                decimal(38, s),
                False,
            ),
        ]
    if p + mean_scale - s <= 30:
        exact = f"divide_round({total} * ten({mean_scale - s}), CAST(count({sql}) AS HUGEINT))"
        found.append(
            (f"avg({name})", f"TRY_CAST(unit_text({exact}, {mean_scale}) AS {mean.sql()})", mean, True)
        )
    return found


def group(job):
    rng = job.rng
    by = ordered_columns(job, 2) if rng.random() < 0.9 else []
    x = job.expressions(False)
    columns = [Column(column.name, column.kind, column.nullable) for column in by]
    lines, sqls = [], []
    for _ in range(rng.randint(1, 4)):
        text, sql, kind, nullable = aggregate(job, x)
        if (len(sql) > 3000 or "list_transform" in sql) and job.table.rows > 500:
            continue
        name = job.new_name()
        lines.append(f"    {name} = {text}")
        sqls.append((name, sql, kind))
        columns.append(Column(name, kind, nullable))
    if not lines:
        return False
    # Sums that do not fit fail, and a table of extremes would do nothing but that.
    for name, sql, kind in sqls:
        if kind == INT and "sum(" in sql and not fits(job, by, sql):
            return False
    keys = ", ".join(column.sql for column in by)
    job.lines.append("  group" + (f" by {', '.join(column.name for column in by)}" if by else "") + " {")
    job.lines += lines + ["  }"]
    order = ", ".join(f"{column.sql} ASC NULLS LAST" for column in by) or "1"
    firsts = ", ".join(f"first({column.sql} ORDER BY _n) AS {column.sql}" for column in by)
    chosen = ", ".join(
        ([firsts] if by else [])
        + [f'{sql if kind != INT else f"CAST({sql} AS BIGINT)"} AS "{name}"' for name, sql, kind in sqls]
    )
    body = f"SELECT {chosen} FROM {job.table.sql}" + (f" GROUP BY {keys}" if by else "")
    job.advance(f"SELECT row_number() OVER (ORDER BY {order}) AS _n, * FROM ({body})", columns)


def fits(job, by, sql):
    grouped = f" GROUP BY {', '.join(column.sql for column in by)}" if by else ""
    found = job.connection.execute(
        f"SELECT coalesce(bool_and(fits_int(v)), true) FROM (SELECT {sql} AS v FROM {job.table.sql}{grouped})"
    ).fetchone()
    return found[0]


def join(job):
    rng = job.rng
    pairs = []
    for name, table in job.inputs.items():
        if table.rows * job.table.rows > 400_000:
            continue
        for left in job.table.columns:
            for right in table.columns:
                if left.kind == right.kind and left.kind.is_ordered and left.kind != BOOL:
                    pairs.append((name, table, left, right))
    if not pairs:
        return False
    name, table, left, right = rng.choice(pairs)
    kind = rng.choice(["", "inner ", "left ", "right ", "full ", "semi ", "anti "])
    on = [(left, right)]
    others = [(l, r) for n, _, l, r in pairs if n == name and l.name != left.name and r.name != right.name]
    if others and rng.random() < 0.3:
        on.append(rng.choice(others))
    brings = kind.strip() not in ("semi", "anti")
    added = [column for column in table.columns if not any(r is column and l.name == r.name for l, r in on)]
    if brings and {column.name for column in added} & {column.name for column in job.table.columns}:
        return False
    pairs_equal = " AND ".join(f"a.{l.sql} = b.{r.sql}" for l, r in on)
    texts = [l.name if l.name == r.name else f"{l.name} == r.{r.name}" for l, r in on]
    cardinality = ""
    if rng.random() < 0.4 and brings:
        cardinality = promise(job, table, on)
    matches = job.connection.execute(
        f"SELECT count(*) FROM {job.table.sql} a JOIN {table.sql} b ON {pairs_equal}"
    ).fetchone()[0]
    if matches > 20_000 or kind in OUTER and table.rows > BIG:
        return False
    job.lines.append(f"  {kind}join {name} as r on {', '.join(texts)}{cardinality}")
    joined(job, table, kind, {l.name: r for l, r in on if l.name == r.name}, added, pairs_equal)
    return None


def reference(job):
    """A rule that looks for values in a column of another table."""
    rng = job.rng
    pairs = [
        (name, table, left, right)
        for name, table in job.inputs.items()
        if table.rows * job.table.rows <= 400_000
        for left in job.table.columns
        for right in table.columns
        if left.kind == right.kind and left.kind.is_ordered and left.kind != BOOL
    ]
    if not pairs:
        return False
    name, table, left, right = rng.choice(pairs)
    text = f"exists_in({left.name}, {name}.{right.name})"
    sql = f"EXISTS (SELECT 1 FROM {table.sql} b WHERE a.{left.sql} = b.{right.sql})"
    if rng.random() < 0.3:
        text, sql = f"not {text}", f"NOT {sql}"
    if left.nullable and rng.random() < 0.5:
        text, sql = f"{left.name} is null or {text}", f"(a.{left.sql} IS NULL OR {sql})"
    action = rng.choice(["warn", "drop", "drop", "quarantine bad_rules"])
    job.lines.append(f"  expect rule_{job.name}_{len(job.lines)}: {text} else {action}")
    if action == "warn":
        return
    lost = job.advance(f"SELECT a.* FROM {job.table.sql} a WHERE {sql}", job.table.columns)
    if action == "drop":
        job.dropped += lost
    else:
        job.quarantined += lost


def known_join(job):
    """A left join of rows that are known to match: what it brings is as null as it is there."""
    rng = job.rng
    names = {column.name for column in job.table.columns}
    pairs = []
    for name, table in job.inputs.items():
        for left in job.table.columns:
            for right in table.columns:
                same = left.kind == right.kind and left.kind.is_ordered and left.kind != BOOL
                brought = {column.name for column in table.columns if column is not right or left.name != right.name}
                if same and not brought & names and table.rows * job.table.rows <= 400_000:
                    pairs.append((name, table, left, right))
    if not pairs:
        return False
    name, table, left, right = rng.choice(pairs)
    condition = f"a.{left.sql} = b.{right.sql}"
    matches = job.connection.execute(
        f"SELECT count(*) FROM {job.table.sql} a JOIN {table.sql} b ON {condition}"
    ).fetchone()[0]
    if matches > 20_000:
        return False
    on = left.name if left.name == right.name else f"{left.name} == r.{right.name}"
    if rng.random() < 0.5:
        job.lines.append(f"  semi join {name} as r on {on}")
    else:
        job.lines.append(f"  expect exists_in({left.name}, {name}.{right.name}) else drop")
    columns = [Column(one.name, one.kind, False) if one is left else one for one in job.table.columns]
    lost = job.advance(
        f"SELECT a.* FROM {job.table.sql} a WHERE EXISTS (SELECT 1 FROM {table.sql} b WHERE {condition})",
        columns,
    )
    if job.lines[-1].startswith("  expect"):
        job.dropped += lost
    job.lines.append(f"  left join {name} as r on {on}")
    shared = {left.name: right} if left.name == right.name else {}
    added = [column for column in table.columns if not shared or column is not right]
    # Where rows of a source may be left out, another column of it may be what cannot be read.
    all_match = job.policy in ("fail", "null") or not table.is_source
    joined(job, table, "left ", shared, added, condition, all_match)
    return None


def joined(job, table, kind, shared, added, condition, all_match=False):
    """What a join gives whose pairs meet a condition over `a` and `b`."""
    if kind in ("semi ", "anti "):
        word = "EXISTS" if kind == "semi " else "NOT EXISTS"
        job.advance(
            f"SELECT a.* FROM {job.table.sql} a WHERE {word} (SELECT 1 FROM {table.sql} b WHERE {condition})",
            job.table.columns,
        )
        return
    columns = [outer_column(column, shared.get(column.name), kind) for column in job.table.columns]
    columns += [
        Column(column.name, column.kind, column.nullable or kind in ("left ", "full ") and not all_match)
        for column in added
    ]

    def left(column):
        both = column.name in shared and kind in OUTER
        return f"coalesce(a.{column.sql}, b.{column.sql}) AS {column.sql}" if both else f"a.{column.sql}"

    chosen = ", ".join(left(column) for column in job.table.columns)
    chosen += "".join(f", b.{column.sql}" for column in added)
    # Right rows that match nothing come last, in their order.
    order = "a._n NULLS LAST, b._n"
    job.advance(
        f"SELECT row_number() OVER (ORDER BY {order}) AS _n, {chosen} FROM {job.table.sql} a {kind.upper()}JOIN {table.sql} b ON {condition}",
        columns,
    )


def by_order(job):
    """Joins by an inequality, with an equality or without: all rows that meet it, or the nearest."""
    rng = job.rng
    choices = []
    names = {column.name for column in job.table.columns}
    for name, table in job.inputs.items():
        if table.rows * job.table.rows > 400_000:
            continue
        for left in job.table.columns:
            for right in table.columns:
                if left.kind == right.kind and left.kind.name in MEASURED:
                    choices.append((name, table, left, right))
    if not choices:
        return False
    name, table, left, right = rng.choice(choices)
    equal = [
        (l, r)
        for l in job.table.columns
        for r in table.columns
        if l.kind == r.kind and l.kind.is_ordered and l is not left and r is not right
    ]
    on = [rng.choice(equal)] if equal and rng.random() < 0.6 else []
    kind = rng.choice(["asof ", "asof inner ", "cross ", "", "left ", "right ", "full ", "semi ", "anti "])
    if kind == "cross ":
        on = []
    shared = {l.name: r for l, r in on if l.name == r.name}
    added = [column for column in table.columns if column.name not in shared]
    if kind.startswith("asof") and left.name == right.name:
        added = [column for column in added if column is not right]
    if kind not in ("semi ", "anti ") and names & {column.name for column in added}:
        return False
    op = rng.choice([">=", ">", "<=", "<"])
    back = op.startswith(">")
    condition = " AND ".join([f"a.{l.sql} = b.{r.sql}" for l, r in on] + [f"a.{left.sql} {op} b.{right.sql}"])
    if kind == "cross ":
        condition = "true"
    within = distance(rng, left, right, back) if kind != "cross " and rng.random() < 0.5 else None
    if within:
        condition += f" AND {within[1]}"
    matches = f"SELECT count(*) FROM {job.table.sql} a JOIN {table.sql} b ON {condition}"
    if job.connection.execute(matches).fetchone()[0] > 20_000 or kind in OUTER and table.rows > BIG:
        return False
    texts = [l.name if l.name == r.name else f"{l.name} == r.{r.name}" for l, r in on]
    texts.append(f"{left.name} {op} r.{right.name}")
    line = f"  {kind}join {name} as r"
    if kind != "cross ":
        line += f" on {', '.join(texts)}" + (f" within {within[0]}" if within else "")
    job.lines.append(line)
    if not kind.startswith("asof"):
        joined(job, table, "" if kind == "cross " else kind, shared, added, condition)
        return None
    keeps = kind == "asof "
    direction = "DESC" if back else "ASC"
    columns = job.table.columns + [Column(column.name, column.kind, column.nullable or keeps) for column in added]
    chosen = ", ".join([f"a.{column.sql}" for column in job.table.columns] + [f"b.{column.sql}" for column in added])
    nearest = f"row_number() OVER (PARTITION BY a._n ORDER BY b.{right.sql} {direction}, b._n {direction}) = 1"
    word = "LEFT JOIN" if keeps else "JOIN"
    job.advance(
        f"SELECT a._n, {chosen} FROM {job.table.sql} a {word} {table.sql} b ON {condition} QUALIFY {nearest}",
        columns,
    )
    return None


MEASURED = ("int", "float", "decimal", "date", "datetime", "timestamp")


def distance(rng, left, right, back):
    """A `within` and the SQL that means the same; none where it is not one."""
    first, last = (left, right) if back else (right, left)
    a, b = ("a", "b") if back else ("b", "a")
    greater, less = f"{a}.{first.sql}", f"{b}.{last.sql}"
    size = rng.choice([0, 1, 7, 100, 5000])
    if left.kind.name == "int":
        return str(size), f"CAST({greater} AS HUGEINT) - CAST({less} AS HUGEINT) <= {size}"
    if left.kind.name == "date":
        return f"{size}d", f"date_diff('day', {less}, {greater}) <= {size}"
    if left.kind.name in ("datetime", "timestamp"):
        return f"{size}m", f"us({greater}) - us({less}) <= {size * 60000000}"
    return None


OUTER = ("right ", "full ")


def outer_column(column, shared, kind):
    """A column of the left side, which in outer joins is missing or that of both sides."""
    if kind not in OUTER:
        return column
    if shared is None:
        return Column(column.name, column.kind, True)
    nullable = shared.nullable or kind == "full " and column.nullable
    return Column(column.name, column.kind, nullable)


def promise(job, table, on):
    """What may truly be promised of the two sides."""
    lefts, rights = [", ".join(f"{side[at].sql}" for side in on) for at in (0, 1)]
    unique = []
    for of, keys, columns in [
        (job.table.sql, lefts, [l for l, _ in on]),
        (table.sql, rights, [r for _, r in on]),
    ]:
        known = " AND ".join(f"{column.sql} IS NOT NULL" for column in columns)
        found = job.connection.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {of} WHERE {known} GROUP BY {keys} HAVING count(*) > 1)"
        ).fetchone()[0]
        unique.append(found == 0)
    word = {
        (True, True): "one_to_one",
        (True, False): "one_to_many",
        (False, True): "many_to_one",
        (False, False): "many_to_many",
    }[tuple(unique)]
    return f" expect {word}"


def tables_alike(job):
    """Tables that have the same columns: those that this job could have been made from."""
    from expressions import unified

    found = []
    for name, table in job.inputs.items():
        if len(table.columns) != len(job.table.columns):
            continue
        theirs = {column.name: column for column in table.columns}
        if all(
            column.name in theirs and unified(column.kind, theirs[column.name].kind)
            for column in job.table.columns
        ):
            found.append((name, table, theirs))
    return found


def compare(job):
    """`except` and `intersect`."""
    from expressions import unified

    # A list cannot be compared.
    found = [one for one in tables_alike(job) if all(column.kind.is_ordered for column in job.table.columns)]
    if not found or job.table.rows > BIG * 10:
        return False
    name, table, theirs = job.rng.choice(found)
    step = job.rng.choice(["except", "intersect"])

    def nullable(column):
        return column.nullable and (step == "except" or theirs[column.name].nullable)

    columns = [
        Column(column.name, unified(column.kind, theirs[column.name].kind), nullable(column))
        for column in job.table.columns
    ]
    job.lines.append(f"  {step} {name}")
    chosen = ", ".join(f"CAST({column.sql} AS {column.kind.sql()}) AS {column.sql}" for column in columns)
    names = ", ".join(column.sql for column in columns)
    equal = " AND ".join(f"a.{column.sql} IS NOT DISTINCT FROM b.{column.sql}" for column in columns)
    word = "EXISTS" if step == "intersect" else "NOT EXISTS"
    left, right = [f"(SELECT _n, {chosen} FROM {of})" for of in (job.table.sql, table.sql)]
    job.advance(f"SELECT * FROM {left} a WHERE {word} (SELECT 1 FROM {right} b WHERE {equal})", columns)
    job.deduplicated += job.advance(
        f"SELECT * FROM {job.table.sql} QUALIFY row_number() OVER (PARTITION BY {names} ORDER BY _n) = 1",
        columns,
    )
    return None


def union(job):
    from expressions import unified

    found = tables_alike(job)
    if not found or job.table.rows > BIG * 10:
        return False
    name, table, theirs = job.rng.choice(found)
    columns = [
        Column(
            column.name,
            unified(column.kind, theirs[column.name].kind),
            column.nullable or theirs[column.name].nullable,
        )
        for column in job.table.columns
    ]
    job.lines.append(f"  union {name}")
    chosen = ", ".join(f"CAST({column.sql} AS {column.kind.sql()}) AS {column.sql}" for column in columns)
    both = f"SELECT 0 AS _side, _n, {chosen} FROM {job.table.sql} UNION ALL SELECT 1, _n, {chosen} FROM {table.sql}"
    job.advance(
        f"SELECT row_number() OVER (ORDER BY _side, _n) AS _n, * EXCLUDE (_n, _side) FROM ({both})", columns
    )
    return None
