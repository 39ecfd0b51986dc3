/*
 * Ratios and differences of the gamma and digamma functions, computed as such:
 * the difference of two large log-gammas would lose the digits that matter.
 * Arguments are positive.
 */
#ifndef GAMMA_H
#define GAMMA_H

/*
 * ln((z)_n / scale^n), where (z)_n = z (z + 1) ... (z + n - 1) and n is whole;
 * *slope is its derivative by z, psi(z + n) - psi(z).
 */
extern double log_rising(double z, double n, double scale, double *slope);

/* ln((b)_n / (b + a)_n); slopes by b, with a + b held, and by a + b */
extern double log_rising_ratio(double b, double a, double n, double *by_b, double *by_sum);

/* ln((z)_n / n!) */
extern double log_rising_factorial(double z, double n);

extern double log_beta(double a, double b);

/* ln Gamma(1 + a), which is not 1 + a's rounding where a is small; 0 < a <= 1 */
extern double log_gamma1p(double a);

/* What Stirling's formula leaves out: ln Gamma(z) - ((z - 1/2) ln z - z + ln(2 pi)/2), z > 0 */
extern double stirling_rest(double z);

/* psi(z + d) - psi(z), d >= 0 */
extern double digamma_difference(double z, double d);

#endif							/* GAMMA_H */
