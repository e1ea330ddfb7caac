create view users as
  select * from read_csv('data/users.csv', header = true, columns = {user_id: 'varchar', name: 'varchar'});
create view orders as
  select * from read_csv('data/orders.csv', header = true,
    columns = {order_id: 'bigint', user_id: 'varchar', amount: 'bigint'});

-- out/user_orders.csv unordered
select user_id, name, amount from orders join users using (user_id)

-- out/spent.csv
select user_id, name, count(order_id) as orders, coalesce(sum(amount), 0) as total
from users left join orders using (user_id) group by user_id, name order by total desc, user_id

-- out/unknown_users.csv unordered
select * from orders where user_id not in (select user_id from users)
