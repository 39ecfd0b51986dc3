/*
 * test_history_log.c
 *		The log behind history_agg, against a plain array of what was added.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "history/history_log.h"
#include "history_model.h"
#include "test_host.h"

#define MAX_ENTRIES 4000

static uint64_t seed;

static uint64_t
draw(uint64_t n)
{
	uint64_t	x;

	seed += UINT64_C(0x9E3779B97F4A7C15);
	x = seed;
	x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (x ^ (x >> 31)) % n;
}

static HistoryDay
draw_entry(int pattern, size_t i)
{
	HistoryDay	entry;

	/* pattern 0: ascending days; 1: a few days; 2: anything */
	entry.day = pattern == 0 ? 7000 + (int32_t) i : pattern == 1 ? 9000 + (int32_t) draw(12)
		: draw(9) == 0 ? HISTORY_MIN_DAY : draw(9) == 0 ? HISTORY_MAX_DAY :
			5000 + (int32_t) draw(5000);
	entry.events = draw(4) > 0 ? 1 : (int64_t) draw(5) - 2;
	entry.total = draw(4) > 0 ? (int64_t) draw(100000) : pattern == 2 && draw(20) == 0
		? (draw(2) == 0 ? INT64_MAX : -INT64_MAX) : (int64_t) draw(1000) - 500;
	if (entry.events == 0 && entry.total == 0)
		entry.total = -1;
	return entry;
}

/* A log of exactly that size, so that a sanitizer sees any step over its end */
static HistoryLog *
new_log(uint32_t capacity)
{
	size_t		size = HISTORY_LOG_HEADER + capacity;
	HistoryLog *log = malloc(size > sizeof(HistoryLog) ? size : sizeof(HistoryLog));

	assert_non_null(log);
	history_log_init(log, capacity);
	return log;
}

static void
assert_log_holds(const HistoryLog *log, const HistoryDay *entries, size_t n)
{
	HistoryDay *days = malloc((n + 1) * sizeof(HistoryDay));

	assert_non_null(days);
	assert_true(log->used <= log->capacity);
	assert_int_equal(history_log_count(log), n);
	history_log_read(log, days);
	for (size_t i = 0; i < n; i++)
	{
		assert_int_equal(days[i].day, entries[i].day);
		assert_true(days[i].events == entries[i].events && days[i].total == entries[i].total);
		if (log->sorted && i > 0)
			assert_true(days[i - 1].day < days[i].day);
	}
	assert_int_equal(log->last_day, n > 0 ? days[n - 1].day : 7305);
	assert_int_equal(history_log_size(days, n), log->used);
	free(days);
}

static void
a_new_log_is_empty(void **state)
{
	HistoryLog *log = new_log(0);
	HistoryDay	day = {1, 0, 7305};

	(void) state;
	assert_log_holds(log, NULL, 0);
	assert_true(log->sorted);
	assert_int_equal(log->decimals, 0);
	assert_false(history_log_add(log, &day));
	assert_log_holds(log, NULL, 0);
	assert_true(history_log_write(log, NULL, 0, 9));
	assert_int_equal(log->decimals, 9);
	free(log);
}

/* What the header says of the longest entry */
static void
the_longest_entry_fits(void **state)
{
	HistoryDay	longest[] = {{-INT64_MAX, -INT64_MAX, HISTORY_MIN_DAY},
		{INT64_MAX, INT64_MAX, HISTORY_MAX_DAY},
	{-INT64_MAX, INT64_MAX, HISTORY_MIN_DAY}};
	HistoryLog *log = new_log(3 * HISTORY_LOG_MAX_ENTRY);

	(void) state;
	for (int i = 0; i < 3; i++)
	{
		uint32_t	before = log->used;

		assert_true(history_log_add(log, &longest[i]));
		assert_true(log->used - before <= HISTORY_LOG_MAX_ENTRY);
	}
	assert_log_holds(log, longest, 3);
	free(log);
}

/* Rows as history_agg adds them: refused exactly when they don't fit */
static void
add_until_full(void **state)
{
	HistoryDay	entries[200];

	(void) state;
	seed = 1;
	for (int trial = 0; trial < 3000; trial++)
	{
		HistoryLog *log = new_log((uint32_t) draw(300));
		int			pattern = (int) draw(3);
		size_t		n = 0;

		for (int i = 0; i < 150; i++)
		{
			size_t		size;

			entries[n] = draw_entry(pattern, (size_t) i);
			size = history_log_size(entries, n + 1);
			if (history_log_add(log, &entries[n]))
			{
				n++;
				assert_int_equal(log->used, size);
			}
			else
				assert_true(size > log->capacity);
		}
		assert_log_holds(log, entries, n);
		if (pattern == 0)
			assert_true(log->sorted);
		free(log);
	}
}

/*
 * Add, add up, write back, in any mix: the log always stands for the sum of
 * all that was added.
 */
