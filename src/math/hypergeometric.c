/*
 * hypergeometric.c
 *		The hypergeometric functions of the buy-till-you-die models.
 *
 * Every integrand here, in the logarithm of its variable, is the exponential
 * of a concave function. So it has one mode, its logarithm lies below every
 * tangent, which bounds what is left out, and Gauss-Legendre panels whose width
 * follows its slope integrate it to the last digits.
 */
#include "hypergeometric.h"

#include <math.h>

#include "gamma.h"
#include "gauss_legendre.h"

/*
 * A panel of n nodes is exact to rounding if |slope| * half width stays below
 * steep, and the half width below wide: the nearest singularities lie at a
 * distance of pi from the real line.
 */
typedef struct Rule
{
	double		steep;
	double		wide;
	int			pairs;
	const GaussNode *nodes;
} Rule;

static const Rule rules[] = {
	{0.08, 0.06, 2, gauss4},
	{0.4, 0.3, 3, gauss6},
	{1.2, 0.75, 4, gauss8},
	{4.0, 1.3, 6, gauss12},
	{9.0, 2.0, 8, gauss16},
};

#define STEEP16	9.0
#define WIDE16	2.0

/* For integrands that are singular at pi/2 where an exponent is large */
#define STEEP	6.0
#define WIDE	1.0

#define NEGLIGIBLE	1e-18
#define MAX_PANELS	2000

/* ln of the integrand at v; its derivative */
typedef double (*LogConcave) (const double *parameters, double v, double *slope);

/* Add the panels from "from", in the direction of "sign", up to "end" or until the rest is negligible. */
static double
panels(LogConcave f, const double *parameters, double from, double end, int sign,
	   double near, double far, double top, double sum)
{
	double		slope_from;
	double		slope_to;
	double		width;

	(void) f(parameters, from, &slope_from);
	for (int i = 0; i < MAX_PANELS; i++)
	{
		double		rest = fabs(end - from);
		double		part = 0.0;
		double		to = end;
		double		height;
		double		centre;

		/* far from where the integrand bends, panels are as wide as they are far */
		width = sign > 0 ? fmax(from - far, 0.5 * (near - from)) :
			fmax(near - from, 0.5 * (from - far));
		width = fmax(width, 2.0 * WIDE);
		if (width > rest)
			width = rest;
		for (int halvings = 0;; halvings++)
		{
			to = width < rest ? from + sign * width : end;
			height = f(parameters, to, &slope_to);
			if (fmax(fabs(slope_from), fabs(slope_to)) * width * 0.5 <= STEEP)
				break;
			if (halvings == 200)
				return NAN;
			width *= 0.5;
		}
		centre = 0.5 * (from + to);
		width = 0.5 * fabs(to - from);
		for (int j = 0; j < 8; j++)
		{
			double		ignored;
			double		step = width * gauss16[j].x;

			part += gauss16[j].weight * (exp(f(parameters, centre - step, &ignored) - top) +
										 exp(f(parameters, centre + step, &ignored) - top));
		}
		sum += part * width;
		if (to == end)
			return sum;
		/* concave: what is beyond lies below the tangent */
		if (slope_to * sign < 0.0 && exp(height - top) <= NEGLIGIBLE * sum * fabs(slope_to))
			return sum;
		from = to;
		slope_from = slope_to;
	}
	return NAN;
}

/*
 * ln of the integral of exp(f) over (low, high), either end possibly infinite;
 * near and far enclose the places where f bends: e^(c ln(1 + e^v)) does so
 * between -ln c and 0.
 */
