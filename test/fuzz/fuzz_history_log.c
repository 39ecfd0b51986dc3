/*
 * fuzz_history_log.c
 *		The log behind history_agg: the input is a program of adding rows,
 *		adding up, and growing, and the log must always stand for the sum of
 *		what was added.
 *
 *	byte	capacity of the first log
 *	then	0xF0..0xF7: add up and write back; 0xF8..0xFF: grow;
 *			otherwise an entry: bits 0-1 bytes of day, 2-3 events, 4-6 bytes of total
 */
#include <stdio.h>

#include "history/history_log.h"
#include "history_model.h"

#define MAX_ENTRIES 1000

extern int	LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void
fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static HistoryLog *
resize(HistoryLog *old, uint32_t capacity)
{
	size_t		size = HISTORY_LOG_HEADER + capacity;
	HistoryLog *log = malloc(size > sizeof(HistoryLog) ? size : sizeof(HistoryLog));

	if (old == NULL)
		history_log_init(log, capacity);
	else
	{
		memcpy(log, old, HISTORY_LOG_HEADER + old->used);
		log->capacity = capacity;
		free(old);
	}
	return log;
}

/* A signed number of so many bytes */
static int64_t
take_number(const uint8_t **input, const uint8_t *end, int bytes)
{
	uint64_t	value = 0;

	for (int i = 0; i < bytes; i++)
		value = value << 8 | (*input < end ? *(*input)++ : 0);
	if (bytes > 0 && bytes < 8 && (value >> (8 * bytes - 1)) != 0)
		return (int64_t) value - ((int64_t) 1 << (8 * bytes));
	return (int64_t) value;
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static HistoryDay added[MAX_ENTRIES];
	static HistoryDay expected[MAX_ENTRIES];
	static HistoryDay days[MAX_ENTRIES];
	static HistoryDay scratch[MAX_ENTRIES];
	const uint8_t *end = input + size;
	HistoryLog *log;
	size_t		nadded = 0;
	size_t		n;
	size_t		wanted = 0;
	HistoryError error;
	bool		fits;

	if (size < 1)
		return 0;
	log = resize(NULL, *input++);
	while (input < end && nadded < MAX_ENTRIES)
	{
		uint8_t		op = *input++;

		if (op >= 0xf8)
		{
			log = resize(log, log->capacity + (op & 7u) * 5);
			continue;
		}
		n = history_log_count(log);
		history_log_read(log, days);
		if (op >= 0xf0)
		{
			bool		written;

			error = history_normalise(days, &n, scratch);
			if (error != HISTORY_OK)
			{
				if (model_sum(added, nadded, expected, &wanted))
				{
					/* an intermediate sum may overflow, but only where magnitudes do */
					model_wide	magnitude = 0;

					for (size_t i = 0; i < nadded; i++)
					{
						model_wide	events = added[i].events;
						model_wide	total = added[i].total;

						magnitude += (events > 0 ? events : -events) + (total > 0 ? total : -total);
					}
					if (magnitude < INT64_MAX)
						fail("an overflow that is none");
				}
				break;
			}
			written = history_log_size(days, n) <= log->capacity;
			if (history_log_write(log, days, n, 4) != written)
				fail("history_log_write");
			if (written &&
				(!log->sorted || log->decimals != 4 || log->used != history_log_size(days, n)))
				fail("the log after history_log_write");
		}
		else
		{
			HistoryDay *day = &added[nadded];
			int64_t		number = take_number(&input, end, op & 3);
			bool		room;

			day->day = (int32_t) (number % 5000000);
			if (day->day < HISTORY_MIN_DAY)
				day->day = HISTORY_MIN_DAY;
			day->events = (op >> 2 & 3) == 3 ? take_number(&input, end, 8) : (op >> 2 & 3) - 1;
			day->total = take_number(&input, end, (op >> 4 & 7) + (op >= 0x70));
			if (day->total == INT64_MIN || day->events == INT64_MIN ||
				(day->events == 0 && day->total == 0))
				continue;
			days[n] = *day;
			room = history_log_size(days, n + 1) <= log->capacity;
			if (history_log_add(log, day) != room)
				fail("history_log_add");
			nadded += room;
		}
		if (log->used > log->capacity)
			fail("more used than there is");
	}

	/* the sum of the log is the sum of what was added */
	n = history_log_count(log);
	history_log_read(log, days);
	fits = model_sum(added, nadded, expected, &wanted);
	for (size_t i = 1; i < n && log->sorted; i++)
	{
		if (days[i].day <= days[i - 1].day)
			fail("not sorted");
	}
	error = history_normalise(days, &n, scratch);
	if (error == HISTORY_OK && fits && !model_equal(days, n, expected, wanted))
		fail("another sum");
	free(log);
	return 0;
}
