/*
 * score_customers.c
 *		score_customers(source, as_of, ...): from the rows of a query to scored
 *		customers with their segments, in one pass over the rows.
 *
 * What it computes is defined by the composable functions: history_agg, the
 * accessors, quantile_thresholds, score, rfm_code, weighted_score, segment.
 * It gets there with 32 bytes a customer, because recency, frequency and
 * monetary need no day but the first and the last. Only active days and the
 * rhythm of a customer (silence_ratio in a rule) need all of them; then whole
 * histories are built.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "arguments.h"
#include "compat.h"
#include "customer_history.h"
#include "fixed.h"
#include "history/history.h"
#include "large_memory.h"
#include "score/quantile.h"
#include "score/score.h"
#include "score_customers.h"
#include "segment/segment.h"
#include "source.h"

/* ---- arguments ---- */

/* Places of the arguments behind as_of */
enum
{
	ARG_BINS = 1,
	ARG_SEGMENT_MAP,
	ARG_WINDOW_DAYS,
	ARG_MONETARY,
	ARG_FREQUENCY,
	ARG_RECENCY_THRESHOLDS,
	ARG_FREQUENCY_THRESHOLDS,
	ARG_MONETARY_THRESHOLDS,
	ARG_WEIGHTS,
	ARG_TIME_ZONE
};

/* Columns of the result */
enum
{
	COL_CUSTOMER,
	COL_RECENCY,
	COL_FREQUENCY,
	COL_MONETARY,
	COL_MEAN_VALUE,
	COL_TENURE,
	COL_R_SCORE,
	COL_F_SCORE,
	COL_M_SCORE,
	COL_RFM_CODE,
	COL_RFM_SCORE,
	COL_SEGMENT,
	COLUMNS
};

enum
{
	R,
	F,
	M
};

/* ---- what is known of a customer ---- */

#define NO_DAY	PG_INT32_MIN	/* as last day: no event, and no first day */

/*
 * The total is carry * 2^64 + total: a customer's total may leave 64 bits even
 * if no day's total does. It is in units of 10^-decimals, the job's.
 */
typedef struct Customer
{
	Datum		key;
	int64		total;			/* in the window */
	int64		carry:16;
	int64		events:46;		/* in the window */
	uint64		money_came:1;	/* in rows that are no event, in the window or not */
	uint64		money_went:1;
	int32		first_day;		/* with an event, up to as_of */
	int32		last_day;
} Customer;

/* The same when all rows are known */
typedef struct CompleteCustomer
{
	Customer	customer;
	int64		frequency;		/* events or active days, in the window */
	double		silence_ratio;	/* NaN if there is none */
	int			decimals;		/* of this total */
} CompleteCustomer;

/* Facts that a segment map may ask for, beside the scores */
typedef enum Fact
{
	FACT_NONE,
	FACT_RECENCY,
	FACT_FREQUENCY,
	FACT_MONETARY,
	FACT_MEAN_VALUE,
	FACT_TENURE,
	FACT_RFM_SCORE,
	FACT_SILENCE_RATIO,
	FACT_RFM_CODE,
	FACT_AS_OF,
	FACT_LAST_ORDER_ON,
	FACT_SCORE_REASON
} Fact;

static const struct
{
	const char *name;
	Fact		fact;
}			facts[] =
{
	{"recency_days", FACT_RECENCY},
	{"frequency", FACT_FREQUENCY},
	{"monetary", FACT_MONETARY},
	{"mean_value", FACT_MEAN_VALUE},
	{"tenure_days", FACT_TENURE},
	{"rfm_score", FACT_RFM_SCORE},
	{"silence_ratio", FACT_SILENCE_RATIO},
	{"rfm_code", FACT_RFM_CODE},
	{"as_of", FACT_AS_OF},
	{"last_order_on", FACT_LAST_ORDER_ON},
	{"score_reason", FACT_SCORE_REASON},
};

/* What follows from three scores alone */
typedef struct ScoreTexts
{
	bool		known;
	Datum		code;
	bool		score_isnull;
	Datum		score;
} ScoreTexts;

typedef struct ScoreJob
{
	/* the question */
	DateADT		as_of;
	int64		after;			/* the day before the window */
	int			bins;
	bool		mean;			/* M is the mean value, not the total */
	bool		active_days;	/* F is active days, not events */
	const double *weights;
	bool		quantile[3];	/* R, F, M by quantiles of this data */
	Thresholds	thresholds[3];
	SegmentMap *map;			/* or NULL */
	Fact	   *map_facts;		/* of the map's columns */
	bool		whole_histories;

	/* the customers */
	CustomerTable *table;		/* made when the columns of the source are known */
	CustomerOps ops;
	Size		limit;			/* of memory */
	int			decimals;		/* of all totals */
	BufFile    *file;			/* complete customers; NULL if they are in the table */
	int64		next;			/* where reading them is */

	/* the result */
	ReturnSetInfo *result;
	MemoryContext context;		/* of all this */
	MemoryContext row_context;
	ScoreTexts *texts;			/* by r, f, m; NULL if there would be too many */
	Datum	   *segments;		/* by rule; 0 = not made yet */
	Datum		prospect;
	FmgrInfo	key_cast;		/* to text; not set if there is nothing to do */
	FmgrInfo	key_output;		/* the same for types that have no function for it */
} ScoreJob;

