/*
 * card.c
 *		What a scorecard gives a customer on a day.
 *
 * Points = clamp(sum over groups of clamp(sum of clamped rules)). Sums without
 * decay are exact integers, turned into a double once. Sums with decay add one
 * term for each day, ascending, and keep what rounding loses: histories of the
 * same days give the same bits, in whatever order and pieces they come.
 */
#include "card.h"

#include <math.h>
#include <string.h>

static const int64_t scale_of_decimals[HISTORY_MAX_DECIMALS + 1] = {
	1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1
};

/* ---- a customer's days ---- */

/* Merge the sorted runs [from, to) of items, which begin at the starts. */
static void
merge_runs(CardItem *items, CardItem *scratch, const size_t *starts, int from, int to)
{
	int			middle = from + (to - from) / 2;
	CardItem   *out;
	size_t		i,
				j,
				end;

	if (to - from < 2)
		return;
	merge_runs(items, scratch, starts, from, middle);
	merge_runs(items, scratch, starts, middle, to);
	i = starts[from];
	j = starts[middle];
	end = starts[to];
	if (i == j || j == end || items[j - 1].day <= items[j].day)
		return;
	out = scratch;
	memcpy(scratch, items + i, (j - i) * sizeof(CardItem));
	{
		const CardItem *left = scratch;
		const CardItem *left_end = scratch + (j - i);

		out = items + i;
		while (left < left_end && j < end)
			*out++ = items[j].day < left->day ? items[j++] : *left++;
		memcpy(out, left, (size_t) (left_end - left) * sizeof(CardItem));
	}
}

HistoryError
card_open(CardCustomer *customer, const Host *host, const Card *card, CardEntry *entries,
		  int nentries, const uint8_t *fits, int64_t upto)
{
	size_t		short_starts[CARD_SHORT_ENTRIES + 1];
	size_t	   *starts = short_starts;
	CardItem   *scratch = customer->short_scratch;
	HistoryError error = HISTORY_OK;
	size_t		room = 0;
	size_t		n = 0;

	customer->host = host;
	customer->card = card;
	customer->entries = entries;
	customer->fits = fits;
	customer->known = false;
	customer->looks = 0;
	customer->patience = CARD_PATIENCE;
	customer->items = customer->short_items;
	customer->states = customer->short_states;
	/* a day takes a byte at least: few bytes need no counting */
	for (int i = 0; i < nentries; i++)
		room += entries[i].history.len;
	if (room > CARD_SHORT_ITEMS)
	{
		room = 0;
		for (int i = 0; i < nentries; i++)
		{
			size_t		days;

			error = history_count_days(entries[i].history.bytes, entries[i].history.len, &days);
			if (error != HISTORY_OK)
				return error;
			room += days;
			if (room > HISTORY_MAX_DAYS)
				return HISTORY_TOO_MANY_DAYS;
		}
	}
	if (room > CARD_SHORT_ITEMS)
	{
		customer->items = host_allocate(host, room * sizeof(CardItem));
		scratch = host_allocate(host, room * sizeof(CardItem));
	}
	if (nentries > CARD_SHORT_ENTRIES)
		starts = host_allocate(host, ((size_t) nentries + 1) * sizeof(size_t));
	if (card->nrules > CARD_SHORT_RULES)
		customer->states = host_allocate(host, (size_t) card->nrules * sizeof(CardRuleState));

	for (int i = 0; i < nentries && error == HISTORY_OK; i++)
	{
		OpenHistory open;

		starts[i] = n;
		error = stream_unpack(host, &open, &entries[i].history);
		if (error != HISTORY_OK)
			break;
		entries[i].decimals = open.decimals;
		for (size_t k = 0; k < open.n && open.days[k].day <= upto; k++)
		{
			CardItem   *item = &customer->items[n++];

			item->events = open.days[k].events;
			item->total = open.days[k].total;
			item->day = open.days[k].day;
			item->entry = i;
			if (item->events > 0 && (!customer->known || item->day < customer->first_event))
			{
				customer->known = true;
				customer->first_event = item->day;
			}
		}
		history_free(host, &open);
	}
	if (error == HISTORY_OK)
	{
		starts[nentries] = n;
		merge_runs(customer->items, scratch, starts, 0, nentries);
	}
	customer->nitems = n;
	if (scratch != customer->short_scratch)
		host->release(scratch);
	if (starts != short_starts)
		host->release(starts);
	if (error != HISTORY_OK)
		card_close(customer);
	return error;
}

