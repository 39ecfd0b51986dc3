/*
 * kmeans.c
 *		k-means: k-means++ of Arthur and Vassilvitskii (2007) for the first
 *		centers, then Lloyd's algorithm with the bounds of Hamerly (2010).
 *
 * The bounds only spare work. A point is passed over when its center is nearer
 * than any other by more than all rounding together, so that the clusters of
 * every round are those that Lloyd's algorithm finds by looking at all of them.
 *
 * Sums of coordinates are integers: coordinates are within -1 .. 1 and counted
 * in units of 2^-62, which loses something only of those that are smaller than
 * 2^-9, and far less than a double's rounding of the others. So a point can be
 * taken from one cluster and put into another without a trace, and a center is
 * its exact mean, rounded once.
 */
#include "kmeans.h"
#include "random.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Points of a block: between two looks at interrupts, and for sums of doubles */
#define BLOCK			1024

/*
 * More than all rounding of distances and bounds together, times the root of
 * the dimensions: distances are at most 2, each is right to 1e-13, and so are
 * 300 rounds of bounds.
 */
#define SLACK			1e-11

/* Units of the sums */
#define UNITS			0x1p62

/* A start agrees with the best if it is that near. */
#define AGREEING		1e-4

typedef __int128 Wide __attribute__((aligned(8)));	/* as memory comes */

typedef struct Work
{
	const KmeansPoints *points;
	const Host *host;
	int			k;
	double		slack;
	double	   *centers;		/* k by dimensions */
	double	   *previous;
	Wide	   *sum;			/* the same, in UNITS */
	double	   *weight;			/* of each cluster */
	double	   *half;			/* half of the way to the nearest other center */
	double	   *moved;			/* how far each center has moved */
	int			farthest_moved; /* the center that has moved most, */
	double		most_moved;		/* that far, */
	double		next_moved;		/* and the others at most */
	int		   *cluster;
	double	   *upper;			/* at least the distance from the own center */
	double	   *lower;			/* at most the distance from any other */
} Work;

/* ---- distances ---- */

static inline double
square_distance(const double *a, const double *b, int dimensions)
{
	double		square = 0.0;

	for (int i = 0; i < dimensions; i++)
	{
		double		off = a[i] - b[i];

		square += off * off;
	}
	return square;
}

/* The two least squares of the distances; the first center of equals */
static inline int
two_nearest(const double *x, const double *centers, int k, int dimensions,
			double *first, double *second)
{
	int			nearest = 0;

	*first = square_distance(x, centers, dimensions);
	*second = INFINITY;
	for (int c = 1; c < k; c++)
	{
		double		square = square_distance(x, centers + (size_t) c * (size_t) dimensions,
											 dimensions);

		if (square < *first)
		{
			*second = *first;
			*first = square;
			nearest = c;
		}
		else if (square < *second)
			*second = square;
	}
	return nearest;
}

int
kmeans_nearest(const double *x, const double *centers, int k, int dimensions, double *square)
{
	double		second;

	return two_nearest(x, centers, k, dimensions, square, &second);
}

/* A sum over points: blocks are summed first, so that it stays precise. */
double
kmeans_assign_all(const KmeansPoints *points, int k, const double *centers, int *cluster,
				  const Host *host)
{
	size_t		dimensions = (size_t) points->dimensions;
	double		inertia = 0.0;

	for (size_t start = 0; start < points->n; start += BLOCK)
	{
		size_t		end = start + BLOCK < points->n ? start + BLOCK : points->n;
		double		sum = 0.0;

		host->check();
		for (size_t i = start; i < end; i++)
		{
			double		square;

			cluster[i] = kmeans_nearest(points->x + i * dimensions, centers, k,
										points->dimensions, &square);
			sum += points->weight[i] * square;
		}
		inertia += sum;
	}
	return inertia;
}

/* ---- k-means++ ---- */

/*
 * The point where a running sum of weight times square passes "target" of the
 * total; "sums" has those of the blocks. A point of no weight is never drawn.
 */
static size_t
draw_point(const KmeansPoints *points, const double *square, const double *sums, double target)
{
	size_t		block = 0;
	size_t		last = 0;
	size_t		blocks = (points->n + BLOCK - 1) / BLOCK;

	while (block + 1 < blocks && target >= sums[block])
		target -= sums[block++];
	/* Rounding may leave the target behind the end: then it is the last that has a weight. */
	for (size_t i = block * BLOCK; i < points->n && i < (block + 1) * BLOCK; i++)
	{
		double		share = points->weight[i] * (square == NULL ? 1.0 : square[i]);

		if (share > 0.0)
		{
			last = i;
			if (target < share)
				return i;
		}
		target -= share;
	}
	if (square != NULL && !(square[last] > 0.0))
		for (size_t i = 0; i < points->n; i++)
			if (square[i] > square[last])
				last = i;
	return last;
}

