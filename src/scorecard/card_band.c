/*
 * card_band.c
 *		The band of a customer: a stage that is entered at one score and left
 *		at a lower one.
 *
 * The band on day D is the highest with score(D) >= leave for which some day
 * d <= D with an event has score(d) >= enter, and the score stays >= leave on
 * [d, D]. Nothing is remembered: we walk back from D, one day with an event
 * after the other, until the score is high enough or too low.
 *
 * Between two such days nothing new happens, and each rule's points only fade:
 * a positive part falls, a negative one rises. The lowest that the score can be
 * on some days follows from both ends, so that hardly any day between has to be
 * looked at, and those few are looked at exactly.
 *
 * Each look adds up all that was before. Who stays between the two scores of a
 * band for thousands of days would cost the square of that: after some looks
 * card_path.c decides for all bands.
 */
#include "card.h"

#include <math.h>
#include <string.h>

/* Scores are computed to far better than this */
#define SLACK	1e-9

/* What the rules come to on a day, as the bound needs it */
typedef struct Part
{
	double		raw;
	double		negative;
	double		value;
} Part;

typedef struct Moment
{
	int64_t		day;
	double		score;
	Part	   *parts;
} Moment;

static bool
look(CardCustomer *customer, int64_t day, Moment *moment)
{
	int			n = customer->card->nrules;

	moment->day = day;
	if (!card_score(customer, day, &moment->score))
		return false;
	for (int i = 0; i < n; i++)
	{
		moment->parts[i].raw = customer->states[i].raw;
		moment->parts[i].negative = customer->states[i].negative;
		moment->parts[i].value = customer->states[i].value;
	}
	return true;
}

/* A score that is not above any in [a, b], between which nothing happens */
static double
lower_bound(const CardCustomer *customer, const Moment *a, const Moment *b, double *values)
{
	const Card *card = customer->card;

	for (int i = 0; i < card->nrules; i++)
	{
		const CardRule *rule = &card->rules[i];
		const Part *first = &a->parts[i];
		const Part *last = &b->parts[i];
		double		raw;

		if (rule->mode == CARD_ONCE || rule->mode == CARD_SILENCE || rule->mode == CARD_FIT)
		{
			values[i] = fmin(first->value, last->value);
			continue;
		}
		if (first->negative == last->negative)
		{
			values[i] = last->value;
			continue;
		}
		raw = last->raw + (first->negative - last->negative);
		values[i] = raw < rule->min ? rule->min : raw > rule->max ? rule->max : raw;
	}
	return card_combine(customer, values);
}

/* Is the score at least "leave" on all days between two on which it is? */
static bool
stays(CardCustomer *customer, const Moment *a, const Moment *b, double leave, int64_t most,
	  double *values)
{
	const Host *host = customer->host;
	Moment		middle;
	double		lowest;
	bool		result;

	if (b->day - a->day < 2)
		return true;
	lowest = lower_bound(customer, a, b, values);
	if (lowest >= leave + SLACK || lowest == fmin(a->score, b->score))
		return true;
	host->check();
	middle.parts = host_allocate(host, (size_t) customer->card->nrules * sizeof(Part));
	result = customer->looks <= most &&
		look(customer, a->day + (b->day - a->day) / 2, &middle) && middle.score >= leave &&
		stays(customer, a, &middle, leave, most, values) &&
		stays(customer, &middle, b, leave, most, values);
	host->release(middle.parts);
	return result;
}

/* Has the band been entered, and not been left up to that day? Not known after too many looks. */
static bool
holds(CardCustomer *customer, const CardBand *band, int64_t day, int64_t most, Moment *a,
	  Moment *b, double *values)
{
	size_t		n = customer->nitems;

	while (n > 0 && customer->items[n - 1].day > day)
		n--;
	while (n > 0)
	{
		int64_t		since = customer->items[n - 1].day;
		bool		event = false;

		customer->host->check();
		if (customer->looks > most)
			return false;
		for (; n > 0 && customer->items[n - 1].day == since; n--)
			event |= customer->items[n - 1].events > 0;
		if (!look(customer, since, a) || a->score < band->leave)
			return false;
		if (day > since)
		{
			if (!look(customer, day, b) || b->score < band->leave ||
				!stays(customer, a, b, band->leave, most, values))
				return false;
		}
		if (event && a->score >= band->enter)
			return true;
		day = since - 1;
	}
	return false;
}

int
card_band(CardCustomer *customer, int64_t day)
{
	const Card *card = customer->card;
	const Host *host = customer->host;
	Moment		a,
				b;
	double	   *values = NULL;
	bool	   *held = NULL;
	bool		by_path = false;
	int64_t		most = customer->looks + customer->patience;
	double		score;
	int			band;

	if (!card_score(customer, day, &score))
		return -1;
	for (band = 0; band < card->nbands; band++)
	{
		const CardBand *the_band = &card->bands[band];

		if (score < the_band->leave)
			continue;
		/* without events there is no past, and every score is at least 0 */
		if (!card->reads_events)
		{
			if (score >= the_band->enter)
				break;
			continue;
		}
		if (the_band->enter <= 0)
			break;
		if (values == NULL)
		{
			values = host_allocate(host, (size_t) card->nrules * sizeof(double));
			a.parts = host_allocate(host, (size_t) card->nrules * sizeof(Part));
			b.parts = host_allocate(host, (size_t) card->nrules * sizeof(Part));
		}
		if (!by_path && holds(customer, the_band, day, most, &a, &b, values))
			break;
		if (!by_path && customer->looks > most)
		{
			held = host_allocate(host, (size_t) card->nbands * sizeof(bool));
			by_path = card_path(customer, day, held);
			/* the slow way then, however long it takes */
			most = INT64_MAX;
			if (!by_path && holds(customer, the_band, day, most, &a, &b, values))
				break;
		}
		if (by_path && held[band])
			break;
	}
	if (held != NULL)
		host->release(held);
	if (values != NULL)
	{
		host->release(values);
		host->release(a.parts);
		host->release(b.parts);
	}
	return band < card->nbands ? band : -1;
}
