/*
 * source.c
 *		Run a caller's query and hand on its rows: customer, day, value. Or
 *		customer and history: then the days of the history are the rows, and a
 *		customer who comes twice has the sum.
 *
 * The query runs through SPI with a receiver of our own, so that no copy of a
 * row is made, any SELECT works, and permissions and row-level security are
 * those of the caller. Here it is planned without parallel workers: gathering
 * rows from workers into one receiver is slower than the plain scan. Workers
 * that add up what they read are parallel_source.c's.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/scansup.h"
#include "pgtime.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "compat.h"
#include "fixed.h"
#include "history/history.h"
#include "parallel_source.h"
#include "source.h"

#define SELECT_HINT "Select customer, day, value in this order, for example SELECT customer_id, ordered_on, total FROM orders."

#define CAST_HINT "Select customer, day, value in this order, and cast the %s if need be: %s::%s."

/* The offset from UTC of one UTC day in a time zone */
typedef struct ZoneDay
{
	int64		utc_day;
	int64		offset;			/* in microseconds; only if constant */
	bool		known;
	bool		constant;
} ZoneDay;

#define ZONE_DAYS 1024

/* Further than any zone is from UTC */
#define ZONE_MARGIN (10 * USECS_PER_DAY)

/* How often progress is reported, and how often the clock is read for it */
#define PROGRESS_MS			15000
#define BATCHES_PER_LOOK	1024

struct SourceReceiver
{
	DestReceiver dest;
	const SourceReader *reader;
	SourceCounts *counts;
	SourceKey	key;
	Oid			key_base_type;
	Oid			day_type;
	FixedReader value;
	bool		has_counts;
	bool		of_histories;	/* the second column is one, and the last */
	pg_tz	   *zone;			/* NULL for a mere abbreviation */
	ZoneDay    *zone_days;		/* a cache, by UTC day */

	/* progress */
	uint64		batches;
	TimestampTz report_at;		/* when something was last said */

	/* the batch */
	MemoryContext context;		/* what reading its rows leaves behind */
	MemoryContext history;		/* the one that is being handed on */
	int			n;
	int			failed;			/* rows that could not be converted */
	SourceRow	rows[SOURCE_BATCH];
	char	   *keys;			/* bytes of keys by reference */
	Size		keys_used;
	Size		keys_size;
};

/* ---- the columns of the source ---- */

static void
column_error(const char *ordinal, Form_pg_attribute column, const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("%s column \"%s\" of the source is %s", ordinal, NameStr(column->attname), what),
			 errdetail("Its type is %s.", format_type_be(column->atttypid)),
			 errhint("%s", hint)));
}

static void
set_key(SourceReceiver *receiver, Form_pg_attribute column)
{
	SourceKey  *key = &receiver->key;
	Oid			wanted = receiver->reader->key_type;
	TypeCacheEntry *type;

	if (OidIsValid(wanted) && column->atttypid != wanted)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("first column \"%s\" of the source is of type %s, but id is of type %s",
						NameStr(column->attname), format_type_be(column->atttypid),
						format_type_be(wanted)),
				 errhint("Call %s(source, NULL::%s, ...), or cast the column to %s.",
						 receiver->reader->function, format_type_be(column->atttypid),
						 format_type_be(wanted))));
	type = lookup_type_cache(column->atttypid,
							 TYPECACHE_EQ_OPR_FINFO | TYPECACHE_HASH_PROC_FINFO |
							 TYPECACHE_HASH_EXTENDED_PROC_FINFO);
	if (!OidIsValid(type->eq_opr) || !OidIsValid(type->hash_proc))
		column_error("first", column, "of a type that cannot be hashed",
					 "Cast it to text, for example.");
	key->type = column->atttypid;
	receiver->key_base_type = getBaseType(column->atttypid);
	key->collation = column->attcollation;
	key->length = type->typlen;
	key->by_value = type->typbyval;
	key->integer = getBaseType(column->atttypid) == INT4OID ||
		getBaseType(column->atttypid) == INT8OID;
	/* copies, for some of these functions keep a cache */
	key->seeded = OidIsValid(type->hash_extended_proc);
	fmgr_info_copy(&key->equal, &type->eq_opr_finfo, CurrentMemoryContext);
	fmgr_info_copy(&key->hash,
				   key->seeded ? &type->hash_extended_proc_finfo : &type->hash_proc_finfo,
				   CurrentMemoryContext);
	/*
	 * The key of a model with tenants or kinds is ARRAY[...] of texts, which the
	 * executor has only one way to write.
	 */
	key->plain_array = receiver->reader->for_model && column->atttypid == TEXTARRAYOID &&
		(!OidIsValid(key->collation) || get_collation_isdeterministic(key->collation));
	/* A collation that can't be had would be an error at the first comparison only. */
	if (OidIsValid(type->typcollation) && !OidIsValid(key->collation))
		ereport(ERROR,
				(errcode(ERRCODE_INDETERMINATE_COLLATION),
				 errmsg("could not determine which collation to use for column \"%s\" of the source",
						NameStr(column->attname)),
				 errhint("Use the COLLATE clause to set the collation explicitly.")));
}

