/*
 * cohorts.c
 *		Histories by the months or weeks since their first event: the periods of
 *		one history (cohort_periods), and those of many added up (_cohort_sums).
 *
 * The sums are kept by cohort and period, of which there are few. A row for each
 * customer and period, grouped by the server, would cost ten times as much.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "fmgr.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"

#include "aggregate.h"
#include "arguments.h"
#include "fixed.h"
#include "history.h"

#include "compat.h"

typedef enum CohortUnit
{
	COHORT_MONTH,
	COHORT_WEEK
} CohortUnit;

static CohortUnit
cohort_unit(const text *unit)
{
	const char *name = VARDATA_ANY(unit);
	int			length = (int) VARSIZE_ANY_EXHDR(unit);

	if (length == 5 && memcmp(name, "month", 5) == 0)
		return COHORT_MONTH;
	if (length == 4 && memcmp(name, "week", 4) == 0)
		return COHORT_WEEK;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unit is \"%s\", not month or week", text_to_cstring(unit))));
}

/* ---- the periods of one history ---- */

/* A month or a week, from its first day to the day before that of the next */
typedef struct Period
{
	int32		number;			/* months of the calendar, or weeks that begin on Monday */
	DateADT		start;
	int64		next;
} Period;

static void
find_period(CohortUnit unit, DateADT day, Period *period)
{
	int			julian = day + POSTGRES_EPOCH_JDATE;
	int			year;
	int			month;
	int			day_of_month;

	if (unit == COHORT_WEEK)
	{
		/* Julian day 0 was a Monday */
		period->number = julian / 7;
		period->start = day - julian % 7;
		period->next = (int64) period->start + 7;
		return;
	}
	j2date(julian, &year, &month, &day_of_month);
	period->number = year * MONTHS_PER_YEAR + month;
	period->start = day - day_of_month + 1;
	period->next = (int64) period->start + day_tab[isleap(year)][month - 1];
}

/* Where we are in a history that is read period by period */
typedef struct CohortScan
{
	OpenHistory open;
	const History *history;		/* for a total that fits no int64 */
	CohortUnit	unit;
	Period		cohort;			/* that of the first event */
	size_t		next;			/* the first day of the next period */
	size_t		end;			/* the first day after as_of */
} CohortScan;

/* What a period holds */
typedef struct CohortPeriod
{
	int32		since;			/* how many periods after the cohort's */
	int64		events;
	bool		fits;			/* does the total fit 64 bits? */
	int64		total;			/* in units of the history */
	size_t		first;			/* its days in the history, [first, end) */
	size_t		end;
} CohortPeriod;

/* Open a history that counts up to as_of; without an event it has no periods. */
static void
cohort_begin(CohortScan *scan, const History *history, DateADT as_of, CohortUnit unit)
{
	size_t		first = 0;

	scan->history = history;
	scan->unit = unit;
	scan->next = scan->end = 0;
	history_open(&scan->open, history);
	while (scan->end < scan->open.n && scan->open.days[scan->end].day <= as_of)
		scan->end++;
	while (first < scan->end && scan->open.days[first].events <= 0)
		first++;
	if (first == scan->end)
		scan->end = 0;
	else
		find_period(unit, scan->open.days[first].day, &scan->cohort);
}

/* The next period: what came before the first event, refunds, counts in that of the event. */
static bool
cohort_next(CohortScan *scan, CohortPeriod *result)
{
	const HistoryDay *days = scan->open.days;
	Period		period = scan->cohort;

	if (scan->next >= scan->end)
		return false;
	if (days[scan->next].day >= period.next)
		find_period(scan->unit, days[scan->next].day, &period);
	result->since = period.number - scan->cohort.number;
	result->events = result->total = 0;
	result->fits = true;
	result->first = scan->next;
	for (; scan->next < scan->end && days[scan->next].day < period.next; scan->next++)
	{
		result->events += days[scan->next].events;
		result->fits = result->fits &&
			!pg_add_s64_overflow(result->total, days[scan->next].total, &result->total);
	}
	result->end = scan->next;
	return true;
}

