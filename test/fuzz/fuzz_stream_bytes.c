/*
 * fuzz_stream_bytes.c
 *		Any bytes as packed stream_histories, or as the state of an aggregate:
 *		refused, or written again as the same bytes; no reader ever steps beyond
 *		them, and whoever reads days and events in place sees what the unpacked
 *		history says. Two values add up to one that is accepted, and a + b - b is
 *		a again; the log says the same.
 *		The first byte of the input is where it is cut in two, in 255ths.
 */
#include <stdio.h>

#include "history/stream_log.h"
#include "history_model.h"
#include "test_host.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void
fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
check_entry(const StreamEntry *entry, OpenHistory *open)
{
	uint8_t    *bytes;
	size_t		size;
	const char *wrong;
	HistoryActivity whole;
	HistoryActivity place;
	int32_t		days[2];
	int64_t		events[2] = {0, 0};
	int64_t		totals[2] = {0, 0};
	int			decimals[2] = {0, 0};
	bool		found[2];

	if (stream_entry_history(&host, entry, 0, &bytes, &size) != HISTORY_OK)
		fail("an entry that was unpacked has no history");
	wrong = model_check_all_reads(bytes, size, open->days, open->n, open->decimals, 3);
	if (wrong != NULL)
		fail(wrong);
	for (size_t i = 0; i <= open->n; i++)
	{
		int64_t		upto = i < open->n ? open->days[i].day : INT32_MAX;
		int64_t		after = i % 2 ? HISTORY_SINCE_EVER : upto - 30;

		days[0] = days[1] = 0;
		if (history_last_day(bytes, size, upto, &found[0], &days[0]) != HISTORY_OK ||
			history_last_day(entry->bytes, entry->len, upto, &found[1], &days[1]) != HISTORY_OK ||
			found[0] != found[1] || days[0] != days[1])
			fail("last day in place");
		if (history_activity(bytes, size, after, upto, &whole) != HISTORY_OK ||
			history_activity(entry->bytes, entry->len, after, upto, &place) != HISTORY_OK ||
			memcmp(&whole, &place, sizeof(whole)) != 0)
			fail("activity in place");
		if (history_events(bytes, size, after, upto, &events[0]) !=
			history_events(entry->bytes, entry->len, after, upto, &events[1]) ||
				events[0] != events[1])
			fail("events in place");
		if (history_total(bytes, size, after, upto, &totals[0], &decimals[0]) !=
			stream_total(entry, after, upto, &totals[1], &decimals[1]) || totals[0] != totals[1] ||
			decimals[0] != decimals[1])
			fail("total");
	}
	free(bytes);
}

/* Are the bytes accepted? */
static bool
check_bytes(const uint8_t *bytes, size_t len, bool repeats)
{
	bool		accepted = stream_check(&host, bytes, len, repeats) == HISTORY_OK;
	StreamReader reader;
	StreamEntry entry;
	StreamWriter writer;

	stream_write_open(&writer, &host, 0, 0);
	stream_open(&reader, bytes, len);
	reader.repeats = repeats;
	while (stream_read(&reader, &entry))
	{
		OpenHistory open;
		HistoryActivity activity;
		int64_t		number;
		int32_t		day;
		int			decimals;
		size_t		at;
		bool		found;

		/* the readers, whether the bytes are accepted or not */
		(void) history_last_day(entry.bytes, entry.len, 9000, &found, &day);
		(void) history_activity(entry.bytes, entry.len, 8000, 9000, &activity);
		(void) history_events(entry.bytes, entry.len, HISTORY_SINCE_EVER, 9000, &number);
		(void) stream_total(&entry, 8000, 9000, &number, &decimals);
		(void) history_find_totals(entry.bytes, entry.len, &at, &found);
		if (stream_unpack(&host, &open, &entry) != HISTORY_OK)
		{
			if (accepted)
				fail("accepted, but an entry is not");
			continue;
		}
		if (accepted)
		{
			check_entry(&entry, &open);
			if (stream_write_days(&writer, entry.key, open.days, open.n,
								  open.decimals) != HISTORY_OK)
				fail("an entry is not written");
		}
		history_free(&host, &open);
	}
	if (accepted && (writer.used != len || memcmp(writer.bytes, bytes, len) != 0))
		fail("other bytes after a round trip");
	free(writer.bytes);
	return accepted;
}

static bool
same(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	return alen == blen && memcmp(a, b, alen) == 0;
}

/* a + b by the log, what doesn't fit left out */
static void
check_log(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen, const uint8_t *sum,
		  size_t size)
{
	StreamLog  *log = malloc(STREAM_LOG_FIRST_SIZE);
	uint8_t    *bytes = NULL;
	size_t		len = 0;

	stream_log_init(log, STREAM_LOG_FIRST_SIZE - STREAM_LOG_HEADER);
	if (stream_log_add_all(&host, &log, b, blen, false) != HISTORY_OK ||
		stream_log_add_all(&host, &log, a, alen, false) != HISTORY_OK ||
		stream_log_pack(&host, log, STREAM_LEAVE_OUT, 0, &bytes, &len) != HISTORY_OK)
		fail("the log");
	if (!same(bytes, len, sum, size))
		fail("another sum by the log");
	free(bytes);
	if (stream_log_pack(&host, log, STREAM_KEEP, 0, &bytes, &len) != HISTORY_OK ||
		stream_check(&host, bytes, len, true) != HISTORY_OK)
		fail("a state is refused");
	free(bytes);
	free(log);
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	uint8_t    *a;
	uint8_t    *b;
	size_t		alen;
	size_t		blen;
	uint8_t    *sum;
	uint8_t    *other;
	size_t		sum_len;
	size_t		other_len;
	bool		a_accepted;
	bool		b_accepted;

	if (size < 1)
		return 0;
	alen = (size - 1) * input[0] / 255;
	blen = size - 1 - alen;
	a = malloc(alen + (alen == 0));
	b = malloc(blen + (blen == 0));
	memcpy(a, input + 1, alen);
	memcpy(b, input + 1 + alen, blen);

	a_accepted = check_bytes(a, alen, false);
	b_accepted = check_bytes(b, blen, false);
	(void) check_bytes(a, alen, true);
	/* what is on disk may be anything: an error, or some value */
	if (stream_combine(&host, a, alen, b, blen, -1, false, 0, &sum, &sum_len) == HISTORY_OK)
		free(sum);
	if (a_accepted && b_accepted)
	{
		for (int sign = -1; sign <= 1; sign += 2)
		{
			if (stream_combine(&host, a, alen, b, blen, sign, true, 0, &sum,
							   &sum_len) != HISTORY_OK ||
				stream_check(&host, sum, sum_len, false) != HISTORY_OK)
				fail("the sum is refused");
			if (sign == 1)
				check_log(a, alen, b, blen, sum, sum_len);
			free(sum);
			if (stream_combine(&host, a, alen, b, blen, sign, false, 0, &sum,
							   &sum_len) != HISTORY_OK)
				continue;
			if (stream_combine(&host, sum, sum_len, b, blen, -sign, false, 0, &other,
							   &other_len) != HISTORY_OK ||
				!same(other, other_len, a, alen))
				fail("a + b - b is not a");
			free(other);
			free(sum);
		}
	}
	free(a);
	free(b);
	return 0;
}
