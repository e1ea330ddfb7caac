"""What `Expressions.of` chooses from, by the kind of the result."""

import expressions as e
import number_functions as n
import text_functions as t
import time_functions as c

COMMON = [e.conditional, e.conditional, e.coalesce, e.nullif, e.attempt, e.choose_extreme]
MAKERS = {
    "int": COMMON
    + [n.int_arithmetic] * 4
    + [
        n.int_negate,
        n.int_round,
        n.int_of_text,
        n.int_of_text,
        n.int_position,
        n.int_of_number,
        n.int_of_bool,
        n.int_of_time,
        n.int_of_list,
        c.int_difference,
        c.int_epoch,
        c.int_months,
        n.int_of_pattern,
        n.bounded,
    ],
    "float": COMMON
    + [n.float_arithmetic] * 4
    + [n.float_of_ints, n.float_function, n.float_function, n.float_of_number, n.float_of_text, n.bounded],
    "decimal": COMMON + [n.decimal_cast] * 3,
    "string": COMMON
    + [t.text_function] * 5
    + [
        t.text_fallible,
        t.text_of_value,
        t.text_of_value,
        t.text_part,
        t.text_replace_regex,
        t.text_of_list,
        c.text_of_time,
    ],
    "bool": COMMON
    + [e.compare] * 5
    + [e.logic] * 3
    + [
        e.negation,
        e.null_test,
        e.null_test,
        e.membership,
        e.membership,
        e.between,
        t.text_test,
        t.text_test,
        t.float_test,
        t.bool_of_text,
        t.list_test,
    ],
    "date": COMMON + [c.date_function] * 3 + [c.add_months, c.zoned, c.date_of_text],
    "datetime": COMMON + [c.datetime_function] * 3 + [c.time_shift, c.add_months, c.zoned],
    "timestamp": COMMON + [c.time_shift, c.instant, c.instant],
    "uuid": COMMON,
    "time": COMMON,
    "duration": [c.duration_between] * 3 + [e.conditional],
    "list": [t.list_of_texts, t.list_change, t.list_change],
}