int
kmeans_seed(const KmeansPoints *points, int k, int32_t seed, int start, double *centers,
			const Host *host)
{
	size_t		dimensions = (size_t) points->dimensions;
	size_t		blocks = (points->n + BLOCK - 1) / BLOCK;
	double	   *square = host_allocate(host, points->n * sizeof(double));
	double	   *sums = host_allocate(host, blocks * sizeof(double));
	Random		random;
	int			found = 0;

	random_seed(&random, seed, start);
	while (found < k)
	{
		const double *center;
		double		total = 0.0;
		size_t		drawn;

		/* the weights alone for the first, then by what is not yet near a center */
		for (size_t block = 0; block < blocks; block++)
		{
			size_t		first = block * BLOCK;
			size_t		end = first + BLOCK < points->n ? first + BLOCK : points->n;
			double		sum = 0.0;

			host->check();
			center = found > 0 ? centers + (size_t) (found - 1) * dimensions : NULL;
			for (size_t i = first; i < end; i++)
			{
				double		here = 1.0;

				if (found > 0)
				{
					here = square_distance(points->x + i * dimensions, center,
										   points->dimensions);
					if (found > 1 && square[i] < here)
						here = square[i];
					square[i] = here;
				}
				sum += points->weight[i] * here;
			}
			sums[block] = sum;
			total += sum;
		}
		if (!(total > 0.0))
			break;
		drawn = draw_point(points, found > 0 ? square : NULL, sums,
						   random_double(&random) * total);
		memcpy(centers + (size_t) found * dimensions, points->x + drawn * dimensions,
			   dimensions * sizeof(double));
		found++;
	}
	host->release(square);
	host->release(sums);
	return found;
}

/* ---- Lloyd's algorithm ---- */

static inline void
add_point(Work *work, size_t i, int c, double weight)
{
	size_t		dimensions = (size_t) work->points->dimensions;
	const double *x = work->points->x + i * dimensions;
	Wide	   *sum = work->sum + (size_t) c * dimensions;

	work->weight[c] += weight;
	for (size_t j = 0; j < dimensions; j++)
		sum[j] += (Wide) (int64_t) weight * (int64_t) (x[j] * UNITS);
}

static inline void
move_point(Work *work, size_t i, int to)
{
	add_point(work, i, work->cluster[i], -work->points->weight[i]);
	add_point(work, i, to, work->points->weight[i]);
	work->cluster[i] = to;
}

/* Every point to the center it is nearest to, all of them compared */
static void
assign_first(Work *work)
{
	const KmeansPoints *points = work->points;
	size_t		dimensions = (size_t) points->dimensions;

	memset(work->sum, 0, (size_t) work->k * dimensions * sizeof(Wide));
	memset(work->weight, 0, (size_t) work->k * sizeof(double));
	for (size_t i = 0; i < points->n; i++)
	{
		double		first,
					second;

		if (i % BLOCK == 0)
			work->host->check();
		work->cluster[i] = two_nearest(points->x + i * dimensions, work->centers, work->k,
									   points->dimensions, &first, &second);
		work->upper[i] = sqrt(first);
		work->lower[i] = sqrt(second);
		add_point(work, i, work->cluster[i], points->weight[i]);
	}
}

/* The same again, where it may have changed; returns how many points changed. */
static inline size_t
assign_range(Work *work, size_t start, size_t end, int dimensions)
{
	const double *x = work->points->x + start * (size_t) dimensions;
	size_t		changed = 0;

	for (size_t i = start; i < end; i++, x += dimensions)
	{
		int			c = work->cluster[i];
		double		upper = work->upper[i] + work->moved[c];
		double		lower = work->lower[i] -
			(c == work->farthest_moved ? work->next_moved : work->most_moved);
		double		near = lower > work->half[c] ? lower : work->half[c];

		if (!(upper + work->slack < near))
		{
			upper = sqrt(square_distance(x, work->centers + (size_t) c * (size_t) dimensions,
										 dimensions));
			if (!(upper + work->slack < near))
			{
				int			nearest = two_nearest(x, work->centers, work->k, dimensions,
												  &upper, &lower);

				upper = sqrt(upper);
				lower = sqrt(lower);
				if (nearest != c)
				{
					move_point(work, i, nearest);
					changed++;
				}
			}
		}
		work->upper[i] = upper;
		work->lower[i] = lower;
	}
	return changed;
}

/* A few dimensions are what it is for: the compiler knows their number. */
static size_t
assign_again(Work *work)
{
	size_t		n = work->points->n;
	size_t		changed = 0;

	for (size_t start = 0; start < n; start += BLOCK)
	{
		size_t		end = start + BLOCK < n ? start + BLOCK : n;

		work->host->check();
		switch (work->points->dimensions)
		{
			case 1:
				changed += assign_range(work, start, end, 1);
				break;
			case 2:
				changed += assign_range(work, start, end, 2);
				break;
			case 3:
				changed += assign_range(work, start, end, 3);
				break;
			case 4:
				changed += assign_range(work, start, end, 4);
				break;
			default:
				changed += assign_range(work, start, end, work->points->dimensions);
				break;
		}
	}
	return changed;
}

