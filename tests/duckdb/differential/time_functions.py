"""Functions and operators whose results are points in time and lengths of time."""

import expressions
from expressions import strict
from kinds import DATE, DATETIME, DURATION, INT, STRING, TIMESTAMP


def date_function(x, kind, depth):
    value = x.of(DATE, depth)
    rng = x.rng
    if rng.random() < 0.3:
        at = x.of(DATETIME, depth)
        text = rng.choice([f"date({at.text})", f"({at.text} as date)"])
        return strict(text, f"CAST({at.sql} AS DATE)", DATE, [at])
    if rng.random() < 0.4:
        unit = rng.choice(["week", "month", "quarter", "year"])
        # The first days of the first year are in a week of the year before.
        return strict(
            f'date_trunc("{unit}", {value.text})',
            f"CAST(date_trunc('{unit}', {value.sql}) AS DATE)",
            DATE,
            [value],
        )
    if rng.random() < 0.3:
        return strict(f"first_day({value.text})", f"CAST(date_trunc('month', {value.sql}) AS DATE)", DATE, [value])
    return strict(f"last_day({value.text})", f"CAST(last_day({value.sql}) AS DATE)", DATE, [value])


def datetime_function(x, kind, depth):
    rng = x.rng
    if rng.random() < 0.3:
        day = x.of(DATE, depth)
        return strict(f"({day.text} as datetime)", f"CAST({day.sql} AS TIMESTAMP)", DATETIME, [day])
    value = x.of(DATETIME, depth)
    unit = rng.choice(["second", "minute", "hour", "day", "week", "month", "quarter", "year"])
    return strict(
        f'date_trunc("{unit}", {value.text})',
        f"CAST(date_trunc('{unit}', {value.sql}) AS TIMESTAMP)",
        DATETIME,
        [value],
    )


def time_shift(x, kind, depth):
    """A point in time and a length of time, within years that all can tell."""
    value = x.column_of(kind.name)
    if value is None:
        return None
    length, op = x.literal(DURATION), x.rng.choice(["+", "-"])
    zone = "Z" if kind == TIMESTAMP else ""
    inside = f"({value.text} ?? @2000-01-01T00:00{zone}) between @0100-01-01T00:00{zone} and @9900-01-01T00:00{zone}"
    sql = f"(CASE WHEN {value.sql} BETWEEN TIMESTAMP '0100-01-01' AND TIMESTAMP '9900-01-01' THEN at_us(us({value.sql}) {op} {length.sql}) ELSE {value.sql} END)"
    if not value.nullable:
        inside = inside.replace(f"({value.text} ?? @2000-01-01T00:00{zone})", value.text)
    return strict(
        f"(if {inside} then {value.text} {op} {length.text} else {value.text})", sql, kind, [value], "false"
    )


def duration_between(x, kind, depth):
    of = x.rng.choice([DATETIME, TIMESTAMP])
    left, right = x.of(of, depth), x.of(of, depth)
    node = strict(
        f"({left.text} - {right.text})", f"(us({left.sql}) - us({right.sql}))", DURATION, [left, right]
    )
    node.fail = node.fail or "false"
    return node


def int_difference(x, kind, depth):
    left, right = x.of(DATETIME, depth), x.of(DATETIME, depth)
    unit, micros = x.rng.choice(
        [("second", 1_000_000), ("minute", 60_000_000), ("hour", 3_600_000_000), ("day", 86_400_000_000)]
    )
    sql = f"CAST(CAST(us({right.sql}) - us({left.sql}) AS HUGEINT) // {micros} AS BIGINT)"
    return strict(f'diff("{unit}", {left.text}, {right.text})', sql, INT, [left, right])


# What months and zones are asked of: years in which both sides have the same rules.
CALM = {
    "date": ("1975-01-01", "2036-01-01"),
    "datetime": ("1975-01-01T00:00", "2036-01-01T00:00"),
    "timestamp": ("1975-01-01T00:00Z", "2036-01-01T00:00Z"),
}


