/**
 * The syntax of .batch for editors: highlighting, folding, indentation, selection.
 *
 * What the compiler takes is said by grammar/batch.pest; this grammar follows it, rule by rule, and
 * is looser where that costs nothing. Its keywords are held against those of the compiler by a test,
 * and so is that it reads every program of the repository.
 *
 * A line end separates statements unless the line goes on: src/scanner.c decides, as the layout of
 * the compiler does. Within parentheses and brackets no line end is asked for, so there it is white
 * space.
 */

/** Words that cannot be names, save before a colon. */
const RESERVED = [
  'and', 'as', 'between', 'case', 'else', 'false', 'if', 'in', 'is', 'matches', 'not', 'null', 'or',
  'then', 'true',
];

/** All other words of the language: where the syntax does not ask for them, they are names. */
const SOFT = [
  'above', 'after', 'aggregate', 'allow', 'anti', 'append', 'apply', 'asc', 'asof', 'at', 'backoff',
  'batch', 'by', 'cast', 'checkpoint', 'cross', 'dedupe', 'derive', 'desc', 'distinct', 'drop',
  'encode', 'enum', 'env', 'error', 'evaluate', 'every', 'except', 'expect', 'explode', 'fail',
  'failure', 'fails', 'features', 'file', 'fill', 'filter', 'first', 'fn', 'format', 'from', 'full',
  'gap', 'given', 'grok', 'group', 'hash', 'incremental', 'inner', 'intersect', 'into', 'job', 'join', 'keep',
  'key', 'last', 'left', 'list', 'lookback', 'many_to_many', 'many_to_one', 'map', 'merge', 'meta',
  'metrics', 'mode', 'model', 'named', 'native', 'newest', 'notify', 'nulls', 'off', 'oldest', 'on',
  'one_to_many', 'one_to_one', 'otherwise', 'output', 'overwrite', 'owner', 'param', 'parse',
  'partition', 'pipeline', 'pivot', 'pool', 'predict', 'quarantine', 'range', 'rename', 'resources',
  'retry', 'right', 'round_robin', 'route', 'rows', 'sample', 'scd2', 'schedule', 'secret', 'seed',
  'select', 'semi', 'sensitive', 'sessionize', 'set', 'size', 'sort', 'source', 'split', 'success',
  'tags', 'take', 'target', 'test', 'time', 'timeout', 'times', 'timezone', 'track', 'train',
  'transform', 'type', 'union', 'unpivot', 'use', 'values', 'want', 'warn', 'when', 'where', 'window',
  'with', 'within', 'zone',
];

const PREC = {
  lambda: -1,
  or: 1,
  and: 2,
  not: 3,
  compare: 4,
  coalesce: 5,
  add: 6,
  multiply: 7,
  power: 9,
  minus: 8,
  postfix: 10,
};

/** One or more, with commas between. */
const commas = rule => seq(rule, repeat(seq(',', rule)));
/** The same, where a comma may stand behind the last. */
const list = rule => seq(rule, repeat(seq(',', rule)), optional(','));

