/*
 * logit.h
 *		A fit of logit_fit, as the functions that predict read it.
 */
#ifndef CUSTOMER_SCORING_LOGIT_H
#define CUSTOMER_SCORING_LOGIT_H

#include "fmgr.h"

#include "compat.h"

typedef struct LogitModel
{
	bool		meaningful;		/* else every prediction is NULL */
	bool		propensity;		/* a document of propensity_fit, not of logit_fit alone */
	int			features;
	double		coefficients[FLEXIBLE_ARRAY_MEMBER];	/* intercept first */
} LogitModel;

/* Argument number n of the call, parsed once as long as it stays the same */
extern const LogitModel *logit_model(FunctionCallInfo fcinfo, int n);

/* That P(label) of these coefficients and features can't be computed */
pg_noreturn extern void logit_out_of_range(void);

/* P(label) of finite features; an error if it can't be computed */
extern double logit_model_predict(const LogitModel *model, const double *features);

#endif							/* CUSTOMER_SCORING_LOGIT_H */
