/*
 * distribution.h
 *		Distributions of statistical tests: both tails, each as such, and
 *		quantiles. Pure C: no server headers.
 *
 * The smaller tail is never 1 minus the larger one, so that small probabilities
 * keep their digits. Arguments are in their domains: see the SQL functions.
 */
#ifndef DISTRIBUTION_H
#define DISTRIBUTION_H

/* Up to here the parameters of a distribution are understood. */
#define MAX_PARAMETER	1e10

typedef struct Tails
{
	double		lower;			/* P(X <= x) */
	double		upper;			/* P(X > x) */
	double		density;
} Tails;

extern Tails normal_tails(double x);
extern Tails gamma_tails(double x, double shape);
extern Tails chi_square_tails(double x, double df);
extern Tails student_t_tails(double x, double df);
extern Tails beta_tails(double x, double a, double b);

/* Where the lower tail is p */
extern double normal_quantile(double p);
extern double chi_square_quantile(double p, double df);
extern double student_t_quantile(double p, double df);
extern double beta_quantile(double p, double a, double b);

/* ln n! */
extern double log_factorial(double n);

/* Of k successes in n trials; of k white balls among "drawn" of so many white and black ones */
extern double binomial_probability(double k, double n, double p, double q);
extern double hypergeometric_probability(double k, double white, double black, double drawn);

#endif							/* DISTRIBUTION_H */
