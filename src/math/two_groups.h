/*
 * two_groups.h
 *		Two groups compared: rates and means, their difference, its interval,
 *		and how likely it is by chance. Pure C: no server headers.
 */
#ifndef TWO_GROUPS_H
#define TWO_GROUPS_H

typedef struct Bounds
{
	double		low;
	double		high;
} Bounds;

/* A group of n, and those of them that did it */
typedef struct Rate
{
	double		successes;
	double		n;
} Rate;

/* A group of n: mean and sample variance of a value */
typedef struct Mean
{
	double		n;
	double		mean;
	double		variance;
} Mean;

/* z is the quantile of the interval: 1.96 for 95 % */
extern Bounds wilson_interval(Rate group, double z);
extern Bounds newcombe_interval(Rate first, Rate second, double z);

/* Clopper's and Pearson's, with "tail" at either side */
extern Bounds exact_interval(Rate group, double tail);

/* The least of the four numbers that equal rates would let expect */
extern double least_expected(Rate first, Rate second);

/* Second less first, over the pooled standard error; NaN where that is 0 */
extern double pooled_z(Rate first, Rate second);

extern double fisher_exact(Rate first, Rate second);

/* The variance of the second mean less the first, and Satterthwaite's degrees of freedom */
extern double difference_variance(Mean first, Mean second);
extern double satterthwaite_df(Mean first, Mean second);

/*
 * The mixture of normals as an alternative: p that may be looked at every day,
 * and half the width of its interval. "spread" is the standard deviation of the
 * effects that are thought of.
 */
extern double always_valid_p(double difference, double variance, double spread);
extern double always_valid_half_width(double variance, double spread, double alpha);

/*
 * The second group compared with the first. "effect" is 0 for one look at the
 * data, or, for a p that may be looked at every day, the relative effect that is
 * thought of; alpha is 0.05 for intervals of 95 %. What there is no answer for is
 * NaN, and "why" says why.
 */
typedef struct Comparison
{
	double		low;			/* of the difference of values */
	double		high;
	double		p;				/* two-sided */
	const char *how;			/* the test */
	const char *why;			/* why something is missing; or NULL */
} Comparison;

extern Comparison compare_two_rates(Rate first, Rate second, double effect, double alpha);
extern Comparison compare_two_means(Mean first, Mean second, double effect, double alpha);

#endif							/* TWO_GROUPS_H */
