/*
 * The hypergeometric functions of the buy-till-you-die models, each in a form
 * that is a sum or an integral of positive numbers, and so has no cancellation
 * and no exceptional parameters.
 *
 * All are accurate to 1e-12 relative (a returned logarithm to 1e-12 absolute,
 * or relative where it is above 1) for parameters from 1e-3 to 1e4, counts to
 * 2,000 and ages to 1e5; test/unit/btyd_reference.csv holds the points tested.
 * NaN where an integral doesn't converge.
 */
#ifndef HYPERGEOMETRIC_H
#define HYPERGEOMETRIC_H

#include <stdbool.h>

/*
 * E[(1 - (1 + p y)^-n) / p] for p ~ Beta(a, b), which is
 *   (a + b - 1)/(a - 1) (1 - (1 - z)^n 2F1(n, b; a + b - 1; z)), z = y/(1 + y),
 * or, by Euler's transformation of that 2F1,
 *   (a + b - 1)/(a - 1) (1 - (1 - z)^(a - 1) 2F1(a + b - 1 - n, a - 1; a + b - 1; z)),
 * continued through a = 1 and a + b = 1.
 */
extern double beta_geometric_count(double n, double a, double b, double y);

/* The same at several y, ascending, for little more than one costs: counts may be y */
#define MOST_COUNTS		16
extern void beta_geometric_counts(double n, double a, double b, int m, const double *y,
								  double *counts);

/*
 * ln of the integral over u from 0 to length of
 *   (1 + u/alpha)^-n (1 + u/beta)^-s / (beta + u),
 * which is the difference of the two 2F1 of Pareto/NBD, alpha and beta being
 * taken at t_x.
 */
extern double log_pareto_integral(double n, double s, double alpha, double beta, double length);

/* The integral over u from 0 to infinity of exp(-y u) (1 + u)^-s = y^(s - 1) Psi(s, s; y) */
extern double tricomi_integral(double s, double y);

/* The same from 0 to length; y may be 0 */
extern double tricomi_integral_to(double s, double y, double length);

/*
 * A negative binomial count K, P(K = n) = (r)_n/n! (1 + y)^-r (y/(1 + y))^n:
 * ln P(K = n), and ln P(K >= n), the regularised incomplete beta function
 * I_z(n, r) at z = y/(1 + y).
 */
extern double log_negative_binomial(double r, double y, double n);
extern double log_negative_binomial_tail(double r, double y, double n);

/*
 * ln of the integral over tau from 0 to t of P(K = n) at y = tau/alpha, times
 * s beta^s/(beta + tau)^(s + 1), the density of the Pareto lifetime.
 */
extern double log_negative_binomial_stopped(double r, double alpha, double s, double beta, double n,
											double t);

#endif							/* HYPERGEOMETRIC_H */
