/*
 * btyd_fit.c
 *		Maximum likelihood for the buy-till-you-die models and for the
 *		Gamma-Gamma model of spend.
 *
 * The likelihood of all customers is summed here with its first and second
 * derivatives: what depends on x alone is computed once for all patterns of
 * that x, and sums are compensated and run in the order of the patterns. (What
 * a fit says about one customer is btyd.c's; tests hold the two together.)
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
#include "btyd_fit.h"
#include "gamma.h"

#include <math.h>
#include <string.h>

#include <lbfgs.h>

#define MAX_PARAMETERS	BTYD_PARAMETERS

/* Patterns that L-BFGS works with */
#define STRATA			512

#define STARTS			4
#define LBFGS_ITERATIONS 100
#define NEWTON_ITERATIONS 60

/* libLBFGS built for SSE takes this many variables at a time */
#define LBFGS_VARIABLES	16

/* Gain of log-likelihood that a Newton step must promise to be worth another */
#define SMALL_GAIN		1e-9

/* A parameter beyond its scale times or divided by exp(this) has run away */
#define LOG_BOUND		11.5	/* 1e5 */

/* A parameter whose logarithm is known no better than this isn't known */
#define MAX_LOG_ERROR	10.0

/* Patterns between two looks at interrupts */
#define CHUNK			4096

/* Patterns of the same x */
typedef struct Group
{
	double		x;
	size_t		start;
	size_t		end;
	double		count;			/* customers */
} Group;

typedef enum Model
{
	MODEL_MBGNBD = BTYD_MBGNBD,
	MODEL_BGNBD = BTYD_BGNBD,
	MODEL_PARETONBD = BTYD_PARETONBD,
	MODEL_SPEND
} Model;

typedef struct Problem
{
	Model		model;
	int			nparameters;
	const BtydPattern *patterns;
	size_t		n;
	Group	   *groups;
	size_t		ngroups;
	double		customers;
	double		scale[MAX_PARAMETERS];	/* the size that a parameter may well have */
	const BtydTools *tools;
} Problem;

/* A sum and what rounding took from it */
typedef struct Sum
{
	double		sum;
	double		rest;
} Sum;

/* Upper triangle, by row: 00 01 02 03 11 12 13 22 23 33 */
#define HESSIAN_ENTRIES	10

typedef struct Derivatives
{
	Sum			value;
	Sum			gradient[MAX_PARAMETERS];
	Sum			hessian[HESSIAN_ENTRIES];
} Derivatives;

/* A point of the search and what is known there, all by logarithms */
typedef struct Point
{
	double		log_parameter[MAX_PARAMETERS];
	double		value;
	double		gradient[MAX_PARAMETERS];
	double		information[MAX_PARAMETERS][MAX_PARAMETERS];	/* minus the Hessian */
} Point;

static inline void
add(Sum *sum, double x)
{
	double		s = sum->sum + x;
	double		part = s - sum->sum;

	sum->rest += (sum->sum - (s - part)) + (x - part);
	sum->sum = s;
}

static inline double
total(const Sum *sum)
{
	return sum->sum + sum->rest;
}

/* The second derivative of ln(gamma(x)), x > 0 */
static double
trigamma(double x)
{
	double		result = 0;
	double		z;

	while (x < 10)
	{
		result += 1 / (x * x);
		x += 1;
	}
	z = 1 / (x * x);
	return result + 1 / x + 0.5 * z +
		z / x * (1 / 6.0 - z * (1 / 30.0 - z * (1 / 42.0 - z * (1 / 30.0 -
																z * (5 / 66.0 - z * (691 / 2730.0 - z * 7 / 6.0))))));
}

/* ---- the likelihoods ---- */

/*
 * BG/NBD and MBG/NBD: r, alpha, a, b. A customer's likelihood is the product of
 * a factor in x and
 *		(alpha + t)^-(r + x) * (1 + exp(D))
 *		D = ln a - ln(b + x [- 1]) + (r + x) (ln(alpha + t) - ln(alpha + t_x))
 * where the second term, of one who left after the last purchase, is missing in
 * BG/NBD when x = 0.
 */
