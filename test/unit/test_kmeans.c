/*
 * test_kmeans.c
 *		k-means against Lloyd's algorithm without bounds and against all
 *		partitions; order of rows; scaling; silhouettes; matching.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "math/kmeans.h"
#include "math/kmeans_choice.h"
#include "math/least_matching.h"
#include "math/random.h"
#include "math/scaled_points.h"
#include "math/silhouette.h"
#include "test_host.h"

#define MAX_POINTS	3000
#define MAX_K		12
#define MAX_D		6

static Random draws;

static double
draw(void)
{
	return random_double(&draws);
}

#define assert_near(a, b, tolerance) \
	do { \
		double a_ = (a), b_ = (b); \
		if (!(fabs(a_ - b_) <= (tolerance) * (1.0 + fabs(b_)))) \
			fail_msg("%s = %.17g, not %.17g", #a, a_, b_); \
	} while (0)

static double coordinates[MAX_POINTS * MAX_D];
static double weights[MAX_POINTS];
static int	clusters[MAX_POINTS];
static int	plain_clusters[MAX_POINTS];

static double
plain_square(const double *a, const double *b, int d)
{
	double		square = 0;

	for (int j = 0; j < d; j++)
		square += (a[j] - b[j]) * (a[j] - b[j]);
	return square;
}

/* Points of one of several shapes: even, in lumps, on a grid with many ties, with far ones */
static KmeansPoints
some_points(size_t n, int d, int shape)
{
	KmeansPoints points = {n, d, coordinates, weights, 0};

	for (size_t i = 0; i < n; i++)
	{
		int			lump = (int) random_below(&draws, 5);

		weights[i] = shape % 2 == 0 ? 1.0 : 1.0 + (double) random_below(&draws, 9);
		points.total += weights[i];
		for (int j = 0; j < d; j++)
		{
			double		x = 2 * draw() - 1;

			if (shape / 2 == 1)
				x = 0.1 * x + 0.8 * sin(lump * (j + 2));
			else if (shape / 2 == 2)
				x = floor(3 * x) / 3;
			else if (shape / 2 == 3 && random_below(&draws, 50) > 0)
				x *= 1e-6;
			coordinates[i * (size_t) d + (size_t) j] = x;
		}
	}
	return points;
}

/*
 * Lloyd's algorithm with nothing left out: every distance in every round, sums
 * afresh. The rules of math/kmeans.c for ties, empty clusters and sums.
 */
static int
plain_lloyd(const KmeansPoints *points, int k, double *centers, int *cluster)
{
	int			d = points->dimensions;

	for (int i = 0;; i++)
	{
		__int128	sum[MAX_K][MAX_D] = {{0}};
		double		size[MAX_K] = {0};
		int			changed = 0;

		for (size_t p = 0; p < points->n; p++)
		{
			int			best = 0;

			for (int c = 1; c < k; c++)
				if (plain_square(points->x + p * (size_t) d, centers + c * d, d) <
					plain_square(points->x + p * (size_t) d, centers + best * d, d))
					best = c;
			changed |= i == 0 || cluster[p] != best;
			cluster[p] = best;
			size[best] += points->weight[p];
		}
		for (int c = 0; c < k; c++)
		{
			size_t		far = points->n;
			double		most = 0;

			if (size[c] > 0)
				continue;
			for (size_t p = 0; p < points->n; p++)
			{
				double		square = plain_square(points->x + p * (size_t) d,
												  centers + cluster[p] * d, d);

				if (square > most && size[cluster[p]] > points->weight[p])
				{
					most = square;
					far = p;
				}
			}
			if (far == points->n)
				continue;
			size[cluster[far]] -= points->weight[far];
			size[c] = points->weight[far];
			cluster[far] = c;
			memcpy(centers + c * d, points->x + far * (size_t) d, (size_t) d * sizeof(double));
			changed = 1;
		}
		if (!changed || i == KMEANS_MAX_ITERATIONS)
			return i;
		for (size_t p = 0; p < points->n; p++)
			for (int j = 0; j < d; j++)
				sum[cluster[p]][j] += (__int128) (int64_t) points->weight[p] *
					(int64_t) (points->x[p * (size_t) d + (size_t) j] * 0x1p62);
		for (int c = 0; c < k; c++)
			for (int j = 0; j < d && size[c] > 0; j++)
				centers[c * d + j] = (double) sum[c][j] / size[c] / 0x1p62;
	}
}

