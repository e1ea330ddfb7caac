create view clean as
  select record_id, category, greatest(amount, 0)::decimal(12, 2) as amount,
    (1.0 - (case when lower(trim(email)) like '%.com' then 0.0 else 0.2 end)
         - (case when amount <= 0 then 0.3 else 0.0 end))::decimal(5, 1) as quality_score
  from read_csv('data/raw_sales.csv', header = true, columns = {
    record_id: 'varchar', user_id: 'varchar', amount: 'decimal(12, 2)', category: 'varchar',
    email: 'varchar', transaction_date: 'timestamptz'});

-- out/sales_by_category.csv
select category, sum(amount) as total_amount, count(*) as record_count,
  avg(quality_score::double) as avg_quality
from clean where quality_score >= 0.7
group by category order by total_amount desc

-- out/sales_by_partition unordered
select record_id, category, amount, quality_score from clean
