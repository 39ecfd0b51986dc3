/*
 * btyd_covariates.c
 *		Maximum likelihood for buy-till-you-die models with covariates.
 *
 * By logarithms a customer's parameters are linear in what is fitted, so the likelihood of those
 * with the same covariates, with the derivatives that a fit without any has, is all that is needed:
 * the derivatives by the effects are these times the covariates. The search starts from the fit
 * without covariates, where no effect is, with covariates of mean 0 and standard deviation 1.
 */
#include "btyd_covariates.h"

#include <math.h>
#include <string.h>

#include "btyd_likelihood.h"
#include "cholesky.h"

#define NEWTON_ITERATIONS 100

/* An effect of one standard deviation beyond this has run away */
#define MAX_EFFECT		15.0

/* What a pivot of the covariates' correlations must be above */
#define LEAST_PIVOT		1e-9

/* Everything that is fitted: four logarithms, the effects on orders, those on leaving */
#define MOST_FITTED		(MAX_PARAMETERS + 2 * MAX_COVARIATES)

typedef struct Climb
{
	BtydFamily	family;
	int			q;				/* covariates */
	int			n;				/* that are fitted */
	size_t		ncells;
	const double *z;			/* of mean 0 and standard deviation 1 */
	Problem    *cells;
	double		ridge;
	double		log_scale[MAX_PARAMETERS];
	const Host *host;
} Climb;

/* A point of the climb */
typedef struct Place
{
	NewtonPoint newton;			/* the first member: evaluate() is given this */
	double		ridge_part;		/* of its value */
	double		at[MOST_FITTED];
	double		gradient[MOST_FITTED];
} Place;

bool
btyd_has_covariates(BtydFamily family)
{
	return family == BTYD_MBGNBD || family == BTYD_BGNBD || family == BTYD_PARETONBD;
}

/* How the logarithm of each parameter moves with the two sums of effects */
static const double by_orders[MAX_PARAMETERS] = {0, -1, 0, 0};
static const double by_leaving_geometric[MAX_PARAMETERS] = {0, 0, 1, 0};
static const double by_leaving_pareto[MAX_PARAMETERS] = {0, 0, 0, -1};

static const double *
by_leaving(BtydFamily family)
{
	return family == BTYD_PARETONBD ? by_leaving_pareto : by_leaving_geometric;
}

/* The two sums for these covariates */
static void
effects_at(const double *orders, const double *leaving, int q, const double *z, double *effects)
{
	effects[0] = effects[1] = 0;
	for (int i = 0; i < q; i++)
	{
		effects[0] += orders[i] * z[i];
		effects[1] += leaving[i] * z[i];
	}
}

void
btyd_parameters_at(BtydFamily family, const double *parameters, const double *orders,
				   const double *leaving, int ncovariates, const double *z, double *at)
{
	double		effects[2];

	effects_at(orders, leaving, ncovariates, z, effects);
	for (int j = 0; j < BTYD_PARAMETERS; j++)
		at[j] = parameters[j] *
			exp(by_orders[j] * effects[0] + by_leaving(family)[j] * effects[1]);
}

/* ---- the climb ---- */

static double *
entry(Place *place, int n, int i, int j)
{
	return &place->newton.information[i >= j ? i + j * n : j + i * n];
}

/* What one cell adds: its derivatives by the four logarithms, and by what moves these */
static void
add_cell(const Climb *climb, const Point *point, const double *z, Place *place)
{
	const double *leaving = by_leaving(climb->family);
	const int	q = climb->q;

	/* of each effect, the cell's derivatives in its direction, before they meet z */
	double		slope[2] = {0, 0};
	double		by_parameter[2][MAX_PARAMETERS] = {{0}};
	double		by_effect[2][2] = {{0}};

	for (int j = 0; j < MAX_PARAMETERS; j++)
	{
		const double direction[2] = {by_orders[j], leaving[j]};

		place->gradient[j] += point->gradient[j];
		for (int e = 0; e < 2; e++)
		{
			slope[e] += direction[e] * point->gradient[j];
			for (int k = 0; k < MAX_PARAMETERS; k++)
				by_parameter[e][k] += direction[e] * point->information[j][k];
		}
		for (int k = 0; k <= j; k++)
			*entry(place, climb->n, j, k) += point->information[j][k];
	}
	for (int e = 0; e < 2; e++)
	{
		for (int k = 0; k < MAX_PARAMETERS; k++)
		{
			by_effect[e][0] += by_parameter[e][k] * by_orders[k];
			by_effect[e][1] += by_parameter[e][k] * leaving[k];
		}
	}
	for (int e = 0; e < 2; e++)
	{
		for (int i = 0; i < q; i++)
		{
			const int	row = MAX_PARAMETERS + e * q + i;

			place->gradient[row] += slope[e] * z[i];
			for (int k = 0; k < MAX_PARAMETERS; k++)
				*entry(place, climb->n, row, k) += by_parameter[e][k] * z[i];
			for (int f = 0; f <= e; f++)
			{
				for (int h = 0; h < (f == e ? i + 1 : q); h++)
					*entry(place, climb->n, row, MAX_PARAMETERS + f * q + h) +=
						by_effect[e][f] * z[i] * z[h];
			}
		}
	}
}

