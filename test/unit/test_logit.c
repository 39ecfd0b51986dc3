/*
 * test_logit.c
 *		Logistic regression: closed forms, order, units, what has no answer.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "math/logit_newton.h"
#include "test_host.h"

#define MAX_WIDTH	16

static uint64_t seed = 88172645463325252;

static uint64_t
draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* evenly in 0 .. 1 */
static double
draw_double(void)
{
	return (double) (draw() >> 11) * 0x1p-53;
}

static LogitFit
fit_of(const double *rows, size_t n, int features, double ridge)
{
	LogitFit	fit;

	logit_fit_rows(rows, n, features, &(LogitOptions) {.ridge = ridge}, &fit, NULL, &host);
	return fit;
}

static void
set_row(double *row, int label, double weight, int features, const double *x)
{
	row[0] = label ? weight : -weight;
	row[1] = 1.0;
	memcpy(row + LOGIT_HEAD, x, (size_t) features * sizeof(double));
}

/* n rows of some features by a known law */
static double *
random_rows(size_t n, int features, const double *law)
{
	size_t		width = (size_t) features + LOGIT_HEAD;
	double	   *rows = host_allocate(&host, n * width * sizeof(double));

	for (size_t i = 0; i < n; i++)
	{
		double		x[MAX_WIDTH];
		double		eta = law[0];

		for (int j = 0; j < features; j++)
		{
			x[j] = j % 3 == 2 ? floor(4 * draw_double()) : 6 * draw_double() - 3;
			eta += law[j + 1] * x[j];
		}
		set_row(rows + i * width, draw_double() < logit_probability(eta), 1.0, features, x);
	}
	return rows;
}

static void
shuffle(double *rows, size_t n, size_t width)
{
	for (size_t i = n - 1; i > 0; i--)
	{
		size_t		j = draw() % (i + 1);
		double		row[MAX_WIDTH];

		memcpy(row, rows + i * width, width * sizeof(double));
		memcpy(rows + i * width, rows + j * width, width * sizeof(double));
		memcpy(rows + j * width, row, width * sizeof(double));
	}
}

