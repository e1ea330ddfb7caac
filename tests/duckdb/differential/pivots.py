"""Random `pivot` and `unpivot`, and the branches of a `route`."""

from expressions import unified
from kinds import BOOL, INT, STRING
from steps import BIG, ordered_columns
from tables import Column, Table

VALUES_MAX = 3


def unpivot(job):
    """Columns whose types have one in common, as rows in the order in which they are named."""
    rng = job.rng
    first = rng.choice(job.table.columns)
    kind, chosen = first.kind, [first]
    for column in rng.sample(job.table.columns, len(job.table.columns)):
        both = unified(kind, column.kind)
        if column is not first and both and len(chosen) < VALUES_MAX:
            kind, chosen = both, chosen + [column]
    if job.table.rows > BIG:
        return False
    name, value = job.new_name(), job.new_name()
    job.lines.append(f"  unpivot {', '.join(column.name for column in chosen)} as {name}, {value}")
    stay = [column for column in job.table.columns if column not in chosen]
    kept = "".join(f"{column.sql}, " for column in stay)
    parts = " UNION ALL ".join(
        f"SELECT _n, {at} AS _at, {kept}'{column.name}' AS \"{name}\","
        f' CAST({column.sql} AS {kind.sql()}) AS "{value}" FROM {job.table.sql}'
        for at, column in enumerate(chosen)
    )
    columns = stay + [
        Column(name, STRING, False),
        Column(value, kind, any(column.nullable for column in chosen)),
    ]
    job.advance(
        f"SELECT row_number() OVER (ORDER BY _n, _at) AS _n, * EXCLUDE (_n, _at) FROM ({parts})", columns
    )
    return None


def pivot(job):
    """One or two aggregates of the rows of some values."""
    rng = job.rng
    texts = [column for column in job.table.columns if column.kind in (STRING, INT, BOOL)]
    if not texts:
        return False
    of = rng.choice(texts)
    by = [column for column in ordered_columns(job, 2) if column is not of]
    found = job.connection.execute(f"SELECT DISTINCT {of.sql} FROM {job.table.sql} ORDER BY 1").fetchall()
    values = [value for (value,) in found if value is None or value_text(value) is not None]
    if not values:
        return False
    values = rng.sample(values, min(len(values), rng.randint(1, VALUES_MAX)))
    aggregates = []
    for _ in range(rng.randint(1, 2)):
        column = rng.choice(job.table.columns)
        choices = [("count()", "count(*)", INT, False), (f"count({column.name})", f"count({column.sql})", INT, False)]
        if column.kind.is_ordered:
            choices += [
                (f"min({column.name})", f"min({column.sql})", column.kind, True),
                (f"max({column.name})", f"max({column.sql})", column.kind, True),
                (f"count_distinct({column.name})", f"count(DISTINCT {column.sql})", INT, False),
            ]
        aggregates.append((job.new_name(), *rng.choice(choices)))
    names = [job.new_name() for _ in values]
    listed = ", ".join(f"{value_text(value)} as {name}" for value, name in zip(values, names))
    written = ", ".join(f"{name} = {text}" for name, text, *_ in aggregates)
    keys = f" by {', '.join(column.name for column in by)}" if by else ""
    job.lines.append(f"  pivot {of.name} values [{listed}] with {written}{keys}")
    columns = [Column(column.name, column.kind, column.nullable) for column in by]
    chosen = [f"first({column.sql} ORDER BY _n) AS {column.sql}" for column in by]
    for value, value_name in zip(values, names):
        for name, _, sql, kind, nullable in aggregates:
            where = f"FILTER (WHERE {of.sql} IS NOT DISTINCT FROM {value_sql(value)})"
            columns.append(Column(f"{value_name}_{name}", kind, nullable))
            chosen.append(f'{sql} {where} AS "{value_name}_{name}"')
    group = f" GROUP BY {', '.join(column.sql for column in by)}" if by else ""
    order = ", ".join(f"{column.sql} ASC NULLS LAST" for column in by) or "1"
    body = f"SELECT {', '.join(chosen)} FROM {job.table.sql}{group}"
    job.advance(f"SELECT row_number() OVER (ORDER BY {order}) AS _n, * FROM ({body})", columns)
    return None


def value_text(value):
    """A value as a program writes it, if that is simple."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    is_simple = all(character.isalnum() and character.isascii() or character in " _.-" for character in value)
    return f'"{value}"' if is_simple else None


def value_sql(value):
    if value is None:
        return "NULL"
    return f"'{value}'" if isinstance(value, str) else str(value).lower()


def route(job):
    """Ends the job in branches; gives the name and the table of each."""
    conditions = [job.expressions(False).condition(2) for _ in range(job.rng.randint(1, 2))]
    job.lines.append("  route {")
    branches, before = [], "true"
    for at, node in enumerate(conditions):
        text = f"({node.text}) ?? false" if node.nullable else node.text
        job.lines.append(f"    b{at} when {text}")
        holds = f"coalesce({node.sql}, false)"
        branches.append((f"b{at}", f"{before} AND {holds}"))
        before += f" AND NOT {holds}"
    job.lines += ["    rest otherwise", "  }"]
    branches.append(("rest", before))
    for name, condition in branches:
        table = f"{job.name}_{name}"
        job.query(f"CREATE TEMP TABLE {table} AS SELECT * FROM {job.table.sql} WHERE {condition}")
        rows = job.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        yield name, Table(table, job.table.columns, rows)
