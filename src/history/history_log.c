/*
 * history_log.c
 *		A history in the making: a log of days in the order they came.
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
 * end. The size of a log is what decides whether a million customers fit the
 * memory of a hash aggregate, so it starts at 64 bytes and doubles.
 *
 * Pure C without server headers: memory is the host's, errors are returned.
 */
#include "history_log.h"

#include <string.h>

#include "varint.h"

/*
 * A log at least so large is added up before it doubles: one customer may
 * have a million events on a few thousand days. Below, that costs more than
 * the bytes it saves.
 */
#define COALESCE_SIZE	1024

/* From this size on, a log doesn't double any more. */
#define MAX_SIZE		((size_t) 1 << 29)

/* The day before the first one in a log: 2020-01-01, so that it is near. */
#define LOG_EPOCH		7305

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

/* ---- entries ---- */

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

/* ---- out of a log ---- */

HistoryError
history_log_open(const Host *host, OpenHistory *open, const HistoryLog *log)
{
	HistoryError error;
	size_t		n = log->used / HISTORY_LOG_MIN_ENTRY;

	/* most logs are so short that there is nothing to count */
	if (n > SHORT_HISTORY_DAYS)
		n = history_log_count(log);
	error = history_give_room(host, open, n);
	if (error != HISTORY_OK)
		return error;
	open->decimals = log->decimals;
	open->n = history_log_read(log, open->days);
	if (!log->sorted)
		error = history_normalise_open(host, open);
	if (error != HISTORY_OK)
		history_free(host, open);
	return error;
}

HistoryError
history_log_pack(const Host *host, HistoryLog *log, size_t head, uint8_t **bytes, size_t *size)
{
	OpenHistory open;
	HistoryError error = history_log_open(host, &open, log);

	if (error != HISTORY_OK)
		return error;

	/*
	 * A moving aggregate asks for its result again and again, in between adding
	 * a row or two. The state's value remains the same, and so does its chunk.
	 */
	if (!log->sorted && log->used > HISTORY_LOG_FIRST_SIZE)
		history_log_write(log, open.days, open.n, open.decimals);
	*bytes = history_pack_days(host, open.days, open.n, open.decimals, head, size);
	history_free(host, &open);
	return HISTORY_OK;
}

/* ---- into a log ---- */

static HistoryError
enlarge(const Host *host, HistoryLog **log, size_t capacity)
{
	size_t		size = HISTORY_LOG_HEADER + (*log)->capacity;

	while (size < HISTORY_LOG_HEADER + capacity)
	{
		if (size >= MAX_SIZE)
			return HISTORY_TOO_MANY_DAYS;
		size *= 2;
	}
	*log = host->resize(*log, size);
	(*log)->capacity = (uint32_t) (size - HISTORY_LOG_HEADER);
	return HISTORY_OK;
}

/* Make room for one more entry. */
static HistoryError
make_room(const Host *host, HistoryLog **log)
{
	if ((*log)->capacity >= COALESCE_SIZE - HISTORY_LOG_HEADER && !(*log)->sorted)
	{
		OpenHistory open;
		HistoryError error;

		host->check();
		error = history_log_open(host, &open, *log);
		if (error != HISTORY_OK)
			return error;
		history_log_write(*log, open.days, open.n, open.decimals);
		history_free(host, &open);
		/* else the next time would come too soon */
		if ((*log)->used <= (*log)->capacity / 2)
			return HISTORY_OK;
	}
	return enlarge(host, log, (*log)->capacity + HISTORY_LOG_MAX_ENTRY);
}

HistoryError
history_log_replace(const Host *host, HistoryLog **log, const OpenHistory *open)
{
	size_t		size = history_log_size(open->days, open->n);
	HistoryError error = HISTORY_OK;

	if (size > (*log)->capacity)
		error = enlarge(host, log, size);
	if (error == HISTORY_OK)
		history_log_write(*log, open->days, open->n, open->decimals);
	return error;
}