static void
any_sequence_keeps_the_sum(void **state)
{
	static HistoryDay added[MAX_ENTRIES];
	static HistoryDay expected[MAX_ENTRIES];
	static HistoryDay days[MAX_ENTRIES];
	static HistoryDay scratch[MAX_ENTRIES];
	size_t		written = 0;

	(void) state;
	seed = 2;
	for (int trial = 0; trial < 400; trial++)
	{
		int			pattern = (int) draw(2);
		HistoryLog *log = new_log((uint32_t) draw(trial % 10 == 0 ? 6000 : 200));
		size_t		nadded = 0;

		for (int step = 0; step < 600; step++)
		{
			if (draw(20) > 0)
			{
				added[nadded] = draw_entry(pattern, (size_t) step);
				nadded += history_log_add(log, &added[nadded]);
			}
			else
			{
				size_t		n = history_log_count(log);
				size_t		wanted = 0;
				size_t		size;

				history_log_read(log, days);
				assert_int_equal(history_normalise(days, &n, scratch), HISTORY_OK);
				assert_true(model_sum(added, nadded, expected, &wanted));
				assert_true(model_equal(days, n, expected, wanted));
				size = history_log_size(days, n);
				if (history_log_write(log, days, n, 2))
				{
					assert_true(size <= log->capacity);
					assert_true(log->sorted);
					assert_int_equal(log->decimals, 2);
					assert_log_holds(log, days, n);
					written++;
				}
				else
					assert_true(size > log->capacity);
			}
		}
		free(log);
	}
	assert_true(written > 1000);
}

/* Sorted can take more than unsorted: then nothing is written. */
static void
no_room_changes_nothing(void **state)
{
	HistoryDay	near_first[] = {{1, 5, 7306}, {1, 6, 5000}};
	HistoryDay	sorted[] = {{1, 6, 5000}, {1, 5, 7306}};
	HistoryLog *log = new_log((uint32_t) history_log_size(near_first, 2));

	(void) state;
	assert_true(history_log_add(log, &near_first[0]));
	assert_true(history_log_add(log, &near_first[1]));
	assert_false(log->sorted);
	assert_false(history_log_write(log, sorted, 2, 9));
	assert_false(log->sorted);
	assert_int_equal(log->decimals, 0);
	assert_log_holds(log, near_first, 2);
	free(log);
}

/* A growing log, by the one way in: values of any decimals */
static void
appended_days_keep_the_sum(void **state)
{
	static const int on_offer[] = {0, 2, 3, 4, 6, 9};
	static HistoryDay added[MAX_ENTRIES];
	static HistoryDay expected[MAX_ENTRIES];
	size_t		coalesced = 0;

	(void) state;
	seed = 3;
	for (int trial = 0; trial < 300; trial++)
	{
		HistoryLog *log = host_allocate(&host, HISTORY_LOG_FIRST_SIZE);
		size_t		nadded = trial % 20 == 0 ? MAX_ENTRIES : 1 + draw(80);
		size_t		wanted = 0;
		size_t		size;
		uint8_t    *bytes;
		OpenHistory open;

		history_log_init(log, HISTORY_LOG_FIRST_SIZE - HISTORY_LOG_HEADER);
		for (size_t i = 0; i < nadded; i++)
		{
			int			decimals = on_offer[draw(trial % 2 ? 6 : 2)];
			HistoryDay	day = draw_entry((int) draw(2), i);

			added[i] = day;
			added[i].total *= history_power_of_ten(9 - decimals);
			assert_int_equal(history_log_append(&host, &log, &day, decimals), HISTORY_OK);
		}
		coalesced += history_log_count(log) < nadded;
		assert_true(model_sum(added, nadded, expected, &wanted));
		assert_int_equal(history_log_pack(&host, log, 4, &bytes, &size), HISTORY_OK);
		assert_int_equal(history_unpack(&host, &open, bytes + 4, size - 4), HISTORY_OK);
		assert_int_equal(history_rescale(open.days, open.n, open.decimals, 9), HISTORY_OK);
		assert_true(model_equal(open.days, open.n, expected, wanted));
		history_free(&host, &open);
		free(bytes);
		free(log);
	}
	assert_true(coalesced > 0);
}