def calm(x, kind):
    """A point in time of calm years: in others, one that is."""
    value = x.column_of(kind.name)
    if value is None:
        return None
    low, high = CALM[kind.name]
    filled = f"({value.text} ?? @{low})" if value.nullable else value.text
    whole = kind.sql() if kind.name != "timestamp" else "TIMESTAMP"
    a, b = (f"CAST('{bound.rstrip('Z')}' AS {whole})" for bound in (low, high))
    text = f"(if {filled} between @{low} and @{high} then {filled} else @{low})"
    return expressions.Node(
        text, f"(CASE WHEN {value.sql} BETWEEN {a} AND {b} THEN {value.sql} ELSE {a} END)", kind, False
    )


def add_months(x, kind, depth):
    value, months = calm(x, kind), x.rng.randint(-30, 30)
    if value is None:
        return None
    if kind == DATE and x.rng.random() < 0.4:
        return strict(f"add_days({value.text}, {months})", f"({value.sql} + {months})", kind, [value], "false")
    sql = f"CAST({value.sql} + INTERVAL ({months}) MONTH AS {kind.sql()})"
    return strict(f"add_months({value.text}, {months})", sql, kind, [value], "false")


def zoned(x, kind, depth):
    """Between instants and the clocks of a zone."""
    zone = x.rng.choice(["UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata"])
    value = calm(x, TIMESTAMP)
    if value is None:
        return None
    clock = f"timezone('{zone}', CAST({value.sql} AS TIMESTAMP) AT TIME ZONE 'UTC')"
    if kind == DATE:
        return strict(f'date({value.text}, zone: "{zone}")', f"CAST({clock} AS DATE)", DATE, [value])
    return strict(f'at_zone({value.text}, "{zone}")', clock, DATETIME, [value])


def instant(x, kind, depth):
    rng = x.rng
    if rng.random() < 0.5:
        value = calm(x, DATETIME)
        if value is not None:
            return strict(
                f'to_timestamp({value.text}, "Asia/Kolkata")',
                f"(timezone('Asia/Kolkata', {value.sql}) AT TIME ZONE 'UTC')",
                TIMESTAMP,
                [value],
                "false",
            )
    count = rng.randint(-(10**9), 4 * 10**9)
    return strict(
        f"from_epoch({count})".replace("(-", "(0 - "),
        f"at_us(CAST({count * 1000000} AS BIGINT))",
        TIMESTAMP,
        [],
        "false",
    )


def int_epoch(x, kind, depth):
    value = x.of(TIMESTAMP, depth)
    unit, micros = x.rng.choice(
        [
            ("second", 10**6),
            ("millisecond", 1000),
            ("microsecond", 1),
            ("minute", 60 * 10**6),
            ("day", 86400 * 10**6),
        ]
    )
    # Rounded down, also before 1970.
    sql = f"CAST((us({value.sql}) - ((us({value.sql}) % {micros}) + {micros}) % {micros}) // {micros} AS BIGINT)"
    return strict(f'epoch({value.text}, unit: "{unit}")', sql, INT, [value])


def int_months(x, kind, depth):
    left, right = calm(x, DATE), calm(x, DATE)
    if left is None:
        return None
    unit = x.rng.choice(["day", "week", "month", "quarter", "year"])
    return strict(
        f'diff("{unit}", {left.text}, {right.text})',
        f"CAST(datesub('{unit}', {left.sql}, {right.sql}) AS BIGINT)",
        INT,
        [left, right],
    )


def text_of_time(x, kind, depth):
    value = calm(x, x.rng.choice([DATE, DATETIME]))
    if value is None:
        return None
    form = x.rng.choice(
        ["%d.%m.%Y", "%Y%m%d", "%d %b %Y", "%A, %j"]
        + (["%H:%M:%S", "%I:%M %p"] if value.kind == DATETIME else [])
    )
    return strict(
        f'format_date({value.text}, "{form}")', f"strftime({value.sql}, '{form}')", STRING, [value], "false"
    )


def date_of_text(x, kind, depth):
    value = x.of(STRING, depth)
    sql = f"(CASE WHEN regexp_full_match({value.sql}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') THEN TRY_CAST({value.sql} AS DATE) END)"
    return strict(f"({value.text} as date)", sql, DATE, [value], f"{value.sql} IS NOT NULL AND {sql} IS NULL")
