/*
 * cholesky.h
 *		Symmetric, positive definite systems of equations. Pure C, no server
 *		headers.
 *
 * A matrix is given by its lower triangle, column after column of n numbers
 * each: entry (i, j), j <= i, is at m[i + j * n].
 */
#ifndef CHOLESKY_H
#define CHOLESKY_H

#include <stdbool.h>

/*
 * m becomes l, where m = l * l'. False if it is not positive definite, or not
 * safely so: a pivot is not above this part of its entry on the diagonal.
 */
extern bool cholesky_factor(double *m, int n, double least_pivot);

/* v becomes the solution x of l * l' * x = v. */
extern void cholesky_solve(const double *l, int n, double *v);

/* The lower triangle of the inverse of l * l' */
extern void cholesky_invert(const double *l, int n, double *inverse);

#endif							/* CHOLESKY_H */
