/*
 * test_history_codec.c
 *		The packed form of a history: what it looks like, what is refused, and
 *		that every reader agrees with plain loops over the days.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "history/history_codec.h"
#include "history_model.h"
#include "history/varint.h"
#include "trials.h"

#define MAX_DAYS	3000

static uint64_t seed;

/* A number below n; the same sequence everywhere. */
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

/* Now and then an extreme, mostly something a shop would see */
static int64_t
draw_total(void)
{
	switch (draw(12))
	{
		case 0:
			return 0;
		case 1:
			return INT64_MAX - (int64_t) draw(3);
		case 2:
			return -INT64_MAX + (int64_t) draw(3);
		case 3:
			return -(int64_t) draw(100000);
		case 4:
			return (int64_t) (draw(UINT64_C(1) << draw(63)));
		default:
			return (int64_t) draw(100000);
	}
}

static int64_t
draw_events(void)
{
	switch (draw(16))
	{
		case 0:
			return 0;
		case 1:
			return -(int64_t) draw(5);
		case 2:
			return INT64_MAX;
		case 3:
			return -INT64_MAX;
		case 4:
			return (int64_t) draw(UINT64_C(1) << draw(63));
		default:
			return 1 + (int64_t) draw(2);
	}
}

static int32_t
draw_day(void)
{
	switch (draw(20))
	{
		case 0:
			return HISTORY_MIN_DAY + (int32_t) draw(3);
		case 1:
			return HISTORY_MAX_DAY - (int32_t) draw(3);
		case 2:
			return HISTORY_MIN_DAY +
				(int32_t) draw((uint64_t) HISTORY_MAX_DAY - HISTORY_MIN_DAY + 1);
		default:
			return 7000 + (int32_t) draw(4000);
	}
}

/* A normalised history of about n days; returns how many it has. */
static size_t
draw_history(HistoryDay *days, size_t n, bool plain, int *decimals)
{
	static const int all[] = {0, 2, 3, 4, 6, 9};
	static HistoryDay entries[MAX_DAYS];
	size_t		ndays = 0;

	for (size_t i = 0; i < n; i++)
	{
		entries[i].day = plain ? 7000 + (int32_t) draw(4000) : draw_day();
		entries[i].events = plain ? 1 : draw_events();
		entries[i].total = plain ? (int64_t) draw(100001) : draw_total();
		for (size_t j = 0; j < i; j++)
		{
			if (entries[j].day == entries[i].day)
			{
				i--;
				n--;
				break;
			}
		}
	}
	assert_true(model_sum(entries, n, days, &ndays));
	*decimals = history_reduce_decimals(days, ndays, all[draw(6)]);
	return ndays;
}

/* A copy of exactly that many bytes, so that a sanitizer sees any step over its end */
static uint8_t *
exact_copy(const uint8_t *bytes, size_t len)
{
	uint8_t    *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	return copy;
}

/* The decoder's verdict; what it accepts must be what the encoder writes. */
static HistoryError
verdict(const uint8_t *bytes, size_t len)
{
	uint8_t    *copy = exact_copy(bytes, len);
	size_t		n;
	HistoryError error = history_count_days(copy, len, &n);
	HistoryActivity activity;
	HistoryWindow windows[] = {{.after = 8000,.upto = 9000}, {.after = 9000,.upto = 9500}};
	int64_t		number;
	int32_t		day;
	int			decimals;
	bool		found;

	/* whatever it is, nobody reads beyond it */
	(void) history_last_day(copy, len, 9000, &found, &day);
	(void) history_activity(copy, len, 8000, 9000, &activity);
	(void) history_windows(copy, len, windows, 2);
	(void) history_events(copy, len, HISTORY_SINCE_EVER, INT32_MAX, &number);
	(void) history_total(copy, len, HISTORY_SINCE_EVER, INT32_MAX, &number, &decimals);
	(void) history_total(copy, len, 8000, 9000, &number, &decimals);

	if (error == HISTORY_OK)
	{
		HistoryDay *days;
		uint8_t    *again;
		size_t		count = n;

		assert_true(n <= len);
		days = malloc((n + 1) * sizeof(HistoryDay));
		again = malloc(HISTORY_MAX_SIZE(n));
		assert_non_null(days);
		assert_non_null(again);
		error = history_decode(copy, len, days, &n, &decimals);
		if (error == HISTORY_OK)
		{
			assert_int_equal(n, count);
			assert_int_equal(history_encode(days, n, decimals, again), len);
			assert_memory_equal(again, bytes, len);
			assert_null(model_check_all_reads(copy, len, days, n, decimals, 3));
		}
		free(days);
		free(again);
	}
	free(copy);
	return error;
}