/* ---- the job's decimals ---- */

static void
out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("the total of a customer is out of range")));
}

static inline void
add_total(Customer *customer, int64 value)
{
	int64		sum;

	if (unlikely(__builtin_add_overflow(customer->total, value, &sum)))
	{
		/* the sum has wrapped around */
		int64		carry = customer->carry + (value > 0 ? 1 : -1);

		if (carry > PG_INT16_MAX || carry < PG_INT16_MIN)
			out_of_range();
		customer->carry = carry;
	}
	customer->total = sum;
}

/* The same for a total of any size */
static void
add_wide(Customer *customer, const Customer *addend)
{
	int64		carry = (int64) customer->carry + addend->carry;

	if (carry > PG_INT16_MAX || carry < PG_INT16_MIN)
		out_of_range();
	customer->carry = carry;
	add_total(customer, addend->total);
}

static void
multiply_total(Customer *customer, int64 factor)
{
	int128		wide;
	int64		product;
	int64		carry;

	if (customer->carry == 0 && !__builtin_mul_overflow(customer->total, factor, &product))
	{
		customer->total = product;
		return;
	}
	/* at most 79 bits times 30 bits */
	wide = ((int128) customer->carry * ((int128) 1 << 64) + customer->total) * factor;
	customer->total = (int64) wide;
	carry = (int64) ((wide - customer->total) >> 64);
	if (carry > PG_INT16_MAX || carry < PG_INT16_MIN)
		out_of_range();
	customer->carry = carry;
}

/* A value needs more decimals than any before. */
static void
raise_decimals(ScoreJob *job, int decimals)
{
	int64		factor = history_power_of_ten(decimals - job->decimals);

	if (!job->whole_histories)
	{
		for (int64 i = 0; i < job->table->entries; i++)
			multiply_total(customers_entry(job->table, i), factor);
	}
	job->decimals = decimals;
}

/* Add a value of so many decimals, which are not more than the job's. */
static inline void
add_value(ScoreJob *job, Customer *customer, int64 value, int decimals)
{
	if (likely(decimals == job->decimals))
		add_total(customer, value);
	else
	{
		Customer	addend = {0};

		addend.total = value;
		multiply_total(&addend, history_power_of_ten(job->decimals - decimals));
		add_wide(customer, &addend);
	}
}

static Datum
total_numeric(const Customer *customer, int decimals)
{
	Datum		wide;

	if (likely(customer->carry == 0))
		return NumericGetDatum(fixed_to_numeric(customer->total, decimals));
	wide = DirectFunctionCall2(numeric_mul, NumericGetDatum(int64_to_numeric(customer->carry)),
							   DirectFunctionCall3(numeric_in, CStringGetDatum("18446744073709551616"),
												   ObjectIdGetDatum(InvalidOid),
												   Int32GetDatum(-1)));
	wide = DirectFunctionCall2(numeric_add, wide,
							   NumericGetDatum(int64_to_numeric(customer->total)));
	return DirectFunctionCall2(numeric_mul, wide,
							   NumericGetDatum(int64_div_fast_to_numeric(1, decimals)));
}

/* As a cast of the numeric to double precision gives it */
static double
total_float8(const Customer *customer, int decimals)
{
	if (likely(customer->carry == 0))
		return fixed_to_float8(customer->total, decimals);
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, total_numeric(customer, decimals)));
}

/* There must be an event. */
static Datum
mean_numeric(const Customer *customer, int decimals)
{
	if (customer->carry == 0)
		return NumericGetDatum(fixed_mean(customer->total, decimals, customer->events));
	return DirectFunctionCall2(numeric_div, total_numeric(customer, decimals),
							   NumericGetDatum(int64_to_numeric(customer->events)));
}

/* ---- rows to customers ---- */

static void
create_customer(CustomerTable *table pg_attribute_unused(), void *entry)
{
	Customer   *customer = entry;

	customer->total = 0;
	customer->carry = 0;
	customer->events = 0;
	customer->money_came = customer->money_went = 0;
	customer->first_day = PG_INT32_MAX;
	customer->last_day = NO_DAY;
}

/* What a worker knows of a customer: all but the key */
#define PART_START	sizeof(Datum)

