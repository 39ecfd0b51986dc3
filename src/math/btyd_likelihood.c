/*
 * btyd_likelihood.c
 *		The likelihood of all customers with its first and second derivatives.
 *
 * What depends on x alone is computed once for all patterns of that x; sums are
 * compensated and run in the order of the patterns. What a fit says about one
 * customer is in btyd_predict.c; tests hold both to one table of references.
 */
#include "btyd_likelihood.h"
#include "erlang.h"
#include "gamma.h"
#include "gauss_legendre.h"

#include <math.h>
#include <string.h>

#define lengthof(array)	((int) (sizeof(array) / sizeof((array)[0])))

/* Patterns between two looks at interrupts */
#define CHUNK			4096

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
																z * (5 / 66.0 - z *
																	 (691 / 2730.0 - z *
																	  7 / 6.0))))));
}

/* ---- problems ---- */

void
likelihood_groups(Problem *problem)
{
	size_t		ngroups = 0;

	for (size_t i = 0; i < problem->n; i++)
	{
		if (i == 0 || problem->patterns[i].x != problem->patterns[i - 1].x)
			ngroups++;
	}
	problem->groups = host_allocate(problem->host, (ngroups + 1) * sizeof(Group));
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

void
likelihood_problem(Problem *problem, Model model, const BtydPattern *patterns, size_t n,
				   const Host *host)
{
	memset(problem, 0, sizeof(Problem));
	problem->model = model;
	problem->k = 1;
	problem->nparameters = model == MODEL_SPEND ? SPEND_PARAMETERS : BTYD_PARAMETERS;
	problem->patterns = patterns;
	problem->n = n;
	problem->host = host;
	for (int j = 0; j < MAX_PARAMETERS; j++)
		problem->scale[j] = 1;
	likelihood_groups(problem);
}

/* ---- the likelihoods ---- */

/*
 * BG/NBD, MBG/NBD and MBG/CNBD-k: r, alpha, a, b. A customer's likelihood is the product of
 * a factor in x and
 *		(alpha + t)^-(r + x) * (1 + exp(D))
 *		D = ln a - ln(b + x [- 1]) + (r + x) (ln(alpha + t) - ln(alpha + t_x))
 * where the second term, of one who left after the last purchase, is missing in
 * BG/NBD when x = 0. With k > 1, r + k x stands for r + x, and the first term is
 * not 1 but the sum of erlang.h: fewer than k hidden events in the silence. D is
 * then less by that sum's logarithm F, which the likelihood has as a factor.
 */
typedef struct Geometric
{
	double		r;
	double		alpha;
	double		a;
	double		b;
	int			k;
	/* of the group */
	double		x;
	double		kx;
	double		y;				/* how often they could have left */
	bool		may_have_left;
	double		leave;			/* b + y - 1 */
	double		log_odds;		/* ln a - ln leave */
	/* sums over the group, n = weight(1 - weight) */
	double		left;
	double		n;
	double		n_r;
	double		n_alpha;
} Geometric;

/*
 * F with its derivatives counts as likely as somebody is still there. Apart from the
 * rest, which most families are all of.
 */
static void
add_silence(double f, const double *by, double still_there, bool second, double count,
			Derivatives *d)
{
	sum_add(&d->value, count * f);
	sum_add(&d->gradient[0], count * still_there * by[0]);
	sum_add(&d->gradient[1], count * still_there * by[1]);
	if (second)
	{
		sum_add(&d->hessian[0], count * still_there * by[2]);
		sum_add(&d->hessian[1], count * still_there * by[3]);
		sum_add(&d->hessian[4], count * still_there * by[4]);
	}
}

/* What depends on a pattern's days */
static inline void
add_geometric_pattern(Geometric *g, const BtydPattern *pattern, bool second, Derivatives *d)
{
	const double shape = g->r + g->kx;
	const double count = (double) pattern->count;
	const double inverse = 1 / (g->alpha + pattern->t);
	const double log_t = log1p(pattern->t / g->alpha);
	double		difference = 0;
	double		inverse_x = 0;
	double		q = 0;
	double		weight = 0;
	double		log_sum = 0;
	double		f = 0;			/* F and its derivatives */
	double		by[5];

	if (g->k > 1)
		f = log_erlang_silence(g->k, shape, (pattern->t - pattern->t_x) * inverse, inverse, second,
							   by);
	if (g->may_have_left)
	{
		double		odds;
		double		e;

		difference = log1p((pattern->t - pattern->t_x) / (g->alpha + pattern->t_x));
		inverse_x = 1 / (g->alpha + pattern->t_x);
		q = inverse - inverse_x;
		odds = g->log_odds + shape * difference - f;
		e = exp(-fabs(odds));
		weight = (odds > 0 ? 1 : e) / (1 + e);
		log_sum = (odds > 0 ? odds : 0) + log1p(e);
	}
	sum_add(&d->value, count * (log_sum - shape * log_t));
	sum_add(&d->gradient[0], count * (weight * difference - log_t));
	sum_add(&d->gradient[1],
		count * (weight * shape * q + (g->r * (pattern->t / g->alpha) - g->kx) * inverse));
	if (g->k > 1)
		add_silence(f, by, 1 - weight, second, count, d);
	g->left += count * weight;
	if (second)
	{
		const double v = count * weight * (1 - weight);
		/* of D - F */
		const double by_r = g->k > 1 ? difference - by[0] : difference;
		const double by_alpha = g->k > 1 ? shape * q - by[1] : shape * q;

		sum_add(&d->hessian[0], v * by_r * by_r);
		sum_add(&d->hessian[1], count * (weight * q - inverse) + v * by_r * by_alpha);
		sum_add(&d->hessian[4],
			count * shape * ((1 - weight) * inverse * inverse + weight * inverse_x * inverse_x) +
			v * by_alpha * by_alpha);
		g->n += v;
		g->n_r += v * by_r;
		g->n_alpha += v * by_alpha;
	}
}

/* What all patterns of the same x have in common */
static void
add_geometric_group(const Geometric *g, double count, double log_alpha, bool second, Derivatives *d)
{
	const double shape = g->r + g->kx;
	double		by_r;
	double		by_b_alone;
	double		by_sum;

	sum_add(&d->value, count * (log_rising(g->r, g->kx, 1, &by_r) - g->kx * log_alpha));
	sum_add(&d->value, count * log_rising_ratio(g->b, g->a, g->y, &by_b_alone, &by_sum));
	sum_add(&d->gradient[0], count * by_r);
	sum_add(&d->gradient[2], count * by_sum + g->left / g->a);
	sum_add(&d->gradient[3],
		count * (by_b_alone + by_sum) - (g->may_have_left ? g->left / g->leave : 0));
	if (second)
	{
		const double both = count * (trigamma(g->a + g->b) - trigamma(g->a + g->b + g->y));
		const double by_a = g->may_have_left ? 1 / g->a : 0;
		const double by_b = g->may_have_left ? -1 / g->leave : 0;

		sum_add(&d->hessian[0], count * (trigamma(shape) - trigamma(g->r)));
		sum_add(&d->hessian[1], count / g->alpha);
		sum_add(&d->hessian[2], g->n_r * by_a);
		sum_add(&d->hessian[3], g->n_r * by_b);
		sum_add(&d->hessian[4], -count * g->r / (g->alpha * g->alpha));
		sum_add(&d->hessian[5], g->n_alpha * by_a);
		sum_add(&d->hessian[6], g->n_alpha * by_b);
		sum_add(&d->hessian[7], both + (g->n - g->left) * by_a * by_a);
		sum_add(&d->hessian[8], both + g->n * by_a * by_b);
		sum_add(&d->hessian[9],
			both + count * (trigamma(g->b + g->y) - trigamma(g->b)) +
			(g->n + g->left) * by_b * by_b);
	}
}

static void
evaluate_geometric(const Problem *problem, const double *parameters, bool second, Derivatives *d)
{
	const bool	modified = problem->model != MODEL_BGNBD;
	const double log_alpha = log(parameters[1]);

	for (size_t i = 0; i < problem->ngroups; i++)
	{
		const Group *group = &problem->groups[i];
		Geometric	g = {parameters[0], parameters[1], parameters[2], parameters[3],
			.k = problem->k,.x = group->x,.kx = problem->k * group->x};

		g.y = modified ? g.x + 1 : g.x;
		g.may_have_left = modified || g.x > 0;
		g.leave = g.b + g.y - 1;
		g.log_odds = g.may_have_left ? log(g.a) - log(g.leave) : 0;
		for (size_t j = group->start; j < group->end; j++)
		{
			if (j % CHUNK == 0)
				problem->host->check();
			add_geometric_pattern(&g, &problem->patterns[j], second, d);
		}
		add_geometric_group(&g, group->count, log_alpha, second, d);
	}
}

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
typedef struct Integrand
{
	double		shape;			/* r + x */
	double		s;
	bool		alpha_less;
	double		gap;			/* between alpha and beta */
	double		base;			/* the less of them, and t_x */
	double		log_base;
	double		start;			/* ln of the integrand at t_x */
	/* at t */
	double		log_alpha_t;
	double		log_beta_t;
	double		inverse_alpha_t;
	double		inverse_beta_t;
} Integrand;

/* How far a panel that starts at u goes, the integrand not falling too far; how far it falls */
static inline double
panel_step(const Integrand *f, double u, double rest, double *drop)
{
	double		step = fmin(rest, PANEL_LENGTH);

	/* how fast it falls at the panel's end, where it falls fastest */
	for (int i = 0; i < 3; i++)
	{
		const double grown = f->base * exp(u + step);
		const double near = grown / (grown + f->gap);

		*drop = (f->alpha_less ? f->shape + (f->s + 1) * near : f->shape * near + f->s + 1) * step;
		if (*drop <= PANEL_DROP)
			break;
		step *= PANEL_DROP / *drop;
		*drop = PANEL_DROP;
	}
	return step;
}

/* Add so much of the integrand at v to the moments; returns its logarithm less the start's. */
static inline double
add_node(const Integrand *f, double v, double weight, bool second, Moments *moments)
{
	const double y_least = f->base * exp(v);
	const double y_most = y_least + f->gap;
	const double log_least = f->log_base + v;
	const double log_most = log(y_most);
	const double log_a = f->alpha_less ? log_least : log_most;
	const double log_b = f->alpha_less ? log_most : log_least;
	const double inverse_a = 1 / (f->alpha_less ? y_least : y_most);
	const double inverse_b = 1 / (f->alpha_less ? y_most : y_least);
	const double level = v - f->shape * log_a - (f->s + 1) * log_b - f->start;
	const double mass = weight * exp(level);
	double		by[MAX_PARAMETERS];

	by[0] = f->log_alpha_t - log_a;
	by[1] = f->shape * (f->inverse_alpha_t - inverse_a);
	by[2] = 1 / f->s + f->log_beta_t - log_b;
	by[3] = f->s * f->inverse_beta_t - (f->s + 1) * inverse_b;
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
		moments->second[4] += mass * f->shape * inverse_a * inverse_a;
		moments->second[7] -= mass / (f->s * f->s);
		moments->second[8] -= mass * inverse_b;
		moments->second[9] += mass * (f->s + 1) * inverse_b * inverse_b;
	}
	return level;
}

