/*
 * test_stream_codec.c
 *		The packed form of stream_histories: what it looks like, what is
 *		refused, that every reader agrees with the histories one by one, and that
 *		sums are those of plain loops, in whatever order and however made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "history/history_wide.h"
#include "history/stream_log.h"
#include "history/varint.h"
#include "history_model.h"
#include "test_host.h"
#include "trials.h"

#define MAX_ENTRIES 40
#define MAX_DAYS	12

/* One history of a key, in the open form */
typedef struct Item
{
	uint32_t	key;
	int			decimals;
	size_t		n;
	HistoryDay	days[MAX_ENTRIES * MAX_DAYS];
} Item;

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

static uint32_t
draw_key(void)
{
	switch (draw(10))
	{
		case 0:
			return STREAM_MIN_KEY;
		case 1:
			return STREAM_MAX_KEY;
		case 2:
			return STREAM_KEY(1 + draw(255), draw(1024));
		default:
			return STREAM_KEY(1 + draw(2), draw(5));
	}
}

/* A history that is not empty: of clicks, of orders,
	or of anything; "large" totals may overflow. */
static void
draw_item(Item *item, bool large)
{
	static const int all[] = {0, 2, 3, 4, 6, 9};
	int			sort = (int) draw(4);
	HistoryDay	scratch[MAX_DAYS];

	item->key = draw_key();
	do
	{
		item->n = 1 + draw(MAX_DAYS);
		for (size_t i = 0; i < item->n; i++)
		{
			HistoryDay *day = &item->days[i];

			day->day = draw(30) == 0 ? HISTORY_MAX_DAY : 9000 + (int32_t) draw(40);
			day->events = sort < 2 ? 1 : (int64_t) draw(5) - 1;
			day->total = sort == 0 ||
				sort == 2 ? day->events : (int64_t) draw(2000) - (sort == 3) * 1000;
			if (large && draw(4) == 0)
				day->total = (draw(2) == 0 ? 1 : -1) * (INT64_MAX / 2 + (int64_t) draw(5));
			if (large && draw(30) == 0)
				day->events = (draw(2) == 0 ? 1 : -1) * (INT64_MAX / 2 + (int64_t) draw(5));
		}
		if (history_normalise(item->days, &item->n, scratch) != HISTORY_OK)
			item->n = 0;
	} while (item->n == 0);
	item->decimals = history_reduce_decimals(item->days, item->n,
											 sort == 0 || sort == 2 ? 0 : all[draw(6)]);
}

/* The sum of all items by key, exactly: false for a key whose sum is out of range. */
static bool
model_item_sum(const Item *items, const int *signs, size_t n, uint32_t key, Item *sum)
{
	static HistoryDay entries[MAX_ENTRIES * MAX_DAYS];
	static model_wide totals[MAX_ENTRIES * MAX_DAYS];
	static model_wide events[MAX_ENTRIES * MAX_DAYS];
	size_t		count = 0;
	int			decimals = 0;

	for (size_t i = 0; i < n; i++)
	{
		if (items[i].key != key)
			continue;
		for (size_t j = 0; j < items[i].n; j++)
		{
			size_t		at = count;

			while (at > 0 && entries[at - 1].day >= items[i].days[j].day)
				at--;
			if (at == count || entries[at].day != items[i].days[j].day)
			{
				memmove(entries + at + 1, entries + at, (count - at) * sizeof(entries[0]));
				memmove(totals + at + 1, totals + at, (count - at) * sizeof(totals[0]));
				memmove(events + at + 1, events + at, (count - at) * sizeof(events[0]));
				entries[at].day = items[i].days[j].day;
				totals[at] = events[at] = 0;
				count++;
			}
			totals[at] += (model_wide) items[i].days[j].total * signs[i] *
				history_power_of_ten(HISTORY_MAX_DECIMALS - items[i].decimals);
			events[at] += (model_wide) items[i].days[j].events * signs[i];
		}
	}
	for (size_t i = 0; i < count; i++)
	{
		while (totals[i] % history_power_of_ten(HISTORY_MAX_DECIMALS - decimals) != 0)
			decimals = history_round_up_decimals(decimals + 1);
	}
	sum->key = key;
	sum->decimals = decimals;
	sum->n = 0;
	for (size_t i = 0; i < count; i++)
	{
		model_wide	total = totals[i] / history_power_of_ten(HISTORY_MAX_DECIMALS - decimals);

		if (total > INT64_MAX || total < -INT64_MAX || events[i] > INT64_MAX ||
			events[i] < -INT64_MAX)
			return false;
		if (total != 0 || events[i] != 0)
			sum->days[sum->n++] = (HistoryDay) {(int64_t) events[i], (int64_t) total,
												entries[i].day};
	}
	return true;
}