static void
set_day(SourceReceiver *receiver, Form_pg_attribute column)
{
	text	   *time_zone = receiver->reader->time_zone;

	receiver->day_type = getBaseType(column->atttypid);
	if (receiver->day_type == TIMESTAMPTZOID)
	{
		if (time_zone == NULL)
			column_error("second", column, "a point in time, and no time zone says which day that is",
						 psprintf("Call %s(..., time_zone => 'Europe/Paris'), or select (%s AT TIME ZONE 'Europe/Paris')::date.",
								  receiver->reader->function,
								  quote_identifier(NameStr(column->attname))));
		/* an unknown zone is an error even if there are no rows */
		(void) DirectFunctionCall2(timestamptz_zone, PointerGetDatum(time_zone),
								   TimestampTzGetDatum(0));
		receiver->zone = pg_tzset(text_to_cstring(time_zone));
		receiver->zone_days = palloc0(ZONE_DAYS * sizeof(ZoneDay));
	}
	else if (receiver->day_type != DATEOID && receiver->day_type != TIMESTAMPOID)
		column_error("second", column, "not a day",
					 psprintf(CAST_HINT, "day", quote_identifier(NameStr(column->attname)), "date"));
	else if (time_zone != NULL)
		column_error("second", column, "a calendar day already, so that time_zone has no meaning",
					 "Leave time_zone out.");
}

static bool
is_history(const SourceReader *reader, Form_pg_attribute column)
{
	return getBaseType(column->atttypid) ==
		GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("history"),
						ObjectIdGetDatum(reader->schema));
}

/* What the columns are; an error if they can't be read. */
const SourceKey *
source_receiver_understand(SourceReceiver *receiver, TupleDesc desc)
{
	const FixedReader *value;

	if (desc->natts == 2 && is_history(receiver->reader, TupleDescAttr(desc, 1)))
	{
		if (receiver->reader->time_zone != NULL)
			column_error("second", TupleDescAttr(desc, 1),
						 "a history, which has calendar days already, so that time_zone has no meaning",
						 "Leave time_zone out.");
		set_key(receiver, TupleDescAttr(desc, 0));
		receiver->of_histories = true;
		return &receiver->key;
	}
	if (desc->natts < 3 || desc->natts > 4)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the source must have three columns, or four, but has %d", desc->natts),
				 errdetail("They are customer, day, value, and optionally a boolean that says whether the row counts as an event; or customer and history, two columns."),
				 errhint(SELECT_HINT)));
	set_key(receiver, TupleDescAttr(desc, 0));
	set_day(receiver, TupleDescAttr(desc, 1));
	value = fixed_reader(getBaseType(TupleDescAttr(desc, 2)->atttypid));
	if (value == NULL)
		column_error("third", TupleDescAttr(desc, 2), "not a number",
					 psprintf(CAST_HINT, "value", quote_identifier(NameStr(TupleDescAttr(desc, 2)->attname)), "numeric"));
	receiver->value = *value;
	receiver->has_counts = desc->natts == 4;
	if (receiver->has_counts && getBaseType(TupleDescAttr(desc, 3)->atttypid) != BOOLOID)
		column_error("fourth", TupleDescAttr(desc, 3), "not a boolean",
					 "It says whether the row counts as an event; leave it out to let the sign of the value decide.");
	return &receiver->key;
}

