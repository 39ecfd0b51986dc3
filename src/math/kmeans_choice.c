/*
 * kmeans_choice.c
 *		Figures by which a number of clusters is chosen: inertia, silhouette, the
 *		ratio of Calinski and Harabasz (1974), and stability as of Hennig (2007).
 *
 * Stability: rows are drawn with replacement, as many as there are (or
 * CHOICE_RESAMPLED_ROWS), and clustered again; then every row of all is put to
 * the nearest of the new centers. The Jaccard index of a cluster is that with
 * the new cluster most like it: rows of both by rows of either.
 */
#include "kmeans_choice.h"
#include "random.h"
#include "silhouette.h"

#include <math.h>
#include <string.h>

/* Streams of random numbers of the resamples, away from those of the starts */
#define FIRST_RESAMPLE_STREAM	1000000

/* Draws between two looks at interrupts */
#define DRAWS_PER_CHECK			4096

/* ---- silhouette ---- */

/* The mean over all rows, or over a sample of SILHOUETTE_EXACT of them */
static double
mean_silhouette(const KmeansPoints *points, const int *cluster, int k, const Host *host)
{
	size_t		dimensions = (size_t) points->dimensions;
	double	   *sample = host_allocate(host, points->n * sizeof(double));
	double	   *x = host_allocate(host, points->n * dimensions * sizeof(double));
	double	   *weight = host_allocate(host, points->n * sizeof(double));
	double	   *value = host_allocate(host, points->n * sizeof(double));
	int		   *of = host_allocate(host, points->n * sizeof(int));
	int			number[KMEANS_MAX_CLUSTERS];
	KmeansPoints some = {.dimensions = points->dimensions, .x = x, .weight = weight};
	int			clusters = 0;
	double		sum = 0.0;

	sample_rows(points->weight, points->n, points->total,
				points->n <= SILHOUETTE_EXACT ? INFINITY : SILHOUETTE_EXACT, sample);
	for (int c = 0; c < k; c++)
		number[c] = -1;
	for (size_t i = 0; i < points->n; i++)
	{
		if (!(sample[i] > 0.0))
			continue;
		if (number[cluster[i]] < 0)
			number[cluster[i]] = clusters++;
		memcpy(x + some.n * dimensions, points->x + i * dimensions, dimensions * sizeof(double));
		of[some.n] = number[cluster[i]];
		weight[some.n++] = sample[i];
		some.total += sample[i];
	}
	silhouettes(&some, of, clusters, value, host);
	for (size_t i = 0; i < some.n; i++)
		sum += weight[i] * value[i];
	host->release(sample);
	host->release(x);
	host->release(weight);
	host->release(value);
	host->release(of);
	return sum / some.total;
}

/* ---- stability ---- */

/* Rows drawn with replacement: points that were, and how often */
typedef struct Resample
{
	KmeansPoints points;
	double	   *x;
	double	   *weight;
	double	   *drawn;			/* of each point of all */
	double	   *until;			/* rows up to and with each point */
} Resample;

static void
draw_rows(const KmeansPoints *points, Resample *resample, int32_t seed, int number,
		  const Host *host)
{
	size_t		dimensions = (size_t) points->dimensions;
	uint64_t	total = (uint64_t) points->total;
	uint64_t	rows = total < CHOICE_RESAMPLED_ROWS ? total : CHOICE_RESAMPLED_ROWS;
	Random		random;

	random_seed(&random, seed, FIRST_RESAMPLE_STREAM + number);
	memset(resample->drawn, 0, points->n * sizeof(double));
	for (uint64_t draw = 0; draw < rows; draw++)
	{
		double		row = (double) random_below(&random, total);
		size_t		low = 0;
		size_t		high = points->n - 1;

		if (draw % DRAWS_PER_CHECK == 0)
			host->check();
		while (low < high)
		{
			size_t		middle = low + (high - low) / 2;

			if (row < resample->until[middle])
				high = middle;
			else
				low = middle + 1;
		}
		resample->drawn[low]++;
	}
	resample->points.n = 0;
	resample->points.total = (double) rows;
	for (size_t i = 0; i < points->n; i++)
	{
		size_t		at = resample->points.n;

		if (resample->drawn[i] == 0.0)
			continue;
		memcpy(resample->x + at * dimensions, points->x + i * dimensions,
			   dimensions * sizeof(double));
		resample->weight[at] = resample->drawn[i];
		resample->points.n++;
	}
}

