/*
 * history.c
 *		The SQL type history: input and output, operators, comparison.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "mb/pg_wchar.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#include "fixed.h"
#include "history.h"
#include "stream_codec.h"

#include "compat.h"

/* ---- between packed and open, for all files ---- */

void
history_raise(HistoryError error)
{
	switch (error)
	{
		case HISTORY_OVERFLOW:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("history out of range"),
					 errdetail("A day's total has at most 18 digits, decimals included, and a day's number of events is a bigint.")));
			break;
		case HISTORY_TOO_MANY_DAYS:
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("history has more than %d days", HISTORY_MAX_DAYS)));
			break;
		case HISTORY_TOO_LARGE:
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("value of type stream_histories has more than %zu bytes", STREAM_MAX_SIZE)));
			break;
		case HISTORY_DAY_RANGE:
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("history has a day that is out of range for type date")));
			break;
		case HISTORY_MALFORMED:
		case HISTORY_OK:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					 errmsg("malformed value of type history")));
			break;
	}
	pg_unreachable();
}

/* Every day of a history is a date on the calendar. */
int32
history_check_day(DateADT day)
{
	if (DATE_NOT_FINITE(day))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("day of a history must be finite, but is %s",
						DATE_IS_NOBEGIN(day) ? "-infinity" : "infinity"),
				 errhint("Leave such rows out, for example with WHERE isfinite(day).")));
	return day;
}

HistoryDay *
history_alloc_days(size_t n)
{
	if (n > HISTORY_MAX_DAYS)
		history_raise(HISTORY_TOO_MANY_DAYS);
	return palloc(Max(n, 1) * sizeof(HistoryDay));
}

void
history_open(OpenHistory *open, const History *history)
{
	history_check(history_unpack(&server_host, open, HISTORY_BYTES(history),
								 HISTORY_LENGTH(history)));
}

/* Bytes that were given a head of VARHDRSZ */
static History *
as_history(uint8 *bytes, size_t size)
{
	SET_VARSIZE(bytes, size);
	return (History *) bytes;
}

/* Pack normalised days; gives up decimals that are not needed. */
History *
history_pack(HistoryDay *days, size_t n, int decimals)
{
	size_t		size;
	uint8	   *bytes = history_pack_days(&server_host, days, n, decimals, VARHDRSZ, &size);

	return as_history(bytes, size);
}

HistoryLog *
history_log_create(MemoryContext context)
{
	HistoryLog *log = MemoryContextAlloc(context, HISTORY_LOG_FIRST_SIZE);

	history_log_init(log, HISTORY_LOG_FIRST_SIZE - HISTORY_LOG_HEADER);
	return log;
}

/* NULL if some total doesn't fit 64 bits */
History *
history_of_log_if_it_fits(HistoryLog *log)
{
	uint8	   *bytes;
	size_t		size;
	HistoryError error = history_log_pack(&server_host, log, VARHDRSZ, &bytes, &size);

	if (error == HISTORY_OVERFLOW)
		return NULL;
	history_check(error);
	return as_history(bytes, size);
}

History *
history_of_log(HistoryLog *log)
{
	History    *result = history_of_log_if_it_fits(log);

	if (unlikely(result == NULL))
		history_raise(HISTORY_OVERFLOW);
	return result;
}

/* ---- text ---- */

/* A place in the text of a history, and where to report that it is wrong */
typedef struct HistoryText
{
	const char *start;
	const char *next;
	Node	   *escontext;
} HistoryText;

static bool
syntax_error(HistoryText *text, const char *expected)
{
	int			start_len = pg_mbcliplen(text->start, (int) strlen(text->start), 60);
	int			rest_len = pg_mbcliplen(text->next, (int) strlen(text->next), 20);

	ereturn(text->escontext, false,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type history: \"%.*s%s\"", start_len, text->start,
					text->start[start_len] ? "..." : ""),
			 *text->next ? errdetail("Expected %s at \"%.*s\".", expected, rest_len, text->next)
			 : errdetail("Expected %s at the end.", expected),
			 errhint("Write day:events:total, for example {2025-01-03:1:19.90,2025-02-11:2:45.00}.")));
}

static bool
range_error(HistoryText *text, int sqlerrcode, const char *what)
{
	int			rest_len = pg_mbcliplen(text->next, (int) strlen(text->next), 40);

	ereturn(text->escontext, false,
			(errcode(sqlerrcode),
			 errmsg("%s is out of range for type history: \"%.*s\"", what, rest_len, text->next)));
}

static void
skip_spaces(HistoryText *text)
{
	while (*text->next == ' ' || (*text->next >= '\t' && *text->next <= '\r'))
		text->next++;
}