static void
evaluate_geometric(const Problem *problem, const double *parameters, bool second, Derivatives *d)
{
	const bool	modified = problem->model == MODEL_MBGNBD;
	const double r = parameters[0];
	const double alpha = parameters[1];
	const double a = parameters[2];
	const double b = parameters[3];
	const double log_alpha = log(alpha);

	for (size_t g = 0; g < problem->ngroups; g++)
	{
		const Group *group = &problem->groups[g];
		const double x = group->x;
		const double y = modified ? x + 1 : x;
		const double shape = r + x;
		const double leave = b + y - 1;
		const bool	may_have_left = modified || x > 0;
		const double log_odds = may_have_left ? log(a) - log(leave) : 0;
		double		left = 0;	/* sums over the group, n = weight(1 - weight) */
		double		n = 0;
		double		n_r = 0;
		double		n_alpha = 0;
		double		by_r;
		double		by_b_alone;
		double		by_sum;

		for (size_t i = group->start; i < group->end; i++)
		{
			const BtydPattern *pattern = &problem->patterns[i];
			const double count = (double) pattern->count;
			const double inverse = 1 / (alpha + pattern->t);
			const double log_t = log1p(pattern->t / alpha);
			double		difference = 0;
			double		inverse_x = 0;
			double		q = 0;
			double		weight = 0;
			double		log_sum = 0;

			if (i % CHUNK == 0)
				problem->tools->check();
			if (may_have_left)
			{
				double		odds;
				double		e;

				difference = log1p((pattern->t - pattern->t_x) / (alpha + pattern->t_x));
				inverse_x = 1 / (alpha + pattern->t_x);
				q = inverse - inverse_x;
				odds = log_odds + shape * difference;
				e = exp(-fabs(odds));
				weight = (odds > 0 ? 1 : e) / (1 + e);
				log_sum = (odds > 0 ? odds : 0) + log1p(e);
			}
			add(&d->value, count * (log_sum - shape * log_t));
			add(&d->gradient[0], count * (weight * difference - log_t));
			add(&d->gradient[1], count * (weight * shape * q + (r * (pattern->t / alpha) - x) * inverse));
			left += count * weight;
			if (second)
			{
				const double v = count * weight * (1 - weight);
				const double by_alpha = shape * q;

				add(&d->hessian[0], v * difference * difference);
				add(&d->hessian[1], count * (weight * q - inverse) + v * difference * by_alpha);
				add(&d->hessian[4], count * shape * ((1 - weight) * inverse * inverse + weight * inverse_x * inverse_x) +
					v * by_alpha * by_alpha);
				n += v;
				n_r += v * difference;
				n_alpha += v * by_alpha;
			}
		}

		add(&d->value, group->count * (log_rising(r, x, 1, &by_r) - x * log_alpha));
		add(&d->value, group->count * log_rising_ratio(b, a, y, &by_b_alone, &by_sum));
		add(&d->gradient[0], group->count * by_r);
		add(&d->gradient[2], group->count * by_sum + left / a);
		add(&d->gradient[3], group->count * (by_b_alone + by_sum) - (may_have_left ? left / leave : 0));
		if (second)
		{
			const double both = group->count * (trigamma(a + b) - trigamma(a + b + y));
			const double by_a = may_have_left ? 1 / a : 0;
			const double by_b = may_have_left ? -1 / leave : 0;

			add(&d->hessian[0], group->count * (trigamma(shape) - trigamma(r)));
			add(&d->hessian[1], group->count / alpha);
			add(&d->hessian[2], n_r * by_a);
			add(&d->hessian[3], n_r * by_b);
			add(&d->hessian[4], -group->count * r / (alpha * alpha));
			add(&d->hessian[5], n_alpha * by_a);
			add(&d->hessian[6], n_alpha * by_b);
			add(&d->hessian[7], both + (n - left) * by_a * by_a);
			add(&d->hessian[8], both + n * by_a * by_b);
			add(&d->hessian[9], both + group->count * (trigamma(b + y) - trigamma(b)) + (n + left) * by_b * by_b);
		}
	}
}

/* Gauss-Legendre quadrature with 6, 8 and 12 nodes; the other half mirrors this */
static const double nodes6[] = {
	0.93246951420315202781, 0.66120938646626451366, 0.23861918608319690863
};
static const double weights6[] = {
	0.17132449237917034504, 0.36076157304813860757, 0.46791393457269104739
};
static const double nodes8[] = {
	0.96028985649753623168, 0.79666647741362673959, 0.52553240991632898582, 0.18343464249564980494
};
static const double weights8[] = {
	0.10122853629037625915, 0.22238103445337447054, 0.31370664587788728734, 0.36268378337836198297
};
static const double nodes12[] = {
	0.98156063424671925069, 0.90411725637047485668, 0.76990267419430468704,
	0.5873179542866174473, 0.36783149899818019375, 0.12523340851146891547
};
static const double weights12[] = {
	0.047175336386511827195, 0.10693932599531843096, 0.16007832854334622633,
	0.20316742672306592175, 0.23349253653835480876, 0.249147045813402785
};