static double
log_integral(LogConcave f, const double *parameters, double low, double high, double near,
			 double far)
{
	double		mode = fmin(fmax(0.5 * (near + far), low), high);
	double		slope;
	double		step = 1.0;
	double		left = low;
	double		right = high;
	double		top;
	double		sum;

	/* the mode, as nearly as panels need it */
	for (int i = 0; i < 400; i++)
	{
		(void) f(parameters, mode, &slope);
		if (!isfinite(slope))
			return NAN;
		if (slope > 0.0)
			left = mode;
		else
			right = mode;
		if (slope == 0.0 || right - left <= 0.0 || fabs(slope) * (right - left) < 0.5)
			break;
		if (isfinite(left) && isfinite(right) && right - left <= 2.0 * step)
			mode = 0.5 * (left + right);
		else if (slope > 0.0)
			mode = fmin(mode + step, right);
		else
			mode = fmax(mode - step, left);
		if (mode == left || mode == right)
		{
			/* an end of the range, or no double in between */
			(void) f(parameters, mode, &slope);
			if (mode == low || mode == high || right - left < 1e-9 * (1.0 + fabs(mode)))
				break;
		}
		step *= 2.0;
	}
	top = f(parameters, mode, &slope);
	sum = 0.0;
	if (mode < high)
		sum = panels(f, parameters, mode, high, 1, near, far, top, sum);
	if (mode > low)
		sum = panels(f, parameters, mode, low, -1, near, far, top, sum);
	return top + log(sum);
}

/* ln(1 + exp(v)) */
static inline double
softplus(double v)
{
	return (v > 0.0 ? v : 0.0) + log1p(exp(-fabs(v)));
}

/* p = logistic(v): p^a (1 - p)^b (1 - (1 + p y)^-n) / p; parameters n, a, b, y */
static double
beta_geometric_log(const double *parameters, double v, double *slope)
{
	double		n = parameters[0];
	double		a = parameters[1];
	double		b = parameters[2];
	double		y = parameters[3];
	double		log_p = -softplus(-v);
	double		log_q = -softplus(v);
	double		p = exp(log_p);
	double		q = exp(log_q);
	double		h = n * log1p(p * y);

	*slope = a * q - b * p;
	/* the limit p -> 0, before p underflows */
	if (v < -40.0 && (n + 1.0) * p * y < 1e-18)
		return a * log_p + b * log_q + log(n * y);
	*slope += (h < 700.0 ? n * p * y * q / (1.0 + p * y) / expm1(h) : 0.0) - q;
	return a * log_p + b * log_q + log(-expm1(-h)) - log_p;
}

/*
 * (1 + p y)^-n is E[(1 - p)^K] for a negative binomial K, so the count is the sum over k of
 * P(K = k) E[1 + (1 - p) + ... + (1 - p)^(k - 1)]. What is expected is the same for all y, and
 * the sum for the last y, the largest, ends after the others. False if it does not end.
 */
static inline bool
count_series(double n, double a, double b, int m, const double *y, double *counts)
{
	double		z[MOST_COUNTS];
	double		weight[MOST_COUNTS];
	double		sum[MOST_COUNTS];
	double		power = 1.0;
	double		count = 1.0;

	for (int j = 0; j < m; j++)
	{
		z[j] = y[j] / (1.0 + y[j]);
		sum[j] = weight[j] = n * z[j];
	}
	for (int k = 1; k < 4000; k++)
	{
		double		step = (n + k) / (k + 1.0);
		double		ratio = z[m - 1] * (n + k) / (k + 1.0);

		power *= (b + k - 1.0) / (a + b + k - 1.0);
		count += power;
		for (int j = 0; j < m - 1; j++)
		{
			weight[j] *= z[j] * step;
			sum[j] += weight[j] * count;
		}
		weight[m - 1] *= ratio;
		sum[m - 1] += weight[m - 1] * count;
		/* terms fall at least as fast as ratio * (1 + 1/k) from here on */
		ratio *= 1.0 + 1.0 / k;
		if (ratio < 1.0 && weight[m - 1] * count * ratio <= 1e-17 * sum[m - 1] * (1.0 - ratio))
		{
			for (int j = 0; j < m; j++)
				counts[j] = sum[j] * exp(-n * log1p(y[j]));
			return true;
		}
	}
	return false;
}

/* Are the terms of the series so few, and within the range of a double? */
static inline bool
count_has_series(double n, double y)
{
	return n * y + 8.0 * sqrt(n * y * (1.0 + y)) + 40.0 * (1.0 + y) < 600.0;
}