/* False where the likelihood can't be had */
static bool
evaluate(void *arg, NewtonPoint *newton)
{
	const Climb *climb = arg;
	Place	   *place = (Place *) newton;
	Sum			value = {0, 0};
	double		check;

	memset(place->gradient, 0, sizeof(place->gradient));
	memset(newton->information, 0, (size_t) (climb->n * climb->n) * sizeof(double));
	for (size_t c = 0; c < climb->ncells; c++)
	{
		const double *z = climb->z + c * (size_t) climb->q;
		double		effects[2];
		Point		point;

		effects_at(place->at + MAX_PARAMETERS, place->at + MAX_PARAMETERS + climb->q, climb->q, z,
				   effects);
		for (int j = 0; j < MAX_PARAMETERS; j++)
			point.log_parameter[j] = place->at[j] + by_orders[j] * effects[0] +
				by_leaving(climb->family)[j] * effects[1];
		if (!likelihood_point(&climb->cells[c], &point, true))
			return false;
		sum_add(&value, point.value);
		add_cell(climb, &point, z, place);
		if (c % 256 == 0)
			climb->host->check();
	}
	place->ridge_part = 0;
	for (int j = 0; climb->ridge > 0 && j < climb->n; j++)
	{
		double		off = place->at[j] - (j < MAX_PARAMETERS ? climb->log_scale[j] : 0);

		place->ridge_part += climb->ridge / 2 * off * off;
		place->gradient[j] -= climb->ridge * off;
		*entry(place, climb->n, j, j) += climb->ridge;
	}
	newton->value = check = total(&value) - place->ridge_part;
	for (int j = 0; j < climb->n; j++)
		check += place->gradient[j];
	return isfinite(check);
}

static bool
out_of_bounds(void *arg, const double *at)
{
	const Climb *climb = arg;

	for (int j = 0; j < climb->n; j++)
	{
		double		off = at[j] - (j < MAX_PARAMETERS ? climb->log_scale[j] : 0);

		if (!(fabs(off) <= (j < MAX_PARAMETERS ? LOG_BOUND : MAX_EFFECT)))
			return true;
	}
	return false;
}

static void
place_init(Place *place, double *information)
{
	memset(place, 0, sizeof(*place));
	place->newton.at = place->at;
	place->newton.gradient = place->gradient;
	place->newton.information = information;
}

/* ---- the whole ---- */

/*
 * Covariates of mean 0 and standard deviation 1; false, with the reason, where one is constant or
 * follows from others.
 */