/* Logs of several workers, of any decimals, added up in any order */
static void
logs_added_to_a_log_keep_the_sum(void **state)
{
	static const int on_offer[] = {0, 2, 3, 4, 6, 9};
	static HistoryDay added[MAX_ENTRIES];
	static HistoryDay expected[MAX_ENTRIES];
	size_t		coalesced = 0;
	size_t		sorted = 0;

	(void) state;
	seed = 4;
	for (int trial = 0; trial < 600; trial++)
	{
		HistoryLog *log = host_allocate(&host, HISTORY_LOG_FIRST_SIZE);
		int			logs = (int) draw(trial % 20 == 0 ? 40 : 6);
		size_t		nadded = 0;
		size_t		wanted = 0;
		size_t		size;
		uint8_t    *bytes;
		OpenHistory open;

		history_log_init(log, HISTORY_LOG_FIRST_SIZE - HISTORY_LOG_HEADER);
		for (int part = 0; part < logs; part++)
		{
			HistoryLog *more = host_allocate(&host, HISTORY_LOG_FIRST_SIZE);
			size_t		ndays = draw(draw(4) == 0 ? 100 : 6);
			int			pattern = (int) draw(2);

			history_log_init(more, HISTORY_LOG_FIRST_SIZE - HISTORY_LOG_HEADER);
			for (size_t i = 0; i < ndays; i++)
			{
				int			decimals = on_offer[draw(trial % 3 ? 1 : 6)];
				HistoryDay	day = draw_entry(pattern, nadded);

				added[nadded] = day;
				added[nadded++].total *= history_power_of_ten(9 - decimals);
				assert_int_equal(history_log_append(&host, &more, &day, decimals), HISTORY_OK);
			}
			/* of exactly that size, so that a sanitizer sees any step over its end */
			more = realloc(more, HISTORY_LOG_HEADER + more->used > sizeof(HistoryLog) ?
						   HISTORY_LOG_HEADER + more->used : sizeof(HistoryLog));
			assert_int_equal(history_log_append_log(&host, &log, more), HISTORY_OK);
			assert_true(log->used <= log->capacity);
			free(more);
		}
		coalesced += history_log_count(log) < nadded;
		sorted += log->sorted && nadded > 10;
		assert_true(model_sum(added, nadded, expected, &wanted));
		assert_int_equal(history_log_open(&host, &open, log), HISTORY_OK);
		for (size_t i = 1; i < open.n; i++)
			assert_true(open.days[i - 1].day < open.days[i].day);
		history_free(&host, &open);
		assert_int_equal(history_log_pack(&host, log, 4, &bytes, &size), HISTORY_OK);
		assert_int_equal(history_unpack(&host, &open, bytes + 4, size - 4), HISTORY_OK);
		assert_int_equal(history_rescale(open.days, open.n, open.decimals, 9), HISTORY_OK);
		assert_true(model_equal(open.days, open.n, expected, wanted));
		history_free(&host, &open);
		free(bytes);
		free(log);
	}
	assert_true(coalesced > 0);
	assert_true(sorted > 0);
}

/* What doesn't fit is an error, and leaves the log as it was. */
static void
overflow_changes_nothing(void **state)
{
	HistoryLog *log = host_allocate(&host, HISTORY_LOG_FIRST_SIZE);
	HistoryDay	large = {1, INT64_MAX, 7000};
	HistoryDay	precise = {1, 1, 7001};
	OpenHistory open;

	(void) state;
	history_log_init(log, HISTORY_LOG_FIRST_SIZE - HISTORY_LOG_HEADER);
	assert_int_equal(history_log_append(&host, &log, &large, 0), HISTORY_OK);
	assert_int_equal(history_log_append(&host, &log, &precise, 9), HISTORY_OVERFLOW);
	assert_int_equal(history_log_open(&host, &open, log), HISTORY_OK);
	assert_int_equal(open.n, 1);
	assert_int_equal(open.decimals, 0);
	assert_true(model_equal(open.days, 1, &large, 1));
	history_free(&host, &open);

	/* the sum of a day: found when the log is read, and nothing is left to free */
	assert_int_equal(history_log_append(&host, &log, &large, 0), HISTORY_OK);
	assert_int_equal(history_log_open(&host, &open, log), HISTORY_OVERFLOW);
	free(log);
}

/* Decimals that the totals no longer need are given up where that makes room for a value. */
static void
decimals_are_given_up(void **state)
{
	HistoryLog *log = host_allocate(&host, HISTORY_LOG_FIRST_SIZE);
	HistoryDay	precise = {1, 1, 7000};
	HistoryDay	undone = {-1, -1, 7000};
	HistoryDay	large = {1, INT64_MAX, 7001};

	(void) state;
	history_log_init(log, HISTORY_LOG_FIRST_SIZE - HISTORY_LOG_HEADER);
	assert_int_equal(history_log_append(&host, &log, &precise, 9), HISTORY_OK);
	assert_int_equal(history_log_append(&host, &log, &large, 0), HISTORY_OVERFLOW);
	large.total = INT64_MAX;
	assert_int_equal(history_log_append(&host, &log, &undone, 9), HISTORY_OK);
	assert_int_equal(history_log_append(&host, &log, &large, 0), HISTORY_OK);
	assert_int_equal(log->decimals, 0);
	assert_int_equal(history_log_count(log), 1);
	free(log);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_log_is_empty),
		cmocka_unit_test(the_longest_entry_fits),
		cmocka_unit_test(add_until_full),
		cmocka_unit_test(no_room_changes_nothing),
		cmocka_unit_test(any_sequence_keeps_the_sum),
		cmocka_unit_test(appended_days_keep_the_sum),
		cmocka_unit_test(logs_added_to_a_log_keep_the_sum),
		cmocka_unit_test(overflow_changes_nothing),
		cmocka_unit_test(decimals_are_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
