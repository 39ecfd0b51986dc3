/*
 * history_read.c
 *		What a history says: recency, frequency, monetary and the like, pure
 *		functions of the history and the day on which one asks.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "arguments.h"
#include "fixed.h"
#include "history.h"

#include "compat.h"

/* ---- checks ---- */

static int32
check_window_days(int32 window_days, bool optional)
{
	if (window_days < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("window_days must be at least 1, but is %d", window_days),
				 optional ? errhint("NULL looks back to the beginning.")
				 : errhint("With 30, the last 30 days are compared with the 30 days before them.")));
	return window_days;
}

/* The day before the look-back window */
int64
history_window_start(DateADT as_of, int32 window_days)
{
	check_window_days(window_days, true);
	return (int64) check_day("as_of", as_of) - window_days;
}

/* History and days (after, upto] of a call (history, as_of [, window_days]) */
typedef struct Question
{
	const History *history;
	const uint8 *data;
	size_t		len;
	int64		after;
	int64		upto;
} Question;

static void
read_question(FunctionCallInfo fcinfo, Question *question)
{
	History    *history = PG_GETARG_HISTORY_PP(0);

	question->history = history;
	question->data = HISTORY_BYTES(history);
	question->len = HISTORY_LENGTH(history);
	question->upto = PG_GETARG_DATEADT(1);
	question->after = PG_NARGS() < 3 || PG_ARGISNULL(2) ? HISTORY_SINCE_EVER
		: history_window_start(PG_GETARG_DATEADT(1), PG_GETARG_INT32(2));
}

/* The same where window_days may be NULL; false if the history or as_of is. */
static bool
read_windowed_question(FunctionCallInfo fcinfo, Question *question)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return false;
	read_question(fcinfo, question);
	return true;
}

static HistoryActivity
activity(const Question *question)
{
	HistoryActivity result;

	history_check(history_activity(question->data, question->len,
								   question->after, question->upto, &result));
	return result;
}

void
history_too_many_events(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("number of events is out of range for type bigint")));
}

static int64
events(const Question *question)
{
	int64		result;
	HistoryError error = history_events(question->data, question->len,
										question->after, question->upto, &result);

	if (error == HISTORY_OVERFLOW)
		history_too_many_events();
	history_check(error);
	return result;
}

static bool
last_day(const Question *question, int32 *day)
{
	bool		found;

	history_check(history_last_day(question->data, question->len, question->upto, &found, day));
	return found;
}

/* ---- days ---- */