static Numeric
period_total(const CohortScan *scan, const CohortPeriod *period)
{
	const HistoryDay *days = scan->open.days;

	if (period->fits)
		return fixed_to_numeric(period->total, scan->open.decimals);
	return history_numeric_total(scan->history, (int64) days[period->first].day - 1,
								 days[period->end - 1].day);
}

PG_FUNCTION_INFO_V1(history_cohort_periods);
Datum
history_cohort_periods(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	CohortScan *scan;
	CohortPeriod period;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		TupleDesc	desc;
		DateADT		as_of = check_day("as_of", PG_GETARG_DATEADT(1));

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "cohort_periods must return a row type");
		call->tuple_desc = BlessTupleDesc(desc);
		scan = palloc(sizeof(CohortScan));
		cohort_begin(scan, (History *) PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0)), as_of,
					 cohort_unit(PG_GETARG_TEXT_PP(2)));
		call->user_fctx = scan;
		MemoryContextSwitchTo(old);
	}

	call = SRF_PERCALL_SETUP();
	scan = call->user_fctx;
	if (cohort_next(scan, &period))
	{
		Datum		values[4] = {DateADTGetDatum(scan->cohort.start), Int32GetDatum(period.since),
		Int64GetDatum(period.events), NumericGetDatum(period_total(scan, &period))};
		bool		nulls[4] = {false, false, false, false};

		SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
	}
	SRF_RETURN_DONE(call);
}

/* ---- the periods of many histories ---- */

/*
 * A sum in units of the state, with what doesn't fit beside it. No sum fails, as
 * none of numerics does.
 */
typedef struct CohortSum
{
	int128		sum;
	Numeric		rest;			/* NULL: nothing */
} CohortSum;

/* What the customers of a cohort have done so many periods later */
typedef struct CohortCell
{
	uint64		key;
	int64		active;			/* customers with an event in the period */
	CohortSum	total;
	CohortSum	squares;		/* by how much the squares of what each has brought have grown */
	char		status;
} CohortCell;

#define SH_PREFIX cells
#define SH_ELEMENT_TYPE CohortCell
#define SH_KEY_TYPE uint64
#define SH_KEY key
#define SH_HASH_KEY(tb, key) \
	(murmurhash32((uint32) ((key) >> 32)) ^ murmurhash32((uint32) (key) + 1))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct CohortSums
{
	cells_hash *cells;
	int			decimals;		/* of totals; squares have twice as many */
} CohortSums;

#define FIRST_CELLS 256

/* The first day of the cohort, and the number of periods since */
static inline uint64
cell_key(DateADT cohort, int32 since)
{
	return (uint64) (uint32) cohort << 32 | (uint32) since;
}

static CohortCell *
get_cell(CohortSums *state, uint64 key)
{
	bool		found;
	CohortCell *cell = cells_insert(state->cells, key, &found);

	if (!found)
	{
		cell->active = 0;
		memset(&cell->total, 0, sizeof(CohortSum));
		memset(&cell->squares, 0, sizeof(CohortSum));
	}
	return cell;
}

static CohortSums *
make_sums(MemoryContext context)
{
	CohortSums *state = MemoryContextAlloc(context, sizeof(CohortSums));

	state->cells = cells_create(context, FIRST_CELLS, NULL);
	state->decimals = 0;
	return state;
}

static Numeric
plus(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(a),
											   NumericGetDatum(b)));
}

static void
add_numeric(CohortSum *sum, Numeric value)
{
	Numeric		old = sum->rest;

	sum->rest = plus(old != NULL ? old : fixed_to_numeric(0, 0), value);
	if (old != NULL)
		pfree(old);
}

