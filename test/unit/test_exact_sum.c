/*
 * test_exact_sum.c
 *		Sums without rounding: known answers, order, splitting, bytes.
 */
#include <math.h>
#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "math/exact_sum.h"

static uint64_t seed = 88172645463325252;

static uint64_t
draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Any finite double, exponents evenly spread over "spread" bits around "centre". */
static double
draw_double(int centre, int spread)
{
	double		mantissa = (double) (draw() >> 11) * 0x1p-53;

	return ldexp((draw() & 1) ? mantissa : -mantissa,
				 centre + (int) (draw() % (uint64_t) spread) - spread / 2);
}

static void *
resize(void *memory, size_t size)
{
	memory = realloc(memory, size);
	assert_non_null(memory);
	return memory;
}

static double
sum_of(const double *x, int n)
{
	ExactSum	sum;
	double		result;

	exact_sum_init(&sum, resize);
	for (int i = 0; i < n; i++)
		exact_sum_add(&sum, x[i]);
	result = exact_sum_double(&sum);
	free(sum.limb);
	return result;
}

#define SUM(...) sum_of((double[]) {__VA_ARGS__}, sizeof((double[]) {__VA_ARGS__}) / sizeof(double))

static void
known_sums(void **state)
{
	(void) state;
	assert_true(sum_of(NULL, 0) == 0.0);
	assert_true(SUM(1.0) == 1.0);
	assert_true(SUM(-1.5, 0.25) == -1.25);
	assert_true(SUM(1e16, 1.0, -1e16) == 1.0);
	assert_true(SUM(1e308, 1e308, -1e308) == 1e308);
	assert_true(SUM(DBL_MAX, 0x1p969) == DBL_MAX);
	assert_true(isinf(SUM(DBL_MAX, 0x1p970)));
	assert_true(isinf(SUM(-DBL_MAX, -DBL_MAX)));
	assert_true(SUM(0x1p-1074, 0x1p-1074) == 0x1p-1073);
	assert_true(SUM(DBL_MAX, -0x1p-1074, -DBL_MAX) == -0x1p-1074);
	assert_true(SUM(0x1p-1074, -0x1p-1074) == 0.0);
	assert_true(SUM(0.0, -0.0) == 0.0);

	/* to nearest, ties to even, a bit far below decides */
	assert_true(SUM(1.0, 0x1p-53) == 1.0);
	assert_true(SUM(1.0 + 0x1p-52, 0x1p-53) == 1.0 + 0x1p-51);
	assert_true(SUM(1.0, 0x1p-53, 0x1p-1074) == 1.0 + 0x1p-52);
	assert_true(SUM(1.0, 0x1p-53, -0x1p-1074) == 1.0);
	assert_true(SUM(-1.0, -0x1p-53, -0x1p-600) == -1.0 - 0x1p-52);
	assert_true(SUM(0x1.fffffffffffffp0, 0x1p-53) == 2.0);

	/* a tenth is not a tenth: ten of them round to one */
	assert_true(SUM(0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1) == 1.0);
}

/* Two numbers: the processor rounds their sum to nearest, too. */
static void
pairs(void **state)
{
	(void) state;
	for (int i = 0; i < 200000; i++)
	{
		double		x = draw_double(0, i % 3 ? 120 : 2000);
		double		y = draw_double(0, i % 3 ? 120 : 2000);

		assert_true(SUM(x, y) == x + y);
	}
}

/* One product: fma(x, y, -r) is what rounding r = x * y left out. */
static void
products(void **state)
{
	(void) state;
	for (int i = 0; i < 100000; i++)
	{
		double		x = draw_double(0, i % 2 ? 60 : 400);
		double		y = draw_double(0, i % 2 ? 60 : 400);
		ExactSum	sum;

		exact_sum_init(&sum, resize);
		exact_sum_add_product(&sum, x, y);
		assert_true(exact_sum_double(&sum) == x * y);
		exact_sum_add(&sum, -(x * y));
		assert_true(exact_sum_double(&sum) == fma(x, y, -(x * y)));
		free(sum.limb);
	}
}