double
beta_geometric_count(double n, double a, double b, double y)
{
	double		parameters[] = {n, a, b, y};
	double		count;

	if (!(y > 0.0))
		return y == 0.0 ? 0.0 : NAN;
	if (count_has_series(n, y) && count_series(n, a, b, 1, &y, &count))
		return count;
	return exp(log_integral(beta_geometric_log, parameters, -INFINITY, INFINITY,
							-log(fmax(1.0, fmax(b, (1.0 + n) * y))),
							log(fmax(1.0, fmax(a, 1.0 / y)))) - log_beta(a, b));
}

void
beta_geometric_counts(double n, double a, double b, int m, const double *y, double *counts)
{
	if (y[0] > 0.0 && count_has_series(n, y[m - 1]) && count_series(n, a, b, m, y, counts))
		return;
	for (int j = 0; j < m; j++)
		counts[j] = beta_geometric_count(n, a, b, y[j]);
}

/*
 * With e^v = 1 + u/m, m the smaller of alpha and beta, and q = 1 + u/M the
 * larger one's, the integrand is exp(power v) q^-fall dv, times a constant.
 */
typedef struct ParetoIntegrand
{
	double		ratio;			/* m / M */
	double		power;
	double		fall;
} ParetoIntegrand;

/* Where a panel begins and ends: v, e^v, and the slope of the integrand's logarithm */
typedef struct ParetoPlace
{
	double		v;
	double		e;
	double		slope;
} ParetoPlace;

/*
 * How wide a panel may be that begins there, up to the given width; sets the
 * end's e and slope, and how steep the panel is. NaN if no width will do.
 */
static double
pareto_width(const ParetoIntegrand *f, const ParetoPlace *from, double width, ParetoPlace *to,
			 double *steep)
{
	if (width > 2.0 * WIDE16)
		width = 2.0 * WIDE16;
	/* what is beyond 2 * STEEP16 e-folds belongs to the next panel */
	if (from->slope < 0.0 && -from->slope * width > 2.0 * STEEP16)
		width = -2.0 * STEEP16 / from->slope;
	for (int tries = 0; tries <= 200; tries++)
	{
		double		e_half = exp(0.5 * width);

		to->e = from->e * e_half * e_half;
		to->slope = f->power - f->fall * (f->ratio * to->e / (1.0 + f->ratio * (to->e - 1.0)));
		*steep = fmax(fabs(from->slope), fabs(to->slope)) * width * 0.5;
		if (*steep <= STEEP16 * 1.0001)
			return width;
		width *= fmax(0.5, STEEP16 / *steep);
	}
	return NAN;
}

/* The sum, and a panel that begins there, of so much half width */
static double
pareto_panel(const ParetoIntegrand *f, const Rule *rule, const ParetoPlace *from, double half,
			 double sum)
{
	double		centre = from->v + half;
	double		e_centre = from->e * exp(half);

	for (int j = 0; j < rule->pairs; j++)
	{
		double		step = half * rule->nodes[j].x;
		double		e_step = exp(step);
		double		e[2] = {e_centre * e_step, e_centre / e_step};
		double		v[2] = {centre + step, centre - step};

		for (int k = 0; k < 2; k++)
		{
			double		log_q = log(1.0 + f->ratio * (e[k] - 1.0));

			sum += rule->nodes[j].weight * half * exp(f->power * v[k] - f->fall * log_q);
		}
	}
	return sum;
}

/* All panels from v = 0 to the end, or until the rest is negligible; NaN if that leads nowhere */
static double
pareto_panels(const ParetoIntegrand *f, double end)
{
	ParetoPlace from = {0.0, 1.0, f->power - f->fall * f->ratio};
	double		sum = 0.0;

	for (int i = 0; i < MAX_PANELS; i++)
	{
		ParetoPlace to;
		double		steep;
		double		width = pareto_width(f, &from, end - from.v, &to, &steep);
		double		rest;
		const Rule *rule = rules;

		if (isnan(width))
			return NAN;
		while (rule->pairs < 8 && (steep > rule->steep || width > 2.0 * rule->wide))
			rule++;
		width *= 0.5;
		sum = pareto_panel(f, rule, &from, width, sum);
		to.v = from.v + 2.0 * width;
		if (to.v >= end)
			return sum;
		rest = exp(f->power * to.v - f->fall * log(1.0 + f->ratio * (to.e - 1.0)));
		if (to.slope < 0.0 && rest <= NEGLIGIBLE * -to.slope * sum)
			return sum;
		from = to;
	}
	return NAN;
}