/*
 * A cluster without points takes the point that is farthest from its center,
 * the first of equals, out of a cluster that has others.
 */
static void
fill_empty(Work *work)
{
	const KmeansPoints *points = work->points;
	size_t		dimensions = (size_t) points->dimensions;

	for (int c = 0; c < work->k; c++)
	{
		double		farthest = 0.0;
		size_t		at = 0;

		if (work->weight[c] > 0.0)
			continue;
		for (size_t i = 0; i < points->n; i++)
		{
			const double *center = work->centers + (size_t) work->cluster[i] * dimensions;
			double		square;

			if (i % BLOCK == 0)
				work->host->check();
			square = square_distance(points->x + i * dimensions, center, points->dimensions);
			if (square > farthest && points->weight[i] < work->weight[work->cluster[i]])
			{
				farthest = square;
				at = i;
			}
		}
		if (!(farthest > 0.0))
			continue;
		move_point(work, at, c);
		memcpy(work->centers + (size_t) c * dimensions, points->x + at * dimensions,
			   dimensions * sizeof(double));
		/* of the center to come, which is the point; nothing is known of the others */
		work->upper[at] = 0.0;
		work->lower[at] = 0.0;
	}
}

/* Centers become the means of their points. */
static void
update_centers(Work *work)
{
	int			k = work->k;
	size_t		dimensions = (size_t) work->points->dimensions;

	work->farthest_moved = 0;
	work->most_moved = work->next_moved = 0.0;
	for (int c = 0; c < k; c++)
	{
		double	   *center = work->centers + (size_t) c * dimensions;
		const Wide *sum = work->sum + (size_t) c * dimensions;

		if (work->weight[c] > 0.0)
		{
			for (size_t j = 0; j < dimensions; j++)
				center[j] = (double) sum[j] / work->weight[c] / UNITS;
		}
		work->moved[c] = sqrt(square_distance(center, work->previous + (size_t) c * dimensions,
											  (int) dimensions));
		if (work->moved[c] > work->most_moved)
		{
			work->next_moved = work->most_moved;
			work->most_moved = work->moved[c];
			work->farthest_moved = c;
		}
		else if (work->moved[c] > work->next_moved)
			work->next_moved = work->moved[c];
		work->half[c] = INFINITY;
	}
	for (int c = 0; c < k; c++)
	{
		for (int other = 0; other < c; other++)
		{
			double		half = sqrt(square_distance(work->centers + (size_t) c * dimensions,
													work->centers + (size_t) other * dimensions,
													(int) dimensions)) / 2;

			work->half[c] = fmin(work->half[c], half);
			work->half[other] = fmin(work->half[other], half);
		}
	}
}

static double
inertia_of(const Work *work)
{
	const KmeansPoints *points = work->points;
	size_t		dimensions = (size_t) points->dimensions;
	double		inertia = 0.0;

	for (size_t start = 0; start < points->n; start += BLOCK)
	{
		size_t		end = start + BLOCK < points->n ? start + BLOCK : points->n;
		double		sum = 0.0;

		for (size_t i = start; i < end; i++)
			sum += points->weight[i] *
				square_distance(points->x + i * dimensions,
								work->centers + (size_t) work->cluster[i] * dimensions,
								points->dimensions);
		inertia += sum;
	}
	return inertia;
}

int
kmeans_improve(const KmeansPoints *points, int k, KmeansRun *run, const Host *host)
{
	size_t		coordinates = (size_t) k * (size_t) points->dimensions;
	Work		work = {
		.points = points,
		.host = host,
		.k = k,
		.slack = SLACK * sqrt(points->dimensions),
		.centers = run->centers,
		.previous = host_allocate(host, coordinates * sizeof(double)),
		.sum = host_allocate(host, coordinates * sizeof(Wide)),
		.weight = host_allocate(host, (size_t) k * sizeof(double)),
		.half = host_allocate(host, (size_t) k * sizeof(double)),
		.moved = host_allocate(host, (size_t) k * sizeof(double)),
		.cluster = run->cluster,
		.upper = host_allocate(host, points->n * sizeof(double)),
		.lower = host_allocate(host, points->n * sizeof(double))
	};
	int			clusters = 0;

	run->converged = false;
	assign_first(&work);
	for (run->iterations = 1;; run->iterations++)
	{
		memcpy(work.previous, work.centers, coordinates * sizeof(double));
		fill_empty(&work);
		update_centers(&work);
		run->converged = assign_again(&work) == 0;
		if (run->converged || run->iterations == KMEANS_MAX_ITERATIONS)
			break;
	}
	run->inertia = inertia_of(&work);
	for (int c = 0; c < k; c++)
		clusters += work.weight[c] > 0.0;
	host->release(work.previous);
	host->release(work.sum);
	host->release(work.weight);
	host->release(work.half);
	host->release(work.moved);
	host->release(work.upper);
	host->release(work.lower);
	return clusters;
}