void
card_close(CardCustomer *customer)
{
	if (customer->items != customer->short_items)
		customer->host->release(customer->items);
	if (customer->states != customer->short_states)
		customer->host->release(customer->states);
}

/* ---- rules ---- */

static double
computed_weight(const CardRule *rule, int64_t age)
{
	if (rule->decay == CARD_HALF_LIFE)
		return exp2(-(double) age / rule->half_life);
	return pow(rule->step_keeps, (double) (age / rule->step_days));
}

static inline double
weight(const CardRule *rule, int64_t age)
{
	if (rule->decay == CARD_NO_DECAY)
		return 1;
	if (age >= CARD_KNOWN_WEIGHTS)
		return computed_weight(rule, age);
	if (rule->weights[age] < 0)
		rule->weights[age] = computed_weight(rule, age);
	return rule->weights[age];
}

double
card_weight(const CardRule *rule, int64_t age)
{
	return weight(rule, age);
}

/* Add, and keep what rounding loses (Neumaier). */
static inline void
add_exactly(double *sum, double *lost, double value)
{
	double		next = *sum + value;

	*lost += fabs(*sum) >= fabs(value) ? (*sum - next) + value : (value - next) + *sum;
	*sum = next;
}

static inline double
clamp(double value, double min, double max)
{
	return value < min ? min : value > max ? max : value;
}

/* units of the points of a rule times a number of events, without a division */
static inline double
points_times(const CardRule *rule, CardInt n)
{
	/* in 64 bits where they are enough: points have 40 */
	if (n >= -(1 << 22) && n <= 1 << 22)
		return (double) (rule->points * (int64_t) n);
	return (double) (rule->points * n);
}

double
card_points_times(const CardRule *rule, CardInt n)
{
	return points_times(rule, n);
}

/* The total of an item, in units of 10^-HISTORY_MAX_DECIMALS */
CardInt
card_item_total(const CardCustomer *customer, const CardItem *item)
{
	return (CardInt) item->total * scale_of_decimals[customer->entries[item->entry].decimals];
}

/* A day of the rule is complete. */
static inline void
end_day(const CardRule *rule, CardRuleState *state, int64_t asked)
{
	double		u;

	if (state->day_events > 0)
	{
		state->active_days++;
		state->last_day = state->day;
	}
	state->events += state->day_events;
	switch (rule->mode)
	{
		case CARD_EACH:
			if (state->day_events == 0)
				return;
			u = points_times(rule, state->day_events);
			break;
		case CARD_DAY:
			if (state->day_events <= 0)
				return;
			u = (double) rule->points;
			break;
		case CARD_VALUE:
			if (state->day_total == 0)
				return;
			state->total += state->day_total;
			u = (double) state->day_total * (double) rule->points;
			break;
		default:
			return;
	}
	if (rule->decay != CARD_NO_DECAY)
	{
		u *= weight(rule, asked - state->day);
		add_exactly(&state->sum, &state->lost, u);
	}
	if (u < 0)
		state->negative += u;
}

static inline void
begin_rule(const CardRule *rule, CardRuleState *state, int64_t asked)
{
	state->after = rule->window == 0 || rule->mode == CARD_SILENCE ? INT64_MIN :
		asked - rule->window;
	state->day = INT64_MIN;
	state->day_events = state->day_total = 0;
	state->events = state->total = 0;
	state->active_days = 0;
	state->sum = state->lost = state->negative = 0;
}

