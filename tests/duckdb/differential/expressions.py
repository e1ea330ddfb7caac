"""Random typed expressions, each as a program writes it and as SQL.

The SQL never fails: a failure is a second expression, `fail`, which is true in the rows in which the
language says that the first has no value. Both follow the language's rules: `==` is total, logic is
Kleene's and looks at its right side only where the left one does not decide, decimals have the
digits that `check` gives them.
"""

from dataclasses import dataclass
from typing import Optional

import kinds
from kinds import BOOL, DATE, DATETIME, DURATION, FLOAT, INT, STRING, TIMESTAMP, decimal


@dataclass
class Node:
    text: str
    sql: str
    kind: kinds.Kind
    nullable: bool
    # True in the rows that fail; None when none can.
    fail: Optional[str] = None
    # May it be taken for a number literal, which has the type of what stands beside it?
    adaptable: bool = False

    def value(self):
        """The SQL with null where it failed."""
        return f"CASE WHEN {self.fail} THEN NULL ELSE {self.sql} END" if self.fail else self.sql


def any_fail(*fails):
    fails = [fail for fail in fails if fail]
    return "(" + " OR ".join(fails) + ")" if fails else None


def fails_where(condition):
    """A condition that is never null."""
    return f"coalesce({condition}, false)"


def strict(text, sql, kind, operands, fail=None, nullable=None):
    """What is null when an operand is, and fails when one does."""
    null = any(operand.nullable for operand in operands) if nullable is None else nullable
    return Node(
        text, sql, kind, null, any_fail(*(operand.fail for operand in operands), fail and fails_where(fail))
    )


def widen(node, kind):
    """The node where a wider kind is wanted."""
    if node.kind == kind:
        return node
    return Node(node.text, f"CAST({node.sql} AS {kind.sql()})", kind, node.nullable, node.fail)


def unified(a, b):
    """The kind that both widen to; None where there is none, or only one that cuts digits."""
    if a == b:
        return a
    if {a, b} == {INT, FLOAT}:
        return FLOAT
    if all(kind == INT or kind.is_decimal for kind in (a, b)):
        (p, s), (q, t) = digits(a), digits(b)
        scale = max(s, t)
        precision = max(p - s, q - t) + scale
        return decimal(precision, scale) if precision <= 38 else None
    return None


def digits(kind):
    return (kind.precision, kind.scale) if kind.is_decimal else (19, 0)


class Expressions:
    """Expressions over the columns of a table."""

    def __init__(self, rng, columns, may_fail):
        self.rng, self.may_fail = rng, may_fail
        self.columns = columns
        self.tries = 0

    # ------------------------------------------------------------------------------ leaves

    def of(self, kind, depth=2):
        """An expression of exactly this kind."""
        import functions

        makers = functions.MAKERS.get(kind.name, [])
        if depth > 0 and makers and self.rng.random() < 0.75:
            for _ in range(4):
                maker = self.rng.choice(makers)
                node = maker(self, kind, depth - 1)
                if (
                    node is not None
                    and node.kind == kind
                    and len(node.sql) < 4000
                    and (self.may_fail or not node.fail)
                ):
                    return node
        return self.leaf(kind)

    def leaf(self, kind):
        columns = [column for column in self.columns if column.kind == kind]
        if columns and self.rng.random() < 0.75:
            return self.column(self.rng.choice(columns))
        return self.literal(kind)

    def column(self, column):
        return Node(column.name, column.sql, column.kind, column.nullable)

    def column_of(self, *names):
        """A column of one of the kinds of these names, if there is one."""
        columns = [column for column in self.columns if column.kind.name in names]
        return self.column(self.rng.choice(columns)) if columns else None

    def literal(self, kind):
        if kind.name == "list":
            return self.list_literal(kind)
        if kind == DURATION:
            amount, unit, micros = self.rng.choice(
                [
                    (90, "s", 90_000_000),
                    (1, "d", 86_400_000_000),
                    (3, "h", 10_800_000_000),
                    (250, "ms", 250_000),
                    (2, "w", 1_209_600_000_000),
                ]
            )
            return Node(f"{amount}{unit}", f"CAST({micros} AS BIGINT)", DURATION, False)
        while True:
            text = kinds.interesting(kind, self.rng)
            spelled = kinds.batch_literal(kind, text)
            if spelled is not None:
                adaptable = kind in (INT, FLOAT)
                fail = None
                return Node(spelled, kinds.sql_literal(kind, text), kind, False, fail, adaptable)

    def list_literal(self, kind):
        items = [self.leaf(kind.item) for _ in range(self.rng.randint(1, 3))]
        if all(item.adaptable for item in items):
            items = [self.fixed(item) for item in items]
        sql = "[" + ", ".join(item.value() for item in items) + "]"
        return Node(
            "[" + ", ".join(item.text for item in items) + "]",
            f"CAST({sql} AS {kind.sql()})",
            kind,
            False,
            any_fail(*(item.fail for item in items)),
        )

    def fixed(self, node):
        """The node such that it keeps its kind beside any other."""
        if not node.adaptable:
            return node
        if node.kind == INT:
            return Node(f'(if true then {node.text} else length(""))', node.sql, INT, False)
        return Node(f"({node.text} * exp(0.0))", node.sql, FLOAT, False)

    # -------------------------------------------------------------------------- conditions

    def condition(self, depth=2):
        return self.of(BOOL, depth)

    def definite(self, depth=2):
        """A condition that is never null."""
        node = self.condition(depth)
        if not node.nullable:
            return node
        if self.rng.random() < 0.5:
            return Node(f"(({node.text}) ?? false)", f"coalesce({node.sql}, false)", BOOL, False, node.fail)
        return Node(
            f"(({node.text}) == true)", f"({node.sql} IS NOT DISTINCT FROM true)", BOOL, False, node.fail
        )

    def number_kind(self):
        """The kind of some column that is a number, or any."""
        found = [column.kind for column in self.columns if column.kind.name in ("int", "float", "decimal")]
        return (
            self.rng.choice(found)
            if found and self.rng.random() < 0.85
            else self.rng.choice([INT, FLOAT, kinds.random_decimal(self.rng)])
        )

    def some_kind(self):
        """The kind of a column, or any."""
        found = [column.kind for column in self.columns if column.kind.name != "list"]
        return self.rng.choice(found) if found and self.rng.random() < 0.8 else kinds.random_kind(self.rng)


