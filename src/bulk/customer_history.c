/*
 * customer_history.c
 *		Customers of a CustomerTable, each with a history in the making.
 */
#include "postgres.h"

#include "customer_history.h"

void
customer_history_create(CustomerTable *table, void *entry)
{
	((CustomerHistory *) entry)->log = history_log_create(table->context);
}

void
customer_history_add(CustomerTable *table pg_attribute_unused(), void **entries,
					 const SourceRow *rows, int n)
{
	for (int i = 0; i < n; i++)
	{
		CustomerHistory *customer = entries[i];
		HistoryDay	day = {rows[i].events, rows[i].value, rows[i].day};

		if (day.events != 0 || day.total != 0)
			history_check(history_log_append(&server_host, &customer->log, &day, rows[i].decimals));
	}
}

/* The same, but a customer with a total that doesn't fit has no log from then on. */
void
customer_history_try_add(CustomerTable *table pg_attribute_unused(), void **entries,
						 const SourceRow *rows, int n)
{
	for (int i = 0; i < n; i++)
	{
		CustomerHistory *customer = entries[i];
		HistoryDay	day = {rows[i].events, rows[i].value, rows[i].day};

		HistoryError error;

		if ((day.events == 0 && day.total == 0) || customer->log == NULL)
			continue;
		error = history_log_append(&server_host, &customer->log, &day, rows[i].decimals);
		if (unlikely(error == HISTORY_OVERFLOW))
		{
			pfree(customer->log);
			customer->log = NULL;
		}
		else
			history_check(error);
	}
}

const void *
customer_history_memory(const void *entry)
{
	return ((const CustomerHistory *) entry)->log;
}

void
customer_history_put_aside(CustomerTable *table, void *entry)
{
	CustomerHistory *customer = entry;
	OpenHistory open;
	HistoryError error = HISTORY_OVERFLOW;

	if (customer->log != NULL)
		error = history_log_open(&server_host, &open, customer->log);
	if (error != HISTORY_OVERFLOW)
	{
		history_check(error);
		customers_put_aside(table, customer->key, open.days, open.n, open.decimals);
		history_close(&open);
	}
	else
	{
		/* what doesn't fit won't when it comes back either, which is told then */
		const HistoryDay too_large = {0, PG_INT64_MAX, 0};
		const HistoryDay days[2] = {too_large, too_large};

		customers_put_aside(table, customer->key, days, 2, 0);
	}
}
