"""Functions whose results are texts or truth values, and lists of texts."""

from expressions import strict
from kinds import BOOL, DATE, DATETIME, FLOAT, INT, STRING, TIMESTAMP

# A text that is too long fails, so what makes longer ones can fail as far as the checker knows; here
# none does.
LENGTH = "false"

# ----------------------------------------------------------------------------------- texts


def text_function(x, kind, depth):
    value = x.of(STRING, depth)
    rng = x.rng
    n = rng.randint(0, 4)
    # The first form of each: what the program says; the second: the same for DuckDB.
    part, other = x.literal(STRING), x.literal(STRING)
    text, sql = rng.choice(
        [
            (f"lower({value.text})", f"lower({value.sql})"),
            # One letter may become two, which DuckDB's `upper` does not do.
            (f"upper({value.text})", f"upper(replace({value.sql}, 'ß', 'SS'))"),
            (
                f"trim({value.text})",
                f"regexp_replace({value.sql}, '^[\\s\\x{{0B}}\\x{{85}}\\p{{Z}}]+|[\\s\\x{{0B}}\\x{{85}}\\p{{Z}}]+$', '', 'g')",
            ),
            (f"left({value.text}, {n})", f"left({value.sql}, {n})"),
            (f"right({value.text}, {n})", f"right({value.sql}, {n})"),
            (f"substring({value.text}, {n + 1})", f"substring({value.sql}, {n + 1})"),
            (f"substring({value.text}, {n + 1}, {rng.randint(0, 3)})", None),
            (
                f"replace({value.text}, {part.text}, {other.text})",
                f"replace({value.sql}, {part.sql}, {other.sql})",
            ),
            (f"concat({value.text}, {part.text})", f"({value.sql} || {part.sql})"),
            (f'"{{{value.text}}}-x"', f"({value.sql} || '-x')"),
            (f'trim({value.text}, "a ")', f"trim({value.sql}, 'a ')"),
            (f'trim_start({value.text}, "k0")', f"ltrim({value.sql}, 'k0')"),
            (f'trim_end({value.text}, "b.,")', f"rtrim({value.sql}, 'b.,')"),
            # DuckDB takes the end of a line apart where the text is ASCII.
            (
                f"reverse({value.text})",
                f"replace(reverse({value.sql}), chr(10) || chr(13), chr(13) || chr(10))",
            ),
            (f"normalize({value.text})", f"nfc_normalize({value.sql})"),
            (f"substring({value.text}, 0, {n})", f"substring({value.sql}, 0, {n})"),
            (f"md5({value.text})", f"md5({value.sql})"),
            (f"sha256({value.text})", f"sha256({value.sql})"),
            (f"hex({value.text})", f"lower(hex({value.sql}))"),
            (f"encode_base64({value.text})", f"to_base64(encode({value.sql}))"),
            (f"url_encode({value.text})", f"url_encode({value.sql})"),
            (f"url_decode(url_encode({value.text}))", value.sql),
            (f"keep_digits({value.text})", f"regexp_replace({value.sql}, '[^0-9]+', '', 'g')"),
        ]
    )
    if sql is None:
        length = text.rstrip(")").rpartition(", ")[2]
        sql = f"substring({value.sql}, {n + 1}, {length})"
    if '"' in value.text and text.startswith('"{'):
        return None
    if text.startswith("replace(") and part.sql == "CAST('' AS VARCHAR)":
        return None
    return strict(text, sql, STRING, [value], LENGTH if text.startswith(("concat(", '"{')) else None)


def text_fallible(x, kind, depth):
    value = x.of(STRING, depth)
    n = x.rng.randint(0, 12)
    name, native = x.rng.choice([("pad_start", "lpad"), ("pad_end", "rpad"), ("repeat", "repeat")])
    if name == "repeat":
        node = strict(f"repeat({value.text}, {n % 4})", f"repeat({value.sql}, {n % 4})", STRING, [value])
    else:
        # DuckDB cuts a longer text.
        sql = f"(CASE WHEN length({value.sql}) >= {n} THEN {value.sql} ELSE {native}({value.sql}, {n}, '*') END)"
        node = strict(f'{name}({value.text}, {n}, "*")', sql, STRING, [value])
    node.fail = node.fail or LENGTH
    return node


def text_of_value(x, kind, depth):
    of = x.rng.choice([INT, BOOL, DATE, DATETIME, TIMESTAMP, x.number_kind()])
    if of == FLOAT:
        return None
    value = x.fixed(x.of(of, depth))
    sql = {
        "datetime": f"iso({value.sql})",
        "timestamp": f"(iso({value.sql}) || 'Z')",
        "decimal": f"decimal_text({value.sql})",
    }.get(of.name, f"CAST({value.sql} AS VARCHAR)")
    if of.name == "date":
        sql = f"strftime({value.sql}, '%Y-%m-%d')"
    return strict(f"({value.text} as string)", sql, STRING, [value])


def text_part(x, kind, depth):
    value = x.of(STRING, depth)
    rng = x.rng
    if rng.random() < 0.5:
        pattern, native = rng.choice([(r"\d+", "[0-9]+"), ("[a-z]+", "[a-z]+"), ("a.", "a."), ("b*c", "b*c")])
        text = f'regex_extract({value.text}, r"{pattern}")'
        sql = f"(CASE WHEN regexp_matches({value.sql}, '{native}') THEN regexp_extract({value.sql}, '{native}') END)"
    else:
        at = rng.choice([1, 2, 3, -1])
        text = f'split_part({value.text}, ",", {at})'
        parts = f"string_split({value.sql}, ',')"
        sql = f"(CASE WHEN len({parts}) >= {abs(at)} THEN {parts}[{at}] END)"
    return strict(text, sql, STRING, [value], nullable=True)


