/*
 * erlang.h
 *		Orders that are each k-th event of a Poisson process, so that the times
 *		between them are Erlang-k: for k = 1 as irregular as can be, for larger k
 *		the more regular. The rate differs between customers like a Gamma
 *		distribution, and after each order a customer leaves with a probability
 *		that differs like a Beta distribution. Pure C, no server headers.
 *
 * All are sums of positive numbers; NaN where they would have too many terms.
 */
#ifndef ERLANG_H
#define ERLANG_H

/* The largest k */
#define ERLANG_MAX_K	12

/*
 * A silence: hidden events since the last order, fewer than k, with the
 * weights (shape)_j u^j / j!, where u is its length by the rate after it.
 * Returns their sum.
 */
extern double erlang_silence(int k, double shape, double u, double *weights);

/*
 * The same sum's logarithm with its derivatives: by[0] by shape, by[1] by the
 * rate, by[2] by both of shape, by[3] by shape and rate, by[4] by both of rate.
 * inverse is 1 over the rate; second: by[2] and more are wanted.
 */
extern double log_erlang_silence(int k, double shape, double u, double inverse, int second,
								 double *by);

/*
 * E[orders] while y = time by rate passes, of one who is still there, of whose
 * hidden events the first k weights tell (their sum is total), and who leaves
 * after each order with a probability of Beta(a, b).
 */
extern double erlang_expected(int k, double shape, double y, double a, double b,
							  const double *weights, double total);

/* The same at several y, ascending, up to MOST_COUNTS, for little more than one costs */
extern void erlang_expected_at(int k, double shape, int m, const double *y, double a, double b,
							   const double *weights, double total, double *counts);

/* P(n orders) of the same */
extern double erlang_probability(int k, double shape, double y, double a, double b,
								 const double *weights, double total, double n);

#endif							/* ERLANG_H */
