/*
 * fuzz_history_merge.c
 *		Two packed histories: what + and - make of them is accepted as a packed
 *		history, a + b = b + a, and a + b - b is a again, byte for byte.
 *		The first byte of the input says how many bytes the first history has.
 */
#include <stdio.h>

#include "history/history_codec.h"
#include "history_model.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

typedef struct Open
{
	HistoryDay *days;
	size_t		n;
	int			decimals;
} Open;

static void
fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static bool
open_history(Open *open, const uint8_t *bytes, size_t len)
{
	size_t		count;

	open->days = NULL;
	if (history_count_days(bytes, len, &count) != HISTORY_OK)
		return false;
	open->days = malloc((count + 1) * sizeof(HistoryDay));
	return history_decode(bytes, len, open->days, &open->n, &open->decimals) == HISTORY_OK;
}

/* As the operators do it: false where a total or a count is past 64 bits */
static bool
combine(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen, int sign, uint8_t **result,
		size_t *len)
{
	Open		left;
	Open		right;
	HistoryDay *sum;
	size_t		n;
	int			decimals;
	bool		fits;

	if (!open_history(&left, a, alen) || !open_history(&right, b, blen))
		fail("a history is refused");
	decimals = left.decimals > right.decimals ? left.decimals : right.decimals;
	sum = malloc((left.n + right.n + 1) * sizeof(HistoryDay));
	fits = history_rescale(left.days, left.n, left.decimals, decimals) == HISTORY_OK &&
		history_rescale(right.days, right.n, right.decimals, decimals) == HISTORY_OK &&
		history_merge(left.days, left.n, right.days, right.n, sign, sum, &n) == HISTORY_OK;
	if (fits)
	{
		decimals = history_reduce_decimals(sum, n, decimals);
		*result = malloc(HISTORY_MAX_SIZE(n));
		*len = history_encode(sum, n, decimals, *result);
	}
	free(left.days);
	free(right.days);
	free(sum);
	return fits;
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	const uint8_t *a = input + 1;
	const uint8_t *b;
	size_t		alen;
	size_t		blen;
	Open		open;
	bool		accepted;
	uint8_t    *sum;
	size_t		sum_len;
	uint8_t    *other;
	size_t		other_len;

	if (size < 1)
		return 0;
	alen = input[0] < size - 1 ? input[0] : size - 1;
	b = a + alen;
	blen = size - 1 - alen;

	accepted = open_history(&open, a, alen);
	free(open.days);
	if (!accepted)
		return 0;
	accepted = open_history(&open, b, blen);
	free(open.days);
	if (!accepted)
		return 0;

	for (int sign = -1; sign <= 1; sign += 2)
	{
		if (!combine(a, alen, b, blen, sign, &sum, &sum_len))
			continue;
		/* back again; the sum may have given up decimals, never taken on any that don't fit */
		if (!combine(sum, sum_len, b, blen, -sign, &other, &other_len))
			fail("a + b - b overflows");
		if (other_len != alen || memcmp(other, a, alen) != 0)
			fail("a + b - b is not a");
		free(other);
		if (sign == 1)
		{
			if (!combine(b, blen, a, alen, 1, &other, &other_len) ||
				other_len != sum_len || memcmp(other, sum, sum_len) != 0)
				fail("a + b is not b + a");
			free(other);
		}
		free(sum);
	}
	if (!combine(a, alen, a, alen, -1, &sum, &sum_len) || sum_len != 2 || memcmp(sum, "\x18", 2) != 0)
		fail("a - a is not {}");
	free(sum);
	return 0;
}
