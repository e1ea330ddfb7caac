"""Random steps: each a line or more of a program, and a new table in DuckDB.

Every table keeps the place of its rows in `_n`, as the language says what order the rows of each
step have; so outputs are compared row by row.
"""

import expressions
import kinds
import number_functions
import text_functions
import time_functions
from expressions import Expressions, any_fail
from kinds import BOOL, DATE, DATETIME, FLOAT, INT, STRING, TIMESTAMP, decimal
from tables import Column, Table

BIG = 3000
WAIT_FOR_ALL = ("sort", "distinct", "dedupe", "group", "except", "intersect", "window", "sessionize")


class Job:
    """A job as it grows."""

    def __init__(self, rng, connection, name, inputs, start, policy):
        self.rng, self.connection, self.name, self.inputs = rng, connection, name, inputs
        self.policy = policy
        # With `on error fail`, most jobs compute nothing that can fail: one row ends the run.
        self.may_fail = policy != "fail" or rng.random() < 0.15
        self.lines = [f"  from {start}"]
        self.start, self.table = start, inputs[start]
        self.queries = []
        # What the job needs of the program beside itself.
        self.declarations = []
        self.names = 0
        self.fails = False
        # Rows that leave, by what the report calls them.
        self.dropped = self.quarantined = self.deduplicated = 0
        # Does its input end with the rows that a `take` needs, so that fewer may leave?
        self.may_end_early = False

    def expressions(self, may_fail=None):
        may = self.may_fail if may_fail is None else may_fail
        return Expressions(self.rng, self.table.columns, may)

    def new_name(self):
        self.names += 1
        return f"{self.name}_{self.names}"

    def query(self, sql):
        self.queries.append(sql)
        return self.connection.execute(sql)

    def advance(self, body, columns):
        """The next table is what `body` selects."""
        name = f"{self.name}_t{len(self.queries)}"
        self.query(f"CREATE TEMP TABLE {name} AS {body}")
        rows = self.connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
        before = self.table.rows
        self.table = Table(name, columns, rows)
        return before - rows

    def lose_failed(self, nodes):
        """Takes out the rows in which an expression of the step fails, where the job does so."""
        fail = any_fail(*(node.fail for node in nodes))
        if fail is None or self.policy == "null":
            return
        if self.policy == "fail":
            self.fails |= (
                self.connection.execute(f"SELECT count(*) FROM {self.table.sql} WHERE {fail}").fetchone()[0]
                > 0
            )
            return
        lost = self.advance(f"SELECT * FROM {self.table.sql} WHERE NOT {fail}", self.table.columns)
        if self.policy == "drop":
            self.dropped += lost
        else:
            self.quarantined += lost

    def value(self, node):
        return node.value() if self.policy == "null" else node.sql

    def nullable(self, node):
        return node.nullable or (self.policy == "null" and node.fail is not None)


def pass_on(job):
    return ", ".join(column.sql for column in job.table.columns)


# ---------------------------------------------------------------------- columns from columns


def derived(job):
    """A value for a new column."""
    x = job.expressions()
    if job.rng.random() < 0.3:
        node = number_functions.any_decimal(x, 1)
        if node is not None:
            return node
    kind = x.some_kind()
    if job.rng.random() < 0.3:
        kind = job.rng.choice(
            [INT, FLOAT, STRING, BOOL, DATE, DATETIME, TIMESTAMP, kinds.DURATION, kinds.list_of(STRING)]
        )
    return x.of(kind, 3)


def derive(job):
    node, name = derived(job), job.new_name()
    job.lines.append(f"  derive {name} = {node.text}")
    job.lose_failed([node])
    columns = job.table.columns + [Column(name, node.kind, job.nullable(node))]
    job.advance(f'SELECT *, {job.value(node)} AS "{name}" FROM {job.table.sql}', columns)


def set_column(job):
    node = derived(job)
    old = job.rng.choice(job.table.columns)
    job.lines.append(f"  set {old.name} = {node.text}")
    replace(job, old, node)


def replace(job, old, node):
    job.lose_failed([node])
    columns = [
        Column(old.name, node.kind, job.nullable(node)) if column is old else column
        for column in job.table.columns
    ]
    job.advance(f"SELECT * REPLACE ({job.value(node)} AS {old.sql}) FROM {job.table.sql}", columns)


