[
  (pipeline_block) (source_block) (job_block) (output_block) (model_block) (test_block) (enum_block)
  (column_block) (assignment_block) (parse_block) (split_block) (route_block) (case_block) (record)
  (arguments) (list) (pivot_values) (parenthesized) (record_type) (table)
] @indent.begin

["}" ")" "]"] @indent.branch @indent.end

[(comment) (documentation)] @indent.auto
