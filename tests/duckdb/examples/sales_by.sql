create view sales as
  select * from read_csv('data/sales.csv', header = true,
    columns = {day: 'date', category: 'varchar', amount: 'bigint'});

-- out/by_category.csv
select category, sum(amount) as total, count(*) as sales from sales group by category order by total desc, category

-- out/by_day.csv
select day, sum(amount) as total, avg(amount) as mean, arg_max(category, amount) as largest
from sales group by day order by day
