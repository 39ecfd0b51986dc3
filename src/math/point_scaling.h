/*
 * point_scaling.h
 *		The coordinates of points brought to one measure, each input by a method
 *		of its own. Pure C, no server headers.
 */
#ifndef POINT_SCALING_H
#define POINT_SCALING_H

#include <stdbool.h>
#include <stddef.h>

#include "host.h"

/* No coordinate may be larger, either way: then nothing here overflows. */
#define POINT_MAX_VALUE		1e150

/* Distinct values of an input are counted up to here. */
#define SCALING_MAX_DISTINCT	257

/* With log1p or without, then centred and divided or not: see the names. */
typedef enum ScalingMethod
{
	SCALING_NONE,
	SCALING_LOG1P,
	SCALING_ZSCORE,
	SCALING_LOG1P_ZSCORE,
	SCALING_ROBUST,
	SCALING_LOG1P_ROBUST
} ScalingMethod;

#define SCALING_METHODS		6

extern const char *const scaling_names[SCALING_METHODS];

/* A scaled value is (f(x) - shift) / scale, where f is log1p or nothing. */
typedef struct InputScaling
{
	ScalingMethod method;
	double		shift;
	double		scale;			/* never 0 */
} InputScaling;

/* What is worth knowing of the values of an input */
typedef struct InputFacts
{
	int			distinct;		/* values, up to SCALING_MAX_DISTINCT */
	double		most_common;	/* the value of more than half of the rows, */
	double		most_common_share;	/* and how many have it; 0: there is none */
	bool		middle_is_one;	/* robust: the quartiles are equal, the deviation stands in */
} InputFacts;

/*
 * What the method needs, of n rows with their counts: row i begins at
 * rows + order[i] * width, and number "at" of it is the value. The order
 * decides the last bits.
 */
extern void scaling_fit(InputScaling *scaling, InputFacts *facts, const double *rows,
						const size_t *order, const double *counts, size_t n, size_t width,
						size_t at, const Host *host);

/* Not finite where the result is beyond the range of doubles */
extern double scaling_apply(const InputScaling *scaling, double x);

/* The value in the input's own unit that is scaled to this */
extern double scaling_invert(const InputScaling *scaling, double scaled);

#endif							/* POINT_SCALING_H */