static void
add_part(ScoreJob *job, Customer *customer, const SourceRow *row)
{
	Customer	added = {0};

	memcpy((char *) &added + PART_START, row->part, sizeof(Customer) - PART_START);
	customer->first_day = Min(customer->first_day, added.first_day);
	customer->last_day = Max(customer->last_day, added.last_day);
	customer->money_came |= added.money_came;
	customer->money_went |= added.money_went;
	customer->events += added.events;
	if (row->decimals < job->decimals)
		multiply_total(&added, history_power_of_ten(job->decimals - row->decimals));
	add_wide(customer, &added);
}

/* Which days are the first and the last is no branch, for none could be predicted. */
static void
add_rows(CustomerTable *table, void **entries, const SourceRow *rows, int n)
{
	ScoreJob   *job = table->ops->arg;

	for (int i = 0; i < n; i++)
	{
		const SourceRow *row = &rows[i];
		Customer   *customer = entries[i];
		int32		first = row->events > 0 ? row->day : PG_INT32_MAX;
		int32		last = row->events > 0 ? row->day : NO_DAY;

		if (unlikely(row->decimals > job->decimals))
			raise_decimals(job, row->decimals);
		if (row->part != NULL)
		{
			add_part(job, customer, row);
			continue;
		}
		customer->first_day = Min(customer->first_day, first);
		customer->last_day = Max(customer->last_day, last);
		if (row->events == 0)
		{
			customer->money_came |= row->value > 0;
			customer->money_went |= row->value < 0;
		}
		if (row->day > job->after)
		{
			customer->events += row->events;
			add_value(job, customer, row->value, row->decimals);
		}
	}
}

static void
add_rows_to_histories(CustomerTable *table, void **entries, const SourceRow *rows, int n)
{
	ScoreJob   *job = table->ops->arg;

	for (int i = 0; i < n; i++)
		job->decimals = Max(job->decimals, rows[i].decimals);
	customer_history_add(table, entries, rows, n);
}

/* Rows after as_of don't exist. Parts have no day. */
static void
take_rows(void *arg, SourceRow *rows, int n)
{
	ScoreJob   *job = arg;
	int			kept = 0;

	for (int i = 0; i < n; i++)
	{
		if (rows[i].day > job->as_of)
			continue;
		if (kept < i)
			rows[kept] = rows[i];
		kept++;
	}
	customers_add(job->table, rows, kept);
}

/* ---- complete customers ---- */

static void
write_complete(ScoreJob *job, const CompleteCustomer *complete)
{
	if (job->file == NULL)
	{
		MemoryContext old_context = MemoryContextSwitchTo(job->context);

		job->file = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old_context);
	}
	BufFileWrite(job->file, unconstify(CompleteCustomer *, complete), sizeof(CompleteCustomer));
	customers_write_key(job->file, &job->table->key, complete->customer.key);
}

/* What is known without whole histories */
static void
complete_customer(const ScoreJob *job, const Customer *customer, CompleteCustomer *complete)
{
	complete->customer = *customer;
	complete->frequency = customer->events;
	complete->silence_ratio = NAN;
	complete->decimals = job->decimals;
}

static void
emit_customer(CustomerTable *table, void *entry)
{
	ScoreJob   *job = table->ops->arg;
	CompleteCustomer complete = {0};

	complete_customer(job, entry, &complete);
	write_complete(job, &complete);
}

/* The numbers of a whole history; the same reading as the accessors have */
static void
emit_history(CustomerTable *table, void *entry)
{
	ScoreJob   *job = table->ops->arg;
	CustomerHistory *from = entry;
	MemoryContext old_context = MemoryContextSwitchTo(job->row_context);
	CompleteCustomer complete = {0};
	Customer   *customer = &complete.customer;
	OpenHistory open;
	int64		active_days = 0;	/* ever */

	customer->key = from->key;
	customer->first_day = customer->last_day = NO_DAY;
	history_check(history_log_open(&server_host, &open, from->log));
	complete.decimals = job->decimals;	/* not less than those of any of its rows */
	for (size_t i = 0; i < open.n; i++)
	{
		HistoryDay *day = &open.days[i];

		if (day->events > 0)
		{
			if (active_days++ == 0)
				customer->first_day = day->day;
			customer->last_day = day->day;
		}
		customer->money_came |= day->total > 0;
		customer->money_went |= day->total < 0;
		if (day->day > job->after)
		{
			complete.frequency += job->active_days ? day->events > 0 : day->events;
			customer->events += day->events;
			add_value(job, customer, day->total, open.decimals);
		}
	}
	complete.silence_ratio = active_days < 2 ? NAN :
		((double) job->as_of - customer->last_day) /
		(((double) customer->last_day - customer->first_day) / (double) (active_days - 1));
	write_complete(job, &complete);
	MemoryContextSwitchTo(old_context);
	MemoryContextReset(job->row_context);
}