PG_FUNCTION_INFO_V1(history_first_day);
Datum
history_first_day(PG_FUNCTION_ARGS)
{
	Question	question;
	HistoryActivity answer;

	read_question(fcinfo, &question);
	answer = activity(&question);
	if (answer.active_days == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(answer.first_day);
}

PG_FUNCTION_INFO_V1(history_latest_day);
Datum
history_latest_day(PG_FUNCTION_ARGS)
{
	Question	question;
	int32		day;

	read_question(fcinfo, &question);
	if (!last_day(&question, &day))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(day);
}

PG_FUNCTION_INFO_V1(history_recency);
Datum
history_recency(PG_FUNCTION_ARGS)
{
	Question	question;
	int32		day;

	check_day("as_of", PG_GETARG_DATEADT(1));
	read_question(fcinfo, &question);
	if (!last_day(&question, &day))
		PG_RETURN_NULL();
	PG_RETURN_INT32((int32) (question.upto - day));
}

PG_FUNCTION_INFO_V1(history_tenure);
Datum
history_tenure(PG_FUNCTION_ARGS)
{
	Question	question;
	HistoryActivity answer;

	check_day("as_of", PG_GETARG_DATEADT(1));
	read_question(fcinfo, &question);
	answer = activity(&question);
	if (answer.active_days == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32((int32) (question.upto - answer.first_day));
}

/* ---- counts ---- */

PG_FUNCTION_INFO_V1(history_frequency);
Datum
history_frequency(PG_FUNCTION_ARGS)
{
	Question	question;

	if (!read_windowed_question(fcinfo, &question))
		PG_RETURN_NULL();
	PG_RETURN_INT64(events(&question));
}

PG_FUNCTION_INFO_V1(history_active_days);
Datum
history_active_days(PG_FUNCTION_ARGS)
{
	Question	question;

	if (!read_windowed_question(fcinfo, &question))
		PG_RETURN_NULL();
	PG_RETURN_INT32((int32) activity(&question).active_days);
}

/* What history_periods says, in bits */
enum
{
	PERIOD_DAYS = 1, PERIOD_ORDERED = 2, PERIOD_BEFORE = 4, PERIOD_BUYER = 8, PERIOD_REPEATER = 16
};

/*
 * Arguments: history, previous_day, day, next_day. What happened in the period
 * (previous_day, day], in the one (day, next_day], and in one as long as that which
 * ends on day. Nothing, in a period whose other end is NULL.
 */
PG_FUNCTION_INFO_V1(history_periods);
Datum
history_periods(PG_FUNCTION_ARGS)
{
	History    *history;
	DateADT		day;
	HistoryWindow windows[3];
	int			n = 0,
				now = -1,
				later = -1;
	int32		result = 0;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	history = PG_GETARG_HISTORY_PP(0);
	day = check_day("day", PG_GETARG_DATEADT(2));
	if (!PG_ARGISNULL(1))
	{
		now = n++;
		windows[now].after = check_day("previous_day", PG_GETARG_DATEADT(1));
		windows[now].upto = day;
	}
	if (!PG_ARGISNULL(3))
	{
		later = n;
		n += 2;
		windows[later].after = day;
		windows[later].upto = check_day("next_day", PG_GETARG_DATEADT(3));
		windows[later + 1].after = 2 * (int64) day - windows[later].upto;
		windows[later + 1].upto = day;
	}
	history_check(history_windows(HISTORY_BYTES(history), HISTORY_LENGTH(history), windows, n));
	for (int w = 0; w < n; w++)
	{
		if (windows[w].overflow)
			history_too_many_events();
	}
	if (now >= 0)
		result |= (windows[now].has_days ? PERIOD_DAYS : 0) |
			(windows[now].events > 0 ? PERIOD_ORDERED : 0);
	if (later >= 0)
		result |= (windows[later].events > 0 ? PERIOD_BUYER : 0) |
			(windows[later].events > 1 ? PERIOD_REPEATER : 0) |
			(windows[later + 1].events > 0 ? PERIOD_BEFORE : 0);
	PG_RETURN_INT32(result);
}

PG_FUNCTION_INFO_V1(history_trend);
Datum
history_trend(PG_FUNCTION_ARGS)
{
	Question	question;
	int64		now;
	int64		before;
	int64		result;

	check_window_days(PG_GETARG_INT32(2), false);
	read_question(fcinfo, &question);
	now = events(&question);
	question.upto = question.after;
	question.after -= PG_GETARG_INT32(2);
	before = events(&question);
	if (__builtin_sub_overflow(now, before, &result))
		history_too_many_events();
	PG_RETURN_INT64(result);
}

/* ---- money ---- */

/* The sum over the days (after, upto] as a numeric, even where it doesn't fit 64 bits */
Numeric
history_numeric_total(const History *history, int64 after, int64 upto)
{
	const uint8 *data = HISTORY_BYTES(history);
	size_t		len = HISTORY_LENGTH(history);
	OpenHistory open;
	int64		sum;
	int			decimals;
	Datum		result;
	HistoryError error = history_total(data, len, after, upto, &sum, &decimals);

	if (error == HISTORY_OK)
		return fixed_to_numeric(sum, decimals);
	if (error != HISTORY_OVERFLOW)
		history_raise(error);

	history_check(history_unpack(&server_host, &open, data, len));
	result = NumericGetDatum(fixed_to_numeric(0, open.decimals));
	for (size_t i = 0; i < open.n; i++)
	{
		if (open.days[i].day > after && open.days[i].day <= upto)
			result = DirectFunctionCall2(numeric_add, result,
										 NumericGetDatum(fixed_to_numeric(open.days[i].total,
																		  open.decimals)));
	}
	return DatumGetNumeric(result);
}

static Numeric
total(const Question *question)
{
	return history_numeric_total(question->history, question->after, question->upto);
}

PG_FUNCTION_INFO_V1(history_monetary);
Datum
history_monetary(PG_FUNCTION_ARGS)
{
	Question	question;

	if (!read_windowed_question(fcinfo, &question))
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(total(&question));
}

PG_FUNCTION_INFO_V1(history_monetary_float8);
Datum
history_monetary_float8(PG_FUNCTION_ARGS)
{
	Question	question;
	int64		sum;
	int			decimals;

	if (!read_windowed_question(fcinfo, &question))
		PG_RETURN_NULL();
	if (history_total(question.data, question.len, question.after, question.upto, &sum,
					  &decimals) == HISTORY_OK)
		PG_RETURN_FLOAT8(fixed_to_float8(sum, decimals));
	PG_RETURN_DATUM(DirectFunctionCall1(numeric_float8, NumericGetDatum(total(&question))));
}

/* Events and total, of which a mean is made */
typedef struct Mean
{
	int64		n;
	int64		sum;
	int			decimals;
	bool		fits;			/* does the sum fit 64 bits? */
} Mean;

/* False if there is no mean. */
static bool
read_mean(FunctionCallInfo fcinfo, Question *question, Mean *mean)
{
	if (!read_windowed_question(fcinfo, question))
		return false;
	mean->n = events(question);
	if (mean->n <= 0)
		return false;
	mean->fits = history_total(question->data, question->len, question->after, question->upto,
							   &mean->sum, &mean->decimals) == HISTORY_OK;
	return true;
}

static Numeric
wide_mean(const Question *question, const Mean *mean)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_div, NumericGetDatum(total(question)),
											   NumericGetDatum(int64_to_numeric(mean->n))));
}