static bool
take(HistoryText *text, char c)
{
	skip_spaces(text);
	if (*text->next != c)
		return false;
	text->next++;
	return true;
}

/* So many digits, at least min; -1 for anything else */
static int
read_digits(HistoryText *text, int min, int max)
{
	int			result = 0;
	int			n = 0;

	while (n < max && *text->next >= '0' && *text->next <= '9')
	{
		result = result * 10 + (*text->next++ - '0');
		n++;
	}
	return n < min ? -1 : result;
}

/* An ISO date, as date's output writes it: 2025-01-03, 0044-03-15 BC */
static bool
read_day(HistoryText *text, int32 *result)
{
	const char *start;
	int			year,
				month,
				day;
	int64		julian;

	skip_spaces(text);
	start = text->next;
	if ((year = read_digits(text, 4, 7)) < 0 || *text->next++ != '-' ||
		(month = read_digits(text, 2, 2)) < 0 || *text->next++ != '-' ||
		(day = read_digits(text, 2, 2)) < 0)
	{
		text->next = start;
		return syntax_error(text, "a day such as 2025-01-03");
	}
	if (text->next[0] == ' ' && text->next[1] == 'B' && text->next[2] == 'C')
	{
		/* there is no year 0 */
		year = 1 - year;
		text->next += 3;
		if (year > 0)
			month = 0;
	}
	else if (year == 0)
		month = 0;

	if (month < 1 || month > 12 || day < 1 || day > day_tab[isleap(year)][month - 1] ||
		!IS_VALID_JULIAN(year, month, day))
	{
		text->next = start;
		return range_error(text, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE, "day");
	}
	julian = (int64) date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	if (julian < HISTORY_MIN_DAY || julian > HISTORY_MAX_DAY)
	{
		text->next = start;
		return range_error(text, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE, "day");
	}
	*result = (int32) julian;
	return true;
}

/* Digits up to "end", the point left out, and so many zeros behind them */
static bool
digits_value(const char *next, const char *end, int zeros, int64 *value)
{
	int64		result = 0;

	for (; next < end; next++)
	{
		if (*next == '.')
			continue;
		if (pg_mul_s64_overflow(result, 10, &result) ||
			pg_add_s64_overflow(result, *next - '0', &result))
			return false;
	}
	*value = result;
	return !pg_mul_s64_overflow(result, history_power_of_ten(zeros), value);
}

/* A whole number, or a decimal one where the caller wants decimals */
static bool
read_number(HistoryText *text, const char *what, int64 *value, int *decimals)
{
	const char *number;			/* with its sign */
	const char *start;			/* without */
	const char *point = NULL;
	const char *end;
	bool		negative;
	int			behind = 0;		/* digits behind the point, zeros at the end not counted */
	int			needed = 0;

	skip_spaces(text);
	number = text->next;
	negative = *text->next == '-';
	if (*text->next == '-' || *text->next == '+')
		text->next++;
	start = end = text->next;
	while ((*end >= '0' && *end <= '9') || (*end == '.' && decimals != NULL && point == NULL))
	{
		if (*end == '.')
			point = end;
		end++;
	}
	if (end - start == (point != NULL))
		return syntax_error(text, what);
	text->next = end;

	if (point != NULL)
	{
		while (end[-1] == '0')
			end--;
		behind = (int) Min(end - point - 1, HISTORY_MAX_DECIMALS + 1);
		if (behind > HISTORY_MAX_DECIMALS)
		{
			text->next = number;
			ereturn(text->escontext, false,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type history: %s has more than %d decimals: \"%.*s\"",
							what, HISTORY_MAX_DECIMALS, (int) Min(end - number, 40), number),
					 errhint("Round it to at most %d decimals.", HISTORY_MAX_DECIMALS)));
		}
		needed = history_round_up_decimals(behind);
	}
	if (!digits_value(start, end, needed - behind, value))
	{
		text->next = number;
		return range_error(text, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, what);
	}
	if (negative)
		*value = -*value;
	if (decimals != NULL)
		*decimals = needed;
	return true;
}

/*
 * {day:events:total,...}, in any order; what stands twice for a day adds up.
 * NULL after a soft error.
 */
