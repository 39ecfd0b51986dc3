/*
 * test_btyd_fit.c
 *		The likelihood that fits climb, held against that of one customer at a
 *		time (btyd.c) and against its own differences; what fits find in made
 *		data, and what they refuse.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "math/btyd_fit.h"
#include "likelihood.h"

static const BtydFamily families[] = {BTYD_MBGNBD, BTYD_BGNBD, BTYD_PARETONBD, BTYD_MBGCNBD};

/* Points that a search may pass: ordinary, equal and lopsided scales, extremes */
static const double points[][BTYD_PARAMETERS] = {
	{0.5, 6, 0.9, 1.6}, {0.25, 4.4, 0.8, 2.4}, {0.55, 10.6, 0.6, 11.7}, {1, 10, 1, 10},
		{2, 3, 1, 3.0000001},
	{3, 0.05, 0.2, 40}, {0.01, 100, 5, 0.3}, {20, 500, 0.02, 0.5}, {0.1, 1e4, 3, 1},
	{1.5, 1, 2, 1e4}
};

/* Customers of all kinds: never back, back today, once, often, for ages */
static const BtydPattern customers[] = {
	{0, 0, 0, 1}, {0, 0, 0.14, 3}, {0, 0, 38.857, 7}, {0, 0, 5000, 1}, {1, 0.14, 0.14, 1},
		{1, 1, 40, 5},
	{1, 39, 40, 2}, {2, 30.43, 38.86, 1}, {5, 5, 500, 1}, {26, 30.86, 31, 1}, {40, 2, 40, 1},
	{100, 300, 400, 2},
	{500, 99, 100, 1}, {500, 10, 100, 1}, {2000, 1e4, 1e5, 1}
};

#define CUSTOMERS	(sizeof(customers) / sizeof(customers[0]))

static void
assert_near(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance * fmax(1, fabs(want))))
		fail_msg("%.17g is not %.17g", got, want);
}

/* The Hessian is what the gradient's differences say. */
static void
test_hessian(void **state)
{
	(void) state;
	for (size_t f = 0; f < 5; f++)
	{
		const BtydPattern spenders[] = {{1, 5, 0, 3}, {1, 20, 0, 1}, {4, 0.5, 0, 2},
			{30, 33, 0, 1}};
		const BtydPattern *patterns = f < 4 ? customers : spenders;
		size_t		n = f < 4 ? CUSTOMERS - 1 : 4;
		Model		model = f < 4 ? (Model) families[f] : MODEL_SPEND;
		int			np = f < 4 ? BTYD_PARAMETERS : SPEND_PARAMETERS;

		for (size_t p = 0; p < sizeof(points) / sizeof(points[0]); p++)
		{
			double		hessian[BTYD_PARAMETERS * BTYD_PARAMETERS];
			double		gradient[BTYD_PARAMETERS];
			double		at[BTYD_NUMBERS];

			memcpy(at, points[p], sizeof(points[p]));
			at[BTYD_PARAMETERS] = (double) (2 + p);		/* k */
			likelihood(model, patterns, n, at, gradient, hessian);
			for (int j = 0; j < np; j++)
			{
				double		step = 1e-5 * points[p][j];
				double		below[BTYD_PARAMETERS];
				double		above[BTYD_PARAMETERS];

				for (int side = 0; side < 2; side++)
				{
					double	   *to = side ? above : below;

					at[j] = points[p][j] + (side ? step : -step);
					likelihood(model, patterns, n, at, to, NULL);
				}
				at[j] = points[p][j];
				for (int k = 0; k < np; k++)
				{
					double		scale = points[p][j] * points[p][k];
					double		difference = (above[k] - below[k]) / (2 * step);

					assert_near(hessian[j * np + k] * scale, difference * scale, 1e-5);
				}
			}
		}
	}
}