/* The columns are understood: rows will come. */
void
source_receiver_start(SourceReceiver *receiver)
{
	receiver->reader->start(receiver->reader->arg, &receiver->key, receiver->of_histories);
}

static void
receiver_startup(DestReceiver *self, int operation pg_attribute_unused(), TupleDesc desc)
{
	SourceReceiver *receiver = (SourceReceiver *) self;

	source_receiver_understand(receiver, desc);
	source_receiver_start(receiver);
}

/* ---- days ---- */

static inline int64
floor_divide(int64 a, int64 b)
{
	return a / b - (a % b < 0);
}

static int64
zone_offset(text *time_zone, TimestampTz when)
{
	return DatumGetTimestamp(DirectFunctionCall2(timestamptz_zone, PointerGetDatum(time_zone),
												 TimestampTzGetDatum(when))) - when;
}

/*
 * The calendar day of a point in time. AT TIME ZONE looks the zone up by name
 * for each row; here the offset of each UTC day is kept, unless it changes
 * within that day.
 */
static int32
day_in_zone(SourceReceiver *receiver, TimestampTz when)
{
	text	   *time_zone = receiver->reader->time_zone;
	int64		utc_day = floor_divide(when, USECS_PER_DAY);
	ZoneDay    *day = &receiver->zone_days[(uint64) utc_day % ZONE_DAYS];

	if (!day->known || day->utc_day != utc_day)
	{
		TimestampTz start = utc_day * USECS_PER_DAY;
		TimestampTz end = start + USECS_PER_DAY;

		day->utc_day = utc_day;
		day->known = true;
		day->constant = false;
		/* not at the ends of the calendar */
		if (start >= MIN_TIMESTAMP + ZONE_MARGIN && end < END_TIMESTAMP - ZONE_MARGIN)
		{
			day->offset = zone_offset(time_zone, start);
			day->constant = day->offset == zone_offset(time_zone, end);
			if (day->constant && receiver->zone != NULL)
			{
				pg_time_t	from = timestamptz_to_time_t(start);
				pg_time_t	boundary;
				long int	before,
							after;
				int			before_dst,
							after_dst;

				if (pg_next_dst_boundary(&from, &before, &before_dst, &boundary,
										 &after, &after_dst, receiver->zone) == 1)
					day->constant = boundary >= from + SECS_PER_DAY;
			}
		}
	}
	when += day->constant ? day->offset : zone_offset(time_zone, when);
	return (int32) floor_divide(when, USECS_PER_DAY);
}

/* At the ends of the calendar a point in time may have no day in a zone. */
static bool
has_day_in_zone(text *time_zone, TimestampTz when)
{
	TimestampTz inside = Min(Max(when, MIN_TIMESTAMP + ZONE_MARGIN), END_TIMESTAMP - ZONE_MARGIN);

	return inside == when || IS_VALID_TIMESTAMP(when + zone_offset(time_zone, inside));
}

/* ---- rows that no model keeps ---- */

typedef enum RowFault
{
	ROW_OK,
	ROW_DAY_NOT_FINITE,
	ROW_DAY_OUT_OF_RANGE,
	ROW_VALUE_NOT_FINITE,
	ROW_VALUE_TOO_PRECISE,
	ROW_VALUE_TOO_LARGE,
	ROW_KEY_TOO_LONG
} RowFault;

/* Never with the customer or the amount: messages end up in logs. */
static void
raise_fault(RowFault fault)
{
	static const struct
	{
		int			code;
		const char *what;
	}			faults[] = {
		[ROW_DAY_NOT_FINITE] = {ERRCODE_DATETIME_VALUE_OUT_OF_RANGE, "its day is infinite"},
		[ROW_DAY_OUT_OF_RANGE] = {ERRCODE_DATETIME_VALUE_OUT_OF_RANGE, "its day is outside 4714-12-01 BC to 294276-12-31"},
		[ROW_VALUE_NOT_FINITE] = {ERRCODE_INVALID_PARAMETER_VALUE, "its value is not finite"},
		[ROW_VALUE_TOO_PRECISE] = {ERRCODE_INVALID_PARAMETER_VALUE, "its value has more than 9 decimals"},
		[ROW_VALUE_TOO_LARGE] = {ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "its value is beyond 10^12, or has more than 18 digits"},
		[ROW_KEY_TOO_LONG] = {ERRCODE_PROGRAM_LIMIT_EXCEEDED, "its customer has more than 1000 bytes"},
	};

	if (fault == ROW_OK)
		return;
	ereport(ERROR,
			(errcode(faults[fault].code),
			 errmsg("a row of the source can't be scored: %s", faults[fault].what),
			 errhint("Mend it, or let such rows be left out and counted: alter_model(..., on_error => 'reject').")));
}

