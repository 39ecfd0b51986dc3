TRUNCATE emptied.customer_histories;
