"""Random tables, in the files that batchc reads and in DuckDB.

A file is spelled in many ways (quotes that need not be, CRLF, a byte order mark, keys in any order,
row groups of any size), all of which mean the same table.
"""

import gzip
import json
import math
from dataclasses import dataclass, replace

import kinds


@dataclass
class Column:
    """A column of a table on its way through a pipeline."""

    name: str
    kind: kinds.Kind
    nullable: bool

    @property
    def sql(self):
        return '"' + self.name + '"'


@dataclass
class Table:
    """What is known of a table: its columns, and the table in DuckDB that has them and the place of
    each row in `_n`."""

    sql: str
    columns: list
    rows: int
    is_source: bool = False


def with_nulls(table):
    """The table if any value may be null."""
    return replace(table, columns=[Column(column.name, column.kind, True) for column in table.columns])


def random_columns(rng, prefix):
    columns = [
        Column(f"{prefix}_{at}", kinds.random_kind(rng), rng.random() < 0.45)
        for at in range(rng.randint(1, 5))
    ]
    # A key column that tables share, so that joins and groups meet.
    columns.insert(
        rng.randint(0, len(columns)),
        Column(rng.choice(["k", "id"]), rng.choice([kinds.INT, kinds.STRING]), rng.random() < 0.4),
    )
    return columns


def row_count(rng):
    shape = rng.random()
    if shape < 0.06:
        return 0
    if shape < 0.14:
        return 1
    if shape < 0.55:
        return rng.randint(2, 12)
    if shape < 0.96:
        return rng.randint(13, 400)
    return rng.randint(8_000, 25_000)


def random_rows(rng, columns, count):
    """The values column by column."""
    values = []
    for column in columns:
        size = rng.choice([2, 4, 8, 30])
        drawn = (
            [rng.choice(["k1", "k2", "k3", "k10", "é", ""]) for _ in range(3)]
            if column.name in ("k", "id") and column.kind == kinds.STRING
            else []
        )
        if column.name in ("k", "id") and column.kind == kinds.INT:
            drawn = [str(rng.randint(0, 9)) for _ in range(5)]
        pool = drawn or kinds.pool(column.kind, rng, size)
        share = rng.choice([0.05, 0.3, 1.0]) if column.nullable and rng.random() < 0.9 else 0.0
        if rng.random() < 0.2 and column.kind.name in ("int", "float", "decimal") and count < 500:
            pool = kinds.pool(column.kind, rng, max(count, 1))
        values.append([None if rng.random() < share * 0.7 else rng.choice(pool) for _ in range(count)])
    return values


UNREADABLE = {
    "int": ["1x", "1.5", "9223372036854775808", "- 1", "1e3"],
    "float": ["abc", "1e", "0x10"],
    "decimal": ["abc", "1e99", "0.00000000000000000000000000000000000000001", "--1"],
    "bool": ["yes", "1", "tru"],
    "date": ["2023-02-29", "2024-13-01", "today", "2024-1-1"],
    "datetime": ["2023-02-29T00:00:00", "2024-01-01T24:00:01", "2024-01-01T10:00:00Z"],
    "timestamp": ["2024-01-01T10:00:00", "2024-01-01T10:61:00Z", "now"],
    "uuid": ["6f1c0000-0000-4000-8000-00000000000", "6f1c000000004000800000000000000a", "x"],
    "time": ["24:00:00", "10:60", "10", "10:00Z"],
}


def random_dirt(rng, form, columns, values):
    """Values that cannot be read, by row and column; the table has null there. None is null where
    there may be none."""
    dirt = {}
    for at, column in enumerate(columns):
        texts = UNREADABLE.get(column.kind.name, [])
        if not column.nullable and (form == "json" or texts):
            texts = texts + [None]
        if not texts or rng.random() < 0.4:
            continue
        for row in range(len(values[at])):
            if rng.random() < 0.05:
                dirt[(row, at)] = rng.choice(texts)
                values[at][row] = None
    return dirt


def readable(connection, table):
    """A source without the rows that cannot be read."""
    if not table.is_source:
        return table
    name = f"{table.sql}_readable"
    connection.execute(
        f"CREATE TEMP TABLE IF NOT EXISTS {name} AS SELECT * FROM {table.sql} WHERE _n NOT IN (SELECT row FROM {table.sql}_dirt)"
    )
    return replace(table, sql=name, rows=connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0])


def load(connection, name, columns, values, dirt):
    """The table in DuckDB, and which of its rows cannot be read."""
    rows = sorted({row for row, _ in dirt})
    connection.execute(f"CREATE TEMP TABLE {name}_dirt AS SELECT unnest($1::BIGINT[]) AS row", [rows])
    if not values or not values[0]:
        declared = ", ".join(f"{column.sql} {column.kind.sql()}" for column in columns)
        connection.execute(f"CREATE TEMP TABLE {name} (_n BIGINT, {declared})")
        return
    casts = ", ".join(
        f"CAST(v{at} AS {column.kind.sql()}) AS {column.sql}" for at, column in enumerate(columns)
    )
    lists = ", ".join(f"unnest(${at + 1}::VARCHAR[]) AS v{at}" for at in range(len(columns)))
    count = len(values[0])
    connection.execute(
        f"CREATE TEMP TABLE {name} AS SELECT _n, {casts} FROM (SELECT unnest(range({count})) AS _n, {lists})",
        values,
    )


