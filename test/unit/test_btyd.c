/*
 * test_btyd.c
 *		Buy-till-you-die models against btyd_reference.csv, which
 *		btyd_reference.py makes with mpmath, against published predictions, and
 *		at the ends of what can be asked.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "math/btyd_predict.h"
#include "likelihood.h"
#include "math/erlang.h"
#include "math/gamma.h"
#include "math/hypergeometric.h"

#define MAX_VALUES	10

/* What the headers promise, and the worst that was seen. */
typedef struct Promise
{
	const char *function;
	double		tolerance;
	int			rows;
	int			wanted_rows;
	double		worst;
} Promise;

static Promise promises[] = {
	{"count", 1e-12, 0, 500, 0},
	{"log_pareto", 1e-12, 0, 250, 0},
	{"tricomi", 1e-12, 0, 200, 0},
	{"log_tail", 1e-12, 0, 190, 0},
	{"likelihood", 1e-12, 0, 1350, 0},
	{"alive", 1e-12, 0, 1050, 0},
	{"expected", 1e-12, 0, 1050, 0},
	{"unconditional", 1e-12, 0, 780, 0},
	{"probability", 1e-12, 0, 850, 0},
	{"probability_after", 1e-12, 0, 1000, 0},
	{"residual", 1e-12, 0, 340, 0},
	{"residual_within", 1e-10, 0, 250, 0},
	{"spend", 1e-12, 0, 150, 0},
	{"spend_expected", 1e-12, 0, 140, 0},
};

static int
numbers(const char *text, double *values)
{
	int			n = 0;
	char	   *end;

	for (;; text = end)
	{
		double		value = strtod(text, &end);

		if (end == text)
			return n;
		assert_true(n < MAX_VALUES + 2);
		values[n++] = value;
	}
}

/* The function of a row of the table; how many values it gave */
static int
evaluate(const char *function, const double *a, double *got)
{
	BtydFamily	family = (BtydFamily) a[0];
	const double *p = a + 1;
	const double *c = a + (family == BTYD_MBGCNBD ? 6 : 5);

	if (strcmp(function, "count") == 0)
		got[0] = beta_geometric_count(a[0], a[1], a[2], a[3]);
	else if (strcmp(function, "log_pareto") == 0)
		got[0] = log_pareto_integral(a[0], a[1], a[2], a[3], a[4]);
	else if (strcmp(function, "tricomi") == 0)
		got[0] = tricomi_integral(a[0], a[1]);
	else if (strcmp(function, "log_tail") == 0)
		got[0] = log_negative_binomial_tail(a[0], a[1], a[2]);
	else if (strcmp(function, "likelihood") == 0)
	{
		BtydPattern pattern = {c[0], c[1], c[2], 3};

		got[0] = likelihood((Model) family, &pattern, 1, p, got + 1, NULL);
		for (int i = 0; i < 5; i++)
			got[i] /= 3;
		/* one customer at a time: the same */
		if (!(fabs(btyd_log_likelihood(family, p, c[0], c[1], c[2], 0) +
				   (family == BTYD_MBGCNBD ? c[0] * log_rising(1, p[4] - 1, 1, got + 5) : 0) -
				   got[0]) <= 1e-11 * (1 + p[0] + c[2] * (family == BTYD_BGBB) +
									   c[0] * (family == BTYD_MBGCNBD ? p[4] : 1))))
			fail_msg("another likelihood: %.17g", got[0]);
		return 5;
	}
	else if (strcmp(function, "alive") == 0)
		got[0] = btyd_alive(family, p, c[0], c[1], c[2]);
	else if (strcmp(function, "expected") == 0)
		got[0] = btyd_expected(family, p, c[0], c[1], c[2], c[3]);
	else if (strcmp(function, "unconditional") == 0)
		got[0] = btyd_unconditional(family, p, c[0]);
	else if (strcmp(function, "probability") == 0)
		got[0] = btyd_probability(family, p, (int) c[0], c[1]);
	else if (strcmp(function, "probability_after") == 0)
		got[0] = btyd_probability_after(family, p, (int) c[0], c[1], c[2], c[3], c[4]);
	else if (strcmp(function, "residual") == 0)
		got[0] = btyd_residual(family, p, c[0], c[1], c[2], c[3]);
	else if (strcmp(function, "residual_within") == 0)
		got[0] = btyd_residual_within(family, p, c[0], c[1], c[2], c[3], c[4]);
	else if (strcmp(function, "spend") == 0)
	{
		BtydPattern pattern = {a[3], a[4], 0, 3};

		got[0] = likelihood(MODEL_SPEND, &pattern, 1, a, got + 1, NULL);
		for (int i = 0; i < 4; i++)
			got[i] /= 3;
		if (!(fabs(spend_log_likelihood(a, a[3], a[4]) - got[0]) <= 1e-11 * (1 + a[3])))
			fail_msg("another likelihood: %.17g", got[0]);
		return 4;
	}
	else if (strcmp(function, "spend_expected") == 0)
		got[0] = spend_expected(a, a[3], a[4]);
	else
		fail_msg("unknown function %s", function);
	return 1;
}