/* So is that of BG/BB, whose customers have whole numbers. */
static void
test_hessian_opportunities(void **state)
{
	static const BtydPattern takers[] = {{0, 0, 1, 2}, {0, 0, 6, 7}, {1, 1, 6, 5}, {1, 6, 6, 1},
		{3, 4, 6, 2}, {6, 6, 6, 3}, {5, 40, 300, 1}, {40, 40, 300, 1}};

	(void) state;
	for (size_t p = 0; p < sizeof(points) / sizeof(points[0]); p++)
	{
		double		at[BTYD_PARAMETERS] = {points[p][0], points[p][2], points[p][2], points[p][3]};
		double		hessian[BTYD_PARAMETERS * BTYD_PARAMETERS];
		double		sides[2][BTYD_PARAMETERS];

		likelihood(MODEL_BGBB, takers, 8, at, sides[0], hessian);
		for (int j = 0; j < BTYD_PARAMETERS; j++)
		{
			double		centre = at[j];
			double		step = 1e-5 * centre;

			for (int side = 0; side < 2; side++)
			{
				at[j] = centre + (side ? step : -step);
				likelihood(MODEL_BGBB, takers, 8, at, sides[side], NULL);
			}
			at[j] = centre;
			for (int k = 0; k < BTYD_PARAMETERS; k++)
			{
				double		scale = centre * at[k];

				assert_near(hessian[j * BTYD_PARAMETERS + k] * scale,
							(sides[1][k] - sides[0][k]) / (2 * step) * scale, 1e-5);
			}
		}
	}
}

/* Numbers that depend on a seed alone */
static uint64_t random_state;

static double
uniform(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return ((double) (random_state >> 11) + 0.5) / 9007199254740992.0;
}

static double
normal(void)
{
	double		radius = sqrt(-2 * log(uniform()));

	return radius * cos(6.283185307179586 * uniform());
}

/* By Marsaglia and Tsang */
static double
gamma_variate(double shape)
{
	double		boost = shape < 1 ? pow(uniform(), 1 / shape) : 1;
	double		d = (shape < 1 ? shape + 1 : shape) - 1 / 3.0;

	for (;;)
	{
		double		z = normal();
		double		v = pow(1 + z / sqrt(9 * d), 3);

		if (v > 0 && log(uniform()) < z * z / 2 + d - d * v + d * log(v))
			return d * v * boost;
	}
}

static int
order_of_patterns(const void *a, const void *b)
{
	const BtydPattern *p = a;
	const BtydPattern *q = b;

	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	if (p->t_x != q->t_x)
		return p->t_x < q->t_x ? -1 : 1;
	return (p->t > q->t) - (p->t < q->t);
}

/* Time until the k-th event */
static double
gap(double rate, int k)
{
	double		sum = 0;

	for (int i = 0; i < k; i++)
		sum -= log(uniform()) / rate;
	return sum;
}

/* A shop whose customers behave as the family says; the sum of the logarithms of their gaps */
static size_t
simulate(BtydFamily family, const double *parameters, int n, BtydPattern *patterns, double *ln_gaps)
{
	int			k = family == BTYD_MBGCNBD ? (int) parameters[BTYD_PARAMETERS] : 1;
	size_t		out = 0;

	*ln_gaps = 0;

	for (int i = 0; i < n; i++)
	{
		double		t = 1 + floor(100 * uniform());
		double		rate = gamma_variate(parameters[0]) / parameters[1];
		double		leave = gamma_variate(parameters[2]);
		double		end = INFINITY;
		BtydPattern *pattern = &patterns[i];

		*pattern = (BtydPattern) {0, 0, t, 1};
		if (family == BTYD_PARETONBD)
			end = -log(uniform()) / (leave / parameters[3]);
		else
			leave = leave / (leave + gamma_variate(parameters[3]));
		if ((family == BTYD_MBGNBD || family == BTYD_MBGCNBD) && uniform() < leave)
			end = 0;
		for (double at = gap(rate, k); at <= t && at <= end; at += gap(rate, k))
		{
			*ln_gaps += log(at - pattern->t_x);
			pattern->x++;
			pattern->t_x = at;
			if (family != BTYD_PARETONBD && uniform() < leave)
				break;
		}
	}
	qsort(patterns, (size_t) n, sizeof(BtydPattern), order_of_patterns);
	for (int i = 0; i < n; i++)
	{
		if (out > 0 && order_of_patterns(&patterns[out - 1], &patterns[i]) == 0)
			patterns[out - 1].count += patterns[i].count;
		else
			patterns[out++] = patterns[i];
	}
	return out;
}

