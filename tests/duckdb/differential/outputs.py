"""Outputs read back and compared with DuckDB, row by row and value by value.

Values are compared as they are (ints, decimals, texts), points in time as microseconds. Floats are
equal when all their bits are, but for the sign of zero and what DuckDB sums in another way: there
1e-12 of the value is allowed.
"""

import json
import math
from decimal import Decimal

import kinds

TOLERANCE = 1e-12


def wanted(connection, table):
    """The rows of a table in DuckDB, in order."""
    chosen = ", ".join(f"{plain(column.sql, column.kind)} AS {column.sql}" for column in table.columns)
    return connection.execute(f"SELECT {chosen} FROM {table.sql} ORDER BY _n").fetchall()


def plain(sql, kind):
    """What Python holds without loss."""
    if kind.name == "list":
        return f"list_transform({sql}, lambda v: {plain('v', kind.item)})"
    if kind.name == "date":
        return f"({sql} - DATE '1970-01-01')"
    if kind.name in ("datetime", "timestamp"):
        return f"epoch_us({sql})"
    if kind.name == "uuid":
        return f"CAST({sql} AS VARCHAR)"
    if kind.name == "time":
        return f"epoch_us(DATE '1970-01-01' + {sql})"
    if kind.is_decimal:
        return f"decimal_text({sql})"
    return sql


def read(connection, path, form, columns):
    """The header and rows of an output."""
    if form == "parquet":
        chosen = ", ".join(
            f"{plain(column.sql if column.kind != kinds.TIMESTAMP else f'({column.sql} AT TIME ZONE $$UTC$$)', column.kind)} AS {column.sql}"
            for column in columns
        )
        found = connection.execute(f"SELECT {chosen} FROM read_parquet('{path}')")
        return [entry[0] for entry in found.description], found.fetchall()
    text = path.read_bytes().decode("utf-8")
    if form == "json":
        records = [json.loads(line, parse_float=str, parse_int=str) for line in text.split("\n") if line]
        header = list(records[0]) if records else [column.name for column in columns]
        return header, [
            tuple(of_json(column.kind, record[column.name]) for column in columns) for record in records
        ]
    lines = csv_lines(text)
    header = [name for name, _ in next(lines)]
    rows = [
        tuple(
            None if cell == "" and not quoted else of_text(column.kind, cell)
            for column, (cell, quoted) in zip(columns, line)
        )
        for line in lines
    ]
    return header, rows


def csv_lines(text):
    """Records of (text, was it quoted); the library's reader does not tell the two apart."""
    at, record = 0, []
    while at < len(text):
        quoted = text[at] == '"'
        if quoted:
            at, cell = at + 1, ""
            while True:
                end = text.index('"', at)
                cell += text[at:end]
                if text[end + 1 : end + 2] != '"':
                    break
                cell, at = cell + '"', end + 2
            at = end + 1
        else:
            end = at
            while text[end] not in ",\n":
                end += 1
            cell, at = text[at:end], end
        record.append((cell, quoted))
        if text[at] == "\n":
            yield record
            record = []
        elif at + 1 < len(text) and text[at] == "," and text[at + 1] == "\n":
            record.append(("", False))
            yield record
            record, at = [], at + 1
        at += 1


def of_json(kind, value):
    if value is None:
        return None
    if kind.name == "list":
        return [of_json(kind.item, item) for item in value]
    return value if kind == kinds.BOOL else of_text(kind, value)


def of_text(kind, text):
    """The value that a text of a CSV or JSON file is."""
    if kind.name == "int":
        return int(text)
    if kind.name == "float":
        return float(text)
    if kind.name == "bool":
        return {"true": True, "false": False}[text]
    if kind.name == "date":
        return days(text)
    if kind.name == "datetime":
        return micros(text)
    if kind.name == "timestamp":
        assert text.endswith("Z"), text
        return micros(text[:-1])
    if kind.name == "duration":
        return length_of(text)
    if kind.name == "time":
        return micros("1970-01-01T" + text)
    return text


def days(text):
    """Days since 1970 of a date of any year."""
    year, month, day = text.rsplit("-", 2)
    year, month, day = int(year), int(month), int(day)
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def micros(text):
    date, _, clock = text.partition("T")
    clock, _, fraction = clock.partition(".")
    hour, minute, second = (int(part) for part in clock.split(":"))
    of_day = (hour * 3600 + minute * 60 + second) * 1_000_000 + int(fraction.ljust(6, "0") or 0)
    return days(date) * 86_400_000_000 + of_day


def length_of(text):
    """Microseconds of `-P1DT2H3M4.5S`."""
    sign = -1 if text.startswith("-") else 1
    total, number = Decimal(0), ""
    units = {"D": 86400, "H": 3600, "M": 60, "S": 1}
    for char in text.lstrip("-").replace("P", "").replace("T", ""):
        if char in units:
            total, number = total + Decimal(number) * units[char], ""
        else:
            number += char
    return sign * int(total * 1_000_000)


def differences(columns, header, got, rows):
    """What differs, as sentences; none when nothing does."""
    names = [column.name for column in columns]
    if header != names:
        return [f"columns {header}, DuckDB {names}"]
    found = []
    if len(got) != len(rows):
        found.append(f"{len(got)} rows, DuckDB {len(rows)}")
    for at, (mine, other) in enumerate(zip(got, rows)):
        for column, a, b in zip(columns, mine, other):
            if not same(column.kind, a, b):
                found.append(f"row {at + 1}, {column.name}: {a!r}, DuckDB {b!r}")
    return found


def same(kind, a, b):
    if a is None or b is None:
        return a is b
    if kind.name == "list":
        return len(a) == len(b) and all(same(kind.item, x, y) for x, y in zip(a, b))
    if kind.name == "float":
        return (
            a == b
            or (math.isnan(a) and math.isnan(b))
            or (math.isfinite(b) and math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=0.0))
        )
    return a == b
