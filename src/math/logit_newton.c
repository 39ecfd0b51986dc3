/*
 * logit_newton.c
 *		Logistic regression by Newton's method.
 *
 * Equal rows are added up and brought into an order of their own, so that no
 * order of arrival shows in the sums. They then stand in tiles, feature by
 * feature, standardised: each feature is scaled by a power of two, centred and
 * divided by its standard deviation, so that neither its unit nor its offset
 * spoils the solution. Weights are scaled by a power of two to a sum near 1.
 *
 * A maximum exists unless the labels can be separated by a hyperplane. With
 * separated labels Newton's steps never become short, although the likelihood
 * does not grow any more: along such a step no row gets less likely, which is
 * what is looked for, and proves it.
 */
#include "logit_newton.h"
#include "cholesky.h"
#include "distinct.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* LAPACK */
extern void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
				   double *w, double *work, const int *lwork, int *info);

#define MAX_ITERATIONS	100
#define MAX_PENALISED_ITERATIONS	1000
#define MAX_HALVINGS	40

/* The sum of weights being near 1, twice what a step can still gain */
#define CONVERGED		1e-18
#define PENALISED_CONVERGED	1e-30	/* where each step only shortens the next by a factor */

/* Below this gain, steps that stay long are suspicious. */
#define FLAT			1e-8
#define LONG_STEP		0.25

/* A row may get that much less likely, as part of what another one gains. */
#define SEPARATION_TOLERANCE	1e-6

/* The least eigenvalue of a correlation matrix that is not called zero */
#define LEAST_EIGENVALUE	1e-11

/* A feature is named if its part of the direction is at least this of the largest. */
#define NAMED_PART		1e-3

/* Rows of a tile, and tiles between two looks at interrupts */
#define TILE			128
#define TILES_PER_CHECK 512

/* Rows are fetched that far ahead; doubles of a cache line */
#define AHEAD			16
#define LINE			8

/* Two doubles at a time, on every machine */
typedef double Pair __attribute__((vector_size(16), aligned(8), may_alias));

typedef struct Problem
{
	const Host *host;
	int			features;
	int			size;			/* features + 1 */
	size_t		tiles;
	double	   *tile;			/* each: weights, then features, TILE of them */
	double		ridge;			/* to the weights' scale */
	bool		firth;			/* is the likelihood penalised? */
	double		unit;			/* a weight of 1 to their scale */

	/* of the last evaluation */
	double		log_likelihood;
	double	   *gradient;
	double	   *hessian;		/* lower triangle in columns, size by size; its opposite */
	int			all_right;		/* every row's label is the more likely one */
} Problem;

#define TILE_SIZE(problem)	((size_t) ((problem)->features + 1) * TILE)

size_t
logit_distinct(const double *rows, size_t n, int features,
			   size_t *order, double *counts, const Host *host)
{
	return distinct_rows(rows, n, (size_t) features + LOGIT_HEAD, 1, order, counts, host);
}

/* ---- sums over tiles ---- */

static inline double
sum_tile(const double *x)
{
	const Pair *a = (const Pair *) x;
	Pair		s0 = a[0],
				s1 = a[1];

	for (int i = 2; i < TILE / 2; i += 2)
	{
		s0 += a[i];
		s1 += a[i + 1];
	}
	s0 += s1;
	return s0[0] + s0[1];
}

static inline double
dot_tile(const double *x, const double *y)
{
	const Pair *a = (const Pair *) x;
	const Pair *b = (const Pair *) y;
	Pair		s0 = a[0] * b[0],
				s1 = a[1] * b[1],
				s2 = a[2] * b[2],
				s3 = a[3] * b[3];

	for (int i = 4; i < TILE / 2; i += 4)
	{
		s0 += a[i] * b[i];
		s1 += a[i + 1] * b[i + 1];
		s2 += a[i + 2] * b[i + 2];
		s3 += a[i + 3] * b[i + 3];
	}
	s0 += s1;
	s2 += s3;
	s0 += s2;
	return s0[0] + s0[1];
}

/* out = factor * x, and out += factor * x, and out = x * y */
static inline void
multiply_tile(double *out, const double *x, const double *y)
{
	Pair	   *to = (Pair *) out;
	const Pair *a = (const Pair *) x;
	const Pair *b = (const Pair *) y;

	for (int i = 0; i < TILE / 2; i++)
		to[i] = a[i] * b[i];
}

static inline void
add_multiple_tile(double *out, double factor, const double *x)
{
	Pair	   *to = (Pair *) out;
	const Pair *a = (const Pair *) x;
	Pair		f = {factor, factor};

	for (int i = 0; i < TILE / 2; i++)
		to[i] += f * a[i];
}

