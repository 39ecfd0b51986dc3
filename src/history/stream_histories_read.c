/*
 * stream_histories_read.c
 *		What stream_histories say: the history of a stream and of some of its
 *		kinds, and straight from the packed form, days and numbers of events.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"

#include "arguments.h"
#include "history.h"
#include "stream_histories.h"
#include "stream_log.h"

#include "compat.h"

/* ---- what is asked for ---- */

/* The entries of one stream whose kinds are in the set */
typedef struct Selection
{
	StreamReader reader;
	int			stream;
	const StreamKinds *kinds;	/* NULL: all */
	StreamKinds set;
} Selection;

/* Arguments: value, stream, and "kinds" at its place, which may be NULL */
static void
select_entries(Selection *selection, FunctionCallInfo fcinfo, int kinds)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	selection->stream = stream_check_stream(PG_GETARG_INT32(1));
	selection->kinds = NULL;
	if (!PG_ARGISNULL(kinds))
	{
		memset(&selection->set, 0, sizeof(selection->set));
		selection->kinds = &selection->set;
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(kinds), INT4OID, sizeof(int32), true,
						  TYPALIGN_INT, &elements, &nulls, &n);
		for (int i = 0; i < n; i++)
		{
			int			kind;

			if (nulls[i])
				null_element("kinds", "NULL in place of the array is all kinds.");
			kind = stream_check_kind(DatumGetInt32(elements[i]));
			selection->set.bits[kind / 64] |= UINT64CONST(1) << kind % 64;
		}
		pfree(elements);
		pfree(nulls);
	}
	stream_histories_open(&selection->reader, PG_GETARG_STREAM_HISTORIES_PP(0));
}

static bool
next_selected(Selection *selection, StreamEntry *entry)
{
	while (stream_histories_read(&selection->reader, entry))
	{
		if (STREAM_OF_KEY(entry->key) > selection->stream)
			return false;
		if (STREAM_OF_KEY(entry->key) == selection->stream &&
			stream_kind_is_in(selection->kinds, STREAM_KIND_OF_KEY(entry->key)))
			return true;
	}
	return false;
}

/* ---- histories ---- */

static History *
entry_history(const StreamEntry *entry)
{
	uint8	   *bytes;
	size_t		size;

	stream_histories_check(stream_entry_history(&server_host, entry, VARHDRSZ, &bytes, &size));
	SET_VARSIZE(bytes, size);
	return (History *) bytes;
}

PG_FUNCTION_INFO_V1(stream_history);
Datum
stream_history(PG_FUNCTION_ARGS)
{
	Selection	selection;
	StreamEntry entry;
	StreamEntry first;
	StreamReader sum;
	StreamLog  *log;
	StreamHistories *sums;
	size_t		n = 0;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	select_entries(&selection, fcinfo, 2);
	log = stream_log_create(CurrentMemoryContext);
	while (next_selected(&selection, &entry))
	{
		if (n++ == 0)
		{
			first = entry;
			continue;
		}
		/* all under one key, so that the log adds them up */
		if (n == 2)
			stream_histories_check(stream_log_add(&server_host, &log, &first));
		entry.key = first.key;
		stream_histories_check(stream_log_add(&server_host, &log, &entry));
	}
	if (n > 1)
	{
		sums = stream_histories_of_log(log, STREAM_RAISE);
		stream_histories_open(&sum, sums);
		n = stream_histories_read(&sum, &first) ? 1 : 0;
	}
	if (n == 0)
		PG_RETURN_HISTORY_P(history_pack(NULL, 0, 0));
	PG_RETURN_HISTORY_P(entry_history(&first));
}