/* Add a panel, from left to right; returns the logarithm at its last node. */
static inline double
add_panel(const Integrand *f, double u, double step, double drop, bool second, Moments *moments)
{
	const double half = step / 2;
	const double middle = u + half;
	const GaussNode *nodes = gauss12;
	int			pairs = lengthof(gauss12);
	double		last = 0;

	if (drop <= 1 && step <= 0.6)
	{
		nodes = gauss6;
		pairs = lengthof(gauss6);
	}
	else if (drop <= 2.5 && step <= 1.2)
	{
		nodes = gauss8;
		pairs = lengthof(gauss8);
	}
	for (int i = -pairs; i < pairs; i++)
	{
		const GaussNode *node = &nodes[i < 0 ? -i - 1 : i];

		last = add_node(f, middle + (i < 0 ? -half : half) * node->x, node->weight * half, second,
						moments);
	}
	return last;
}

/* The mass becomes the logarithm of the integral, the moments its means. False if there is none. */
static bool
integrate(const double *parameters, double x, const BtydPattern *pattern, bool second,
		  double log_alpha_t, double log_beta_t, Moments *moments)
{
	const double alpha = parameters[1];
	const double beta = parameters[3];
	Integrand	f = {.shape = parameters[0] + x,.s = parameters[2],.alpha_less = alpha < beta,
		.gap = fabs(alpha - beta),.base = fmin(alpha, beta) + pattern->t_x,
		.log_alpha_t = log_alpha_t,.log_beta_t = log_beta_t,
		.inverse_alpha_t = 1 / (alpha + pattern->t),.inverse_beta_t = 1 / (beta + pattern->t)};
	const double length = log1p((pattern->t - pattern->t_x) / f.base);
	double		u = 0;

	f.log_base = log(f.base);
	f.start = f.alpha_less ? -f.shape * f.log_base - (f.s + 1) * log(f.base + f.gap) :
		-f.shape * log(f.base + f.gap) - (f.s + 1) * f.log_base;
	memset(moments, 0, sizeof(Moments));
	for (int panel = 0; u < length; panel++)
	{
		double		drop = 0;
		double		step = panel_step(&f, u, length - u, &drop);
		double		last;

		if (!(step > 0) || panel >= MAX_PANELS)
			return false;
		last = add_panel(&f, u, step, drop, second, moments);
		u += step;
		if (last < NEGLIGIBLE)
			break;
	}
	for (int j = 0; j < 4; j++)
		moments->first[j] /= moments->mass;
	for (int j = 0; j < HESSIAN_ENTRIES; j++)
		moments->second[j] /= moments->mass;
	moments->mass = log(moments->mass) + log(f.s) + f.log_base + f.start;
	return true;
}