def select(job):
    rng = job.rng
    kept = rng.sample(job.table.columns, rng.randint(1, len(job.table.columns)))
    x = job.expressions()
    nodes = [x.column(column) for column in kept]
    names = [column.name for column in kept]
    texts = list(names)
    if rng.random() < 0.5:
        node, name = derived(job), job.new_name()
        nodes.append(node)
        names.append(name)
        texts.append(f"{name} = {node.text}")
    job.lines.append("  select " + ", ".join(texts))
    job.lose_failed(nodes)
    chosen = ", ".join(f'{job.value(node)} AS "{name}"' for node, name in zip(nodes, names))
    columns = [Column(name, node.kind, job.nullable(node)) for node, name in zip(nodes, names)]
    job.advance(f"SELECT _n, {chosen} FROM {job.table.sql}", columns)


def drop(job):
    if len(job.table.columns) < 3:
        return False
    gone = job.rng.sample(job.table.columns, job.rng.randint(1, 2))
    job.lines.append("  drop " + ", ".join(column.name for column in gone))
    columns = [column for column in job.table.columns if column not in gone]
    job.advance(
        f"SELECT * EXCLUDE ({', '.join(column.sql for column in gone)}) FROM {job.table.sql}", columns
    )


def rename(job):
    old, name = job.rng.choice(job.table.columns), job.new_name()
    job.lines.append(f"  rename {old.name} as {name}")
    columns = [
        Column(name, column.kind, column.nullable) if column is old else column
        for column in job.table.columns
    ]
    job.advance(f'SELECT * RENAME ({old.sql} AS "{name}") FROM {job.table.sql}', columns)


def cast(job):
    old = job.rng.choice(job.table.columns)
    x = Expressions(job.rng, [old], job.may_fail)
    for maker in CASTS.get(old.kind.name, []):
        node = maker(x, kinds.random_decimal(job.rng), 0)
        if node is None or not node.text.startswith(f"({old.name} as ") or (node.fail and not job.may_fail):
            continue
        job.lines.append(f"  cast {node.text[1:-1]}")
        return replace(job, old, node)
    return False


CASTS = {
    "int": [number_functions.float_of_number, text_functions.text_of_value, number_functions.decimal_cast],
    "decimal": [
        number_functions.float_of_number,
        number_functions.int_of_number,
        number_functions.decimal_cast,
        text_functions.text_of_value,
    ],
    "float": [number_functions.int_of_number],
    "string": [number_functions.int_of_text, number_functions.float_of_text, text_functions.bool_of_text],
    "bool": [number_functions.int_of_bool, text_functions.text_of_value],
    "date": [time_functions.datetime_function],
    "datetime": [time_functions.date_function, text_functions.text_of_value],
}


def fill(job):
    nullable = [column for column in job.table.columns if column.nullable and column.kind.name != "list"]
    if not nullable:
        return False
    column = job.rng.choice(nullable)
    node = job.expressions(False).of(column.kind, 1)
    job.lines.append(f"  fill {column.name} with {node.text}")
    columns = [
        Column(column.name, column.kind, node.nullable) if other is column else other
        for other in job.table.columns
    ]
    job.advance(
        f"SELECT * REPLACE (coalesce({column.sql}, {node.sql}) AS {column.sql}) FROM {job.table.sql}", columns
    )


# ---------------------------------------------------------------------------- rows of a table


def filter_rows(job):
    node = job.expressions().condition(2)
    nulls = ""
    if node.nullable or job.policy == "null" or job.rng.random() < 0.2:
        nulls = job.rng.choice(["drop", "keep"])
    job.lines.append(f"  filter {node.text}" + (f" nulls {nulls}" if nulls else ""))
    job.lose_failed([node])
    # With `on error null`, a condition that fails is null.
    default = "true" if nulls == "keep" else "false"
    job.advance(
        f"SELECT * FROM {job.table.sql} WHERE coalesce({job.value(node)}, {default})", job.table.columns
    )


def expect(job):
    rng = job.rng
    node = job.expressions().condition(2)
    action = rng.choice(
        ["warn", "drop", "drop", "quarantine bad_rules"] + (["fail"] if rng.random() < 0.1 else [])
    )
    job.lines.append(f"  expect rule_{job.name}_{len(job.lines)}: {node.text} else {action}")
    job.lose_failed([node])
    if action == "warn":
        return
    if action == "fail":
        broken = f"SELECT count(*) FROM {job.table.sql} WHERE NOT coalesce({job.value(node)}, false)"
        job.fails |= job.connection.execute(broken).fetchone()[0] > 0
        return
    lost = job.advance(
        f"SELECT * FROM {job.table.sql} WHERE coalesce({job.value(node)}, false)", job.table.columns
    )
    if action == "drop":
        job.dropped += lost
    else:
        job.quarantined += lost


