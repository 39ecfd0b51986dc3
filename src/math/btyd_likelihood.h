/*
 * btyd_likelihood.h
 *		The likelihood of all customers with its derivatives, as btyd_fit.c
 *		climbs it. Pure C, no server headers.
 */
#ifndef BTYD_LIKELIHOOD_H
#define BTYD_LIKELIHOOD_H

#include "btyd_fit.h"
#include "newton.h"

#define MAX_PARAMETERS	BTYD_PARAMETERS

/* A parameter beyond its scale times or divided by exp(this) has run away */
#define LOG_BOUND		11.5	/* 1e5 */

/* A parameter whose logarithm is known no better than this isn't known */
#define MAX_LOG_ERROR	10.0

/* Patterns of the same x */
typedef struct Group
{
	double		x;
	size_t		start;
	size_t		end;
	double		count;			/* customers */
} Group;

typedef enum Model
{
	MODEL_MBGNBD = BTYD_MBGNBD,
	MODEL_BGNBD = BTYD_BGNBD,
	MODEL_PARETONBD = BTYD_PARETONBD,
	MODEL_MBGCNBD = BTYD_MBGCNBD,
	MODEL_BGBB = BTYD_BGBB,
	MODEL_SPEND
} Model;

typedef struct Problem
{
	Model		model;
	int			nparameters;
	int			k;				/* of MBG/CNBD-k, else 1 */
	const BtydPattern *patterns;
	size_t		n;
	Group	   *groups;
	size_t		ngroups;
	double		customers;
	double		scale[MAX_PARAMETERS];	/* the size that a parameter may well have */
	double		ridge;
	const Host *host;
} Problem;

/* A sum and what rounding took from it */
typedef struct Sum
{
	double		sum;
	double		rest;
} Sum;

/* Upper triangle, by row: 00 01 02 03 11 12 13 22 23 33 */
#define HESSIAN_ENTRIES	10

typedef struct Derivatives
{
	Sum			value;
	Sum			gradient[MAX_PARAMETERS];
	Sum			hessian[HESSIAN_ENTRIES];
} Derivatives;

static inline void
sum_add(Sum *sum, double x)
{
	double		s = sum->sum + x;
	double		part = s - sum->sum;

	sum->rest += (sum->sum - (s - part)) + (x - part);
	sum->sum = s;
}

static inline double
total(const Sum *sum)
{
	return sum->sum + sum->rest;
}

/* Number of an entry of the upper triangle, j <= k */
static inline int
entry_of(int j, int k)
{
	return j * MAX_PARAMETERS - j * (j - 1) / 2 + k - j;
}

/* A point of a search and what is known there, all by logarithms */
typedef struct Point
{
	double		log_parameter[MAX_PARAMETERS];
	double		value;			/* with what the ridge takes */
	double		ridge_part;		/* which is this much */
	double		gradient[MAX_PARAMETERS];
	double		information[MAX_PARAMETERS][MAX_PARAMETERS];	/* minus the Hessian */
} Point;

/* A problem of these patterns; its groups are memory of the host, to be released. */
extern void likelihood_problem(Problem *problem, Model model, const BtydPattern *patterns, size_t n,
							   const Host *host);

/* The groups of the problem's patterns, if these have changed */
extern void likelihood_groups(Problem *problem);

/*
 * d becomes the sums at the parameters; the Hessian's only if second. Errors of
 * value and gradient, this by the logarithms of the parameters, are at most 1e-12
 * against the references of btyd_predict.h, relative to 1 + r + x (1 + x for
 * spend) if the value is smaller.
 */
extern void likelihood_evaluate(const Problem *problem, const double *parameters, bool second,
								Derivatives *d);

/*
 * The point at point->log_parameter; false where the likelihood can't be had.
 * If second, information is set, too. In btyd_fit.c.
 */
extern bool likelihood_point(const Problem *problem, Point *point, bool second);

/*
 * What the end of a climb over logarithms of parameters is worth: status, reason,
 * likelihood and gradient of the fit. ridge_part is what the ridge takes of the value. If
 * it has converged, inverse, with room for n * n, becomes that of the information, as in
 * cholesky.h. In btyd_fit.c.
 */
extern void likelihood_judge(Newton *newton, const NewtonPoint *end, double ridge_part,
							 bool maximum, BtydFit *fit, double *inverse);

#endif							/* BTYD_LIKELIHOOD_H */