/* The packed sum of items by the model: whether all of it fits */
static bool
model_pack(const Item *items, const int *signs, size_t n, uint8_t **bytes, size_t *size)
{
	static Item sum;
	StreamWriter writer;
	uint32_t	last = 0;
	bool		fits = true;

	stream_write_open(&writer, &host, 0, 0);
	for (;;)
	{
		uint32_t	key = UINT32_MAX;

		for (size_t i = 0; i < n; i++)
		{
			if (items[i].key > last && items[i].key < key)
				key = items[i].key;
		}
		if (key == UINT32_MAX)
			break;
		if (model_item_sum(items, signs, n, key, &sum))
			assert_int_equal(stream_write_days(&writer, key, sum.days, sum.n, sum.decimals),
							 HISTORY_OK);
		else
			fits = false;
		last = key;
	}
	*bytes = writer.bytes;
	*size = writer.used;
	return fits;
}

static void
assert_same_bytes(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	assert_int_equal(alen, blen);
	assert_memory_equal(a, b, alen);
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

/* An entry says the same as its days, in every way. */
static void
check_entry(const StreamEntry *entry, const HistoryDay *days, size_t n, int decimals)
{
	static uint8_t packed[HISTORY_MAX_SIZE(MAX_ENTRIES * MAX_DAYS)];
	size_t		len = history_encode(days, n, decimals, packed);
	uint8_t    *bytes;
	size_t		size;
	size_t		at;
	bool		is_count;
	StreamEntry again;

	assert_null(model_check_all_reads(packed, len, days, n, decimals, 8));
	assert_int_equal(stream_entry_history(&host, entry, 3, &bytes, &size), HISTORY_OK);
	assert_same_bytes(bytes + 3, size - 3, packed, len);
	free(bytes);
	assert_int_equal(stream_entry_of_history(&again, entry->key, packed, len), HISTORY_OK);
	assert_int_equal(again.is_count, entry->is_count);
	assert_same_bytes(again.bytes, again.len, entry->bytes, entry->len);
	assert_int_equal(history_find_totals(packed, len, &at, &is_count), HISTORY_OK);
	assert_int_equal(is_count, entry->is_count);
	assert_int_equal(is_count, history_is_count(days, n, decimals));

	for (size_t i = 0; i < 2 * n + 2; i++)
	{
		int64_t		upto = i < n ? days[i].day
			: i < 2 * n ? (int64_t) days[i - n].day - 1 : INT32_MAX;
		int64_t		after = i % 3 == 0 ? HISTORY_SINCE_EVER : upto - (int64_t) draw(30);
		HistoryActivity a;
		HistoryActivity b;
		bool		found_a;
		bool		found_b;
		int32_t		day_a = 0;
		int32_t		day_b = 0;
		int64_t		number_a = 0;
		int64_t		number_b = 0;
		int			decimals_a = 0;
		int			decimals_b = 0;

		assert_int_equal(history_last_day(packed, len, upto, &found_a, &day_a), HISTORY_OK);
		assert_int_equal(history_last_day(entry->bytes, entry->len, upto, &found_b, &day_b),
						 HISTORY_OK);
		assert_true(found_a == found_b && day_a == day_b);
		assert_int_equal(history_activity(packed, len, after, upto, &a), HISTORY_OK);
		assert_int_equal(history_activity(entry->bytes, entry->len, after, upto, &b), HISTORY_OK);
		assert_memory_equal(&a, &b, sizeof(a));
		assert_int_equal(history_events(packed, len, after, upto, &number_a),
						 history_events(entry->bytes, entry->len, after, upto, &number_b));
		assert_true(number_a == number_b);
		number_a = number_b = 0;
		assert_int_equal(history_total(packed, len, after, upto, &number_a, &decimals_a),
						 stream_total(entry, after, upto, &number_b, &decimals_b));
		assert_true(number_a == number_b && decimals_a == decimals_b);
	}
}

/* What is accepted must be what the writer writes; nobody reads beyond its end. */
static HistoryError
verdict(const uint8_t *bytes, size_t len, bool repeats)
{
	uint8_t    *copy = exact_copy(bytes, len);
	HistoryError error = stream_check(&host, copy, len, repeats);
	StreamReader reader;
	StreamEntry entry;
	StreamWriter writer;

	stream_write_open(&writer, &host, 0, 0);
	stream_open(&reader, copy, len);
	reader.repeats = repeats;
	while (stream_read(&reader, &entry))
	{
		HistoryActivity activity;
		OpenHistory open;
		HistoryError unpacked = stream_unpack(&host, &open, &entry);
		int64_t		number;
		int32_t		day;
		int			decimals;
		bool		found;
		bool		is_count;
		size_t		at;

		assert_true(entry.key >= STREAM_MIN_KEY && entry.key <= STREAM_MAX_KEY);
		(void) history_last_day(entry.bytes, entry.len, 9020, &found, &day);
		(void) history_activity(entry.bytes, entry.len, 9010, 9020, &activity);
		(void) history_events(entry.bytes, entry.len, HISTORY_SINCE_EVER, INT32_MAX, &number);
		(void) stream_total(&entry, 9010, 9020, &number, &decimals);
		(void) history_find_totals(entry.bytes, entry.len, &at, &is_count);
		if (unpacked == HISTORY_OK)
		{
			if (error == HISTORY_OK)
			{
				check_entry(&entry, open.days, open.n, open.decimals);
				assert_int_equal(stream_write_days(&writer, entry.key, open.days, open.n,
												   open.decimals),
								 HISTORY_OK);
			}
			history_free(&host, &open);
		}
		else
			assert_int_not_equal(error, HISTORY_OK);
	}
	if (error == HISTORY_OK)
	{
		assert_int_equal(reader.error, HISTORY_OK);
		assert_same_bytes(writer.bytes, writer.used, bytes, len);
	}
	free(writer.bytes);
	free(copy);
	return error;
}

static size_t
from_hex(const char *hex, uint8_t *bytes)
{
	size_t		len = strlen(hex) / 2;

	for (size_t j = 0; j < len; j++)
	{
		unsigned int byte;

		assert_int_equal(sscanf(hex + 2 * j, "%2x", &byte), 1);
		bytes[j] = (uint8_t) byte;
	}
	return len;
}

/* ---- the packed form ---- */

/* These bytes are in tables: they may never change. */
static void
bytes_of_version_1(void **state)
{
	static const struct
	{
		const char *what;
		size_t		n;
		Item		items[3];
		const char *hex;
	}			golden[] = {
		{"nothing", 0, {{0}}, "10"},
		{"one click", 1, {{STREAM_KEY(1, 0), 0, 1, {{1, 1, 7305}}}}, "10" "8008" "07" "180100"},
		{"an order", 1, {{STREAM_KEY(1, 3), 2, 1, {{1, 1990, 9134}}}},
		 "10" "8308" "0c" "1901ca1cc60f"},
		{"clicks, two of them on a day", 1, {{STREAM_KEY(1, 3), 0, 2, {{1, 1, 9133}, {2, 2,
																					  9134}}}},
		"10" "8308" "0f" "1002ca1c010400"},
		{"a click taken back", 1, {{STREAM_KEY(255, 1023), 0, 1, {{-1, -1, 7305}}}},
		 "10" "ffff0f" "0b" "1001000101"},
		{"three kinds", 3, {{STREAM_KEY(1, 0), 0, 1, {{1, 1, 7305}}},
				{STREAM_KEY(1, 1), 0, 1, {{1, 0, 7305}}},
				{STREAM_KEY(2, 0), 0, 1, {{1, 1, 7305}}}},
					"10" "8008" "07180100" "01" "0818010000" "ff07" "07180100"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++)
	{
		StreamWriter writer;
		uint8_t		bytes[64];
		size_t		len = from_hex(golden[i].hex, bytes);

		stream_write_open(&writer, &host, 0, 0);
		for (size_t j = 0; j < golden[i].n; j++)
		{
			Item		item = golden[i].items[j];

			assert_int_equal(stream_write_days(&writer, item.key, item.days, item.n, item.decimals),
							 HISTORY_OK);
		}
		if (writer.used != len || memcmp(writer.bytes, bytes, len) != 0)
			print_error("%s\n", golden[i].what);
		assert_same_bytes(writer.bytes, writer.used, bytes, len);
		assert_int_equal(verdict(bytes, len, false), HISTORY_OK);
		free(writer.bytes);
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
		HistoryError of_state;	/* where keys may repeat */
	}			wrong[] = {
		{"no byte", "", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"version 0", "00", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"version 2", "20", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"a flag", "11", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"a key and nothing", "10" "8008", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"no stream", "10" "01" "07180100", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"stream 0, last kind", "10" "ff07" "07180100", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"stream 256", "10" "808010" "07180100", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"a key near 2^32", "10" "80f8ffff0f" "07180100", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"a key near 2^64", "10" "ffffffffffffffffff01" "07180100", HISTORY_MALFORMED,
		 HISTORY_MALFORMED},
		{"a step past the last key", "10" "8008" "07180100" "80f80f" "07180100", HISTORY_MALFORMED,
		 HISTORY_MALFORMED},
		{"a key twice", "10" "8008" "07180100" "00" "07180100", HISTORY_MALFORMED, HISTORY_OK},
		{"key in three bytes", "10" "808800" "07180100", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"length in two bytes", "10" "8008" "8700" "180100", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"more bytes than there are", "10" "8008" "09180100", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"length near 2^63", "10" "8008" "ffffffffffffffffff01" "180100", HISTORY_MALFORMED,
		 HISTORY_MALFORMED},
		{"one byte more", "10" "8008" "07180100" "01", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"an empty history", "10" "8008" "05" "1800", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"an empty history with totals", "10" "8008" "04" "1800", HISTORY_MALFORMED,
		 HISTORY_MALFORMED},
		{"no history", "10" "8008" "01", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"totals that could be left out", "10" "8008" "08" "18010001", HISTORY_MALFORMED,
		 HISTORY_MALFORMED},
		{"totals left out, and there", "10" "8008" "09" "18010001", HISTORY_MALFORMED,
		 HISTORY_MALFORMED},
		{"totals left out, but with decimals", "10" "8008" "07" "190100", HISTORY_MALFORMED,
		 HISTORY_MALFORMED},
		{"no totals", "10" "8008" "06" "180100", HISTORY_MALFORMED, HISTORY_MALFORMED},
		{"a day without events or totals", "10" "8008" "09" "10010100", HISTORY_MALFORMED,
		 HISTORY_MALFORMED},
		{"the day after the last", "10" "8008" "0f" "180188ead3fd0f", HISTORY_DAY_RANGE,
		 HISTORY_DAY_RANGE},
		{"-2^63 events", "10" "8008" "1b" "100100" "01ffffffffffffffffff01", HISTORY_MALFORMED,
		 HISTORY_MALFORMED},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		uint8_t		bytes[64];
		size_t		len = from_hex(wrong[i].hex, bytes);
		HistoryError error = verdict(bytes, len, false);
		HistoryError of_state = verdict(bytes, len, true);

		if (error != wrong[i].error || of_state != wrong[i].of_state)
			print_error("%s: %d, %d\n", wrong[i].what, (int) error, (int) of_state);
		assert_int_equal(error, wrong[i].error);
		assert_int_equal(of_state, wrong[i].of_state);
	}
}

static void
round_trip_and_changed_bytes(void **state)
{
	static Item items[MAX_ENTRIES];
	static int	signs[MAX_ENTRIES];
	size_t		accepted = 0;

	(void) state;
	seed = 1;
	for (int trial = 0; trial < 150; trial++)
	{
		size_t		n = draw(12);
		uint8_t    *bytes;
		size_t		len;
		uint8_t    *longer;

		for (size_t i = 0; i < n; i++)
		{
			signs[i] = 1;
			draw_item(&items[i], false);
		}
		assert_true(model_pack(items, signs, n, &bytes, &len));
		assert_int_equal(verdict(bytes, len, false), HISTORY_OK);
		for (size_t cut = 0; cut < len; cut++)
			accepted += verdict(bytes, cut, false) == HISTORY_OK;
		longer = malloc(len + 1);
		assert_non_null(longer);
		memcpy(longer, bytes, len);
		longer[len] = (uint8_t) draw(256);
		assert_int_not_equal(verdict(longer, len + 1, false), HISTORY_OK);
		free(longer);
		for (size_t at = 0; at < len; at++)
		{
			uint8_t		kept = bytes[at];

			bytes[at] ^= (uint8_t) (1 + draw(255));
			accepted += verdict(bytes, len, draw(2) == 0) == HISTORY_OK;
			bytes[at] = kept;
		}
		free(bytes);
	}
	/* some changes make another value, and so does a cut between entries */
	assert_true(accepted > 300);
}

/* ---- the group ---- */

static void
combine_as_the_model(void **state)
{
	static Item items[MAX_ENTRIES];
	static int	signs[MAX_ENTRIES];
	size_t		overflows = 0;

	(void) state;
	seed = 2;
	for (int trial = 0; trial < TRIALS(1500); trial++)
	{
		bool		large = draw(2) == 0;
		int			sign = draw(2) == 0 ? 1 : -1;
		size_t		na = draw(8);
		size_t		nb = draw(8);
		uint8_t    *a;
		uint8_t    *b;
		uint8_t    *wanted;
		uint8_t    *sum;
		uint8_t    *other;
		size_t		alen;
		size_t		blen;
		size_t		wanted_len;
		size_t		sum_len;
		size_t		other_len;
		bool		fits;
		HistoryError error;

		/* keys of a side are different, so that each side is what the model says of it */
		for (size_t i = 0; i < na + nb; i++)
		{
			bool		again;

			do
			{
				again = false;
				draw_item(&items[i], large);
				for (size_t j = i < na ? 0 : na; j < i; j++)
					again |= items[j].key == items[i].key;
			} while (again);
			signs[i] = 1;
		}
		if (draw(4) == 0 && nb > 0 && na > 0 && items[na].key == items[0].key)
			items[na] = items[0];
		assert_true(model_pack(items, signs, na, &a, &alen));
		assert_true(model_pack(items + na, signs + na, nb, &b, &blen));
		for (size_t i = na; i < na + nb; i++)
			signs[i] = sign;
		fits = model_pack(items, signs, na + nb, &wanted, &wanted_len);
		assert_int_equal(stream_combine(&host, a, alen, b, blen, sign, true, 5, &sum, &sum_len),
						 HISTORY_OK);
		assert_same_bytes(sum + 5, sum_len - 5, wanted, wanted_len);
		free(sum);
		error = stream_combine(&host, a, alen, b, blen, sign, false, 0, &sum, &sum_len);
		assert_int_equal(error, fits ? HISTORY_OK : HISTORY_OVERFLOW);
		if (fits)
		{
			assert_same_bytes(sum, sum_len, wanted, wanted_len);
			/* and back again */
			assert_int_equal(stream_combine(&host, sum, sum_len, b, blen, -sign, false, 0, &other,
											&other_len), HISTORY_OK);
			assert_same_bytes(other, other_len, a, alen);
			free(other);
			free(sum);
		}
		else
			overflows++;
		assert_int_equal(stream_combine(&host, a, alen, a, alen, -1, false, 0, &sum, &sum_len),
						 HISTORY_OK);
		assert_true(sum_len == 1 && sum[0] == STREAM_EMPTY);
		free(sum);
		/* what is no value is refused on either side, and leaks nothing */
		if (alen > 1)
		{
			a[alen - 1] ^= 0x80;
			error = stream_check(&host, a, alen, false);
			if (error != HISTORY_OK && blen > 1)
			{
				if (stream_combine(&host, a, alen, b, blen, 1, false, 0, &sum,
								   &sum_len) == HISTORY_OK)
					free(sum);
				if (stream_combine(&host, b, blen, a, alen, -1, false, 0, &sum,
								   &sum_len) == HISTORY_OK)
					free(sum);
			}
		}
		free(a);
		free(b);
		free(wanted);
	}
	assert_true(overflows >= 50 && overflows <= 1000);
}

/* At four decimals these totals don't fit, but their sum needs three. */
static void
fewer_decimals_may_fit(void **state)
{
	uint8_t		a[64];
	uint8_t		b[64];
	size_t		alen = from_hex("10" "8008" "18" "1b0100" "ffffffffffffffff7f", a);
	size_t		blen = from_hex("10" "8008" "08" "1b0100" "03", b);
	uint8_t    *sum;
	size_t		len;
	StreamReader reader;
	StreamEntry entry;
	int64_t		total;
	int			decimals;

	(void) state;
	/* 922337203685477.5807 + 0.0003 */
	assert_int_equal(stream_check(&host, a, alen, false), HISTORY_OK);
	assert_int_equal(stream_check(&host, b, blen, false), HISTORY_OK);
	assert_int_equal(stream_combine(&host, a, alen, b, blen, 1, false, 0, &sum, &len), HISTORY_OK);
	stream_open(&reader, sum, len);
	assert_true(stream_read(&reader, &entry));
	assert_int_equal(stream_total(&entry, HISTORY_SINCE_EVER, INT32_MAX, &total, &decimals),
					 HISTORY_OK);
	assert_int_equal(decimals, 3);
	assert_true(total == INT64_C(922337203685477581));
	free(sum);
}

/* ---- the log ---- */

static StreamLog *
new_log(void)
{
	size_t		size = STREAM_LOG_HEADER + draw(3) * 40;
	StreamLog  *log;

	if (size < sizeof(StreamLog) + 8)
		size = sizeof(StreamLog) + 8;
	log = malloc(size);
	assert_non_null(log);
	stream_log_init(log, (uint32_t) (size - STREAM_LOG_HEADER));
	return log;
}

/*
 * Items in any order, through one log or through two that are joined: the sum of
 * the model, and the same entries are left out, if any.
 */
static void
log_as_the_model(void **state)
{
	static Item items[MAX_ENTRIES];
	static int	signs[MAX_ENTRIES];
	size_t		overflows = 0;
	size_t		on_the_way = 0;

	(void) state;
	seed = 3;
	for (int trial = 0; trial < 400; trial++)
	{
		size_t		n = draw(MAX_ENTRIES + 1);
		bool		large = draw(2) == 0;
		uint8_t    *wanted;
		size_t		wanted_len;
		bool		fits;

		for (size_t i = 0; i < n; i++)
		{
			draw_item(&items[i], large);
			signs[i] = 1;
			/* what takes an earlier one back */
			if (i > 0 && draw(3) == 0)
			{
				items[i] = items[draw(i)];
				for (size_t j = 0; j < items[i].n; j++)
				{
					items[i].days[j].events *= -1;
					items[i].days[j].total *= -1;
				}
			}
		}
		fits = model_pack(items, signs, n, &wanted, &wanted_len);
		overflows += !fits;

		for (int order = 0; order < 4; order++)
		{
			StreamLog  *log[2] = {new_log(), new_log()};
			uint8_t    *bytes;
			uint8_t    *other;
			size_t		len;
			size_t		other_len;

			for (size_t i = n; i > 1; i--)
			{
				size_t		j = draw(i);
				Item		kept = items[i - 1];

				items[i - 1] = items[j];
				items[j] = kept;
			}
			for (size_t i = 0; i < n; i++)
			{
				StreamWriter writer;
				Item		item = items[i];

				stream_write_open(&writer, &host, 0, 0);
				assert_int_equal(stream_write_days(&writer, item.key, item.days, item.n,
												   item.decimals),
								 HISTORY_OK);
				assert_int_equal(stream_log_add_all(&host, &log[order > 1 && draw(2)], writer.bytes,
													writer.used, false), HISTORY_OK);
				free(writer.bytes);
			}
			/* one state into the other, as between processes */
			assert_int_equal(stream_log_pack(&host, log[1], STREAM_KEEP, 0, &bytes, &len),
							 HISTORY_OK);
			assert_int_equal(stream_check(&host, bytes, len, true), HISTORY_OK);
			on_the_way += stream_check(&host, bytes, len, false) != HISTORY_OK;
			assert_int_equal(stream_log_add_all(&host, &log[0], bytes, len, true), HISTORY_OK);
			free(bytes);
			/* a state that is read and written again is the same bytes */
			assert_int_equal(stream_log_pack(&host, log[0], STREAM_KEEP, 0, &bytes, &len),
							 HISTORY_OK);
			stream_log_init(log[1], log[1]->capacity);
			assert_int_equal(stream_log_add_all(&host, &log[1], bytes, len, true), HISTORY_OK);
			assert_int_equal(stream_log_pack(&host, log[1], STREAM_KEEP, 0, &other, &other_len),
							 HISTORY_OK);
			assert_same_bytes(bytes, len, other, other_len);
			free(bytes);
			free(other);

			assert_int_equal(stream_log_pack(&host, log[0], STREAM_LEAVE_OUT, 7, &bytes, &len),
							 HISTORY_OK);
			assert_same_bytes(bytes + 7, len - 7, wanted, wanted_len);
			free(bytes);
			assert_int_equal(stream_log_pack(&host, log[0], STREAM_RAISE, 0, &bytes, &len),
							 fits ? HISTORY_OK : HISTORY_OVERFLOW);
			if (fits)
			{
				assert_same_bytes(bytes, len, wanted, wanted_len);
				free(bytes);
			}
			free(log[0]);
			free(log[1]);
		}
		free(wanted);
	}
	assert_true(overflows >= 20 && overflows <= 380);
	assert_true(on_the_way > 50);
}

/* Many rows of a few kinds: the state remains as small as their sum. */
static void
a_long_log_is_added_up(void **state)
{
	StreamLog  *log = new_log();
	uint8_t    *bytes;
	size_t		len;
	StreamReader reader;
	StreamEntry entry;
	int64_t		total = 0;
	uint32_t	largest = 0;

	(void) state;
	seed = 4;
	for (int i = 0; i < 200000; i++)
	{
		uint8_t		packed[HISTORY_MAX_SIZE(1)];
		HistoryDay	day = {1, 1, 9000 + (int32_t) draw(300)};
		StreamEntry row = {packed, history_encode_days(&day, 1, packed),
		STREAM_KEY(1, draw(4)), true};

		assert_int_equal(stream_log_add(&host, &log, &row), HISTORY_OK);
		if (log->capacity > largest)
			largest = log->capacity;
	}
	assert_true(largest < 20000);
	assert_int_equal(stream_log_pack(&host, log, STREAM_RAISE, 0, &bytes, &len), HISTORY_OK);
	stream_open(&reader, bytes, len);
	while (stream_read(&reader, &entry))
	{
		int64_t		events;

		assert_int_equal(history_events(entry.bytes, entry.len, HISTORY_SINCE_EVER, INT32_MAX,
										&events), HISTORY_OK);
		total += events;
	}
	assert_int_equal(reader.error, HISTORY_OK);
	assert_int_equal(total, 200000);
	free(bytes);
	free(log);
}

/* ---- limits ---- */

/* Every stream and kind there is */
static void
all_streams_and_kinds(void **state)
{
	StreamWriter writer;
	StreamReader reader;
	StreamEntry entry;
	uint32_t	key = STREAM_MIN_KEY;

	(void) state;
	stream_write_open(&writer, &host, 0, 0);
	for (; key <= STREAM_MAX_KEY; key++)
	{
		HistoryDay	day = {1, 1, (int32_t) key};

		assert_int_equal(stream_write_days(&writer, key, &day, 1, 0), HISTORY_OK);
	}
	assert_int_equal(stream_check(&host, writer.bytes, writer.used, false), HISTORY_OK);
	stream_open(&reader, writer.bytes, writer.used);
	for (key = STREAM_MIN_KEY; stream_read(&reader, &entry); key++)
	{
		bool		found;
		int32_t		day;

		assert_int_equal(entry.key, key);
		assert_int_equal(STREAM_KEY(STREAM_OF_KEY(key), STREAM_KIND_OF_KEY(key)), key);
		assert_int_equal(history_last_day(entry.bytes, entry.len, INT32_MAX, &found, &day),
						 HISTORY_OK);
		assert_true(found && day == (int32_t) key);
	}
	assert_int_equal(reader.error, HISTORY_OK);
	assert_int_equal(key, STREAM_MAX_KEY + 1);
	free(writer.bytes);
}

/* Entries of 100 MB, until there is no room */
static void
too_large_is_refused(void **state)
{
	size_t		len = 100 << 20;
	uint8_t    *bytes = calloc(len, 1);
	StreamEntry entry = {bytes, len, 0, true};
	StreamWriter writer;
	StreamLog  *log = new_log();
	int			n = 0;
	HistoryError error;

	(void) state;
	assert_non_null(bytes);
	stream_write_open(&writer, &host, 0, 0);
	do
	{
		entry.key = STREAM_KEY(1, n);
		error = stream_write_entry(&writer, &entry);
	} while (error == HISTORY_OK && n++ < 9);
	assert_int_equal(error, HISTORY_TOO_LARGE);
	assert_int_equal(n, 5);
	assert_true(writer.used <= STREAM_MAX_SIZE);
	free(writer.bytes);

	n = 0;
	do
	{
		entry.key = STREAM_KEY(1, n);
		error = stream_log_add(&host, &log, &entry);
	} while (error == HISTORY_OK && n++ < 19);
	assert_int_equal(error, HISTORY_TOO_LARGE);
	assert_true(n >= 5 && n <= 10);
	free(log);
	free(bytes);
}

/* ---- size ---- */

/* 33 events in 8 kinds over two years: clicks, which count one each */
static void
clicks_are_small(void **state)
{
	size_t		size = 0;

	(void) state;
	seed = 5;
	for (int customer = 0; customer < 5000; customer++)
	{
		StreamLog  *log = new_log();
		uint8_t    *bytes;
		size_t		len;

		for (int i = 0; i < 33; i++)
		{
			uint8_t		packed[HISTORY_MAX_SIZE(1)];
			HistoryDay	day = {1, 1, 9000 + (int32_t) draw(730)};
			StreamEntry row = {packed, history_encode_days(&day, 1, packed), STREAM_KEY(1, draw(8)),
							   true};

			assert_int_equal(stream_log_add(&host, &log, &row), HISTORY_OK);
		}
		assert_int_equal(stream_log_pack(&host, log, STREAM_RAISE, 1, &bytes, &len), HISTORY_OK);
		size += len;
		free(bytes);
		free(log);
	}
	/* three bytes an event */
	assert_true(size <= 3 * 33 * 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_of_version_1),
		cmocka_unit_test(other_spellings_are_refused),
		cmocka_unit_test(round_trip_and_changed_bytes),
		cmocka_unit_test(combine_as_the_model),
		cmocka_unit_test(fewer_decimals_may_fit),
		cmocka_unit_test(log_as_the_model),
		cmocka_unit_test(a_long_log_is_added_up),
		cmocka_unit_test(all_streams_and_kinds),
		cmocka_unit_test(too_large_is_refused),
		cmocka_unit_test(clicks_are_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
