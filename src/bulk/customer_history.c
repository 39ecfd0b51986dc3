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
customer_history_add(CustomerTable *table pg_attribute_unused(), void **entries, const SourceRow *rows, int n)
{
	for (int i = 0; i < n; i++)
	{
		CustomerHistory *customer = entries[i];
		HistoryDay	day = {rows[i].events, rows[i].value, rows[i].day};

		if (day.events != 0 || day.total != 0)
			customer->log = history_log_append(customer->log, &day, rows[i].decimals);
	}
}

/* The same, but a customer with a total that doesn't fit has no log from then on. */
void
customer_history_try_add(CustomerTable *table pg_attribute_unused(), void **entries, const SourceRow *rows, int n)
{
	for (int i = 0; i < n; i++)
	{
		CustomerHistory *customer = entries[i];
		HistoryDay	day = {rows[i].events, rows[i].value, rows[i].day};

		if ((day.events != 0 || day.total != 0) && customer->log != NULL &&
			history_log_try_append(&customer->log, &day, rows[i].decimals) != HISTORY_OK)
		{
			pfree(customer->log);
			customer->log = NULL;
		}
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

	if (customer->log != NULL && history_log_try_open(&open, customer->log) == HISTORY_OK)
	{
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