def sort_keys(job, count):
    """Some sort keys: text and SQL."""
    rng = job.rng
    texts, sqls, nodes = [], [], []
    for _ in range(count):
        if rng.random() < 0.8:
            columns = [column for column in job.table.columns if column.kind.is_ordered]
            if not columns:
                continue
            node = job.expressions().column(rng.choice(columns))
        else:
            node = job.expressions(False).of(job.expressions().some_kind(), 1)
        down, first = rng.random() < 0.4, rng.random() < 0.2
        texts.append(
            node.text + (" desc" if down else rng.choice(["", " asc"])) + (" nulls first" if first else "")
        )
        sqls.append(f"{node.sql} {'DESC' if down else 'ASC'} NULLS {'FIRST' if first else 'LAST'}")
        nodes.append(node)
    return texts, sqls, nodes


def sort(job):
    texts, sqls, _ = sort_keys(job, job.rng.randint(1, 3))
    if not texts:
        return False
    job.lines.append("  sort " + ", ".join(texts))
    job.advance(
        f"SELECT row_number() OVER (ORDER BY {', '.join(sqls)}, _n) AS _n, * EXCLUDE (_n) FROM {job.table.sql}",
        job.table.columns,
    )


def ordered_columns(job, most):
    columns = [column for column in job.table.columns if column.kind.is_ordered]
    return job.rng.sample(columns, min(len(columns), job.rng.randint(1, most))) if columns else []


def take(job):
    count = job.rng.choice([0, 1, 2, 5, 50, 10_000])
    by = ordered_columns(job, 2) if job.rng.random() < 0.5 else []
    waits_for_all = any(line.split()[0] in WAIT_FOR_ALL for line in job.lines)
    job.may_end_early |= not by and not waits_for_all
    job.lines.append(f"  take {count}" + (" by " + ", ".join(column.name for column in by) if by else ""))
    partition = f"PARTITION BY {', '.join(column.sql for column in by)} " if by else ""
    job.advance(
        f"SELECT * FROM {job.table.sql} QUALIFY row_number() OVER ({partition}ORDER BY _n) <= {count}",
        job.table.columns,
    )


def distinct(job):
    if not all(column.kind.is_ordered for column in job.table.columns):
        return False
    job.lines.append("  distinct")
    job.deduplicated += job.advance(
        f"SELECT * FROM {job.table.sql} QUALIFY row_number() OVER (PARTITION BY {pass_on(job)} ORDER BY _n) = 1",
        job.table.columns,
    )


def dedupe(job):
    keys = ordered_columns(job, 2)
    if not keys or not all(column.kind.is_ordered for column in job.table.columns):
        return False
    keep = job.rng.choice(["", "first", "last", "newest", "oldest"])
    text = "  dedupe by " + ", ".join(column.name for column in keys) + (f" keep {keep}" if keep else "")
    order = {"last": "_n DESC"}.get(keep, "_n")
    if keep in ("newest", "oldest"):
        by = job.rng.choice([column for column in job.table.columns if column.kind.is_ordered])
        text += f" by {by.name}"
        ties = ", ".join(f"{column.sql} ASC NULLS LAST" for column in job.table.columns)
        order = f"{by.sql} {'DESC' if keep == 'newest' else 'ASC'} NULLS LAST, {ties}, _n"
    job.lines.append(text)
    partition = ", ".join(column.sql for column in keys)
    job.deduplicated += job.advance(
        f"SELECT * FROM {job.table.sql} QUALIFY row_number() OVER (PARTITION BY {partition} ORDER BY {order}) = 1",
        job.table.columns,
    )


def explode(job):
    lists = [column for column in job.table.columns if column.kind.name == "list"]
    if not lists or job.table.rows > BIG:
        return False
    column = job.rng.choice(lists)
    name = job.new_name() if job.rng.random() < 0.5 else column.name
    job.lines.append(f"  explode {column.name}" + (f" as {name}" if name != column.name else ""))
    columns = [
        Column(name, column.kind.item, True) if other is column else other for other in job.table.columns
    ]
    chosen = ", ".join(
        f'{other.sql}[_at] AS "{name}"' if other is column else other.sql for other in job.table.columns
    )
    job.advance(
        f"SELECT row_number() OVER (ORDER BY _n, _at) AS _n, {chosen} FROM"
        f" (SELECT *, unnest(range(1, len({column.sql}) + 1)) AS _at FROM {job.table.sql} WHERE {column.sql} IS NOT NULL)",
        columns,
    )