/* What depends on a pattern's days; false if that can't be had */
static bool
add_pareto_pattern(const double *parameters, double x, const BtydPattern *pattern, bool second,
				   Derivatives *d)
{
	const double s = parameters[2];
	const double shape = parameters[0] + x;
	const double count = (double) pattern->count;
	const double inverse_a = 1 / (parameters[1] + pattern->t);
	const double inverse_b = 1 / (parameters[3] + pattern->t);
	const double log_a = log(parameters[1] + pattern->t);
	const double log_b = log(parameters[3] + pattern->t);
	const double present = -shape * log_a - s * log_b;
	double		weight = 0;
	double		log_sum = present;
	Moments		left;

	memset(&left, 0, sizeof(left));
	if (pattern->t > pattern->t_x)
	{
		double		odds;
		double		e;

		if (!integrate(parameters, x, pattern, second, log_a, log_b, &left))
			return false;
		odds = left.mass - present;
		e = exp(-fabs(odds));
		weight = (odds > 0 ? 1 : e) / (1 + e);
		log_sum += (odds > 0 ? odds : 0) + log1p(e);
	}
	sum_add(&d->value, count * log_sum);
	sum_add(&d->gradient[0], count * (weight * left.first[0] - log_a));
	sum_add(&d->gradient[1], count * (weight * left.first[1] - shape * inverse_a));
	sum_add(&d->gradient[2], count * (weight * left.first[2] - log_b));
	sum_add(&d->gradient[3], count * (weight * left.first[3] - s * inverse_b));
	if (second)
	{
		const double rest = count * (1 - weight);
		int			entry = 0;

		for (int j = 0; j < 4; j++)
		{
			for (int k = j; k < 4; k++)
			{
				sum_add(&d->hessian[entry], count * weight * (left.second[entry] -
														  weight * left.first[j] * left.first[k]));
				entry++;
			}
		}
		sum_add(&d->hessian[1], -rest * inverse_a);
		sum_add(&d->hessian[4], rest * shape * inverse_a * inverse_a);
		sum_add(&d->hessian[8], -rest * inverse_b);
		sum_add(&d->hessian[9], rest * s * inverse_b * inverse_b);
	}
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
		double		by_r;

		for (size_t i = group->start; i < group->end; i++)
		{
			if (i % (CHUNK / 16) == 0)
				problem->host->check();
			if (!add_pareto_pattern(parameters, x, &problem->patterns[i], second, d))
			{
				sum_add(&d->value, NAN);
				return;
			}
		}

		sum_add(&d->value,
			group->count * (log_rising(r, x, 1, &by_r) + r * log_alpha + s * log_of_beta));
		sum_add(&d->gradient[0], group->count * (by_r + log_alpha));
		sum_add(&d->gradient[1], group->count * (r / alpha));
		sum_add(&d->gradient[2], group->count * log_of_beta);
		sum_add(&d->gradient[3], group->count * (s / beta));
		if (second)
		{
			sum_add(&d->hessian[0], group->count * (trigamma(r + x) - trigamma(r)));
			sum_add(&d->hessian[1], group->count / alpha);
			sum_add(&d->hessian[4], -group->count * r / (alpha * alpha));
			sum_add(&d->hessian[8], group->count / beta);
			sum_add(&d->hessian[9], -group->count * s / (beta * beta));
		}
	}
}

