/*
 * stream_histories.c
 *		The SQL type stream_histories: input and output, operators. Its send
 *		function and its comparisons are those of history, for they look at bytes
 *		alone: equal values have equal bytes.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "history.h"
#include "stream_histories.h"
#include "stream_log.h"

#include "compat.h"

/* ---- between packed and open, for all files ---- */

void
stream_histories_raise(HistoryError error)
{
	/* other errors are those of a history in it */
	if (error == HISTORY_MALFORMED)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed value of type stream_histories")));
	history_raise(error);
}

StreamHistories *
stream_histories_of_bytes(uint8 *bytes, size_t size)
{
	SET_VARSIZE(bytes, size);
	return (StreamHistories *) bytes;
}

int
stream_check_stream(int32 stream)
{
	if (stream < 1 || stream > STREAM_MAX_STREAM)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("stream must be between 1 and %d, but is %d", STREAM_MAX_STREAM, stream)));
	return stream;
}

int
stream_check_kind(int32 kind)
{
	if (kind < 0 || kind > STREAM_MAX_KIND)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("kind must be between 0 and %d, but is %d", STREAM_MAX_KIND, kind),
				 errhint("0 is for all kinds that have no number.")));
	return kind;
}

/* ---- text ---- */

static bool
syntax_error(const char *start, const char *next, const char *expected, Node *escontext)
{
	int			start_len = pg_mbcliplen(start, (int) strlen(start), 60);
	int			rest_len = pg_mbcliplen(next, (int) strlen(next), 20);

	ereturn(escontext, false,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type stream_histories: \"%.*s%s\"", start_len, start,
					start[start_len] ? "..." : ""),
			 *next ? errdetail("Expected %s at \"%.*s\".", expected, rest_len, next)
			 : errdetail("Expected %s at the end.", expected),
			 errhint("Write stream/kind={day:events:total}, for example {1/3={2025-01-03:1:1,2025-02-11:2:2}}.")));
}

static const char *
skip_spaces(const char *next)
{
	while (*next == ' ' || (*next >= '\t' && *next <= '\r'))
		next++;
	return next;
}

/* So many digits at most; NULL where there is none, or the number is out of range */
static const char *
read_number(const char *next, int min, int max, int *value)
{
	const char *start = skip_spaces(next);

	*value = 0;
	for (next = start; next - start < 4 && *next >= '0' && *next <= '9'; next++)
		*value = *value * 10 + (*next - '0');
	return next == start || *value < min || *value > max ? NULL : next;
}

/* stream/kind={...}: adds it to the log. NULL after a soft error. */
static const char *
read_entry(const char *start, const char *next, StreamLog **log, Node *escontext)
{
	const char *after;
	const char *end;
	int			stream;
	int			kind;
	char	   *text;
	History    *history;
	StreamEntry entry;

	next = skip_spaces(next);
	after = read_number(next, 1, STREAM_MAX_STREAM, &stream);
	if (after == NULL || *(after = skip_spaces(after)) != '/')
	{
		syntax_error(start, next, "a stream from 1 to 255 and \"/\"", escontext);
		return NULL;
	}
	next = skip_spaces(after + 1);
	after = read_number(next, 0, STREAM_MAX_KIND, &kind);
	if (after == NULL || *(after = skip_spaces(after)) != '=')
	{
		syntax_error(start, next, "a kind from 0 to 1023 and \"=\"", escontext);
		return NULL;
	}
	next = skip_spaces(after + 1);
	end = *next == '{' ? strchr(next, '}') : NULL;
	if (end == NULL)
	{
		syntax_error(start, next, "a history in \"{\" and \"}\"", escontext);
		return NULL;
	}
	text = pnstrdup(next, end + 1 - next);
	history = history_from_text(text, escontext);
	pfree(text);
	if (history == NULL)
		return NULL;
	stream_histories_check(stream_entry_of_history(&entry, STREAM_KEY(stream, kind),
												   HISTORY_BYTES(history),
												   HISTORY_LENGTH(history)));
	if (HISTORY_LENGTH(history) > HISTORY_EMPTY_SIZE)
		stream_histories_check(stream_log_add(&server_host, log, &entry));
	pfree(history);
	return end + 1;
}