static void
add_wide(CohortSum *sum, int128 value, int decimals)
{
	int128		result;

	if (unlikely(__builtin_add_overflow(sum->sum, value, &result)))
	{
		add_numeric(sum, fixed_wide_to_numeric(sum->sum, decimals));
		result = value;
	}
	sum->sum = result;
}

static Numeric
sum_numeric(const CohortSum *sum, int decimals)
{
	Numeric		wide = fixed_wide_to_numeric(sum->sum, decimals);

	return sum->rest != NULL ? plus(wide, sum->rest) : wide;
}

static void
rescale(CohortSum *sum, int from, int to)
{
	int128		result = sum->sum;

	for (int i = from; i < to; i++)
	{
		if (__builtin_mul_overflow(result, 10, &result))
		{
			add_numeric(sum, fixed_wide_to_numeric(sum->sum, from));
			result = 0;
			break;
		}
	}
	sum->sum = result;
}

/* From now on totals have so many decimals, which is more than before. */
static void
set_decimals(CohortSums *state, int decimals)
{
	cells_iterator iterator;
	CohortCell *cell;

	cells_start_iterate(state->cells, &iterator);
	while ((cell = cells_iterate(state->cells, &iterator)) != NULL)
	{
		rescale(&cell->total, state->decimals, decimals);
		rescale(&cell->squares, 2 * state->decimals, 2 * decimals);
	}
	state->decimals = decimals;
}

/* Up to here three times the product of two numbers fits 127 bits. */
#define SMALL_TOTAL (INT64CONST(1) << 61)

/* Does whatever is added of the history, in these units, stay below SMALL_TOTAL? */
static bool
is_small(const CohortScan *scan, int64 unit)
{
	int64		limit = SMALL_TOTAL / unit;

	for (size_t i = 0; i < scan->end; i++)
	{
		int64		total = scan->open.days[i].total;

		if (total > limit || total < -limit)
			return false;
		limit -= total < 0 ? -total : total;
	}
	return true;
}

/*
 * A period in which somebody who has brought "so_far" before brings "total": the
 * square of what they have brought grows by total * (2 * so_far + total).
 */
static void
add_numeric_period(CohortCell *cell, Numeric *so_far, Numeric total)
{
	Numeric		after = plus(*so_far, total);

	add_numeric(&cell->total, total);
	add_numeric(&cell->squares,
				DatumGetNumeric(DirectFunctionCall2(numeric_mul, NumericGetDatum(total),
													NumericGetDatum(plus(*so_far, after)))));
	*so_far = after;
}

/* Arguments: state, history, as_of, unit. Rows with NULL are left out. */
PG_FUNCTION_INFO_V1(cohort_sums_transition);
Datum
cohort_sums_transition(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	MemoryContext old_context;
	CohortSums *state;
	CohortScan	scan;
	CohortPeriod period;
	History    *history;
	int64		unit;
	int64		so_far = 0;
	Numeric		numeric_so_far = NULL;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		RETURN_STATE();
	state = PG_ARGISNULL(0) ? make_sums(context) : (CohortSums *) PG_GETARG_POINTER(0);
	history = PG_GETARG_HISTORY_PP(1);
	cohort_begin(&scan, history, check_day("as_of", PG_GETARG_DATEADT(2)),
				 cohort_unit(PG_GETARG_TEXT_PP(3)));
	old_context = MemoryContextSwitchTo(context);
	if (scan.open.decimals > state->decimals)
		set_decimals(state, scan.open.decimals);
	unit = history_power_of_ten(state->decimals - scan.open.decimals);
	if (!is_small(&scan, unit))
		numeric_so_far = fixed_to_numeric(0, 0);
	while (cohort_next(&scan, &period))
	{
		CohortCell *cell = get_cell(state, cell_key(scan.cohort.start, period.since));

		if (period.events > 0)
			cell->active++;
		if (unlikely(numeric_so_far != NULL))
			add_numeric_period(cell, &numeric_so_far, period_total(&scan, &period));
		else
		{
			int64		total = period.total * unit;

			add_wide(&cell->total, total, state->decimals);
			add_wide(&cell->squares, (int128) total * (2 * so_far + total), 2 * state->decimals);
			so_far += total;
		}
	}
	MemoryContextSwitchTo(old_context);
	history_close(&scan.open);
	PG_FREE_IF_COPY(history, 1);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(cohort_sums_combine);
Datum
cohort_sums_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	MemoryContext old_context;
	CohortSums *state;
	CohortSums *other;
	cells_iterator iterator;
	CohortCell *cell;

	RETURN_ONLY_STATE();
	state = PG_ARGISNULL(0) ? make_sums(context) : (CohortSums *) PG_GETARG_POINTER(0);
	other = (CohortSums *) PG_GETARG_POINTER(1);
	old_context = MemoryContextSwitchTo(context);
	if (other->decimals > state->decimals)
		set_decimals(state, other->decimals);
	cells_start_iterate(other->cells, &iterator);
	while ((cell = cells_iterate(other->cells, &iterator)) != NULL)
	{
		CohortCell *mine = get_cell(state, cell->key);

		mine->active += cell->active;
		add_numeric(&mine->total, sum_numeric(&cell->total, other->decimals));
		add_numeric(&mine->squares, sum_numeric(&cell->squares, 2 * other->decimals));
	}
	MemoryContextSwitchTo(old_context);
	PG_RETURN_POINTER(state);
}

