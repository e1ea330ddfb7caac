"""Avro files that batchc writes are read by fastavro as the same rows, and the other way round.

python avro.py BATCHC FOLDER
"""

import datetime as dt
import json
import subprocess
import sys
import uuid
from decimal import Decimal
from pathlib import Path

import fastavro

TYPES = """
  i: int?
  f: float?
  d: decimal(20, 3)?
  s: string?
  b: bool?
  day: date?
  at: timestamp?
  local: datetime?
  clock: time?
  id: uuid?
  raw: bytes?
  level: Level?
  texts: list<string?>
  sizes: map<string, int>
  who: {name: string, born: date?}?
"""

PIPELINE = """
enum Level { low, high }
source rows = SOURCE {TYPES}
output same = OUTPUT from rows
"""

UTC = dt.timezone.utc
CODECS = {"deflate": "deflate", "snappy": "snappy", "zstd": "zstandard", "none": "null"}


def row(i):
    """A row as fastavro has it; every fifth value of a column is null."""
    at = dt.datetime(1969, 12, 31, 23, 59, 59, 999_999) + dt.timedelta(hours=i * 7919, microseconds=i)
    values = {
        "i": (-1) ** i * 3**i % 2**62,
        "f": i / 7,
        "d": Decimal((-1) ** i * 7**i % 10**20).scaleb(-3),
        "s": "é\n" * (i % 5),
        "b": i % 2 == 0,
        "day": at.date(),
        "at": at.replace(tzinfo=UTC),
        "local": at,
        "clock": at.time(),
        "id": uuid.UUID(int=i**9),
        "raw": bytes(range(i % 256)),
        "level": ["low", "high"][i % 2],
    }
    values = {name: None if (i + at) % 5 == 0 else value for at, (name, value) in enumerate(values.items())}
    values["texts"] = [None, "", "a"][: i % 4]
    values["sizes"] = {f"k{at}": at for at in range(i % 3)}
    values["who"] = None if i % 4 == 0 else {"name": f"n{i}", "born": at.date() if i % 3 else None}
    return values


def schema():
    logical = lambda ty, name, **more: ["null", {"type": ty, "logicalType": name, **more}]
    types = {
        "i": ["null", "long"],
        "f": ["null", "double"],
        "d": logical("bytes", "decimal", precision=20, scale=3),
        "s": ["null", "string"],
        "b": ["boolean", "null"],
        "day": logical("int", "date"),
        "at": logical("long", "timestamp-micros"),
        "local": logical("long", "local-timestamp-micros"),
        "clock": logical("long", "time-micros"),
        "id": logical("string", "uuid"),
        "raw": ["null", "bytes"],
        "level": ["null", {"type": "enum", "name": "L", "symbols": ["high", "low"]}],
        "texts": {"type": "array", "items": ["null", "string"]},
        "sizes": {"type": "map", "values": "long"},
        "who": ["null", {"type": "record", "name": "W", "fields": [
            {"name": "born", "type": logical("int", "date")}, {"name": "name", "type": "string"}]}],
    }
    return {"type": "record", "name": "R", "fields": [{"name": n, "type": t} for n, t in types.items()]}


def batchc(program, folder, source, output):
    text = PIPELINE.replace("SOURCE", source).replace("OUTPUT", output).replace("TYPES", TYPES)
    (folder / "pipeline.batch").write_text(text)
    subprocess.run([program, "run", "-q"], cwd=folder, check=True)


def main():
    program, folder = sys.argv[1], Path(sys.argv[2])
    rows = [row(i) for i in range(3000)]
    first = None
    for ours, theirs in CODECS.items():
        if theirs in ("snappy", "zstandard"):
            # Packages of their own: what fastavro has without them is read and written.
            batchc(program, folder, 'avro("theirs.avro")', f'avro("ours.avro", compression: "{ours}")')
            batchc(program, folder, 'avro("ours.avro")', 'avro("again.avro", compression: "none")')
        else:
            with open(folder / "theirs.avro", "wb") as file:
                fastavro.writer(file, schema(), rows, codec=theirs, sync_interval=5000)
            batchc(program, folder, 'avro("theirs.avro")', f'avro("again.avro", compression: "{ours}")')
        with open(folder / "again.avro", "rb") as file:
            found = list(fastavro.reader(file))
        assert len(found) == len(rows), (ours, len(found))
        for expected, got in zip(rows, found):
            assert got == expected, (ours, expected, got)
        batchc(program, folder, 'avro("again.avro")', 'json("again.json")')
        text = (folder / "again.json").read_text()
        first = first or text
        assert text == first and len(text.splitlines()) == len(rows), ours
        assert json.loads(text.splitlines()[1])["who"] == {"name": "n1", "born": str(rows[1]["who"]["born"])}


main()
