/*
 * newton.h
 *		Newton's method, up to a maximum of a function whose second derivatives
 *		are known. Pure C, no server headers.
 */
#ifndef NEWTON_H
#define NEWTON_H

#include <stdbool.h>

/* A point, and what the function is there; the memory is the caller's. */
typedef struct NewtonPoint
{
	double	   *at;
	double		value;
	double	   *gradient;
	double	   *information;	/* minus the Hessian: the lower triangle, as in cholesky.h */
} NewtonPoint;

typedef struct Newton
{
	int			n;
	int			stride;			/* entry (i, j) of the information is at [i + j * stride] */
	int			max_iterations;

	/*
	 * What is first added to the diagonal where the information is not positive
	 * definite, as a part of its largest entry. It grows from there.
	 */
	double		first_damping;
	/* value, gradient and information at a point; false where they can't be had */
	bool		(*evaluate) (void *arg, NewtonPoint *point);
	/* has a coordinate run away? */
	bool		(*out_of_bounds) (void *arg, const double *at);
	void	   *arg;
	double	   *factor;			/* room for n * n: the factor of the last step's information */
	double	   *step;			/* room for n */
} Newton;

/*
 * The step from a point, with so much added to the diagonal of the information;
 * false if that is not safely positive definite.
 */
extern bool newton_step(Newton *newton, const NewtonPoint *point, double damping);

/*
 * Steps from *point on, damped where the function is not concave, halved where they
 * overshoot. True if they ended at a maximum. *point is where they ended: one of
 * the two. Its value is -INFINITY if the function can't be had where they began.
 */
extern bool newton_climb(Newton *newton, NewtonPoint **point, NewtonPoint *spare, int *iterations);

#endif							/* NEWTON_H */