/* The bounds change nothing: clusters, centers and rounds are the same, to the bit. */
static void
test_plain_lloyd(void **state)
{
	int			refilled = 0;

	(void) state;
	random_seed(&draws, 1, 1);
	for (int times = 0; times < 400; times++)
	{
		int			shape = times % 8;
		int			d = 1 + (int) random_below(&draws, MAX_D);
		int			k = 1 + (int) random_below(&draws, MAX_K);
		size_t		n = (size_t) k +
			random_below(&draws, times % 10 == 0 ? MAX_POINTS - MAX_K : 300);
		KmeansPoints points = some_points(n, d, shape);
		double		centers[MAX_K * MAX_D];
		double		plain_centers[MAX_K * MAX_D];
		KmeansRun	run = {.centers = centers, .cluster = clusters};
		int			rounds;

		if (times % 3 == 0)
		{
			/* some centers far from all points, or equal: clusters without points */
			for (int i = 0; i < k * d; i++)
				centers[i] = i < d ? 0.9 : floor(2 * draw()) * 0.9;
			refilled++;
		}
		else if (kmeans_seed(&points, k, times, 0, centers, &host) < k)
			continue;
		memcpy(plain_centers, centers, sizeof(centers));
		rounds = plain_lloyd(&points, k, plain_centers, plain_clusters);
		(void) kmeans_improve(&points, k, &run, &host);
		assert_memory_equal(clusters, plain_clusters, n * sizeof(int));
		assert_memory_equal(centers, plain_centers, (size_t) (k * d) * sizeof(double));
		assert_true(run.converged);
		assert_int_equal(run.iterations, rounds);
	}
	assert_true(refilled > 100);
}

static double
inertia_of(const KmeansPoints *points, int k, const int *cluster)
{
	double		inertia = 0;

	int			d = points->dimensions;

	for (int c = 0; c < k; c++)
	{
		double		mean[MAX_D] = {0};
		double		size = 0;

		for (size_t i = 0; i < points->n; i++)
			if (cluster[i] == c)
			{
				size += points->weight[i];
				for (int j = 0; j < d; j++)
					mean[j] += points->weight[i] * points->x[i * (size_t) d + (size_t) j];
			}
		for (int j = 0; j < d; j++)
			mean[j] /= size;
		for (size_t i = 0; i < points->n; i++)
			if (cluster[i] == c)
				inertia += points->weight[i] * plain_square(points->x + i * (size_t) d, mean, d);
	}
	return inertia;
}

/* The best of all partitions of a few points is found. */
static void
test_best_partition(void **state)
{
	(void) state;
	random_seed(&draws, 2, 1);
	for (int times = 0; times < 60; times++)
	{
		int			k = 2 + times % 3;
		size_t		n = 5 + random_below(&draws, 4);
		KmeansPoints points = some_points(n, 1 + times % 3, times % 4);
		double		best = INFINITY;
		double		centers[MAX_K * MAX_D];
		int			partition[9] = {0};
		int			agreeing;
		KmeansRun	run = {.centers = centers, .cluster = clusters};

		for (;;)
		{
			size_t		at = 0;

			best = fmin(best, inertia_of(&points, k, partition));
			while (at < n && ++partition[at] == k)
				partition[at++] = 0;
			if (at == n)
				break;
		}
		assert_int_equal(kmeans_best(&points, k, times, 100, &run, &agreeing, &host), k);
		assert_near(run.inertia, best, 1e-12);
		assert_near(inertia_of(&points, k, clusters), best, 1e-12);
		assert_true(agreeing >= 1 && agreeing <= 100);
		for (int c = 1; c < k; c++)
			assert_true(centers[(c - 1) * points.dimensions] <= centers[c * points.dimensions]);
	}
}

