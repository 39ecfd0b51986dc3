/*
 * customer_history.c
 *		Customers of a CustomerTable, each with a history in the making.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "customer_history.h"
#include "large_memory.h"

/*
 * A part is a log. One of no bytes says that a total doesn't fit, which only
 * try_add takes for an answer.
 */
static HistoryError
add_part(CustomerHistory *customer, const SourceRow *row)
{
	if (row->part_size == 0)
		return HISTORY_OVERFLOW;
	return history_log_append_log(&server_host, &customer->log, row->part);
}

void
customer_history_create(CustomerTable *table, void *entry)
{
	CustomerHistory *customer = entry;

	customer->log = history_log_create(table->context);
	large_memory_grown(table->context, &table->allocated, customer->log);
}

void
customer_history_add(CustomerTable *table, void **entries, const SourceRow *rows, int n)
{
	for (int i = 0; i < n; i++)
	{
		CustomerHistory *customer = entries[i];
		HistoryDay	day = {rows[i].events, rows[i].value, rows[i].day};
		const HistoryLog *before = customer->log;

		if (rows[i].part != NULL)
			history_check(add_part(customer, &rows[i]));
		else if (day.events != 0 || day.total != 0)
			history_check(history_log_append(&server_host, &customer->log, &day, rows[i].decimals));
		/* a caller without a table has few logs */
		if (customer->log != before && table != NULL)
			large_memory_grown(table->context, &table->allocated, customer->log);
	}
}

/* The same, but a customer with a total that doesn't fit has no log from then on. */
void
customer_history_try_add(CustomerTable *table, void **entries, const SourceRow *rows, int n)
{
	for (int i = 0; i < n; i++)
	{
		CustomerHistory *customer = entries[i];
		HistoryDay	day = {rows[i].events, rows[i].value, rows[i].day};
		const HistoryLog *before = customer->log;
		HistoryError error;

		if (customer->log == NULL)
			continue;
		if (rows[i].part != NULL)
			error = add_part(customer, &rows[i]);
		else if (day.events == 0 && day.total == 0)
			continue;
		else
			error = history_log_append(&server_host, &customer->log, &day, rows[i].decimals);
		if (unlikely(error == HISTORY_OVERFLOW))
		{
			pfree(customer->log);
			customer->log = NULL;
		}
		else
			history_check(error);
		if (customer->log != before && customer->log != NULL)
			large_memory_grown(table->context, &table->allocated, customer->log);
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

/* ---- workers ---- */

/* A log that is too large for one part, in several */
static void
put_in_pieces(CustomerTable *table, const CustomerHistory *customer, const OpenHistory *open,
			  int decimals, StringInfo chunk)
{
	HistoryLog *piece = palloc(SOURCE_MAX_PART);
	size_t		next = 0;

	while (next < open->n)
	{
		history_log_init(piece, SOURCE_MAX_PART - HISTORY_LOG_HEADER);
		piece->decimals = (uint8_t) open->decimals;
		while (next < open->n && history_log_add(piece, &open->days[next]))
			next++;
		parallel_source_put(chunk, table, customer->key, decimals, piece,
							HISTORY_LOG_HEADER + piece->used);
	}
	pfree(piece);
}

/* "decimals" are those of the rows, which the log may have given up. */
void
customer_history_put_part(CustomerTable *table, void *entry, int decimals, StringInfo chunk)
{
	CustomerHistory *customer = entry;
	OpenHistory open;
	HistoryError error = HISTORY_OVERFLOW;

	if (customer->log != NULL && HISTORY_LOG_HEADER + customer->log->used <= SOURCE_MAX_PART)
	{
		parallel_source_put(chunk, table, customer->key, decimals, customer->log,
							HISTORY_LOG_HEADER + customer->log->used);
		return;
	}
	if (customer->log != NULL)
		error = history_log_open(&server_host, &open, customer->log);
	if (error == HISTORY_OVERFLOW && table->ops->add == customer_history_try_add)
	{
		parallel_source_put(chunk, table, customer->key, decimals, "", 0);
		return;
	}
	history_check(error);
	put_in_pieces(table, customer, &open, decimals, chunk);
	history_close(&open);
}

static CustomerTable *
start_share(const void *settings, const SourceKey *key, bool of_histories pg_attribute_unused())
{
	const HistoryShareSettings *wanted = settings;
	CustomerOps *ops = palloc0(sizeof(CustomerOps));
	CustomerTable *table;

	ops->entry_size = sizeof(CustomerHistory);
	ops->create = customer_history_create;
	ops->add = wanted->keep_going ? customer_history_try_add : customer_history_add;
	ops->next_memory = customer_history_memory;
	table = customers_create(ops, get_hash_memory_limit());
	customers_set_key(table, key);
	return table;
}

static void
put_share(CustomerTable *table, void *entry, StringInfo chunk)
{
	CustomerHistory *customer = entry;

	customer_history_put_part(table, entry, customer->log ? customer->log->decimals : 0, chunk);
}

const SourceShare history_share = {"histories", sizeof(HistoryShareSettings), start_share,
	customers_add, put_share};