/*
 * The integrand may fall by e^8 within a panel; the part that is e^-45 below
 * its start doesn't count.
 */
#define PANEL_DROP		8.0
#define PANEL_LENGTH	2.5
#define NEGLIGIBLE		(-45.0)
#define MAX_PANELS		4096

/* Moments of the derivatives under the integral, relative to those at t */
typedef struct Moments
{
	double		mass;
	double		first[MAX_PARAMETERS];
	double		second[HESSIAN_ENTRIES];
} Moments;

/*
 * Pareto/NBD: r, alpha, s, beta. A customer's likelihood is the product of a
 * factor in x and
 *		(alpha + t)^-(r + x) (beta + t)^-s +
 *		integral from t_x to t over s (alpha + y)^-(r + x) (beta + y)^-(s + 1)
 * for those who are still there and those who left at y. The integral is taken
 * by the logarithm of y + min(alpha, beta), where the integrand is smooth, in
 * panels over which it doesn't fall too far: no hypergeometric function, and
 * the derivatives cost next to nothing more.
 */
static bool
integrate(const double *parameters, double x, const BtydPattern *pattern, bool second,
		  double log_alpha_t, double log_beta_t, Moments *moments)
{
	const double r = parameters[0];
	const double alpha = parameters[1];
	const double s = parameters[2];
	const double beta = parameters[3];
	const double shape = r + x;
	const double least = fmin(alpha, beta);
	const double gap = fabs(alpha - beta);
	const double base = least + pattern->t_x;
	const double log_base = log(base);
	const double length = log1p((pattern->t - pattern->t_x) / base);
	const double inverse_alpha_t = 1 / (alpha + pattern->t);
	const double inverse_beta_t = 1 / (beta + pattern->t);
	const bool	alpha_less = alpha < beta;
	const double start = alpha_less ? -shape * log_base - (s + 1) * log(base + gap) :
		-shape * log(base + gap) - (s + 1) * log_base;
	double		u = 0;

	memset(moments, 0, sizeof(Moments));
	for (int panel = 0; u < length; panel++)
	{
		double		step = fmin(length - u, PANEL_LENGTH);
		double		drop = 0;
		double		middle;
		double		half;
		double		last = 0;
		const double *nodes;
		const double *weights;
		int			count;

		/* how fast it falls at the panel's end, where it falls fastest */
		for (int i = 0; i < 3; i++)
		{
			const double grown = base * exp(u + step);
			const double near = grown / (grown + gap);

			drop = (alpha_less ? shape + (s + 1) * near : shape * near + s + 1) * step;
			if (drop <= PANEL_DROP)
				break;
			step *= PANEL_DROP / drop;
			drop = PANEL_DROP;
		}
		if (drop <= 1 && step <= 0.6)
		{
			nodes = nodes6;
			weights = weights6;
			count = 6;
		}
		else if (drop <= 2.5 && step <= 1.2)
		{
			nodes = nodes8;
			weights = weights8;
			count = 8;
		}
		else
		{
			nodes = nodes12;
			weights = weights12;
			count = 12;
		}
		if (!(step > 0) || panel >= MAX_PANELS)
			return false;

		half = step / 2;
		middle = u + half;
		for (int i = 0; i < count; i++)
		{
			const int	at = i < count / 2 ? i : count - 1 - i;
			const double v = middle + (i < count / 2 ? -half : half) * nodes[at];
			const double y_least = base * exp(v);
			const double y_most = y_least + gap;
			const double log_least = log_base + v;
			const double log_most = log(y_most);
			const double log_a = alpha_less ? log_least : log_most;
			const double log_b = alpha_less ? log_most : log_least;
			const double inverse_a = 1 / (alpha_less ? y_least : y_most);
			const double inverse_b = 1 / (alpha_less ? y_most : y_least);
			const double level = v - shape * log_a - (s + 1) * log_b - start;
			const double mass = weights[at] * half * exp(level);
			double		by[MAX_PARAMETERS];

			last = level;
			by[0] = log_alpha_t - log_a;
			by[1] = shape * (inverse_alpha_t - inverse_a);
			by[2] = 1 / s + log_beta_t - log_b;
			by[3] = s * inverse_beta_t - (s + 1) * inverse_b;
			moments->mass += mass;
			for (int j = 0; j < 4; j++)
				moments->first[j] += mass * by[j];
			if (second)
			{
				int			entry = 0;

				for (int j = 0; j < 4; j++)
					for (int k = j; k < 4; k++)
						moments->second[entry++] += mass * by[j] * by[k];
				moments->second[1] -= mass * inverse_a;
				moments->second[4] += mass * shape * inverse_a * inverse_a;
				moments->second[7] -= mass / (s * s);
				moments->second[8] -= mass * inverse_b;
				moments->second[9] += mass * (s + 1) * inverse_b * inverse_b;
			}
		}
		u += step;
		if (last < NEGLIGIBLE)
			break;
	}

	/* the mass becomes the logarithm of the integral, the moments its means */
	for (int j = 0; j < 4; j++)
		moments->first[j] /= moments->mass;
	for (int j = 0; j < HESSIAN_ENTRIES; j++)
		moments->second[j] /= moments->mass;
	moments->mass = log(moments->mass) + log(s) + log_base + start;
	return true;
}

