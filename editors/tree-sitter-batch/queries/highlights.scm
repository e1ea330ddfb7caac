; Words of the language. A test holds this list against the grammar of the compiler.
[
  "batch" "use" "param" "secret" "type" "enum" "pool" "pipeline" "notify" "source" "job" "output"
  "model" "fn" "native" "aggregate" "transform" "test" "env" "file"
] @keyword

; Steps.
[
  "from" "filter" "derive" "set" "select" "drop" "rename" "cast" "fill" "group" "sort" "take"
  "distinct" "dedupe" "join" "union" "except" "intersect" "explode" "parse" "expect" "window" "pivot"
  "unpivot" "sample" "sessionize" "split" "route" "apply" "predict" "encode"
] @keyword

; Settings of blocks.
[
  "on" "partition" "checkpoint" "retry" "timeout" "owner" "timezone" "tags" "meta" "resources" "after"
  "schedule" "mode" "allow" "incremental" "train" "target" "features" "evaluate" "given" "want"
] @keyword

; Words inside of statements.
[
  "above" "anti" "append" "asc" "asof" "at" "backoff" "by" "cross" "desc" "error" "every" "fail"
  "failure" "fails" "first" "format" "full" "gap" "grok" "hash" "inner" "into" "keep" "key" "last" "left"
  "lookback" "many_to_many" "many_to_one" "merge" "metrics" "named" "newest" "nulls" "off" "oldest"
  "one_to_many" "one_to_one" "otherwise" "overwrite" "quarantine" "range" "right" "round_robin" "rows"
  "scd2" "seed" "semi" "sensitive" "size" "success" "time" "times" "track" "values" "warn" "when"
  "where" "with" "within" "zone"
] @keyword

; Words that take part in expressions.
["and" "or" "not" "in" "is" "between" "matches" "as"] @keyword.operator
["if" "then" "else" "case"] @keyword.conditional

[(true) (false)] @boolean
[(null) "null"] @constant.builtin

["list" "map"] @type.builtin
(type_identifier) @type

(comment) @comment
(documentation) @comment.documentation

[(string) (template)] @string
(escape) @string.escape
(interpolation ["{" "}"] @punctuation.special)
(part ["{" "}"] @punctuation.special)
(part (identifier) @variable.member)
(regex) @string.regexp
[(number) (percent)] @number
[(quantity) (date) (clock)] @number
(cell) @string.special

[
  "==" "!=" "<" "<=" ">" ">=" "??" "+" "-" "*" "/" "//" "%" "**" "=" "=>" "->" ".." "..." "?" "!"
] @operator
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["," ":" "." ";" "|"] @punctuation.delimiter

(source name: (identifier) @type.definition)
(job name: (identifier) @type.definition)
(output name: (identifier) @type.definition)
(model name: (identifier) @type.definition)
(enum name: (identifier) @type.definition)
(type_alias name: (identifier) @type.definition)
(pipeline name: (identifier) @type.definition)
(transform name: (identifier) @function)
(function name: (identifier) @function)
(native name: (identifier) @function)
(param name: (identifier) @constant)
(secret name: (identifier) @constant)
(member name: (identifier) @constant)

(column_declaration name: (identifier) @variable.member)
(assignment name: (identifier) @variable.member)
(parse_field name: (identifier) @variable.member)
(record_entry name: (identifier) @variable.member)
(type_entry name: (identifier) @variable.member)
(field name: (identifier) @variable.member)
(parameter name: (identifier) @variable.parameter)
(argument label: (identifier) @variable.parameter)
(lambda_parameters (identifier) @variable.parameter)
(call function: (identifier) @function.call)
(connector name: (identifier) @function.builtin)
(path (identifier) @type)
