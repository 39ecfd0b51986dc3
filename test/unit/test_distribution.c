/*
 * test_distribution.c
 *		Tails and quantiles against the table of distribution_reference.py and
 *		against published numbers; comparisons of two groups.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "math/distribution.h"
#include "math/two_groups.h"

/* What a function promises: the largest relative error, and above 1e-100 */
typedef struct Promise
{
	const char *function;
	double		tolerance;
	double		tolerance_of_rare;
	int			wanted_rows;
	int			rows;
	double		worst;
	double		worst_of_rare;
} Promise;

static Promise promises[] = {
	{"normal_lower", 1e-13, 3e-13, 290, 0, 0, 0},
	{"gamma_lower", 1e-13, 3e-13, 500, 0, 0, 0},
	{"gamma_upper", 1e-13, 3e-13, 500, 0, 0, 0},
	{"t_upper", 1e-13, 3e-13, 530, 0, 0, 0},
	{"beta_lower", 1e-13, 3e-13, 450, 0, 0, 0},
	{"beta_upper", 1e-13, 3e-13, 450, 0, 0, 0},
	{"normal_quantile", 1e-14, 1e-14, 140, 0, 0, 0},
	{"chi_square_quantile", 1e-13, 1e-13, 140, 0, 0, 0},
	{"t_quantile", 1e-13, 1e-13, 120, 0, 0, 0},
	{"beta_quantile", 1e-13, 1e-13, 120, 0, 0, 0},
	{"log_factorial", 1e-15, 1e-15, 60, 0, 0, 0},
	{"binomial", 1e-13, 3e-13, 170, 0, 0, 0},
	{"hypergeometric", 1e-13, 3e-13, 180, 0, 0, 0},
	{"fisher", 1e-13, 3e-13, 280, 0, 0, 0},
};

static double
evaluate(const char *function, const double *a)
{
	if (strcmp(function, "normal_lower") == 0)
		return normal_tails(a[0]).lower;
	if (strcmp(function, "gamma_lower") == 0)
		return gamma_tails(a[0], a[1]).lower;
	if (strcmp(function, "gamma_upper") == 0)
		return gamma_tails(a[0], a[1]).upper;
	if (strcmp(function, "t_upper") == 0)
		return student_t_tails(a[0], a[1]).upper;
	if (strcmp(function, "beta_lower") == 0)
		return beta_tails(a[0], a[1], a[2]).lower;
	if (strcmp(function, "beta_upper") == 0)
		return beta_tails(a[0], a[1], a[2]).upper;
	if (strcmp(function, "normal_quantile") == 0)
		return normal_quantile(a[0]);
	if (strcmp(function, "chi_square_quantile") == 0)
		return chi_square_quantile(a[0], a[1]);
	if (strcmp(function, "t_quantile") == 0)
		return student_t_quantile(a[0], a[1]);
	if (strcmp(function, "beta_quantile") == 0)
		return beta_quantile(a[0], a[1], a[2]);
	if (strcmp(function, "log_factorial") == 0)
		return log_factorial(a[0]);
	if (strcmp(function, "binomial") == 0)
		return binomial_probability(a[0], a[1], a[2], 1.0 - a[2]);
	if (strcmp(function, "hypergeometric") == 0)
		return hypergeometric_probability(a[0], a[1], a[2], a[3]);
	if (strcmp(function, "fisher") == 0)
		return fisher_exact((Rate) {a[0], a[1]}, (Rate) {a[2], a[3]});
	fail_msg("unknown function %s", function);
	return NAN;
}

static void
reference_table(void **state)
{
	FILE	   *table = fopen("distribution_reference.csv", "r");
	char		line[1024];

	(void) state;
	assert_non_null(table);
	assert_non_null(fgets(line, sizeof(line), table));
	while (fgets(line, sizeof(line), table) != NULL)
	{
		char	   *arguments = strchr(line, ',');
		char	   *end;
		double		a[4] = {0};
		double		wanted;
		double		error;
		int			n = 0;
		Promise    *promise = promises;
		double	   *worst;
		double		tolerance;

		assert_non_null(arguments);
		*arguments++ = '\0';
		while (strcmp(promise->function, line) != 0)
		{
			promise++;
			assert_true(promise < promises + sizeof(promises) / sizeof(promises[0]));
		}
		promise->rows++;
		for (end = arguments; *end != ','; n++)
		{
			assert_true(n < 4);
			a[n] = strtod(end, &end);
		}
		wanted = strtod(end + 1, NULL);
		error = fabs(evaluate(line, a) - wanted) / fmax(fabs(wanted), DBL_MIN);
		worst = fabs(wanted) < 1e-100 ? &promise->worst_of_rare : &promise->worst;
		tolerance = fabs(wanted) < 1e-100 ? promise->tolerance_of_rare : promise->tolerance;
		if (!(error <= tolerance))
			print_error("%s of %s: %.17g, error %.2g\n", line, arguments, evaluate(line, a), error);
		if (!(error <= *worst))
			*worst = error;
	}
	fclose(table);
	for (size_t i = 0; i < sizeof(promises) / sizeof(promises[0]); i++)
	{
		Promise    *promise = &promises[i];

		print_message("# %s: %d rows, largest error %.2g, below 1e-100 %.2g\n", promise->function,
					  promise->rows, promise->worst, promise->worst_of_rare);
		assert_true(promise->rows >= promise->wanted_rows);
		assert_true(promise->worst <= promise->tolerance);
		assert_true(promise->worst_of_rare <= promise->tolerance_of_rare);
	}
}