static void
evaluate_pareto(const Problem *problem, const double *parameters, bool second, Derivatives *d)
{
	const double r = parameters[0];
	const double alpha = parameters[1];
	const double s = parameters[2];
	const double beta = parameters[3];
	const double log_alpha = log(alpha);
	const double log_of_beta = log(beta);

	for (size_t g = 0; g < problem->ngroups; g++)
	{
		const Group *group = &problem->groups[g];
		const double x = group->x;
		const double shape = r + x;
		double		by_r;

		for (size_t i = group->start; i < group->end; i++)
		{
			const BtydPattern *pattern = &problem->patterns[i];
			const double count = (double) pattern->count;
			const double inverse_a = 1 / (alpha + pattern->t);
			const double inverse_b = 1 / (beta + pattern->t);
			const double log_a = log(alpha + pattern->t);
			const double log_b = log(beta + pattern->t);
			const double present = -shape * log_a - s * log_b;
			double		weight = 0;
			double		log_sum = present;
			Moments		left;

			if (i % (CHUNK / 16) == 0)
				problem->tools->check();
			memset(&left, 0, sizeof(left));
			if (pattern->t > pattern->t_x)
			{
				double		odds;
				double		e;

				if (!integrate(parameters, x, pattern, second, log_a, log_b, &left))
				{
					add(&d->value, NAN);
					return;
				}
				odds = left.mass - present;
				e = exp(-fabs(odds));
				weight = (odds > 0 ? 1 : e) / (1 + e);
				log_sum += (odds > 0 ? odds : 0) + log1p(e);
			}
			add(&d->value, count * log_sum);
			add(&d->gradient[0], count * (weight * left.first[0] - log_a));
			add(&d->gradient[1], count * (weight * left.first[1] - shape * inverse_a));
			add(&d->gradient[2], count * (weight * left.first[2] - log_b));
			add(&d->gradient[3], count * (weight * left.first[3] - s * inverse_b));
			if (second)
			{
				const double rest = count * (1 - weight);
				int			entry = 0;

				for (int j = 0; j < 4; j++)
				{
					for (int k = j; k < 4; k++)
					{
						add(&d->hessian[entry], count * weight * (left.second[entry] -
																  weight * left.first[j] * left.first[k]));
						entry++;
					}
				}
				add(&d->hessian[1], -rest * inverse_a);
				add(&d->hessian[4], rest * shape * inverse_a * inverse_a);
				add(&d->hessian[8], -rest * inverse_b);
				add(&d->hessian[9], rest * s * inverse_b * inverse_b);
			}
		}

		add(&d->value, group->count * (log_rising(r, x, 1, &by_r) + r * log_alpha + s * log_of_beta));
		add(&d->gradient[0], group->count * (by_r + log_alpha));
		add(&d->gradient[1], group->count * (r / alpha));
		add(&d->gradient[2], group->count * log_of_beta);
		add(&d->gradient[3], group->count * (s / beta));
		if (second)
		{
			add(&d->hessian[0], group->count * (trigamma(shape) - trigamma(r)));
			add(&d->hessian[1], group->count / alpha);
			add(&d->hessian[4], -group->count * r / (alpha * alpha));
			add(&d->hessian[8], group->count / beta);
			add(&d->hessian[9], -group->count * s / (beta * beta));
		}
	}
}

/* Gamma-Gamma: p, q, gamma. With z = x * mean, the factor beyond x's is
 *		(z / (z + gamma))^(p x) (gamma / (z + gamma))^q / mean
 */