/*
 * BG/BB: alpha, beta, gamma, delta. A customer's likelihood is that of having
 * stayed, times 1 + the sum over j from t_x to t - 1 of how much likelier it is
 * that they left after opportunity j (opportunity.c).
 */
typedef struct Departures
{
	double		one;			/* the 1, by the scale of the others */
	double		sum;
	double		first[MAX_PARAMETERS];
	double		second[HESSIAN_ENTRIES];
	double		log_scale;
} Departures;

#define LARGE			1e200

static void
sum_departures(const double *parameters, const BtydPattern *pattern, bool second, Departures *s)
{
	const double beta = parameters[1];
	const double both = parameters[0] + beta;
	const double gamma = parameters[2];
	const double all = gamma + parameters[3];
	double		term = 1;
	/* sums of 1 / (both + k), 1 / (beta + k - x), 1 / (all + k), 1 / (delta + k), and of squares */
	double		sums[4] = {0};
	double		squares[4] = {0};

	memset(s, 0, sizeof(Departures));
	s->one = 1;
	for (double j = pattern->t - 1; j >= pattern->t_x; j--)
	{
		const double inverse[4] = {1 / (both + j), 1 / (beta + j - pattern->x),
			j == pattern->t - 1 ? 0 : 1 / (all + j + 1), 1 / (parameters[3] + j)};
		double		by[4];

		term *= inverse[1] / inverse[0] * inverse[3] * (j == pattern->t - 1 ? gamma : all + j + 1);
		for (int i = 0; i < 4; i++)
		{
			sums[i] += inverse[i];
			squares[i] += inverse[i] * inverse[i];
		}
		by[0] = sums[0];
		by[1] = sums[0] - sums[1];
		by[2] = 1 / gamma + sums[2];
		by[3] = sums[2] - sums[3];
		s->sum += term;
		for (int i = 0; i < 4; i++)
			s->first[i] += term * by[i];
		if (second)
		{
			int			entry = 0;

			for (int i = 0; i < 4; i++)
				for (int k = i; k < 4; k++)
					s->second[entry++] += term * by[i] * by[k];
			s->second[0] -= term * squares[0];
			s->second[1] -= term * squares[0];
			s->second[4] -= term * (squares[0] - squares[1]);
			s->second[7] -= term * (1 / (gamma * gamma) + squares[2]);
			s->second[8] -= term * squares[2];
			s->second[9] -= term * (squares[2] - squares[3]);
		}
		if (s->sum > LARGE)
		{
			term /= LARGE;
			s->one /= LARGE;
			s->sum /= LARGE;
			for (int i = 0; i < 4; i++)
				s->first[i] /= LARGE;
			for (int i = 0; i < HESSIAN_ENTRIES; i++)
				s->second[i] /= LARGE;
			s->log_scale += log(LARGE);
		}
	}
}

