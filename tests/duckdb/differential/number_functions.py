"""Operators and functions whose results are numbers."""

import expressions as e
import kinds
from expressions import Node, strict
from kinds import BOOL, DATE, DATETIME, FLOAT, INT, STRING, decimal

# ------------------------------------------------------------------------------------ ints


def int_arithmetic(x, kind, depth):
    left, right = x.of(INT, depth), x.of(INT, depth)
    op = x.rng.choice(["+", "-", "*", "//", "%"])
    text = f"({left.text} {op} {right.text})"
    a, b = f"CAST({left.sql} AS HUGEINT)", f"CAST({right.sql} AS HUGEINT)"
    if op in ("+", "-", "*"):
        exact = f"({a} {op} {b})"
        return strict(text, f"to_int({exact})", INT, [left, right], f"NOT fits_int({exact})")
    exact = f"({a} {op} nullif({b}, 0))"
    return strict(
        text,
        f"to_int({exact})",
        INT,
        [left, right],
        f"({right.sql} = 0 AND {left.sql} IS NOT NULL) OR NOT fits_int({exact})",
    )


def int_negate(x, kind, depth):
    value = x.of(INT, depth)
    if value.adaptable:
        return None
    name = x.rng.choice(["-", "abs", "sign"])
    if name == "sign":
        return strict(f"sign({value.text})", f"CAST(sign({value.sql}) AS BIGINT)", INT, [value])
    exact = f"-CAST({value.sql} AS HUGEINT)" if name == "-" else f"abs(CAST({value.sql} AS HUGEINT))"
    text = f"(-{value.text})" if name == "-" else f"abs({value.text})"
    return strict(text, f"to_int({exact})", INT, [value], f"NOT fits_int({exact})")


def int_round(x, kind, depth):
    value = x.fixed(x.of(INT, depth))
    scale = x.rng.randint(0, 3)
    exact = f"(divide_round(CAST({value.sql} AS HUGEINT), ten({scale})) * ten({scale}))"
    return strict(
        f"round({value.text}, -{scale})", f"to_int({exact})", INT, [value], f"NOT fits_int({exact})"
    )


def int_of_text(x, kind, depth):
    value = x.of(STRING, depth)
    choices = [
        (f"length({value.text})", f"length({value.sql})", None),
        (f"byte_length({value.text})", f"CAST(strlen({value.sql}) AS BIGINT)", None),
        (
            f"({value.text} as int)",
            to_int(value.sql),
            f"{value.sql} IS NOT NULL AND {to_int(value.sql)} IS NULL",
        ),
    ]
    text, sql, fail = x.rng.choice(choices)
    return strict(text, sql, INT, [value], fail)


def to_int(sql):
    return f"(CASE WHEN regexp_full_match({sql}, '[+-]?[0-9]+') THEN TRY_CAST({sql} AS BIGINT) END)"


def int_position(x, kind, depth):
    value, part = x.of(STRING, depth), x.literal(STRING)
    sql = f"nullif(CAST(strpos({value.sql}, {part.sql}) AS BIGINT), 0)"
    return strict(f"position({value.text}, {part.text})", sql, INT, [value, part], nullable=True)


def int_of_number(x, kind, depth):
    of = x.number_kind()
    value = x.fixed(x.of(of, depth))
    if of == FLOAT:
        exact = f"whole({value.sql})"
        inside = f"({exact} >= -9223372036854775808.0::DOUBLE AND {exact} < 9223372036854775808.0::DOUBLE)"
        return strict(
            f"({value.text} as int)",
            f"(CASE WHEN {inside} THEN TRY_CAST({exact} AS BIGINT) END)",
            INT,
            [value],
            f"NOT {inside}",
        )
    if of.is_decimal:
        exact = f"rescale(units({value.sql}), {of.scale}, 0)"
        return strict(f"({value.text} as int)", f"to_int({exact})", INT, [value], f"NOT fits_int({exact})")
    return None


def int_of_bool(x, kind, depth):
    value = x.of(BOOL, depth)
    return strict(f"({value.text} as int)", f"CAST({value.sql} AS BIGINT)", INT, [value])


def int_of_time(x, kind, depth):
    value = x.of(x.rng.choice([DATE, DATETIME]), depth)
    names = {
        "year": "year",
        "month": "month",
        "day": "day",
        "quarter": "quarter",
        "weekday": "isodow",
        "iso_week": "week",
        "day_of_year": "dayofyear",
    }
    if value.kind == DATETIME:
        names |= {"hour": "hour", "minute": "minute"}
    name = x.rng.choice(sorted(names))
    return strict(f"{name}({value.text})", f"CAST({names[name]}({value.sql}) AS BIGINT)", INT, [value])


def int_of_pattern(x, kind, depth):
    value = x.of(STRING, depth)
    pattern, native = x.rng.choice([(r"\d", "[0-9]"), ("a", "a"), ("[a-z]+", "[a-z]+")])
    sql = f"CAST(len(regexp_extract_all({value.sql}, '{native}')) AS BIGINT)"
    return strict(f'regex_count({value.text}, r"{pattern}")', sql, INT, [value])