static bool
standardise(const Climb *climb, const double *z, double *standard, double *mean, double *deviation,
			double *correlations, BtydFit *fit)
{
	const size_t q = (size_t) climb->q;
	Sum			sums[MAX_COVARIATES] = {{0}};
	Sum			squares[MAX_COVARIATES] = {{0}};
	double		customers = 0;

	for (size_t c = 0; c < climb->ncells; c++)
	{
		customers += climb->cells[c].customers;
		for (size_t i = 0; i < q; i++)
			sum_add(&sums[i], climb->cells[c].customers * z[c * q + i]);
	}
	for (size_t i = 0; i < q; i++)
		mean[i] = total(&sums[i]) / customers;
	for (size_t c = 0; c < climb->ncells; c++)
	{
		for (size_t i = 0; i < q; i++)
		{
			double		off = z[c * q + i] - mean[i];

			sum_add(&squares[i], climb->cells[c].customers * off * off);
		}
	}
	for (size_t i = 0; i < q; i++)
	{
		deviation[i] = sqrt(total(&squares[i]) / customers);
		if (!(deviation[i] > 1e-12 * fabs(mean[i])) || !isfinite(deviation[i]))
		{
			fit->reason = BTYD_CONSTANT_COVARIATE;
			return false;
		}
	}
	memset(correlations, 0, q * q * sizeof(double));
	for (size_t c = 0; c < climb->ncells; c++)
	{
		for (size_t i = 0; i < q; i++)
		{
			standard[c * q + i] = (z[c * q + i] - mean[i]) / deviation[i];
			for (size_t j = 0; j <= i; j++)
				correlations[i + j * q] +=
					climb->cells[c].customers * standard[c * q + i] * standard[c * q + j];
		}
	}
	if (!cholesky_factor(correlations, climb->q, LEAST_PIVOT))
	{
		fit->reason = BTYD_COLLINEAR_COVARIATES;
		return false;
	}
	return true;
}

/*
 * The point that the search ended at, in the covariates' own units: what was the logarithm of a
 * parameter at the mean of the covariates becomes that at 0, and its variance with it.
 */
static void
report(const Climb *climb, const double *at, const double *mean, const double *deviation,
	   const double *inverse, CovariateFit *result)
{
	const int	n = climb->n;
	const int	q = climb->q;
	BtydFit    *fit = &result->fit;

	for (int j = 0; j < MAX_PARAMETERS; j++)
	{
		double		row[MOST_FITTED] = {0};
		double		variance = 0;
		double		log_parameter = 0;

		row[j] = 1;
		for (int i = 0; i < q; i++)
		{
			row[MAX_PARAMETERS + i] = -by_orders[j] * mean[i] / deviation[i];
			row[MAX_PARAMETERS + q + i] =
				-by_leaving(climb->family)[j] * mean[i] / deviation[i];
		}
		for (int i = 0; i < n; i++)
		{
			log_parameter += row[i] * at[i];
			for (int k = 0; inverse != NULL && k < n; k++)
				variance += row[i] * row[k] * inverse[i >= k ? i + k * n : k + i * n];
		}
		fit->parameters[j] = exp(log_parameter);
		fit->standard_errors[j] = fit->parameters[j] * sqrt(variance);
		/* of a customer whose covariates are 0, which may be nobody at all */
		if (fit->status == BTYD_CONVERGED &&
			(!(fit->parameters[j] >= 1e-300 && fit->parameters[j] <= 1e300) ||
			 !isfinite(fit->standard_errors[j])))
		{
			fit->status = BTYD_NOT_CONVERGED;
			fit->reason = BTYD_COVARIATES_FAR_FROM_ZERO;
		}
	}
	for (int i = 0; i < q; i++)
	{
		const int	o = MAX_PARAMETERS + i;
		const int	l = o + q;

		result->orders[i] = at[o] / deviation[i];
		result->leaving[i] = at[l] / deviation[i];
		result->orders_errors[i] = inverse ? sqrt(inverse[o + o * n]) / deviation[i] : NAN;
		result->leaving_errors[i] = inverse ? sqrt(inverse[l + l * n]) / deviation[i] : NAN;
	}
}

static void
climb_covariates(Climb *climb, const double *mean, const double *deviation, CovariateFit *result)
{
	const int	size = climb->n * climb->n;
	BtydFit    *fit = &result->fit;
	double	   *memory = host_allocate(climb->host, (size_t) (4 * size) * sizeof(double));
	double	   *inverse = memory + 3 * size;
	double		step[MOST_FITTED];
	Place		places[2];
	NewtonPoint *end = &places[0].newton;
	Newton		newton = {
		.n = climb->n,.stride = climb->n,.max_iterations = NEWTON_ITERATIONS,.first_damping = 1e-6,
		.evaluate = evaluate,.out_of_bounds = out_of_bounds,.arg = climb,
		.factor = memory + 2 * size,.step = step
	};
	bool		maximum;

	place_init(&places[0], memory);
	place_init(&places[1], memory + size);
	for (int j = 0; j < MAX_PARAMETERS; j++)
		places[0].at[j] = log(fit->parameters[j]);
	maximum = newton_climb(&newton, &end, &places[1].newton, &fit->iterations);
	likelihood_judge(&newton, end, ((Place *) end)->ridge_part, maximum, fit, inverse);
	fit->ended = false;
	report(climb, end->at, mean, deviation, fit->status == BTYD_CONVERGED ? inverse : NULL, result);
	climb->host->release(memory);
}