/* More starts are never worse, and k-means++ draws each point at most once. */
static void
test_starts(void **state)
{
	KmeansPoints points;
	double		centers[MAX_K * MAX_D];
	KmeansRun	run = {.centers = centers, .cluster = clusters};
	double		before = INFINITY;
	int			agreeing;

	(void) state;
	random_seed(&draws, 3, 1);
	points = some_points(500, 2, 2);
	for (int starts = 1; starts <= 64; starts *= 2)
	{
		assert_int_equal(kmeans_best(&points, 7, 9, starts, &run, &agreeing, &host), 7);
		assert_true(run.inertia <= before * (1 + 1e-15));
		before = run.inertia;
	}
	points = some_points(10, 2, 0);
	for (int seed = 0; seed < 50; seed++)
	{
		assert_int_equal(kmeans_seed(&points, 10, seed, 0, centers, &host), 10);
		for (int a = 0; a < 10; a++)
			for (int b = 0; b < a; b++)
				assert_true(plain_square(centers + 2 * a, centers + 2 * b, 2) > 0);
	}
	/* all equal: one center, and no more */
	for (int i = 0; i < 20; i++)
		coordinates[i] = 0.25;
	assert_int_equal(kmeans_seed(&points, 2, 1, 0, centers, &host), 1);
	assert_int_equal(kmeans_best(&points, 2, 1, 10, &run, &agreeing, &host), 1);
	/* points that differ by less than squares can tell are not told apart */
	coordinates[0] += 1e-170;
	assert_int_equal(kmeans_best(&points, 2, 1, 10, &run, &agreeing, &host), 1);
}

/* ---- rows ---- */

typedef struct Outcome
{
	double		inertia;
	double		centers[5 * 3];
	InputScaling scaling[3];
} Outcome;

static Outcome
outcome_of(const double *rows, size_t n)
{
	Outcome		outcome;
	ScaledPoints scaled;
	int		   *cluster = host_allocate(&host, n * sizeof(int));
	KmeansRun	run = {.centers = outcome.centers, .cluster = cluster};
	int			agreeing;

	memset(&outcome, 0, sizeof(outcome));
	outcome.scaling[0].method = SCALING_LOG1P_ZSCORE;
	outcome.scaling[1].method = SCALING_ROBUST;
	outcome.scaling[2].method = SCALING_ZSCORE;
	assert_int_equal(scale_points(rows, n, 3, 0, outcome.scaling, &scaled, &host), -1);
	assert_int_equal(kmeans_best(&scaled.points, 5, 4, 3, &run, &agreeing, &host), 5);
	outcome.inertia = run.inertia;
	free(scaled.x);
	free(scaled.counts);
	free(scaled.order);
	free(scaled.facts);
	free(cluster);
	return outcome;
}

static void
shuffle(double *rows, size_t n, size_t width)
{
	for (size_t i = n - 1; i > 0; i--)
	{
		size_t		j = random_below(&draws, i + 1);
		double		row[MAX_D];

		memcpy(row, rows + i * width, width * sizeof(double));
		memcpy(rows + i * width, rows + j * width, width * sizeof(double));
		memcpy(rows + j * width, row, width * sizeof(double));
	}
}