PG_FUNCTION_INFO_V1(history_mean_value);
Datum
history_mean_value(PG_FUNCTION_ARGS)
{
	Question	question;
	Mean		mean;

	if (!read_mean(fcinfo, &question, &mean))
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(mean.fits ? fixed_mean(mean.sum, mean.decimals, mean.n)
					  : wide_mean(&question, &mean));
}

PG_FUNCTION_INFO_V1(history_mean_value_float8);
Datum
history_mean_value_float8(PG_FUNCTION_ARGS)
{
	Question	question;
	Mean		mean;

	if (!read_mean(fcinfo, &question, &mean))
		PG_RETURN_NULL();
	if (mean.fits)
		PG_RETURN_FLOAT8(fixed_mean_float8(mean.sum, mean.decimals, mean.n));
	PG_RETURN_DATUM(DirectFunctionCall1(numeric_float8,
										NumericGetDatum(wide_mean(&question, &mean))));
}

/* ---- rhythm ---- */

/* Mean days between consecutive active days; false below two of them */
static bool
mean_gap(const HistoryActivity *answer, double *gap)
{
	if (answer->active_days < 2)
		return false;
	*gap = ((double) answer->last_day - (double) answer->first_day) / (answer->active_days - 1);
	return true;
}

PG_FUNCTION_INFO_V1(history_mean_gap);
Datum
history_mean_gap(PG_FUNCTION_ARGS)
{
	Question	question;
	HistoryActivity answer;
	double		gap;

	read_question(fcinfo, &question);
	answer = activity(&question);
	if (!mean_gap(&answer, &gap))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(gap);
}