/* Intercept and features, times the direction */
static void
along(const Problem *problem, const double *tile, const double *direction, double *out)
{
	for (int i = 0; i < TILE; i++)
		out[i] = direction[0];
	for (int j = 1; j < problem->size; j++)
		add_multiple_tile(out, direction[j], tile + j * TILE);
}

/* Add the tile's part of sum(v x x'), the lower triangle. */
static void
add_products(const Problem *problem, const double *tile, const double *v, double *matrix)
{
	double		vx[TILE];
	int			size = problem->size;

	matrix[0] += sum_tile(v);
	for (int j = 1; j < size; j++)
	{
		multiply_tile(vx, v, tile + j * TILE);
		matrix[j] += sum_tile(vx);
		for (int i = 1; i <= j; i++)
			matrix[j + (size_t) i * size] += dot_tile(vx, tile + i * TILE);
	}
}

/* Log-likelihood, gradient and the opposite of the Hessian at beta. */
static void
evaluate(Problem *problem, const double *beta)
{
	double		x[TILE],
				residual[TILE],
				variance[TILE],
				likelihood[TILE];

	problem->log_likelihood = 0.0;
	problem->all_right = 1;
	memset(problem->gradient, 0, (size_t) problem->size * sizeof(double));
	memset(problem->hessian, 0, (size_t) problem->size * problem->size * sizeof(double));
	for (size_t t = 0; t < problem->tiles; t++)
	{
		const double *tile = problem->tile + t * TILE_SIZE(problem);
		int			wrong = 0;

		if (t % TILES_PER_CHECK == 0)
			problem->host->check();
		along(problem, tile, beta, x);
		for (int i = 0; i < TILE; i++)
		{
			double		signed_weight = tile[i];
			double		weight = fabs(signed_weight);
			double		margin = signed_weight < 0.0 ? -x[i] : x[i];
			double		e = exp(-fabs(x[i]));
			double		larger = 1.0 / (1.0 + e);
			double		smaller = e * larger;
			int			right = margin > 0.0;

			wrong |= !right && weight > 0.0;
			likelihood[i] = weight * ((right ? 0.0 : margin) - log1p(e));
			residual[i] = signed_weight * (right ? smaller : larger);
			variance[i] = weight * larger * smaller;
		}
		if (wrong)
			problem->all_right = 0;
		problem->log_likelihood += sum_tile(likelihood);
		problem->gradient[0] += sum_tile(residual);
		for (int j = 1; j < problem->size; j++)
			problem->gradient[j] += dot_tile(residual, tile + j * TILE);
		add_products(problem, tile, variance, problem->hessian);
	}
	for (int j = 1; j < problem->size; j++)
	{
		problem->log_likelihood -= 0.5 * problem->ridge * beta[j] * beta[j];
		problem->gradient[j] -= problem->ridge * beta[j];
		problem->hessian[j + (size_t) j * problem->size] += problem->ridge;
	}
}

/*
 * Add to the gradient what Firth's penalty adds, half of the logarithm of the
 * information's determinant; "factor" is the Cholesky factor of the information at
 * beta, and "solved" has room for a tile of all features. Returns the penalty.
 */
static double
add_penalty(Problem *problem, const double *beta, const double *factor, double *solved)
{
	int			size = problem->size;
	double		penalty = 0.0;
	double		x[TILE],
				part[TILE];

	for (size_t t = 0; t < problem->tiles; t++)
	{
		const double *tile = problem->tile + t * TILE_SIZE(problem);

		if (t % TILES_PER_CHECK == 0)
			problem->host->check();
		/* what each row takes of the information: the square of the solution of factor * y = x */
		memset(part, 0, sizeof(part));
		for (int j = 0; j < size; j++)
		{
			double	   *y = solved + (size_t) j * TILE;
			double		diagonal = factor[j + (size_t) j * size];

			for (int i = 0; i < TILE; i++)
				y[i] = j == 0 ? 1.0 : tile[(size_t) j * TILE + i];
			for (int k = 0; k < j; k++)
				add_multiple_tile(y, -factor[j + (size_t) k * size], solved + (size_t) k * TILE);
			for (int i = 0; i < TILE; i++)
			{
				y[i] /= diagonal;
				part[i] += y[i] * y[i];
			}
		}
		along(problem, tile, beta, x);
		for (int i = 0; i < TILE; i++)
		{
			double		e = exp(-fabs(x[i]));
			double		larger = 1.0 / (1.0 + e);
			double		smaller = e * larger;

			/* 0.5 - p, which is exact for x near 0 */
			part[i] *= problem->unit * fabs(tile[i]) * larger * smaller *
				(x[i] > 0.0 ? -0.5 : 0.5) * (larger - smaller);
		}
		problem->gradient[0] += sum_tile(part);
		for (int j = 1; j < size; j++)
			problem->gradient[j] += dot_tile(part, tile + j * TILE);
	}
	for (int j = 0; j < size; j++)
		penalty += log(factor[j + (size_t) j * size]);
	return problem->unit * penalty;
}