# ----------------------------------------------------------------------------------- forms


def compare_int_with_float(x, depth):
    """As the numbers that they are, where DuckDB would make a float of the int."""
    left, right = x.fixed(x.of(INT, depth)), x.fixed(x.of(FLOAT, depth))
    i, f = f"CAST({left.sql} AS HUGEINT)", right.sql
    whole = f"CAST(floor({f}) AS HUGEINT)"
    order = (
        f"CASE WHEN {left.sql} IS NULL OR {f} IS NULL THEN NULL"
        f" WHEN isnan({f}) OR {f} >= 9223372036854775808.0 THEN -1 WHEN {f} < -9223372036854775808.0 THEN 1"
        f" WHEN {i} > {whole} THEN 1 WHEN {i} < {whole} OR {f} > floor({f}) THEN -1 ELSE 0 END"
    )
    op = x.rng.choice(["==", "!=", "<", "<=", ">", ">="])
    text = f"({left.text} {op} {right.text})"
    if op in ("==", "!="):
        equal = f"coalesce({order} = 0, {left.sql} IS NULL AND {f} IS NULL)"
        sql = equal if op == "==" else f"(NOT {equal})"
        return strict(text, sql, BOOL, [left, right], nullable=False)
    return strict(text, f"({order} {op} 0)", BOOL, [left, right])


def compare(x, kind, depth):
    rng = x.rng
    if rng.random() < 0.1:
        return compare_int_with_float(x, depth)
    of = x.some_kind()
    left, right = x.of(of, depth), x.of(of, depth)
    if of.name in ("int", "decimal") and rng.random() < 0.3:
        other = x.number_kind()
        right = x.of(other, depth) if other != FLOAT else right
    if left.adaptable and right.adaptable:
        left = x.fixed(left)
    if left.adaptable or right.adaptable:
        # A literal becomes what it is compared with.
        wide = right.kind if left.adaptable else left.kind
        if INT in (left.kind, right.kind) and wide.is_decimal and unified(INT, wide) is None:
            return None
        wide = unified(left.kind, right.kind)
    else:
        wide = unified(left.kind, right.kind)
    if wide is None:
        return None
    left, right = widen(left, wide), widen(right, wide)
    op = rng.choice(["==", "!=", "<", "<=", ">", ">="])
    text = f"({left.text} {op} {right.text})"
    if op in ("==", "!="):
        sql = f"({left.sql} IS {'NOT ' if op == '==' else ''}DISTINCT FROM {right.sql})"
        return strict(text, sql, BOOL, [left, right], nullable=False)
    return strict(text, f"({left.sql} {op} {right.sql})", BOOL, [left, right])


def logic(x, kind, depth):
    left, right = x.of(BOOL, depth), x.of(BOOL, depth)
    op = x.rng.choice(["and", "or"])
    fail = left.fail
    if right.fail:
        # The right side is looked at only where the left one does not decide.
        decided = "false" if op == "and" else "true"
        seen = f"({left.sql} IS DISTINCT FROM {decided} AND {right.fail})"
        fail = any_fail(left.fail, seen)
    return Node(
        f"({left.text} {op} {right.text})",
        f"({left.sql} {op.upper()} {right.sql})",
        BOOL,
        left.nullable or right.nullable,
        fail,
    )


def negation(x, kind, depth):
    value = x.of(BOOL, depth)
    return strict(f"(not {value.text})", f"(NOT {value.sql})", BOOL, [value])


