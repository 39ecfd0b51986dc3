/*
 * card_path.c
 *		The bands of a customer from the first day on, in time that grows with
 *		the days and not with their square.
 *
 * card_band.c asks for the score of one day after the other, each a sum over all
 * days before. Here the sums of each rule are carried from day to day. A sum
 * that fades rounds otherwise in this way, so it comes with a bound of its
 * error, and a score so near to a threshold that the bound matters is computed
 * by card_score(): what is decided is what the scores themselves decide.
 *
 *	held(D) = score(D) >= leave and
 *			  (held(D - 1) or D has an event and score(D) >= enter)
 */
#include "card.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Steps longer than this many days are not worth an array */
#define MAX_PHASES	4096

typedef struct RulePath
{
	const CardRule *rule;
	const bool *reads;			/* the entries, by index */
	CardRuleState state;		/* what is in the window, but for "sum" */
	int64_t		window;			/* 0: none */
	bool		fades;			/* a sum whose terms change with their age */
	size_t		oldest;			/* the first item that has not left the window */
	int64_t		terms;			/* days in the sum */
	double		sum;			/* units of points, decayed */
	double		size;			/* the same of absolute values */
	double		error;			/* how far off "sum" may be from what card_score() adds up */
	int32_t		nphases;		/* of steps: the terms by day modulo step_days */
	double	   *phases;
	double	   *phase_sizes;
} RulePath;

typedef struct Path
{
	CardCustomer *customer;
	RulePath   *rules;
	bool	   *held;			/* of each band */
	int64_t		day;
	bool		may_rise;		/* the score, without an event */
	double	   *low;			/* what each rule comes to at least */
	double	   *high;
	/* the score of "day": between these, and exactly if it was needed */
	double		at_least;
	double		at_most;
	bool		is_exact;
} Path;

/* ---- terms come, fade and leave ---- */

static int32_t
phase_of(const RulePath *path, int64_t day)
{
	return (int32_t) ((day % path->nphases + path->nphases) % path->nphases);
}

static void
add_term(RulePath *path, double u, double size, int64_t day)
{
	path->sum += u;
	path->size += size;
	/* whole numbers below 2^53 lose nothing */
	if (path->fades || path->size >= 1 / DBL_EPSILON)
		path->error += 8 * DBL_EPSILON * (fabs(u) + fabs(path->sum));
	if (path->nphases > 0)
	{
		int32_t		phase = phase_of(path, day);

		path->phases[phase] += u;
		path->phase_sizes[phase] += size;
	}
}

/* A day of the rule, with what all its histories say: into the sums, or out of them. */
static void
take_day(Path *all, RulePath *path, int64_t day, CardInt events, CardInt total, int sign)
{
	const CardRule *rule = path->rule;
	CardRuleState *state = &path->state;
	double		u = 0;

	if (events > 0)
	{
		state->active_days += sign;
		if (sign > 0)
			state->last_day = day;
	}
	state->events += sign * events;
	switch (rule->mode)
	{
		case CARD_EACH:
			u = card_points_times(rule, events);
			break;
		case CARD_DAY:
			u = events > 0 ? (double) rule->points : 0;
			break;
		case CARD_VALUE:
			state->total += sign * total;
			u = (double) total * (double) rule->points;
			break;
		default:
			break;
	}
	if (u == 0)
		return;
	if (u < 0 && (path->window > 0 || path->fades))
		all->may_rise = true;
	if (rule->decay == CARD_NO_DECAY)
		return;
	path->terms += sign;
	if (sign > 0)
	{
		add_term(path, u, fabs(u), day);
		return;
	}
	if (path->terms == 0)
	{
		path->sum = path->size = path->error = 0;
		if (path->nphases > 0)
		{
			memset(path->phases, 0, (size_t) path->nphases * sizeof(double));
			memset(path->phase_sizes, 0, (size_t) path->nphases * sizeof(double));
		}
		return;
	}
	if (path->fades)
		u *= card_weight(rule, all->day - day);
	add_term(path, -u, -fabs(u), day);
}