static RowFault
value_fault(FixedError error)
{
	switch (error)
	{
		case FIXED_OK:
			break;
		case FIXED_NOT_FINITE:
			return ROW_VALUE_NOT_FINITE;
		case FIXED_TOO_PRECISE:
			return ROW_VALUE_TOO_PRECISE;
		case FIXED_OUT_OF_RANGE:
			return ROW_VALUE_TOO_LARGE;
	}
	return ROW_OK;
}

static RowFault
day_fault(int32 day)
{
	if (is_scorable_day(day))
		return ROW_OK;
	return DATE_NOT_FINITE(day) ? ROW_DAY_NOT_FINITE : ROW_DAY_OUT_OF_RANGE;
}

/* The bytes that a text takes in a customer_key, where : and \ of a tenant are escaped */
static Size
escaped_size(const struct varlena *value, bool is_tenant)
{
	const char *p = VARDATA_ANY(value);
	const char *end = p + VARSIZE_ANY_EXHDR(value);
	Size		size = VARSIZE_ANY_EXHDR(value);

	for (; is_tenant && p < end; p += pg_mblen(p))
	{
		if (*p == ':' || *p == '\\')
			size++;
	}
	return size;
}

/*
 * Is the customer_key, which the key becomes in a model, too long for an
 * index? Keys of models are integers, uuid, numeric, text, varchar and char;
 * with tenants arrays of the tenant and the customer.
 */
static bool
key_is_too_long(const SourceReceiver *receiver, Datum datum)
{
	const struct varlena *key;
	Size		size;

	if (receiver->key.length != -1)
		return false;
	/* no key is longer than it is stored, but for numerics */
	size = toast_raw_datum_size(datum);
	switch (receiver->key_base_type)
	{
		case TEXTOID:
		case VARCHAROID:
			return size - VARHDRSZ > MAX_KEY_BYTES;
		case BPCHAROID:
			if (size - VARHDRSZ <= MAX_KEY_BYTES)
				return false;
			key = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(datum));
			return bpchartruelen(VARDATA_ANY(key), (int) VARSIZE_ANY_EXHDR(key)) > MAX_KEY_BYTES;
		case NUMERICOID:
			{
				int64		value;
				int			decimals;

				if (fixed_from_numeric(datum, &value, &decimals) == FIXED_OK)
					return false;
			}
			datum = DirectFunctionCall1(numeric_trim_scale, datum);
			return strlen(DatumGetCString(DirectFunctionCall1(numeric_out, datum))) > MAX_KEY_BYTES;
		case TEXTARRAYOID:
			if (size <= MAX_KEY_BYTES / 2)
				return false;
			{
				Datum	   *parts;
				bool	   *nulls;
				int			n;
				Size		total = 0;

				deconstruct_array(DatumGetArrayTypeP(datum), TEXTOID, -1, false, TYPALIGN_INT,
								  &parts, &nulls, &n);
				for (int i = 0; i < n; i++)
				{
					if (!nulls[i])
						total += (i > 0) +
							escaped_size((struct varlena *) DatumGetPointer(parts[i]), i < n - 1);
				}
				return total > MAX_KEY_BYTES;
			}
	}
	return false;
}