double
log_pareto_integral(double n, double s, double alpha, double beta, double length)
{
	bool		beta_first = beta <= alpha;
	ParetoIntegrand f = {beta_first ? beta / alpha : alpha / beta,
		beta_first ? -s : 1.0 - n,
	beta_first ? n : s + 1.0};
	double		sum = pareto_panels(&f, log1p(length / (beta_first ? beta : alpha)));

	return log(beta_first ? sum : sum * f.ratio);
}

/* 1 + u = exp(v); parameters s, y */
static double
tricomi_log(const double *parameters, double v, double *slope)
{
	double		s = parameters[0];
	double		y = parameters[1];

	*slope = 1.0 - s - y * exp(v);
	return (1.0 - s) * v - y * expm1(v);
}

double
tricomi_integral(double s, double y)
{
	double		parameters[] = {s, y};

	return exp(log_integral(tricomi_log, parameters, 0.0, INFINITY, 0.0, fmax(0.0, -log(y))));
}

double
tricomi_integral_to(double s, double y, double length)
{
	double		parameters[] = {s, y};

	if (length == 0.0)
		return 0.0;
	return exp(log_integral(tricomi_log, parameters, 0.0, log1p(length), 0.0,
							y > 0.0 ? fmax(0.0, -log(y)) : log1p(length)));
}

double
log_negative_binomial(double r, double y, double n)
{
	if (y == 0.0)
		return n == 0.0 ? 0.0 : -INFINITY;
	return log_rising_factorial(r, n) - r * log1p(y) - n * log1p(1.0 / y);
}

/* u = logistic(v): u^n (1 - u)^r; parameters n, r */
static double
incomplete_beta_log(const double *parameters, double v, double *slope)
{
	double		n = parameters[0];
	double		r = parameters[1];
	double		log_u = -softplus(-v);
	double		log_w = -softplus(v);

	*slope = n * exp(log_w) - r * exp(log_u);
	return n * log_u + r * log_w;
}

double
log_negative_binomial_tail(double r, double y, double n)
{
	double		parameters[] = {n, r};
	double		tail;

	if (n == 0.0)
		return 0.0;
	if (y == 0.0)
		return -INFINITY;
	tail = log_rising_factorial(r, n) + log(n) +
		log_integral(incomplete_beta_log, parameters, -INFINITY, log(y), -log(fmax(1.0, r)),
					 log(n));
	return tail > 0.0 ? 0.0 : tail;
}

/* tau = exp(v); parameters r, ln alpha, s, ln beta, n */
static double
stopped_log(const double *parameters, double v, double *slope)
{
	double		r = parameters[0];
	double		s = parameters[2];
	double		n = parameters[4];
	double		a = v - parameters[1];
	double		b = v - parameters[3];

	/* P(K = n) without its constant, s (tau/beta) (1 + tau/beta)^-(s + 1) */
	*slope = n / (1.0 + exp(a)) - r / (1.0 + exp(-a)) + 1.0 - (s + 1.0) / (1.0 + exp(-b));
	return -n * softplus(-a) - r * softplus(a) + b - (s + 1.0) * softplus(b);
}

double
log_negative_binomial_stopped(double r, double alpha, double s, double beta, double n, double t)
{
	double		log_alpha = log(alpha);
	double		log_beta = log(beta);
	double		parameters[] = {r, log_alpha, s, log_beta, n};

	if (t == 0.0)
		return -INFINITY;
	return log_rising_factorial(r, n) + log(s) +
		log_integral(stopped_log, parameters, -INFINITY, log(t),
					 fmin(log_alpha - log(fmax(1.0, r)), log_beta - log(s + 1.0)),
					 fmax(log_alpha + log(fmax(1.0, n)), log_beta));
}