/*
 * A day that comes twice in whole histories may have an event in one and take it
 * back in the other: that is only known of the sum.
 */
static void
start_table(ScoreJob *job, const SourceKey *key, bool of_histories)
{
	static const CustomerOps by_numbers = {sizeof(Customer), create_customer, add_rows, NULL, NULL,
		emit_customer, NULL};
	static const CustomerOps by_history = {sizeof(CustomerHistory), customer_history_create,
		add_rows_to_histories,
	customer_history_memory, customer_history_put_aside, emit_history, NULL};

	job->whole_histories |= of_histories;
	job->ops = job->whole_histories ? by_history : by_numbers;
	job->ops.arg = job;
	job->table = customers_create(&job->ops, job->limit);
	customers_set_key(job->table, key);
}

static void
start_source(void *arg, const SourceKey *key, bool of_histories)
{
	ScoreJob   *job = arg;
	MemoryContext old_context = MemoryContextSwitchTo(job->context);

	start_table(job, key, of_histories);
	MemoryContextSwitchTo(old_context);
}

/* ---- workers ---- */

typedef struct ScoreShareSettings
{
	DateADT		as_of;
	bool		whole_histories;
	int64		after;
} ScoreShareSettings;

static CustomerTable *
start_share(const void *settings, const SourceKey *key, bool of_histories)
{
	const ScoreShareSettings *wanted = settings;
	ScoreJob   *job = palloc0(sizeof(ScoreJob));

	job->as_of = wanted->as_of;
	job->after = wanted->after;
	job->whole_histories = wanted->whole_histories;
	job->limit = get_hash_memory_limit();
	start_table(job, key, of_histories);
	return job->table;
}

static void
take_share(CustomerTable *table, SourceRow *rows, int n)
{
	take_rows(table->ops->arg, rows, n);
}

static void
put_share(CustomerTable *table, void *entry, StringInfo chunk)
{
	const ScoreJob *job = table->ops->arg;
	const Customer *customer = entry;

	if (job->whole_histories)
		customer_history_put_part(table, entry, job->decimals, chunk);
	else
		parallel_source_put(chunk, table, customer->key, job->decimals,
							(const char *) customer + PART_START, sizeof(Customer) - PART_START);
}

const SourceShare score_share = {"score_customers", sizeof(ScoreShareSettings), start_share,
	take_share, put_share};

/* ---- reading complete customers ---- */

static void
rewind_customers(ScoreJob *job)
{
	job->next = 0;
	if (job->file != NULL)
		customers_rewind(job->file);
}

/*
 * The next complete customer, with the total in the job's decimals and the key
 * in the current memory context
 */
static bool
next_customer(ScoreJob *job, CompleteCustomer *complete)
{
	if (job->next++ % 1024 == 0)
		CHECK_FOR_INTERRUPTS();
	if (job->file == NULL)
	{
		if (job->next > job->table->entries)
			return false;
		complete_customer(job, customers_entry(job->table, job->next - 1), complete);
		return true;
	}
	if (!customers_read(job->file, complete, sizeof(CompleteCustomer)))
		return false;
	complete->customer.key = customers_read_key(job->file, &job->table->key);
	if (complete->decimals < job->decimals)
	{
		multiply_total(&complete->customer,
					   history_power_of_ten(job->decimals - complete->decimals));
		complete->decimals = job->decimals;
	}
	return true;
}

/* What M is made from, as a float8 */
static double
monetary_value(const ScoreJob *job, const Customer *customer)
{
	if (job->mean)
		return DatumGetFloat8(DirectFunctionCall1(numeric_float8,
												  mean_numeric(customer, job->decimals)));
	return total_float8(customer, job->decimals);
}

