/*
 * histories.c
 *		histories(source, id): the history of every customer of a query, in one
 *		pass over its rows.
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"
#include "customers.h"
#include "history_build.h"
#include "source.h"

typedef struct HistoryEntry
{
	Datum		key;
	HistoryLog *log;
} HistoryEntry;

typedef struct HistoriesJob
{
	CustomerTable *customers;
	ReturnSetInfo *result;
	MemoryContext row_context;
} HistoriesJob;

static void
create_entry(void *entry, void *arg)
{
	HistoriesJob *job = arg;

	((HistoryEntry *) entry)->log = history_log_create(job->customers->context);
}

static void
add_rows(void **entries, const SourceRow *rows, int n, void *arg pg_attribute_unused())
{
	for (int i = 0; i < n; i++)
	{
		HistoryEntry *customer = entries[i];
		HistoryDay	day;

		day.day = rows[i].day;
		day.events = rows[i].events;
		day.total = rows[i].value;
		if (day.events != 0 || day.total != 0)
			customer->log = history_log_append(customer->log, &day, rows[i].decimals);
	}
}

static const void *
log_of_entry(const void *entry)
{
	return ((const HistoryEntry *) entry)->log;
}

static void
put_entry_aside(void *entry, void *arg)
{
	HistoryEntry *customer = entry;
	OpenHistory open;

	history_log_open(&open, customer->log);
	customers_put_aside(((HistoriesJob *) arg)->customers, customer->key, open.days, open.n, open.decimals);
	history_close(&open);
}

static void
emit_entry(void *entry, void *arg)
{
	HistoriesJob *job = arg;
	HistoryEntry *customer = entry;
	MemoryContext old_context = MemoryContextSwitchTo(job->row_context);
	Datum		values[2];
	bool		nulls[2] = {false, false};

	values[0] = customer->key;
	values[1] = PointerGetDatum(history_log_pack(customer->log));
	tuplestore_putvalues(job->result->setResult, job->result->setDesc, values, nulls);
	MemoryContextSwitchTo(old_context);
	MemoryContextReset(job->row_context);
}

static void
start_source(void *arg, const SourceKey *key)
{
	customers_set_key(((HistoriesJob *) arg)->customers, key);
}

static void
take_rows(void *arg, SourceRow *rows, int n)
{
	customers_add(((HistoriesJob *) arg)->customers, rows, n);
}

/* histories(source text, id anyelement, time_zone text DEFAULT NULL) */
PG_FUNCTION_INFO_V1(histories);
Datum
histories(PG_FUNCTION_ARGS)
{
	HistoriesJob job;
	const CustomerOps ops = {sizeof(HistoryEntry), create_entry, add_rows, log_of_entry, put_entry_aside,
	emit_entry, &job};
	SourceReader reader = {"histories", InvalidOid, NULL, start_source, take_rows, &job};
	SourceCounts counts;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("source must not be null"),
				 errhint("Give a SELECT of customer, day, value, or the name of a table with these columns.")));
	InitMaterializedSRF(fcinfo, 0);
	job.result = (ReturnSetInfo *) fcinfo->resultinfo;
	job.customers = customers_create(&ops, get_hash_memory_limit());
	job.row_context = AllocSetContextCreate(CurrentMemoryContext, "history of a customer",
											ALLOCSET_DEFAULT_SIZES);
	reader.key_type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	reader.time_zone = PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2);
	source_read(text_to_cstring(PG_GETARG_TEXT_PP(0)), &reader, &counts);
	customers_emit(job.customers);
	customers_free(job.customers);
	MemoryContextDelete(job.row_context);
	source_report(&counts);
	return (Datum) 0;
}