def bounded(x, kind, depth):
    """`clamp`"""
    value = x.fixed(x.of(kind, depth))
    low, high = x.literal(kind), x.literal(kind)
    if kind == FLOAT and any("nan" in bound.sql for bound in (low, high)):
        return None
    # With bounds the wrong way round there is no right answer.
    text = f"clamp({value.text}, least({low.text}, {high.text}), greatest({low.text}, {high.text}))"
    low_sql, high_sql = f"least({low.sql}, {high.sql})", f"greatest({low.sql}, {high.sql})"
    sql = f"(CASE WHEN {value.sql} < {low_sql} THEN {low_sql} WHEN {value.sql} > {high_sql} THEN {high_sql} ELSE {value.sql} END)"
    return strict(text, sql, kind, [value])


def int_of_list(x, kind, depth):
    column = x.column_of("list")
    if column is None:
        return None
    return strict(f"length({column.text})", f"CAST(len({column.sql}) AS BIGINT)", INT, [column])


# ---------------------------------------------------------------------------------- floats


def float_arithmetic(x, kind, depth):
    left, right = x.of(FLOAT, depth), x.of(x.rng.choice([FLOAT, FLOAT, INT]), depth)
    op = x.rng.choice(["+", "-", "*", "/", "%", "//"])
    if left.adaptable and right.adaptable:
        left = x.fixed(left)
    a, b = left.sql, f"CAST({right.sql} AS DOUBLE)"
    text = f"({left.text} {op} {right.text})"
    if op in ("+", "-", "*"):
        return strict(text, f"({a} {op} {b})", FLOAT, [left, right])
    sql = {"/": f"({a} / {b})", "%": f"({a} % {b})", "//": f"trunc({a} / {b})"}[op]
    return strict(text, sql, FLOAT, [left, right], f"{b} = 0 AND {a} IS NOT NULL")


def float_of_ints(x, kind, depth):
    left, right = x.of(INT, depth), x.of(INT, depth)
    sql = f"(CAST({left.sql} AS DOUBLE) / CAST({right.sql} AS DOUBLE))"
    return strict(
        f"({left.text} / {right.text})",
        sql,
        FLOAT,
        [left, right],
        f"{right.sql} = 0 AND {left.sql} IS NOT NULL",
    )


def float_function(x, kind, depth):
    value = x.fixed(x.of(FLOAT, depth))
    name = x.rng.choice(["abs", "-", "ceil", "floor", "sqrt", "round", "truncate"])
    if name == "sqrt":
        return strict(
            f"sqrt({value.text})",
            f"(CASE WHEN {value.sql} >= 0 THEN sqrt({value.sql}) END)",
            FLOAT,
            [value],
            f"{value.sql} < 0",
        )
    if name == "truncate":
        return strict(f"truncate({value.text})", f"trunc({value.sql})", FLOAT, [value])
    if name == "-":
        return strict(f"(-{value.text})", f"(-{value.sql})", FLOAT, [value])
    sql = f"whole({value.sql})" if name == "round" else f"{name}({value.sql})"
    return strict(f"{name}({value.text})", sql, FLOAT, [value])


def float_of_number(x, kind, depth):
    of = x.number_kind()
    if of == FLOAT:
        return None
    value = x.fixed(x.of(of, depth))
    # Through the text: the float nearest to the decimal.
    return strict(f"({value.text} as float)", f"CAST(CAST({value.sql} AS VARCHAR) AS DOUBLE)", FLOAT, [value])


def float_of_text(x, kind, depth):
    value = x.of(STRING, depth)
    number = f"(CASE WHEN regexp_full_match({value.sql}, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?') THEN TRY_CAST({value.sql} AS DOUBLE) END)"
    sql = f"(CASE WHEN isfinite({number}) THEN {number} END)"
    return strict(
        f"({value.text} as float)", sql, FLOAT, [value], f"{value.sql} IS NOT NULL AND {sql} IS NULL"
    )


# -------------------------------------------------------------------------------- decimals


def decimal_result(op, a, b):
    """The digits of a result, or None where the exact value could not be had here."""
    (p, s), (q, t) = e.digits(a), e.digits(b)
    scale = max(s, t)
    if op in ("+", "-"):
        return (max(p - s, q - t) + scale + 1, scale)
    if op == "*":
        return (p + q, s + t)
    if op == "/":
        scale = max(s, 6)
        return (min(p - s + t + scale, 38), scale) if p + scale + t - s <= 37 else None
    if op == "//":
        return (min(max(p - s + t, 1), 38), 0)
    return (max(p - s, q - t) + scale, scale)


