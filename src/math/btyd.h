/*
 * Buy-till-you-die models: what the three families say about one customer, at
 * given parameters. Pure C, no server headers.
 *
 * A customer is (x, t_x, t): x repeat days with a purchase, the last of them at
 * age t_x, seen until age t, all in the fit's unit of time. parameters are
 * (r, alpha, a, b) for BG/NBD and MBG/NBD, (r, alpha, s, beta) for Pareto/NBD;
 * (p, q, gamma) for the Gamma-Gamma model of spend.
 *
 * Every function returns NaN where the answer doesn't exist or can't be had to
 * the promised accuracy, never a made-up number.
 */
#ifndef BTYD_H
#define BTYD_H

typedef enum BtydFamily
{
	BTYD_MBGNBD,
	BTYD_BGNBD,
	BTYD_PARETONBD
} BtydFamily;

#define BTYD_PARAMETERS 4
#define SPEND_PARAMETERS 3

/* log-likelihood of one customer; gradient by parameter where not NULL */
extern double btyd_log_likelihood(BtydFamily family, const double *parameters,
								  double x, double t_x, double t, double *gradient);

/* P(still a customer at t) */
extern double btyd_alive(BtydFamily family, const double *parameters,
						 double x, double t_x, double t);

/* E[repeat days in (t, t + horizon]] of a customer with this past */
extern double btyd_expected(BtydFamily family, const double *parameters,
							double x, double t_x, double t, double horizon);

/* E[repeat days in (0, t]] of a customer of whom nothing is known */
extern double btyd_unconditional(BtydFamily family, const double *parameters, double t);

/* P(n repeat days in (0, t]] of a customer of whom nothing is known */
extern double btyd_probability(BtydFamily family, const double *parameters, int n, double t);

/*
 * Discounted expected residual transactions, at a continuous rate per unit of
 * time: Pareto/NBD only, NaN for the other families.
 */
extern double btyd_residual(BtydFamily family, const double *parameters,
							double x, double t_x, double t, double rate);

/* Gamma-Gamma: x repeat days with the mean spend m > 0 */
extern double spend_log_likelihood(const double *parameters, double x, double m, double *gradient);
extern double spend_expected(const double *parameters, double x, double m);

#endif							/* BTYD_H */
