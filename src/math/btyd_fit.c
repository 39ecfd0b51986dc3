/*
 * btyd_fit.c
 *		Maximum likelihood for the buy-till-you-die models and for the
 *		Gamma-Gamma model of spend.
 *
 * The search has two stages, both over the logarithms of the parameters. From
 * several starts, L-BFGS climbs the likelihood of at most STRATA patterns that
 * stand for all. Newton steps with the exact Hessian then climb that of all
 * patterns, from the best of these ends, and from the others too if that leads
 * nowhere. The best likelihood wins, the first of equals.
 *
 * It has converged when a Newton step would gain next to nothing, the observed
 * information is positive definite there, and no parameter ran away: a
 * likelihood that rises for ever has no maximum, and is reported so.
 */
#include "btyd_likelihood.h"
#include "cholesky.h"
#include "gamma.h"

#include <math.h>
#include <string.h>

#include <lbfgs.h>

/* Patterns that L-BFGS works with */
#define STRATA			512

#define STARTS			4
#define LBFGS_ITERATIONS 100
#define NEWTON_ITERATIONS 60

/* libLBFGS built for SSE takes this many variables at a time */
#define LBFGS_VARIABLES	16

bool
likelihood_point(const Problem *problem, Point *point, bool second)
{
	double		parameters[MAX_PARAMETERS];
	Derivatives d;
	double		check;

	for (int j = 0; j < problem->nparameters; j++)
	{
		if (!(fabs(point->log_parameter[j]) < 600))
			return false;
		parameters[j] = exp(point->log_parameter[j]);
	}
	likelihood_evaluate(problem, parameters, second, &d);
	point->value = check = total(&d.value);
	for (int j = 0; j < problem->nparameters; j++)
	{
		point->gradient[j] = parameters[j] * total(&d.gradient[j]);
		check += point->gradient[j];
	}
	if (second)
	{
		for (int j = 0; j < problem->nparameters; j++)
		{
			for (int k = j; k < problem->nparameters; k++)
			{
				double		h = parameters[j] * parameters[k] *
					total(&d.hessian[entry_of(j, k)]);

				if (j == k)
					h += point->gradient[j];
				point->information[j][k] = point->information[k][j] = -h;
				check += h;
			}
		}
	}
	point->ridge_part = 0;
	for (int j = 0; problem->ridge > 0 && j < problem->nparameters; j++)
	{
		double		off = point->log_parameter[j] - log(problem->scale[j]);

		point->ridge_part += problem->ridge / 2 * off * off;
		point->gradient[j] -= problem->ridge * off;
		if (second)
			point->information[j][j] += problem->ridge;
	}
	point->value -= point->ridge_part;
	return isfinite(check);
}

/* ---- the search ---- */

static bool
out_of_bounds(void *arg, const double *log_parameter)
{
	const Problem *problem = arg;

	for (int j = 0; j < problem->nparameters; j++)
	{
		if (!(fabs(log_parameter[j] - log(problem->scale[j])) <= LOG_BOUND))
			return true;
	}
	return false;
}

/* Minus the mean log-likelihood, for libLBFGS */
static lbfgsfloatval_t
descend(void *instance, const lbfgsfloatval_t *x, lbfgsfloatval_t *g, const int n,
		const lbfgsfloatval_t step)
{
	const Problem *problem = instance;
	Point		point;

	(void) step;
	memcpy(point.log_parameter, x, sizeof(point.log_parameter));
	for (int i = 0; i < n; i++)
		g[i] = 0;
	if (!likelihood_point(problem, &point, false))
		return 1e100;			/* refused by the line search */
	for (int j = 0; j < problem->nparameters; j++)
		g[j] = -point.gradient[j] / problem->customers;
	return -point.value / problem->customers;
}

static void
do_nothing(void)
{
}

/* After each iteration: end it where a parameter has run away. */
static int
stop_out_of_bounds(void *instance, const lbfgsfloatval_t *x, const lbfgsfloatval_t *g,
				   const lbfgsfloatval_t fx,
				 const lbfgsfloatval_t xnorm, const lbfgsfloatval_t gnorm,
				 const lbfgsfloatval_t step,
				 int n, int k, int ls)
{
	(void) g, (void) fx, (void) xnorm, (void) gnorm, (void) step, (void) n, (void) k, (void) ls;
	return out_of_bounds(instance, x);
}

