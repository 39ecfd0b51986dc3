/*
 * history_log.c
 *		The state of history_agg: a log of days in the order they came.
 *
 * An aggregate sees its rows in any order and holds millions of states at a
 * time, so a state is one small chunk to which a row adds a few bytes:
 *
 *	varint		difference to the day before it in the log, zigzag, times two,
 *				plus one if this is not a single event with a total >= 0
 *	varint		if so: events, zigzag
 *	varint		total; zigzag if so
 *
 * The log is sorted and added up only when it has filled its chunk, or at the
 * end. Pure C without server headers.
 */
#include "history_log.h"

#include <string.h>

#include "varint.h"

/* The day before the first one in a log: 2020-01-01, so that it is near. */
#define LOG_EPOCH 7305

void
history_log_init(HistoryLog *log, uint32_t capacity)
{
	log->capacity = capacity;
	log->used = 0;
	log->last_day = LOG_EPOCH;
	log->decimals = 0;
	log->sorted = true;
}

static inline bool
is_single_event(const HistoryDay *day)
{
	return day->events == 1 && day->total >= 0;
}

static inline uint64_t
step_code(int32_t from, const HistoryDay *day)
{
	return zigzag((int64_t) day->day - from) << 1 | !is_single_event(day);
}

static inline uint8_t *
put_entry(uint8_t *p, int32_t from, const HistoryDay *day)
{
	p = put_varint(p, step_code(from, day));
	if (is_single_event(day))
		return put_varint(p, (uint64_t) day->total);
	p = put_varint(p, zigzag(day->events));
	return put_varint(p, zigzag(day->total));
}

static size_t
entry_size(int32_t from, const HistoryDay *day)
{
	size_t		size = varint_size(step_code(from, day));

	if (is_single_event(day))
		return size + varint_size((uint64_t) day->total);
	return size + varint_size(zigzag(day->events)) + varint_size(zigzag(day->total));
}

/*
 * Add one day, its total in the log's decimals. False if there is no room.
 */
bool
history_log_add(HistoryLog *log, const HistoryDay *day)
{
	if (log->capacity - log->used < HISTORY_LOG_MAX_ENTRY &&
		log->capacity - log->used < entry_size(log->last_day, day))
		return false;
	log->sorted = log->sorted && (day->day > log->last_day || log->used == 0);
	log->used = (uint32_t) (put_entry(log->entries + log->used, log->last_day, day) - log->entries);
	log->last_day = day->day;
	return true;
}

/* How many entries there are */
size_t
history_log_count(const HistoryLog *log)
{
	const uint8_t *p = log->entries;
	const uint8_t *end = p + log->used;
	size_t		n = 0;

	while (p < end)
	{
		int			varints = (*p & 1) ? 3 : 2;

		while (varints > 0)
			varints -= *p++ < 0x80;
		n++;
	}
	return n;
}

/* Unpack all entries, in the order they came; returns how many there are. */
size_t
history_log_read(const HistoryLog *log, HistoryDay *days)
{
	const uint8_t *p = log->entries;
	const uint8_t *end = p + log->used;
	int64_t		day = LOG_EPOCH;
	size_t		n = 0;

	while (p < end)
	{
		uint64_t	step = 0;
		uint64_t	value = 0;

		p = get_varint(p, end, &step);
		day += unzigzag(step >> 1);
		days[n].day = (int32_t) day;
		days[n].events = 1;
		if (step & 1)
		{
			p = get_varint(p, end, &value);
			days[n].events = unzigzag(value);
		}
		p = get_varint(p, end, &value);
		days[n].total = (step & 1) ? unzigzag(value) : (int64_t) value;
		n++;
	}
	return n;
}

/* Bytes that these days take as a log */
size_t
history_log_size(const HistoryDay *days, size_t n)
{
	size_t		size = 0;
	int32_t		from = LOG_EPOCH;

	for (size_t i = 0; i < n; i++)
	{
		size += entry_size(from, &days[i]);
		from = days[i].day;
	}
	return size;
}

/* Replace the contents by these normalised days. False if there is no room. */
bool
history_log_write(HistoryLog *log, const HistoryDay *days, size_t n, int decimals)
{
	uint8_t    *p = log->entries;
	int32_t		from = LOG_EPOCH;

	if (history_log_size(days, n) > log->capacity)
		return false;
	for (size_t i = 0; i < n; i++)
	{
		p = put_entry(p, from, &days[i]);
		from = days[i].day;
	}
	log->used = (uint32_t) (p - log->entries);
	log->last_day = from;
	log->decimals = (uint8_t) decimals;
	log->sorted = true;
	return true;
}