/* Find those of R, F and M that were not given: one more pass. */
static void
find_thresholds(ScoreJob *job, Size limit)
{
	Size		used = MemoryContextMemAllocated(job->table->context, false);
	int			n = job->quantile[R] + job->quantile[F] + job->quantile[M];
	Size		budget;
	QuantileValues values[3];
	CompleteCustomer complete;

	if (n == 0)
		return;
	budget = (limit > used ? limit - used : 0) / (Size) n;
	for (int i = R; i <= M; i++)
		quantile_values_init(&values[i], job->quantile[i] ? Max(job->table->entries, 1024) : 1,
							 budget);
	rewind_customers(job);
	for (;;)
	{
		MemoryContext old_context = MemoryContextSwitchTo(job->row_context);
		bool		more = next_customer(job, &complete);
		const Customer *customer = &complete.customer;

		if (more && customer->last_day != NO_DAY)
		{
			double		recency = (double) job->as_of - customer->last_day;
			double		monetary = job->quantile[M] &&
				customer->events > 0 ? monetary_value(job, customer) : 0;

			MemoryContextSwitchTo(old_context);
			if (job->quantile[R])
				quantile_values_add(&values[R], recency);
			if (job->quantile[F] && customer->events > 0)
				quantile_values_add(&values[F], (double) complete.frequency);
			if (job->quantile[M] && customer->events > 0)
				quantile_values_add(&values[M], monetary);
		}
		MemoryContextSwitchTo(old_context);
		if (!more)
			break;
		/* a key may be large */
		if (job->file != NULL || job->next % 64 == 0)
			MemoryContextReset(job->row_context);
	}
	for (int i = R; i <= M; i++)
	{
		if (job->quantile[i] && quantile_values_count(&values[i]) > 0)
			find_quantile_thresholds(&values[i], job->bins, &job->thresholds[i]);
		quantile_values_free(&values[i]);
	}
}

/* ---- scored customers ---- */

static void
make_texts(ScoreJob *job, const int *scores, ScoreTexts *texts)
{
	double		numbers[3];
	double		mean;

	texts->code = DirectFunctionCall3(rfm_code, Int32GetDatum(scores[R]), Int32GetDatum(scores[F]),
									  Int32GetDatum(scores[M]));
	for (int i = R; i <= M; i++)
		numbers[i] = scores[i];
	texts->score_isnull = !weighted_mean(numbers, NULL, job->weights, 3, &mean);
	texts->score = texts->score_isnull ? (Datum) 0 : Float8GetDatum(mean + 0.0);
	texts->known = true;
}

/* Code and weighted mean of three scores: made once for each combination */
static const ScoreTexts *
texts_of(ScoreJob *job, const int *scores, ScoreTexts *scratch)
{
	MemoryContext old_context;
	ScoreTexts *texts;

	if (job->texts == NULL)
	{
		make_texts(job, scores, scratch);
		return scratch;
	}
	texts = &job->texts[((scores[R] - 1) * job->bins + scores[F] - 1) * job->bins + scores[M] - 1];
	if (!texts->known)
	{
		old_context = MemoryContextSwitchTo(job->context);
		make_texts(job, scores, texts);
		MemoryContextSwitchTo(old_context);
	}
	return texts;
}

/* The row at hand, for the conditions of a segment map */
typedef struct FactRow
{
	const ScoreJob *job;
	const CompleteCustomer *complete;
	const Datum *values;
	const bool *nulls;
	char		day[MAXDATELEN + 1];	/* a day as a fact: its ISO form */
} FactRow;

static void
string_fact(SegmentValue *value, const char *string, int len)
{
	value->kind = SEGMENT_STRING;
	value->u.s.p = string;
	value->u.s.len = len;
}