/* Express all totals with more decimals. */
static HistoryError
rescale(const Host *host, HistoryLog **log, int decimals)
{
	OpenHistory open;
	HistoryError error = history_log_open(host, &open, *log);

	if (error != HISTORY_OK)
		return error;
	error = history_rescale(open.days, open.n, open.decimals, decimals);
	open.decimals = decimals;
	if (error == HISTORY_OK)
		error = history_log_replace(host, log, &open);
	history_free(host, &open);
	return error;
}

/*
 * Give up the decimals that no total needs any more, because what needed them
 * has left a moving window or has been cancelled out.
 */
static HistoryError
reduce(const Host *host, HistoryLog **log)
{
	OpenHistory open;
	HistoryError error = history_log_open(host, &open, *log);

	if (error != HISTORY_OK)
		return error;
	open.decimals = history_reduce_decimals(open.days, open.n, open.decimals);
	error = history_log_replace(host, log, &open);
	history_free(host, &open);
	return error;
}

/* Bring the log and the day to the same decimals. */
static HistoryError
agree_on_decimals(const Host *host, HistoryLog **log, HistoryDay *day, int decimals)
{
	HistoryError error = HISTORY_OK;

	if (decimals < (*log)->decimals)
	{
		int64_t		total = day->total;

		if (history_rescale(day, 1, decimals, (*log)->decimals) == HISTORY_OK)
			return HISTORY_OK;
		day->total = total;
		error = reduce(host, log);
		if (error == HISTORY_OK && decimals < (*log)->decimals)
			return history_rescale(day, 1, decimals, (*log)->decimals);
	}
	if (error == HISTORY_OK && decimals > (*log)->decimals)
	{
		if ((*log)->used > 0)
			error = rescale(host, log, decimals);
		else
			(*log)->decimals = (uint8_t) decimals;
	}
	return error;
}

HistoryError
history_log_append(const Host *host, HistoryLog **log, HistoryDay *day, int decimals)
{
	HistoryError error = HISTORY_OK;

	if (decimals != (*log)->decimals)
		error = agree_on_decimals(host, log, day, decimals);
	while (error == HISTORY_OK && !history_log_add(*log, day))
		error = make_room(host, log);
	return error;
}

/*
 * Of the entries of another log only the first one depends on what was before
 * it: the others are copied as they are. It is for many short logs of the same
 * customer, so nothing is unpacked unless decimals differ.
 */
HistoryError
history_log_append_log(const Host *host, HistoryLog **log, const HistoryLog *added)
{
	const uint8_t *end = added->entries + added->used;
	const uint8_t *rest;
	uint64_t	step = 0;
	int32_t		first;
	uint8_t    *p;

	if (added->used == 0)
		return HISTORY_OK;
	if ((*log)->used == 0)
		(*log)->decimals = added->decimals;
	if ((*log)->decimals != added->decimals)
	{
		OpenHistory open;
		HistoryError error = history_give_room(host, &open, history_log_count(added));

		if (error != HISTORY_OK)
			return error;
		open.n = history_log_read(added, open.days);
		for (size_t i = 0; i < open.n && error == HISTORY_OK; i++)
			error = history_log_append(host, log, &open.days[i], added->decimals);
		history_free(host, &open);
		return error;
	}
	rest = get_varint(added->entries, end, &step);
	first = (int32_t) (LOG_EPOCH + unzigzag(step >> 1));
	for (;;)
	{
		/* room may have been made by adding days up, and then the last one is another */
		uint64_t	new_step = zigzag((int64_t) first - (*log)->last_day) << 1 | (step & 1);
		HistoryError error;

		if ((*log)->capacity - (*log)->used >= varint_size(new_step) + (size_t) (end - rest))
		{
			step = new_step;
			break;
		}
		error = make_room(host, log);
		if (error != HISTORY_OK)
			return error;
	}
	(*log)->sorted = added->sorted && (*log)->sorted &&
		(first > (*log)->last_day || (*log)->used == 0);
	p = put_varint((*log)->entries + (*log)->used, step);
	memcpy(p, rest, (size_t) (end - rest));
	(*log)->used = (uint32_t) (p + (end - rest) - (*log)->entries);
	(*log)->last_day = added->last_day;
	return HISTORY_OK;
}