/*
 * L-BFGS from a start; ends at point, whose value is -INFINITY if it came to
 * nothing. The library holds memory of its own meanwhile: no interrupts until
 * it is back, which takes milliseconds.
 */
static void
climb(const Problem *whole, Point *point)
{
	static const Host quiet = {NULL, NULL, do_nothing};
	lbfgsfloatval_t x[LBFGS_VARIABLES] __attribute__((aligned(16))) = {0};
	lbfgs_parameter_t settings;
	Problem		problem = *whole;

	problem.host = &quiet;
	lbfgs_parameter_init(&settings);
	settings.epsilon = 1e-5;
	settings.past = 1;
	settings.delta = 1e-8;
	settings.max_iterations = LBFGS_ITERATIONS;
	settings.linesearch = LBFGS_LINESEARCH_BACKTRACKING_WOLFE;
	memcpy(x, point->log_parameter, sizeof(point->log_parameter));
	(void) lbfgs(LBFGS_VARIABLES, x, NULL, descend, stop_out_of_bounds, &problem, &settings);
	/* whatever stopped it, x is the best it found */
	memcpy(point->log_parameter, x, sizeof(point->log_parameter));
	if (!likelihood_point(&problem, point, false))
		point->value = -INFINITY;
	whole->host->check();
}

/* A point of the likelihood, as Newton's method sees it */
typedef struct Place
{
	NewtonPoint newton;			/* the first member: evaluate() is given this */
	Point		point;
} Place;

static void
place_init(Place *place, const Point *point)
{
	place->point = *point;
	place->newton.at = place->point.log_parameter;
	place->newton.gradient = place->point.gradient;
	place->newton.information = place->point.information[0];
}

static bool
evaluate(void *problem, NewtonPoint *newton)
{
	Place	   *place = (Place *) newton;
	bool		result = likelihood_point(problem, &place->point, true);

	newton->value = place->point.value;
	return result;
}

void
likelihood_judge(Newton *newton, const NewtonPoint *end, double ridge_part, bool maximum,
				 BtydFit *fit, double *inverse)
{
	const int	n = newton->n;
	double		norm = 0;

	fit->status = BTYD_NOT_CONVERGED;
	fit->reason = BTYD_NO_MAXIMUM_FOUND;
	if (!isfinite(end->value))
		return;
	fit->log_likelihood = end->value + ridge_part;
	for (int j = 0; j < n; j++)
		norm += end->gradient[j] * end->gradient[j];
	fit->gradient_norm = sqrt(norm);
	if (newton->out_of_bounds(newton->arg, end->at))
		fit->reason = BTYD_PARAMETER_AT_BOUNDARY;
	else if (!newton_step(newton, end, 0))
		fit->reason = BTYD_FLAT_LIKELIHOOD;
	else if (maximum)
	{
		fit->status = BTYD_CONVERGED;
		fit->reason = BTYD_REASON_NONE;
		cholesky_invert(newton->factor, n, inverse);
		for (int j = 0; j < n; j++)
		{
			if (!(sqrt(inverse[j + j * n]) <= MAX_LOG_ERROR))
			{
				fit->status = BTYD_NOT_CONVERGED;
				fit->reason = BTYD_PARAMETER_AT_BOUNDARY;
			}
		}
	}
}