/* Why a row has no day; with the limits of models, the day itself may be one */
static RowFault
row_day(SourceReceiver *receiver, Datum datum, int32 *day)
{
	const SourceReader *reader = receiver->reader;

	if (receiver->day_type == DATEOID)
		*day = DatumGetDateADT(datum);
	else
	{
		Timestamp	when = DatumGetTimestamp(datum);

		if (unlikely(TIMESTAMP_NOT_FINITE(when)))
			*day = TIMESTAMP_IS_NOBEGIN(when) ? DATEVAL_NOBEGIN : DATEVAL_NOEND;
		else if (receiver->day_type == TIMESTAMPOID)
			*day = (int32) floor_divide(when, USECS_PER_DAY);
		else if (reader->for_model && !has_day_in_zone(reader->time_zone, when))
			return ROW_DAY_OUT_OF_RANGE;
		else
			*day = day_in_zone(receiver, when);
	}
	if (reader->for_model)
		return day_fault(*day);
	history_check_day(*day);
	return ROW_OK;
}

/* ---- rows ---- */

Size
source_key_size(const SourceKey *key, Datum datum)
{
	if (key->length > 0)
		return (Size) key->length;
	if (key->length == -2)
		return strlen(DatumGetCString(datum)) + 1;
	return VARSIZE_ANY(DatumGetPointer(datum));
}

static inline uint64
mix(uint64 hash)
{
	hash ^= hash >> 33;
	hash *= UINT64CONST(0xff51afd7ed558ccd);
	hash ^= hash >> 33;
	hash *= UINT64CONST(0xc4ceb9fe1a85ec53);
	hash ^= hash >> 33;
	return hash;
}

uint64
source_key_hash(SourceKey *key, Datum datum)
{
	if (key->integer)
		return mix((uint64) datum);
	if (key->plain_array)
		return mix(hash_bytes_extended((const unsigned char *) VARDATA_ANY(DatumGetPointer(datum)),
									   (int) VARSIZE_ANY_EXHDR(DatumGetPointer(datum)), 0));
	if (key->seeded)
		return mix(DatumGetUInt64(FunctionCall2Coll(&key->hash, key->collation, datum,
													Int64GetDatum(0))));
	return mix(DatumGetUInt32(FunctionCall1Coll(&key->hash, key->collation, datum)));
}

/* Tells those who wait for long how far it is. */
static void
report_progress(SourceReceiver *receiver)
{
	TimestampTz now = GetCurrentTimestamp();

	if (receiver->report_at == 0)
		receiver->report_at = now;
	if (!TimestampDifferenceExceeds(receiver->report_at, now, PROGRESS_MS))
		return;
	receiver->report_at = now;
	ereport(NOTICE,
			(errmsg("%s has read " INT64_FORMAT " rows of the source",
					receiver->reader->function, receiver->counts->rows)));
}

/* A batch has been read: is there something to tell? */
void
source_receiver_look(SourceReceiver *receiver)
{
	if (++receiver->batches % BATCHES_PER_LOOK == 1 && !receiver->reader->quiet)
		report_progress(receiver);
}

static void
flush(SourceReceiver *receiver)
{
	if (receiver->n > 0)
		receiver->reader->take(receiver->reader->arg, receiver->rows, receiver->n);
	source_receiver_look(receiver);
	receiver->n = receiver->failed = 0;
	receiver->keys_used = 0;
	MemoryContextReset(receiver->context);
}

/* Keep a key by reference until the batch is flushed. */
static Datum
keep_key(SourceReceiver *receiver, Datum datum)
{
	bool		toasted = receiver->key.length == -1 &&
		VARATT_IS_EXTENDED(DatumGetPointer(datum)) &&
		!VARATT_IS_SHORT(DatumGetPointer(datum));
	struct varlena *plain = NULL;
	Size		size = toasted ? toast_raw_datum_size(datum) :
		source_key_size(&receiver->key, datum);
	char	   *kept;

	if (receiver->keys_used + size > receiver->keys_size)
	{
		flush(receiver);
		if (size > receiver->keys_size)
		{
			pfree(receiver->keys);
			receiver->keys = MemoryContextAllocHuge(GetMemoryChunkContext(receiver), size);
			receiver->keys_size = size;
		}
	}
	if (toasted)
	{
		plain = pg_detoast_datum((struct varlena *) DatumGetPointer(datum));
		datum = PointerGetDatum(plain);
		Assert(VARSIZE(plain) == size);
	}
	kept = receiver->keys + receiver->keys_used;
	memcpy(kept, DatumGetPointer(datum), size);
	receiver->keys_used += MAXALIGN(size);
	if (plain != NULL)
		pfree(plain);
	return PointerGetDatum(kept);
}