/* All patterns, whatever their covariates, as a sorted set of different ones */
static BtydPattern *
without_covariates(const BtydPattern *patterns, const size_t *starts, size_t ncells,
				   const Host *host, size_t *n)
{
	const size_t all = starts[ncells];
	BtydPattern *merged = host_allocate(host, (all + 1) * sizeof(BtydPattern));
	BtydPattern *spare = host_allocate(host, (all + 1) * sizeof(BtydPattern));
	size_t	   *ends = host_allocate(host, (ncells + 1) * sizeof(size_t));
	size_t		runs = ncells;

	memcpy(merged, patterns, all * sizeof(BtydPattern));
	memcpy(ends, starts + 1, ncells * sizeof(size_t));
	/* merge neighbouring runs, until there is one */
	while (runs > 1)
	{
		BtydPattern *swap;
		size_t		from = 0;
		size_t		out = 0;
		size_t		left = 0;

		host->check();
		for (size_t r = 0; r < runs; r += 2)
		{
			size_t		i = from;
			size_t		middle = ends[r];
			size_t		k = middle;
			size_t		end = r + 1 < runs ? ends[r + 1] : middle;

			while (i < middle || k < end)
			{
				int			order = i == middle ? 1 : k == end ? -1 :
					compare_patterns(&merged[i], &merged[k]);

				spare[out] = order <= 0 ? merged[i++] : merged[k++];
				if (order == 0)
					spare[out].count += merged[k++].count;
				out++;
			}
			from = end;
			ends[left++] = out;
		}
		runs = left;
		swap = merged;
		merged = spare;
		spare = swap;
	}
	*n = runs == 0 ? 0 : ends[0];
	host->release(ends);
	host->release(spare);
	return merged;
}

void
btyd_fit_covariates(BtydFamily family, const BtydPattern *patterns, const size_t *starts,
					const double *z, size_t ncells, int ncovariates, double ridge,
					const Host *host, CovariateFit *result)
{
	const size_t q = (size_t) ncovariates;
	Climb		climb = {.family = family,.q = ncovariates,.n = MAX_PARAMETERS + 2 * ncovariates,
		.ncells = ncells,.ridge = ridge,.host = host};
	const BtydSearch how = {NULL, ridge};
	double		mean[MAX_COVARIATES];
	double		deviation[MAX_COVARIATES];
	double	   *standard;
	double	   *correlations;
	double		mean_t = 0;
	size_t		n;
	BtydPattern *merged = without_covariates(patterns, starts, ncells, host, &n);

	memset(result, 0, sizeof(CovariateFit));
	result->ncovariates = ncovariates;
	for (int i = 0; i < ncovariates; i++)
		result->orders[i] = result->leaving[i] = result->orders_errors[i] =
			result->leaving_errors[i] = NAN;
	btyd_fit(family, merged, n, &how, host, &result->fit);
	for (size_t i = 0; i < n; i++)
		mean_t += merged[i].t * ((double) merged[i].count / (double) result->fit.n);
	host->release(merged);
	if (result->fit.status != BTYD_CONVERGED)
	{
		/* parameters without effects are those of nobody */
		result->fit.ended = false;
		return;
	}

	climb.log_scale[1] = log(mean_t);
	if (family == BTYD_PARETONBD)
		climb.log_scale[3] = log(mean_t);
	climb.cells = host_allocate(host, ncells * sizeof(Problem));
	standard = host_allocate(host, ncells * q * sizeof(double));
	correlations = host_allocate(host, q * q * sizeof(double));
	for (size_t c = 0; c < ncells; c++)
		likelihood_problem(&climb.cells[c], (Model) family, patterns + starts[c],
						   starts[c + 1] - starts[c], host);
	climb.z = standard;
	if (standardise(&climb, z, standard, mean, deviation, correlations, &result->fit))
		climb_covariates(&climb, mean, deviation, result);
	else
		result->fit.status = BTYD_REFUSED;
	for (size_t c = 0; c < ncells; c++)
		host->release(climb.cells[c].groups);
	host->release(correlations);
	host->release(standard);
	host->release(climb.cells);
}