static void
assert_near(double got, double wanted, double tolerance)
{
	if (!(fabs(got - wanted) <= tolerance))
		fail_msg("%.17g instead of %.17g", got, wanted);
}

/* Printed in textbooks and papers, to as many digits as there */
static void
published_numbers(void **state)
{
	/* Newcombe 1998, tables I of both papers */
	static const double wilson[][4] = {
		{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605},
		{0, 20, 0.0, 0.1611}, {1, 29, 0.0061, 0.1718},
	};
	static const double exact[][4] = {
		{81, 263, 0.2527, 0.3676}, {15, 148, 0.0578, 0.1617},
		{0, 20, 0.0, 0.1684}, {1, 29, 0.0009, 0.1776},
	};
	static const double newcombe[][6] = {
		{48, 80, 56, 70, 0.0524, 0.3339}, {3, 10, 9, 10, 0.1705, 0.8090},
		{2, 7, 6, 7, 0.0582, 0.8062}, {0, 29, 5, 56, -0.0381, 0.1926},
		{0, 20, 0, 10, -0.1611, 0.2775}, {0, 10, 0, 10, -0.2775, 0.2775},
		{0, 20, 10, 10, 0.6791, 1.0000}, {0, 10, 10, 10, 0.6075, 1.0000},
	};
	double		z = normal_quantile(0.975);
	Mean		first = {10, 0.75, 3.2005555555555556};
	Mean		second = {10, 2.33, 4.009};
	double		t;

	(void) state;
	for (size_t i = 0; i < 4; i++)
	{
		Bounds	w = wilson_interval((Rate) {wilson[i][0], wilson[i][1]}, z);
		Bounds	e = exact_interval((Rate) {exact[i][0], exact[i][1]}, 0.025);

		assert_near(w.low, wilson[i][2], 5e-5);
		assert_near(w.high, wilson[i][3], 5e-5);
		assert_near(e.low, exact[i][2], 5e-5);
		assert_near(e.high, exact[i][3], 5e-5);
	}
	for (size_t i = 0; i < 8; i++)
	{
		const double *a = newcombe[i];
		Bounds	n = newcombe_interval((Rate) {a[0], a[1]}, (Rate) {a[2], a[3]}, z);

		assert_near(n.low, a[4], 5e-5);
		assert_near(n.high, a[5], 5e-5);
	}
	assert_near(z, 1.959963984540054, 1e-15);
	assert_near(chi_square_quantile(0.95, 1), 3.841458820694124, 1e-14);
	assert_near(chi_square_quantile(0.95, 4), 9.487729036781154, 1e-14);
	assert_near(student_t_quantile(0.975, 10), 2.228139, 5e-7);

	/* Fisher: the lady tasting tea, and Lange's convicted twins */
	assert_near(fisher_exact((Rate) {3, 4}, (Rate) {1, 4}), 34.0 / 70, 1e-15);
	assert_near(fisher_exact((Rate) {2, 17}, (Rate) {10, 13}), 0.0005367241, 5e-11);

	/* Student's sleep, as R prints it: t = -1.8608, df = 17.776, p = 0.07939, from -3.3654832 on */
	t = (second.mean - first.mean) / sqrt(difference_variance(first, second));
	assert_near(t, 1.8608, 5e-5);
	assert_near(satterthwaite_df(first, second), 17.776, 5e-4);
	assert_near(2 * student_t_tails(t, satterthwaite_df(first, second)).upper, 0.07939,
				5e-6);
	assert_near(second.mean - first.mean + sqrt(difference_variance(first, second)) *
				student_t_quantile(0.975, satterthwaite_df(first, second)), 3.3654832, 5e-8);
}