/* Does no row get less likely along this direction, and some row more? */
static int
separates(const Problem *problem, const double *direction)
{
	double		x[TILE];
	double		least = 0.0;
	double		most = 0.0;

	for (size_t t = 0; t < problem->tiles; t++)
	{
		const double *tile = problem->tile + t * TILE_SIZE(problem);

		if (t % TILES_PER_CHECK == 0)
			problem->host->check();
		along(problem, tile, direction, x);
		for (int i = 0; i < TILE; i++)
		{
			double		gain = tile[i] < 0.0 ? -x[i] : x[i];

			if (tile[i] == 0.0)
				continue;
			least = gain < least ? gain : least;
			most = gain > most ? gain : most;
		}
	}
	return most > LONG_STEP && least >= -SEPARATION_TOLERANCE * most;
}

/* ---- the rows in tiles ---- */

/*
 * Scale, centre and divide a column, to mean 0 and standard deviation 1, by
 * the weights, whose sum is "total": x = 2^exponent * (mean + deviation * z).
 * False, and z = 0, if it is constant. Rows that fill the last tile have no
 * weight.
 */
static int
standardise(Problem *problem, int column, double total,
			double *mean, double *deviation, int *exponent)
{
	size_t		stride = TILE_SIZE(problem);
	double	   *begin = problem->tile + (size_t) column * TILE;
	double	   *end = begin + problem->tiles * stride;
	ptrdiff_t	to_weight = -(ptrdiff_t) column * TILE;
	double		weight[TILE];
	double		lowest = *begin;
	double		highest = *begin;
	double		first = *begin;
	double		scale[2];
	double		sum = 0.0;
	double		rest = 0.0;
	double		squares = 0.0;

	problem->host->check();
	for (double *x = begin; x < end; x += stride)
	{
		for (int i = 0; i < TILE; i++)
		{
			lowest = x[i] < lowest ? x[i] : lowest;
			highest = x[i] > highest ? x[i] : highest;
		}
	}
	(void) frexp(highest > -lowest ? highest : -lowest, exponent);
	/* in two parts, for the whole may be out of range */
	scale[0] = ldexp(1.0, -*exponent / 2);
	scale[1] = ldexp(1.0, -*exponent - -*exponent / 2);
	for (double *x = begin; x < end; x += stride)
	{
		for (int i = 0; i < TILE; i++)
		{
			weight[i] = fabs(x[to_weight + i]);
			x[i] = x[i] * scale[0] * scale[1];
		}
		sum += dot_tile(weight, x);
	}
	*mean = sum / total;
	for (double *x = begin; x < end; x += stride)
	{
		for (int i = 0; i < TILE; i++)
		{
			weight[i] = fabs(x[to_weight + i]);
			x[i] -= *mean;
		}
		rest += dot_tile(weight, x);
		multiply_tile(weight, weight, x);
		squares += dot_tile(weight, x);
	}
	/* what rounding has left of the mean */
	rest /= total;
	*mean += rest;
	squares = squares / total - rest * rest;
	*deviation = squares > 0.0 ? sqrt(squares) : 0.0;
	if (lowest == highest || !(*deviation > 0.0))
	{
		*mean = ldexp(first, -*exponent);
		*deviation = 1.0;
		for (double *x = begin; x < end; x += stride)
			memset(x, 0, TILE * sizeof(double));
		return 0;
	}
	for (double *x = begin; x < end; x += stride)
	{
		for (int i = 0; i < TILE; i++)
			x[i] = (x[i] - rest) / *deviation;
	}
	return 1;
}

static void
name_feature(LogitFit *fit, int feature)
{
	for (int i = 0; i < fit->named_count; i++)
	{
		if (fit->named[i] == feature)
			return;
	}
	fit->named[fit->named_count++] = feature;
}

static int
takes_part(const double *direction, int features, int feature)
{
	double		largest = 0.0;

	for (int j = 0; j < features; j++)
		largest = fabs(direction[j]) > largest ? fabs(direction[j]) : largest;
	return fabs(direction[feature]) > NAMED_PART * largest;
}

/* The features that take part in a direction, the intercept left out */
static void
name_direction(LogitFit *fit, const double *direction, int features)
{
	for (int j = 0; j < features; j++)
	{
		if (takes_part(direction, features, j))
			name_feature(fit, j + 1);
	}
}