/*
 * What an error is measured by: the value, where that isn't about to vanish;
 * for logarithms at least 1; for a likelihood and its gradient by the logarithms
 * of parameters at least its exponents, r + x, r + k x or x.
 */
static double
yardstick(const char *function, const double *arguments, int value, double wanted)
{
	double		least = 1e-300;

	if (strncmp(function, "log_", 4) == 0)
		least = 1.0;
	else if (strcmp(function, "likelihood") == 0)
		least = (1.0 + arguments[1] + (arguments[0] == BTYD_MBGCNBD ? arguments[5] * arguments[6] :
									   arguments[0] == BTYD_BGBB ? arguments[7] : arguments[5])) /
			(value == 0 ? 1.0 : arguments[value]);
	else if (strcmp(function, "spend") == 0)
		least = (1.0 + arguments[3]) / (value == 0 ? 1.0 : arguments[value - 1]);
	return fmax(fabs(wanted), least);
}

static void
reference_table(void **state)
{
	FILE	   *table = fopen("btyd_reference.csv", "r");
	char		line[1024];

	(void) state;
	assert_non_null(table);
	assert_non_null(fgets(line, sizeof(line), table));
	while (fgets(line, sizeof(line), table) != NULL)
	{
		char	   *arguments = strchr(line, ',');
		char	   *values;
		double		a[MAX_VALUES + 2];
		double		wanted[MAX_VALUES + 2];
		double		got[MAX_VALUES];
		Promise    *promise = promises;
		int			n;

		assert_non_null(arguments);
		*arguments++ = '\0';
		values = strchr(arguments, ',');
		assert_non_null(values);
		*values++ = '\0';
		while (strcmp(promise->function, line) != 0)
		{
			promise++;
			assert_true(promise < promises + sizeof(promises) / sizeof(promises[0]));
		}
		promise->rows++;
		(void) numbers(arguments, a);
		n = numbers(values, wanted);
		assert_int_equal(n, evaluate(line, a, got));
		for (int i = 0; i < n; i++)
		{
			double		error = fabs(got[i] - wanted[i]) / yardstick(line, a, i, wanted[i]);

			if (!(error <= promise->tolerance))
				print_error("%s of %s, value %d: %.17g instead of %.17g, error %.2g\n",
							line, arguments, i, got[i], wanted[i], error);
			if (!(error <= promise->worst))
				promise->worst = error;
		}
	}
	fclose(table);
	for (size_t i = 0; i < sizeof(promises) / sizeof(promises[0]); i++)
	{
		print_message("# %s: %d rows, largest error %.2g\n", promises[i].function, promises[i].rows, promises[i].worst);
		assert_true(promises[i].rows >= promises[i].wanted_rows);
		assert_true(promises[i].worst <= promises[i].tolerance);
	}
}

static const double published[4][BTYD_NUMBERS] = {
	[BTYD_MBGNBD] = {0.524839, 6.183005, 0.891360, 1.614003},
	[BTYD_BGNBD] = {0.242593, 4.413536, 0.792884, 2.425757},
	[BTYD_PARETONBD] = {0.553263, 10.577401, 0.606200, 11.667518},
	[BTYD_MBGCNBD] = {1.329175, 2.812551, 0.424709, 0.790029, 2},
};

static void
assert_near(double got, double wanted, double tolerance)
{
	if (!(fabs(got - wanted) <= tolerance))
		fail_msg("%.17g instead of %.17g", got, wanted);
}