PG_FUNCTION_INFO_V1(history_silence_ratio);
Datum
history_silence_ratio(PG_FUNCTION_ARGS)
{
	Question	question;
	HistoryActivity answer;
	double		gap;

	check_day("as_of", PG_GETARG_DATEADT(1));
	read_question(fcinfo, &question);
	answer = activity(&question);
	if (!mean_gap(&answer, &gap))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((double) (question.upto - answer.last_day) / gap);
}

PG_FUNCTION_INFO_V1(history_decayed_sum);
Datum
history_decayed_sum(PG_FUNCTION_ARGS)
{
	DateADT		as_of = check_day("as_of", PG_GETARG_DATEADT(1));
	double		half_life = PG_GETARG_FLOAT8(2);
	OpenHistory open;
	double		unit;
	double		sum = 0;

	if (isnan(half_life) || isinf(half_life) || half_life <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("half_life_days must be positive and finite, but is %g", half_life),
				 errhint("With 30, what happened 30 days ago counts half.")));
	history_open(&open, PG_GETARG_HISTORY_PP(0));
	unit = (double) history_power_of_ten(open.decimals);
	/* always from the oldest to the newest: the same bits for the same history */
	for (size_t i = 0; i < open.n && open.days[i].day <= as_of; i++)
	{
		double		age = (double) as_of - (double) open.days[i].day;

		sum += (double) open.days[i].total / unit * exp2(-age / half_life);
	}
	history_close(&open);
	PG_RETURN_FLOAT8(sum);
}

/* ---- people without an order ---- */

/*
 * Why there is no order on or before as_of, in words; NULL if there is one.
 * Money that came and went is what is left of an order that was taken back.
 */
PG_FUNCTION_INFO_V1(history_no_order_reason);
Datum
history_no_order_reason(PG_FUNCTION_ARGS)
{
	Question	question;
	OpenHistory open;
	int32		day;
	bool		came = false,
				went = false;

	read_question(fcinfo, &question);
	if (last_day(&question, &day))
		PG_RETURN_NULL();
	history_open(&open, PG_GETARG_HISTORY_PP(0));
	for (size_t i = 0; i < open.n && open.days[i].day <= question.upto; i++)
	{
		came |= open.days[i].total > 0;
		went |= open.days[i].total < 0;
	}
	history_close(&open);
	PG_RETURN_TEXT_P(cstring_to_text(history_reason_without_order(came, went)));
}

/* ---- rows ---- */

PG_FUNCTION_INFO_V1(history_days);
Datum
history_days(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	OpenHistory *open;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		TupleDesc	desc;

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "days must return a row type");
		call->tuple_desc = BlessTupleDesc(desc);
		open = palloc(sizeof(OpenHistory));
		history_open(open, PG_GETARG_HISTORY_PP(0));
		call->user_fctx = open;
		call->max_calls = open->n;
		MemoryContextSwitchTo(old);
	}

	call = SRF_PERCALL_SETUP();
	open = call->user_fctx;
	if (call->call_cntr < call->max_calls)
	{
		HistoryDay *day = &open->days[call->call_cntr];
		Datum		values[3] = {DateADTGetDatum(day->day),
			Int64GetDatum(day->events),
		NumericGetDatum(fixed_to_numeric(day->total, open->decimals))};
		bool		nulls[3] = {false, false, false};

		SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
	}
	SRF_RETURN_DONE(call);
}

/* The history without what came after a day */
PG_FUNCTION_INFO_V1(history_until);
Datum
history_until(PG_FUNCTION_ARGS)
{
	History    *history = PG_GETARG_HISTORY_PP(0);
	DateADT		day = PG_GETARG_DATEADT(1);
	OpenHistory open;
	size_t		n = 0;

	history_open(&open, history);
	while (n < open.n && open.days[n].day <= day)
		n++;
	if (n < open.n)
		history = history_pack(open.days, n, open.decimals);
	history_close(&open);
	PG_RETURN_HISTORY_P(history);
}