static void
day_fact(FactRow *row, int32 day, SegmentValue *value)
{
	struct pg_tm tm;

	j2date(day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	EncodeDateOnly(&tm, USE_ISO_DATES, row->day);
	string_fact(value, row->day, (int) strlen(row->day));
}

static void
fetch_fact(void *arg, const SegmentColumn *columns pg_attribute_unused(), int column,
		   SegmentValue *value)
{
	FactRow    *row = arg;
	int			from = -1;

	switch (row->job->map_facts[column])
	{
		case FACT_RECENCY:
			value->kind = SEGMENT_INT;
			from = COL_RECENCY;
			break;
		case FACT_TENURE:
			value->kind = SEGMENT_INT;
			from = COL_TENURE;
			break;
		case FACT_FREQUENCY:
			value->kind = SEGMENT_INT;
			value->u.i = row->complete->frequency;
			return;
		case FACT_MONETARY:
			value->kind = SEGMENT_NUMERIC;
			from = COL_MONETARY;
			break;
		case FACT_MEAN_VALUE:
			value->kind = SEGMENT_NUMERIC;
			from = COL_MEAN_VALUE;
			break;
		case FACT_RFM_SCORE:
			value->kind = SEGMENT_FLOAT;
			from = COL_RFM_SCORE;
			break;
		case FACT_SILENCE_RATIO:
			value->kind = isnan(row->complete->silence_ratio) ? SEGMENT_NULL : SEGMENT_FLOAT;
			value->u.d = row->complete->silence_ratio;
			return;
		case FACT_RFM_CODE:
			if (row->nulls[COL_RFM_CODE])
				value->kind = SEGMENT_NULL;
			else
				string_fact(value, VARDATA_ANY(DatumGetTextPP(row->values[COL_RFM_CODE])),
							(int) VARSIZE_ANY_EXHDR(DatumGetTextPP(row->values[COL_RFM_CODE])));
			return;
		case FACT_AS_OF:
			day_fact(row, row->job->as_of, value);
			return;
		case FACT_LAST_ORDER_ON:
			if (row->complete->customer.last_day == NO_DAY)
				value->kind = SEGMENT_NULL;
			else
				day_fact(row, row->complete->customer.last_day, value);
			return;
		case FACT_SCORE_REASON:
			{
				const Customer *customer = &row->complete->customer;
				const char *reason = customer->last_day == NO_DAY ?
					history_reason_without_order(customer->money_came, customer->money_went) :
					customer->events == 0 ? "no_order_in_window" : NULL;

				if (reason)
					string_fact(value, reason, (int) strlen(reason));
				else
					value->kind = SEGMENT_NULL;
				return;
			}
		case FACT_NONE:
			value->kind = SEGMENT_NULL;
			return;
	}
	if (row->nulls[from])
		value->kind = SEGMENT_NULL;
	else if (value->kind == SEGMENT_INT)
		value->u.i = DatumGetInt32(row->values[from]);
	else if (value->kind == SEGMENT_FLOAT)
		value->u.d = DatumGetFloat8(row->values[from]);
	else
		value->u.n = DatumGetNumeric(row->values[from]);
}

/* Segment texts are made once for each rule. */
static bool
segment_text(ScoreJob *job, const int *scores, FactRow *row, Datum *segment)
{
	int			rule;

	if (job->map == NULL)
		return false;
	rule = segment_match(job->map, scores[R], scores[F], scores[M], fetch_fact, row);
	if (rule == SEGMENT_NONE || (rule == SEGMENT_PROSPECT && job->map->prospect == NULL))
		return false;
	if (rule == SEGMENT_PROSPECT)
		*segment = job->prospect;
	else
	{
		if (job->segments[rule] == 0)
		{
			MemoryContext old_context = MemoryContextSwitchTo(job->context);

			job->segments[rule] =
				PointerGetDatum(cstring_to_text_with_len(job->map->rules[rule].segment,
														 job->map->rules[rule].segment_len));
			MemoryContextSwitchTo(old_context);
		}
		*segment = job->segments[rule];
	}
	return true;
}

/* Keys are shown as a cast to text shows them: char(n) without the blanks at its end. */
static void
show_key_as_text(ScoreJob *job)
{
	Oid			type = job->table->key.type;
	Oid			function;
	bool		varlena;
	CoercionPathType path = find_coercion_pathway(TEXTOID, type, COERCION_EXPLICIT, &function);

	if (path == COERCION_PATH_RELABELTYPE)
		return;
	if (path == COERCION_PATH_FUNC && get_func_nargs(function) == 1)
	{
		fmgr_info(function, &job->key_cast);
		return;
	}
	getTypeOutputInfo(type, &function, &varlena);
	fmgr_info(function, &job->key_output);
}

static Datum
shown_key(ScoreJob *job, Datum key)
{
	if (OidIsValid(job->key_cast.fn_oid))
		return FunctionCall1Coll(&job->key_cast, job->table->key.collation, key);
	if (OidIsValid(job->key_output.fn_oid))
		return PointerGetDatum(cstring_to_text(OutputFunctionCall(&job->key_output, key)));
	return key;
}

static void
put_customer(ScoreJob *job, const CompleteCustomer *complete)
{
	const Customer *customer = &complete->customer;
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS];
	int			scores[3] = {0, 0, 0};
	ScoreTexts	scratch;
	FactRow		row = {job, complete, values, nulls, ""};

	memset(nulls, true, sizeof(nulls));
	nulls[COL_CUSTOMER] = nulls[COL_FREQUENCY] = nulls[COL_MONETARY] = false;
	values[COL_CUSTOMER] = shown_key(job, customer->key);
	values[COL_FREQUENCY] = Int64GetDatum(complete->frequency);
	values[COL_MONETARY] = total_numeric(customer, job->decimals);
	if (customer->events > 0)
	{
		nulls[COL_MEAN_VALUE] = false;
		values[COL_MEAN_VALUE] = mean_numeric(customer, job->decimals);
	}
	if (customer->last_day != NO_DAY)
	{
		const ScoreTexts *texts;
		int32		recency = (int32) ((int64) job->as_of - customer->last_day);

		scores[R] = score_by_thresholds(recency, job->thresholds[R].value, job->thresholds[R].count,
										false);
		scores[F] = scores[M] = 1;
		if (customer->events > 0)
		{
			scores[F] = score_by_thresholds((double) complete->frequency, job->thresholds[F].value,
											job->thresholds[F].count, true);
			scores[M] = score_by_thresholds(monetary_value(job, customer), job->thresholds[M].value,
											job->thresholds[M].count, true);
		}
		texts = texts_of(job, scores, &scratch);
		memset(&nulls[COL_TENURE], false, COL_RFM_SCORE - COL_TENURE);
		nulls[COL_RECENCY] = false;
		nulls[COL_RFM_SCORE] = texts->score_isnull;
		values[COL_RECENCY] = Int32GetDatum(recency);
		values[COL_TENURE] = Int32GetDatum((int32) ((int64) job->as_of - customer->first_day));
		values[COL_R_SCORE] = Int32GetDatum(scores[R]);
		values[COL_F_SCORE] = Int32GetDatum(scores[F]);
		values[COL_M_SCORE] = Int32GetDatum(scores[M]);
		values[COL_RFM_CODE] = texts->code;
		values[COL_RFM_SCORE] = texts->score;
	}
	nulls[COL_SEGMENT] = !segment_text(job, scores, &row, &values[COL_SEGMENT]);
	tuplestore_putvalues(job->result->setResult, job->result->setDesc, values, nulls);
}