static void
sort_features(int *feature, int n)
{
	for (int i = 1; i < n; i++)
	{
		int			one = feature[i];
		int			j = i;

		for (; j > 0 && feature[j - 1] > one; j--)
			feature[j] = feature[j - 1];
		feature[j] = one;
	}
}

/*
 * Features that depend on one another. The correlations are those of all
 * features, the workspace is for any part of them.
 */
typedef struct Dependence
{
	const Host *host;
	int			features;
	double	   *correlation;
	int			kept_count;
	int			kept[LOGIT_MAX_FEATURES];	/* from 0 on, ascending */
	double	   *vector;
	double	   *value;			/* and what dsyev works in */
} Dependence;

/*
 * How many linear combinations of the kept features are (nearly) constant;
 * vector has them, first the one that is most nearly so.
 */
static int
dependencies(Dependence *dependence)
{
	int			n = dependence->kept_count;
	int			work_size = 3 * n;
	int			found = 0;
	int			info;

	if (n < 2)
		return 0;
	dependence->host->check();
	for (int j = 0; j < n; j++)
	{
		const double *row = dependence->correlation + dependence->kept[j];

		for (int i = 0; i <= j; i++)
			dependence->vector[j + (size_t) i * n] =
				row[(size_t) dependence->kept[i] * dependence->features];
	}
	dsyev_("V", "L", &n, dependence->vector, &n, dependence->value, dependence->value + n, &work_size, &info);
	while (info == 0 && found < n && dependence->value[found] < LEAST_EIGENVALUE)
		found++;
	return found;
}

static void
leave_out(Dependence *dependence, int place, LogitFit *fit)
{
	fit->leave[fit->leave_count++] = dependence->kept[place] + 1;
	dependence->kept_count--;
	memmove(&dependence->kept[place], &dependence->kept[place + 1],
			(size_t) (dependence->kept_count - place) * sizeof(int));
}

/* Leave out what is a combination of those before it, by Cholesky's method. */
static void
leave_out_combinations(Dependence *dependence, double *factor, LogitFit *fit)
{
	int			k = dependence->features;

	for (int place = 0; place < dependence->kept_count;)
	{
		int			j = dependence->kept[place];
		double	   *row = factor + (size_t) j * k;
		double		rest = dependence->correlation[j + (size_t) j * k];

		for (int a = 0; a < place; a++)
		{
			int			i = dependence->kept[a];
			const double *other = factor + (size_t) i * k;
			double		product = dependence->correlation[j + (size_t) i * k];

			for (int b = 0; b < a; b++)
				product -= row[b] * other[b];
			row[a] = product / other[a];
			rest -= row[a] * row[a];
		}
		if (rest < LEAST_EIGENVALUE)
			leave_out(dependence, place, fit);
		else
			row[place++] = sqrt(rest);
	}
}

/*
 * Is a linear combination of the features (nearly) constant? Names those that
 * take part, and which of them to leave out, of each combination the last one,
 * so that none is left. Features that have been named already are constant
 * themselves: they are left out, and nothing else is named.
 */
static int
collinear(Problem *problem, double total, LogitFit *fit)
{
	const Host *host = problem->host;
	int			k = problem->features;
	int			size = problem->size;
	int			constant = fit->named_count;
	int			found;
	Dependence	dependence = {.host = host,.features = k};
	double	   *factor;
	double		weight[TILE];

	for (int i = 0; i < constant; i++)
		fit->leave[fit->leave_count++] = fit->named[i];
	for (int j = 0, next = 0; j < k; j++)
	{
		if (next < constant && fit->named[next] == j + 1)
			next++;
		else
			dependence.kept[dependence.kept_count++] = j;
	}
	if (dependence.kept_count < 2)
		return 0;
	memset(problem->hessian, 0, (size_t) size * size * sizeof(double));
	for (size_t t = 0; t < problem->tiles; t++)
	{
		const double *tile = problem->tile + t * TILE_SIZE(problem);

		if (t % TILES_PER_CHECK == 0)
			host->check();
		for (int i = 0; i < TILE; i++)
			weight[i] = fabs(tile[i]);
		add_products(problem, tile, weight, problem->hessian);
	}
	dependence.correlation = host_allocate(host, (size_t) k * (3 * k + 4) * sizeof(double));
	dependence.vector = dependence.correlation + (size_t) k * k;
	factor = dependence.vector + (size_t) k * k;
	dependence.value = factor + (size_t) k * k;
	for (int j = 0; j < k; j++)
	{
		for (int i = 0; i <= j; i++)
			dependence.correlation[j + (size_t) i * k] =
				problem->hessian[j + 1 + (size_t) (i + 1) * size] / total;
	}

	found = dependencies(&dependence);
	if (constant == 0)
	{
		for (int i = 0; i < found; i++)
			name_direction(fit, dependence.vector + (size_t) i * k, k);
		sort_features(fit->named, fit->named_count);
	}
	if (found > 0)
	{
		leave_out_combinations(&dependence, factor, fit);
		/* a chain of features, each nearly a combination, may be left */
		while (dependencies(&dependence) > 0)
		{
			int			place = dependence.kept_count - 1;

			while (place > 0 && !takes_part(dependence.vector, dependence.kept_count, place))
				place--;
			leave_out(&dependence, place, fit);
		}
		sort_features(fit->leave, fit->leave_count);
	}
	host->release(dependence.correlation);
	return found > 0;
}

