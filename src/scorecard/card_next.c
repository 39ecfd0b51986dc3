/*
 * card_next.c
 *		How many events more would bring a customer to a score today.
 *
 * Points come by events of rules that give some for each, for the day or for the
 * latest day. Rules for amounts, silence and conditions are as they are.
 */
#include "card.h"

#include <math.h>
#include <string.h>

/* With more rules than this, which of them gives most is not looked for. */
#define GREEDY_RULES	64

/* The most events of today that can give the rule points */
static int64_t
most_events(const CardCustomer *customer, int64_t day, int rule)
{
	const CardRule *the_rule = &customer->card->rules[rule];
	const CardRuleState *state = &customer->states[rule];

	if (the_rule->points <= 0 || the_rule->unfed)
		return 0;
	switch (the_rule->mode)
	{
		case CARD_EACH:
			return CARD_MAX_NEEDED;
		case CARD_DAY:
			return state->active_days > 0 && state->last_day == day ? 0 : 1;
		case CARD_ONCE:
			return 1;
		default:
			return 0;
	}
}

/* What the rule comes to with so many events of today */
static double
value_with(const CardCustomer *customer, int rule, int64_t events)
{
	const CardRule *the_rule = &customer->card->rules[rule];
	const CardRuleState *state = &customer->states[rule];
	double		points = (double) the_rule->points / CARD_POINT;
	double		raw;

	if (events == 0)
		return state->value;
	raw = the_rule->mode == CARD_ONCE ? points : state->raw + (double) events * points;
	return raw < the_rule->min ? the_rule->min : raw > the_rule->max ? the_rule->max : raw;
}

static double
score_with(const CardCustomer *customer, double *values, int rule, int64_t events)
{
	values[rule] = value_with(customer, rule, events);
	return card_combine(customer, values);
}

/* The least number of events that is enough, below one that is; values are left with that one. */
static int64_t
least(const CardCustomer *customer, double *values, int rule, int64_t low, int64_t enough,
	  double score)
{
	while (low < enough)
	{
		int64_t		n = low + (enough - low) / 2;

		if (score_with(customer, values, rule, n) >= score)
			enough = n;
		else
			low = n + 1;
	}
	(void) score_with(customer, values, rule, enough);
	return enough;
}

static double *
values_now(const CardCustomer *customer)
{
	int			n = customer->card->nrules;
	double	   *values = host_allocate(customer->host, (size_t) n * sizeof(double));

	for (int i = 0; i < n; i++)
		values[i] = customer->states[i].value;
	return values;
}

int64_t
card_events_needed(const CardCustomer *customer, int64_t day, int rule, double score)
{
	int64_t		most = most_events(customer, day, rule);
	double	   *values;
	int64_t		needed = 0;

	if (most == 0)
		return 0;
	values = values_now(customer);
	if (score_with(customer, values, rule, most) >= score)
		needed = least(customer, values, rule, 1, most, score);
	customer->host->release(values);
	return needed;
}

/*
 * The rule that gives most for an event, up to where it gives no more or the
 * score is reached; -1: none gives anything.
 */
static int
best_rule(const CardCustomer *customer, int64_t day, double score, double *values,
		  const int64_t *needed, int64_t *events)
{
	int			n = customer->card->nrules;
	double		now = card_combine(customer, values);
	double		best_gain = 0;
	int			best = -1;

	for (int i = 0; i < n; i++)
	{
		int64_t		most = most_events(customer, day, i);
		double		before = values[i];
		double		target;
		double		gain;
		int64_t		k;

		if (most <= needed[i])
			continue;
		customer->host->check();
		target = fmin(score_with(customer, values, i, most), score);
		if (target > now)
		{
			k = least(customer, values, i, needed[i] + 1, most, target);
			gain = (target - now) / (double) (k - needed[i]);
			if (gain > best_gain)
			{
				best = i;
				best_gain = gain;
				*events = k;
			}
		}
		values[i] = before;
	}
	return best;
}

bool
card_events_together(const CardCustomer *customer, int64_t day, double score, int64_t *needed)
{
	int			n = customer->card->nrules;
	double	   *values = values_now(customer);
	bool		reached = false;

	memset(needed, 0, (size_t) n * sizeof(int64_t));
	for (int rounds = 0; n <= GREEDY_RULES && rounds < 2 * n && !reached; rounds++)
	{
		int64_t		events;
		int			rule = best_rule(customer, day, score, values, needed, &events);

		if (rule < 0)
			break;
		needed[rule] = events;
		reached = score_with(customer, values, rule, events) >= score;
	}
	if (!reached)
	{
		/* bounds below which single rules do nothing, but maybe all together do */
		for (int i = 0; i < n; i++)
		{
			needed[i] = most_events(customer, day, i);
			values[i] = value_with(customer, i, needed[i]);
		}
		reached = card_combine(customer, values) >= score;
	}
	for (int i = n - 1; i >= 0 && reached; i--)
	{
		customer->host->check();
		if (needed[i] > 0)
			needed[i] = least(customer, values, i, 0, needed[i], score);
	}
	customer->host->release(values);
	return reached;
}