/* Ends of the domains, and beyond what doubles hold */
static void
limits(void **state)
{
	static const double parameters[] = {
		0.05, 0.5, 1, 2, 15.9, 16, 40, 9999.0, 10001.0, 1e5, 1e7, 1e10,
	};

	(void) state;
	assert_true(normal_tails(INFINITY).lower == 1.0 && normal_tails(INFINITY).upper == 0.0);
	assert_true(normal_tails(-INFINITY).lower == 0.0 && normal_tails(-INFINITY).upper == 1.0);
	assert_true(normal_tails(0).lower == 0.5 && normal_quantile(0.5) == 0.0);
	assert_true(normal_tails(-39).lower == 0.0 && normal_tails(39).lower == 1.0);
	assert_true(normal_quantile(0) == -INFINITY && normal_quantile(1) == INFINITY);
	assert_near(normal_quantile(5e-324), -38.467405617144344, 1e-13);
	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++)
	{
		double		a = parameters[i];
		double		before = 0.0;

		assert_true(gamma_tails(0, a).lower == 0.0 && gamma_tails(INFINITY, a).upper == 0.0);
		assert_true(gamma_tails(-1, a).lower == 0.0 && gamma_tails(1e300, a).upper == 0.0);
		assert_true(gamma_tails(1e-320, a).lower >= 0.0 && gamma_tails(1e-320, a).upper <= 1.0);
		assert_true(chi_square_quantile(0, a) == 0.0 && isinf(chi_square_quantile(1, a)));
		assert_true(student_t_tails(0, a).lower == 0.5);
		assert_true(student_t_tails(INFINITY, a).upper == 0.0);
		assert_true(student_t_tails(-INFINITY, a).lower == 0.0);
		assert_true(student_t_quantile(0.5, a) == 0.0);
		assert_true(student_t_quantile(0, a) == -INFINITY && student_t_quantile(1, a) == INFINITY);
		for (double t = 1e-5; t < 40; t *= 1.01)
		{
			double		upper = student_t_tails(t, a).upper;

			/* with more degrees of freedom ever nearer to the normal, from above */
			assert_true(upper >= normal_tails(t).upper * (1 - 1e-12) && upper < 0.5);
			if (before > 0)
				assert_true(upper < before);
			before = upper;
		}
		assert_true(student_t_tails(1e300, a).upper >= 0.0);
		for (size_t j = 0; j < sizeof(parameters) / sizeof(parameters[0]); j++)
		{
			double		b = parameters[j];

			assert_true(beta_tails(0, a, b).lower == 0.0 && beta_tails(1, a, b).upper == 0.0);
			assert_true(beta_quantile(0, a, b) == 0.0 && beta_quantile(1, a, b) == 1.0);
			for (double x = 0x1p-60; x < 1; x = x * 1.7)
			{
				Tails		tails = beta_tails(x, a, b);

				assert_true(tails.lower >= 0 && tails.upper >= 0);
				assert_near(tails.lower + tails.upper, 1, 1e-11);
			}
			for (double p = 1e-10; p < 1; p *= 3.1)
			{
				double		x = beta_quantile(p, a, b);

				/* p may lie within one step of x, beside 0 and 1 */
				if (x > 1e-290 && x < 0.999)
					assert_near(beta_tails(x, a, b).lower / p, 1, 1e-8);
			}
		}
	}
	/* on both sides of where the formula changes */
	for (double t = 0.01; t < 35; t *= 1.3)
		assert_near(student_t_tails(t, 10000).upper / student_t_tails(t, 10000.001).upper, 1,
					1e-11 * (1 + t * t * t * t));
	assert_near(gamma_tails(1e10, 1e10).lower, 0.50000132980760125, 1e-11);
}

/* Rates without successes, groups of one, and what has no answer */
static void
awkward_groups(void **state)
{
	double		z = normal_quantile(0.975);

	(void) state;
	assert_true(wilson_interval((Rate) {0, 1}, z).low == 0.0);
	assert_true(wilson_interval((Rate) {1, 1}, z).high == 1.0);
	assert_true(fisher_exact((Rate) {0, 10}, (Rate) {0, 7}) == 1.0);
	assert_true(fisher_exact((Rate) {10, 10}, (Rate) {7, 7}) == 1.0);
	assert_true(fisher_exact((Rate) {0, 1}, (Rate) {1, 1}) == 1.0);
	assert_true(isnan(pooled_z((Rate) {0, 10}, (Rate) {0, 10})));
	assert_true(isnan(satterthwaite_df((Mean) {5, 1, 0}, (Mean) {5, 2, 0})));
	assert_true(satterthwaite_df((Mean) {5, 1, 0}, (Mean) {5, 2, 3}) == 4.0);
	assert_near(satterthwaite_df((Mean) {5, 1, 1e300}, (Mean) {5, 2, 1e300}), 8.0, 1e-12);
	/* large tables: the same as the pooled test says, nearly */
	assert_near(fisher_exact((Rate) {500000, 1000000}, (Rate) {501000, 1000000}), 0.157714504788,
				1e-11);
	/* the same whichever group comes first */
	for (int k = 0; k <= 12; k++)
		for (int l = 0; l <= 9; l++)
		{
			double		p = fisher_exact((Rate) {k, 12}, (Rate) {l, 9});

			assert_near(p, fisher_exact((Rate) {l, 9}, (Rate) {k, 12}), 1e-13);
			assert_near(p, fisher_exact((Rate) {12 - k, 12}, (Rate) {9 - l, 9}), 1e-13);
		}
	/* p reaches alpha where its interval reaches 0 */
	for (double v = 1e-12; v < 1e3; v *= 7)
		for (double spread = 1e-6; spread < 10; spread *= 11)
		{
			double		half = always_valid_half_width(v, spread, 0.05);

			if (half / sqrt(v) < 1e6)
				assert_near(always_valid_p(half, v, spread) / 0.05, 1, 1e-9);
		}
	assert_true(always_valid_p(0, 1, 1) == 1.0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_table),
		cmocka_unit_test(published_numbers),
		cmocka_unit_test(limits),
		cmocka_unit_test(awkward_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