static void
add_opportunities(const double *parameters, const BtydPattern *pattern, bool second, Derivatives *d)
{
	const double alpha = parameters[0];
	const double beta = parameters[1];
	const double gamma = parameters[2];
	const double delta = parameters[3];
	const double x = pattern->x;
	const double t = pattern->t;
	const double count = (double) pattern->count;
	Departures	s;
	double		whole;
	double		by_alpha;
	double		by_beta;
	double		by_both;
	double		by_delta;
	double		by_all;

	sum_departures(parameters, pattern, second, &s);
	whole = s.one + s.sum;
	sum_add(&d->value, count * (log_rising(alpha, x, 1, &by_alpha) +
							log_rising(beta, t - x, 1, &by_beta) -
							log_rising(alpha + beta, t, 1, &by_both) +
							log_rising_ratio(delta, gamma, t, &by_delta, &by_all)));
	sum_add(&d->value, count * (log(whole) + s.log_scale));
	sum_add(&d->gradient[0], count * (by_alpha - by_both + s.first[0] / whole));
	sum_add(&d->gradient[1], count * (by_beta - by_both + s.first[1] / whole));
	sum_add(&d->gradient[2], count * (by_all + s.first[2] / whole));
	sum_add(&d->gradient[3], count * (by_delta + by_all + s.first[3] / whole));
	if (second)
	{
		const double of_both = trigamma(alpha + beta) - trigamma(alpha + beta + t);
		const double of_all = trigamma(gamma + delta) - trigamma(gamma + delta + t);
		int			entry = 0;

		for (int i = 0; i < 4; i++)
		{
			for (int k = i; k < 4; k++)
			{
				sum_add(&d->hessian[entry], count * (s.second[entry] / whole -
												 s.first[i] / whole * (s.first[k] / whole)));
				entry++;
			}
		}
		sum_add(&d->hessian[0], count * (trigamma(alpha + x) - trigamma(alpha) + of_both));
		sum_add(&d->hessian[1], count * of_both);
		sum_add(&d->hessian[4], count * (trigamma(beta + t - x) - trigamma(beta) + of_both));
		sum_add(&d->hessian[7], count * of_all);
		sum_add(&d->hessian[8], count * of_all);
		sum_add(&d->hessian[9], count * (trigamma(delta + t) - trigamma(delta) + of_all));
	}
}

