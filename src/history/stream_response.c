/*
 * stream_response.c
 *		Whether a customer answers messages, and comes back to baskets: what
 *		stream_histories say of kinds of several streams that mean the same.
 *
 * Which kinds those are, a question says as keys (1024 * stream + kind),
 * ascending, so that one pass over the entries of a customer meets them all.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "arguments.h"
#include "history.h"
#include "stream_histories.h"

#include "compat.h"

/* Days that the names of the columns promise */
#define RESPONSE_DAYS	90
#define BASKET_DAYS		30

/* Keys of kinds, read along with the entries */
typedef struct Keys
{
	const int32 *next;
	const int32 *end;
} Keys;

static void
open_keys(Keys *keys, ArrayType *array, const char *argument)
{
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		null_element(argument, NULL);
	keys->next = (const int32 *) ARR_DATA_PTR(array);
	keys->end = keys->next + ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

static inline bool
is_next_key(Keys *keys, const StreamEntry *entry)
{
	while (keys->next < keys->end && *keys->next < (int32) entry->key)
		keys->next++;
	return keys->next < keys->end && *keys->next == (int32) entry->key;
}

/* Events in (after, upto] of all entries with these keys */
static int64
events_of_keys(const StreamHistories *value, ArrayType *array, const char *argument,
			   int64 after, int64 upto)
{
	StreamReader reader;
	StreamEntry entry;
	Keys		keys;
	int64		sum = 0;

	open_keys(&keys, array, argument);
	stream_histories_open(&reader, value);
	while (keys.next < keys.end && stream_histories_read(&reader, &entry))
	{
		int64		events;
		HistoryError error;

		if (!is_next_key(&keys, &entry))
			continue;
		error = history_events(entry.bytes, entry.len, after, upto, &events);
		if (error == HISTORY_OVERFLOW || (error == HISTORY_OK &&
										  __builtin_add_overflow(sum, events, &sum)))
			history_too_many_events();
		stream_histories_check(error);
	}
	return sum;
}

/* The last day up to a day with an event of one of the keys; HISTORY_SINCE_EVER if none */
static int64
last_day_of_keys(const StreamHistories *value, ArrayType *array, const char *argument, int64 upto)
{
	StreamReader reader;
	StreamEntry entry;
	Keys		keys;
	int64		last = HISTORY_SINCE_EVER;

	open_keys(&keys, array, argument);
	stream_histories_open(&reader, value);
	while (keys.next < keys.end && stream_histories_read(&reader, &entry))
	{
		bool		found;
		int32		day;

		if (!is_next_key(&keys, &entry))
			continue;
		stream_histories_check(history_last_day(entry.bytes, entry.len, upto, &found, &day));
		if (found)
			last = Max(last, day);
	}
	return last;
}

/* Adds the events of an entry in the days (after, after + days] to a number for each day. */
static void
add_days(const StreamEntry *entry, int64 after, int days, int64 *numbers)
{
	OpenHistory open;

	stream_histories_check(stream_unpack(&server_host, &open, entry));
	for (size_t i = open.n; i-- > 0 && open.days[i].day > after;)
	{
		int64		place = open.days[i].day - after - 1;

		if (place < days && open.days[i].events > 0 &&
			__builtin_add_overflow(numbers[place], open.days[i].events, &numbers[place]))
			history_too_many_events();
	}
	history_close(&open);
}

/* _events_of_kinds(streams, kinds int[], as_of, window_days) -> bigint */
PG_FUNCTION_INFO_V1(stream_events_of_kinds);
Datum
stream_events_of_kinds(PG_FUNCTION_ARGS)
{
	DateADT		as_of = PG_GETARG_DATEADT(2);

	PG_RETURN_INT64(events_of_keys(PG_GETARG_STREAM_HISTORIES_PP(0), PG_GETARG_ARRAYTYPE_P(1),
								   "kinds", history_window_start(as_of, PG_GETARG_INT32(3)),
								   as_of));
}

/*
 * _response_rate_90d(streams, sent int[], answers int[], as_of) -> float8
 *
 * A message is answered if there is an answer from its day on and before the
 * next day with a message, or as_of.
 */
PG_FUNCTION_INFO_V1(stream_response_rate);
Datum
stream_response_rate(PG_FUNCTION_ARGS)
{
	int64		after = (int64) check_day("as_of", PG_GETARG_DATEADT(3)) - RESPONSE_DAYS;
	int64		sent_on[RESPONSE_DAYS] = {0};
	int64		answers_on[RESPONSE_DAYS] = {0};
	Keys		sent_keys;
	Keys		answer_keys;
	StreamReader reader;
	StreamEntry entry;
	int64		sent = 0;
	int64		answered = 0;
	bool		answer_follows = false;

	open_keys(&sent_keys, PG_GETARG_ARRAYTYPE_P(1), "sent");
	open_keys(&answer_keys, PG_GETARG_ARRAYTYPE_P(2), "answers");
	stream_histories_open(&reader, PG_GETARG_STREAM_HISTORIES_PP(0));
	while (stream_histories_read(&reader, &entry))
	{
		if (is_next_key(&sent_keys, &entry))
			add_days(&entry, after, RESPONSE_DAYS, sent_on);
		if (is_next_key(&answer_keys, &entry))
			add_days(&entry, after, RESPONSE_DAYS, answers_on);
	}
	for (int i = RESPONSE_DAYS - 1; i >= 0; i--)
	{
		answer_follows |= answers_on[i] > 0;
		if (sent_on[i] == 0)
			continue;
		if (__builtin_add_overflow(sent, sent_on[i], &sent))
			history_too_many_events();
		if (answer_follows)
			answered += sent_on[i];
		answer_follows = false;
	}
	if (sent == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((double) answered / (double) sent);
}

/* _unanswered_in_a_row(streams, sent int[], answers int[], as_of) -> bigint */
PG_FUNCTION_INFO_V1(stream_unanswered);
Datum
stream_unanswered(PG_FUNCTION_ARGS)
{
	StreamHistories *value = PG_GETARG_STREAM_HISTORIES_PP(0);
	DateADT		as_of = check_day("as_of", PG_GETARG_DATEADT(3));
	int64		last = last_day_of_keys(value, PG_GETARG_ARRAYTYPE_P(2), "answers", as_of);

	PG_RETURN_INT64(events_of_keys(value, PG_GETARG_ARRAYTYPE_P(1), "sent", last, as_of));
}

/*
 * _abandoned_baskets_30d(streams, baskets int[], orders history, as_of) -> bigint:
 * days with a basket after the last day with an order
 */
PG_FUNCTION_INFO_V1(stream_abandoned_baskets);
Datum
stream_abandoned_baskets(PG_FUNCTION_ARGS)
{
	History    *orders = PG_GETARG_HISTORY_PP(2);
	DateADT		as_of = check_day("as_of", PG_GETARG_DATEADT(3));
	int64		after = (int64) as_of - BASKET_DAYS;
	int64		baskets_on[BASKET_DAYS] = {0};
	Keys		keys;
	StreamReader reader;
	StreamEntry entry;
	bool		found;
	int32		last_order;
	int64		days = 0;

	open_keys(&keys, PG_GETARG_ARRAYTYPE_P(1), "baskets");
	history_check(history_last_day(HISTORY_BYTES(orders), HISTORY_LENGTH(orders), as_of, &found,
								   &last_order));
	if (found)
		after = Max(after, last_order);
	stream_histories_open(&reader, PG_GETARG_STREAM_HISTORIES_PP(0));
	while (keys.next < keys.end && stream_histories_read(&reader, &entry))
	{
		if (is_next_key(&keys, &entry))
			add_days(&entry, after, (int) (as_of - after), baskets_on);
	}
	for (int i = 0; i < BASKET_DAYS; i++)
		days += baskets_on[i] > 0;
	PG_RETURN_INT64(days);
}