/* All terms are so many days older. */
static void
fade(RulePath *path, int64_t from, int64_t to)
{
	const CardRule *rule = path->rule;
	int64_t		days = to - from;

	if (!path->fades || path->terms == 0)
		return;
	if (rule->decay == CARD_HALF_LIFE)
	{
		double		weight = exp2(-(double) days / rule->half_life);

		path->sum *= weight;
		path->size *= weight;
		path->error *= weight;
	}
	else
	{
		for (int64_t k = 0; k < days && k < path->nphases; k++)
		{
			int64_t		day = from + 1 + k;
			int32_t		phase = phase_of(path, day);
			int64_t		times = 1 + (days - 1 - k) / path->nphases;
			double		keeps = pow(rule->step_keeps, (double) times);
			double		kept = path->phases[phase] * keeps;

			if (path->phase_sizes[phase] == 0)
				continue;
			path->sum += kept - path->phases[phase];
			path->phases[phase] = kept;
			path->error += 4 * DBL_EPSILON * path->phase_sizes[phase];
			kept = path->phase_sizes[phase] * keeps;
			path->size += kept - path->phase_sizes[phase];
			path->phase_sizes[phase] = kept;
		}
	}
	path->error += 8 * DBL_EPSILON * fabs(path->size) + DBL_MIN;
}

/* What the window no longer has */
static void
leave_window(Path *all, RulePath *path)
{
	const CardCustomer *customer = all->customer;
	int64_t		after = all->day - path->window;

	while (path->oldest < customer->nitems && customer->items[path->oldest].day <= after)
	{
		int64_t		day = customer->items[path->oldest].day;
		CardInt		events = 0,
					total = 0;
		bool		any = false;

		for (; path->oldest < customer->nitems && customer->items[path->oldest].day == day;
			 path->oldest++)
		{
			const CardItem *item = &customer->items[path->oldest];

			if (!path->reads[item->entry])
				continue;
			any = true;
			events += item->events;
			total += card_item_total(customer, item);
		}
		if (any)
			take_day(all, path, day, events, total, -1);
	}
}

static void
advance(Path *path, int64_t to)
{
	int64_t		from = path->day;

	path->day = to;
	for (int i = 0; i < path->customer->card->nrules; i++)
	{
		RulePath   *rule = &path->rules[i];

		fade(rule, from, to);
		if (rule->window > 0)
			leave_window(path, rule);
	}
	path->is_exact = false;
}

/* The items of the day, from the first on; the first of the next one. */
static size_t
take_items(Path *path, size_t first, bool *event)
{
	CardCustomer *customer = path->customer;
	int			nrules = customer->card->nrules;
	size_t		end = first;

	*event = false;
	for (; end < customer->nitems && customer->items[end].day == path->day; end++)
	{
		const CardItem *item = &customer->items[end];
		const CardEntry *entry = &customer->entries[item->entry];

		*event |= item->events > 0;
		for (int i = 0; i < entry->nrules; i++)
		{
			CardRuleState *state = &path->rules[entry->rules[i]].state;

			state->day_events += item->events;
			state->day_total += card_item_total(customer, item);
			state->day = path->day;
		}
	}
	for (int i = 0; i < nrules; i++)
	{
		CardRuleState *state = &path->rules[i].state;

		if (state->day == path->day)
			take_day(path, &path->rules[i], path->day, state->day_events, state->day_total, 1);
		state->day_events = state->day_total = 0;
		state->day = INT64_MIN;
	}
	return end;
}

/* ---- scores ---- */

/* Between what the score of the day is */
static void
look(Path *path)
{
	CardCustomer *customer = path->customer;
	const Card *card = customer->card;
	double		size = 0;
	bool		same = true;

	for (int i = 0; i < card->nrules; i++)
	{
		RulePath   *rule = &path->rules[i];
		CardRuleState state = rule->state;
		double		off = 2 * rule->error;

		state.sum = rule->sum - off;
		card_end_rule(customer, rule->rule, &state, path->day);
		path->low[i] = path->high[i] = state.value;
		if (off > 0)
		{
			state.day = INT64_MIN;
			state.negative = 0;
			state.sum = rule->sum + off;
			card_end_rule(customer, rule->rule, &state, path->day);
			path->high[i] = state.value;
			same &= path->low[i] == path->high[i];
		}
		size += fmax(fabs(path->low[i]), fabs(path->high[i]));
	}
	path->at_least = path->at_most = card_combine(customer, path->low);
	if (!same)
	{
		/* what adding up the rules rounds */
		double		off = 64 * DBL_EPSILON * 100 * (1 + size / (card->max - card->min));

		path->at_most = card_combine(customer, path->high) + off;
		path->at_least -= off;
	}
}

static bool
is_at_least(Path *path, double score)
{
	double		exact;

	if (path->at_least >= score)
		return true;
	if (path->at_most < score)
		return false;
	if (!path->is_exact)
	{
		(void) card_score(path->customer, path->day, &exact);
		path->at_least = path->at_most = exact;
		path->is_exact = true;
	}
	return path->at_least >= score;
}

/* The score has been looked at. */
static void
decide(Path *path, bool event)
{
	const Card *card = path->customer->card;

	for (int b = 0; b < card->nbands; b++)
		if (path->held[b] || event)
			path->held[b] = is_at_least(path, card->bands[b].leave) &&
				(path->held[b] || is_at_least(path, card->bands[b].enter));
}