static void
evaluate_opportunities(const Problem *problem, const double *parameters, bool second,
					   Derivatives *d)
{
	for (size_t i = 0; i < problem->n; i++)
	{
		if (i % (CHUNK / 16) == 0)
			problem->host->check();
		add_opportunities(parameters, &problem->patterns[i], second, d);
	}
}

/*
 * Gamma-Gamma: p, q, gamma. With z = x * mean, the factor beyond x's is
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
				problem->host->check();
			sum_add(&d->value, -count * (px * share + q * rest + log(pattern->t_x)));
			sum_add(&d->gradient[0], -count * x * share);
			sum_add(&d->gradient[1], -count * rest);
			sum_add(&d->gradient[2], count * (q / gamma - (px + q) * inverse));
			if (second)
			{
				sum_add(&d->hessian[2], -count * x * inverse);
				sum_add(&d->hessian[5], count * z * inverse / gamma);
				sum_add(&d->hessian[7],
						count * ((px + q) * inverse * inverse - q / (gamma * gamma)));
			}
		}

		sum_add(&d->value, -group->count * log_beta(px, q));
		sum_add(&d->gradient[0], group->count * x * digamma_difference(px, q));
		sum_add(&d->gradient[1], group->count * digamma_difference(q, px));
		if (second)
		{
			sum_add(&d->hessian[0], group->count * x * x * (trigamma(px + q) - trigamma(px)));
			sum_add(&d->hessian[1], group->count * x * trigamma(px + q));
			sum_add(&d->hessian[4], group->count * (trigamma(px + q) - trigamma(q)));
		}
	}
}

void
likelihood_evaluate(const Problem *problem, const double *parameters, bool second, Derivatives *d)
{
	memset(d, 0, sizeof(Derivatives));
	switch (problem->model)
	{
		case MODEL_MBGNBD:
		case MODEL_BGNBD:
		case MODEL_MBGCNBD:
			evaluate_geometric(problem, parameters, second, d);
			break;
		case MODEL_BGBB:
			evaluate_opportunities(problem, parameters, second, d);
			break;
		case MODEL_PARETONBD:
			evaluate_pareto(problem, parameters, second, d);
			break;
		case MODEL_SPEND:
			evaluate_spend(problem, parameters, second, d);
			break;
	}
}