static void
product_extremes(void **state)
{
	ExactSum	sum;
	int			exponent;
	double		mantissa;

	(void) state;
	exact_sum_init(&sum, resize);
	exact_sum_add_product(&sum, 0x1p-1074, 0x1p-1074);
	assert_true(exact_sum_double(&sum) == 0.0);
	mantissa = exact_sum_scaled(&sum, &exponent);
	assert_true(mantissa == 0x1p52 && exponent == -2148 - 52);
	exact_sum_add_product(&sum, DBL_MAX, -DBL_MAX);
	mantissa = exact_sum_scaled(&sum, &exponent);
	assert_true(mantissa < 0 && exponent + 52 == 2047);
	assert_true(isinf(exact_sum_double(&sum)));
	exact_sum_add_product(&sum, DBL_MAX, DBL_MAX);
	exact_sum_add_product(&sum, -0x1p-1074, 0x1p-1074);
	assert_true(exact_sum_scaled(&sum, &exponent) == 0.0);

	/* a subnormal result is rounded once, at its own last bit */
	exact_sum_add_product(&sum, 0x1.8p-537, 0x1p-538);
	exact_sum_add_product(&sum, 0x1p-800, 0x1p-800);
	assert_true(exact_sum_double(&sum) == 0x1p-1074 * 1.0);
	exact_sum_add_product(&sum, 0x1p-537, 0x1p-537);
	assert_true(exact_sum_double(&sum) == 0x1p-1073);
	free(sum.limb);
}

/* Any order, any split, through bytes or not: the same bytes. */
static void
order_and_split(void **state)
{
	enum
	{
		N = 300
	};
	double		x[N];
	unsigned char expected[EXACT_SUM_MAX_BYTES];
	unsigned char bytes[EXACT_SUM_MAX_BYTES];
	size_t		length;

	(void) state;
	for (int round = 0; round < 300; round++)
	{
		ExactSum	whole;

		exact_sum_init(&whole, resize);
		for (int i = 0; i < N; i++)
		{
			x[i] = draw_double(0, 1 + round * 7 % 2000);
			exact_sum_add(&whole, x[i]);
		}
		length = exact_sum_write(&whole, expected);
		for (int shuffle = 0; shuffle < 5; shuffle++)
		{
			ExactSum	part[4];
			ExactSum	total;

			for (int i = N - 1; i > 0; i--)
			{
				int			j = (int) (draw() % (uint64_t) (i + 1));
				double		kept = x[i];

				x[i] = x[j];
				x[j] = kept;
			}
			exact_sum_init(&total, resize);
			for (int p = 0; p < 4; p++)
				exact_sum_init(&part[p], resize);
			for (int i = 0; i < N; i++)
				exact_sum_add(&part[draw() % 3], x[i]);	/* the fourth stays empty */
			for (int p = 0; p < 4; p++)
			{
				ExactSum	read;
				size_t		written = exact_sum_write(&part[p], bytes);

				exact_sum_init(&read, resize);
				assert_int_equal(exact_sum_read(&read, bytes, written), written);
				exact_sum_merge(&total, shuffle % 2 ? &part[p] : &read);
				free(read.limb);
				free(part[p].limb);
			}
			assert_int_equal(exact_sum_write(&total, bytes), length);
			assert_memory_equal(bytes, expected, length);
			free(total.limb);
		}
		free(whole.limb);
	}
}

/* n * Q - S * S is 0 for equal numbers, and n^2 times the variance otherwise. */
static void
variances(void **state)
{
	(void) state;
	for (int round = 0; round < 2000; round++)
	{
		ExactSum	sum,
					squares,
					radicand;
		double		base = draw_double(0, 2000);
		int			n = 1 + (int) (draw() % 50);
		int64_t		integers[50];
		__int128	s = 0,
					q = 0;
		int			exponent;
		double		mantissa;

		exact_sum_init(&sum, resize);
		exact_sum_init(&squares, resize);
		exact_sum_init(&radicand, resize);
		for (int i = 0; i < n; i++)
		{
			exact_sum_add(&sum, base);
			exact_sum_add_product(&squares, base, base);
		}
		exact_sum_add_multiple(&radicand, &squares, (uint64_t) n);
		exact_sum_subtract_square(&radicand, &sum);
		assert_true(exact_sum_scaled(&radicand, &exponent) == 0.0);
		free(sum.limb);
		free(squares.limb);
		free(radicand.limb);

		exact_sum_init(&sum, resize);
		exact_sum_init(&squares, resize);
		exact_sum_init(&radicand, resize);
		for (int i = 0; i < n; i++)
		{
			integers[i] = (int64_t) (draw() >> 12) - ((int64_t) 1 << 51);
			s += integers[i];
			q += (__int128) integers[i] * integers[i];
			exact_sum_add(&sum, (double) integers[i]);
			exact_sum_add_product(&squares, (double) integers[i], (double) integers[i]);
		}
		exact_sum_add_multiple(&radicand, &squares, (uint64_t) n);
		exact_sum_subtract_square(&radicand, &sum);
		mantissa = exact_sum_scaled(&radicand, &exponent);
		assert_true(ldexp(mantissa, exponent) == (double) (n * q - s * s));
		free(sum.limb);
		free(squares.limb);
		free(radicand.limb);
	}
}

