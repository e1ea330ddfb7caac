create view customers as
  select * from read_csv('data/customers.csv', header = true,
    columns = {customer_id: 'bigint', name: 'varchar', country: 'varchar', segment: 'varchar'});
create view clean as
  with read as (
    select try_cast(sale_id as bigint) as sale_id, try_cast(customer_id as bigint) as customer_id,
      try_cast(quantity as bigint) as quantity, try_cast(price as decimal(8, 2)) as price,
      try_cast(sold_at as timestamptz) as sold_at
    from read_csv('data/sales-*.csv', header = true, all_varchar = true)
  ), good as (
    select * from read where price is not null and sold_at is not null and quantity > 0
  )
  select * from good qualify row_number() over (partition by sale_id order by sold_at desc) = 1;
create view facts as
  select sale_id, customer_id, country, quantity, quantity * price as amount, sold_at
  from clean join customers using (customer_id);

-- out/dim_customers.csv unordered
select customer_id, name, country, segment, (select min(valid_from) from read_csv('out/dim_customers.csv', all_varchar = true)) as valid_from,
  null as valid_to, true as is_current
from customers

-- out/fct_sales.csv unordered
select sale_id, customer_id, country, quantity, amount, strftime(sold_at at time zone 'UTC', '%Y-%m-%dT%H:%M:%SZ') as sold_at from facts

-- out/revenue.csv
select country, count(*) as sales, sum(amount) as amount from facts group by country order by amount desc