/* The same bits in any order, and with equal rows added up; also where a sample starts. */
static void
test_order(void **state)
{
	(void) state;
	random_seed(&draws, 5, 1);
	for (int large = 0; large < 2; large++)
	{
		size_t		n = large ? 60000 : 4000;
		double	   *rows = host_allocate(&host, n * 4 * sizeof(double));
		Outcome		first,
					again;

		for (size_t i = 0; i < n; i++)
		{
			rows[4 * i] = 1.0;
			rows[4 * i + 1] = floor(1000 * draw() * draw());
			rows[4 * i + 2] = 1 + floor(1 / (0.05 + draw()));
			rows[4 * i + 3] = floor(1e5 * draw() * draw()) / (large ? 7 : 100);
			if (i % 3 == 0 && i > 0)
				memcpy(rows + 4 * i, rows + 4 * (i - 1), 4 * sizeof(double));
		}
		first = outcome_of(rows, n);
		for (int times = 0; times < 3; times++)
		{
			shuffle(rows, n, 4);
			again = outcome_of(rows, n);
			assert_memory_equal(&first, &again, sizeof(first));
		}
		/* half of the rows stand for two, the rest are left out: as if each came twice */
		for (size_t i = 0; i < n / 2; i++)
			memcpy(rows + 4 * (n / 2 + i), rows + 4 * i, 4 * sizeof(double));
		first = outcome_of(rows, n);
		for (size_t i = 0; i < n / 2; i++)
			rows[4 * i] = 2.0;
		again = outcome_of(rows, n / 2);
		assert_memory_equal(&first, &again, sizeof(first));
		free(rows);
	}
}

/* ---- scaling ---- */

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a,
				y = *(const double *) b;

	return (x > y) - (x < y);
}

static double
quantile(const double *sorted, size_t n, double p)
{
	double		at = (double) (n - 1) * p;
	size_t		low = (size_t) floor(at);

	if (low + 1 == n)
		return sorted[low];
	return sorted[low] + (at - (double) low) * (sorted[low + 1] - sorted[low]);
}

static void
test_scaling(void **state)
{
	double		rows[2 * 500];
	double		values[1500];
	double		counts[500];
	size_t		order[500];

	(void) state;
	random_seed(&draws, 6, 1);
	for (int times = 0; times < 300; times++)
	{
		size_t		n = 1 + random_below(&draws, 500);
		size_t		total = 0;
		double		unit = times % 5 == 0 ? pow(10, (double) random_below(&draws, 280) - 140) : 1;
		ScalingMethod method = (ScalingMethod) (times % SCALING_METHODS);
		InputScaling scaling = {method, 0, 0};
		InputFacts	facts;
		double		mean = 0,
					square = 0;

		for (size_t i = 0; i < n; i++)
		{
			double		x = unit *
				(times % 7 < 3 ? floor(6 * draw()) : 40 * draw() - (times % 2) * 20);

			order[i] = i;
			rows[2 * i] = counts[i] = 1 + (double) random_below(&draws, 3);
			rows[2 * i + 1] = x + 0.0;
			for (int j = 0; j < (int) counts[i]; j++)
				values[total++] = x + 0.0;
		}
		scaling_fit(&scaling, &facts, rows, order, counts, n, 2, 1, &host);
		assert_true(scaling.scale > 0);
		for (size_t i = 0; i < total; i++)
		{
			double		x = scaling_apply(&scaling, values[i]);

			assert_near(scaling_invert(&scaling, x) / unit, values[i] / unit, 1e-9);
			mean += x / (double) total;
			square += x * x / (double) total;
			if (method == SCALING_LOG1P || method == SCALING_LOG1P_ZSCORE ||
				method == SCALING_LOG1P_ROBUST)
				values[i] = copysign(log1p(fabs(values[i])), values[i]);
		}
		qsort(values, total, sizeof(double), compare_doubles);
		if (method == SCALING_ZSCORE || method == SCALING_LOG1P_ZSCORE)
		{
			assert_near(mean, 0, 1e-10);
			assert_near(square, facts.distinct == 1 ? 0 : 1, 1e-10);
		}
		else if (method == SCALING_ROBUST || method == SCALING_LOG1P_ROBUST)
		{
			double		range = quantile(values, total, .75) - quantile(values, total, .25);

			assert_near(scaling.shift / unit, quantile(values, total, .5) / unit, 1e-14);
			assert_true(facts.middle_is_one == (range == 0 && facts.distinct > 1));
			if (range > 0)
				assert_near(scaling.scale / unit, range / 1.3489795003921634 / unit, 1e-13);
		}
		else
			assert_true(scaling.shift == 0 && scaling.scale == 1);
	}
}