static int
compare_cells(const void *a, const void *b)
{
	int64		x = (int64) (*(CohortCell *const *) a)->key;
	int64		y = (int64) (*(CohortCell *const *) b)->key;

	return (x > y) - (x < y);
}

/*
 * The cells by cohort and period. The table has them in an order that depends on the
 * order of the rows, which no result may.
 */
static CohortCell **
sorted_cells(const CohortSums *state)
{
	CohortCell **cells = palloc(Max(state->cells->members, 1) * sizeof(CohortCell *));
	int			n = 0;
	cells_iterator iterator;
	CohortCell *cell;

	cells_start_iterate(state->cells, &iterator);
	while ((cell = cells_iterate(state->cells, &iterator)) != NULL)
		cells[n++] = cell;
	qsort(cells, (size_t) n, sizeof(CohortCell *), compare_cells);
	return cells;
}

static void
send_numeric(StringInfo buffer, Numeric value)
{
	pq_sendstring(buffer, DatumGetCString(DirectFunctionCall1(numeric_out,
															  NumericGetDatum(value))));
}

PG_FUNCTION_INFO_V1(cohort_sums_serialize);
Datum
cohort_sums_serialize(PG_FUNCTION_ARGS)
{
	CohortSums *state;
	StringInfoData buffer;
	CohortCell **cells;

	(void) aggregate_context(fcinfo);
	state = (CohortSums *) PG_GETARG_POINTER(0);
	cells = sorted_cells(state);
	state_write(&buffer, 8 + state->cells->members * (int64) 64, "cohorts", state->cells->members);
	pq_sendint32(&buffer, (uint32) state->decimals);
	pq_sendint32(&buffer, state->cells->members);
	for (uint32 i = 0; i < state->cells->members; i++)
	{
		const CohortCell *cell = cells[i];

		pq_sendint64(&buffer, (int64) cell->key);
		pq_sendint64(&buffer, cell->active);
		send_numeric(&buffer, sum_numeric(&cell->total, state->decimals));
		send_numeric(&buffer, sum_numeric(&cell->squares, 2 * state->decimals));
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

static void
receive_numeric(StringInfo buffer, CohortSum *sum)
{
	const char *text = buffer->data + buffer->cursor;

	if (memchr(text, '\0', (size_t) (buffer->len - buffer->cursor)) == NULL ||
		strspn(text, "-.0123456789") != strlen(text))
		corrupt_state("cohorts");
	buffer->cursor += (int) strlen(text) + 1;
	sum->rest = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
													ObjectIdGetDatum(InvalidOid),
													Int32GetDatum(-1)));
}