/* Fits find the parameters that made the data, to within their own errors. */
static void
test_recover(void **state)
{
	static const double truths[][BTYD_PARAMETERS] = {{0.6, 6, 0.8, 2}, {1.5, 8, 0.5, 4},
		{0.9, 9, 0.7, 12}};
	BtydPattern *patterns = malloc(6000 * sizeof(BtydPattern));

	(void) state;
	random_state = 42;
	for (int f = 0; f < 3; f++)
	{
		for (int p = 0; p < 3; p++)
		{
			double		ln_gaps;
			size_t		n = simulate(families[f], truths[p], 6000, patterns, &ln_gaps);
			BtydFit		fit;
			BtydFit		again;

			host_checks = 0;
			btyd_fit(families[f], patterns, n, NULL, &host, &fit);
			assert_int_equal(fit.status, BTYD_CONVERGED);
			assert_int_equal(fit.n, 6000);
			assert_true(host_checks > 4);
			assert_true(fit.gradient_norm < 1e-6);
			for (int j = 0; j < BTYD_PARAMETERS; j++)
			{
				assert_true(fit.standard_errors[j] > 0);
				assert_true(fabs(fit.parameters[j] - truths[p][j]) < 4 * fit.standard_errors[j]);
			}
			/* the same from elsewhere */
			btyd_fit(families[f], patterns, n, &(BtydSearch) {truths[p], 0}, &host, &again);
			assert_int_equal(again.status, BTYD_CONVERGED);
			for (int j = 0; j < BTYD_PARAMETERS; j++)
				assert_near(again.parameters[j] / fit.parameters[j], 1, 1e-7);
		}
	}
	free(patterns);
}

/* So do they find k; k = 1 is MBG/NBD, and a k that is given needs no gaps. */
static void
test_regular(void **state)
{
	static const double truths[][BTYD_NUMBERS] = {{0.6, 6, 0.8, 2, 1}, {1.5, 4, 0.5, 4, 2},
		{1.2, 2, 0.7, 3, 5}};
	BtydPattern *patterns = malloc(6000 * sizeof(BtydPattern));

	(void) state;
	random_state = 43;
	for (int p = 0; p < 3; p++)
	{
		int			k = (int) truths[p][BTYD_PARAMETERS];
		double		ln_gaps;
		size_t		n = simulate(BTYD_MBGCNBD, truths[p], 6000, patterns, &ln_gaps);
		BtydFit		fit;
		BtydFit		one;
		BtydFit		given;

		btyd_fit_regular(0, ln_gaps, patterns, n, NULL, &host, &fit);
		assert_int_equal(fit.status, BTYD_CONVERGED);
		assert_int_equal(fit.n, 6000);
		assert_true(fit.parameters[BTYD_PARAMETERS] == k);
		assert_int_equal(fit.nchoices, k < 2 ? 3 : k + 2);
		assert_true(fit.log_likelihood == fit.choices[k - 1]);
		for (int j = 0; j < BTYD_PARAMETERS; j++)
			assert_true(fabs(fit.parameters[j] - truths[p][j]) < 4 * fit.standard_errors[j]);

		btyd_fit(BTYD_MBGNBD, patterns, n, NULL, &host, &one);
		assert_near(fit.choices[0], one.log_likelihood, 1e-13);
		btyd_fit_regular(k, NAN, patterns, n, NULL, &host, &given);
		assert_int_equal(given.status, BTYD_CONVERGED);
		assert_true(k == 1 ? given.log_likelihood == one.log_likelihood :
					isnan(given.log_likelihood));
		assert_int_equal(given.nchoices, 0);
		for (int j = 0; j < BTYD_PARAMETERS; j++)
			assert_near(given.parameters[j] / fit.parameters[j], 1, 1e-7);
		btyd_fit_regular(k, ln_gaps, patterns, n, &(BtydSearch) {truths[p], 0}, &host, &given);
		assert_near(given.log_likelihood, fit.log_likelihood, 1e-12);
	}
	btyd_fit_regular(0, 0, patterns, 0, NULL, &host, &(BtydFit) {0});
	free(patterns);
}