static void
put_customers(ScoreJob *job)
{
	MemoryContext old_context = MemoryContextSwitchTo(job->row_context);
	CompleteCustomer complete;

	rewind_customers(job);
	while (next_customer(job, &complete))
	{
		put_customer(job, &complete);
		MemoryContextReset(job->row_context);
	}
	MemoryContextSwitchTo(old_context);
}

/* ---- the call ---- */

/* Which of two words an argument is: false for the first */
static bool
read_choice(FunctionCallInfo fcinfo, int argument, const char *name, const char *first,
			const char *second)
{
	char	   *word;

	if (PG_ARGISNULL(argument))
		null_argument(name, psprintf("Give '%s' or '%s'.", first, second));
	word = text_to_cstring(PG_GETARG_TEXT_PP(argument));
	if (strcmp(word, first) != 0 && strcmp(word, second) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be '%s' or '%s', not \"%.60s\"", name, first, second, word)));
	return strcmp(word, second) == 0;
}

/*
 * Thresholds: NULL stands for the usual ones if there are any for so many
 * bins, otherwise, like '{}', for quantiles.
 */
static void
read_thresholds(FunctionCallInfo fcinfo, int argument, const char *name, const double *usual,
				ScoreJob *job, int dimension)
{
	Thresholds *thresholds = &job->thresholds[dimension];
	const double *given = usual;
	int			count = usual ? 4 : 0;

	if (!PG_ARGISNULL(argument))
		given = check_thresholds(name, PG_GETARG_ARRAYTYPE_P(argument), &count);
	else if (job->bins != 5)
		count = 0;
	if (count != 0 && count != job->bins - 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must have %d elements for %d bins, not %d", name, job->bins - 1, job->bins, count),
				 errhint("'{}' cuts by quantiles.")));
	job->quantile[dimension] = count == 0;
	thresholds->count = count;
	if (count > 0)
		memcpy(thresholds->value, given, (size_t) count * sizeof(double));
}

static void
read_segment_map(FunctionCallInfo fcinfo, int argument, ScoreJob *job)
{
	SegmentMap *map;

	if (PG_ARGISNULL(argument))
		return;
	map = segment_map_load(PG_GETARG_TEXT_PP(argument), fcinfo->flinfo->fn_oid);
	if (map->bins != job->bins)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("segment_map %s is made for %d bins, not %d", map->name, map->bins, job->bins),
				 errhint("Score with bins => %d, name a map with %d bins, or leave segments out with segment_map => NULL.",
						 map->bins, job->bins)));
	job->map = map;
	job->segments = palloc0(map->nrules * sizeof(Datum));
	if (map->prospect != NULL)
		job->prospect = PointerGetDatum(cstring_to_text_with_len(map->prospect, map->prospect_len));
	job->map_facts = palloc0(Max(map->ncolumns, 1) * sizeof(Fact));
	for (int i = 0; i < map->ncolumns; i++)
	{
		for (int j = 0; j < (int) lengthof(facts); j++)
		{
			if (map->columns[i].len == (int) strlen(facts[j].name) &&
				memcmp(map->columns[i].name, facts[j].name, (size_t) map->columns[i].len) == 0)
				job->map_facts[i] = facts[j].fact;
		}
		if (job->map_facts[i] == FACT_SILENCE_RATIO)
			job->whole_histories = true;
	}
}

static const double *
read_weights(FunctionCallInfo fcinfo, int argument)
{
	ArrayType  *weights;
	int			count;

	if (PG_ARGISNULL(argument))
		null_argument("weights", "Give three, for R, F and M, for example '{1,1,1}'.");
	weights = PG_GETARG_ARRAYTYPE_P(argument);
	if (ARR_NDIM(weights) != 1 || ARR_DIMS(weights)[0] != 3)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("weights must have three elements, not %d",
						ArrayGetNItems(ARR_NDIM(weights), ARR_DIMS(weights))),
				 errhint("They are the weights of R, F and M, for example '{1,1,1}'.")));
	return check_weights(weights, &count);
}