/* Of each cluster, the Jaccard index with the cluster of "again" that is most like it, added up */
static void
add_jaccard(const KmeansPoints *points, const int *cluster, const int *again, int k,
			double *stability, double *overlap)
{
	double		size[KMEANS_MAX_CLUSTERS] = {0};
	double		size_again[KMEANS_MAX_CLUSTERS] = {0};

	memset(overlap, 0, (size_t) k * (size_t) k * sizeof(double));
	for (size_t i = 0; i < points->n; i++)
	{
		size[cluster[i]] += points->weight[i];
		size_again[again[i]] += points->weight[i];
		overlap[cluster[i] * k + again[i]] += points->weight[i];
	}
	for (int c = 0; c < k; c++)
	{
		double		best = 0.0;

		for (int other = 0; other < k; other++)
		{
			double		both = overlap[c * k + other];

			best = fmax(best, both / (size[c] + size_again[other] - both));
		}
		stability[c] += best;
	}
}

static void
set_stability(const KmeansPoints *points, const int *cluster, Resample *resample,
			  KmeansChoice *choice, int32_t seed, int starts, const Host *host)
{
	int			k = choice->k;
	double		stability[KMEANS_MAX_CLUSTERS] = {0};
	double	   *overlap = host_allocate(host, (size_t) k * (size_t) k * sizeof(double));
	int		   *again = host_allocate(host, points->n * sizeof(int));
	KmeansRun	run;
	int			fits = 0;

	run.centers = host_allocate(host, (size_t) k * (size_t) points->dimensions * sizeof(double));
	run.cluster = host_allocate(host, points->n * sizeof(int));
	for (int number = 0; number < CHOICE_RESAMPLES; number++)
	{
		int			agreeing;

		draw_rows(points, resample, seed, number, host);
		/* A resample with too few different points says nothing of the clusters. */
		if (resample->points.n < (size_t) k ||
			kmeans_best(&resample->points, k, seed, starts, &run, &agreeing, host) < k)
			continue;
		(void) kmeans_assign_all(points, k, run.centers, again, host);
		add_jaccard(points, cluster, again, k, stability, overlap);
		fits++;
	}
	choice->stability = choice->least_stability = NAN;
	if (fits > 0)
	{
		double		sum = 0.0;

		choice->least_stability = INFINITY;
		for (int c = 0; c < k; c++)
		{
			sum += stability[c] / fits;
			choice->least_stability = fmin(choice->least_stability, stability[c] / fits);
		}
		choice->stability = sum / k;
	}
	host->release(overlap);
	host->release(again);
	host->release(run.centers);
	host->release(run.cluster);
}

/* ---- all figures ---- */

static double
smallest_cluster(const KmeansPoints *points, const int *cluster, int k)
{
	double		size[KMEANS_MAX_CLUSTERS] = {0};
	double		smallest = INFINITY;

	for (size_t i = 0; i < points->n; i++)
		size[cluster[i]] += points->weight[i];
	for (int c = 0; c < k; c++)
		smallest = fmin(smallest, size[c]);
	return smallest;
}

int
kmeans_choices(const KmeansPoints *points, KmeansChoice *choices, int count, int32_t seed,
			   int starts, const Host *host)
{
	size_t		dimensions = (size_t) points->dimensions;
	Resample	resample = {.points = {.dimensions = points->dimensions}};
	KmeansRun	run;
	double		total,
				rows = 0.0;
	int			done = 0;

	resample.points.x = resample.x = host_allocate(host, points->n * dimensions * sizeof(double));
	resample.points.weight = resample.weight = host_allocate(host, points->n * sizeof(double));
	resample.drawn = host_allocate(host, points->n * sizeof(double));
	resample.until = host_allocate(host, points->n * sizeof(double));
	for (size_t i = 0; i < points->n; i++)
		resample.until[i] = rows += points->weight[i];
	run.centers = host_allocate(host, KMEANS_MAX_CLUSTERS * dimensions * sizeof(double));
	run.cluster = host_allocate(host, points->n * sizeof(int));

	/* the inertia of one cluster */
	memcpy(run.centers, points->x, dimensions * sizeof(double));
	(void) kmeans_improve(points, 1, &run, host);
	total = run.inertia;

	for (; done < count; done++)
	{
		KmeansChoice *choice = &choices[done];
		int			k = choice->k;
		int			agreeing;

		if (points->n < (size_t) k ||
			kmeans_best(points, k, seed, starts, &run, &agreeing, host) < k)
			break;
		choice->inertia = run.inertia;
		choice->smallest = smallest_cluster(points, run.cluster, k);
		choice->silhouette = mean_silhouette(points, run.cluster, k, host);
		choice->calinski_harabasz = NAN;
		if (k > 1 && points->total > k && run.inertia > 0.0)
			choice->calinski_harabasz = (total - run.inertia) / (k - 1) /
				(run.inertia / (points->total - k));
		set_stability(points, run.cluster, &resample, choice, seed, starts, host);
	}
	host->release(resample.x);
	host->release(resample.weight);
	host->release(resample.drawn);
	host->release(resample.until);
	host->release(run.centers);
	host->release(run.cluster);
	return done;
}