def parse_by_template(job, column, head, tail):
    """The head goes to the first place of a text, the tail to the end."""
    rng, x = job.rng, column.sql
    kind = rng.choice([INT, STRING])
    between, end = rng.choice([",", " ", "=", "1", "a", "-"]), rng.choice(["", "", "0", "b"])
    listed = [(head, 0), (tail, 1)]
    typed = ": int" if kind is INT else ""
    if rng.random() < 0.5:
        job.lines.append(f'  parse {column.name} with "{{{head}{typed}}}{between}{{{tail}}}{end}"')
    else:
        job.lines.append(f'  parse {column.name} with "{{{head}}}{between}{{{tail}}}{end}" {{')
        job.lines.append(f"    {tail}: string")
        job.lines.append(f"    {head}: {kind.spelled()}")
        job.lines.append("  }")
        listed.reverse()
    before, behind = f"strpos({x}, '{between}') - 1", f"strpos({x}, '{between}') + {len(between)}"
    rest = f"substr({x}, {behind})"
    matched = f"coalesce({before} >= 0 AND ends_with({rest}, '{end}'), false)"
    first = f"left({x}, {before})"
    value = first if kind is STRING else f"TRY_CAST((CASE WHEN regexp_full_match({first}, '[+-]?[0-9]+') THEN {first} END) AS BIGINT)"
    fail = f"(NOT {matched} OR ({value}) IS NULL)"
    one = expressions.Node("", f"(CASE WHEN {matched} THEN {value} END)", kind, False, fail)
    last = f"left({rest}, length({rest}) - {len(end)})"
    # With `on error null` the part that is a value stays.
    other = expressions.Node(
        "", f"(CASE WHEN {matched} THEN {last} END)", STRING, False, f"(NOT {matched})"
    )
    job.lose_failed([one, other])
    made = [(name, (one, other)[at]) for name, at in listed]
    columns = job.table.columns + [Column(name, node.kind, job.nullable(node)) for name, node in made]
    chosen = ", ".join(f'{job.value(node)} AS "{name}"' for name, node in made)
    job.advance(f"SELECT *, {chosen} FROM {job.table.sql}", columns)


def parse(job):
    texts = [column for column in job.table.columns if column.kind == STRING]
    if not texts or not job.may_fail:
        return False
    column, rng = job.rng.choice(texts), job.rng
    head, tail = job.new_name(), job.new_name()
    if rng.random() < 0.3:
        return parse_by_template(job, column, head, tail)
    kind, group = rng.choice([(INT, "[0-9]+"), (STRING, "[0-9a-z]+"), (STRING, ".")])
    optional = rng.random() < 0.5
    if kind is INT and rng.random() < 0.5:
        group, optional = "[+-]?[0-9]+", False
        pattern = f"^%{{INT:{head}:int}}(?:[, =]%{{GREEDYDATA:{tail}}})?"
        job.lines.append(f'  parse {column.name} with grok r"{pattern}"')
    else:
        pattern = f"^(?<{head}>{group})(?:[, =](?<{tail}>.*))?"
        job.lines.append(f'  parse {column.name} with r"{pattern}" {{')
        job.lines.append(f"    {head}: {kind.spelled()}{'?' if optional else ''}")
        job.lines.append(f"    {tail}: string?")
        job.lines.append("  }")
    native = f"^({group})(?:[, =](.*))?"
    # A text that does not match fails, as does null; a group that took no part is null.
    matched = f"coalesce(regexp_matches({column.sql}, '{native}'), false)"
    first = f"regexp_extract({column.sql}, '{native}', 1)"
    value = first if kind == STRING else f"TRY_CAST({first} AS BIGINT)"
    took_part = f"regexp_matches({column.sql}, '^({group})[, =]')"
    second = f"(CASE WHEN {took_part} THEN regexp_extract({column.sql}, '{native}', 2) END)"
    fail = f"(NOT {matched} OR ({value}) IS NULL)"
    node = expressions.Node("", f"(CASE WHEN {matched} THEN {value} END)", kind, optional, fail)
    other = expressions.Node(
        "", f"(CASE WHEN {matched} THEN {second} END)", STRING, True, f"(NOT {matched})"
    )
    job.lose_failed([node, other])
    columns = job.table.columns + [Column(head, kind, job.nullable(node)), Column(tail, STRING, True)]
    job.advance(
        f'SELECT *, {job.value(node)} AS "{head}", {job.value(other)} AS "{tail}" FROM {job.table.sql}',
        columns,
    )
