create view line as
  select regexp_extract(line, '^(\S+ \S+) (\w+) (.*)$', ['at', 'level', 'message']) as parts
  from read_csv('data/app-*.log', header = false, delim = '', quote = '', escape = '', columns = {line: 'varchar'});
create view log as
  select try_strptime(parts['at'], '%Y-%m-%d %H:%M:%S') as time, parts['level'] as level, parts['message'] as message
  from line
  where try_strptime(parts['at'], '%Y-%m-%d %H:%M:%S') is not null
    and parts['level'] in ('DEBUG', 'INFO', 'WARN', 'ERROR');

-- out/errors.csv
select message, count(*) as occurrences, strftime(min(time), '%Y-%m-%dT%H:%M:%S') as first_seen,
  strftime(max(time), '%Y-%m-%dT%H:%M:%S') as last_seen
from log where level = 'ERROR' group by message order by occurrences desc, message

-- out/levels.csv
select level, count(*) as records from log group by level
order by list_position(['DEBUG', 'INFO', 'WARN', 'ERROR'], level)

-- out/word_count.csv
select word, count(*) as occurrences
from (select unnest(regexp_split_to_array(lower(line), '\W+')) as word
      from read_csv('data/words.txt', header = false, delim = '', quote = '', escape = '', columns = {line: 'varchar'}))
where word <> '' group by word order by occurrences desc, word limit 100