/* ---- the best of some starts ---- */

void
sample_rows(const double *weight, size_t n, double total, double rows, double *sample)
{
	double		step = total / rows;
	double		before = 0.0;

	for (size_t i = 0; i < n; i++)
	{
		double		after = before + weight[i];

		if (rows >= total)
			sample[i] = weight[i];
		else
			sample[i] = ceil(after / step - 0.5) - ceil(before / step - 0.5);
		before = after;
	}
}


static int
compare_centers(const double *a, const double *b, int dimensions)
{
	for (int i = 0; i < dimensions; i++)
	{
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}

static void
sort_centers(double *centers, int k, int dimensions)
{
	size_t		width = (size_t) dimensions;
	double		center[KMEANS_MAX_DIMENSIONS];

	for (int i = 1; i < k; i++)
	{
		int			j = i;

		memcpy(center, centers + (size_t) i * width, width * sizeof(double));
		for (; j > 0 && compare_centers(centers + (size_t) (j - 1) * width, center,
										dimensions) > 0; j--)
			memcpy(centers + (size_t) j * width, centers + (size_t) (j - 1) * width,
				   width * sizeof(double));
		memcpy(centers + (size_t) j * width, center, width * sizeof(double));
	}
}

/* The best of so many starts on these points alone; returns as kmeans_best does. */
static int
best_start(const KmeansPoints *points, int k, int32_t seed, int starts, KmeansRun *run,
		   int *agreeing, const Host *host)
{
	size_t		coordinates = (size_t) k * (size_t) points->dimensions;
	double	   *inertia = host_allocate(host, (size_t) starts * sizeof(double));
	KmeansRun	trial = {.cluster = run->cluster};
	int			clusters = k;

	trial.centers = host_allocate(host, coordinates * sizeof(double));
	run->inertia = INFINITY;
	for (int start = 0; start < starts && clusters == k; start++)
	{
		clusters = kmeans_seed(points, k, seed, start, trial.centers, host);
		if (clusters < k)
			break;
		clusters = kmeans_improve(points, k, &trial, host);
		inertia[start] = trial.inertia;
		if (trial.inertia < run->inertia)
		{
			memcpy(run->centers, trial.centers, coordinates * sizeof(double));
			run->inertia = trial.inertia;
			run->iterations = trial.iterations;
			run->converged = trial.converged;
		}
	}
	*agreeing = 0;
	for (int start = 0; start < starts && clusters == k; start++)
		*agreeing += inertia[start] <= run->inertia * (1 + AGREEING);
	host->release(trial.centers);
	host->release(inertia);
	return clusters;
}

/* The same from a sample of the rows, as far as it has k points. */
static int
best_start_of_sample(const KmeansPoints *points, int k, int32_t seed, int starts, KmeansRun *run,
					 int *agreeing, const Host *host)
{
	size_t		dimensions = (size_t) points->dimensions;
	double	   *weight = host_allocate(host, points->n * sizeof(double));
	double	   *x = host_allocate(host, KMEANS_START_POINTS * dimensions * sizeof(double));
	KmeansPoints some = {.dimensions = points->dimensions, .x = x, .weight = weight};
	int			clusters;

	sample_rows(points->weight, points->n, points->total, KMEANS_START_POINTS, weight);
	for (size_t i = 0; i < points->n; i++)
	{
		if (!(weight[i] > 0.0))
			continue;
		memcpy(x + some.n * dimensions, points->x + i * dimensions, dimensions * sizeof(double));
		some.total += weight[i];
		weight[some.n++] = weight[i];
	}
	clusters = best_start(&some, k, seed, starts, run, agreeing, host);
	host->release(weight);
	host->release(x);
	return clusters;
}

int
kmeans_best(const KmeansPoints *points, int k, int32_t seed, int starts, KmeansRun *run,
			int *agreeing, const Host *host)
{
	int			clusters;

	if (points->n > KMEANS_START_POINTS &&
		best_start_of_sample(points, k, seed, starts, run, agreeing, host) == k)
		clusters = kmeans_improve(points, k, run, host);
	else
		clusters = best_start(points, k, seed, starts, run, agreeing, host);
	if (clusters == k)
	{
		sort_centers(run->centers, k, points->dimensions);
		run->inertia = kmeans_assign_all(points, k, run->centers, run->cluster, host);
	}
	return clusters;
}
