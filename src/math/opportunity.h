/*
 * opportunity.h
 *		Customers who can buy at each of a row of opportunities: a yearly appeal,
 *		a season, an event. While they are there they take each with a
 *		probability of Beta(alpha, beta); before each they leave for good with one
 *		of Beta(gamma, delta). BG/BB of Fader, Hardie and Shang (2010). Pure C.
 *
 * Parameters are (alpha, beta, gamma, delta). NaN where there are more than
 * MAX_OPPORTUNITIES to sum up.
 */
#ifndef OPPORTUNITY_H
#define OPPORTUNITY_H

#include <stdbool.h>

#define MAX_OPPORTUNITIES 100000

/* x of the first t taken, the last of these t_x */
extern bool are_opportunities(double x, double t_x, double t);

/* ln of the odds that they left before opportunity t, after t_x */
extern double opportunity_log_odds_gone(const double *parameters, double x, double t_x, double t);

/* ln of the likelihood of those who are still there after t */
extern double opportunity_log_stayed(const double *parameters, double x, double t);

/*
 * E[those taken of the next so many, each times exp(-rate times its number)] of
 * one who is there; horizon may be infinite.
 */
extern double opportunity_expected(const double *parameters, double horizon, double rate);

/* P(n taken of the next so many) of one who is there */
extern double opportunity_probability(const double *parameters, double n, double horizon);

#endif							/* OPPORTUNITY_H */