/*
 * Values printed in the papers, in Hardie's spreadsheets, in the test suites of
 * BTYD and lifetimes, or computed from the same formulas, for the CDNOW sample;
 * the last digit printed depends on how far the parameters were rounded
 */
static void
published_predictions(void **state)
{
	const double *mbg = published[BTYD_MBGNBD];
	const double *bg = published[BTYD_BGNBD];
	const double *pareto = published[BTYD_PARETONBD];
	const double paper[] = {0.243, 4.414, 0.793, 2.426};
	const double btyd[] = {0.5534, 10.5802, 0.6061, 11.6562};
	const double dert[] = {0.55, 10.58, 0.61, 11.67};
	const double spend[] = {6.25, 3.74, 15.44};

	(void) state;
	assert_near(btyd_alive(BTYD_BGNBD, bg, 2, 30.43, 38.86), 0.726609, 1e-5);
	assert_near(btyd_expected(BTYD_BGNBD, bg, 2, 30.43, 38.86, 39), 1.225906, 1e-5);
	assert_true(btyd_alive(BTYD_BGNBD, bg, 0, 0, 38.86) == 1.0);
	assert_near(btyd_expected(BTYD_BGNBD, bg, 0, 0, 38.86, 39), 0.194782, 1e-5);
	assert_near(btyd_alive(BTYD_BGNBD, bg, 26, 30.86, 31), 0.968919, 1e-5);
	assert_near(btyd_expected(BTYD_BGNBD, bg, 26, 30.86, 31, 1), 0.710621, 1e-5);
	assert_near(btyd_unconditional(BTYD_BGNBD, bg, 1), 0.05318, 1e-5);
	assert_near(btyd_unconditional(BTYD_BGNBD, bg, 3), 0.15063, 1e-5);
	assert_near(btyd_unconditional(BTYD_BGNBD, bg, 32), 1.04373, 1e-5);
	assert_near(btyd_unconditional(BTYD_BGNBD, bg, 78), 1.85796, 2e-5);
	assert_near(btyd_probability(BTYD_BGNBD, paper, 0, 39), 0.5737864, 5e-8);
	assert_near(btyd_alive(BTYD_PARETONBD, btyd, 26, 30.86, 31), 0.997918, 1e-6);
	assert_near(btyd_alive(BTYD_PARETONBD, pareto, 2, 30.43, 38.86), 0.869120, 1e-6);
	assert_near(btyd_alive(BTYD_PARETONBD, pareto, 0, 0, 38.86), 0.295100, 1e-6);
	assert_near(btyd_alive(BTYD_MBGNBD, mbg, 0, 0, 38.86), 0.389715, 1e-6);
	assert_near(btyd_alive(BTYD_MBGNBD, mbg, 2, 30.43, 38.86), 0.706126, 1e-6);
	assert_near(btyd_residual(BTYD_PARETONBD, dert, 7, 35, 77.86, 0.0027), 0.882751, 1e-6);
	assert_near(btyd_residual(BTYD_PARETONBD, dert, 2, 30.43, 38.86, 0.0027), 6.435748, 1e-6);
	assert_near(spend_expected(spend, 2, 22.35), 24.66371, 1e-5);
	assert_near(spend_expected(spend, 1, 11.77), 18.91685, 1e-5);
	assert_near(spend_expected(spend, 0, NAN), 35.21898, 1e-5);
	assert_near(spend_expected(spend, 7, 73.74), 71.46967, 1e-5);
}

/* The counts of a period are a distribution, and its mean is the expectation. */
static void
probabilities_sum_to_one(void **state)
{
	const double other[4][BTYD_NUMBERS] = {
		{3, 10, 1, 2}, {0.7, 20, 1, 0.5}, {2, 5, 1, 30}, {0.7, 2, 1, 2, 12},
	};

	(void) state;
	for (int family = 0; family < 4; family++)
		for (int i = 0; i < 2; i++)
		{
			const double *p = i == 0 ? published[family] : other[family];
			double		sum = 0.0;
			double		mean = 0.0;
			double		seen = 0.0;

			for (int n = 0; n < 1500; n++)
			{
				double		one = btyd_probability(family, p, n, 39);

				assert_true(one >= 0.0 && one < 1.0);
				sum += one;
				mean += n * one;
			}
			assert_near(sum, 1.0, 1e-12);
			assert_near(mean / btyd_unconditional(family, p, 39), 1.0, 1e-12);

			/*
			 * What is expected of somebody unknown is what is expected of those
			 * who bought nothing until t, of those who ..., and no less.
			 */
			seen = btyd_probability(family, p, 0, 10) * btyd_expected(family, p, 0, 0, 10, 29);
			assert_true(seen > 0.0);
			assert_true(seen < btyd_unconditional(family, p, 39) - btyd_unconditional(family, p,
																					  10));
		}
}