/* The bytes of a cell at least: a number is a digit and the end of the text. */
#define LEAST_BYTES (8 + 8 + 2 + 2)

PG_FUNCTION_INFO_V1(cohort_sums_deserialize);
Datum
cohort_sums_deserialize(PG_FUNCTION_ARGS)
{
	StringInfoData buffer;
	CohortSums *state;
	int			n;
	int64		last = 0;

	(void) aggregate_context(fcinfo);
	state_read(fcinfo, &buffer);
	if (buffer.len < 8)
		corrupt_state("cohorts");
	state = make_sums(CurrentMemoryContext);
	state->decimals = (int) pq_getmsgint(&buffer, 4);
	n = (int) pq_getmsgint(&buffer, 4);
	if (state->decimals < 0 || state->decimals > HISTORY_MAX_DECIMALS ||
		n < 0 || n > (buffer.len - buffer.cursor) / LEAST_BYTES)
		corrupt_state("cohorts");
	for (int i = 0; i < n; i++)
	{
		CohortCell *cell;
		int64		key;

		if (buffer.len - buffer.cursor < LEAST_BYTES)
			corrupt_state("cohorts");
		key = pq_getmsgint64(&buffer);
		if ((i > 0 && key <= last) || (int32) key < 0 || !IS_VALID_DATE((DateADT) (key >> 32)))
			corrupt_state("cohorts");
		last = key;
		cell = get_cell(state, (uint64) key);
		cell->active = pq_getmsgint64(&buffer);
		if (cell->active < 0 || cell->active > AGGREGATE_MAX_ROWS)
			corrupt_state("cohorts");
		receive_numeric(&buffer, &cell->total);
		receive_numeric(&buffer, &cell->squares);
	}
	if (buffer.cursor != buffer.len)
		corrupt_state("cohorts");
	PG_RETURN_POINTER(state);
}

static Datum
make_array(Datum *elements, int n, Oid type, int16 size, bool by_value, char align)
{
	return PointerGetDatum(construct_array(elements, n, type, size, by_value, align));
}

/* Arrays, an element for each cohort and period: cohort, periods since, active, total, squares */
PG_FUNCTION_INFO_V1(cohort_sums_final);
Datum
cohort_sums_final(PG_FUNCTION_ARGS)
{
	CohortSums *state;
	TupleDesc	desc;
	Datum	   *elements[5];
	Datum		values[lengthof(elements)];
	bool		nulls[lengthof(elements)] = {false};
	CohortCell **cells;
	int			n;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (CohortSums *) PG_GETARG_POINTER(0);
	cells = sorted_cells(state);
	n = (int) state->cells->members;
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != lengthof(values))
		elog(ERROR, "return type must be a row of arrays");
	for (int i = 0; i < (int) lengthof(elements); i++)
		elements[i] = palloc(Max(state->cells->members, 1) * sizeof(Datum));
	for (int i = 0; i < n; i++)
	{
		const CohortCell *cell = cells[i];

		elements[0][i] = DateADTGetDatum((DateADT) (cell->key >> 32));
		elements[1][i] = Int32GetDatum((int32) cell->key);
		elements[2][i] = Int64GetDatum(cell->active);
		elements[3][i] = NumericGetDatum(sum_numeric(&cell->total, state->decimals));
		elements[4][i] = NumericGetDatum(sum_numeric(&cell->squares, 2 * state->decimals));
	}
	values[0] = make_array(elements[0], n, DATEOID, 4, true, TYPALIGN_INT);
	values[1] = make_array(elements[1], n, INT4OID, 4, true, TYPALIGN_INT);
	values[2] = make_array(elements[2], n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	values[3] = make_array(elements[3], n, NUMERICOID, -1, false, TYPALIGN_INT);
	values[4] = make_array(elements[4], n, NUMERICOID, -1, false, TYPALIGN_INT);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
