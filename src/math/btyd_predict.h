/*
 * Buy-till-you-die models: what the families say about one customer, at
 * given parameters. Pure C, no server headers.
 *
 * A customer is (x, t_x, t): x repeat days with a purchase, the last of them at
 * age t_x, seen until age t, all in the fit's unit of time. parameters are
 * (r, alpha, a, b) for BG/NBD and MBG/NBD, (r, alpha, s, beta) for Pareto/NBD,
 * (r, alpha, a, b, k) for MBG/CNBD-k; (p, q, gamma) for the Gamma-Gamma model of
 * spend. For BG/BB they are (alpha, beta, gamma, delta), and times are numbers of
 * opportunities, of which a horizon has as many as are whole.
 *
 * Every function returns NaN where the answer doesn't exist or can't be had to
 * the promised accuracy, never a made-up number:
 *	- parameters outside 1e-15 to 1e15, k not a whole number from 1 to 12;
 *	- a customer that can't be: x not a whole number from 0 to 1e9, t_x not
 *	  between 0 and t, x = 0 with t_x > 0, t or a horizon negative or above 1e15;
 *	- btyd_residual of another family than Pareto/NBD and BG/BB, at a negative
 *	  rate, or at rate 0 if s <= 1 or gamma <= 1;
 *	- of BG/BB, t_x or t that are not whole, x > t_x, t above 100,000;
 *	- spend_expected where p x + q <= 1: for x = 0, q <= 1; m not above 0, x > 0.
 * Nothing is infinite, no probability outside [0, 1], no expectation negative.
 * P(alive) is exactly 1 where the model says so: BG/NBD at x = 0, Pareto/NBD at
 * t_x = t; what is below 1e-300 may be 0.
 *
 * Errors against 25-digit references (test/unit/btyd_reference.csv: x to 2,000,
 * t to 1e5, parameters from 1e-3 to 1e4, a = 1, s = 1, alpha = beta and a hair
 * beside): at most 1e-12 relative.
 */
#ifndef BTYD_PREDICT_H
#define BTYD_PREDICT_H

typedef enum BtydFamily
{
	BTYD_MBGNBD,
	BTYD_BGNBD,
	BTYD_PARETONBD,
	BTYD_MBGCNBD,
	BTYD_BGBB
} BtydFamily;

/* Parameters that are fitted; all numbers, with k where a family has one */
#define BTYD_PARAMETERS 4
#define BTYD_NUMBERS 5
#define SPEND_PARAMETERS 3

/*
 * The log-likelihood of one customer. Of MBG/CNBD-k with k > 1 it has the times
 * between their orders in it: ln_gaps is the sum of the logarithms of these.
 */
extern double btyd_log_likelihood(BtydFamily family, const double *parameters,
								  double x, double t_x, double t, double ln_gaps);

/* The same of Gamma-Gamma, x > 0 */
extern double spend_log_likelihood(const double *parameters, double x, double m);

/* P(still a customer at t) */
extern double btyd_alive(BtydFamily family, const double *parameters,
						 double x, double t_x, double t);

/* E[repeat days in (t, t + horizon]] of a customer with this past */
extern double btyd_expected(BtydFamily family, const double *parameters,
							double x, double t_x, double t, double horizon);

/* E[repeat days in (0, t]] of a customer that nothing is known about */
extern double btyd_unconditional(BtydFamily family, const double *parameters, double t);

/* P(n repeat days in (0, t]] of a customer that nothing is known about */
extern double btyd_probability(BtydFamily family, const double *parameters, int n, double t);

/* P(n repeat days in (t, t + horizon]] of a customer with this past */
extern double btyd_probability_after(BtydFamily family, const double *parameters, int n,
									 double x, double t_x, double t, double horizon);

/*
 * Discounted expected residual transactions, at a continuous rate per unit of
 * time: Pareto/NBD and BG/BB only, NaN for the other families.
 */
extern double btyd_residual(BtydFamily family, const double *parameters,
							double x, double t_x, double t, double rate);

/*
 * The same of those within the horizon, for every family: at most 1e-10 off.
 */
extern double btyd_residual_within(BtydFamily family, const double *parameters,
								   double x, double t_x, double t, double rate, double horizon);

/*
 * Gamma-Gamma: E[mean spend] after x repeat days with the mean m > 0. x = 0 says
 * nothing: the expectation is that of everybody, and m is not looked at.
 */
extern double spend_expected(const double *parameters, double x, double m);

#endif							/* BTYD_PREDICT_H */