/* So are those of a period that follows a past, and it goes on as a whole or in two parts. */
static void
probabilities_after_a_past(void **state)
{
	const double past[][3] = {{0, 0, 30}, {1, 30, 30}, {2, 5, 40}, {12, 38, 39}};

	(void) state;
	for (int family = 0; family < 4; family++)
		for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++)
		{
			const double *p = published[family];
			const double *c = past[i];
			double		sum = 0.0;
			double		mean = 0.0;

			for (int n = 0; n < 1500; n++)
			{
				double		one = btyd_probability_after(family, p, n, c[0], c[1], c[2], 50);

				assert_true(one >= 0.0 && one < 1.0);
				sum += one;
				mean += n * one;
			}
			assert_near(sum, 1.0, 1e-12);
			assert_near(mean / btyd_expected(family, p, c[0], c[1], c[2], 50), 1.0, 1e-12);
			/* silence, and again silence */
			assert_near(btyd_probability_after(family, p, 0, c[0], c[1], c[2], 20) *
						btyd_probability_after(family, p, 0, c[0], c[1], c[2] + 20, 30) /
						btyd_probability_after(family, p, 0, c[0], c[1], c[2], 50), 1.0, 1e-12);
			assert_near(btyd_probability_after(family, p, 0, c[0], c[1], c[2], 0), 1.0, 1e-15);
			assert_true(btyd_probability_after(family, p, 2, c[0], c[1], c[2], 0) == 0.0);
			assert_true(isnan(btyd_probability_after(family, p, -1, c[0], c[1], c[2], 5)));
			assert_true(isnan(btyd_probability_after(family, p, 1, c[0], c[1], c[2], -1)));
			assert_true(isnan(btyd_probability_after(family, p, 1, c[0], c[2] + 1, c[2], 5)));
		}
}