History *
history_from_text(const char *input, Node *escontext)
{
	HistoryText text;
	HistoryDay *days;
	int		   *day_decimals;
	HistoryDay *scratch;
	size_t		n = 0;
	size_t		room = 1;
	int			decimals = 0;
	HistoryError error;

	text.start = text.next = input;
	text.escontext = escontext;
	for (const char *c = text.start; *c; c++)
		room += *c == ',';
	if (room > HISTORY_MAX_DAYS)
		history_raise(HISTORY_TOO_MANY_DAYS);
	days = history_alloc_days(room);
	day_decimals = palloc(room * sizeof(int));

	if (!take(&text, '{'))
	{
		syntax_error(&text, "\"{\"");
		return NULL;
	}
	if (!take(&text, '}'))
	{
		do
		{
			HistoryDay *day = &days[n];

			if (!read_day(&text, &day->day))
				return NULL;
			if (!take(&text, ':'))
			{
				syntax_error(&text, "\":\" and the number of events");
				return NULL;
			}
			if (!read_number(&text, "number of events", &day->events, NULL))
				return NULL;
			if (!take(&text, ':'))
			{
				syntax_error(&text, "\":\" and the total");
				return NULL;
			}
			if (!read_number(&text, "total", &day->total, &day_decimals[n]))
				return NULL;
			decimals = Max(decimals, day_decimals[n]);
			n++;
			CHECK_FOR_INTERRUPTS();
		} while (take(&text, ','));
		if (!take(&text, '}'))
		{
			syntax_error(&text, "\",\" or \"}\"");
			return NULL;
		}
	}
	skip_spaces(&text);
	if (*text.next != '\0')
	{
		syntax_error(&text, "nothing");
		return NULL;
	}

	error = HISTORY_OK;
	for (size_t i = 0; i < n && error == HISTORY_OK; i++)
		error = history_rescale(&days[i], 1, day_decimals[i], decimals);
	if (error == HISTORY_OK)
	{
		scratch = history_alloc_days(n);
		error = history_normalise(days, &n, scratch);
	}
	if (error != HISTORY_OK)
	{
		text.next = text.start;
		range_error(&text, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "total or number of events of a day");
		return NULL;
	}
	return history_pack(days, n, decimals);
}

PG_FUNCTION_INFO_V1(history_in);
Datum
history_in(PG_FUNCTION_ARGS)
{
	History    *result = history_from_text(PG_GETARG_CSTRING(0), fcinfo->context);

	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_HISTORY_P(result);
}