/* Newton steps from a point, and what the point that they end at is worth */
static void
climb_to_the_end(Problem *problem, const Point *from, BtydFit *fit)
{
	double		factor[MAX_PARAMETERS * MAX_PARAMETERS];
	double		inverse[MAX_PARAMETERS * MAX_PARAMETERS];
	double		step[MAX_PARAMETERS];
	Place		places[2];
	NewtonPoint *end = &places[0].newton;
	Newton		newton = {
		.n = problem->nparameters,.stride = MAX_PARAMETERS,.max_iterations = NEWTON_ITERATIONS,
		.first_damping = 1e-3,.evaluate = evaluate,.out_of_bounds = out_of_bounds,.arg = problem,
		.factor = factor,.step = step
	};
	bool		maximum;

	place_init(&places[0], from);
	place_init(&places[1], from);
	maximum = newton_climb(&newton, &end, &places[1].newton, &fit->iterations);
	likelihood_judge(&newton, end, ((Place *) end)->point.ridge_part, maximum, fit, inverse);
	fit->ended = fit->status != BTYD_CONVERGED && fit->reason != BTYD_NO_MAXIMUM_FOUND;
	if (fit->reason == BTYD_NO_MAXIMUM_FOUND)
		return;
	for (int j = 0; j < newton.n; j++)
	{
		fit->parameters[j] = exp(end->at[j]);
		if (!fit->ended)
			fit->standard_errors[j] = fit->parameters[j] * sqrt(inverse[j + j * newton.n]);
	}
}

/* ---- problems ---- */

/*
 * At most STRATA patterns that stand for all: as many neighbours each, and one
 * of them speaks for the others. Which one is scrambled, so that it doesn't keep
 * step with the calendar, but it is always the same.
 */
static BtydPattern *
make_strata(const BtydPattern *patterns, size_t n, const Host *host, size_t *nstrata)
{
	BtydPattern *strata = host_allocate(host, STRATA * sizeof(BtydPattern));

	for (size_t i = 0; i < STRATA; i++)
	{
		size_t		from = n / STRATA * i + n % STRATA * i / STRATA;
		size_t		to = n / STRATA * (i + 1) + n % STRATA * (i + 1) / STRATA;

		size_t		spoken =
			(size_t) (((uint64_t) (to -
								   from) * (((uint32_t) i + 1) *
											UINT32_C(2654435769) >> 16)) >> 16);

		strata[i] = patterns[from + spoken];
		strata[i].count = 0;
		for (size_t j = from; j < to; j++)
			strata[i].count += patterns[j].count;
	}
	*nstrata = STRATA;
	return strata;
}

static void
search(Problem *problem, double starts[STARTS][MAX_PARAMETERS], const BtydSearch *how,
	   BtydFit *fit)
{
	const double *start = how ? how->start : NULL;
	Problem		few;
	BtydPattern *strata = NULL;
	Point		ends[STARTS];
	bool		tried[STARTS] = {false};
	int			nstarts = start ? 1 : STARTS;

	problem->ridge = fit->ridge = how ? how->ridge : 0;
	few = *problem;
	memset(ends, 0, sizeof(ends));
	if (start)
	{
		for (int j = 0; j < problem->nparameters; j++)
			ends[0].log_parameter[j] = log(start[j]);
	}
	else
	{
		if (problem->n > STRATA)
		{
			strata = make_strata(problem->patterns, problem->n, problem->host, &few.n);
			few.patterns = strata;
			likelihood_groups(&few);
		}
		for (int i = 0; i < STARTS; i++)
		{
			for (int j = 0; j < problem->nparameters; j++)
				ends[i].log_parameter[j] = log(starts[i][j]);
			climb(&few, &ends[i]);
		}
		if (strata)
		{
			problem->host->release(few.groups);
			problem->host->release(strata);
		}
	}

	/*
	 * The best end first; the others only if it leads to no maximum, and not
	 * those that ran away with it.
	 */
	for (int i = 0; i < nstarts; i++)
	{
		int			best = -1;
		BtydFit		found = *fit;
		Point		point;
		double		height;

		for (int k = 0; k < nstarts; k++)
		{
			if (!tried[k] && (best < 0 || ends[k].value > ends[best].value))
				best = k;
		}
		if (best < 0)
			break;
		tried[best] = true;
		height = ends[best].value;
		point = ends[best];
		/* an end that ran away: go back to where it started */
		if (!start && (out_of_bounds(problem, point.log_parameter) || !isfinite(point.value)))
		{
			for (int j = 0; j < problem->nparameters; j++)
				point.log_parameter[j] = log(starts[best][j]);
		}
		found.iterations = 0;
		climb_to_the_end(problem, &point, &found);
		found.iterations += fit->iterations;
		if (i == 0 || found.status == BTYD_CONVERGED || found.log_likelihood > fit->log_likelihood)
			*fit = found;
		else
			fit->iterations = found.iterations;
		if (fit->status == BTYD_CONVERGED)
			break;
		for (int k = 0; found.reason == BTYD_PARAMETER_AT_BOUNDARY && k < nstarts; k++)
		{
			if (fabs(ends[k].value - height) <= 1e-6 * fabs(height))
				tried[k] = true;
		}
	}
}

