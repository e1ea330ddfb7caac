create view sales as
  select * from read_csv('data/sales.csv', header = true, columns = {
    record_id: 'varchar', user_id: 'varchar', amount: 'decimal(12, 2)', category: 'varchar',
    email: 'varchar', transaction_date: 'timestamptz'});
create view features as
  select record_id, amount::double as original_value, ln(greatest(amount::double, 1.0)) as log_amount,
    amount::double ** 2 as squared, isodow(transaction_date) >= 6 as is_weekend,
    hour(transaction_date) as hour, (('0x' || md5(category))::uhugeint % 100)::bigint as category_encoded
  from sales;

-- out/features.parquet
select * from features

-- out/features.csv
select * from features