static void
end_rule(const CardCustomer *customer, const CardRule *rule, CardRuleState *state, int64_t asked)
{
	double		points = (double) rule->points / CARD_POINT;
	double		unit = CARD_POINT;

	if (state->day != INT64_MIN)
		end_day(rule, state, asked);
	switch (rule->mode)
	{
		case CARD_EACH:
			state->undecayed = points_times(rule, state->events) / unit;
			break;
		case CARD_DAY:
			state->undecayed = points_times(rule, state->active_days) / unit;
			break;
		case CARD_VALUE:
			unit *= (double) scale_of_decimals[0];
			state->undecayed = (double) state->total * (double) rule->points / unit;
			break;
		case CARD_ONCE:
			state->undecayed = state->active_days > 0 ? points : 0;
			break;
		case CARD_SILENCE:
			state->undecayed = state->active_days > 0 &&
				asked - state->last_day >= rule->window ? points : 0;
			break;
		case CARD_FIT:
			state->undecayed = customer->fits[rule->fit] == CARD_FIT_YES ? points : 0;
			break;
	}
	state->raw = state->undecayed;
	state->negative /= unit;
	if (rule->decay != CARD_NO_DECAY)
	{
		if (rule->mode == CARD_ONCE)
		{
			if (state->active_days > 0)
				state->raw = points * weight(rule, asked - state->last_day);
		}
		else
			state->raw = (state->sum + state->lost) / unit;
	}
	state->value = clamp(state->raw, rule->min, rule->max);
}

void
card_end_rule(const CardCustomer *customer, const CardRule *rule, CardRuleState *state,
			  int64_t asked)
{
	end_rule(customer, rule, state, asked);
}

static void
evaluate_rules(CardCustomer *customer, int64_t asked)
{
	const Card *card = customer->card;

	for (int i = 0; i < card->nrules; i++)
		begin_rule(&card->rules[i], &customer->states[i], asked);
	for (size_t k = 0; k < customer->nitems && customer->items[k].day <= asked; k++)
	{
		const CardItem *item = &customer->items[k];
		const CardEntry *entry = &customer->entries[item->entry];

		for (int i = 0; i < entry->nrules; i++)
		{
			const CardRule *rule = &card->rules[entry->rules[i]];
			CardRuleState *state = &customer->states[entry->rules[i]];

			if (item->day <= state->after)
				continue;
			if (item->day != state->day)
			{
				if (state->day != INT64_MIN)
					end_day(rule, state, asked);
				state->day = item->day;
				state->day_events = state->day_total = 0;
			}
			state->day_events += item->events;
			if (rule->mode == CARD_VALUE)
				state->day_total += (CardInt) item->total * scale_of_decimals[entry->decimals];
		}
	}
	for (int i = 0; i < card->nrules; i++)
		end_rule(customer, &card->rules[i], &customer->states[i], asked);
}

/* ---- the card ---- */

/*
 * The sum of groups and rules, each within its bounds; rules by position. With
 * values, these stand for those of the states.
 */
static double
sum_of_card(const CardCustomer *customer, const double *values, int only_group)
{
	const Card *card = customer->card;
	double		sum = 0,
				lost = 0;

	for (int g = only_group >= 0 ? only_group : 0; g < card->ngroups; g++)
	{
		double		group_sum = 0,
					group_lost = 0;

		for (int i = 0; i < card->nrules; i++)
			if (card->rules[i].group == g)
				add_exactly(&group_sum, &group_lost,
							values ? values[i] : customer->states[i].value);
		if (only_group >= 0)
			return group_sum + group_lost;
		add_exactly(&sum, &lost, clamp(group_sum + group_lost,
									   card->groups[g].min, card->groups[g].max));
	}
	for (int i = 0; i < card->nrules; i++)
		if (card->rules[i].group < 0)
			add_exactly(&sum, &lost, values ? values[i] : customer->states[i].value);
	return sum + lost;
}

static double
shown(const Card *card, double points)
{
	double		above = clamp(points, card->min, card->max) - card->min;

	/* + 0.0: no minus zero */
	return 100 * above / (card->max - card->min) + 0.0;
}

double
card_group_points(const CardCustomer *customer, int group)
{
	return sum_of_card(customer, NULL, group);
}

double
card_points(const CardCustomer *customer)
{
	return sum_of_card(customer, NULL, -1);
}

double
card_combine(const CardCustomer *customer, const double *values)
{
	return shown(customer->card, sum_of_card(customer, values, -1));
}

static bool
is_known(const CardCustomer *customer, int64_t day)
{
	if (customer->card->reads_events)
		return customer->known && customer->first_event <= day;
	for (int i = 0; i < customer->card->nfits; i++)
		if (customer->fits[i] != CARD_FIT_UNKNOWN)
			return true;
	return false;
}

bool
card_score(CardCustomer *customer, int64_t day, double *score)
{
	if (!is_known(customer, day))
		return false;
	customer->looks++;
	evaluate_rules(customer, day);
	*score = shown(customer->card, card_points(customer));
	return true;
}