static void
fit_init(BtydFit *fit, int nparameters, const BtydPattern *patterns, size_t n)
{
	memset(fit, 0, sizeof(BtydFit));
	fit->nparameters = nparameters;
	fit->log_likelihood = NAN;
	fit->gradient_norm = NAN;
	for (int j = 0; j < BTYD_PARAMETERS; j++)
		fit->parameters[j] = fit->standard_errors[j] = NAN;
	fit->parameters[BTYD_PARAMETERS] = NAN;
	for (size_t i = 0; i < n; i++)
		fit->n += patterns[i].count;
	fit->status = BTYD_REFUSED;
}

static void
fit_family(BtydFamily family, int k, const BtydPattern *patterns, size_t n,
		   const BtydSearch *how, const Host *host, BtydFit *fit)
{
	/* r, what alpha is divided by, a, b;  r, ditto, s, beta by the mean age */
	static const double geometric[STARTS][MAX_PARAMETERS] = {
		{0.25, 2, 0.8, 2.5}, {1, 2, 1, 4}, {3, 1.5, 0.3, 3}, {0.5, 1.5, 0.5, 20}
	};
	/* alpha, beta, gamma, delta: no unit of time in them */
	static const double opportunities[STARTS][MAX_PARAMETERS] = {
		{1, 1, 0.5, 3}, {1, 3, 1, 5}, {3, 3, 0.3, 2}, {0.5, 1, 2, 20}
	};
	static const double pareto[STARTS][MAX_PARAMETERS] = {
		{0.5, 2, 0.5, 0.4}, {1, 2, 1, 1}, {3, 1.5, 0.3, 1}, {1, 1.5, 3, 5}
	};
	Problem		problem;
	double		starts[STARTS][MAX_PARAMETERS];
	double		mean_x = 0;
	double		mean_t = 0;
	int64_t		repeat = 0;

	fit_init(fit, BTYD_PARAMETERS, patterns, n);
	for (size_t i = 0; i < n; i++)
	{
		double		share = (double) patterns[i].count / (double) fit->n;

		mean_x += patterns[i].x * share;
		mean_t += patterns[i].t * share;
		if (patterns[i].x > 0)
			repeat += patterns[i].count;
	}
	if (fit->n < BTYD_MIN_CUSTOMERS)
		fit->reason = BTYD_TOO_FEW_CUSTOMERS;
	else if (repeat == 0)
		fit->reason = BTYD_EVERYONE_BOUGHT_ONCE;
	else if (n == 1)
		fit->reason = BTYD_CONSTANT_DATA;
	else if (repeat < BTYD_MIN_CUSTOMERS)
		fit->reason = BTYD_TOO_FEW_REPEAT_CUSTOMERS;
	else
	{
		likelihood_problem(&problem, (Model) family, patterns, n, host);
		problem.k = k;
		if (family != BTYD_BGBB)
			problem.scale[1] = mean_t;
		if (family == BTYD_PARETONBD)
			problem.scale[3] = mean_t;
		for (int i = 0; i < STARTS; i++)
		{
			memcpy(starts[i], family == BTYD_PARETONBD ? pareto[i] :
				   family == BTYD_BGBB ? opportunities[i] : geometric[i], sizeof(starts[i]));
			if (family == BTYD_BGBB)
				continue;
			starts[i][1] = starts[i][0] / starts[i][1] / (k * mean_x / mean_t);
			if (family == BTYD_PARETONBD)
				starts[i][3] *= mean_t;
		}
		search(&problem, starts, how, fit);
		host->release(problem.groups);
	}
}

void
btyd_fit(BtydFamily family, const BtydPattern *patterns, size_t n,
		 const BtydSearch *how, const Host *host, BtydFit *fit)
{
	fit_family(family, 1, patterns, n, how, host, fit);
}

/*
 * What the times between orders add to the likelihood, which the fit at one k
 * doesn't need to know: of each Erlang density, what depends on k alone.
 */
