/*
 * cholesky.c
 *		Symmetric, positive definite systems of equations.
 *
 * Our own rather than LAPACK's, whose last digits depend on the library that a
 * machine happens to have. Each sum runs in one order, and down the columns,
 * which lie in memory as they are read.
 */
#include "cholesky.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

bool
cholesky_factor(double *m, int n, double least_pivot)
{
	for (int j = 0; j < n; j++)
	{
		double	   *column = m + (size_t) j * n;
		double		diagonal = column[j];

		for (int k = 0; k < j; k++)
		{
			const double *left = m + (size_t) k * n;
			double		factor = left[j];

			for (int i = j; i < n; i++)
				column[i] -= left[i] * factor;
		}
		if (!(column[j] > least_pivot * fabs(diagonal)) || !(column[j] > 0))
			return false;
		column[j] = sqrt(column[j]);
		for (int i = j + 1; i < n; i++)
			column[i] /= column[j];
	}
	return true;
}

/* The part from "first" on, where v is 0 above it */
static void
solve_from(const double *l, int n, double *v, int first)
{
	for (int k = first; k < n; k++)
	{
		const double *column = l + (size_t) k * n;

		v[k] /= column[k];
		for (int i = k + 1; i < n; i++)
			v[i] -= column[i] * v[k];
	}
	for (int i = n - 1; i >= first; i--)
	{
		const double *column = l + (size_t) i * n;

		for (int k = i + 1; k < n; k++)
			v[i] -= column[k] * v[k];
		v[i] /= column[i];
	}
}

void
cholesky_solve(const double *l, int n, double *v)
{
	solve_from(l, n, v, 0);
}

void
cholesky_invert(const double *l, int n, double *inverse)
{
	for (int j = 0; j < n; j++)
	{
		double	   *column = inverse + (size_t) j * n;

		memset(column, 0, (size_t) n * sizeof(double));
		column[j] = 1;
		solve_from(l, n, column, j);
	}
}
