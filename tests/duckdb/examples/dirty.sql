create view raw as
  select *, row_number() over () as record from read_csv('data/orders.csv', header = true, all_varchar = true,
    quote = '"', escape = '"', strict_mode = false, nullstr = ['', 'n/a'], new_line = '\r\n');
create view typed as
  select try_cast(id as bigint) as id, customer, country, try_cast(amount as decimal(10, 2)) as amount,
    try_cast(ordered as date) as ordered, try_cast(updated_at as timestamptz) as updated_at, note, record
  from raw
  where try_cast(id as bigint) is not null and (amount is null or try_cast(amount as decimal(10, 2)) is not null)
    and regexp_full_match(ordered, '\d{4}-\d{2}-\d{2}') and try_cast(ordered as date) is not null
    and try_cast(updated_at as timestamptz) is not null;
create view clean as
  select id, customer, upper(trim(coalesce(country, 'unknown'))) as country, amount, ordered,
    strftime(updated_at, '%Y-%m-%dT%H:%M:%SZ') as updated_at, note,
    length(coalesce(note, '')) - length(replace(coalesce(note, ''), chr(10), '')) + 1 as lines
  from (select *, row_number() over (partition by id order by typed.updated_at desc, record desc) as place from typed)
  where place = 1 and (amount is null or amount >= 0);

-- out/clean.csv unordered
select * from clean

-- out/by_country.csv
select country, count(*) as orders, count(*) filter (amount is null) as unpaid,
  coalesce(sum(amount), 0) as total, min(ordered) as first
from clean group by country order by country