PG_FUNCTION_INFO_V1(stream_kinds);
Datum
stream_kinds(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	StreamReader reader;
	StreamEntry entry;

	InitMaterializedSRF(fcinfo, 0);
	stream_histories_open(&reader, PG_GETARG_STREAM_HISTORIES_PP(0));
	while (stream_histories_read(&reader, &entry))
	{
		History    *history = entry_history(&entry);
		Datum		values[3] = {Int32GetDatum(STREAM_OF_KEY(entry.key)),
			Int32GetDatum(STREAM_KIND_OF_KEY(entry.key)),
		PointerGetDatum(history)};
		bool		nulls[3] = {false, false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		pfree(history);
		CHECK_FOR_INTERRUPTS();
	}
	return (Datum) 0;
}

/* ---- less of them ---- */

PG_FUNCTION_INFO_V1(stream_without_stream);
Datum
stream_without_stream(PG_FUNCTION_ARGS)
{
	StreamHistories *value = PG_GETARG_STREAM_HISTORIES_PP(0);
	int			stream = stream_check_stream(PG_GETARG_INT32(1));
	StreamReader reader;
	StreamEntry entry;
	StreamWriter writer;

	stream_histories_open(&reader, value);
	stream_write_open(&writer, &server_host, VARHDRSZ, VARSIZE_ANY_EXHDR(value));
	while (stream_histories_read(&reader, &entry))
	{
		if (STREAM_OF_KEY(entry.key) != stream)
			stream_histories_check(stream_write_entry(&writer, &entry));
	}
	PG_RETURN_STREAM_HISTORIES_P(stream_histories_of_bytes(writer.bytes, writer.used));
}

/* As without_negative_days(history, before), entry by entry */
PG_FUNCTION_INFO_V1(stream_without_negative_days);
Datum
stream_without_negative_days(PG_FUNCTION_ARGS)
{
	StreamHistories *value = PG_GETARG_STREAM_HISTORIES_PP(0);
	DateADT		before = PG_GETARG_DATEADT(1);
	StreamReader reader;
	StreamEntry entry;
	StreamWriter writer;

	stream_histories_open(&reader, value);
	stream_write_open(&writer, &server_host, VARHDRSZ, VARSIZE_ANY_EXHDR(value));
	while (stream_histories_read(&reader, &entry))
	{
		OpenHistory open;
		size_t		n;

		stream_histories_check(stream_unpack(&server_host, &open, &entry));
		n = history_drop_negative_days(open.days, open.n, before);
		stream_histories_check(n == open.n ? stream_write_entry(&writer, &entry) :
							   stream_write_days(&writer, entry.key, open.days, n, open.decimals));
		history_close(&open);
	}
	PG_RETURN_STREAM_HISTORIES_P(stream_histories_of_bytes(writer.bytes, writer.used));
}

/* ---- days, straight from the packed form ---- */

/* A day of a value: the greatest, or the least */
typedef struct Found
{
	bool		any;
	int32		day;
} Found;

static void
found_last(Found *found, int32 day)
{
	found->day = found->any ? Max(found->day, day) : day;
	found->any = true;
}

/* The last day of an entry with an event up to a day */
static void
look_for_last_day(Found *last, const StreamEntry *entry, int64 upto)
{
	bool		found;
	int32		day;

	stream_histories_check(history_last_day(entry->bytes, entry->len, upto, &found, &day));
	if (found)
		found_last(last, day);
}

#define RETURN_FOUND(found) \
	do { \
		if (!(found).any) \
			PG_RETURN_NULL(); \
		PG_RETURN_DATEADT((found).day); \
	} while (0)

PG_FUNCTION_INFO_V1(stream_last_activity);
Datum
stream_last_activity(PG_FUNCTION_ARGS)
{
	StreamHistories *value = PG_GETARG_STREAM_HISTORIES_PP(0);
	StreamReader reader;
	StreamEntry entry;
	Found		last = {false, 0};

	stream_histories_open(&reader, value);
	while (stream_histories_read(&reader, &entry))
		look_for_last_day(&last, &entry, HISTORY_MAX_DAY);
	if (last.any)
		RETURN_FOUND(last);

	/* nothing but corrections */
	stream_histories_open(&reader, value);
	while (stream_histories_read(&reader, &entry))
	{
		OpenHistory open;

		stream_histories_check(stream_unpack(&server_host, &open, &entry));
		if (open.n > 0)
			found_last(&last, open.days[open.n - 1].day);
		history_close(&open);
	}
	RETURN_FOUND(last);
}

PG_FUNCTION_INFO_V1(stream_first_day);
Datum
stream_first_day(PG_FUNCTION_ARGS)
{
	StreamReader reader;
	StreamEntry entry;
	Found		first = {false, 0};

	stream_histories_open(&reader, PG_GETARG_STREAM_HISTORIES_PP(0));
	while (stream_histories_read(&reader, &entry))
	{
		HistoryActivity activity;

		stream_histories_check(history_activity(entry.bytes, entry.len, HISTORY_SINCE_EVER,
												PG_GETARG_DATEADT(1), &activity));
		if (activity.active_days == 0)
			continue;
		first.day = first.any ? Min(first.day, activity.first_day) : activity.first_day;
		first.any = true;
	}
	RETURN_FOUND(first);
}

PG_FUNCTION_INFO_V1(stream_last_day);
Datum
stream_last_day(PG_FUNCTION_ARGS)
{
	Selection	selection;
	StreamEntry entry;
	Found		last = {false, 0};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	select_entries(&selection, fcinfo, 3);
	while (next_selected(&selection, &entry))
		look_for_last_day(&last, &entry, PG_GETARG_DATEADT(2));
	RETURN_FOUND(last);
}

/* ---- numbers of events ---- */

PG_FUNCTION_INFO_V1(stream_events);
Datum
stream_events(PG_FUNCTION_ARGS)
{
	Selection	selection;
	StreamEntry entry;
	int64		after = HISTORY_SINCE_EVER;
	int64		sum = 0;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(3))
		after = history_window_start(PG_GETARG_DATEADT(2), PG_GETARG_INT32(3));
	select_entries(&selection, fcinfo, 4);
	while (next_selected(&selection, &entry))
	{
		int64		events;
		HistoryError error = history_events(entry.bytes, entry.len, after, PG_GETARG_DATEADT(2),
											&events);

		if (error == HISTORY_OVERFLOW || (error == HISTORY_OK &&
										  __builtin_add_overflow(sum, events, &sum)))
			history_too_many_events();
		stream_histories_check(error);
	}
	PG_RETURN_INT64(sum);
}
