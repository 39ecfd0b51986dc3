/*
 * fit.h
 *		The document of a buy-till-you-die or spend fit: a small jsonb that
 *		describes itself. Printed by aggregates, read by predictions.
 */
#ifndef FIT_H
#define FIT_H

#include "access/tupdesc.h"
#include "fmgr.h"
#include "lib/stringinfo.h"

#include "math/btyd_covariates.h"
#include "math/btyd_fit.h"

/* The families of fits: those of math/btyd_predict.h, and the model of spend */
typedef enum FitFamily
{
	FIT_MBGNBD = BTYD_MBGNBD,
	FIT_BGNBD = BTYD_BGNBD,
	FIT_PARETONBD = BTYD_PARETONBD,
	FIT_MBGCNBD = BTYD_MBGCNBD,
	FIT_BGBB = BTYD_BGBB,
	FIT_GAMMAGAMMA
} FitFamily;

#define FIT_REASON_SIZE	64

/* A document as predictions need it */
typedef struct Fit
{
	FitFamily	family;
	bool		usable;			/* are there parameters? else: */
	bool		ended;			/* not, but there are those where the search ended */
	char		reason[FIT_REASON_SIZE];
	double		parameters[BTYD_NUMBERS];
	int			unit_days;		/* 0: not said */
	int			degrees;		/* parameters that were chosen by the likelihood */
	double		log_likelihood; /* NaN: not said, as n */
	double		n;
	double		ridge;
	int			ncovariates;
	uint64		serial;			/* of those that a call site has read */
} Fit;

/* Which families an argument may have */
typedef enum FitKind
{
	FIT_OF_ORDERS,
	FIT_OF_SPEND,
	FIT_OF_ANY
} FitKind;

/* Customers that a fit of spend can't use */
typedef struct SpendLeftOut
{
	int64		no_repeat;
	int64		zero_mean;
	int64		negative_mean;
} SpendLeftOut;

/* The family of an argument; of mbgcnbd-2, *k is 2, of mbgcnbd 0, of others 1 */
extern BtydFamily check_btyd_family(text *name, int *k);
extern int	check_unit_days(int unit_days);
extern void check_customer(FitFamily family, double x, double t_x, double t);
extern void check_count(double x);
extern void check_mean(double m);

/* What these let through, without the sign of -0: of a state that is read again */
extern bool is_count(double x);
extern bool is_customer(double x, double t_x, double t);

extern void check_ln_gaps(double ln_gaps, double x, double t_x);
extern double check_amount(const char *argument, double value);

/*
 * NULL left_out: a fit of orders. A replicate shows the parameters where its
 * search ended, if there is no maximum.
 */
extern void fit_print(StringInfo out, FitFamily family, const BtydFit *fit, bool is_replicate,
					  int unit_days, const SpendLeftOut *left_out,
					  const CovariateFit *covariates);

/* Weights and ridges that an aggregate is given; weights are whole numbers of customers. */
extern int64 check_weight(int64 weight, int64 before);
extern double ridge_argument(FunctionCallInfo fcinfo, int n);

/*
 * The fit in an argument; the list of fits in one, where those that only ended
 * are usable, too. Remembered from row to row as long as the argument has the
 * same bytes.
 */
extern const Fit *fit_argument(FunctionCallInfo fcinfo, int argument, FitKind kind);
extern const Fit *fits_argument(FunctionCallInfo fcinfo, int argument, FitKind kind, int *count);

/* Of an argument that is a fit with covariates: the effects, one array after the other */
extern const Fit *covariate_fit_argument(FunctionCallInfo fcinfo, int argument,
										 const double **orders, const double **leaving);

/* The document of a fit like this one with other parameters */
extern void fit_print_at(StringInfo out, const Fit *fit, const double *parameters);

/* An argument that is one fit or a list of them */
extern const Fit *fit_or_fits_argument(FunctionCallInfo fcinfo, int argument, int *count);

/* What else a call site remembers, in fn_mcxt; NULL at first */
extern void **fit_call_extra(FunctionCallInfo fcinfo);

/* Of a function that returns a row, once for all rows */
extern TupleDesc fit_result_desc(FunctionCallInfo fcinfo);

#endif							/* FIT_H */