static void
evaluate_spend(const Problem *problem, const double *parameters, bool second, Derivatives *d)
{
	const double p = parameters[0];
	const double q = parameters[1];
	const double gamma = parameters[2];

	for (size_t g = 0; g < problem->ngroups; g++)
	{
		const Group *group = &problem->groups[g];
		const double x = group->x;
		const double px = p * x;

		for (size_t i = group->start; i < group->end; i++)
		{
			const BtydPattern *pattern = &problem->patterns[i];
			const double count = (double) pattern->count;
			const double z = x * pattern->t_x;
			const double share = log1p(gamma / z);	/* ln((z + gamma) / z) */
			const double rest = log1p(z / gamma);	/* ln((z + gamma) / gamma) */
			const double inverse = 1 / (z + gamma);

			if (i % CHUNK == 0)
				problem->tools->check();
			add(&d->value, -count * (px * share + q * rest + log(pattern->t_x)));
			add(&d->gradient[0], -count * x * share);
			add(&d->gradient[1], -count * rest);
			add(&d->gradient[2], count * (q / gamma - (px + q) * inverse));
			if (second)
			{
				add(&d->hessian[2], -count * x * inverse);
				add(&d->hessian[5], count * z * inverse / gamma);
				add(&d->hessian[7], count * ((px + q) * inverse * inverse - q / (gamma * gamma)));
			}
		}

		add(&d->value, -group->count * log_beta(px, q));
		add(&d->gradient[0], group->count * x * digamma_difference(px, q));
		add(&d->gradient[1], group->count * digamma_difference(q, px));
		if (second)
		{
			add(&d->hessian[0], group->count * x * x * (trigamma(px + q) - trigamma(px)));
			add(&d->hessian[1], group->count * x * trigamma(px + q));
			add(&d->hessian[4], group->count * (trigamma(px + q) - trigamma(q)));
		}
	}
}

static void
evaluate(const Problem *problem, const double *parameters, bool second, Derivatives *d)
{
	memset(d, 0, sizeof(Derivatives));
	switch (problem->model)
	{
		case MODEL_MBGNBD:
		case MODEL_BGNBD:
			evaluate_geometric(problem, parameters, second, d);
			break;
		case MODEL_PARETONBD:
			evaluate_pareto(problem, parameters, second, d);
			break;
		case MODEL_SPEND:
			evaluate_spend(problem, parameters, second, d);
			break;
	}
}

/* Number of an entry of the upper triangle, j <= k */
static inline int
entry_of(int j, int k)
{
	return j * MAX_PARAMETERS - j * (j - 1) / 2 + k - j;
}

/*
 * The point at point->log_parameter; false where the likelihood can't be had.
 * If second, information is set, too.
 */
static bool
evaluate_point(const Problem *problem, Point *point, bool second)
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
	evaluate(problem, parameters, second, &d);
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
				double		h = parameters[j] * parameters[k] * total(&d.hessian[entry_of(j, k)]);

				if (j == k)
					h += point->gradient[j];
				point->information[j][k] = point->information[k][j] = -h;
				check += h;
			}
		}
	}
	return isfinite(check);
}

/* ---- linear algebra ---- */

/*
 * Solve m * solution = right by Cholesky; false if m, with "damping" added to
 * its diagonal, is not safely positive definite. inverse, if not NULL, gets the
 * diagonal of m's inverse.
 */
static bool
solve(const double m[MAX_PARAMETERS][MAX_PARAMETERS], int n, double damping,
	  const double *right, double *solution, double *inverse)
{
	double		l[MAX_PARAMETERS][MAX_PARAMETERS];

	for (int j = 0; j < n; j++)
	{
		for (int i = j; i < n; i++)
		{
			double		sum = m[i][j] + (i == j ? damping : 0);

			for (int k = 0; k < j; k++)
				sum -= l[i][k] * l[j][k];
			if (i == j)
			{
				if (!(sum > 1e-12 * fabs(m[j][j])) || !(sum > 0))
					return false;
				l[j][j] = sqrt(sum);
			}
			else
				l[i][j] = sum / l[j][j];
		}
	}
	for (int column = inverse ? -n : 0; column < 1; column++)
	{
		double		v[MAX_PARAMETERS];

		/* the right side itself last, unit vectors before it */
		for (int i = 0; i < n; i++)
			v[i] = column == 0 ? right[i] : (i == column + n);
		for (int i = 0; i < n; i++)
		{
			for (int k = 0; k < i; k++)
				v[i] -= l[i][k] * v[k];
			v[i] /= l[i][i];
		}
		for (int i = n - 1; i >= 0; i--)
		{
			for (int k = i + 1; k < n; k++)
				v[i] -= l[k][i] * v[k];
			v[i] /= l[i][i];
		}
		if (column == 0)
			memcpy(solution, v, (size_t) n * sizeof(double));
		else
			inverse[column + n] = v[column + n];
	}
	return true;
}