void
history_append_text(StringInfo text, const OpenHistory *open)
{
	appendStringInfoChar(text, '{');
	for (size_t i = 0; i < open->n; i++)
	{
		const HistoryDay *day = &open->days[i];
		struct pg_tm tm;
		char		number[FIXED_TEXT_SIZE];
		char		date[MAXDATELEN + 1];

		j2date(day->day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
		EncodeDateOnly(&tm, USE_ISO_DATES, date);
		fixed_to_text(day->total, open->decimals, number);
		appendStringInfo(text, "%s%s:" INT64_FORMAT ":%s", i > 0 ? "," : "", date, day->events, number);
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(text, '}');
}

PG_FUNCTION_INFO_V1(history_out);
Datum
history_out(PG_FUNCTION_ARGS)
{
	OpenHistory open;
	StringInfoData text;

	history_open(&open, PG_GETARG_HISTORY_PP(0));
	initStringInfo(&text);
	history_append_text(&text, &open);
	history_close(&open);
	PG_RETURN_CSTRING(text.data);
}

/* ---- binary ---- */

PG_FUNCTION_INFO_V1(history_recv);
Datum
history_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			size = buf->len - buf->cursor;
	const char *bytes = pq_getmsgbytes(buf, size);
	History    *result = palloc(VARHDRSZ + size);
	OpenHistory open;

	SET_VARSIZE(result, VARHDRSZ + size);
	memcpy(VARDATA(result), bytes, size);
	history_open(&open, result);	/* trusts no byte */
	history_close(&open);
	PG_RETURN_HISTORY_P(result);
}

PG_FUNCTION_INFO_V1(history_send);
Datum
history_send(PG_FUNCTION_ARGS)
{
	History    *history = PG_GETARG_HISTORY_PP(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendbytes(&buf, (const char *) HISTORY_BYTES(history), (int) HISTORY_LENGTH(history));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* ---- one row ---- */

PG_FUNCTION_INFO_V1(history_of_row);
Datum
history_of_row(PG_FUNCTION_ARGS)
{
	HistoryDay	day;
	int			decimals;
	size_t		n = 1;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	day.day = history_check_day(PG_GETARG_DATEADT(0));
	fixed_check(fixed_from_numeric(PG_GETARG_DATUM(1), &day.total, &decimals), NUMERICOID,
				PG_GETARG_DATUM(1));
	day.events = PG_ARGISNULL(2) ? day.total >= 0 : PG_GETARG_BOOL(2);
	history_check(history_normalise(&day, &n, NULL));
	PG_RETURN_HISTORY_P(history_pack(&day, n, decimals));
}

/* ---- the group ---- */

static History *
history_combine(const History *a, const History *b, int sign)
{
	OpenHistory left;
	OpenHistory right;
	HistoryDay	short_sum[2 * SHORT_HISTORY_DAYS];
	HistoryDay *sum = short_sum;
	size_t		n;
	int			decimals;
	History    *result;

	history_open(&left, a);
	history_open(&right, b);
	decimals = Max(left.decimals, right.decimals);
	history_check(history_rescale(left.days, left.n, left.decimals, decimals));
	history_check(history_rescale(right.days, right.n, right.decimals, decimals));
	if (left.n + right.n > lengthof(short_sum))
		sum = palloc_extended((left.n + right.n) * sizeof(HistoryDay), MCXT_ALLOC_HUGE);
	history_check(history_merge(left.days, left.n, right.days, right.n, sign, sum, &n));
	result = history_pack(sum, n, decimals);
	if (sum != short_sum)
		pfree(sum);
	history_close(&left);
	history_close(&right);
	return result;
}

PG_FUNCTION_INFO_V1(history_pl);
Datum
history_pl(PG_FUNCTION_ARGS)
{
	PG_RETURN_HISTORY_P(history_combine(PG_GETARG_HISTORY_PP(0), PG_GETARG_HISTORY_PP(1), 1));
}

PG_FUNCTION_INFO_V1(history_mi);
Datum
history_mi(PG_FUNCTION_ARGS)
{
	PG_RETURN_HISTORY_P(history_combine(PG_GETARG_HISTORY_PP(0), PG_GETARG_HISTORY_PP(1), -1));
}

PG_FUNCTION_INFO_V1(history_um);
Datum
history_um(PG_FUNCTION_ARGS)
{
	OpenHistory open;
	History    *result;

	history_open(&open, PG_GETARG_HISTORY_PP(0));
	for (size_t i = 0; i < open.n; i++)
	{
		open.days[i].events = -open.days[i].events;
		open.days[i].total = -open.days[i].total;
	}
	result = history_pack(open.days, open.n, open.decimals);
	history_close(&open);
	PG_RETURN_HISTORY_P(result);
}

/* ---- comparison: of the bytes, which are canonical; it can't fail ---- */

static int
compare_bytes(FunctionCallInfo fcinfo)
{
	History    *a = PG_GETARG_HISTORY_PP(0);
	History    *b = PG_GETARG_HISTORY_PP(1);
	size_t		la = HISTORY_LENGTH(a);
	size_t		lb = HISTORY_LENGTH(b);
	int			result = memcmp(HISTORY_BYTES(a), HISTORY_BYTES(b), Min(la, lb));

	if (result == 0 && la != lb)
		result = la < lb ? -1 : 1;
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

PG_FUNCTION_INFO_V1(history_cmp);
Datum
history_cmp(PG_FUNCTION_ARGS)
{
	int			result = compare_bytes(fcinfo);

	PG_RETURN_INT32(result < 0 ? -1 : result > 0 ? 1 : 0);
}

PG_FUNCTION_INFO_V1(history_eq);
Datum
history_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_bytes(fcinfo) == 0);
}

PG_FUNCTION_INFO_V1(history_ne);
Datum
history_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_bytes(fcinfo) != 0);
}

PG_FUNCTION_INFO_V1(history_lt);
Datum
history_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_bytes(fcinfo) < 0);
}

PG_FUNCTION_INFO_V1(history_le);
Datum
history_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_bytes(fcinfo) <= 0);
}

PG_FUNCTION_INFO_V1(history_gt);
Datum
history_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_bytes(fcinfo) > 0);
}

PG_FUNCTION_INFO_V1(history_ge);
Datum
history_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_bytes(fcinfo) >= 0);
}

PG_FUNCTION_INFO_V1(history_hash);
Datum
history_hash(PG_FUNCTION_ARGS)
{
	History    *history = PG_GETARG_HISTORY_PP(0);
	Datum		result = hash_any(HISTORY_BYTES(history), (int) HISTORY_LENGTH(history));

	PG_FREE_IF_COPY(history, 0);
	return result;
}

PG_FUNCTION_INFO_V1(history_hash_extended);
Datum
history_hash_extended(PG_FUNCTION_ARGS)
{
	History    *history = PG_GETARG_HISTORY_PP(0);
	Datum		result = hash_any_extended(HISTORY_BYTES(history), (int) HISTORY_LENGTH(history),
										   (uint64) PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(history, 0);
	return result;
}