static bool
any_held(const Path *path)
{
	for (int b = 0; b < path->customer->card->nbands; b++)
		if (path->held[b])
			return true;
	return false;
}

/* Days without an item, up to one: only those on which the score may be lowest */
static void
pass(Path *path, int64_t to)
{
	while (path->day < to && any_held(path))
	{
		advance(path, path->may_rise ? path->day + 1 : to);
		look(path);
		decide(path, false);
		if (path->day % 1024 == 0)
			path->customer->host->check();
	}
}

/* ---- all of it ---- */

/* Can all sums be carried on? */
static bool
begin(RulePath *path, const CardRule *rule, int64_t span)
{
	path->rule = rule;
	path->window = rule->mode == CARD_SILENCE || rule->mode == CARD_FIT ? 0 : rule->window;
	path->state.day = INT64_MIN;
	path->state.after = INT64_MIN;
	if (rule->decay == CARD_NO_DECAY ||
		(rule->mode != CARD_EACH && rule->mode != CARD_DAY && rule->mode != CARD_VALUE))
		return true;
	path->fades = true;
	if (rule->decay == CARD_STEPS)
	{
		/* no term of the window gets so old, or none is left when it does */
		if (rule->step_days >= (path->window > 0 ? path->window : span))
			path->fades = false;
		else if (rule->step_keeps == 0)
		{
			path->fades = false;
			path->window = rule->step_days;
		}
		else if (rule->step_days > MAX_PHASES)
			return false;
		else
			path->nphases = rule->step_days;
	}
	return true;
}

bool
card_path(CardCustomer *customer, int64_t day, bool *held)
{
	const Card *card = customer->card;
	const Host *host = customer->host;
	size_t		nrules = (size_t) card->nrules;
	int			nentries = 0;
	Path		path = {.customer = customer,.held = held};
	size_t		nphases = 0;
	double	   *phases = NULL;
	bool	   *reads;
	bool		possible = customer->nitems > 0;
	int64_t		span = possible ? day - customer->items[0].day + 1 : 0;

	memset(held, 0, (size_t) card->nbands * sizeof(bool));
	path.rules = host_allocate(host, nrules * sizeof(RulePath));
	memset(path.rules, 0, nrules * sizeof(RulePath));
	for (size_t i = 0; i < nrules; i++)
	{
		const CardRule *rule = &card->rules[i];

		possible &= begin(&path.rules[i], rule, span);
		nphases += (size_t) path.rules[i].nphases;
		path.may_rise |= (rule->mode == CARD_SILENCE && rule->points > 0) ||
			(rule->mode == CARD_ONCE && rule->points < 0);
	}
	if (!possible)
	{
		host->release(path.rules);
		return false;
	}
	for (size_t k = 0; k < customer->nitems; k++)
		if (customer->items[k].entry >= nentries)
			nentries = customer->items[k].entry + 1;
	reads = host_allocate(host, nrules * (size_t) nentries * sizeof(bool));
	memset(reads, 0, nrules * (size_t) nentries * sizeof(bool));
	for (int e = 0; e < nentries; e++)
		for (int i = 0; i < customer->entries[e].nrules; i++)
			reads[(size_t) customer->entries[e].rules[i] * (size_t) nentries + (size_t) e] = true;
	if (nphases > 0)
	{
		phases = host_allocate(host, 2 * nphases * sizeof(double));
		memset(phases, 0, 2 * nphases * sizeof(double));
	}
	nphases = 0;
	for (size_t i = 0; i < nrules; i++)
	{
		path.rules[i].reads = reads + i * (size_t) nentries;
		if (path.rules[i].nphases == 0)
			continue;
		path.rules[i].phases = phases + nphases;
		path.rules[i].phase_sizes = phases + nphases + path.rules[i].nphases;
		nphases += 2 * (size_t) path.rules[i].nphases;
	}
	path.low = host_allocate(host, 2 * nrules * sizeof(double));
	path.high = path.low + nrules;
	path.day = customer->items[0].day;

	for (size_t k = 0; k < customer->nitems && customer->items[k].day <= day;)
	{
		int64_t		next = customer->items[k].day;
		bool		event;

		host->check();
		pass(&path, next - 1);
		advance(&path, next);
		k = take_items(&path, k, &event);
		if (!customer->known || customer->first_event > next)
			continue;
		look(&path);
		decide(&path, event);
	}
	pass(&path, day);
	host->release(path.low);
	if (phases != NULL)
		host->release(phases);
	host->release(reads);
	host->release(path.rules);
	return true;
}