/* ---- Newton's method ---- */

/* Factor the Hessian's opposite into "factor"; false if it is not positive. */
static int
factorise(const Problem *problem, double *factor)
{
	memcpy(factor, problem->hessian, (size_t) problem->size * problem->size * sizeof(double));
	for (size_t i = 0; i < (size_t) problem->size * problem->size; i++)
	{
		if (!isfinite(factor[i]))
			return 0;
	}
	return cholesky_factor(factor, problem->size, 0);
}

/*
 * The likelihood at beta, with its derivatives; the penalised one needs the factor of
 * the information, and is NaN where that isn't positive.
 */
static double
value_at(Problem *problem, const double *beta, double *factor, double *solved)
{
	evaluate(problem, beta);
	if (!problem->firth)
		return problem->log_likelihood;
	return factorise(problem, factor) ?
		problem->log_likelihood + add_penalty(problem, beta, factor, solved) : NAN;
}

/*
 * Climb from beta, and leave beta and the last evaluation at the top. "work"
 * has room for a matrix and two vectors, "solved" for what Firth's penalty needs.
 */
static LogitStatus
climb_in(Problem *problem, double *beta, double *work, double *solved, LogitFit *fit)
{
	bool		plain = problem->ridge == 0.0 && !problem->firth;
	int			size = problem->size;
	double	   *factor = work;
	double	   *step = work + (size_t) size * size;
	double	   *trial = step + size;
	double		before = value_at(problem, beta, factor, solved);
	double		last_gain = INFINITY;

	if (isnan(before) && problem->firth)
		return LOGIT_NOT_CONVERGED;
	for (fit->iterations = 0;
		 fit->iterations < (problem->firth ? MAX_PENALISED_ITERATIONS : MAX_ITERATIONS);)
	{
		double		now;
		double		gain = 0.0;
		double		part = 1.0;

		if (plain && problem->all_right)
		{
			name_direction(fit, beta + 1, problem->features);
			return LOGIT_COMPLETE_SEPARATION;
		}
		if (!problem->firth && !factorise(problem, factor))
			return LOGIT_NOT_CONVERGED;
		memcpy(step, problem->gradient, (size_t) size * sizeof(double));
		cholesky_solve(factor, size, step);
		for (int j = 0; j < size; j++)
			gain += step[j] * problem->gradient[j];
		if (!isfinite(gain))
			return LOGIT_NOT_CONVERGED;
		if (plain && gain < FLAT && separates(problem, step))
		{
			name_direction(fit, step + 1, problem->features);
			return LOGIT_QUASI_SEPARATION;
		}

		fit->iterations++;
		for (int halving = 0;; halving++)
		{
			for (int j = 0; j < size; j++)
				trial[j] = beta[j] + part * step[j];
			now = value_at(problem, trial, factor, solved);
			/* near the top a difference is nothing but rounding */
			if ((gain < FLAT && !isnan(now)) || now >= before)
				break;
			if (halving == MAX_HALVINGS)
				return LOGIT_NOT_CONVERGED;
			part /= 2;
		}
		before = now;
		memcpy(beta, trial, (size_t) size * sizeof(double));
		/* penalised steps only shorten the next by a factor: until rounding is all that is left */
		if (gain <= CONVERGED &&
			(!problem->firth || gain <= PENALISED_CONVERGED || gain >= last_gain))
			return LOGIT_CONVERGED;
		last_gain = gain;
	}
	return LOGIT_NOT_CONVERGED;
}

static LogitStatus
climb(Problem *problem, bool firth, double *beta, double *work, LogitFit *fit)
{
	double	   *solved = firth ?
		host_allocate(problem->host, (size_t) problem->size * TILE * sizeof(double)) : NULL;
	LogitStatus status;

	problem->firth = fit->firth = firth;
	status = climb_in(problem, beta, work, solved, fit);
	if (firth)
		problem->host->release(solved);
	return status;
}