/* Facts that notes are made of */
static void
test_facts(void **state)
{
	static const double value[] = {1, 5, 1, 7, 1, -2};
	static const double counts[] = {3, 2, 1, 1, 4, 4};
	double		rows[12];
	size_t		order[6];
	InputScaling scaling = {SCALING_ZSCORE, 0, 0};
	InputFacts	facts;

	(void) state;
	for (int i = 0; i < 6; i++)
	{
		order[i] = (size_t) i;
		rows[2 * i] = counts[i];
		rows[2 * i + 1] = value[i];
	}
	scaling_fit(&scaling, &facts, rows, order, counts, 6, 2, 1, &host);
	assert_int_equal(facts.distinct, 4);
	assert_true(facts.most_common == 1 && fabs(facts.most_common_share - 8.0 / 15) < 1e-15);
	/* exactly half is not more than half */
	scaling_fit(&scaling, &facts, rows, order, (const double[]) {2, 2, 2, 1, 4, 5}, 6, 2, 1, &host);
	assert_true(facts.most_common_share == 0);
	scaling_fit(&scaling, &facts, rows, order, counts, 1, 2, 1, &host);
	assert_true(facts.distinct == 1 && facts.most_common_share == 1);
	assert_true(scaling.shift == 1 && scaling.scale == 1);
}

/* What a scaled value can't be is said; what is tiny or huge together is no matter. */
static void
test_ranges(void **state)
{
	static const double scales[] = {1e-320, 1e-300, 1e-150, 1, 1e149};

	(void) state;
	for (int s = 0; s < 5; s++)
	{
		double		rows[2 * 6];
		double		centers[2];
		int			cluster[6];
		InputScaling scaling = {SCALING_NONE, 0, 0};
		ScaledPoints scaled;
		KmeansRun	run = {.centers = centers, .cluster = cluster};
		int			agreeing;

		for (int i = 0; i < 6; i++)
		{
			rows[2 * i] = 1;
			rows[2 * i + 1] = (i < 3 ? 1 + i : 7 + i) * scales[s];
		}
		assert_int_equal(scale_points(rows, 6, 1, 0, &scaling, &scaled, &host), -1);
		assert_int_equal(kmeans_best(&scaled.points, 2, 1, 5, &run, &agreeing, &host), 2);
		for (int i = 0; i < 6; i++)
			assert_int_equal(run.cluster[i], scaled.order[i] >= 3);
		free(scaled.x);
		free(scaled.counts);
		free(scaled.order);
		free(scaled.facts);
	}
	{
		double		rows[2 * 5] = {1, 0, 1, 1e-300, 1, 2e-300, 1, 3e-300, 1, 1e150};
		InputScaling scaling = {SCALING_ROBUST, 0, 0};
		ScaledPoints scaled;

		assert_int_equal(scale_points(rows, 5, 1, 0, &scaling, &scaled, &host), 0);
		free(scaled.x);
		free(scaled.counts);
		free(scaled.order);
		free(scaled.facts);
	}
}

/* ---- silhouettes ---- */

static double
plain_silhouette(const KmeansPoints *points, const int *cluster, int k, size_t i)
{
	double		sum[MAX_K] = {0};
	double		size[MAX_K] = {0};
	double		a,
				b = INFINITY;

	for (size_t j = 0; j < points->n; j++)
	{
		sum[cluster[j]] += points->weight[j] *
			sqrt(plain_square(points->x + i * (size_t) points->dimensions,
							  points->x + j * (size_t) points->dimensions, points->dimensions));
		size[cluster[j]] += points->weight[j];
	}
	if (size[cluster[i]] == 1)
		return 0;
	a = sum[cluster[i]] / (size[cluster[i]] - 1);
	for (int c = 0; c < k; c++)
		if (c != cluster[i])
			b = fmin(b, sum[c] / size[c]);
	return a == b ? 0 : (b - a) / fmax(a, b);
}