/* The numbers of a row, NULLs aside; or why a model leaves it out */
static RowFault
read_row(SourceReceiver *receiver, TupleTableSlot *slot, SourceRow *row)
{
	int			decimals;
	FixedError	error;
	RowFault	fault = row_day(receiver, slot->tts_values[1], &row->day);

	if (unlikely(fault != ROW_OK))
		return fault;
	error = receiver->value.read(slot->tts_values[2], &row->value, &decimals);
	if (unlikely(error != FIXED_OK))
	{
		if (receiver->reader->for_model)
			return value_fault(error);
		fixed_raise(error, receiver->value.type, slot->tts_values[2]);
	}
	if (receiver->reader->for_model)
	{
		if (unlikely(!fixed_is_sane(row->value, decimals)))
			return ROW_VALUE_TOO_LARGE;
		if (unlikely(key_is_too_long(receiver, slot->tts_values[0])))
			return ROW_KEY_TOO_LONG;
	}
	row->decimals = (uint8) decimals;
	if (receiver->has_counts && !slot->tts_isnull[3])
		row->events = DatumGetBool(slot->tts_values[3]);
	else
		row->events = row->value >= 0;
	return ROW_OK;
}

/* The key of a row, kept for the batch */
static Datum
read_key(SourceReceiver *receiver, Datum key)
{
	if (!receiver->key.by_value)
		return keep_key(receiver, key);		/* may flush */
	if (receiver->key.length == sizeof(int32))
		/* JIT in old minor releases clears the upper half */
		return Int32GetDatum(DatumGetInt32(key));
	return key;
}

/* Why a model leaves a history out: all of it, as it leaves out a row */
static RowFault
history_fault(SourceReceiver *receiver, Datum key, const OpenHistory *open)
{
	if (open->n > 0 && !is_scorable_day(open->days[0].day))
		return day_fault(open->days[0].day);
	if (open->n > 0 && !is_scorable_day(open->days[open->n - 1].day))
		return day_fault(open->days[open->n - 1].day);
	return key_is_too_long(receiver, key) ? ROW_KEY_TOO_LONG : ROW_OK;
}

/*
 * The days of a history as rows, in as many batches as they need. Without any,
 * one that adds nothing says that there is such a customer.
 */
static void
take_days(SourceReceiver *receiver, Datum given, const OpenHistory *open)
{
	static const HistoryDay nothing = {0, 0, HISTORY_MIN_DAY};
	const HistoryDay *days = open->n > 0 ? open->days : &nothing;
	size_t		n = Max(open->n, 1);
	Datum		key = (Datum) 0;
	uint64		hash = 0;

	for (size_t i = 0; i < n; i++)
	{
		SourceRow  *row;
		MemoryContext old_context;

		if (i == 0 || receiver->n == 0)
		{
			/* where rows are is only known then: this may flush */
			old_context = MemoryContextSwitchTo(receiver->context);
			key = read_key(receiver, given);
			hash = source_key_hash(&receiver->key, key);
			MemoryContextSwitchTo(old_context);
		}
		row = &receiver->rows[receiver->n++];
		row->key = key;
		row->hash = hash;
		row->day = days[i].day;
		row->value = days[i].total;
		row->events = days[i].events;
		row->decimals = (uint8) open->decimals;
		if (receiver->n + receiver->failed == SOURCE_BATCH)
		{
			CHECK_FOR_INTERRUPTS();
			flush(receiver);
		}
	}
}

static void
receive_history(SourceReceiver *receiver, TupleTableSlot *slot)
{
	SourceCounts *counts = receiver->counts;
	MemoryContext old_context;
	OpenHistory open;
	RowFault	fault = ROW_OK;

	slot_getsomeattrs(slot, 2);
	counts->rows++;
	if (slot->tts_isnull[0] || slot->tts_isnull[1])
	{
		if (slot->tts_isnull[0])
			counts->no_customer++;
		else
			counts->no_value++;
		return;
	}
	old_context = MemoryContextSwitchTo(receiver->history);
	history_open(&open, (History *) PG_DETOAST_DATUM_PACKED(slot->tts_values[1]));
	if (receiver->reader->for_model)
		fault = history_fault(receiver, slot->tts_values[0], &open);
	if (fault == ROW_OK)
		take_days(receiver, slot->tts_values[0], &open);
	else
	{
		if (!receiver->reader->keep_going)
			raise_fault(fault);
		counts->unconvertible++;
	}
	MemoryContextSwitchTo(old_context);
	MemoryContextReset(receiver->history);
}

