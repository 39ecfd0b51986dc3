/*
 * rating.h
 *		What answers to a survey say, with intervals of 95 %. Pure C, no server
 *		headers.
 */
#ifndef RATING_H
#define RATING_H

#include <stdint.h>

/* Numbers that there are too few answers for are NaN. */
typedef struct RatingInterval
{
	double		value;
	double		low;
	double		high;
} RatingInterval;

/* Net promoter score, -100 to 100; the interval of a difference of two shares */
extern RatingInterval rating_nps(int64_t promoters, int64_t passives, int64_t detractors);

/* A share, 0 to 1, with the interval of Wilson */
extern RatingInterval rating_share(int64_t of_these, int64_t all);

/*
 * A mean with the interval of Student, of numbers between two bounds with this
 * variance (by n - 1)
 */
extern RatingInterval rating_mean(int64_t n, double mean, double variance, double low, double high);

#endif							/* RATING_H */