def write(rng, connection, folder, form, name, columns, values, dirt):
    """Writes the table into one or several files; gives the source's declaration."""
    count = len(values[0])
    files = rng.choice([1, 1, 1, 2, 3]) if count > 1 else 1
    cuts = sorted(rng.randint(0, count) for _ in range(files - 1))
    bounds = list(zip([0] + cuts, cuts + [count]))
    spelling = Spelling(rng, columns)
    packing = ".gz" if form != "parquet" and rng.random() < 0.1 else ""
    paths = []
    for at, (start, end) in enumerate(bounds):
        path = f"in/{name}.{at}.{form}" if files > 1 else f"in/{name}.{form}"
        path += packing
        paths.append(path)
        part = [column[start:end] for column in values]
        if form == "parquet":
            group = rng.choice([2048, 4096, 100_000])
            chosen = ", ".join(file_value(column) for column in columns)
            connection.execute(
                f"COPY (SELECT {chosen} FROM {name} WHERE _n >= {start} AND _n < {end} ORDER BY _n)"
                f" TO '{folder}/{path}' (FORMAT parquet, ROW_GROUP_SIZE {group}, COMPRESSION {rng.choice(['snappy', 'zstd', 'uncompressed'])})"
            )
        else:
            dirty = {(row - start, at): text for (row, at), text in dirt.items()}
            text = spelling.csv(part, dirty) if form == "csv" else spelling.json(part, dirty)
            (folder / path).write_bytes(packed(text.encode("utf-8"), packing))
    if files == 1:
        argument = kinds.batch_text(paths[0])
    elif rng.random() < 0.5:
        argument = kinds.batch_text(f"in/{name}.*.{form}{packing}")
    else:
        argument = "[" + ", ".join(kinds.batch_text(path) for path in paths) + "]"
    options = spelling.options() if form == "csv" else ""
    lines = [f"source {name} = {form}({argument}{options}) {{"]
    for column in columns:
        nan = ' format "nan"' if column.kind == kinds.FLOAT and form != "parquet" else ""
        lines.append(f"  {column.name}: {column.kind.spelled()}{'?' if column.nullable else ''}{nan}")
    return "\n".join(lines + ["}"])


def packed(data, packing):
    return gzip.compress(data) if packing else data


def file_value(column):
    if column.kind == kinds.TIMESTAMP:
        return f"({column.sql} AT TIME ZONE 'UTC') AS {column.sql}"
    return column.sql


class Spelling:
    """How the text files of one source are spelled."""

    def __init__(self, rng, columns):
        self.rng, self.columns = rng, columns
        self.delimiter = rng.choice([",", ",", ";", "\t", "|"])
        self.end = rng.choice(["\n", "\n", "\r\n"])
        self.mark = rng.random() < 0.15
        self.null = rng.choice(["", "", "NA", "\\N"])
        self.last_end = rng.random() < 0.8
        self.shuffled = rng.random() < 0.3
        self.quotes = rng.choice([0.0, 0.1, 1.0])

    def options(self):
        options = ""
        if self.delimiter != ",":
            options += f", delimiter: {kinds.batch_text(self.delimiter)}"
        if self.null != "":
            options += f", null: {kinds.batch_text(self.null)}"
        return options

    def field(self, column, value):
        if value is None:
            return self.null
        text = file_text(column.kind, value)
        special = any(char in text for char in (self.delimiter, '"', "\n", "\r"))
        # Quoted, a spelling of null is a text.
        if special or text == self.null or text == "" or self.rng.random() < self.quotes * 0.5:
            return '"' + text.replace('"', '""') + '"'
        return text

    def csv(self, values, dirt):
        order = list(range(len(self.columns)))
        if self.shuffled:
            self.rng.shuffle(order)
        lines = [self.delimiter.join(self.columns[at].name for at in order)]
        for row in range(len(values[0])):
            fields = [
                (
                    dirt[row, at] or self.null
                    if (row, at) in dirt
                    else self.field(self.columns[at], values[at][row])
                )
                for at in order
            ]
            lines.append(self.delimiter.join(fields))
        return ("\ufeff" if self.mark else "") + self.end.join(lines) + (self.end if self.last_end else "")

    def json(self, values, dirt):
        lines = []
        for row in range(len(values[0])):
            fields = []
            for at, (column, cells) in enumerate(zip(self.columns, values)):
                value = cells[row]
                if (row, at) in dirt and dirt[row, at] is None and self.rng.random() < 0.5:
                    continue
                if (row, at) in dirt:
                    fields.append(f"{json.dumps(column.name)}:{json.dumps(dirt[row, at])}")
                    continue
                if value is None and self.rng.random() < 0.3:
                    continue
                fields.append(f"{json.dumps(column.name)}:{self.gap()}{self.json_value(column.kind, value)}")
            if self.shuffled:
                self.rng.shuffle(fields)
            lines.append("{" + ("," + self.gap()).join(fields) + "}")
        return self.end.join(lines) + (self.end if self.last_end and lines else "")

    def gap(self):
        return self.rng.choice(["", "", " "])

    def json_value(self, kind, value):
        if value is None:
            return "null"
        if kind.name == "bool":
            return value
        text = file_text(kind, value)
        if kind.name in ("int", "decimal") or (kind.name == "float" and math.isfinite(float(value))):
            return text
        return json.dumps(text, ensure_ascii=self.rng.random() < 0.3)


def file_text(kind, value):
    """The value as a text file spells it."""
    if kind.name == "float":
        number = float(value)
        if math.isnan(number):
            return "NaN"
        return value if math.isfinite(number) else ("Infinity" if number > 0 else "-Infinity")
    if kind.name == "datetime":
        return value.replace(" ", "T")
    if kind.name == "timestamp":
        return value.replace(" ", "T") + "Z"
    return value
