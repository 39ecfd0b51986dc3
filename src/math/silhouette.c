/*
 * silhouette.c
 *		How much nearer a point is to its own cluster than to the next.
 *
 * The mean distance from a cluster is taken over all of its rows, or over a
 * sample of them: rows at equal steps through its points in their order, which
 * is that of a hash. A point of many rows is in the sample as often as its
 * rows demand.
 */
#include "silhouette.h"

#include <math.h>
#include <string.h>

/* Points between two looks at interrupts */
#define POINTS_PER_CHECK	64

/* At least so many rows of each cluster are in the sample. */
#define LEAST_OF_CLUSTER	20

/* Rows to measure from, cluster by cluster */
typedef struct Reference
{
	size_t	   *first;			/* of each cluster, and the end */
	double	   *x;
	double	   *count;
	double	   *rows;			/* in the sample of each cluster */
	double	   *size;			/* of each cluster, in all */
	double	   *own;			/* rows of each point that are in the sample */
} Reference;

static void
make_reference(const KmeansPoints *points, const int *cluster, int k, Reference *reference,
			   const Host *host)
{
	size_t		dimensions = (size_t) points->dimensions;
	size_t	   *order = host_allocate(host, points->n * sizeof(size_t));
	double	   *weight = host_allocate(host, points->n * sizeof(double));
	double	   *sample = host_allocate(host, points->n * sizeof(double));
	size_t	   *next = host_allocate(host, (size_t) k * sizeof(size_t));
	size_t		kept = 0;

	reference->first = host_allocate(host, ((size_t) k + 1) * sizeof(size_t));
	reference->rows = host_allocate(host, (size_t) k * sizeof(double));
	reference->size = host_allocate(host, (size_t) k * sizeof(double));
	reference->own = host_allocate(host, points->n * sizeof(double));
	memset(reference->first, 0, ((size_t) k + 1) * sizeof(size_t));
	for (int c = 0; c < k; c++)
		reference->size[c] = reference->rows[c] = 0.0;

	/* the points of each cluster in their order */
	for (size_t i = 0; i < points->n; i++)
		reference->first[cluster[i] + 1]++;
	for (int c = 0; c < k; c++)
		reference->first[c + 1] += reference->first[c];
	memcpy(next, reference->first, (size_t) k * sizeof(size_t));
	for (size_t i = 0; i < points->n; i++)
	{
		size_t		at = next[cluster[i]]++;

		order[at] = i;
		weight[at] = points->weight[i];
		reference->size[cluster[i]] += points->weight[i];
	}
	for (int c = 0; c < k; c++)
	{
		size_t		first = reference->first[c];
		double		rows = SILHOUETTE_SAMPLE / k;

		if (points->n <= SILHOUETTE_EXACT)
			rows = INFINITY;
		else if (rows < LEAST_OF_CLUSTER)
			rows = LEAST_OF_CLUSTER;
		sample_rows(weight + first, reference->first[c + 1] - first, reference->size[c], rows,
					sample + first);
	}

	/* what is in the sample closes up */
	for (size_t at = 0; at < points->n; at++)
		kept += sample[at] > 0.0;
	reference->x = host_allocate(host, (kept + 1) * dimensions * sizeof(double));
	reference->count = host_allocate(host, (kept + 1) * sizeof(double));
	kept = 0;
	for (int c = 0; c < k; c++)
	{
		size_t		first = reference->first[c];
		size_t		end = reference->first[c + 1];

		reference->first[c] = kept;
		for (size_t at = first; at < end; at++)
		{
			reference->own[order[at]] = sample[at];
			if (!(sample[at] > 0.0))
				continue;
			memcpy(reference->x + kept * dimensions, points->x + order[at] * dimensions,
				   dimensions * sizeof(double));
			reference->count[kept++] = sample[at];
			reference->rows[c] += sample[at];
		}
	}
	reference->first[k] = kept;
	host->release(order);
	host->release(weight);
	host->release(sample);
	host->release(next);
}

/* A few dimensions are what it is for: the compiler knows their number. */
static inline double
sum_of_distances(const double *x, const double *others, const double *count, size_t n,
				 int dimensions)
{
	double		sum = 0.0;

	for (size_t i = 0; i < n; i++, others += dimensions)
	{
		double		square = 0.0;

		for (int j = 0; j < dimensions; j++)
			square += (x[j] - others[j]) * (x[j] - others[j]);
		sum += count[i] * sqrt(square);
	}
	return sum;
}

static double
distances_from(const double *x, const Reference *reference, int c, int dimensions)
{
	size_t		first = reference->first[c];
	size_t		n = reference->first[c + 1] - first;
	const double *others = reference->x + first * (size_t) dimensions;
	const double *count = reference->count + first;

	switch (dimensions)
	{
		case 1:
			return sum_of_distances(x, others, count, n, 1);
		case 2:
			return sum_of_distances(x, others, count, n, 2);
		case 3:
			return sum_of_distances(x, others, count, n, 3);
		case 4:
			return sum_of_distances(x, others, count, n, 4);
		default:
			return sum_of_distances(x, others, count, n, dimensions);
	}
}

static double
silhouette_of(const double *x, int own, double own_rows, const Reference *reference, int k,
			  int dimensions)
{
	double		others = reference->rows[own] - (own_rows > 0.0 ? 1.0 : 0.0);
	double		a,
				b = INFINITY;

	if (!(reference->size[own] > 1.0) || !(others > 0.0))
		return 0.0;
	a = distances_from(x, reference, own, dimensions) / others;
	for (int c = 0; c < k; c++)
	{
		if (c != own)
			b = fmin(b, distances_from(x, reference, c, dimensions) / reference->rows[c]);
	}
	if (a == b)
		return 0.0;				/* both may be 0 */
	return (b - a) / fmax(a, b);
}

void
silhouettes(const KmeansPoints *points, const int *cluster, int k, double *value,
			const Host *host)
{
	Reference	reference;

	if (k < 2)
	{
		for (size_t i = 0; i < points->n; i++)
			value[i] = NAN;
		return;
	}
	make_reference(points, cluster, k, &reference, host);
	for (size_t i = 0; i < points->n; i++)
	{
		if (i % POINTS_PER_CHECK == 0)
			host->check();
		value[i] = silhouette_of(points->x + i * (size_t) points->dimensions, cluster[i],
								 reference.own[i], &reference, k, points->dimensions);
	}
	host->release(reference.first);
	host->release(reference.x);
	host->release(reference.count);
	host->release(reference.rows);
	host->release(reference.size);
	host->release(reference.own);
}
