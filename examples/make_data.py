"""Writes the inputs of the examples anew; they are kept in the repository, so this is rarely needed."""

import csv
import datetime as dt
import math
from pathlib import Path

HERE = Path(__file__).parent


def write_csv(path, header, rows):
    with open(HERE / path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def instant(start, minutes):
    return (start + dt.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def transaction(i, start):
    amount = i * 15.5 - 100 if i % 10 == 0 else i * 15.5
    domain = "company" if i % 3 == 0 else "gmail"
    # Every seventh address is badly kept: spaces around it, capitals, or another top level domain.
    email = f"user{i}@{domain}.com" if i % 7 else [f" User{i}@{domain}.COM ", f"user{i}@{domain}.org"][i % 2]
    if i % 50 == 49:
        email = ""
    return [f"record_{i}", f"user_{i % 100}", f"{amount:.2f}", f"category_{i % 5}", email, instant(start, i * 47)]


def sales():
    start = dt.datetime(2024, 1, 1)
    header = ["record_id", "user_id", "amount", "category", "email", "transaction_date"]
    write_csv("sales/data/raw_sales.csv", header, [transaction(i, start) for i in range(1000)])
    write_csv("features/data/sales.csv", header, [transaction(i, start) for i in range(100)])


LOG = [
    "2023-01-01 10:00:00 INFO User login: user1",
    "2023-01-01 10:01:00 ERROR Database connection failed",
    "2023-01-01 10:02:00 INFO User login: user2",
    "2023-01-01 10:03:00 WARN High memory usage",
    "2023-01-01 10:04:00 ERROR Database connection failed",
    "2023-01-01 10:05:00 INFO User logout: user1",
]


def logs():
    second = []
    start = dt.datetime(2023, 1, 2, 8)
    for i in range(60):
        at = (start + dt.timedelta(seconds=97 * i)).strftime("%Y-%m-%d %H:%M:%S")
        level = ["DEBUG", "INFO", "INFO", "WARN", "ERROR"][i % 5]
        message = {
            "DEBUG": f"cache hit for user{i % 7}",
            "INFO": f"User login: user{i % 11}",
            "WARN": "High memory usage",
            "ERROR": ["Database connection failed", "Timeout after 30 s"][i % 2],
        }[level]
        second.append(f"{at} {level} {message}")
    # Lines that are not records: a stack trace, a level that does not exist, a date that does not.
    second.insert(20, "    at pool.acquire (pool.js:41)")
    second.insert(40, "2023-01-02 09:00:00 FATAL out of memory")
    second.insert(50, "2023-02-30 09:00:00 INFO a day that does not exist")
    (HERE / "logs/data/app-1.log").write_text("\n".join(LOG) + "\n")
    (HERE / "logs/data/app-2.log").write_text("\n".join(second) + "\n")
    words = ["hello world", "hello spark", "world of big data", "spark processing", "big data analytics"]
    (HERE / "logs/data/words.txt").write_text("\n".join(words) + "\n")


def sales_by():
    rows = [
        ("2023-01-01", "electronics", 1000),
        ("2023-01-01", "clothing", 500),
        ("2023-01-02", "electronics", 1200),
        ("2023-01-02", "books", 300),
        ("2023-01-03", "electronics", 800),
        ("2023-01-03", "clothing", 600),
    ]
    write_csv("sales_by/data/sales.csv", ["day", "category", "amount"], rows)


def users_orders():
    users = [("user1", "Alice"), ("user2", "Bob"), ("user3", "Charlie"), ("user4", "Dana")]
    orders = [("user1", 100), ("user2", 200), ("user1", 150), ("user3", 75), ("user9", 40)]
    write_csv("users_orders/data/users.csv", ["user_id", "name"], users)
    write_csv("users_orders/data/orders.csv", ["order_id", "user_id", "amount"], [(i + 1, *order) for i, order in enumerate(orders)])


def dirty():
    """A file as it comes out of a spreadsheet: BOM, CRLF, quotes, gaps, doubles, nonsense."""
    header = ["id", "customer", "country", "amount", "ordered", "updated_at", "note"]
    rows = []
    for i in range(1, 61):
        day = dt.date(2024, 1, 1) + dt.timedelta(days=(i * 5) % 90)
        amount = f"{math.floor(i * 1337 % 50000) / 100:.2f}"
        country = ["FR", "de", " US ", "", "JP"][i % 5]
        note = {0: 'said "yes", then left', 1: "first line\r\nsecond line", 2: "", 3: "déjà vu – ☕"}[i % 4]
        rows.append([i, f"Customer {i % 13}", country, amount, day.isoformat(), f"2024-04-01T{i % 24:02}:00:00Z", note])
    rows[4][3] = "12,50"
    rows[9][3] = "n/a"
    rows[14][3] = ""
    rows[19][4] = "2024-02-30"
    rows[24][4] = "31/01/2024"
    rows[29][0] = "thirty"
    rows[34][3] = "-5.00"
    rows[39][3] = "99999999999.99"
    rows[44][5] = "yesterday"
    # Orders that were changed later: the same id again, newer or older.
    for i in (3, 8, 13, 18):
        again = list(rows[i])
        again[3] = f"{i * 10 + 0.5:.2f}"
        again[5] = "2024-04-02T00:00:00Z" if i % 2 else "2024-03-01T00:00:00Z"
        rows.append(again)
    with open(HERE / "dirty/data/orders.csv", "w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows(rows)


def warehouse():
    """Customers, and sales of two nights: some sent again, some that are not right."""
    countries, segments = ["FR", "DE", "IT", "JP"], ["retail", "trade", ""]
    customers = [[i, f"Customer {i}", countries[i % 4], segments[i % 3]] for i in range(1, 31)]
    write_csv("warehouse/data/customers.csv", ["customer_id", "name", "country", "segment"], customers)
    header = ["sale_id", "customer_id", "quantity", "price", "sold_at"]
    nights = []
    for night in (1, 2):
        first = 1 + 100 * (night - 1)
        nights.append(
            [
                [i, 1 + i * 7 % 31, 1 + i % 5, f"{math.floor(i * 733 % 9000) / 100:.2f}", f"2026-03-0{night}T{i % 24:02}:{i % 60:02}:00Z"]
                for i in range(first, first + 100)
            ]
        )
    nights[0][9][2] = 0
    nights[0][19][3] = "n/a"
    nights[0][29][4] = "2026-02-30"
    nights[1][39][2] = -2
    # Sent again: once with another quantity, and once late.
    nights[1].append([5, 5, 9, "10.00", "2026-03-02T12:00:00Z"])
    nights[1].append([6, 12, 9, "10.00", "2026-02-28T12:00:00Z"])
    for night, rows in enumerate(nights, 1):
        write_csv(f"warehouse/data/sales-2026-03-0{night}.csv", header, rows)


if __name__ == "__main__":
    sales()
    logs()
    sales_by()
    users_orders()
    dirty()
    warehouse()