/* ---- the search ---- */

static bool
out_of_bounds(const Problem *problem, const Point *point)
{
	for (int j = 0; j < problem->nparameters; j++)
	{
		if (!(fabs(point->log_parameter[j] - log(problem->scale[j])) <= LOG_BOUND))
			return true;
	}
	return false;
}

/* Minus the mean log-likelihood, for libLBFGS */
static lbfgsfloatval_t
descend(void *instance, const lbfgsfloatval_t *x, lbfgsfloatval_t *g, const int n, const lbfgsfloatval_t step)
{
	const Problem *problem = instance;
	Point		point;

	(void) step;
	memcpy(point.log_parameter, x, sizeof(point.log_parameter));
	for (int i = 0; i < n; i++)
		g[i] = 0;
	if (!evaluate_point(problem, &point, false))
		return 1e100;			/* refused by the line search */
	for (int j = 0; j < problem->nparameters; j++)
		g[j] = -point.gradient[j] / problem->customers;
	return -point.value / problem->customers;
}

static void
do_nothing(void)
{
}

/*
 * L-BFGS from a start; ends at point, whose value is -INFINITY if it came to
 * nothing. Returns the number of iterations. The library holds memory of its
 * own meanwhile: no interrupts until it is back.
 */
static int
count_iterations(void *instance, const lbfgsfloatval_t *x, const lbfgsfloatval_t *g, const lbfgsfloatval_t fx,
				 const lbfgsfloatval_t xnorm, const lbfgsfloatval_t gnorm, const lbfgsfloatval_t step,
				 int n, int k, int ls)
{
	const Problem *problem = instance;
	Point		point;

	(void) g, (void) fx, (void) xnorm, (void) gnorm, (void) step, (void) n, (void) k, (void) ls;
	/* a parameter that runs away won't come back */
	memcpy(point.log_parameter, x, sizeof(point.log_parameter));
	return out_of_bounds(problem, &point);
}

static void
climb(const Problem *whole, Point *point)
{
	static const BtydTools quiet = {NULL, NULL, do_nothing};
	lbfgsfloatval_t x[LBFGS_VARIABLES] __attribute__((aligned(16))) = {0};
	lbfgs_parameter_t settings;
	Problem		problem = *whole;

	problem.tools = &quiet;
	lbfgs_parameter_init(&settings);
	settings.epsilon = 1e-5;
	settings.past = 1;
	settings.delta = 1e-8;
	settings.max_iterations = LBFGS_ITERATIONS;
	settings.linesearch = LBFGS_LINESEARCH_BACKTRACKING_WOLFE;
	memcpy(x, point->log_parameter, sizeof(point->log_parameter));
	(void) lbfgs(LBFGS_VARIABLES, x, NULL, descend, count_iterations, &problem, &settings);
	/* whatever stopped it, x is the best it found */
	memcpy(point->log_parameter, x, sizeof(point->log_parameter));
	if (!evaluate_point(&problem, point, false))
		point->value = -INFINITY;
	whole->tools->check();
}

/*
 * Newton steps from point, damped where the likelihood is not concave, halved
 * where they overshoot. True if they ended at a maximum.
 */
static bool
newton(const Problem *problem, Point *point, int *iterations)
{
	const int	n = problem->nparameters;

	if (!evaluate_point(problem, point, true))
	{
		point->value = -INFINITY;
		return false;
	}
	for (int iteration = 0; iteration < NEWTON_ITERATIONS; iteration++)
	{
		double		step[MAX_PARAMETERS];
		double		damping = 0;
		double		longest = 0;
		double		gain = 0;
		double		factor = 1;
		double		noise = 1e-12 * (1 + fabs(point->value));
		Point		next;

		while (!solve(point->information, n, damping, point->gradient, step, NULL))
		{
			double		size = 1e-300;

			for (int j = 0; j < n; j++)
				size = fmax(size, fabs(point->information[j][j]));
			damping = damping == 0 ? size * 1e-3 : damping * 10;
			if (!isfinite(damping))
				return false;
		}
		for (int j = 0; j < n; j++)
		{
			longest = fmax(longest, fabs(step[j]));
			gain += step[j] * point->gradient[j];
		}
		if (!isfinite(longest))
			return false;
		if (longest > 1)
			factor = 1 / longest;
		for (;;)
		{
			for (int j = 0; j < n; j++)
				next.log_parameter[j] = point->log_parameter[j] + factor * step[j];
			if (evaluate_point(problem, &next, true) && next.value >= point->value - noise)
				break;
			factor /= 2;
			if (factor < 1e-10)
			{
				/* no better point in sight: a maximum to within rounding? */
				return damping == 0 && gain <= noise;
			}
		}
		*point = next;
		(*iterations)++;
		if (damping == 0 && gain <= SMALL_GAIN)
			return true;
		if (out_of_bounds(problem, point))
			return false;
	}
	return false;
}