static double
log_density_of_gaps(int k, double ln_gaps, const BtydPattern *patterns, size_t n)
{
	double		gaps = 0;
	double		slope;

	if (k == 1)
		return 0;
	for (size_t i = 0; i < n; i++)
		gaps += patterns[i].x * (double) patterns[i].count;
	return (k - 1) * ln_gaps - gaps * log_rising(1, k - 1, 1, &slope);
}

static void
fit_k(int k, double ln_gaps, const BtydPattern *patterns, size_t n, const BtydSearch *how,
	  const Host *host, BtydFit *fit)
{
	const BtydSearch anywhere = {NULL, how ? how->ridge : 0};

	fit_family(BTYD_MBGCNBD, k, patterns, n, how, host, fit);
	if (how && how->start && fit->status != BTYD_CONVERGED)
		fit_family(BTYD_MBGCNBD, k, patterns, n, &anywhere, host, fit);
	fit->parameters[BTYD_PARAMETERS] = k;
	fit->log_likelihood += log_density_of_gaps(k, ln_gaps, patterns, n);
}

/*
 * From k = 1 on, until it has become worse twice. Each is near the last one: as
 * many orders, of more events each.
 */
void
btyd_fit_regular(int k, double ln_gaps, const BtydPattern *patterns, size_t n,
				 const BtydSearch *how, const Host *host, BtydFit *fit)
{
	BtydFit		last;
	double		from[BTYD_PARAMETERS];
	double		before = -INFINITY;
	int			worse = 0;

	if (k > 0)
	{
		fit_k(k, ln_gaps, patterns, n, how, host, fit);
		return;
	}
	for (k = 1; k <= ERLANG_MAX_K && worse < 2; k++)
	{
		bool		is_near = k > 1 && last.status == BTYD_CONVERGED;

		for (int j = 0; is_near && j < BTYD_PARAMETERS; j++)
			from[j] = last.parameters[j] * (j == 1 ? (k - 1.0) / k : 1);
		fit_k(k, ln_gaps, patterns, n,
			  &(BtydSearch) {is_near ? from : NULL, how ? how->ridge : 0}, host, &last);
		if (k == 1)
			*fit = last;
		if (last.status == BTYD_REFUSED)
			return;
		fit->choices[fit->nchoices++] = last.log_likelihood;
		worse = last.log_likelihood > before ? 0 : worse + 1;
		before = last.log_likelihood;
		if (k > 1 && last.log_likelihood > fit->log_likelihood)
		{
			memcpy(last.choices, fit->choices, sizeof(last.choices));
			last.nchoices = fit->nchoices;
			*fit = last;
		}
	}
}

void
spend_fit(const BtydPattern *patterns, size_t n,
		  const BtydSearch *how, const Host *host, BtydFit *fit)
{
	/* p, q, gamma by the mean spend */
	double		starts[STARTS][MAX_PARAMETERS] = {{6, 4, 0.5}, {2, 3, 1}, {1, 1.5, 0.5},
		{30, 3, 0.1}};
	Problem		problem;
	double		mean = 0;
	bool		constant = true;

	fit_init(fit, SPEND_PARAMETERS, patterns, n);
	for (size_t i = 0; i < n; i++)
	{
		mean += patterns[i].t_x * ((double) patterns[i].count / (double) fit->n);
		if (patterns[i].t_x != patterns[0].t_x)
			constant = false;
	}
	if (fit->n < SPEND_MIN_CUSTOMERS)
		fit->reason = BTYD_TOO_FEW_CUSTOMERS;
	else if (constant)
		fit->reason = BTYD_CONSTANT_DATA;
	else
	{
		likelihood_problem(&problem, MODEL_SPEND, patterns, n, host);
		problem.scale[2] = mean;
		for (int i = 0; i < STARTS; i++)
			starts[i][2] *= mean;
		search(&problem, starts, how, fit);
		host->release(problem.groups);
		/* a maximum, but with q up to 1 the mean over all customers is infinite */
		if (fit->status == BTYD_CONVERGED && fit->parameters[1] <= 1)
			fit->reason = BTYD_MEAN_UNDEFINED;
	}
}