static void
test_silhouettes(void **state)
{
	double		value[MAX_POINTS];

	(void) state;
	random_seed(&draws, 7, 1);
	for (int times = 0; times < 40; times++)
	{
		int			k = 2 + times % 6;
		KmeansPoints points = some_points(100 + (size_t) times, 1 + times % MAX_D, times % 8);

		for (size_t i = 0; i < points.n; i++)
			clusters[i] = (int) (i < (size_t) k ? i :
								 random_below(&draws, times % 4 == 0 ? 2 : (uint64_t) k));
		silhouettes(&points, clusters, k, value, &host);
		for (size_t i = 0; i < points.n; i++)
			assert_near(value[i], plain_silhouette(&points, clusters, k, i), 1e-12);
		silhouettes(&points, clusters, 1, value, &host);
		assert_true(isnan(value[0]));
	}
}

/* Beyond the limit a sample stands in: each is near the exact value, and their mean nearer. */
static void
test_sampled_silhouettes(void **state)
{
	size_t		n = SILHOUETTE_EXACT + 1;
	double	   *x = host_allocate(&host, n * 2 * sizeof(double));
	double	   *weight = host_allocate(&host, n * sizeof(double));
	double	   *value = host_allocate(&host, n * sizeof(double));
	int		   *cluster = host_allocate(&host, n * sizeof(int));
	KmeansPoints points = {n, 2, x, weight, 0};
	double		mean = 0,
				exact_mean = 0,
				rows = 0;

	(void) state;
	random_seed(&draws, 8, 1);
	for (size_t i = 0; i < n; i++)
	{
		cluster[i] = (int) (i % 5);
		weight[i] = 1 + (double) random_below(&draws, 30);
		points.total += weight[i];
		x[2 * i] = 0.5 * sin(cluster[i]) + 0.3 * draw() * draw();
		x[2 * i + 1] = 0.5 * cos(cluster[i]) + 0.3 * draw();
	}
	silhouettes(&points, cluster, 5, value, &host);
	for (size_t i = 0; i < n; i += 40)
	{
		double		exact = plain_silhouette(&points, cluster, 5, i);

		assert_true(fabs(value[i] - exact) < 0.05);
		mean += value[i];
		exact_mean += exact;
		rows++;
	}
	assert_true(fabs(mean - exact_mean) / rows < 0.01);
	free(x);
	free(weight);
	free(value);
	free(cluster);
}

/* A sample has as many rows as it is said to, each point in its proportion. */
static void
test_sample_rows(void **state)
{
	double		sample[MAX_POINTS];

	(void) state;
	random_seed(&draws, 9, 1);
	for (int times = 0; times < 100; times++)
	{
		size_t		n = 1 + random_below(&draws, MAX_POINTS);
		double		total = 0,
					rows,
					sum = 0;

		for (size_t i = 0; i < n; i++)
			total += weights[i] = 1 + (double) random_below(&draws, times % 2 ? 1 : 1000);
		rows = 1 + floor(draw() * total);
		sample_rows(weights, n, total, rows, sample);
		for (size_t i = 0; i < n; i++)
		{
			assert_true(fabs(sample[i] - weights[i] / total * rows) < 1.0000001);
			sum += sample[i];
		}
		assert_true(sum == rows);
		sample_rows(weights, n, total, INFINITY, sample);
		assert_memory_equal(sample, weights, n * sizeof(double));
	}
}

/* ---- choice of k ---- */

