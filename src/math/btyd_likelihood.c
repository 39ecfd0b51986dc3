/*
 * btyd_likelihood.c
 *		The likelihood of all customers with its first and second derivatives.
 *
 * What depends on x alone is computed once for all patterns of that x; sums are
 * compensated and run in the order of the patterns. What a fit says about one
 * customer is in btyd_predict.c; tests hold the two together.
 */
#include "btyd_likelihood.h"
#include "gamma.h"

#include <math.h>
#include <string.h>

/* Patterns between two looks at interrupts */
#define CHUNK			4096

static inline void
add(Sum *sum, double x)
{
	double		s = sum->sum + x;
	double		part = s - sum->sum;

	sum->rest += (sum->sum - (s - part)) + (x - part);
	sum->sum = s;
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
				problem->host->check();
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
				problem->host->check();
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

void
likelihood_evaluate(const Problem *problem, const double *parameters, bool second, Derivatives *d)
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