#define assert_near(a, b, tolerance) \
	do { \
		double a_ = (a), b_ = (b); \
		if (!(fabs(a_ - b_) <= (tolerance) * (1.0 + fabs(b_)))) \
			fail_msg("%s = %.17g, not %.17g", #a, a_, b_); \
	} while (0)

/* A two by two table has a closed form; as rows, as weights, as counts. */
static void
test_table(void **state)
{
	static const int cell[2][2] = {{70, 30}, {25, 45}};	/* [x][label] */
	double		rows[200 * 3];
	double		few[4 * 3];
	double		counted[4 * 3];
	size_t		n = 0;
	LogitFit	fit,
				by_weight,
				by_count;

	(void) state;
	for (int x = 0; x < 2; x++)
	{
		for (int label = 0; label < 2; label++)
		{
			double		feature = 10 + 4 * x;

			set_row(few + (2 * x + label) * 3, label, cell[x][label], 1, &feature);
			set_row(counted + (2 * x + label) * 3, label, 1.0, 1, &feature);
			counted[(2 * x + label) * 3 + 1] = cell[x][label];
			for (int i = 0; i < cell[x][label]; i++)
				set_row(rows + 3 * n++, label, 1.0, 1, &feature);
		}
	}
	fit = fit_of(rows, n, 1, 0.0);
	assert_int_equal(fit.status, LOGIT_CONVERGED);
	assert_near(fit.coefficients[1], log(45.0 * 70 / (25 * 30)) / 4, 1e-14);
	assert_near(fit.coefficients[0], log(30.0 / 70) - 10 * fit.coefficients[1], 1e-13);
	assert_near(fit.standard_errors[1], sqrt(1.0 / 70 + 1.0 / 30 + 1.0 / 25 + 1.0 / 45) / 4, 1e-13);
	assert_near(fit.log_likelihood,
				30 * log(.3) + 70 * log(.7) + 45 * log(45.0 / 70) + 25 * log(25.0 / 70), 1e-14);
	assert_near(fit.null_log_likelihood, 75 * log(75.0 / 170) + 95 * log(95.0 / 170), 1e-14);
	assert_int_equal(fit.n, 170);
	assert_int_equal(fit.n_positive, 75);
	assert_true(fit.gradient_norm < 1e-10);

	by_count = fit_of(counted, 4, 1, 0.0);
	assert_memory_equal(&by_count, &fit, sizeof(fit));
	by_weight = fit_of(few, 4, 1, 0.0);
	/* 4 rows of a table are enough: 2 of each label for 2 parameters */
	assert_int_equal(by_weight.status, LOGIT_CONVERGED);
	assert_int_equal(by_weight.n, 4);
	assert_near(by_weight.coefficients[1], fit.coefficients[1], 1e-14);
	assert_near(by_weight.standard_errors[0], fit.standard_errors[0], 1e-14);
	assert_near(by_weight.log_likelihood, fit.log_likelihood, 1e-14);
}

/* The same bits in any order, and with equal rows added up beforehand. */
static void
test_order(void **state)
{
	static const double law[] = {-1, .5, -.25, .3, 0};
	size_t		n = 5000;
	size_t		width = 4 + LOGIT_HEAD;
	double	   *rows = random_rows(n, 4, law);
	double	   *merged = host_allocate(&host, n * width * sizeof(double));
	size_t	   *order = host_allocate(&host, n * sizeof(size_t));
	double	   *counts = host_allocate(&host, n * sizeof(double));
	LogitFit	first,
				again;
	size_t		distinct;
	double		total = 0;

	(void) state;
	/* many rows that are equal, some with a weight */
	for (size_t i = 0; i < n / 2; i++)
		memcpy(rows + i * width, rows + (n / 2 + i % 700) * width, width * sizeof(double));
	for (size_t i = 0; i < n; i += 7)
		rows[i * width] *= 0.1 * (double) (1 + i % 3);
	first = fit_of(rows, n, 4, 0.0);
	assert_int_equal(first.status, LOGIT_CONVERGED);
	for (int times = 0; times < 5; times++)
	{
		shuffle(rows, n, width);
		again = fit_of(rows, n, 4, 0.0);
		assert_memory_equal(&first, &again, sizeof(first));
	}
	distinct = logit_distinct(rows, n, 4, order, counts, &host);
	assert_true(distinct < n && distinct > n / 4);
	for (size_t i = 0; i < distinct; i++)
	{
		memcpy(merged + i * width, rows + order[i] * width, width * sizeof(double));
		merged[i * width + 1] = counts[i];
		total += counts[i];
	}
	assert_true(total == (double) n);
	again = fit_of(merged, distinct, 4, 0.0);
	assert_memory_equal(&first, &again, sizeof(first));
	free(rows);
	free(merged);
	free(order);
	free(counts);
}

/* What the key makes of a weight, before the first feature */
static uint64_t
mixed(double weight)
{
	uint64_t	bits;

	memcpy(&bits, &weight, sizeof(bits));
	bits *= UINT64_C(0x9e3779b97f4a7c15);
	return bits ^ (bits >> 29);
}

/* Rows that are different but share their key: still one order, nothing lost. */
static void
test_collisions(void **state)
{
	double		rows[600 * 3];
	size_t		n = 0;
	size_t		order[600];
	double		counts[600];
	double		seen[3] = {0};
	LogitFit	first,
				again;

	(void) state;
	for (int i = 0; i < 200; i++)
	{
		double		feature = 1.5 + i % 5;
		double		other = 0;
		double		weight = 1.0;

		set_row(rows + 3 * n++, i % 3 == 0, 1.0, 1, &feature);
		feature = 2.25;
		set_row(rows + 3 * n++, 1, 1.0, 1, &feature);
		/* another weight, and the one feature that gives the same key */
		do
		{
			uint64_t	bits;

			weight += 1.0;
			memcpy(&bits, &feature, sizeof(bits));
			bits ^= mixed(1.0) ^ mixed(weight);
			memcpy(&other, &bits, sizeof(bits));
		} while (!(fabs(other) < 1e100 && fabs(other) > 1e-100));
		set_row(rows + 3 * n++, 1, weight, 1, &other);
	}
	assert_true(logit_distinct(rows, n, 1, order, counts, &host) < 15);
	shuffle(rows, n, 3);
	assert_true(logit_distinct(rows, n, 1, order, counts, &host) < 15);
	for (size_t i = 0; i < 15 && i < n; i++)
	{
		if (rows[3 * order[i]] > 1.0)
			seen[0] = counts[i];
		else if (rows[3 * order[i] + 2] == 2.25)
			seen[1] = counts[i];
		if (seen[0] + seen[1] == 400)
			break;
	}
	assert_true(seen[0] == 200 && seen[1] == 200);
	first = fit_of(rows, n, 1, 1.0);
	shuffle(rows, n, 3);
	again = fit_of(rows, n, 1, 1.0);
	assert_memory_equal(&first, &again, sizeof(first));
}

/* Units and offsets change the coefficients, and nothing else. */
static void
test_units(void **state)
{
	static const double law[] = {.3, -.5, .25, .1};
	static const double factors[] = {1e300, 1e-300, 1e150, 1e-150, 4096, 1e-3};
	static const double offsets[] = {0, 0, 0, 0, 1e9, -5e5};
	size_t		n = 3000;
	size_t		width = 3 + LOGIT_HEAD;
	double	   *rows = random_rows(n, 3, law);
	LogitFit	plain = fit_of(rows, n, 3, 0.0);

	(void) state;
	assert_int_equal(plain.status, LOGIT_CONVERGED);
	for (int j = 1; j <= 3; j++)
		assert_true(fabs(plain.coefficients[j] - law[j]) < 5 * plain.standard_errors[j]);
	for (size_t k = 0; k < sizeof(factors) / sizeof(factors[0]); k++)
	{
		double	   *other = host_allocate(&host, n * width * sizeof(double));
		LogitFit	fit;

		memcpy(other, rows, n * width * sizeof(double));
		for (size_t i = 0; i < n; i++)
			other[i * width + 3] = other[i * width + 3] * factors[k] + offsets[k];
		fit = fit_of(other, n, 3, 0.0);
		assert_int_equal(fit.status, LOGIT_CONVERGED);
		/* an offset takes digits of the data themselves */
		assert_near(fit.log_likelihood, plain.log_likelihood, offsets[k] == 0 ? 1e-11 : 1e-9);
		assert_near(fit.coefficients[1], plain.coefficients[1], 1e-9);
		assert_near(fit.coefficients[2] * factors[k], plain.coefficients[2], 1e-6);
		assert_near(fit.standard_errors[2] * factors[k], plain.standard_errors[2], 1e-6);
		assert_near(fit.standard_errors[3], plain.standard_errors[3], 1e-6);
		/* a ridge has no unit */
		fit = fit_of(other, n, 3, 25.0);
		assert_near(fit.coefficients[2] * factors[k], fit_of(rows, n, 3, 25.0).coefficients[2],
					1e-6);
		free(other);
	}
	/* a coefficient past the largest double is no answer */
	for (size_t i = 0; i < n; i++)
		rows[i * width + 3] *= 1e-309;
	plain = fit_of(rows, n, 3, 0.0);
	assert_int_equal(plain.status, LOGIT_OUT_OF_RANGE);
	assert_int_equal(plain.named_count, 1);
	assert_int_equal(plain.named[0], 2);
	free(rows);
}

/* The gradient of what is maximised is zero there, ridge and weights included. */
static void
test_gradient(void **state)
{
	static const double law[] = {-2, 1, -.5, .3, .2, 0};
	size_t		n = 2000;
	size_t		width = 5 + LOGIT_HEAD;

	(void) state;
	for (int ridge = 0; ridge <= 100; ridge += 50)
	{
		double	   *rows = random_rows(n, 5, law);
		double		gradient[6] = {0};
		double		mean[6] = {0};
		double		square[6] = {0};
		double		weights = 0;
		LogitFit	fit;

		for (size_t i = 0; i < n; i++)
			rows[i * width] *= 0.25 + draw_double();
		fit = fit_of(rows, n, 5, ridge);
		assert_int_equal(fit.status, LOGIT_CONVERGED);
		for (size_t i = 0; i < n; i++)
		{
			const double *x = rows + i * width + LOGIT_HEAD;
			double		w = fabs(rows[i * width]);
			double		rest = w * ((rows[i * width] > 0) - logit_predict_row(fit.coefficients, x,
																			  5));

			weights += w;
			gradient[0] += rest;
			for (int j = 1; j <= 5; j++)
			{
				gradient[j] += rest * x[j - 1];
				mean[j] += w * x[j - 1];
				square[j] += w * x[j - 1] * x[j - 1];
			}
		}
		assert_near(gradient[0], 0, 1e-9);
		for (int j = 1; j <= 5; j++)
		{
			double		variance = square[j] / weights - mean[j] / weights * mean[j] / weights;

			assert_near(gradient[j] - ridge * variance * fit.coefficients[j], 0, 1e-9);
		}
		free(rows);
	}
}

static void
assert_named(const LogitFit *fit, int count, int first, int last)
{
	assert_int_equal(fit->named_count, count);
	assert_int_equal(fit->named[0], first);
	assert_int_equal(fit->named[count - 1], last);
}

/* No answer: said, with the features that are to blame. */
static void
test_no_answer(void **state)
{
	static const double law[] = {-1, .5, -.25, .3, 0};
	size_t		n = 2000;
	size_t		width = 4 + LOGIT_HEAD;
	double	   *rows = random_rows(n, 4, law);
	LogitFit	fit = fit_of(rows, 0, 4, 0.0);

	(void) state;
	assert_int_equal(fit.status, LOGIT_NO_ROWS);
	fit = fit_of(rows, 1, 4, 0.0);
	assert_int_equal(fit.status, LOGIT_ONE_LABEL);
	fit = fit_of(rows, 1, 4, 1.0);
	assert_int_equal(fit.status, LOGIT_ONE_LABEL);
	fit = fit_of(rows, 8, 4, 0.0);
	assert_int_equal(fit.status, LOGIT_TOO_FEW);

	/* the fourth feature is constant */
	for (size_t i = 0; i < n; i++)
		rows[i * width + 5] = 0.1;
	fit = fit_of(rows, n, 4, 0.0);
	assert_int_equal(fit.status, LOGIT_CONSTANT);
	assert_named(&fit, 1, 4, 4);
	fit = fit_of(rows, n, 4, 1e-3);
	assert_int_equal(fit.status, LOGIT_CONVERGED);
	assert_true(fit.coefficients[4] == 0.0 && isnan(fit.standard_errors[4]));
	/* ... a combination of the first and the third */
	for (size_t i = 0; i < n; i++)
		rows[i * width + 5] = 7 - 3 * rows[i * width + 2] + 0.1 * rows[i * width + 4];
	fit = fit_of(rows, n, 4, 0.0);
	assert_int_equal(fit.status, LOGIT_COLLINEAR);
	assert_named(&fit, 3, 1, 4);
	assert_int_equal(fit.named[1], 3);
	fit = fit_of(rows, n, 4, 1e-3);
	assert_int_equal(fit.status, LOGIT_CONVERGED);
	/* ... the label, with a margin or without, but for one row of 2000 */
	for (int rest = 0; rest < 3; rest++)
	{
		for (size_t i = 0; i < n; i++)
			rows[i * width + 5] = rest == 0 ? rows[i * width] * draw_double()
				: rows[i * width] > 0 ? i % 10 == 0 : 0;
		if (rest == 2)
		{
			size_t		i = 0;

			while (rows[i * width] > 0)
				i++;
			rows[i * width + 5] = 1;
		}
		fit = fit_of(rows, n, 4, 0.0);
		assert_int_equal(fit.status, rest == 0 ? LOGIT_COMPLETE_SEPARATION
						 : rest == 1 ? LOGIT_QUASI_SEPARATION : LOGIT_CONVERGED);
		if (rest == 1)
			assert_named(&fit, 1, 4, 4);
		if (rest < 2)
			assert_int_equal(fit_of(rows, n, 4, 1.0).status, LOGIT_CONVERGED);
	}
	free(rows);
}

/* Separated by a line through two features, neither of which does it alone. */
static void
test_hidden_separation(void **state)
{
	double		rows[500 * 5];
	LogitFit	fit;

	(void) state;
	for (int quasi = 0; quasi < 2; quasi++)
	{
		for (int i = 0; i < 500; i++)
		{
			double		x[3] = {floor(20 * draw_double()), floor(20 * draw_double()),
				draw_double()};
			double		side = x[0] - x[1];

			if (side == 0 && !quasi)
				side = x[0] += 1;
			set_row(rows + 5 * i, side == 0 ? draw() % 2 : side > 0, 1.0, 3, x);
		}
		fit = fit_of(rows, 500, 3, 0.0);
		assert_int_equal(fit.status, quasi ? LOGIT_QUASI_SEPARATION : LOGIT_COMPLETE_SEPARATION);
		assert_true(fit.named_count >= 2 && fit.named[0] == 1 && fit.named[1] == 2);
	}
}

/* Nothing but an intercept; weights of any size. */
static void
test_edges(void **state)
{
	static const double weights[] = {1, 5e-324 * 1000, 1e300, 1e-300, 0.1};
	double		x = 0;

	(void) state;
	for (size_t k = 0; k < sizeof(weights) / sizeof(weights[0]); k++)
	{
		double		rows[40];
		LogitFit	fit;

		for (int i = 0; i < 20; i++)
			set_row(rows + 2 * i, i % 4 == 0, weights[k], 0, &x);
		fit = fit_of(rows, 20, 0, 0.0);
		assert_int_equal(fit.status, LOGIT_CONVERGED);
		assert_near(fit.coefficients[0], log(1.0 / 3), 1e-14);
		assert_near(fit.standard_errors[0] * sqrt(weights[k]), sqrt(1 / 3.75), 1e-2);
	}
	assert_true(logit_probability(0) == 0.5);
	assert_true(logit_probability(INFINITY) == 1.0 && logit_probability(-INFINITY) == 0.0);
	assert_true(logit_probability(-700) > 0 && logit_probability(-800) == 0.0);
	assert_true(isnan(logit_predict_row((double[]) {0, 1e308, -1e308}, (double[]) {10, 10}, 2)));
	assert_true(logit_predict_row((double[]) {0, 1e308}, (double[]) {10}, 1) == 1.0);
}

/* Any finite rows: an answer that is finite, or none. */
static void
test_hostile_values(void **state)
{
	static const double values[] = {0, 1, -1, DBL_MAX, -DBL_MAX, DBL_MIN, 5e-324, -5e-324, 1e300,
		0.5, 1e-300, 1e15, 1e15 + 1};
	int			statuses[LOGIT_OUT_OF_RANGE + 1] = {0};

	(void) state;
	for (int times = 0; times < 4000; times++)
	{
		double		rows[64 * (3 + LOGIT_HEAD)];
		size_t		n = 1 + draw() % 64;
		int			pool = 1 + (int) (draw() % 13);
		LogitFit	fit;

		for (size_t i = 0; i < n; i++)
		{
			double		x[3];

			for (int j = 0; j < 3; j++)
				x[j] = values[draw() % (uint64_t) pool] + (draw() % 4 == 0 ? draw_double() : 0);
			set_row(rows + i * 5, draw() % 2,
					draw() % 8 == 0 ? 1e-5 + fabs(values[draw() % 13]) : 1.0, 3, x);
		}
		fit = fit_of(rows, n, 3, times % 3 == 0 ? 1.0 : 0.0);
		statuses[fit.status]++;
		if (fit.status != LOGIT_CONVERGED)
			continue;
		for (int j = 0; j <= 3; j++)
			assert_true(isfinite(fit.coefficients[j]) && !isinf(fit.standard_errors[j]));
		assert_true(isfinite(fit.log_likelihood) && fit.log_likelihood <= 0);
	}
	/* and they do reach the corners */
	assert_true(statuses[LOGIT_CONVERGED] > 100 && statuses[LOGIT_ONE_LABEL] > 10 &&
				statuses[LOGIT_TOO_FEW] > 10 &&
				statuses[LOGIT_COMPLETE_SEPARATION] + statuses[LOGIT_QUASI_SEPARATION] > 10 &&
				statuses[LOGIT_OUT_OF_RANGE] > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_collisions),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_gradient),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_hidden_separation),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_hostile_values),
	};

	return cmocka_run_group_tests_name("logit", tests, NULL, NULL);
}