/* {stream/kind={...},...}, in any order; what stands twice adds up. */
PG_FUNCTION_INFO_V1(stream_histories_in);
Datum
stream_histories_in(PG_FUNCTION_ARGS)
{
	const char *start = PG_GETARG_CSTRING(0);
	const char *next = skip_spaces(start);
	Node	   *escontext = fcinfo->context;
	StreamLog  *log = stream_log_create(CurrentMemoryContext);
	HistoryError error;
	uint8	   *bytes;
	size_t		size;

	if (*next != '{')
	{
		syntax_error(start, next, "\"{\"", escontext);
		PG_RETURN_NULL();
	}
	next = skip_spaces(next + 1);
	if (*next != '}')
	{
		for (;;)
		{
			next = read_entry(start, next, &log, escontext);
			if (next == NULL)
				PG_RETURN_NULL();
			next = skip_spaces(next);
			if (*next != ',')
				break;
			next++;
			CHECK_FOR_INTERRUPTS();
		}
		if (*next != '}')
		{
			syntax_error(start, next, "\",\" or \"}\"", escontext);
			PG_RETURN_NULL();
		}
	}
	next = skip_spaces(next + 1);
	if (*next != '\0')
	{
		syntax_error(start, next, "nothing", escontext);
		PG_RETURN_NULL();
	}
	error = stream_log_pack(&server_host, log, STREAM_RAISE, VARHDRSZ, &bytes, &size);
	if (error == HISTORY_OVERFLOW)
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("total or number of events of a day is out of range for type stream_histories")));
	stream_histories_check(error);
	PG_RETURN_STREAM_HISTORIES_P(stream_histories_of_bytes(bytes, size));
}

PG_FUNCTION_INFO_V1(stream_histories_out);
Datum
stream_histories_out(PG_FUNCTION_ARGS)
{
	StreamReader reader;
	StreamEntry entry;
	StringInfoData text;
	const char *separator = "";

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	stream_histories_open(&reader, PG_GETARG_STREAM_HISTORIES_PP(0));
	while (stream_histories_read(&reader, &entry))
	{
		OpenHistory open;

		appendStringInfo(&text, "%s%d/%d=", separator, STREAM_OF_KEY(entry.key),
						 STREAM_KIND_OF_KEY(entry.key));
		stream_histories_check(stream_unpack(&server_host, &open, &entry));
		history_append_text(&text, &open);
		history_close(&open);
		separator = ",";
	}
	appendStringInfoChar(&text, '}');
	PG_RETURN_CSTRING(text.data);
}

/* ---- binary ---- */

PG_FUNCTION_INFO_V1(stream_histories_recv);
Datum
stream_histories_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			size = buf->len - buf->cursor;
	const char *bytes = pq_getmsgbytes(buf, size);
	uint8	   *result = palloc(VARHDRSZ + size);

	memcpy(result + VARHDRSZ, bytes, size);
	/* trusts no byte */
	stream_histories_check(stream_check(&server_host, result + VARHDRSZ, size, false));
	PG_RETURN_STREAM_HISTORIES_P(stream_histories_of_bytes(result, VARHDRSZ + size));
}

/* ---- the group ---- */

static const uint8 zero[] = {STREAM_EMPTY};

static StreamHistories *
combine(const StreamHistories *a, const StreamHistories *b, int sign, bool leave_out)
{
	uint8	   *bytes;
	size_t		size;

	stream_histories_check(stream_combine(&server_host,
										  a == NULL ? zero : (const uint8 *) VARDATA_ANY(a),
										  a == NULL ? sizeof(zero) : VARSIZE_ANY_EXHDR(a),
										  (const uint8 *) VARDATA_ANY(b), VARSIZE_ANY_EXHDR(b),
										  sign, leave_out, VARHDRSZ, &bytes, &size));
	return stream_histories_of_bytes(bytes, size);
}

PG_FUNCTION_INFO_V1(stream_histories_pl);
Datum
stream_histories_pl(PG_FUNCTION_ARGS)
{
	PG_RETURN_STREAM_HISTORIES_P(combine(PG_GETARG_STREAM_HISTORIES_PP(0),
										 PG_GETARG_STREAM_HISTORIES_PP(1), 1, false));
}

PG_FUNCTION_INFO_V1(stream_histories_mi);
Datum
stream_histories_mi(PG_FUNCTION_ARGS)
{
	PG_RETURN_STREAM_HISTORIES_P(combine(PG_GETARG_STREAM_HISTORIES_PP(0),
										 PG_GETARG_STREAM_HISTORIES_PP(1), -1, false));
}

PG_FUNCTION_INFO_V1(stream_histories_um);
Datum
stream_histories_um(PG_FUNCTION_ARGS)
{
	PG_RETURN_STREAM_HISTORIES_P(combine(NULL, PG_GETARG_STREAM_HISTORIES_PP(0), -1, false));
}

/* As +, but what doesn't fit is left out */
PG_FUNCTION_INFO_V1(stream_histories_try_add);
Datum
stream_histories_try_add(PG_FUNCTION_ARGS)
{
	PG_RETURN_STREAM_HISTORIES_P(combine(PG_GETARG_STREAM_HISTORIES_PP(0),
										 PG_GETARG_STREAM_HISTORIES_PP(1), 1, true));
}