static LogitStatus
climb_as_asked(Problem *problem, LogitFirth firth, double *beta, double *work, LogitFit *fit)
{
	double		start = beta[0];

	if (firth != LOGIT_FIRTH_ALWAYS)
	{
		LogitStatus status = climb(problem, false, beta, work, fit);

		if (firth == LOGIT_FIRTH_NEVER ||
			(status != LOGIT_COMPLETE_SEPARATION && status != LOGIT_QUASI_SEPARATION))
			return status;
		fit->named_count = 0;
		memset(beta, 0, (size_t) problem->size * sizeof(double));
		beta[0] = start;
	}
	return climb(problem, true, beta, work, fit);
}

/*
 * From standardised features to the caller's; as many as "constant" of those that
 * are named are so. False beyond doubles' range. The inverse of the Hessian takes
 * its place.
 */
static int
report(Problem *problem, const double *beta, double *work, const double *mean,
	   const double *deviation, const int *exponent, int weight_exponent, int constant,
	   LogitFit *fit, double *covariance)
{
	int			size = problem->size;
	double		centre[LOGIT_MAX_FEATURES + 1] = {1.0}; /* the intercept by standardised ones */
	double		intercept = beta[0];
	double		variance = 0.0;
	const double *inverse = problem->hessian;

	if (!factorise(problem, work))
		return 0;
	cholesky_invert(work, size, problem->hessian);
	for (int j = 1; j < size; j++)
	{
		double		error = sqrt(inverse[j + (size_t) j * size]) / deviation[j] *
			exp2(-0.5 * weight_exponent);

		centre[j] = -mean[j] / deviation[j];
		intercept += beta[j] * centre[j];
		fit->coefficients[j] = ldexp(beta[j] / deviation[j], -exponent[j]) + 0.0;
		fit->standard_errors[j] = ldexp(error, -exponent[j]);
		fit->means[j] = ldexp(mean[j], exponent[j]) + 0.0;
		if (!isfinite(fit->coefficients[j]) || !isfinite(fit->standard_errors[j]))
		{
			name_feature(fit, j);
			return 0;
		}
	}
	/* a constant has no part in it: what is not known of its coefficient is nobody's error */
	for (int i = 0; i < constant; i++)
		centre[fit->named[i]] = 0.0;
	for (int j = 0; j < size; j++)
	{
		for (int i = 0; i <= j; i++)
			variance += (i < j ? 2.0 : 1.0) * centre[j] * centre[i] *
				inverse[j + (size_t) i * size];
	}
	fit->coefficients[0] = intercept + 0.0;
	fit->standard_errors[0] = sqrt(variance > 0.0 ? variance : 0.0) * exp2(-0.5 * weight_exponent);
	if (covariance != NULL)
	{
		covariance[0] = fit->standard_errors[0] * fit->standard_errors[0];
		for (int j = 1; j < size; j++)
		{
			double		with_intercept = 0.0;

			for (int i = 0; i < size; i++)
				with_intercept += centre[i] *
					(i < j ? inverse[j + (size_t) i * size] : inverse[i + (size_t) j * size]);
			covariance[j] = covariance[(size_t) j * size] =
				ldexp(with_intercept / deviation[j], -exponent[j] - weight_exponent) + 0.0;
			for (int i = 1; i <= j; i++)
				covariance[(size_t) j * size + i] = covariance[(size_t) i * size + j] =
					ldexp(inverse[j + (size_t) i * size] / deviation[j] / deviation[i],
						  -exponent[j] - exponent[i] - weight_exponent) + 0.0;
		}
	}
	return isfinite(fit->coefficients[0]) && isfinite(fit->standard_errors[0]);
}

/* Of a feature that says nothing, there is no error. */
static void
forget_error(LogitFit *fit, double *covariance, int feature)
{
	int			size = fit->features + 1;

	fit->standard_errors[feature] = NAN;
	for (int i = 0; i < size && covariance != NULL; i++)
		covariance[(size_t) feature * size + i] = covariance[(size_t) i * size + feature] = NAN;
}