static void
test_refused(void **state)
{
	static const struct
	{
		BtydPattern patterns[2];
		size_t		n;
		BtydFitReason reason;
	}			cases[] = {
		{{{2, 3, 5, 4}}, 1, BTYD_TOO_FEW_CUSTOMERS},
		{{{0, 0, 5, 100}, {0, 0, 6, 100}}, 2, BTYD_EVERYONE_BOUGHT_ONCE},
		{{{2, 3, 5, 100}}, 1, BTYD_CONSTANT_DATA},
		{{{0, 0, 5, 100}, {2, 3, 5, 4}}, 2, BTYD_TOO_FEW_REPEAT_CUSTOMERS}
	};
	BtydPattern spenders[] = {{1, 5, 0, 90}, {2, 5, 0, 10}};
	BtydFit		fit;

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		for (int f = 0; f < 3; f++)
		{
			btyd_fit(families[f], cases[i].patterns, cases[i].n, NULL, &host, &fit);
			assert_int_equal(fit.status, BTYD_REFUSED);
			assert_int_equal(fit.reason, cases[i].reason);
			assert_true(isnan(fit.parameters[0]) && isnan(fit.log_likelihood));
		}
	}
	spend_fit(spenders, 2, NULL, &host, &fit);
	assert_int_equal(fit.reason, BTYD_CONSTANT_DATA);
	spend_fit(spenders, 0, NULL, &host, &fit);
	assert_int_equal(fit.reason, BTYD_TOO_FEW_CUSTOMERS);
}

/* Customers who never leave, or who are all alike, have no maximum. */
static void
test_boundary(void **state)
{
	BtydPattern patterns[200];
	BtydFit		fit;

	(void) state;
	for (int i = 0; i < 200; i++)
		patterns[i] = (BtydPattern) {3, 40 + i * 0.1, 60 + i * 0.1, 1};
	for (int f = 0; f < 3; f++)
	{
		btyd_fit(families[f], patterns, 200, NULL, &host, &fit);
		assert_int_equal(fit.status, BTYD_NOT_CONVERGED);
		assert_true(fit.reason == BTYD_PARAMETER_AT_BOUNDARY || fit.reason == BTYD_FLAT_LIKELIHOOD);
		assert_true(fit.ended && isnan(fit.standard_errors[0]));
		for (int j = 0; j < 4; j++)
			assert_true(isfinite(fit.parameters[j]) && fit.parameters[j] > 0);
	}
}

/* Whatever the numbers, a fit ends, and what it says is finite. */
static void
test_extremes(void **state)
{
	static const double units[] = {1e-308, 1e-100, 1e-9, 1, 1e9, 1e100, 1e305};
	static const double counts[] = {1, 50, 1e4, 3e8};
	BtydPattern patterns[60];
	BtydFit		fit;

	(void) state;
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++)
	{
		for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++)
		{
			for (int i = 0; i < 60; i++)
			{
				double		x = counts[c] * (i / 20);

				patterns[i] = (BtydPattern) {x, x > 0 ? units[u] * (1 + i % 20) : 0,
					units[u] * (2 + 3 * (i % 20)), 1 + i % 3};
			}
			for (int f = 0; f < 5; f++)
			{
				host_checks = 0;
				if (f == 4)
					btyd_fit_regular(12, 0, patterns, 60, NULL, &host, &fit);
				else if (f < 3)
					btyd_fit(families[f], patterns, 60, NULL, &host, &fit);
				else
					spend_fit(patterns + 20, 40, NULL, &host, &fit);
				assert_int_not_equal(fit.status, BTYD_REFUSED);
				assert_true(host_checks > 0);
				for (int j = 0; fit.status == BTYD_CONVERGED && j < fit.nparameters; j++)
					assert_true(isfinite(fit.parameters[j]) && fit.parameters[j] > 0 &&
								isfinite(fit.standard_errors[j]) && fit.standard_errors[j] > 0);
				assert_true(isfinite(fit.log_likelihood) || fit.reason == BTYD_NO_MAXIMUM_FOUND);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hessian),
		cmocka_unit_test(test_hessian_opportunities),
		cmocka_unit_test(test_recover),
		cmocka_unit_test(test_regular),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_boundary),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
