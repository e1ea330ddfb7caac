"""Types, their values at random, and how both sides spell them.

A value is held as text (`None` is null) that DuckDB casts to the type of the column; dates and times
are in ISO 8601, instants in UTC. What a file makes of a value is the business of `tables`.
"""

import datetime
import random
import uuid
from dataclasses import dataclass
from typing import Optional

INT_MIN, INT_MAX = -(2**63), 2**63 - 1


@dataclass(frozen=True)
class Kind:
    """A type without its nullability."""

    name: str
    precision: int = 0
    scale: int = 0
    item: Optional["Kind"] = None

    def spelled(self):
        """As a program writes it."""
        if self.name == "decimal":
            return f"decimal({self.precision}, {self.scale})"
        return f"list<{self.item.spelled()}?>" if self.name == "list" else self.name

    def sql(self):
        """The type that DuckDB computes with. A duration is its microseconds, an instant the wall
        clock reading in UTC."""
        if self.name == "decimal":
            return f"DECIMAL({self.precision}, {self.scale})"
        if self.name == "list":
            return self.item.sql() + "[]"
        return SQL_NAMES[self.name]

    @property
    def is_decimal(self):
        return self.name == "decimal"

    @property
    def is_ordered(self):
        return self.name != "list"


SQL_NAMES = {
    "int": "BIGINT",
    "float": "DOUBLE",
    "string": "VARCHAR",
    "bool": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "timestamp": "TIMESTAMP",
    "duration": "BIGINT",
    "uuid": "UUID",
    "time": "TIME",
}

INT, FLOAT, STRING, BOOL = Kind("int"), Kind("float"), Kind("string"), Kind("bool")
DATE, DATETIME, TIMESTAMP = Kind("date"), Kind("datetime"), Kind("timestamp")
DURATION = Kind("duration")
UUID, TIME = Kind("uuid"), Kind("time")


def decimal(precision, scale):
    return Kind("decimal", precision, scale)


def list_of(item):
    return Kind("list", item=item)


def random_decimal(rng):
    if rng.random() < 0.15:
        precision = rng.choice([1, 18, 19, 37, 38])
    else:
        precision = rng.randint(1, 14)
    return decimal(
        precision, rng.choice([0, 0, 1, 2, 2, 3, precision]) if precision > 3 else rng.randint(0, precision)
    )


def random_kind(rng):
    """Of a column of a source."""
    name = rng.choice(
        [
            "int",
            "int",
            "float",
            "decimal",
            "string",
            "string",
            "bool",
            "date",
            "datetime",
            "timestamp",
            "uuid",
            "time",
        ]
    )
    return random_decimal(rng) if name == "decimal" else Kind(name)


WORDS = [
    "",
    "a",
    "b",
    "ab",
    "A",
    "Ab",
    " a ",
    "a,b",
    "a;b;c",
    "x=1",
    "10",
    "-3",
    "1.5",
    "true",
    "2024-02-29",
    "null",
    "NULL",
    "NaN",
    'say "hi"',
    "it's",
    "two\nlines",
    "crlf\r\nline",
    "tab\there",
    "back\\slash",
    "{x}",
    "%d",
    "a_b",
    "é",
    "e\u0301",
    "ÀÉÎ",
    "naïve",
    "Ωmega",
    "日本語",
    "😀",
    "👩‍💻",
    "مرحبا",
    "ß",
    "\u00a0",
    "\u200b",
    "user@example.com",
    "k1",
    "k2",
    "k3",
    "k10",
    "z" * 13,
    "long " * 30,
    "12 apples",
    "a1b22c333",
    "-",
    "0",
    "007",
    "# no comment",
]


