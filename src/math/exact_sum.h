/*
 * exact_sum.h
 *		Sums of doubles, and of products of two doubles, without rounding.
 *
 * An ExactSum is one wide fixed-point number that covers the range of every
 * product of two doubles. Adding to it is integer arithmetic, so the sum does
 * not depend on the order of the additions or on how they were split; it is
 * rounded once, when it is read. Pure C: no server headers.
 */
#ifndef EXACT_SUM_H
#define EXACT_SUM_H

#include <stddef.h>
#include <stdint.h>

/* Limb i is worth 2^(32 * i - 2208): from below 2^-2148 to above 2^2240. */
#define EXACT_SUM_LIMBS		144
#define EXACT_SUM_BIAS		2208

/* What exact_sum_write() needs at most. */
#define EXACT_SUM_MAX_BYTES	(3 + 4 * (EXACT_SUM_LIMBS + 4))

/* realloc() by another name; it must not return NULL. */
typedef void *(*ExactSumResize) (void *memory, size_t size);

typedef struct ExactSum
{
	ExactSumResize resize;
	int64_t    *limb;			/* only the limbs in use are held */
	int			first;			/* number of limb[0] */
	int			count;			/* limbs in use */
	int			room;			/* limbs allocated */
	uint32_t	pending;		/* additions since carries were propagated */
} ExactSum;

extern void exact_sum_init(ExactSum *sum, ExactSumResize resize);

/* x and y must be finite. */
extern void exact_sum_add(ExactSum *sum, double x);
extern void exact_sum_add_product(ExactSum *sum, double x, double y);

/*
 * sum += other;  sum += factor * other;  sum -= other * other;  sum -= one * other,
 * where what is multiplied is a sum of doubles, not of products.
 */
extern void exact_sum_merge(ExactSum *sum, const ExactSum *other);
extern void exact_sum_add_multiple(ExactSum *sum, const ExactSum *other, uint64_t factor);
extern void exact_sum_subtract_square(ExactSum *sum, const ExactSum *other);
extern void exact_sum_subtract_product(ExactSum *sum, const ExactSum *one, const ExactSum *other);

/*
 * The sum rounded to 53 bits, to nearest, ties to even: returns m and sets e,
 * the sum being near m * 2^e with 2^52 <= |m| < 2^53, or m = 0. Neither
 * overflows nor underflows.
 */
extern double exact_sum_scaled(const ExactSum *sum, int *exponent);

/* The nearest double, which is infinite when the sum is out of range. */
extern double exact_sum_double(const ExactSum *sum);

/* One sum as a part of another, which is not 0: sums that leave the range may well have a ratio. */
extern double exact_sum_ratio(const ExactSum *one, const ExactSum *other);

/*
 * The canonical bytes of the sum: a function of its value alone.
 * exact_sum_read() adds nothing to *sum, it replaces it; it returns the number
 * of bytes it took, or 0 if they are not what exact_sum_write() writes.
 */
extern size_t exact_sum_write(const ExactSum *sum, unsigned char *bytes);
extern size_t exact_sum_read(ExactSum *sum, const unsigned char *bytes, size_t length);

#endif							/* EXACT_SUM_H */