/* Through the removable singularities without a step, and at the ends */
static void
limits(void **state)
{
	(void) state;
	for (int family = 0; family < 3; family++)
	{
		double		p[] = {0.5, 8, 1, 12};
		double		beside[] = {0.5, 8, 1 + 1e-9, 12};
		double		gradient[BTYD_PARAMETERS];
		BtydPattern nothing = {0, 0, 0, 1};
		double		before = 0.0;

		assert_near(btyd_expected(family, p, 3, 20, 40, 50) / btyd_expected(family, beside, 3, 20,
																			40, 50), 1.0, 1e-8);
		assert_near(btyd_unconditional(family, p, 50) / btyd_unconditional(family, beside, 50), 1.0,
					1e-8);

		/* nothing happens in no time */
		assert_true(btyd_expected(family, p, 3, 20, 40, 0) == 0.0);
		assert_true(btyd_unconditional(family, p, 0) == 0.0);
		assert_true(btyd_probability(family, p, 3, 0) == 0.0);
		assert_near(btyd_probability(family, p, 0, 0), 1.0, 1e-15);
		assert_near(likelihood((Model) family, &nothing, 1, p, gradient, NULL), 0.0, 1e-15);
		for (int i = 0; i < BTYD_PARAMETERS; i++)
			assert_near(gradient[i], 0.0, 1e-15);

		/* a tiny horizon at the current rate, and no more as it grows */
		assert_near(btyd_expected(family, p, 3, 20, 40, 1e-9) /
					(btyd_alive(family, p, 3, 20, 40) * 3.5 / 48 * 1e-9), 1.0, 1e-9);
		for (double horizon = 1e-6; horizon < 1e12; horizon *= 1.37)
		{
			double		expected = btyd_expected(family, p, 300, 299, 300, horizon);

			assert_true(expected > before);
			before = expected;
		}

		/* silence: P(alive) falls, smoothly where the integral changes its panels */
		before = family == BTYD_PARETONBD ? 2.0 : 1.0;
		for (double t = 300; t < 1e5; t *= 1.01)
		{
			double		alive = btyd_alive(family, p, 300, 300, t);

			assert_true(alive >= 0.0 && alive <= 1.0 && (alive < before || before == 0.0));
			before = alive;
		}
		assert_true(before == 0.0);
	}
	/* just bought: gone only if the purchase itself was the last */
	assert_true(btyd_alive(BTYD_PARETONBD, published[BTYD_PARETONBD], 2000, 1e5, 1e5) == 1.0);
	assert_near(btyd_alive(BTYD_BGNBD, published[BTYD_BGNBD], 1, 40, 40),
				2.425757 / (2.425757 + 0.792884), 1e-15);

	/* Pareto/NBD is the same on both sides of alpha = beta */
	for (int x = 0; x < 2000; x = 3 * x + 1)
	{
		double		equal[] = {0.5, 10, 0.6, 10};
		double		above[] = {0.5, 10, 0.6, 10 * (1 - 1e-14)};
		double		below[] = {0.5, 10, 0.6, 10 * (1 + 1e-14)};
		double		here[BTYD_PARAMETERS];
		double		there[BTYD_PARAMETERS];
		BtydPattern pattern = {x, x > 0 ? 20 : 0, 39, 1};
		double		value = likelihood(MODEL_PARETONBD, &pattern, 1, equal, here, NULL);

		assert_near(likelihood(MODEL_PARETONBD, &pattern, 1, above, there, NULL), value,
					1e-12 * (1 + x));
		for (int i = 0; i < BTYD_PARAMETERS; i++)
			assert_near(there[i], here[i], 1e-11 * (1 + x));
		assert_near(likelihood(MODEL_PARETONBD, &pattern, 1, below, there, NULL), value,
					1e-12 * (1 + x));
		for (int i = 0; i < BTYD_PARAMETERS; i++)
			assert_near(there[i], here[i], 1e-11 * (1 + x));
	}

	/* no discount: an end only if people leave fast enough */
	{
		double		slow[] = {0.5, 8, 1, 12};
		double		fast[] = {0.5, 8, 1.5, 12};

		assert_true(isnan(btyd_residual(BTYD_PARETONBD, slow, 3, 20, 40, 0)));
		assert_near(btyd_residual(BTYD_PARETONBD, fast, 3, 20, 40, 0) /
					btyd_residual(BTYD_PARETONBD, fast, 3, 20, 40, 1e-14), 1.0, 1e-5);
		assert_near(btyd_residual(BTYD_PARETONBD, fast, 3, 20, 40, 0) /
					btyd_expected(BTYD_PARETONBD, fast, 3, 20, 40, 1e14), 1.0, 1e-5);
	}
}

/* MBG/CNBD-1 is MBG/NBD; what would take forever has no answer. */
static void
regular(void **state)
{
	const double *mbg = published[BTYD_MBGNBD];
	const double one[] = {mbg[0], mbg[1], mbg[2], mbg[3], 1};
	const double ks[] = {0, 1.5, 13, -1, NAN, INFINITY};
	const double past[][3] = {
		{0, 0, 0}, {0, 0, 30}, {1, 30, 30}, {2, 5, 40}, {12, 38, 39}, {500, 99, 100},
	};
	const double *two = published[BTYD_MBGCNBD];

	(void) state;
	for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++)
	{
		const double *c = past[i];

		assert_near(btyd_alive(BTYD_MBGCNBD, one, c[0], c[1], c[2]) /
					btyd_alive(BTYD_MBGNBD, mbg, c[0], c[1], c[2]), 1, 1e-13);
		for (double horizon = 1e-6; horizon < 1e4; horizon *= 10)
		{
			assert_near(btyd_expected(BTYD_MBGCNBD, one, c[0], c[1], c[2], horizon) /
						btyd_expected(BTYD_MBGNBD, mbg, c[0], c[1], c[2], horizon), 1, 1e-12);
			for (int n = 0; n < 30; n += 3)
				assert_near(btyd_probability_after(BTYD_MBGCNBD, one, n, c[0], c[1], c[2], horizon),
							btyd_probability_after(BTYD_MBGNBD, mbg, n, c[0], c[1], c[2], horizon),
							1e-13);
		}
		assert_true(isnan(btyd_expected(BTYD_MBGCNBD, two, c[0], c[1], c[2], 1e12)));
		assert_true(isnan(btyd_probability_after(BTYD_MBGCNBD, two, 1, c[0], c[1], c[2], 1e12)));
	}
	for (size_t i = 0; i < sizeof(ks) / sizeof(ks[0]); i++)
	{
		const double p[] = {mbg[0], mbg[1], mbg[2], mbg[3], ks[i]};

		assert_true(isnan(btyd_alive(BTYD_MBGCNBD, p, 2, 20, 40)));
		assert_true(isnan(btyd_expected(BTYD_MBGCNBD, p, 2, 20, 40, 39)));
		assert_true(isnan(btyd_unconditional(BTYD_MBGCNBD, p, 39)));
		assert_true(isnan(btyd_probability(BTYD_MBGCNBD, p, 2, 39)));
		assert_true(isnan(btyd_probability_after(BTYD_MBGCNBD, p, 2, 2, 20, 40, 39)));
	}
}