static LogitStatus
fit_tiles(Problem *problem, int weight_exponent, const LogitOptions *options, LogitFit *fit,
		  double *covariance)
{
	const Host *host = problem->host;
	int			size = problem->size;
	double		mean[LOGIT_MAX_FEATURES + 1],
				deviation[LOGIT_MAX_FEATURES + 1],
				beta[LOGIT_MAX_FEATURES + 1] = {0};
	int			exponent[LOGIT_MAX_FEATURES + 1];
	double		positive = 0.0;
	double		total = 0.0;
	double		largest = 0.0;
	int			constant;
	bool		too_few;
	double	   *matrices;
	LogitStatus status;

	for (size_t t = 0; t < problem->tiles; t++)
	{
		const double *weight = problem->tile + t * TILE_SIZE(problem);

		for (int i = 0; i < TILE; i++)
		{
			positive += weight[i] > 0.0 ? weight[i] : 0.0;
			total += fabs(weight[i]);
		}
	}
	if (!(positive > 0.0 && positive < total))
		return LOGIT_OUT_OF_RANGE;	/* next to nothing for one of the labels */
	beta[0] = log(positive / (total - positive));
	fit->null_log_likelihood = ldexp(positive * log(positive / total) +
									 (total - positive) * log1p(-positive / total),
									 weight_exponent);
	too_few = problem->ridge == 0.0 && (fit->n_positive < size || fit->n - fit->n_positive < size);
	if (too_few && options->firth == LOGIT_FIRTH_NEVER && !options->drop_aliased)
		return LOGIT_TOO_FEW;

	for (int j = 1; j < size; j++)
	{
		if (!standardise(problem, j, total, &mean[j], &deviation[j], &exponent[j]))
			name_feature(fit, j);
	}

	matrices = host_allocate(host, ((size_t) 2 * size * size + 3 * (size_t) size) * sizeof(double));
	problem->hessian = matrices;
	problem->gradient = matrices + (size_t) 2 * size * size + 2 * (size_t) size;
	constant = fit->named_count;
	if (problem->ridge == 0.0 && (collinear(problem, total, fit) || constant > 0))
		status = constant > 0 ? LOGIT_CONSTANT : LOGIT_COLLINEAR;
	else if (too_few && options->firth == LOGIT_FIRTH_NEVER)
		status = LOGIT_TOO_FEW;
	else
	{
		double	   *work = matrices + (size_t) size * size;

		status = climb_as_asked(problem, too_few ? LOGIT_FIRTH_ALWAYS : options->firth, beta,
								work, fit);
		fit->log_likelihood = problem->log_likelihood;
		for (int j = 0; j < size; j++)
		{
			largest = fabs(problem->gradient[j]) > largest ? fabs(problem->gradient[j]) : largest;
			/* without the penalty it is the likelihood */
			if (j > 0)
				fit->log_likelihood += 0.5 * problem->ridge * beta[j] * beta[j];
		}
		fit->log_likelihood = ldexp(fit->log_likelihood, weight_exponent);
		fit->gradient_norm = ldexp(largest, weight_exponent);
		if (status == LOGIT_CONVERGED)
		{
			if (!report(problem, beta, work, mean, deviation, exponent, weight_exponent, constant,
						fit, covariance))
				status = LOGIT_OUT_OF_RANGE;
			for (int i = 0; i < constant && status == LOGIT_CONVERGED; i++)
				forget_error(fit, covariance, fit->named[i]);
		}
	}
	host->release(matrices);
	return status;
}

static void
fit_rows(const double *rows, size_t n, int features, const LogitOptions *options,
		 LogitFit *fit, double *covariance, const Host *host)
{
	size_t		width = (size_t) features + LOGIT_HEAD;
	size_t	   *order;
	double	   *counts;
	int			weight_exponent;
	double		scale[2];
	Problem		problem = {0};

	memset(fit, 0, sizeof(*fit));
	fit->features = features;
	if (n == 0)
	{
		fit->status = LOGIT_NO_ROWS;
		return;
	}

	order = host_allocate(host, n * sizeof(size_t));
	counts = host_allocate(host, n * sizeof(double));
	n = logit_distinct(rows, n, features, order, counts, host);
	for (size_t i = 0; i < n; i++)
	{
		double		weight = rows[order[i] * width];

		fit->n += (int64_t) counts[i];
		if (weight > 0.0)
			fit->n_positive += (int64_t) counts[i];
		fit->weight_sum += fabs(weight) * counts[i];
	}
	if (fit->n_positive == 0 || fit->n_positive == fit->n)
		fit->status = LOGIT_ONE_LABEL;
	else if (!isfinite(fit->weight_sum) || !(fit->weight_sum > 0.0))
		fit->status = LOGIT_OUT_OF_RANGE;
	else
	{
		(void) frexp(fit->weight_sum, &weight_exponent);
		problem.host = host;
		problem.features = features;
		problem.size = features + 1;
		problem.ridge = ldexp(options->ridge, -weight_exponent);
		problem.unit = ldexp(1.0, -weight_exponent);
		problem.tiles = (n + TILE - 1) / TILE;
		problem.tile = host_allocate(host, problem.tiles * TILE_SIZE(&problem) * sizeof(double));
		scale[0] = ldexp(1.0, -weight_exponent / 2);
		scale[1] = ldexp(1.0, -weight_exponent - -weight_exponent / 2);
		for (size_t i = 0; i < problem.tiles * TILE; i++)
		{
			/* the last tile is filled with a row that has no weight */
			size_t		from = i < n ? i : n - 1;
			const double *row = rows + order[from] * width;
			double	   *to = problem.tile + i / TILE * TILE_SIZE(&problem) + i % TILE;

			if (i % 65536 == 0)
				host->check();
			if (i + AHEAD < n)
			{
				const double *soon = rows + order[i + AHEAD] * width;

				for (size_t j = 0; j < width && j < 4 * LINE; j += LINE)
					__builtin_prefetch(soon + j);
			}
			to[0] = i < n ? row[0] * counts[from] * scale[0] * scale[1] : 0.0;
			for (int j = 0; j < features; j++)
				to[(size_t) (j + 1) * TILE] = row[LOGIT_HEAD + j];
		}
		fit->status = fit_tiles(&problem, weight_exponent, options, fit, covariance);
		host->release(problem.tile);
	}
	host->release(counts);
	host->release(order);
}