/* ---- varints ---- */

static void
varint_has_one_spelling(void **state)
{
	uint8_t		bytes[VARINT_MAX_SIZE + 2];
	uint64_t	value;

	(void) state;
	for (int bit = 0; bit <= 64; bit++)
	{
		for (int offset = -2; offset <= 2; offset++)
		{
			uint64_t	wanted = (bit == 64 ? 0 : UINT64_C(1) << bit) + (uint64_t) (int64_t) offset;
			size_t		size = (size_t) (put_varint(bytes, wanted) - bytes);

			assert_int_equal(size, varint_size(wanted));
			assert_true(size >= 1 && size <= VARINT_MAX_SIZE);
			assert_ptr_equal(get_varint(bytes, bytes + size, &value), bytes + size);
			assert_true(value == wanted);
			for (size_t cut = 0; cut < size; cut++)
				assert_null(get_varint(bytes, bytes + cut, &value));
			/* one byte longer than needed */
			bytes[size - 1] |= 0x80;
			bytes[size] = 0;
			assert_null(get_varint(bytes, bytes + size + 1, &value));
			assert_true(unzigzag(zigzag((int64_t) wanted)) == (int64_t) wanted);
		}
	}
	/* 65 bits, and bytes that never end */
	memset(bytes, 0xff, sizeof(bytes));
	assert_null(get_varint(bytes, bytes + sizeof(bytes), &value));
	bytes[9] = 0x02;
	assert_null(get_varint(bytes, bytes + 10, &value));
	bytes[9] = 0x01;
	assert_ptr_equal(get_varint(bytes, bytes + 10, &value), bytes + 10);
	assert_true(value == UINT64_MAX);
}

/* ---- the open form ---- */

static void
sort_and_sum_as_the_model(void **state)
{
	static HistoryDay entries[MAX_DAYS];
	static HistoryDay expected[MAX_DAYS];
	static HistoryDay scratch[MAX_DAYS];

	(void) state;
	seed = 1;
	for (int trial = 0; trial < TRIALS(1200); trial++)
	{
		size_t		n = trial < 1000 ? draw(70) : draw(1500);
		size_t		got = n;
		size_t		wanted;
		int			pattern = (int) draw(5);
		int32_t		spread = (int32_t) (1 + draw(2 * n + 2));

		for (size_t i = 0; i < n; i++)
		{
			int32_t		at = (int32_t) i;

			entries[i].day = pattern == 0 ? at : pattern == 1 ? -at : pattern == 2 ? (at % 100) * 3
				: pattern == 3 ? (i + 1 == n ? -1 : at) : (int32_t) draw((uint64_t) spread);
			entries[i].events = (int64_t) draw(4) - 1;
			entries[i].total = (int64_t) draw(5) - 2;
		}
		assert_true(model_sum(entries, n, expected, &wanted));
		assert_int_equal(history_normalise(entries, &got, scratch), HISTORY_OK);
		assert_true(model_equal(entries, got, expected, wanted));
	}
}

static void
sums_past_64_bits_are_refused(void **state)
{
	HistoryDay	scratch[4];
	HistoryDay	sum[4];
	size_t		n = 2;
	HistoryDay	too_much[] = {{1, INT64_MAX, 5}, {1, 1, 5}};
	HistoryDay	too_little[] = {{1, -INT64_MAX, 5}, {1, -1, 5}};
	HistoryDay	too_many[] = {{INT64_MAX, 1, 5}, {1, 1, 5}};
	HistoryDay	just[] = {{1, INT64_MAX - 1, 5}, {1, 1, 5}};
	HistoryDay	wide[] = {{1, INT64_MAX / 10, 5}, {1, INT64_MAX / 10 + 1, 6}};

	(void) state;
	assert_int_equal(history_merge(too_much, 1, too_much + 1, 1, 1, sum, &n), HISTORY_OVERFLOW);
	assert_int_equal(history_merge(too_little, 1, too_much + 1, 1, -1, sum, &n), HISTORY_OVERFLOW);
	assert_int_equal(history_normalise(too_much, &n, scratch), HISTORY_OVERFLOW);
	n = 2;
	assert_int_equal(history_normalise(too_little, &n, scratch), HISTORY_OVERFLOW);
	n = 2;
	assert_int_equal(history_normalise(too_many, &n, scratch), HISTORY_OVERFLOW);
	n = 2;
	assert_int_equal(history_normalise(just, &n, scratch), HISTORY_OK);
	assert_true(n == 1 && just[0].events == 2 && just[0].total == INT64_MAX);

	assert_int_equal(history_rescale(wide, 1, 2, 3), HISTORY_OK);
	assert_true(wide[0].total == INT64_MAX / 10 * 10);
	assert_int_equal(history_rescale(wide + 1, 1, 2, 3), HISTORY_OVERFLOW);
	wide[1].total = -(INT64_MAX / 10) - 1;
	assert_int_equal(history_rescale(wide + 1, 1, 2, 3), HISTORY_OVERFLOW);
	wide[1].total = -(INT64_MAX / 10);
	assert_int_equal(history_rescale(wide + 1, 1, 2, 3), HISTORY_OK);
}

