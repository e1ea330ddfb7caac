"""What DuckDB lacks, or does otherwise, in its own words: loaded once into each connection.

Where the language is exact (decimals, rounding), these compute with whole numbers of 128 bits, so
that nothing depends on how DuckDB's own operators round.
"""

import math
from fractions import Fraction

MACROS = r"""
CREATE MACRO fits_int(x) AS coalesce(x BETWEEN -9223372036854775808 AND 9223372036854775807, true);
CREATE MACRO to_int(x) AS TRY_CAST(x AS BIGINT);
-- A decimal as the number of its smallest units, and back.
CREATE MACRO units(x) AS CAST(replace(CAST(x AS VARCHAR), '.', '') AS HUGEINT);
CREATE MACRO unit_digits(u, s) AS lpad(CAST(abs(u) AS VARCHAR), CAST(greatest(s + 1, length(CAST(abs(u) AS VARCHAR))) AS INTEGER), '0');
CREATE MACRO unit_text(u, s) AS CASE WHEN s = 0 THEN CAST(u AS VARCHAR) ELSE
  (CASE WHEN u < 0 THEN '-' ELSE '' END) || left(unit_digits(u, s), -s) || '.' || right(unit_digits(u, s), s) END;
-- A decimal with a digit before its point, also where it has none.
CREATE MACRO decimal_text(x) AS regexp_replace(CAST(x AS VARCHAR), '^(-?)[.]', '\10.');
CREATE MACRO in_digits(u, p) AS abs(u) < CAST(repeat('9', p) AS HUGEINT) + 1;
CREATE MACRO ten(n) AS CAST('1' || repeat('0', n) AS HUGEINT);
-- a / b, half away from zero, without a remainder that is lost.
CREATE MACRO divide_round(a, b) AS CASE WHEN b = 0 THEN NULL ELSE
  CAST((CASE WHEN (a < 0) = (b < 0) THEN 1 ELSE -1 END) AS HUGEINT) * (abs(a) // abs(nullif(b, 0)) + CASE WHEN abs(a) % abs(nullif(b, 0)) >= abs(b) - abs(a) % abs(nullif(b, 0)) THEN 1 ELSE 0 END) END;
-- Units at another scale.
CREATE MACRO rescale(u, f, t) AS CASE WHEN t >= f THEN u * ten(greatest(t - f, 0)) ELSE divide_round(u, ten(greatest(f - t, 0))) END;
-- A float to the nearest whole number, half away from zero.
CREATE MACRO whole(x) AS CASE WHEN isfinite(x) THEN round(x) ELSE x END;
CREATE MACRO exact_variance(list) AS CASE WHEN len(list) > 1 THEN CAST(exact_variance_text(list) AS DOUBLE) END;
CREATE MACRO exact_median(list) AS CASE WHEN len(list) > 0 THEN CAST(exact_median_text(list) AS DOUBLE) END;
CREATE MACRO exact_mean(list) AS CASE WHEN len(list) > 0 THEN CAST(exact_mean_text(list) AS DOUBLE) END;
CREATE MACRO exact_int_mean(list) AS CASE WHEN len(list) > 0 THEN CAST(exact_int_mean_text(list) AS DOUBLE) END;
CREATE MACRO exact_sum(list) AS CAST(exact_sum_text(list) AS DOUBLE);
-- The microseconds of a point in time.
CREATE MACRO us(t) AS epoch_us(t);
CREATE MACRO at_us(u) AS make_timestamp(u);
-- ISO 8601, the fraction only as long as it has to be.
CREATE MACRO iso(t) AS strftime(t, '%Y-%m-%dT%H:%M:%S') ||
  CASE WHEN epoch_us(t) % 1000000 = 0 THEN '' ELSE '.' || rtrim(lpad(CAST(((epoch_us(t) % 1000000) + 1000000) % 1000000 AS VARCHAR), 6, '0'), '0') END;
"""


def nearest(exact):
    """The float nearest to a fraction."""
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def exact_sum(values):
    """The float nearest to the true sum, as text: as a float, DuckDB would take NaN for null."""
    return repr(float_sum(values))


def float_sum(values):
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < len(values):
        return sum(value for value in values if not math.isfinite(value))
    try:
        return math.fsum(values)
    except OverflowError:
        return nearest(sum(map(Fraction, values)))


def exact_mean(values):
    """The mean, also where the sum is beyond the largest float."""
    mean = float_sum(values) / len(values)
    if math.isinf(mean) and all(map(math.isfinite, values)):
        mean = nearest(sum(map(Fraction, values)) / len(values))
    return repr(mean)


def exact_int_mean(values):
    """The mean of whole numbers, rounded once."""
    return repr(nearest(Fraction(sum(values), len(values))))


def exact_variance(values):
    """The variance of a sample, from exact fractions."""
    if not all(map(math.isfinite, values)):
        return "nan"
    exact = list(map(Fraction, values))
    mean = sum(exact) / len(exact)
    return repr(nearest(sum((value - mean) ** 2 for value in exact) / (len(exact) - 1)))


def exact_median(values):
    """The middle, or half way between the two in the middle, rounded once."""
    ordered = sorted(values, key=lambda value: (math.isnan(value), value))
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    if low == high or not (math.isfinite(low) and math.isfinite(high)):
        return repr(low if low == high else (low + high) / 2)
    return repr(nearest((Fraction(low) + Fraction(high)) / 2))


def define(connection):
    connection.create_function("exact_median_text", exact_median, ["DOUBLE[]"], "VARCHAR")
    connection.create_function("exact_mean_text", exact_mean, ["DOUBLE[]"], "VARCHAR")
    connection.create_function("exact_int_mean_text", exact_int_mean, ["BIGINT[]"], "VARCHAR")
    connection.create_function("exact_variance_text", exact_variance, ["DOUBLE[]"], "VARCHAR")
    connection.create_function("exact_sum_text", exact_sum, ["DOUBLE[]"], "VARCHAR")
    connection.execute("SET timezone = 'UTC'")
    connection.execute("SET threads = 1")
    for statement in MACROS.split(";\n"):
        if "CREATE" in statement:
            connection.execute(statement)