def decimal_operands(x, kind, depth):
    """Two numbers, one of them a decimal; a literal becomes a decimal of its own digits."""
    found = [column for column in x.columns if column.kind.is_decimal]
    left = x.column(x.rng.choice(found)) if found else x.literal(kinds.random_decimal(x.rng))
    if x.rng.random() < 0.5 and found:
        right = x.column(x.rng.choice(found))
    elif x.rng.random() < 0.5:
        right = x.fixed(x.of(INT, depth))
    else:
        units, scale = x.rng.randint(0, 3000), x.rng.choice([0, 1, 2])
        text = kinds.decimal_text(units, scale).rstrip("0").rstrip(".") if scale else str(units)
        scale = len(text.partition(".")[2])
        precision = max(len(text.replace(".", "").lstrip("0")), scale, 1)
        of = decimal(precision, scale)
        right = Node(text, f"CAST('{text}' AS {of.sql()})", of, False)
    return (right, left) if x.rng.random() < 0.3 else (left, right)


def decimal_arithmetic(x, kind, depth):
    """Of whatever digits come out: `any_decimal` looks for one, as nobody asks for these digits."""
    left, right = decimal_operands(x, kind, depth)
    op = x.rng.choice(["+", "-", "*", "/", "//", "%"])
    found = decimal_result(op, left.kind, right.kind)
    if found is None or found[0] > 38 or found[1] > found[0]:
        return None
    result = decimal(*found)
    (p, s), (q, t) = e.digits(left.kind), e.digits(right.kind)
    u, v = f"units({left.sql})", f"units({right.sql})"
    scale = max(s, t)
    if p + scale - s > 37 or q + scale - t > 37:
        return None
    by_zero = f"({right.sql} = 0 AND {left.sql} IS NOT NULL)"
    if op in ("+", "-"):
        exact = f"(rescale({u}, {s}, {scale}) {op} rescale({v}, {t}, {scale}))"
        fail = None
    elif op == "*":
        exact, fail = f"({u} * {v})", None
    else:
        if op == "/":
            exact = f"divide_round({u} * ten({result.scale + t - s}), {v})"
        else:
            exact = f"(rescale({u}, {s}, {scale}) {op} nullif(rescale({v}, {t}, {scale}), 0))"
        fail = f"{by_zero} OR NOT in_digits({exact}, {result.precision})"
    sql = f"TRY_CAST(unit_text({exact}, {result.scale}) AS {result.sql()})"
    return strict(f"({left.text} {op} {right.text})", sql, result, [left, right], fail)


def decimal_round(x, kind, depth):
    found = [column for column in x.columns if column.kind.is_decimal]
    if not found:
        return None
    value = x.column(x.rng.choice(found))
    p, s = e.digits(value.kind)
    name = x.rng.choice(["round", "truncate", "ceil", "floor", "abs", "-"])
    scale = max(min(x.rng.randint(0, 4), s), 0)
    u = f"units({value.sql})"
    if name in ("abs", "-"):
        exact = f"abs({u})" if name == "abs" else f"(-{u})"
        text = f"abs({value.text})" if name == "abs" else f"(-{value.text})"
        return strict(text, f"TRY_CAST(unit_text({exact}, {s}) AS {value.kind.sql()})", value.kind, [value])
    if name == "round":
        result, exact = decimal(min(38, max(p - s, 1) + scale + min(1, s - scale)), scale), f"rescale({u}, {s}, {scale})"
        text = f"round({value.text}, {scale})"
    elif name == "truncate":
        result, exact = decimal(min(38, max(p - s, 1) + scale), scale), f"({u} // ten({s - scale}))"
        text = f"truncate({value.text}, {scale})"
    else:
        result = decimal(min(38, max(p - s, 1) + 1), 0)
        rest = f"({u} % ten({s}))"
        up = (
            f"(CASE WHEN {rest} > 0 THEN 1 ELSE 0 END)"
            if name == "ceil"
            else f"(CASE WHEN {rest} < 0 THEN -1 ELSE 0 END)"
        )
        exact, text = f"({u} // ten({s}) + {up})", f"{name}({value.text})"
    return strict(text, f"TRY_CAST(unit_text({exact}, {result.scale}) AS {result.sql()})", result, [value])


def decimal_cast(x, kind, depth):
    """To the digits that are asked for."""
    of = x.number_kind()
    if of == FLOAT:
        return None
    value = x.fixed(x.of(of, depth))
    s = e.digits(of)[1]
    if of == kind or e.digits(of)[0] + max(kind.scale - s, 0) > 37:
        return None
    exact = f"rescale(units({value.sql}), {s}, {kind.scale})"
    sql = f"TRY_CAST(unit_text({exact}, {kind.scale}) AS {kind.sql()})"
    return strict(
        f"({value.text} as {kind.spelled()})", sql, kind, [value], f"NOT in_digits({exact}, {kind.precision})"
    )


def any_decimal(x, depth):
    """A decimal of whatever digits."""
    for _ in range(6):
        maker = x.rng.choice([decimal_arithmetic, decimal_arithmetic, decimal_round])
        node = maker(x, None, depth)
        if node is not None and (x.may_fail or not node.fail):
            return node
    return None
