/*
 * histories.c
 *		histories(source, id): the history of every customer of a query, in one
 *		pass over its rows; and source_histories, the same for programs, which
 *		want to know in columns what has been left out.
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "arguments.h"
#include "compat.h"
#include "customer_history.h"
#include "large_memory.h"
#include "source.h"

/* Columns of the result; those of histories end with the history. */
enum
{
	COL_CUSTOMER,
	COL_HISTORY,
	COL_ROWS_READ,
	COL_NO_CUSTOMER,
	COL_NO_DAY,
	COL_NO_VALUE,
	COL_UNCONVERTIBLE,
	COLUMNS
};

typedef struct HistoriesJob
{
	CustomerTable *customers;
	ReturnSetInfo *result;
	MemoryContext row_context;
	bool		keep_going;
} HistoriesJob;

static void
emit_customer(CustomerTable *table, void *entry)
{
	HistoriesJob *job = table->ops->arg;
	CustomerHistory *customer = entry;
	MemoryContext old_context = MemoryContextSwitchTo(job->row_context);
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS];
	History    *history;

	memset(nulls, true, sizeof(nulls));
	nulls[COL_CUSTOMER] = false;
	values[COL_CUSTOMER] = customer->key;
	if (job->keep_going)
		history = customer->log != NULL ? history_of_log_if_it_fits(customer->log) : NULL;
	else
		history = history_of_log(customer->log);
	nulls[COL_HISTORY] = history == NULL;
	values[COL_HISTORY] = PointerGetDatum(history);
	tuplestore_putvalues(job->result->setResult, job->result->setDesc, values, nulls);
	MemoryContextSwitchTo(old_context);
	MemoryContextReset(job->row_context);
}

/* The last row of source_histories */
static void
emit_counts(HistoriesJob *job, const SourceCounts *counts)
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};

	nulls[COL_CUSTOMER] = nulls[COL_HISTORY] = true;
	values[COL_ROWS_READ] = Int64GetDatum(counts->rows);
	values[COL_NO_CUSTOMER] = Int64GetDatum(counts->no_customer);
	values[COL_NO_DAY] = Int64GetDatum(counts->no_day);
	values[COL_NO_VALUE] = Int64GetDatum(counts->no_value);
	values[COL_UNCONVERTIBLE] = Int64GetDatum(counts->unconvertible);
	tuplestore_putvalues(job->result->setResult, job->result->setDesc, values, nulls);
}

static void
start_source(void *arg, const SourceKey *key, bool of_histories pg_attribute_unused())
{
	customers_set_key(((HistoriesJob *) arg)->customers, key);
}

static void
take_rows(void *arg, SourceRow *rows, int n)
{
	customers_add(((HistoriesJob *) arg)->customers, rows, n);
}

static void
read_histories(FunctionCallInfo fcinfo, const char *function, bool counted, bool keep_going)
{
	HistoriesJob job;
	const CustomerOps ops = {sizeof(CustomerHistory), customer_history_create,
		keep_going ? customer_history_try_add : customer_history_add,
	customer_history_memory, customer_history_put_aside, emit_customer, &job};
	HistoryShareSettings settings = {keep_going};
	SourceReader reader = {.function = function, .for_model = counted, .keep_going = keep_going,
		.start = start_source, .take = take_rows, .arg = &job,
		.share = &history_share, .share_settings = &settings};
	SourceCounts counts;

	if (PG_ARGISNULL(0))
		null_argument("source", SOURCE_HINT);
	InitMaterializedSRF(fcinfo, 0);
	job.keep_going = keep_going;
	job.result = (ReturnSetInfo *) fcinfo->resultinfo;
	job.customers = customers_create(&ops, get_hash_memory_limit());
	job.row_context = AllocSetContextCreate(CurrentMemoryContext, "history of a customer",
											ALLOCSET_DEFAULT_SIZES);
	reader.schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	reader.key_type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	reader.time_zone = PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2);
	source_read(text_to_cstring(PG_GETARG_TEXT_PP(0)), &reader, &counts);
	if (!customers_spilled(job.customers))
		large_memory_result(job.result, job.customers->entries);
	customers_emit(job.customers);
	customers_free(job.customers);
	MemoryContextDelete(job.row_context);
	if (counted)
		emit_counts(&job, &counts);
	else
		source_report(&counts);
}

/* histories(source text, id anyelement, time_zone text DEFAULT NULL) */
PG_FUNCTION_INFO_V1(histories);
Datum
histories(PG_FUNCTION_ARGS)
{
	read_histories(fcinfo, "histories", false, false);
	return (Datum) 0;
}

/*
 * source_histories(source text, id anyelement, time_zone text DEFAULT NULL,
 * keep_going boolean DEFAULT false)
 */
PG_FUNCTION_INFO_V1(source_histories);
Datum
source_histories(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(3))
		null_argument("keep_going", "Give true to leave out rows that cannot be converted, false to stop at the first.");
	read_histories(fcinfo, "source_histories", true, PG_GETARG_BOOL(3));
	return (Datum) 0;
}