static bool
receiver_receive(TupleTableSlot *slot, DestReceiver *self)
{
	SourceReceiver *receiver = (SourceReceiver *) self;
	SourceCounts *counts = receiver->counts;
	SourceRow  *row;
	MemoryContext old_context;
	Datum		key;
	RowFault	fault;

	if (receiver->of_histories)
	{
		receive_history(receiver, slot);
		return true;
	}
	slot_getsomeattrs(slot, receiver->has_counts ? 4 : 3);
	counts->rows++;
	if (unlikely(slot->tts_isnull[0] || slot->tts_isnull[1] || slot->tts_isnull[2]))
	{
		if (slot->tts_isnull[0])
			counts->no_customer++;
		else if (slot->tts_isnull[1])
			counts->no_day++;
		else
			counts->no_value++;
		return true;
	}

	old_context = MemoryContextSwitchTo(receiver->context);
	key = read_key(receiver, slot->tts_values[0]);
	row = &receiver->rows[receiver->n];
	row->key = key;
	row->hash = source_key_hash(&receiver->key, key);
	fault = read_row(receiver, slot, row);
	if (likely(fault == ROW_OK))
		receiver->n++;
	else
	{
		if (!receiver->reader->keep_going)
			raise_fault(fault);
		counts->unconvertible++;
		receiver->failed++;		/* has taken memory of the batch all the same */
	}
	if (receiver->n + receiver->failed == SOURCE_BATCH)
		flush(receiver);
	MemoryContextSwitchTo(old_context);
	return true;
}

static void
receiver_nothing(DestReceiver *self pg_attribute_unused())
{
}

/* In the current memory context. */
SourceReceiver *
source_receiver_create(const SourceReader *reader, SourceCounts *counts)
{
	SourceReceiver *receiver = palloc0(sizeof(SourceReceiver));

	receiver->dest.receiveSlot = receiver_receive;
	receiver->dest.rStartup = receiver_startup;
	receiver->dest.rShutdown = receiver_nothing;
	receiver->dest.rDestroy = receiver_nothing;
	receiver->dest.mydest = DestTuplestore;
	receiver->reader = reader;
	receiver->counts = counts;
	receiver->context = AllocSetContextCreate(CurrentMemoryContext, "rows of the source",
											  ALLOCSET_DEFAULT_SIZES);
	receiver->history = AllocSetContextCreate(CurrentMemoryContext, "history of the source",
											  ALLOCSET_DEFAULT_SIZES);
	receiver->keys_size = 16384;
	receiver->keys = palloc(receiver->keys_size);
	memset(counts, 0, sizeof(*counts));
	return receiver;
}

void
source_receiver_receive(SourceReceiver *receiver, TupleTableSlot *slot)
{
	receiver_receive(slot, &receiver->dest);
}

/* Hand on the rows that wait for their batch to be full. */
void
source_receiver_flush(SourceReceiver *receiver)
{
	flush(receiver);
}

/* It is understood and started by the executor. */
DestReceiver *
source_receiver_dest(SourceReceiver *receiver)
{
	return &receiver->dest;
}

void
source_receiver_free(SourceReceiver *receiver)
{
	MemoryContextDelete(receiver->context);
	MemoryContextDelete(receiver->history);
	pfree(receiver->keys);
	pfree(receiver);
}

/* ---- the query ---- */

/* A name as SQL reads it, maybe qualified; NULL if the text is anything else */
static char *
as_relation_name(const char *source)
{
	const char *c = source;
	int			parts = 0;

	for (;;)
	{
		while (scanner_isspace(*c))
			c++;
		if (*c == '"')
		{
			for (c++; *c && (*c != '"' || c[1] == '"'); c++)
				if (*c == '"')
					c++;
			if (*c++ != '"')
				return NULL;
		}
		else
		{
			if (!(isalpha((unsigned char) *c) || *c == '_' || IS_HIGHBIT_SET(*c)))
				return NULL;
			while (isalnum((unsigned char) *c) || *c == '_' || *c == '$' || IS_HIGHBIT_SET(*c))
				c++;
		}
		parts++;
		while (scanner_isspace(*c))
			c++;
		if (*c == '\0')
			return parts <= 3 ? psprintf("TABLE %s", source) : NULL;
		if (*c++ != '.')
			return NULL;
	}
}