/* What the point that the search ended at is worth */
static void
judge(const Problem *problem, const Point *point, bool maximum, BtydFit *fit)
{
	const int	n = problem->nparameters;
	double		step[MAX_PARAMETERS];
	double		variance[MAX_PARAMETERS];
	double		norm = 0;

	fit->status = BTYD_NOT_CONVERGED;
	fit->reason = BTYD_NO_MAXIMUM_FOUND;
	if (!isfinite(point->value))
		return;
	fit->log_likelihood = point->value;
	for (int j = 0; j < n; j++)
		norm += point->gradient[j] * point->gradient[j];
	fit->gradient_norm = sqrt(norm);
	if (out_of_bounds(problem, point))
	{
		fit->reason = BTYD_PARAMETER_AT_BOUNDARY;
		return;
	}
	if (!solve(point->information, n, 0, point->gradient, step, variance))
	{
		fit->reason = BTYD_FLAT_LIKELIHOOD;
		return;
	}
	if (!maximum)
		return;
	for (int j = 0; j < n; j++)
	{
		if (!(sqrt(variance[j]) <= MAX_LOG_ERROR))
		{
			fit->reason = BTYD_PARAMETER_AT_BOUNDARY;
			return;
		}
	}
	fit->status = BTYD_CONVERGED;
	fit->reason = BTYD_REASON_NONE;
	for (int j = 0; j < n; j++)
	{
		fit->parameters[j] = exp(point->log_parameter[j]);
		fit->standard_errors[j] = fit->parameters[j] * sqrt(variance[j]);
	}
}

/* ---- problems ---- */

static void
problem_groups(Problem *problem)
{
	size_t		ngroups = 0;

	for (size_t i = 0; i < problem->n; i++)
	{
		if (i == 0 || problem->patterns[i].x != problem->patterns[i - 1].x)
			ngroups++;
	}
	problem->groups = problem->tools->allocate((ngroups + 1) * sizeof(Group));
	problem->ngroups = 0;
	problem->customers = 0;
	for (size_t i = 0; i < problem->n; i++)
	{
		Group	   *group;

		if (i == 0 || problem->patterns[i].x != problem->patterns[i - 1].x)
		{
			group = &problem->groups[problem->ngroups++];
			group->x = problem->patterns[i].x;
			group->start = i;
			group->count = 0;
		}
		group = &problem->groups[problem->ngroups - 1];
		group->end = i + 1;
		group->count += (double) problem->patterns[i].count;
		problem->customers += (double) problem->patterns[i].count;
	}
}

/*
 * At most STRATA patterns that stand for all: as many neighbours each, for whom
 * one of them speaks. Which one is scrambled, lest it keeps step with the
 * calendar, but always the same.
 */
static BtydPattern *
make_strata(const BtydPattern *patterns, size_t n, const BtydTools *tools, size_t *nstrata)
{
	BtydPattern *strata = tools->allocate(STRATA * sizeof(BtydPattern));

	for (size_t i = 0; i < STRATA; i++)
	{
		size_t		from = n / STRATA * i + n % STRATA * i / STRATA;
		size_t		to = n / STRATA * (i + 1) + n % STRATA * (i + 1) / STRATA;

		size_t		spoken = (size_t) (((uint64_t) (to - from) * (((uint32_t) i + 1) * UINT32_C(2654435769) >> 16)) >> 16);

		strata[i] = patterns[from + spoken];
		strata[i].count = 0;
		for (size_t j = from; j < to; j++)
			strata[i].count += patterns[j].count;
	}
	*nstrata = STRATA;
	return strata;
}

