/*
 * fuzz_btyd.c
 *		Buy-till-you-die models at any parameters and for any customer: what comes
 *		back is finite or NaN, probabilities are within [0, 1], expectations not
 *		negative, and nothing takes forever.
 *		The input is a family, then doubles: as they are, or, by the bits of the
 *		first bytes, as small counts, so that most inputs are customers.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/btyd_predict.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

#define NUMBERS 9

static void
check(const char *what, double value, double low, double high)
{
	if (isnan(value) || (value >= low && value <= high && isfinite(value)))
		return;
	fprintf(stderr, "%s is %.17g\n", what, value);
	abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	double		number[NUMBERS] = {0};
	double		p[BTYD_NUMBERS];
	double	   *c = number + BTYD_PARAMETERS;
	BtydFamily	family;
	int			n;
	uint16_t	small;

	if (size < 3)
		return 0;
	family = (BtydFamily) (input[0] % 5);
	p[BTYD_PARAMETERS] = input[0] / 4 % 14;		/* k */
	small = (uint16_t) (input[1] | input[2] << 8);
	input += 3;
	size -= 3;
	for (int i = 0; i < NUMBERS; i++)
	{
		size_t		take = (small >> i & 1) ? 2 : sizeof(double);

		if (take > size)
			break;
		if (take == 2)
			number[i] = (input[0] | input[1] << 8) * (i < BTYD_PARAMETERS ? 1.0 / 256 : 1.0);
		else
			memcpy(&number[i], input, take);
		input += take;
		size -= take;
	}
	memcpy(p, number, BTYD_PARAMETERS * sizeof(double));
	n = c[0] >= 0 && c[0] <= 1e9 ? (int) c[0] : -1;
	/* the last purchase at t itself, or before: otherwise there is no such customer */
	if (small & 0x8000)
		c[2] = c[1];
	else if (small & 0x4000)
		c[2] = c[1] + fabs(c[2]);

	check("P(alive)", btyd_alive(family, p, c[0], c[1], c[2]), 0.0, 1.0);
	check("expected", btyd_expected(family, p, c[0], c[1], c[2], c[3]), 0.0, INFINITY);
	check("unconditional", btyd_unconditional(family, p, c[2]), 0.0, INFINITY);
	check("probability", btyd_probability(family, p, n, c[2]), 0.0, 1.0);
	check("probability after", btyd_probability_after(family, p, n % 50, c[0], c[1], c[2], c[3]), 0.0, 1.0);
	check("residual", btyd_residual(family, p, c[0], c[1], c[2], c[4]), 0.0, INFINITY);
	check("expected spend", spend_expected(p, c[0], c[3]), 0.0, INFINITY);
	return 0;
}
