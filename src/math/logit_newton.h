/*
 * logit_newton.h
 *		Logistic regression by Newton's method. Pure C, no server headers.
 *
 * A row is LOGIT_HEAD + features doubles: its weight, positive where the label
 * is true and negative where it is false; how many such rows there are; the
 * features. All of them are finite, and a zero is never negative.
 *
 * Everything is computed in an order that depends on the content of the rows
 * alone: the same rows give the same bits, in whatever order they came and
 * however they had been added up.
 */
#ifndef LOGIT_NEWTON_H
#define LOGIT_NEWTON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host.h"

#define LOGIT_HEAD			2
#define LOGIT_MAX_FEATURES	500

typedef enum LogitStatus
{
	LOGIT_CONVERGED,
	LOGIT_NO_ROWS,
	LOGIT_ONE_LABEL,
	LOGIT_TOO_FEW,				/* of the rarer label */
	LOGIT_CONSTANT,				/* features are */
	LOGIT_COLLINEAR,			/* features are */
	LOGIT_COMPLETE_SEPARATION,
	LOGIT_QUASI_SEPARATION,
	LOGIT_NOT_CONVERGED,
	LOGIT_OUT_OF_RANGE			/* of doubles */
} LogitStatus;

/* When half of the logarithm of the information's determinant is added (Firth's penalty) */
typedef enum LogitFirth
{
	LOGIT_FIRTH_NEVER,
	LOGIT_FIRTH_IF_SEPARATED,	/* or there are too few rows of the rarer label */
	LOGIT_FIRTH_ALWAYS
} LogitFirth;

typedef struct LogitOptions
{
	/*
	 * Half of it times the square of each coefficient that a standardised
	 * feature would have is subtracted from the log-likelihood. Not below 0.
	 */
	double		ridge;

	/* these two: without a ridge */
	LogitFirth	firth;
	bool		drop_aliased;	/* fit without LogitFit.leave */
} LogitOptions;

typedef struct LogitFit
{
	LogitStatus status;
	bool		firth;			/* is it of the penalised likelihood? */
	int			features;
	int64_t		n;				/* rows */
	int64_t		n_positive;
	double		weight_sum;
	double		log_likelihood;
	double		null_log_likelihood;	/* of the best constant */
	int			iterations;
	double		gradient_norm;	/* largest component, by standardised features */

	/* intercept, then features; only if converged. Errors may be NaN: no answer. */
	double		coefficients[LOGIT_MAX_FEATURES + 1];
	double		standard_errors[LOGIT_MAX_FEATURES + 1];
	double		means[LOGIT_MAX_FEATURES + 1];	/* of the features, by weight; from 1 on */

	/* the features that the status speaks of, from 1 on */
	int			named_count;
	int			named[LOGIT_MAX_FEATURES];

	/*
	 * LOGIT_CONSTANT and LOGIT_COLLINEAR: without these the others are neither.
	 * If they were dropped: their coefficients are 0, and their errors NaN.
	 */
	int			leave_count;
	int			leave[LOGIT_MAX_FEATURES];
} LogitFit;

/*
 * The numbers of the distinct rows, in an order that depends on their content
 * alone, and how many there are of each; returns how many are distinct. Both
 * arrays have room for n.
 */
extern size_t logit_distinct(const double *rows, size_t n, int features,
							 size_t *order, double *counts, const Host *host);

/*
 * "covariance" is NULL or has room for (features + 1)^2 numbers, row by row: those
 * of the coefficients, intercept first. NaN where there is no error; set only if
 * the fit converged.
 */
extern void logit_fit_rows(const double *rows, size_t n, int features,
						   const LogitOptions *options, LogitFit *fit, double *covariance,
						   const Host *host);

/* 1 / (1 + exp(-x)) */
extern double logit_probability(double x);

/* P(label); NaN if it is beyond the range of doubles. */
extern double logit_predict_row(const double *coefficients, const double *x, int features);

#endif							/* LOGIT_NEWTON_H */