/* Five lumps are five clusters, by every figure; figures against their definitions. */
static void
test_choices(void **state)
{
	KmeansPoints points;
	KmeansChoice choices[8];
	double		mean[2] = {0};
	double		total = 0;

	(void) state;
	random_seed(&draws, 10, 1);
	points = some_points(1500, 2, 3);
	for (int i = 0; i < 8; i++)
		choices[i].k = i + 1;
	assert_int_equal(kmeans_choices(&points, choices, 8, 1, 10, &host), 8);
	for (size_t i = 0; i < points.n; i++)
		for (int j = 0; j < 2; j++)
			mean[j] += points.weight[i] * points.x[2 * i + (size_t) j] / points.total;
	for (size_t i = 0; i < points.n; i++)
		total += points.weight[i] * plain_square(points.x + 2 * i, mean, 2);
	assert_near(choices[0].inertia, total, 1e-11);
	assert_true(isnan(choices[0].silhouette) && isnan(choices[0].calinski_harabasz));
	assert_true(choices[0].stability == 1 && choices[0].smallest == points.total);
	for (int i = 0; i < 8; i++)
	{
		assert_true(i == 0 || choices[i].inertia < choices[i - 1].inertia);
		assert_true(choices[i].least_stability <= choices[i].stability);
		assert_true(choices[i].stability <= 1);
		if (i == 0)
			continue;
		assert_near(choices[i].calinski_harabasz, (total - choices[i].inertia) / i /
					(choices[i].inertia / (points.total - i - 1)), 1e-10);
		assert_true(choices[4].silhouette >= choices[i].silhouette);
		assert_true(choices[4].calinski_harabasz >= choices[i].calinski_harabasz);
	}
	assert_true(choices[4].least_stability > 0.999);
	assert_true(choices[7].stability < 0.9);
	/* no figures where there are no points */
	points = some_points(3, 2, 0);
	assert_int_equal(kmeans_choices(&points, choices, 8, 1, 10, &host), 3);
	assert_true(isnan(choices[2].calinski_harabasz) && choices[2].inertia == 0);
}

/* ---- matching ---- */

static double
best_cost(const double *cost, int n, int row, unsigned taken)
{
	double		best = INFINITY;

	if (row == n)
		return 0;
	for (int j = 0; j < n; j++)
		if (!(taken & (1u << j)))
			best = fmin(best, cost[row * n + j] + best_cost(cost, n, row + 1, taken | (1u << j)));
	return best;
}

static void
test_matching(void **state)
{
	(void) state;
	random_seed(&draws, 11, 1);
	for (int times = 0; times < 400; times++)
	{
		int			n = 1 + times % 7;
		double		cost[49];
		int			column[7];
		unsigned	taken = 0;
		double		sum = 0;

		for (int i = 0; i < n * n; i++)
			cost[i] = times % 3 == 0 ? floor(4 * draw()) :
				times % 3 == 1 ? draw() : 1e3 * draw() - 500;
		least_matching(cost, n, column, &host);
		for (int i = 0; i < n; i++)
		{
			assert_true(column[i] >= 0 && column[i] < n && !(taken & (1u << column[i])));
			taken |= 1u << column[i];
			sum += cost[i * n + column[i]];
		}
		assert_near(sum, best_cost(cost, n, 0, 0), 1e-12);
	}
}

/* Everything long looks at interrupts. */
static void
test_interrupts(void **state)
{
	KmeansPoints points;
	double		centers[MAX_K * MAX_D];
	double		value[MAX_POINTS];
	KmeansRun	run = {.centers = centers, .cluster = clusters};

	(void) state;
	random_seed(&draws, 12, 1);
	points = some_points(MAX_POINTS, 2, 0);
	host_checks = 0;
	assert_int_equal(kmeans_seed(&points, 4, 1, 0, centers, &host), 4);
	assert_true(host_checks >= 4 * MAX_POINTS / 1024);
	host_checks = 0;
	(void) kmeans_improve(&points, 4, &run, &host);
	assert_true(host_checks >= run.iterations * MAX_POINTS / 1024);
	host_checks = 0;
	silhouettes(&points, clusters, 4, value, &host);
	assert_true(host_checks >= MAX_POINTS / 64);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_lloyd),
		cmocka_unit_test(test_best_partition),
		cmocka_unit_test(test_starts),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_scaling),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_silhouettes),
		cmocka_unit_test(test_sampled_silhouettes),
		cmocka_unit_test(test_sample_rows),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_matching),
		cmocka_unit_test(test_interrupts),
	};

	return cmocka_run_group_tests_name("kmeans", tests, NULL, NULL);
}