/* BG/BB: the donors of the paper, and what is no row of opportunities */
static void
opportunities(void **state)
{
	/* alpha, beta, gamma, delta of 11,104 donors; what table 6 expects of the five years after */
	const double p[] = {1.204, 0.750, 0.657, 2.783};

	(void) state;
	assert_near(btyd_expected(BTYD_BGBB, p, 0, 0, 6, 5), 0.07, 5e-3);
	assert_near(btyd_expected(BTYD_BGBB, p, 1, 6, 6, 5), 1.15, 5e-3);
	assert_near(btyd_expected(BTYD_BGBB, p, 4, 5, 6, 5), 2.03, 5e-3);
	assert_near(btyd_expected(BTYD_BGBB, p, 6, 6, 6, 5), 3.75, 5e-3);
	assert_true(btyd_alive(BTYD_BGBB, p, 6, 6, 6) == 1.0);
	/* part of an opportunity is none */
	assert_true(btyd_expected(BTYD_BGBB, p, 2, 4, 6, 2.9) ==
				btyd_expected(BTYD_BGBB, p, 2, 4, 6, 2));
	assert_true(btyd_probability_after(BTYD_BGBB, p, 3, 2, 4, 6, 2) == 0.0);
	assert_near(btyd_residual_within(BTYD_BGBB, p, 2, 4, 6, 0.1, 2000),
				btyd_residual(BTYD_BGBB, p, 2, 4, 6, 0.1), 1e-12);
	assert_true(isnan(btyd_residual(BTYD_BGBB, p, 2, 4, 6, 0)));
	assert_true(isnan(btyd_alive(BTYD_BGBB, p, 2, 4.5, 6)));
	assert_true(isnan(btyd_alive(BTYD_BGBB, p, 2, 4, 6.5)));
	assert_true(isnan(btyd_alive(BTYD_BGBB, p, 5, 4, 6)));
	assert_true(isnan(btyd_alive(BTYD_BGBB, p, 2, 4, 1e6)));
	assert_true(isnan(btyd_expected(BTYD_BGBB, p, 2, 4, 6, 1e9)));
}

/* Counts at several times are those at each of them, also where no series will do. */
static void
several_at_once(void **state)
{
	static const double shapes[] = {0.01, 0.5, 3, 40, 900, 5000};
	static const double ends[] = {1e-6, 0.1, 2, 30, 500};

	(void) state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		for (size_t e = 0; e < sizeof(ends) / sizeof(ends[0]); e++)
			for (int m = 1; m <= MOST_COUNTS; m += 5)
			{
				double		y[MOST_COUNTS];
				double		counts[MOST_COUNTS];

				for (int j = 0; j < m; j++)
					y[j] = ends[e] * (j + (m > 6)) / (m - (m <= 6 && m > 1));
				beta_geometric_counts(shapes[i], 0.8, 2.5, m, y, counts);
				for (int j = 0; j < m; j++)
					assert_near(counts[j], beta_geometric_count(shapes[i], 0.8, 2.5, y[j]), 1e-13);
				for (int k = 1; k <= ERLANG_MAX_K; k += 4)
				{
					double		weights[ERLANG_MAX_K];
					double		total = erlang_silence(k, shapes[i], 0.3, weights);

					erlang_expected_at(k, shapes[i], m, y, 0.8, 2.5, weights, total, counts);
					for (int j = 0; j < m; j++)
					{
						double		alone = erlang_expected(k, shapes[i], y[j], 0.8, 2.5, weights,
															total);

						assert_true(isnan(alone) ? isnan(counts[j]) :
									fabs(counts[j] - alone) <= 1e-12 * alone + 1e-300);
					}
				}
			}
}