module.exports = grammar({
  name: 'batch',

  externals: $ => [$._newline, $._row_line, $.percent],

  extras: $ => [/[ \t\r\n\uFEFF]/, $.documentation, $.comment],

  word: $ => $.identifier,

  inline: $ => [$._sep, $._next],

  supertypes: $ => [$.declaration, $.step, $.setting, $.expression],

  conflicts: $ => [
    [$._primary, $._names],
  ],

  rules: {
    source_file: $ => seq(optional($._sep), optional(seq(
      choice($.edition, $.declaration),
      repeat(seq($._sep, $.declaration)),
      optional($._sep),
    ))),

    // Line ends and `;` that follow each other are one: behind one of them no line end is asked for.
    _sep: $ => seq(choice($._newline, ';'), repeat(';')),
    // Between the entries of a block: a comma, a new line, or both.
    _next: $ => choice(',', seq(choice($._newline, ';'), repeat(';'), optional(','))),

    documentation: _ => token(prec(1, /##[^\r\n]*/)),
    comment: _ => token(/#[^\r\n]*/),

    // ------------------------------------------------------------------------- declarations

    edition: $ => seq('batch', $.number),

    declaration: $ => choice(
      $.use, $.param, $.secret, $.type_alias, $.enum, $.pool_size, $.notify, $.pipeline, $.source,
      $.job, $.output, $.model, $.function, $.native, $.transform, $.test,
    ),

    use: $ => seq('use', field('module', choice($.string, $.path))),
    param: $ => seq(
      'param', field('name', $._name), ':', field('type', $._type),
      optional(seq('=', field('value', $.expression))),
    ),
    secret: $ => seq(
      'secret', field('name', $._name), 'from', choice('env', 'file', $.identifier), $._plain_text,
    ),
    type_alias: $ => seq(
      'type', field('name', $._name), '=', field('type', $._type),
      optional(seq('where', field('condition', $.expression))),
    ),
    enum: $ => seq('enum', field('name', $._name), field('body', $.enum_block)),
    pool_size: $ => seq('pool', field('name', $._name), '=', $.number),
    notify: $ => seq('notify', field('name', $._name), '=', $.connector),
    pipeline: $ => seq('pipeline', field('name', $._name), field('body', $.pipeline_block)),
    source: $ => seq(
      'source', field('name', $._name), '=', $.connector, optional(field('body', $.source_block)),
    ),
    job: $ => seq('job', field('name', $._name), field('body', $.job_block)),
    output: $ => seq(
      'output', field('name', $._name), '=', $.connector, 'from', field('from', $.path),
      optional(field('body', $.output_block)),
    ),
    model: $ => seq(
      'model', field('name', $._name), '=', $.connector, field('body', $.model_block),
    ),
    function: $ => seq('fn', $._signature, '=', field('body', $.expression)),
    native: $ => seq('native', choice('fn', 'aggregate', 'window'), $._signature),
    transform: $ => seq(
      'transform', field('name', $._name), $.parameters, field('body', $.job_block),
    ),
    test: $ => seq('test', field('name', $._plain_text), field('body', $.test_block)),

    connector: $ => seq(field('name', $._name), $.arguments),
    _signature: $ => seq(
      field('name', $._name), optional($.type_parameters), $.parameters, '->',
      field('result', $._type), optional('!'),
    ),
    type_parameters: $ => seq('<', commas($.type_parameter), '>'),
    type_parameter: $ => seq($._type_name, optional(seq(':', $._type_name))),
    parameters: $ => seq('(', optional(list($.parameter)), ')'),
    parameter: $ => seq(
      field('name', $._name), ':', field('type', $._type), optional('...'),
      optional(seq('=', field('default', $.expression))),
    ),

    // ------------------------------------------------------------------------------- blocks

    job_block: $ => block($, choice($.step, $.setting)),
    pipeline_block: $ => block($, $.setting),
    output_block: $ => block($, choice($.mode, $.allow, $.setting)),
    model_block: $ => block($, choice(
      $.train, $.target, $.features, $.evaluate, $.encode, $.expect, $.setting,
    )),
    test_block: $ => block($, choice($.given, $.want, $.test_set)),
    // Settings that are lists are none of a source, whose entries may have commas between them.
    source_block: $ => entries($, choice(
      $.column_declaration, $.incremental, $.on_error, $.retry, $.timeout, $.pool, $.owner, $.tags,
      $.meta,
    )),
    enum_block: $ => entries($, $.member),
    // A bare `{}` is one, and no record.
    column_block: $ => prec(1, entries($, $._column)),
    assignment_block: $ => entries($, $.assignment),
    parse_block: $ => entries($, $.parse_field),
    split_block: $ => entries($, $.share),
    route_block: $ => entries($, $.branch),

    column_declaration: $ => seq(
      field('name', $._name), ':', field('type', $._type),
      repeat(choice('key', 'sensitive', $.named, $.format)),
    ),
    named: $ => seq('named', $._plain_text),
    format: $ => seq('format', $._plain_text),
    member: $ => seq(field('name', $._name), optional(seq('=', $._plain_text))),
    parse_field: $ => seq(
      field('name', $._name), ':', field('type', $._type), optional($.format),
    ),
    share: $ => seq(field('name', $._name), $.percent),
    branch: $ => seq(
      field('name', $._name), choice('otherwise', seq('when', field('condition', $.expression))),
    ),

    // -------------------------------------------------------------------------------- steps

    step: $ => choice(
      $.from, $.filter, $.derive, $.set, $.select, $.drop, $.rename, $.cast, $.fill, $.group, $.sort,
      $.take, $.distinct, $.dedupe, $.join, $.union, $.except, $.intersect, $.explode, $.parse,
      $.expect, $.window, $.pivot, $.unpivot, $.sample, $.sessionize, $.split, $.route, $.apply,
      $.predict, $.encode,
    ),

    assignment: $ => seq(field('name', $._name), '=', field('value', $.expression)),
    _column: $ => choice($.assignment, $.expression),
    _columns: $ => commas($._column),
    _assignments: $ => choice($.assignment_block, commas($.assignment)),
    _names: $ => commas($._name),

    from: $ => seq('from', field('table', $.path)),
    filter: $ => seq(
      'filter', field('condition', $.expression), optional(seq('nulls', choice('drop', 'keep'))),
    ),
    derive: $ => seq('derive', $._assignments),
    set: $ => seq('set', $._assignments),
    select: $ => seq('select', choice($.column_block, $._columns)),
    drop: $ => seq('drop', $._names),
    rename: $ => seq('rename', commas($.renaming)),
    renaming: $ => seq(field('old', $._name), 'as', field('new', $._name)),
    cast: $ => seq('cast', commas($.casting)),
    casting: $ => seq(
      field('name', $._name), 'as', field('type', $._type), optional($.format),
    ),
    fill: $ => seq('fill', commas($.filling)),
    filling: $ => seq(field('name', $._name), 'with', field('value', $.expression)),
    group: $ => seq('group', optional($.by), field('body', $.column_block)),
    by: $ => seq('by', $._columns),
    sort: $ => seq('sort', $._sort_keys),
    _sort_keys: $ => commas($.sort_key),
    sort_key: $ => seq(
      $.expression, optional(choice('desc', 'asc')), optional(seq('nulls', choice('first', 'last'))),
    ),
    take: $ => seq('take', $.expression, optional($.by)),
    distinct: _ => 'distinct',
    dedupe: $ => seq('dedupe', $.by, optional($.keep)),
    keep: $ => seq(
      'keep', choice('newest', 'oldest', 'first', 'last'), optional(seq('by', $.expression)),
    ),
    join: $ => seq(
      optional($.join_kind), 'join', field('table', $.path), optional(seq('as', field('alias', $._name))),
      optional(seq('on', commas($.expression))), optional(seq('within', $.expression)),
      optional(seq('expect', $.cardinality)),
    ),
    join_kind: _ => choice(
      seq('asof', optional(choice('inner', 'left'))),
      'inner', 'left', 'right', 'full', 'semi', 'anti', 'cross',
    ),
    cardinality: _ => choice('one_to_one', 'one_to_many', 'many_to_one', 'many_to_many'),
    union: $ => seq('union', commas($.path)),
    except: $ => seq('except', commas($.path)),
    intersect: $ => seq('intersect', commas($.path)),
    explode: $ => seq('explode', $._name, optional(seq('as', $._name))),
    parse: $ => seq(
      'parse', $._name, 'with', choice($.regex, seq('grok', $.regex), $.template),
      optional(field('body', $.parse_block)),
    ),
    expect: $ => seq(
      'expect', optional(seq(field('name', $._name), ':')), field('condition', $.expression),
      optional(seq('else', choice('warn', 'drop', 'fail', $.quarantine))),
      optional($.above),
    ),
    above: $ => seq('above', $.percent),
    quarantine: $ => seq('quarantine', field('name', $._name)),
    window: $ => seq(
      'window', optional($.by), optional(seq('sort', $._sort_keys)), optional($.frame),
      field('body', $.column_block),
    ),
    frame: $ => seq(choice('rows', 'range'), optional($._frame_end), '..', optional($._frame_end)),
    _frame_end: $ => seq(optional('-'), choice($.quantity, $.number, $._name)),
    pivot: $ => seq(
      'pivot', $._name, optional(seq('values', $.pivot_values)), 'with',
      choice($.column_block, $._columns), optional($.by),
    ),
    pivot_values: $ => seq('[', optional(list($.pivot_value)), ']'),
    pivot_value: $ => seq(repeat('-'), $._primary, optional(seq('as', $._name))),
    unpivot: $ => seq('unpivot', $._names, 'as', $._name, ',', $._name),
    sample: $ => seq(
      'sample', choice($.percent, seq($.number, 'rows')), optional($.by), optional($.seed),
    ),
    seed: $ => seq('seed', $.number),
    sessionize: $ => seq(
      'sessionize', optional($.by), 'gap', $.quantity, 'on', $._name, optional(seq('as', $._name)),
    ),
    split: $ => seq('split', optional($.by), optional($.seed), field('body', $.split_block)),
    route: $ => seq('route', field('body', $.route_block)),
    apply: $ => seq('apply', field('transform', $.path), $.arguments),
    predict: $ => seq('predict', $._name, optional(seq('as', $._name))),
    encode: $ => seq('encode', $._names, 'with', $.expression),

    // ----------------------------------------------------------------------------- settings

    setting: $ => choice(
      $.on_error, $.on_event, $.partition, $.checkpoint, $.retry, $.timeout, $.owner, $.timezone,
      $.tags, $.meta, $.resources, $.pool, $.after, $.schedule,
    ),

    on_error: $ => seq(
      'on', 'error', choice('fail', 'drop', 'null', $.quarantine), optional($.above),
    ),
    on_event: $ => seq('on', choice('failure', 'success'), 'notify', $._names),
    partition: $ => seq(
      'partition',
      choice('round_robin', seq('by', choice($.by_hash, $.by_size, $._columns))),
      optional(seq('into', $.number)),
    ),
    by_hash: $ => prec(1, seq('hash', '(', $.expression, ')')),
    by_size: _ => prec(1, 'size'),
    checkpoint: _ => seq('checkpoint', choice('on', 'off')),
    retry: $ => seq(
      'retry', $.number, choice('times', 'time'),
      optional(seq('backoff', $.quantity, optional(seq('..', $.quantity)))),
    ),
    timeout: $ => seq('timeout', $.quantity),
    owner: $ => seq('owner', $._plain_text),
    timezone: $ => seq('timezone', $._plain_text),
    tags: $ => seq('tags', '[', optional(list($._plain_text)), ']'),
    meta: $ => seq('meta', $.record),
    resources: $ => seq('resources', commas($.resource)),
    resource: $ => seq($._name, choice($.quantity, $.number)),
    pool: $ => seq('pool', $._name),
    after: $ => seq('after', commas($.path)),
    schedule: $ => seq(
      'schedule', choice($._plain_text, $.every), optional(seq('zone', $._plain_text)),
    ),
    every: $ => seq('every', choice(
      $.quantity,
      seq(
        $._name, optional(seq('on', choice($._name, $.number))),
        optional(seq('at', commas($.clock))),
      ),
    )),
    mode: $ => seq('mode', choice('overwrite', 'append', $.merge, $.scd2)),
    merge: $ => seq('merge', 'on', $._names, optional($.keep)),
    scd2: $ => seq('scd2', 'on', $._names, optional(seq('track', $._names))),
    allow: $ => seq('allow', 'sensitive', $._names),
    incremental: $ => seq('incremental', 'by', $._name, optional(seq('lookback', $.quantity))),

    train: $ => seq('train', 'on', $.path),
    target: $ => seq('target', $._name),
    features: $ => seq('features', $._names),
    evaluate: $ => seq('evaluate', 'on', $.path, optional(seq('metrics', $._names))),

    given: $ => seq('given', field('table', $.path), $.table),
    want: $ => seq(
      'want', field('table', $.path),
      optional(choice(seq('fails', optional($._plain_text)), $.table)),
    ),
    test_set: $ => seq('set', $.path, '=', $.expression),
    table: $ => repeat1(seq($._row_line, $.row)),
    row: $ => seq('|', repeat1(seq(optional($.cell), '|'))),
    cell: _ => {
      const text = /"([^"\\\n]|\\[^\n])*"/, open = /"[^"|\n]*/;
      const first = choice(/[^|"#\s]/, text, open), more = choice(/[^|"\s]/, text, open);
      return token(seq(first, repeat(seq(/[ \t]*/, more))));
    },

    // -------------------------------------------------------------------------------- types

    _type: $ => choice($._type_core, $.optional_type),
    optional_type: $ => prec(1, seq($._type_core, '?')),
    _type_core: $ => choice(
      $.list_type, $.map_type, $.record_type, $.function_type, $.named_type,
    ),
    list_type: $ => seq('list', '<', $._type, '>'),
    map_type: $ => seq('map', '<', $._type, ',', $._type, '>'),
    record_type: $ => seq(
      '{',
      optional(seq(
        $.type_entry, repeat(seq($._next, $.type_entry)), optional($._next),
      )),
      optional('..'), '}',
    ),
    type_entry: $ => seq(field('name', $._name), ':', field('type', $._type)),
    function_type: $ => seq('(', optional(commas($._type)), ')', '->', $._type),
    named_type: $ => prec.right(seq(
      field('name', $._type_name), optional(seq('(', commas($.expression), ')')),
    )),
    _type_name: $ => choice(
      alias($.identifier, $.type_identifier),
      ...SOFT.filter(word => word !== 'list' && word !== 'map')
        .map(word => alias(word, $.type_identifier)),
    ),

    // -------------------------------------------------------------------------- expressions

    expression: $ => choice(
      $._bound, alias($._logical, $.binary_expression), $.not_expression, $.is_expression,
      $.in_expression, $.matches_expression, $.between_expression,
    ),

    _logical: $ => choice(
      prec.left(PREC.or, seq($.expression, 'or', $.expression)),
      prec.left(PREC.and, seq($.expression, 'and', $.expression)),
      ...['==', '!=', '<', '<=', '>', '>='].map(sign => prec.left(
        PREC.compare,
        seq(field('left', $.expression), field('operator', sign), field('right', $.expression)),
      )),
    ),
    not_expression: $ => prec(PREC.not, seq('not', $.expression)),
    is_expression: $ => prec.left(PREC.compare, seq($.expression, 'is', optional('not'), 'null')),
    in_expression: $ => prec.left(
      PREC.compare, seq($.expression, optional('not'), 'in', $.expression),
    ),
    matches_expression: $ => prec.left(
      PREC.compare, seq($.expression, optional('not'), 'matches', $._plain_text),
    ),
    between_expression: $ => prec.left(
      PREC.compare, seq($.expression, optional('not'), 'between', $._bound, 'and', $._bound),
    ),

    // What may stand at either end of `between`: no comparison and no `and`.
    _bound: $ => choice(
      $._primary, $.field, $.index, $.as_expression, $.minus_expression, $.binary_expression,
    ),
    _primary: $ => choice(
      $.percent, $.quantity, $.number, $.date, $.string, $.regex, $.true, $.false, $.null, $._name,
      $.list, $.record, $.parenthesized, $.call, $.lambda, $.if, $.case,
    ),

    binary_expression: $ => {
      const levels = [
        [PREC.coalesce, ['??']], [PREC.add, ['+', '-']], [PREC.multiply, ['*', '/', '//', '%']],
      ];
      const left = levels.flatMap(([level, signs]) => signs.map(sign => prec.left(
        level, seq(field('left', $._bound), field('operator', sign), field('right', $._bound)),
      )));
      return choice(...left, prec.right(
        PREC.power, seq(field('left', $._bound), field('operator', '**'), field('right', $._bound)),
      ));
    },
    minus_expression: $ => prec(PREC.minus, seq('-', $._bound)),
    as_expression: $ => prec(PREC.postfix, seq($._bound, 'as', field('type', $._type))),
    field: $ => prec(PREC.postfix, seq($._bound, '.', field('name', $._name))),
    index: $ => prec(PREC.postfix, seq($._bound, '[', $.expression, ']')),

    parenthesized: $ => seq('(', $.expression, ')'),
    list: $ => seq('[', optional(list($.expression)), ']'),
    record: $ => entries($, $.record_entry),
    record_entry: $ => seq(field('name', $._name), ':', field('value', $.expression)),

    call: $ => prec(PREC.postfix + 1, seq(field('function', $._name), $.arguments)),
    arguments: $ => seq('(', optional(list($.argument)), ')'),
    argument: $ => seq(optional(seq(field('label', $._label), ':')), $.expression),
    // What stands before a colon is a label, also where the word is reserved: `null: ["n/a"]`.
    _label: $ => choice($._name, ...RESERVED.map(word => alias(word, $.identifier))),

    lambda: $ => prec.right(PREC.lambda, seq(
      choice($._name, $.lambda_parameters), '->', field('body', $.expression),
    )),
    lambda_parameters: $ => seq('(', optional($._names), ')'),

    if: $ => prec.right(PREC.lambda, seq(
      'if', field('condition', $.expression), 'then', field('then', $.expression),
      'else', field('else', $.expression),
    )),
    case: $ => seq('case', optional(field('subject', $.expression)), field('body', $.case_block)),
    case_block: $ => seq('{', optional($._sep), some($, $.arm), '}'),
    arm: $ => seq(choice('else', commas($.expression)), '=>', field('value', $.expression)),

    // ------------------------------------------------------------------------------- tokens

    path: $ => seq($._name, repeat(seq('.', $._name))),

    _name: $ => choice($.identifier, ...SOFT.map(word => alias(word, $.identifier))),

    identifier: _ => /[_\p{XID_Start}][\p{XID_Continue}]*/,

    true: _ => 'true',
    false: _ => 'false',
    null: _ => 'null',

    number: _ => token(/[0-9][0-9_]*(\.[0-9][0-9_]*)?([eE][+-]?[0-9]+)?/),
    quantity: _ => token(/[0-9][0-9_]*(\.[0-9][0-9_]*)?[A-Za-z]+/),
    // `10%` is a share, `10%3` a remainder: src/scanner.c.
    clock: _ => token(/[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?/),
    date: _ => token(/@([A-Za-z0-9:+-]|\.[0-9])+/),

    regex: _ => token(/r"(\\[^\n]|[^"\\\n])*"/),
    string: $ => choice(
      seq('"', repeat(choice($._text, $.escape, $.interpolation)), token.immediate('"')),
      seq('"""', repeat(choice($._long_text, $.escape, $.interpolation)), token.immediate('"""')),
    ),
    _text: _ => token.immediate(prec(1, /[^"\\{}\n]+/)),
    _long_text: _ => token.immediate(prec(1, /([^"\\{}]|"[^"\\{}]|""[^"\\{}])+/)),
    escape: _ => token.immediate(choice('{{', '}}', /\\u\{[^}"\\\n{]*\}/, /\\[^u]/, /\\u/)),
    interpolation: $ => seq(
      alias(token.immediate('{'), '{'), $.expression, '}',
    ),
    template: $ => choice(
      seq('"', repeat(choice($._text, $.escape, $.part)), token.immediate('"')),
      seq('"""', repeat(choice($._long_text, $.escape, $.part)), token.immediate('"""')),
    ),
    part: $ => seq(
      alias(token.immediate('{'), '{'), $._name, optional(seq(':', $._type)), '}',
    ),
    _plain_text: $ => choice($.regex, $.string),
  },
});

/** A block of statements. */
function block($, rule) {
  return seq('{', optional($._sep), optional(seq(rule, repeat(seq($._sep, rule)), optional($._sep))), '}');
}

/** A block of entries, with commas, line ends or both between them. */
function entries($, rule) {
  return seq('{', optional($._sep), optional(some($, rule)), '}');
}

/** The entries of a block that has some. */
function some($, rule) {
  return seq(rule, repeat(seq($._next, rule)), optional($._next));
}