/* Prepare the source, which must be one SELECT. */
SPIPlanPtr
source_prepare(const char *source)
{
	const char *query = as_relation_name(source);
	SPIPlanPtr	plan;
	List	   *statements;
	RawStmt    *statement;
	ListCell   *cell;

	/* no CURSOR_OPT_PARALLEL_OK */
	plan = SPI_prepare_cursor(query != NULL ? query : source, 0, NULL, 0);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor failed: %s", SPI_result_code_string(SPI_result));
	statements = SPI_plan_get_plan_sources(plan);
	if (list_length(statements) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("source must be one SELECT, or the name of a table or view, but has %d statements",
						list_length(statements)),
				 errhint(SELECT_HINT)));
	statement = ((CachedPlanSource *) linitial(statements))->raw_parse_tree;
	if (statement == NULL || !IsA(statement->stmt, SelectStmt) ||
		((SelectStmt *) statement->stmt)->intoClause != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("source must be one SELECT, or the name of a table or view"),
				 errhint(SELECT_HINT)));
	foreach(cell, ((CachedPlanSource *) linitial(statements))->query_list)
	{
		Query	   *query = lfirst_node(Query, cell);

		if (query->hasModifyingCTE || query->rowMarks != NIL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("source must not change or lock rows"),
					 errhint("Leave out INSERT, UPDATE, DELETE and FOR UPDATE.")));
	}
	return plan;
}

/* Have a receiver get all that a plan returns, under the SPI connection of the caller. */
void
source_run_plan(SPIPlanPtr plan, DestReceiver *dest)
{
	SPIExecuteOptions options = {0};
	int			result;

	options.read_only = true;
	options.must_return_tuples = true;
	options.dest = dest;
	result = SPI_execute_plan_extended(plan, &options);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan_extended failed: %s", SPI_result_code_string(result));
}

/*
 * Read what a plan returns from beginning to end, under the SPI connection of
 * the caller. "start" and "take" are called in memory contexts that go away:
 * what they keep, they allocate elsewhere.
 */
void
source_read_plan(SPIPlanPtr plan, const SourceReader *reader, SourceCounts *counts)
{
	SourceReceiver *receiver = source_receiver_create(reader, counts);

	source_run_plan(plan, &receiver->dest);
	flush(receiver);
	source_receiver_free(receiver);
}

/* The same for a query, by as many workers as the planner would have for it. */
void
source_read(const char *source, const SourceReader *reader, SourceCounts *counts)
{
	MemoryContext context = CurrentMemoryContext;
	SPIPlanPtr	plan;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = source_prepare(source);
	MemoryContextSwitchTo(context);
	if (!parallel_source_read(plan, reader, counts))
	{
		source_read_plan(plan, reader, counts);
		source_report_workers(reader, counts, 0);
	}
	SPI_finish();
}

/* For who wants to know it: client_min_messages = debug1 */
void
source_report_workers(const SourceReader *reader, const SourceCounts *counts, int workers)
{
	ereport(DEBUG1,
			(errmsg_plural("%s has read " INT64_FORMAT " rows of the source with %d parallel worker",
						   "%s has read " INT64_FORMAT " rows of the source with %d parallel workers",
						   workers, reader->function, counts->rows, workers)));
}

/* Say what was left out, and why. */
void
source_report(const SourceCounts *counts)
{
	int64		left_out = counts->no_customer + counts->no_day + counts->no_value;

	if (left_out > 0)
		ereport(NOTICE,
				(errmsg("left out " INT64_FORMAT " of " INT64_FORMAT " rows of the source: "
						INT64_FORMAT " without a customer, " INT64_FORMAT " without a day, "
						INT64_FORMAT " without a value",
						left_out, counts->rows, counts->no_customer, counts->no_day,
						counts->no_value)));
}