def null_test(x, kind, depth):
    column = next((column for column in x.rng.sample(x.columns, len(x.columns)) if column.nullable), None)
    if column is None:
        return None
    negated = x.rng.random() < 0.5
    word = "is not null" if negated else "is null"
    return Node(f"({column.name} {word})", f"({column.sql} {word.upper()})", BOOL, False)


def membership(x, kind, depth):
    of = x.some_kind()
    value = x.of(of, depth)
    items = [x.literal(of) for _ in range(x.rng.randint(1, 4))]
    if value.adaptable:
        value = x.fixed(value)
    with_null = x.rng.random() < 0.3
    texts = [item.text for item in items] + (["null"] if with_null else [])
    sqls = [item.sql for item in items] + (["NULL"] if with_null else [])
    negated = x.rng.random() < 0.4
    tests = " OR ".join(f"({value.sql} IS NOT DISTINCT FROM {sql})" for sql in sqls)
    text = f"({value.text} {'not ' if negated else ''}in [{', '.join(texts)}])"
    return strict(text, f"({'NOT ' if negated else ''}({tests}))", BOOL, [value], nullable=False)


def between(x, kind, depth):
    of = x.some_kind()
    if of == BOOL:
        return None
    value, low, high = x.of(of, depth), x.leaf(of), x.leaf(of)
    if value.adaptable:
        value = x.fixed(value)
    negated = x.rng.random() < 0.3
    sql = f"({value.sql} >= {low.sql} AND {value.sql} <= {high.sql})"
    text = f"({value.text} {'not ' if negated else ''}between {low.text} and {high.text})"
    return strict(text, f"(NOT {sql})" if negated else sql, BOOL, [value, low, high])


def conditional(x, kind, depth):
    """`if` and `case`: only the branch taken can fail."""
    if kind.name == "list":
        return None
    count = x.rng.choice([1, 1, 2])
    conditions = [x.definite(depth) for _ in range(count)]
    values = [x.of(kind, depth) for _ in range(count + 1)]
    if all(value.adaptable for value in values):
        values[0] = x.fixed(values[0])
    if count == 1 and x.rng.random() < 0.6:
        text = f"(if {conditions[0].text} then {values[0].text} else {values[1].text})"
    else:
        arms = ", ".join(f"{condition.text} => {value.text}" for condition, value in zip(conditions, values))
        text = f"(case {{ {arms}, else => {values[-1].text} }})"
    whens = " ".join(f"WHEN {condition.sql} THEN {value.sql}" for condition, value in zip(conditions, values))
    sql = f"(CASE {whens} ELSE {values[-1].sql} END)"
    fail = None
    if any(node.fail for node in conditions + values):
        fail = values[-1].fail or "false"
        for condition, value in reversed(list(zip(conditions, values))):
            fail = f"({condition.fail or 'false'} OR CASE WHEN {condition.sql} THEN {value.fail or 'false'} ELSE {fail} END)"
    return Node(text, sql, kind, any(value.nullable for value in values), fail)


def coalesce(x, kind, depth):
    columns = [column for column in x.columns if column.kind == kind and column.nullable]
    if not columns:
        return None
    left, right = x.column(x.rng.choice(columns)), x.of(kind, depth)
    text = (
        f"coalesce({left.text}, {right.text})" if x.rng.random() < 0.3 else f"({left.text} ?? {right.text})"
    )
    fail = right.fail and f"({left.sql} IS NULL AND {right.fail})"
    return Node(text, f"coalesce({left.sql}, {right.sql})", kind, right.nullable, fail)


def nullif(x, kind, depth):
    if kind.name == "list":
        return None
    value, other = x.fixed(x.of(kind, depth)), x.leaf(kind)
    sql = f"(CASE WHEN {value.sql} IS NOT DISTINCT FROM {other.sql} THEN NULL ELSE {value.sql} END)"
    return strict(f"nullif({value.text}, {other.text})", sql, kind, [value, other], nullable=True)


def attempt(x, kind, depth):
    may_fail, x.may_fail = x.may_fail, True
    value = x.of(kind, depth)
    x.may_fail = may_fail
    if not value.fail:
        return None
    return Node(f"try({value.text})", f"({value.value()})", kind, True)


def choose_extreme(x, kind, depth):
    if kind.name == "list" or kind == BOOL:
        return None
    name = x.rng.choice(["greatest", "least"])
    values = [x.of(kind, depth) for _ in range(x.rng.randint(2, 3))]
    if all(value.adaptable for value in values):
        values[0] = x.fixed(values[0])
    # DuckDB skips nulls; here one of them makes the result null.
    nulls = " OR ".join(f"{value.sql} IS NULL" for value in values)
    sql = f"(CASE WHEN {nulls} THEN NULL ELSE {name}({', '.join(value.sql for value in values)}) END)"
    return strict(f"{name}({', '.join(value.text for value in values)})", sql, kind, values)