def interesting(kind, rng):
    """A value of the kind, edges more often than not."""
    edge = rng.random() < 0.12
    if kind.name == "int":
        if edge:
            return str(rng.choice([INT_MIN, INT_MAX, INT_MIN + 1, 2**53, 2**53 + 1, -(2**31), 2**32, 10**18]))
        return str(
            rng.choice(
                [
                    rng.randint(-3, 12),
                    rng.randint(-3, 12),
                    rng.randint(-1000, 1000),
                    rng.randint(-(10**9), 10**9),
                ]
            )
        )
    if kind.name == "float":
        if edge:
            return rng.choice(
                [
                    "nan",
                    "inf",
                    "-inf",
                    "-0.0",
                    "5e-324",
                    "2.2250738585072014e-308",
                    "1.7976931348623157e308",
                    "1e300",
                    "-1e300",
                    "1e-300",
                    "9007199254740993.0",
                    "9.223372036854776e18",
                ]
            )
        return repr(
            rng.choice(
                [
                    float(rng.randint(-4, 6)),
                    rng.randint(-40, 40) / 8,
                    rng.uniform(-100, 100),
                    rng.uniform(-1, 1) * 10 ** rng.randint(-12, 12),
                ]
            )
        )
    if kind.name == "decimal":
        most = 10**kind.precision - 1
        if edge:
            units = rng.choice([most, -most, 0, 1, -1, most // 2, 5, -5])
        else:
            units = rng.choice([rng.randint(-20, 20), rng.randint(-2000, 2000), rng.randint(-most, most)])
        return decimal_text(max(-most, min(most, units)), kind.scale)
    if kind.name == "string":
        return (
            rng.choice(WORDS)
            if rng.random() < 0.8
            else "".join(rng.choice("abcXYZ 0189é,;-") for _ in range(rng.randint(1, 9)))
        )
    if kind.name == "bool":
        return rng.choice(["true", "false"])
    if kind.name == "date":
        return moment(rng, edge).date().isoformat()
    if kind.name == "uuid":
        digits = rng.choice([0, 1, 2**128 - 1, 2**127, 2**127 - 1]) if edge else rng.getrandbits(128)
        return str(uuid.UUID(int=digits))
    if kind.name == "time":
        return moment(rng, edge).time().isoformat()
    if kind.name in ("datetime", "timestamp"):
        at = moment(rng, edge)
        return at.isoformat(sep=" ")
    raise ValueError(kind)


def moment(rng, edge):
    if edge:
        return rng.choice(
            [
                datetime.datetime(1, 1, 1),
                datetime.datetime(9999, 12, 31, 23, 59, 59, 999999),
                datetime.datetime(1970, 1, 1),
                datetime.datetime(1969, 12, 31, 23, 59, 59, 999999),
                datetime.datetime(2024, 2, 29, 12, 30),
                datetime.datetime(2000, 12, 31, 23, 59, 59, 1),
                datetime.datetime(1900, 2, 28, 0, 0, 0, 500000),
                datetime.datetime(2021, 1, 3, 1, 2, 3),
            ]
        )
    at = datetime.datetime(2024, 1, 1) + datetime.timedelta(days=rng.randint(-800, 800))
    shape = rng.random()
    if shape < 0.4:
        return at
    at += datetime.timedelta(seconds=rng.randint(0, 86399))
    return (
        at
        if shape < 0.8
        else at + datetime.timedelta(microseconds=rng.choice([1, 1000, 500000, 123456, 999999]))
    )


def decimal_text(units, scale):
    sign, digits = ("-" if units < 0 else ""), str(abs(units)).rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else sign + digits


def pool(kind, rng, count):
    """A few values that a column draws from, so that rows meet."""
    return [interesting(kind, rng) for _ in range(count)]


def batch_literal(kind, text):
    """A literal of exactly this kind, or None where the language has none for the value."""
    if kind.name == "int":
        # The least int has no literal: its digits are read before its sign.
        return None if int(text) == INT_MIN else (f"({text})" if text.startswith("-") else text)
    if kind.name == "float":
        if text.lstrip("-") in ("nan", "inf"):
            return None
        shown = repr(float(text))
        if "e" not in shown and "." not in shown:
            shown += ".0"
        return f"({shown})" if shown.startswith("-") else shown
    if kind.name == "decimal":
        if len(text.replace("-", "").replace(".", "").lstrip("0")) > 15:
            # A number literal is a float first: more digits than that are not all kept.
            return f'("{text}" as {kind.spelled()})'
        return f"(({text}) as {kind.spelled()})"
    if kind.name == "string":
        return batch_text(text)
    if kind.name == "bool":
        return text
    if kind.name == "date":
        return f"@{text}"
    if kind.name in ("uuid", "time"):
        return f'("{text}" as {kind.name})'
    if kind.name == "datetime":
        return "@" + text.replace(" ", "T")
    if kind.name == "timestamp":
        return "@" + text.replace(" ", "T") + "Z"
    raise ValueError(kind)


def batch_text(text):
    """A text literal."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "{": "{{", "}": "}}"}
    return '"' + "".join(escapes.get(char, char) for char in text) + '"'


def sql_text(text):
    return "'" + text.replace("'", "''") + "'"


def sql_literal(kind, text):
    return f"CAST({sql_text(text)} AS {kind.sql()})"


def rng_of(seed, case):
    """The random numbers of one case: they depend on nothing else."""
    return random.Random(f"{seed}/{case}")
