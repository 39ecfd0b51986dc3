/*
 * ridge_choice.h
 *		The ridge of a logistic regression by cross-validation. Pure C, no server
 *		headers.
 */
#ifndef RIDGE_CHOICE_H
#define RIDGE_CHOICE_H

#include "logit_newton.h"

#define RIDGE_MAX_FOLDS		1000
#define RIDGE_MAX_CHOICES	100

/* What rows that a fit has not seen say of a ridge */
typedef struct RidgeTrial
{
	double		ridge;			/* set by the caller */
	LogitStatus status;			/* of the first fold that has no fit */
	double		log_loss;		/* mean over all rows, by weight */
	double		standard_error; /* of the means of the folds */
} RidgeTrial;

/*
 * The rows are those of logit_newton.h. They are dealt out to the folds in the
 * order that logit_distinct() gives them, which looks random and depends on
 * their content alone. There must be as many rows as folds, two or more.
 */
extern void ridge_cross_validate(const double *rows, size_t n, int features, int folds,
								 RidgeTrial *trials, int ntrials, const Host *host);

#endif							/* RIDGE_CHOICE_H */