/* The same for the numerator of a covariance, of either sign */
static void
exact_products(void **state)
{
	(void) state;
	for (int k = 0; k < 2000; k++)
	{
		ExactSum	x,
					y,
					numerator;
		__int128	a = 0,
					b = 0,
					c = 0;
		int			exponent;
		double		mantissa;

		exact_sum_init(&x, resize);
		exact_sum_init(&y, resize);
		exact_sum_init(&numerator, resize);
		for (int i = 0; i < 30; i++)
		{
			int64_t		u = (int64_t) (draw() >> 14) - ((int64_t) 1 << 49);
			int64_t		v = k % 3 == 0 ? -u : k % 3 == 1 ? 0 :
				(int64_t) (draw() >> 14) - ((int64_t) 1 << 49);

			a += u;
			b += v;
			c += (__int128) u * v;
			exact_sum_add(&x, (double) u);
			exact_sum_add(&y, (double) v);
			exact_sum_add_product(&numerator, (double) u, (double) v);
		}
		exact_sum_subtract_product(&numerator, &x, &y);
		mantissa = exact_sum_scaled(&numerator, &exponent);
		assert_true(ldexp(mantissa, exponent) == (double) (c - a * b));
		free(x.limb);
		free(y.limb);
		free(numerator.limb);
	}
}

/* Carries run far, and are propagated before a limb overflows. */
static void
carries(void **state)
{
	ExactSum	sum;
	double		x = 0x1.fffffffffffffp0;

	(void) state;
	exact_sum_init(&sum, resize);
	exact_sum_add(&sum, x);
	for (int i = 0; i < 1000; i++)
	{
		ExactSum	copy;
		unsigned char bytes[EXACT_SUM_MAX_BYTES];

		exact_sum_init(&copy, resize);
		assert_true(exact_sum_read(&copy, bytes, exact_sum_write(&sum, bytes)) > 0);
		exact_sum_merge(&sum, &copy);
		free(copy.limb);
	}
	{
		int			exponent;

		assert_true(exact_sum_scaled(&sum, &exponent) == 0x1.fffffffffffffp52 &&
					exponent == 1000 - 52);
	}
	free(sum.limb);

	/* many more additions than a limb could take without carrying */
	exact_sum_init(&sum, resize);
	exact_sum_add(&sum, x);
	sum.pending = (1u << 29) - 1;
	sum.limb[0] = INT64_C(1) << 61;
	exact_sum_add(&sum, x);
	assert_true(sum.pending == 0);
	for (int i = 0; i + 1 < sum.count; i++)
		assert_true(sum.limb[i] >= 0 && sum.limb[i] <= UINT32_MAX);
	free(sum.limb);
}

/* What exact_sum_write() would not write is refused, whatever its length. */
static void
foreign_bytes(void **state)
{
	unsigned char bytes[EXACT_SUM_MAX_BYTES];
	unsigned char again[EXACT_SUM_MAX_BYTES];
	int			accepted = 0;

	(void) state;
	for (int i = 0; i < 300000; i++)
	{
		size_t		length = draw() % 40;
		size_t		taken;
		ExactSum	sum;

		for (size_t j = 0; j < length; j++)
			bytes[j] = (unsigned char) (draw() >> 20);
		bytes[0] %= 4;
		bytes[2] %= 12;
		exact_sum_init(&sum, resize);
		taken = exact_sum_read(&sum, bytes, length);
		assert_true(taken <= length);
		if (taken > 0)
		{
			accepted++;
			assert_int_equal(exact_sum_write(&sum, again), taken);
			assert_memory_equal(again, bytes, taken);
		}
		free(sum.limb);
	}
	assert_true(accepted > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_sums),
		cmocka_unit_test(pairs),
		cmocka_unit_test(products),
		cmocka_unit_test(product_extremes),
		cmocka_unit_test(order_and_split),
		cmocka_unit_test(variances),
		cmocka_unit_test(exact_products),
		cmocka_unit_test(carries),
		cmocka_unit_test(foreign_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