/* What has no answer is NaN, not a number. */
static void
no_answer(void **state)
{
	static const double customers[][3] = {
		{-1, 0, 10}, {1.5, 5, 10}, {2, 11, 10}, {2, -1, 10}, {0, 5, 10}, {NAN, 0, 10},
		{1, NAN, 10}, {1, 5, NAN}, {1, 5, INFINITY}, {INFINITY, 5, 10}, {0, 0, -1}, {1e300, 1, 2},
	};
	static const double parameters[] = {0.0, -0.0, -1.0, NAN, INFINITY, -INFINITY, 1e-300, 1e300};

	(void) state;
	for (int family = 0; family < 4; family++)
	{
		const double *p = published[family];

		for (size_t i = 0; i < sizeof(customers) / sizeof(customers[0]); i++)
		{
			const double *c = customers[i];

			assert_true(isnan(btyd_alive(family, p, c[0], c[1], c[2])));
			assert_true(isnan(btyd_expected(family, p, c[0], c[1], c[2], 10)));
			assert_true(isnan(btyd_residual(family, p, c[0], c[1], c[2], 0.1)));
		}
		for (int i = 0; i < BTYD_PARAMETERS; i++)
			for (size_t j = 0; j < sizeof(parameters) / sizeof(parameters[0]); j++)
			{
				double		q[BTYD_NUMBERS];

				memcpy(q, p, sizeof(q));
				q[i] = parameters[j];
				assert_true(isnan(btyd_alive(family, q, 2, 20, 40)));
				assert_true(isnan(btyd_expected(family, q, 2, 20, 40, 39)));
				assert_true(isnan(btyd_unconditional(family, q, 39)));
				assert_true(isnan(btyd_probability(family, q, 2, 39)));
				assert_true(isnan(btyd_residual(family, q, 2, 20, 40, 0.01)));
				if (i < SPEND_PARAMETERS)
				{
					assert_true(isnan(spend_expected(q, 2, 20)));
				}
			}
		assert_true(isnan(btyd_expected(family, p, 2, 20, 40, -1)));
		assert_true(isnan(btyd_expected(family, p, 2, 20, 40, INFINITY)));
		assert_true(isnan(btyd_unconditional(family, p, -1)));
		assert_true(isnan(btyd_probability(family, p, -1, 39)));
		assert_true(isnan(btyd_probability(family, p, 1, NAN)));
		assert_true(isnan(btyd_residual(family, p, 2, 20, 40, -0.1)));
		assert_true(isnan(btyd_residual(family, p, 2, 20, 40, NAN)));
		assert_true(family == BTYD_PARETONBD || isnan(btyd_residual(family, p, 2, 20, 40, 0.1)));
	}
	{
		const double heavy[] = {6.25, 0.9, 15.44};
		const double thin[] = {0.01, 0.9, 15.44};

		/* q <= 1: the mean of all doesn't exist, that of somebody with enough purchases does */
		assert_true(isnan(spend_expected(heavy, 0, 0)));
		assert_true(isnan(spend_expected(thin, 5, 20)));
		assert_true(spend_expected(heavy, 1, 20) > 0.0);
		assert_true(isnan(spend_expected(heavy, 1, 0)));
		assert_true(isnan(spend_expected(heavy, 1, -5)));
		assert_true(isnan(spend_expected(heavy, 1, NAN)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_table),
		cmocka_unit_test(published_predictions),
		cmocka_unit_test(probabilities_sum_to_one),
		cmocka_unit_test(probabilities_after_a_past),
		cmocka_unit_test(limits),
		cmocka_unit_test(regular),
		cmocka_unit_test(opportunities),
		cmocka_unit_test(several_at_once),
		cmocka_unit_test(no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