/* The question: the arguments from as_of on */
static void
read_question(FunctionCallInfo fcinfo, int as_of, ScoreJob *job)
{
	static const double usual_recency[] = {30, 90, 180, 365};
	static const double usual_frequency[] = {1, 2, 4, 9};

	if (PG_ARGISNULL(0))
		null_argument("source", SOURCE_HINT);
	if (PG_ARGISNULL(as_of))
		null_argument("as_of", "Say as of which day to score, for example current_date.");
	job->as_of = check_day("as_of", PG_GETARG_DATEADT(as_of));
	if (PG_ARGISNULL(as_of + ARG_BINS))
		null_argument("bins", "The usual number is 5.");
	job->bins = PG_GETARG_INT32(as_of + ARG_BINS);
	check_bins(job->bins);
	job->after = HISTORY_SINCE_EVER;
	if (!PG_ARGISNULL(as_of + ARG_WINDOW_DAYS))
		job->after = history_window_start(job->as_of, PG_GETARG_INT32(as_of + ARG_WINDOW_DAYS));
	job->mean = read_choice(fcinfo, as_of + ARG_MONETARY, "monetary", "total", "mean");
	job->active_days = read_choice(fcinfo, as_of + ARG_FREQUENCY, "frequency", "events", "active_days");
	read_thresholds(fcinfo, as_of + ARG_RECENCY_THRESHOLDS, "recency_thresholds", usual_recency, job, R);
	read_thresholds(fcinfo, as_of + ARG_FREQUENCY_THRESHOLDS, "frequency_thresholds", usual_frequency, job, F);
	read_thresholds(fcinfo, as_of + ARG_MONETARY_THRESHOLDS, "monetary_thresholds", NULL, job, M);
	job->weights = read_weights(fcinfo, as_of + ARG_WEIGHTS);
	job->whole_histories = job->active_days;
	read_segment_map(fcinfo, as_of + ARG_SEGMENT_MAP, job);
	if (job->bins <= SEGMENT_MAX_BINS)
		job->texts = palloc0(job->bins * job->bins * job->bins * sizeof(ScoreTexts));
}

/* Read the source; then all customers are complete, in the table or in the file. */
static void
read_customers(FunctionCallInfo fcinfo, SourceReader *reader, ScoreJob *job, SourceCounts *counts)
{
	source_read(text_to_cstring(PG_GETARG_TEXT_PP(0)), reader, counts);
	if (job->whole_histories || customers_spilled(job->table))
	{
		customers_emit(job->table);
		if (job->file == NULL)	/* no customers at all */
			job->table->entries = 0;
	}
}

/* The first arguments are source and as_of, or source, id and as_of. */
static Datum
score_source(FunctionCallInfo fcinfo, bool typed)
{
	int			as_of = typed ? 2 : 1;
	ScoreJob   *job = palloc0(sizeof(ScoreJob));
	ScoreShareSettings settings;
	SourceReader reader = {.function = "score_customers",
		.start = start_source, .take = take_rows, .arg = job,
		.share = &score_share, .share_settings = &settings};
	SourceCounts counts;

	StaticAssertStmt(sizeof(Customer) == 32, "two customers fill a cache line");

	read_question(fcinfo, as_of, job);
	InitMaterializedSRF(fcinfo, 0);
	job->result = (ReturnSetInfo *) fcinfo->resultinfo;
	job->context = CurrentMemoryContext;
	job->row_context = AllocSetContextCreate(CurrentMemoryContext, "scored customer", ALLOCSET_DEFAULT_SIZES);
	job->limit = get_hash_memory_limit();
	settings = (ScoreShareSettings) {job->as_of, job->whole_histories, job->after};
	reader.schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	if (typed)
		reader.key_type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	reader.time_zone = PG_ARGISNULL(as_of + ARG_TIME_ZONE) ? NULL :
		PG_GETARG_TEXT_PP(as_of + ARG_TIME_ZONE);
	read_customers(fcinfo, &reader, job, &counts);
	if (!typed)
		show_key_as_text(job);
	find_thresholds(job, job->limit);
	large_memory_result(job->result, job->table->entries);
	put_customers(job);

	if (job->file != NULL)
		BufFileClose(job->file);
	customers_free(job->table);
	MemoryContextDelete(job->row_context);
	source_report(&counts);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(score_customers);
Datum
score_customers(PG_FUNCTION_ARGS)
{
	return score_source(fcinfo, false);
}

PG_FUNCTION_INFO_V1(score_customers_typed);
Datum
score_customers_typed(PG_FUNCTION_ARGS)
{
	return score_source(fcinfo, true);
}
