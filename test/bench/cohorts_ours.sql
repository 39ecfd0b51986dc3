SELECT cohort_month, months_since, active_customers, revenue FROM shop.cohort_retention() WHERE active_customers > 0