def text_replace_regex(x, kind, depth):
    value = x.of(STRING, depth)
    pattern, native = x.rng.choice(
        [(r"\d", "[0-9]"), ("[aeiou]", "[aeiou]"), (r"[^\x00-\x7F]", r"[^\x00-\x7F]")]
    )
    return strict(
        f'regex_replace({value.text}, r"{pattern}", "_")',
        f"regexp_replace({value.sql}, '{native}', '_', 'g')",
        STRING,
        [value],
        LENGTH,
    )


# ---------------------------------------------------------------------------- truth values


def text_test(x, kind, depth):
    value, part = x.of(STRING, depth), x.literal(STRING)
    name, native = x.rng.choice(
        [
            ("starts_with", "starts_with"),
            ("ends_with", "ends_with"),
            ("contains", "contains"),
            ("matches", ""),
        ]
    )
    if name == "matches":
        pattern = x.rng.choice(["a", "^k[0-9]$", "[0-9]{2}", "^$", "é|日", "b+$"])
        return strict(
            f'({value.text} matches r"{pattern}")', f"regexp_matches({value.sql}, '{pattern}')", BOOL, [value]
        )
    return strict(f"{name}({value.text}, {part.text})", f"{native}({value.sql}, {part.sql})", BOOL, [value])


def float_test(x, kind, depth):
    value = x.of(FLOAT, depth)
    name, native = x.rng.choice([("is_nan", "isnan"), ("is_finite", "isfinite")])
    return strict(f"{name}({value.text})", f"{native}({value.sql})", BOOL, [value])


def bool_of_text(x, kind, depth):
    value = x.of(STRING, depth)
    sql = f"(CASE WHEN lower({value.sql}) IN ('true', 't') THEN true WHEN lower({value.sql}) IN ('false', 'f') THEN false END)"
    return strict(f"({value.text} as bool)", sql, BOOL, [value], f"{value.sql} IS NOT NULL AND {sql} IS NULL")


# ----------------------------------------------------------------------------------- lists


def text_of_list(x, kind, depth):
    column = x.column_of("list")
    if column is None or column.kind.item != STRING:
        return None
    name = x.rng.choice(["join", "get", "get"])
    if name == "join":
        sql = f"coalesce(array_to_string(list_filter({column.sql}, lambda v: v IS NOT NULL), '+'), '')"
        sql = f"(CASE WHEN {column.sql} IS NOT NULL THEN {sql} END)"
        return strict(f'join({column.text}, "+")', sql, STRING, [column], LENGTH)
    at = x.rng.randint(-2, 2)
    # Items count from 0 here and from 1 there, from the end alike.
    sql = f"{column.sql}[{at + 1 if at >= 0 else at}]"
    return strict(f"get({column.text}, {at})", sql, STRING, [column], nullable=True)


def list_change(x, kind, depth):
    """A list made from one."""
    columns = [column for column in x.columns if column.kind == kind]
    if not columns:
        return None
    value, rng = x.column(x.rng.choice(columns)), x.rng
    item = x.fixed(x.leaf(kind.item))
    a, b = rng.randint(0, 2), rng.randint(0, 3)
    text, sql, operands = rng.choice(
        [
            (f"reverse({value.text})", f"list_reverse({value.sql})", [value]),
            (f"sort_list({value.text})", f"list_sort({value.sql}, 'ASC', 'NULLS LAST')", [value]),
            (f"slice({value.text}, {a}, {a + b})", f"{value.sql}[{a + 1}:{a + b}]", [value]),
            (f"append({value.text}, {item.text})", f"list_append({value.sql}, {item.value()})", [value]),
            (f"concat({value.text}, {value.text})", f"list_concat({value.sql}, {value.sql})", [value]),
            (
                f"filter_list({value.text}, v -> v is not null and v != {item.text})",
                f"list_filter({value.sql}, lambda v: v IS NOT NULL AND v IS DISTINCT FROM {item.sql})",
                [value],
            ),
        ]
    )
    if item.fail or (item.text in text and item.nullable and "filter_list" in text):
        return None
    # A null item does not make the list null.
    return strict(text, f"(CASE WHEN {value.sql} IS NOT NULL THEN {sql} END)", kind, operands)


def list_test(x, kind, depth):
    """A truth value of a list."""
    columns = [column for column in x.columns if column.kind.name == "list"]
    if not columns:
        return None
    value = x.column(x.rng.choice(columns))
    item = x.fixed(x.leaf(value.kind.item))
    if item.fail:
        return None
    found = f"len(list_filter({value.sql}, lambda v: v IS NOT DISTINCT FROM {item.sql})) > 0"
    count = f"len(list_filter({value.sql}, lambda v: v IS NOT DISTINCT FROM {item.sql})) = len({value.sql})"
    text, sql = x.rng.choice(
        [
            (f"contains({value.text}, {item.text})", found),
            (f"any({value.text}, v -> v == {item.text})", found),
            (f"all({value.text}, v -> v == {item.text})", count),
        ]
    )
    return strict(text, f"(CASE WHEN {value.sql} IS NOT NULL THEN {sql} END)", BOOL, [value])


def list_of_texts(x, kind, depth):
    if kind.item != STRING:
        return None
    value = x.of(STRING, depth)
    separator = x.rng.choice([",", "a", "; "])
    return strict(
        f'split({value.text}, "{separator}")', f"string_split({value.sql}, '{separator}')", kind, [value]
    )
