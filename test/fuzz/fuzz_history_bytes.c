/*
 * fuzz_history_bytes.c
 *		Any bytes as a packed history: refused, or decoded and encoded again to
 *		the same bytes; and no reader ever steps beyond them or disagrees with
 *		the decoded days. The first eight bytes of the input are the range of
 *		days that the readers are asked about.
 */
#include <stdio.h>

#include "history/history_codec.h"
#include "history_model.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void
fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	int32_t		after;
	int32_t		upto;
	uint8_t    *bytes;
	size_t		len;
	size_t		count;
	size_t		n;
	int			decimals;
	HistoryError error;
	HistoryActivity activity;
	HistoryWindow windows[2];
	int64_t		number;
	int32_t		day;
	bool		found;

	if (size < 8)
		return 0;
	memcpy(&after, input, 4);
	memcpy(&upto, input + 4, 4);
	len = size - 8;
	bytes = malloc(len > 0 ? len : 1);
	memcpy(bytes, input + 8, len);

	error = history_count_days(bytes, len, &count);
	if (error == HISTORY_OK && count > len)
		fail("more days than bytes");

	/* the readers, whether the bytes are accepted or not */
	(void) history_last_day(bytes, len, upto, &found, &day);
	(void) history_activity(bytes, len, after, upto, &activity);
	windows[0] = (HistoryWindow) {.after = after,.upto = upto};
	windows[1] = (HistoryWindow) {.after = upto,.upto = INT64_MAX};
	(void) history_windows(bytes, len, windows, 2);
	(void) history_events(bytes, len, after, upto, &number);
	(void) history_events(bytes, len, HISTORY_SINCE_EVER, upto, &number);
	(void) history_total(bytes, len, after, upto, &number, &decimals);
	(void) history_total(bytes, len, HISTORY_SINCE_EVER, upto, &number, &decimals);

	if (error == HISTORY_OK)
	{
		HistoryDay *days = malloc((count + 1) * sizeof(HistoryDay));

		error = history_decode(bytes, len, days, &n, &decimals);
		if (error == HISTORY_OK)
		{
			uint8_t    *again = malloc(HISTORY_MAX_SIZE(n));
			const char *wrong;

			if (n != count)
				fail("history_count_days");
			for (size_t i = 0; i < n; i++)
			{
				if (days[i].day < HISTORY_MIN_DAY || days[i].day > HISTORY_MAX_DAY ||
					(i > 0 && days[i].day <= days[i - 1].day) ||
					days[i].events == INT64_MIN || days[i].total == INT64_MIN ||
					(days[i].events == 0 && days[i].total == 0))
					fail("not a normalised history");
			}
			if (history_encode(days, n, decimals, again) != len || memcmp(again, bytes, len) != 0)
				fail("other bytes after a round trip");
			wrong = model_check_reads(bytes, len, days, n, decimals, after, upto);
			if (wrong == NULL)
				wrong = model_check_all_reads(bytes, len, days, n, decimals, 3);
			if (wrong != NULL)
				fail(wrong);
			free(again);
		}
		free(days);
	}
	free(bytes);
	return 0;
}
