/*
 * history_build.c
 *		A history in the making: a log of days, the memory it lives in, and the
 *		way from there to a packed history.
 *
 * The size of a log is what decides whether a million customers fit the memory
 * of a hash aggregate, so it starts at 64 bytes and doubles.
 */
#include "postgres.h"

#include "history_build.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "compat.h"

/* The first chunk: eight or so orders of a shop */
#define LOG_FIRST_SIZE		64

/*
 * A log at least so large is added up before it doubles: one customer may
 * have a million events on a few thousand days. Below, that costs more than
 * the bytes it saves.
 */
#define LOG_COALESCE_SIZE	1024

#define LOG_MAX_SIZE		(MaxAllocSize / 2)

HistoryLog *
history_log_create(MemoryContext context)
{
	HistoryLog *log = MemoryContextAlloc(context, LOG_FIRST_SIZE);

	history_log_init(log, LOG_FIRST_SIZE - HISTORY_LOG_HEADER);
	return log;
}

static void
log_enlarge(HistoryLog **log, size_t capacity)
{
	size_t		size = HISTORY_LOG_HEADER + (*log)->capacity;

	while (size < HISTORY_LOG_HEADER + capacity)
	{
		if (size > LOG_MAX_SIZE)
			history_raise(HISTORY_TOO_MANY_DAYS);
		size *= 2;
	}
	*log = repalloc(*log, size);
	(*log)->capacity = (uint32) (size - HISTORY_LOG_HEADER);
}

/*
 * The log's days, normalised; history_close when done. On HISTORY_OVERFLOW
 * there is nothing to close.
 */
HistoryError
history_log_try_open(OpenHistory *open, const HistoryLog *log)
{
	HistoryError error = HISTORY_OK;
	HistoryDay	short_scratch[SHORT_HISTORY_DAYS];
	size_t		n = log->used / HISTORY_LOG_MIN_ENTRY;

	open->decimals = log->decimals;
	/* most logs are so short that there is nothing to count */
	if (n > SHORT_HISTORY_DAYS)
		n = history_log_count(log);
	open->days = n <= SHORT_HISTORY_DAYS ? open->short_days : history_alloc_days(n);
	open->n = history_log_read(log, open->days);
	if (!log->sorted)
	{
		HistoryDay *scratch = open->n <= SHORT_HISTORY_DAYS ? short_scratch : history_alloc_days(open->n);

		error = history_normalise(open->days, &open->n, scratch);
		if (scratch != short_scratch)
			pfree(scratch);
	}
	if (unlikely(error != HISTORY_OK))
		history_close(open);
	return error;
}

void
history_log_open(OpenHistory *open, const HistoryLog *log)
{
	history_check(history_log_try_open(open, log));
}

/* Make room for one more entry. */
static HistoryError
log_make_room(HistoryLog **log)
{
	if ((*log)->capacity >= LOG_COALESCE_SIZE - HISTORY_LOG_HEADER && !(*log)->sorted)
	{
		OpenHistory open;
		HistoryError error;

		CHECK_FOR_INTERRUPTS();
		error = history_log_try_open(&open, *log);
		if (error != HISTORY_OK)
			return error;
		history_log_write(*log, open.days, open.n, open.decimals);
		history_close(&open);
		/* else the next time would come too soon */
		if ((*log)->used <= (*log)->capacity / 2)
			return HISTORY_OK;
	}
	log_enlarge(log, (*log)->capacity + HISTORY_LOG_MAX_ENTRY);
	return HISTORY_OK;
}

/* Replace the contents by these days, with as much room as they need. */
static void
log_rewrite(HistoryLog **log, const OpenHistory *open)
{
	size_t		size = history_log_size(open->days, open->n);

	if (size > (*log)->capacity)
		log_enlarge(log, size);
	history_log_write(*log, open->days, open->n, open->decimals);
}

/* Express all totals with more decimals. */
static HistoryError
log_rescale(HistoryLog **log, int decimals)
{
	OpenHistory open;
	HistoryError error = history_log_try_open(&open, *log);

	if (error != HISTORY_OK)
		return error;
	error = history_rescale(open.days, open.n, open.decimals, decimals);
	open.decimals = decimals;
	if (error == HISTORY_OK)
		log_rewrite(log, &open);
	history_close(&open);
	return error;
}

/*
 * Give up the decimals that no total needs any more, because what needed them
 * has left a moving window or has been cancelled out.
 */
static HistoryError
log_reduce(HistoryLog **log)
{
	OpenHistory open;
	HistoryError error = history_log_try_open(&open, *log);

	if (error != HISTORY_OK)
		return error;
	open.decimals = history_reduce_decimals(open.days, open.n, open.decimals);
	log_rewrite(log, &open);
	history_close(&open);
	return HISTORY_OK;
}

/*
 * The one way into a log. It moves when it grows. On HISTORY_OVERFLOW, when some
 * total doesn't fit 64 bits, it holds what it did before, and day may be spoilt.
 */
HistoryError
history_log_try_append(HistoryLog **log, HistoryDay *day, int decimals)
{
	HistoryError error = HISTORY_OK;

	if (decimals < (*log)->decimals)
	{
		int64		total = day->total;

		if (history_rescale(day, 1, decimals, (*log)->decimals) == HISTORY_OK)
			decimals = (*log)->decimals;
		else
		{
			day->total = total;
			error = log_reduce(log);
			if (error == HISTORY_OK && decimals < (*log)->decimals)
				error = history_rescale(day, 1, decimals, (*log)->decimals);
		}
	}
	if (decimals > (*log)->decimals)
	{
		if ((*log)->used > 0)
			error = log_rescale(log, decimals);
		else
			(*log)->decimals = (uint8) decimals;
	}
	while (error == HISTORY_OK && !history_log_add(*log, day))
		error = log_make_room(log);
	return error;
}

HistoryLog *
history_log_append(HistoryLog *log, HistoryDay *day, int decimals)
{
	history_check(history_log_try_append(&log, day, decimals));
	return log;
}

/* A log of these days, in the current memory context */
HistoryLog *
history_log_of(const OpenHistory *open)
{
	HistoryLog *log = history_log_create(CurrentMemoryContext);

	log_rewrite(&log, open);
	return log;
}

/* The one way from a log into another */
HistoryLog *
history_log_merge(HistoryLog *log, const HistoryLog *other)
{
	OpenHistory open;

	history_log_open(&open, other);
	for (size_t i = 0; i < open.n; i++)
		log = history_log_append(log, &open.days[i], open.decimals);
	history_close(&open);
	return log;
}

/* NULL if a total doesn't fit */
History *
history_log_try_pack(HistoryLog *log)
{
	OpenHistory open;
	History    *result;

	if (history_log_try_open(&open, log) != HISTORY_OK)
		return NULL;

	/*
	 * Keep the sorted form of a long log, for a moving window asks again after
	 * a row or two. The state's value remains the same, and so does its chunk.
	 */
	if (!log->sorted && log->used > LOG_FIRST_SIZE)
		history_log_write(log, open.days, open.n, open.decimals);
	result = history_pack(open.days, open.n, open.decimals);
	history_close(&open);
	return result;
}

History *
history_log_pack(HistoryLog *log)
{
	History    *result = history_log_try_pack(log);

	if (unlikely(result == NULL))
		history_raise(HISTORY_OVERFLOW);
	return result;
}