static void
decimals_are_the_fewest(void **state)
{
	static const int rounded[] = {0, 2, 2, 3, 4, 6, 6, 9, 9, 9};
	HistoryDay	days[2] = {{1, 0, 1}, {1, 0, 2}};

	(void) state;
	for (int digits = 0; digits <= HISTORY_MAX_DECIMALS; digits++)
	{
		int			decimals = rounded[digits];
		int64_t		unit = history_power_of_ten(9 - digits);

		assert_int_equal(history_round_up_decimals(digits), decimals);
		/* a number with so many digits behind the point, at 9 decimals */
		days[0].total = 7 * unit;
		days[1].total = -1000000000;
		assert_int_equal(history_reduce_decimals(days, 2, 9), decimals);
		assert_true(days[0].total * history_power_of_ten(9 - decimals) == 7 * unit);
		assert_true(days[1].total * history_power_of_ten(9 - decimals) == -1000000000);
		days[1].total = 0;
	}
	assert_int_equal(history_reduce_decimals(days, 0, 6), 0);
}

/* ---- the packed form ---- */

/* These bytes are in tables: they may never change. */
static void
bytes_of_version_1(void **state)
{
	static const struct
	{
		const char *what;
		int			n;
		HistoryDay	days[3];
		int			decimals;
		const char *hex;
	}			golden[] = {
		{"empty", 0, {{0}}, 0, "1800"},
		{"2020-01-01:1:0", 1, {{1, 0, 7305}}, 0, "180100" "00"},
		{"2025-01-03:1:19.90", 1, {{1, 1990, 9134}}, 2, "1901" "ca1c" "c60f"},
		{"2025-01-03:1:19.90 2025-02-11:2:45.00", 2, {{1, 1990, 9134}, {2, 4500, 9173}}, 2,
		"1102" "981d" "0104" "4c" "a846" "8c1f"},
		{"a correction", 1, {{0, -550, 7304}}, 2, "1101" "01" "0100" "cb08"},
		{"9 decimals, one of them used twice", 2, {{1, 1, 7305}, {1, 2, 7306}}, 9, "1d02" "02" "00" "02" "01"},
		{"first and last day there is", 2, {{1, 1, HISTORY_MIN_DAY}, {1, 1, HISTORY_MAX_DAY}}, 0,
		"1802" "86ead3fd0f" "e4feffff07" "01" "01"},
		{"a negative count", 1, {{-1, -7, 7305}}, 0, "1001" "00" "0101" "0d"},
		{"the largest", 1, {{1, INT64_MAX, 7305}}, 4, "1b01" "00" "ffffffffffffffff7f"},
		{"the smallest", 1, {{-INT64_MAX, -INT64_MAX, 7305}}, 6,
		"1401" "00" "01fdffffffffffffffff01" "fdffffffffffffffff01"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++)
	{
		uint8_t		bytes[HISTORY_MAX_SIZE(3)];
		char		hex[2 * HISTORY_MAX_SIZE(3) + 1] = "";
		size_t		len = history_encode(golden[i].days, (size_t) golden[i].n, golden[i].decimals,
										 bytes);

		for (size_t j = 0; j < len; j++)
			sprintf(hex + 2 * j, "%02x", bytes[j]);
		if (strcmp(hex, golden[i].hex) != 0)
			print_error("%s\n", golden[i].what);
		assert_string_equal(hex, golden[i].hex);
		assert_int_equal(verdict(bytes, len), HISTORY_OK);
	}
}

static void
other_spellings_are_refused(void **state)
{
	static const struct
	{
		const char *what;
		const char *hex;
		HistoryError error;
	}			wrong[] = {
		{"nothing", "", HISTORY_MALFORMED},
		{"no count", "18", HISTORY_MALFORMED},
		{"version 0", "0800", HISTORY_MALFORMED},
		{"version 2", "2800", HISTORY_MALFORMED},
		{"empty, not plain", "1000", HISTORY_MALFORMED},
		{"empty, with decimals", "1900", HISTORY_MALFORMED},
		{"no such number of decimals", "1e00", HISTORY_MALFORMED},
		{"nor this", "1f010001", HISTORY_MALFORMED},
		{"empty, and more", "180000", HISTORY_MALFORMED},
		{"count in two bytes", "18810000" "00", HISTORY_MALFORMED},
		{"more days than bytes", "187f00000000", HISTORY_MALFORMED},
		{"one day too few", "18020001", HISTORY_MALFORMED},
		{"one total too many", "1801000101", HISTORY_MALFORMED},
		{"decimals not needed", "19010064", HISTORY_MALFORMED},
		{"9 decimals where 6 do", "1d0100" "e807", HISTORY_MALFORMED},
		{"zero with decimals", "19010000", HISTORY_MALFORMED},
		{"plain, but not marked as plain", "1001" "00" "00" "02", HISTORY_MALFORMED},
		{"one event, spelled out", "1001" "00" "0102" "01", HISTORY_MALFORMED},
		{"a day with nothing", "1001" "00" "0100" "00", HISTORY_MALFORMED},
		{"a gap before the newest day", "1001" "00" "02" "01", HISTORY_MALFORMED},
		{"total past 64 bits, signed", "1801" "00" "80808080808080808001", HISTORY_OVERFLOW},
		{"total -2^63", "1001" "00" "00" "ffffffffffffffffff01", HISTORY_OVERFLOW},
		{"events -2^63", "1001" "00" "01ffffffffffffffffff01" "02", HISTORY_OVERFLOW},
		{"the day after the last", "1801" "88ead3fd0f" "01", HISTORY_DAY_RANGE},
		{"the day before the first", "1801" "c593ac02" "01", HISTORY_DAY_RANGE},
		{"a day before the first, by its gap", "1802" "c393ac02" "00" "01" "01", HISTORY_DAY_RANGE},
		{"newest day near 2^63", "1801" "feffffffffffffffff01" "01", HISTORY_DAY_RANGE},
		{"newest day near -2^63", "1801" "ffffffffffffffffff01" "01", HISTORY_DAY_RANGE},
		{"a gap of 2^32", "1802" "00" "8080808010" "01" "01", HISTORY_MALFORMED},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		uint8_t		bytes[64];
		size_t		len = strlen(wrong[i].hex) / 2;
		HistoryError error;

		for (size_t j = 0; j < len; j++)
		{
			unsigned int byte;

			assert_int_equal(sscanf(wrong[i].hex + 2 * j, "%2x", &byte), 1);
			bytes[j] = (uint8_t) byte;
		}
		error = verdict(bytes, len);
		if (error != wrong[i].error)
			print_error("%s: %d\n", wrong[i].what, (int) error);
		assert_int_equal(error, wrong[i].error);
	}
}

static void
too_many_days_are_refused(void **state)
{
	size_t		len = (size_t) HISTORY_MAX_DAYS + 16;
	uint8_t    *bytes = calloc(len, 1);
	size_t		n;

	(void) state;
	assert_non_null(bytes);
	bytes[0] = 0x18;
	put_varint(bytes + 1, HISTORY_MAX_DAYS + 1);
	assert_int_equal(history_count_days(bytes, len, &n), HISTORY_TOO_MANY_DAYS);
	put_varint(bytes + 1, HISTORY_MAX_DAYS);
	assert_int_equal(history_count_days(bytes, len, &n), HISTORY_OK);
	assert_int_equal(n, HISTORY_MAX_DAYS);
	free(bytes);
}

static void
round_trip_and_reads(void **state)
{
	static HistoryDay days[MAX_DAYS];
	static HistoryDay decoded[MAX_DAYS];
	static uint8_t bytes[HISTORY_MAX_SIZE(MAX_DAYS)];
	size_t		accepted = 0;

	(void) state;
	seed = 2;
	for (int trial = 0; trial < TRIALS(1500); trial++)
	{
		bool		plain = trial % 2 == 0;
		size_t		wanted = trial % 50 == 0 ? draw(1000) : draw(30);
		int			decimals;
		int			got_decimals;
		size_t		n = draw_history(days, wanted, plain, &decimals);
		size_t		len = history_encode(days, n, decimals, bytes);
		size_t		count;
		size_t		got;
		uint8_t    *copy;

		assert_true(len <= HISTORY_MAX_SIZE(n));
		copy = exact_copy(bytes, len);
		assert_int_equal(history_count_days(copy, len, &count), HISTORY_OK);
		assert_int_equal(count, n);
		assert_int_equal(history_decode(copy, len, decoded, &got, &got_decimals), HISTORY_OK);
		assert_true(model_equal(days, n, decoded, got));
		assert_int_equal(got_decimals, decimals);
		assert_null(model_check_all_reads(copy, len, days, n, decimals, 8));
		free(copy);

		/* cut short anywhere, longer by one byte, one byte changed */
		if (len < 300)
		{
			for (size_t cut = 0; cut < len; cut++)
				assert_int_not_equal(verdict(bytes, cut), HISTORY_OK);
			bytes[len] = (uint8_t) draw(256);
			assert_int_not_equal(verdict(bytes, len + 1), HISTORY_OK);
			for (size_t at = 0; at < len; at++)
			{
				uint8_t		kept = bytes[at];

				bytes[at] ^= (uint8_t) (1 + draw(255));
				accepted += verdict(bytes, len) == HISTORY_OK;
				bytes[at] = kept;
			}
		}
	}
	/* some changes make another history */
	assert_true(accepted > 1000);
}

/* ---- the group ---- */

static void
merge_as_the_model(void **state)
{
	static HistoryDay a[MAX_DAYS];
	static HistoryDay b[MAX_DAYS];
	static HistoryDay sum[2 * MAX_DAYS];
	static HistoryDay other[2 * MAX_DAYS];
	static HistoryDay both[2 * MAX_DAYS];
	size_t		overflows = 0;

	(void) state;
	seed = 3;
	for (int trial = 0; trial < TRIALS(3000); trial++)
	{
		int			decimals;
		size_t		na = draw_history(a, draw(40), draw(2) == 0, &decimals);
		size_t		nb = draw_history(b, draw(40), draw(2) == 0, &decimals);
		int			sign = draw(2) == 0 ? 1 : -1;
		size_t		n;
		size_t		m = 0;
		bool		fits;
		HistoryError error;

		if (draw(3) == 0)
		{
			memcpy(b, a, na * sizeof(HistoryDay));
			nb = na;
		}
		memcpy(both, a, na * sizeof(HistoryDay));
		for (size_t i = 0; i < nb; i++)
		{
			both[na + i] = b[i];
			both[na + i].events *= sign;
			both[na + i].total *= sign;
		}
		fits = model_sum(both, na + nb, other, &m);
		error = history_merge(a, na, b, nb, sign, sum, &n);
		if (!fits)
		{
			assert_int_equal(error, HISTORY_OVERFLOW);
			overflows++;
			continue;
		}
		assert_int_equal(error, HISTORY_OK);
		assert_true(model_equal(sum, n, other, m));
		if (sign == 1)
		{
			assert_int_equal(history_merge(b, nb, a, na, 1, other, &m), HISTORY_OK);
			assert_true(model_equal(sum, n, other, m));
		}
		/* and back again */
		assert_int_equal(history_merge(sum, n, b, nb, -sign, other, &m), HISTORY_OK);
		assert_true(model_equal(a, na, other, m));
	}
	assert_true(overflows >= 50 && overflows <= 2000);
}

/* ---- size ---- */

/* Ten orders over two years, cents up to 1,000.00 */
static void
ten_orders_are_small(void **state)
{
	HistoryDay	days[10];
	HistoryDay	scratch[10];
	uint8_t		bytes[HISTORY_MAX_SIZE(10)];
	size_t		size = 0;

	(void) state;
	seed = 4;
	for (int customer = 0; customer < 10000; customer++)
	{
		size_t		n = 10;
		int			decimals;

		for (size_t i = 0; i < n; i++)
		{
			days[i].day = 9000 + (int32_t) draw(730);
			days[i].events = 1;
			days[i].total = 1 + (int64_t) draw(100000);
		}
		assert_int_equal(history_normalise(days, &n, scratch), HISTORY_OK);
		decimals = history_reduce_decimals(days, n, 2);
		size += history_encode(days, n, decimals, bytes);
	}
	/* with the header of a stored value, 4 bytes or 1, five an order at most */
	assert_true(size + 4 * 10000 <= 5 * 10 * 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varint_has_one_spelling),
		cmocka_unit_test(sort_and_sum_as_the_model),
		cmocka_unit_test(sums_past_64_bits_are_refused),
		cmocka_unit_test(decimals_are_the_fewest),
		cmocka_unit_test(bytes_of_version_1),
		cmocka_unit_test(other_spellings_are_refused),
		cmocka_unit_test(too_many_days_are_refused),
		cmocka_unit_test(round_trip_and_reads),
		cmocka_unit_test(merge_as_the_model),
		cmocka_unit_test(ten_orders_are_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