/* The fit of the kept features takes its place among all of them, from the last one on. */
static void
spread(LogitFit *fit, double *covariance, const int *kept, int features)
{
	int			kept_count = fit->features;

	fit->features = features;
	for (int j = features, next = kept_count; j > 0; j--)
	{
		bool		is_kept = next > 0 && kept[next - 1] == j - 1;

		fit->coefficients[j] = is_kept ? fit->coefficients[next] : 0.0;
		fit->standard_errors[j] = is_kept ? fit->standard_errors[next] : NAN;
		fit->means[j] = is_kept ? fit->means[next] : 0.0;
		next -= is_kept;
	}
	for (int i = 0; i < fit->named_count; i++)
		fit->named[i] = kept[fit->named[i] - 1] + 1;
	if (covariance == NULL)
		return;
	for (int j = features, row = kept_count; j >= 0; j--)
	{
		bool		is_row = j == 0 || (row > 0 && kept[row - 1] == j - 1);

		for (int i = features, column = kept_count; i >= 0; i--)
		{
			bool		is_column = i == 0 || (column > 0 && kept[column - 1] == i - 1);

			/* rows and columns only move down and right */
			covariance[(size_t) j * (features + 1) + i] = is_row && is_column ?
				covariance[(size_t) row * (kept_count + 1) + column] : NAN;
			column -= is_column;
		}
		row -= is_row;
	}
}

/* The fit without the features that another one has told to leave out */
static void
fit_without_aliased(const double *rows, size_t n, int features, const LogitOptions *options,
					LogitFit *fit, double *covariance, const Host *host)
{
	int			kept[LOGIT_MAX_FEATURES];
	int			leave[LOGIT_MAX_FEATURES];
	int			kept_count = 0;
	int			leave_count = fit->leave_count;
	size_t		width = (size_t) features + LOGIT_HEAD;
	size_t		kept_width;
	double	   *kept_rows;

	memcpy(leave, fit->leave, (size_t) leave_count * sizeof(int));
	for (int j = 0, next = 0; j < features; j++)
	{
		if (next < leave_count && leave[next] == j + 1)
			next++;
		else
			kept[kept_count++] = j;
	}
	kept_width = (size_t) kept_count + LOGIT_HEAD;
	kept_rows = host_allocate(host, n * kept_width * sizeof(double));
	for (size_t i = 0; i < n; i++)
	{
		const double *row = rows + i * width;
		double	   *to = kept_rows + i * kept_width;

		if (i % 65536 == 0)
			host->check();
		memcpy(to, row, LOGIT_HEAD * sizeof(double));
		for (int j = 0; j < kept_count; j++)
			to[LOGIT_HEAD + j] = row[LOGIT_HEAD + kept[j]];
	}
	fit_rows(kept_rows, n, kept_count, options, fit, covariance, host);
	host->release(kept_rows);
	if (fit->leave_count > 0)
		return;					/* can't be: nothing is left that depends on others */
	spread(fit, covariance, kept, features);
	memcpy(fit->leave, leave, (size_t) leave_count * sizeof(int));
	fit->leave_count = leave_count;
}

void
logit_fit_rows(const double *rows, size_t n, int features, const LogitOptions *options,
			   LogitFit *fit, double *covariance, const Host *host)
{
	fit_rows(rows, n, features, options, fit, covariance, host);
	if (options->drop_aliased &&
		(fit->status == LOGIT_CONSTANT || fit->status == LOGIT_COLLINEAR))
		fit_without_aliased(rows, n, features, options, fit, covariance, host);
}

/* ---- predictions ---- */

double
logit_probability(double x)
{
	double		e = exp(-fabs(x));

	return x < 0.0 ? e / (1.0 + e) : 1.0 / (1.0 + e);
}

double
logit_predict_row(const double *coefficients, const double *x, int features)
{
	double		sum = coefficients[0];

	for (int j = 0; j < features; j++)
		sum += coefficients[j + 1] * x[j];
	return isnan(sum) ? NAN : logit_probability(sum);
}