static void
search(const Problem *problem, double starts[STARTS][MAX_PARAMETERS], const double *start, BtydFit *fit)
{
	Problem		few = *problem;
	BtydPattern *strata = NULL;
	Point		ends[STARTS];
	bool		tried[STARTS] = {false};
	int			nstarts = start ? 1 : STARTS;

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
			strata = make_strata(problem->patterns, problem->n, problem->tools, &few.n);
			few.patterns = strata;
			problem_groups(&few);
		}
		for (int i = 0; i < STARTS; i++)
		{
			for (int j = 0; j < problem->nparameters; j++)
				ends[i].log_parameter[j] = log(starts[i][j]);
			climb(&few, &ends[i]);
		}
		if (strata)
		{
			problem->tools->release(few.groups);
			problem->tools->release(strata);
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
		bool		maximum;
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
		if (!start && (out_of_bounds(problem, &point) || !isfinite(point.value)))
		{
			for (int j = 0; j < problem->nparameters; j++)
				point.log_parameter[j] = log(starts[best][j]);
		}
		found.iterations = 0;
		maximum = newton(problem, &point, &found.iterations);
		judge(problem, &point, maximum, &found);
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
	for (size_t i = 0; i < n; i++)
		fit->n += patterns[i].count;
	fit->status = BTYD_REFUSED;
}

static void
problem_init(Problem *problem, Model model, const BtydPattern *patterns, size_t n, const BtydTools *tools)
{
	memset(problem, 0, sizeof(Problem));
	problem->model = model;
	problem->nparameters = model == MODEL_SPEND ? SPEND_PARAMETERS : BTYD_PARAMETERS;
	problem->patterns = patterns;
	problem->n = n;
	problem->tools = tools;
	for (int j = 0; j < MAX_PARAMETERS; j++)
		problem->scale[j] = 1;
	problem_groups(problem);
}

void
btyd_fit(BtydFamily family, const BtydPattern *patterns, size_t n,
		 const double *start, const BtydTools *tools, BtydFit *fit)
{
	/* r, what alpha is divided by, a, b;  r, ditto, s, beta by the mean age */
	static const double geometric[STARTS][MAX_PARAMETERS] = {
		{0.25, 2, 0.8, 2.5}, {1, 2, 1, 4}, {3, 1.5, 0.3, 3}, {0.5, 1.5, 0.5, 20}
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
		problem_init(&problem, (Model) family, patterns, n, tools);
		problem.scale[1] = mean_t;
		if (family == BTYD_PARETONBD)
			problem.scale[3] = mean_t;
		for (int i = 0; i < STARTS; i++)
		{
			memcpy(starts[i], family == BTYD_PARETONBD ? pareto[i] : geometric[i], sizeof(starts[i]));
			starts[i][1] = starts[i][0] / starts[i][1] / (mean_x / mean_t);
			if (family == BTYD_PARETONBD)
				starts[i][3] *= mean_t;
		}
		search(&problem, starts, start, fit);
		tools->release(problem.groups);
	}
}

void
spend_fit(const BtydPattern *patterns, size_t n,
		  const double *start, const BtydTools *tools, BtydFit *fit)
{
	/* p, q, gamma by the mean spend */
	double		starts[STARTS][MAX_PARAMETERS] = {{6, 4, 0.5}, {2, 3, 1}, {1, 1.5, 0.5}, {30, 3, 0.1}};
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
		problem_init(&problem, MODEL_SPEND, patterns, n, tools);
		problem.scale[2] = mean;
		for (int i = 0; i < STARTS; i++)
			starts[i][2] *= mean;
		search(&problem, starts, start, fit);
		tools->release(problem.groups);
		/* a maximum, but with q up to 1 the mean over all customers is infinite */
		if (fit->status == BTYD_CONVERGED && fit->parameters[1] <= 1)
			fit->reason = BTYD_MEAN_UNDEFINED;
	}
}

static double
evaluate_alone(Problem *problem, const double *parameters, double *gradient, double *hessian)
{
	const int	n = problem->nparameters;
	Derivatives d;

	evaluate(problem, parameters, hessian != NULL, &d);
	problem->tools->release(problem->groups);
	for (int j = 0; j < n; j++)
	{
		if (gradient)
			gradient[j] = total(&d.gradient[j]);
		for (int k = j; hessian && k < n; k++)
			hessian[j * n + k] = hessian[k * n + j] = total(&d.hessian[entry_of(j, k)]);
	}
	return total(&d.value);
}

double
btyd_fit_evaluate(BtydFamily family, const BtydPattern *patterns, size_t n,
				  const double *parameters, const BtydTools *tools, double *gradient, double *hessian)
{
	Problem		problem;

	problem_init(&problem, (Model) family, patterns, n, tools);
	return evaluate_alone(&problem, parameters, gradient, hessian);
}

double
spend_fit_evaluate(const BtydPattern *patterns, size_t n,
				   const double *parameters, const BtydTools *tools, double *gradient, double *hessian)
{
	Problem		problem;

	problem_init(&problem, MODEL_SPEND, patterns, n, tools);
	return evaluate_alone(&problem, parameters, gradient, hessian);
}
