/*
 * test_card.c
 *		Scorecards against a slow way: points day by day, bands by looking at
 *		every day.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "scorecard/card.h"
#include "test_host.h"
#include "trials.h"

#define MAX_RULES	24
#define MAX_ENTRIES 20
#define MAX_DAYS	12
#define FIRST_DAY	9000
#define DAYS		160

static uint64_t seed;

static int
draw(int n)
{
	uint64_t	x;

	seed += UINT64_C(0x9E3779B97F4A7C15);
	x = seed;
	x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (int) ((x ^ (x >> 31)) % (uint64_t) n);
}

/* A card and a customer, in the open form */
static CardRule rules[MAX_RULES];
static double weights[MAX_RULES][CARD_KNOWN_WEIGHTS];
static CardGroup groups[2];
static CardBand bands[3];
static Card card;
static int	nentries;
static HistoryDay days[MAX_ENTRIES][MAX_DAYS];
static size_t ndays[MAX_ENTRIES];
static uint16_t lists[MAX_ENTRIES][MAX_RULES];
static CardEntry entries[MAX_ENTRIES];
static uint8_t *packed[MAX_ENTRIES];
static uint8_t fits[MAX_RULES];

static void
draw_card(int nrules, int style)
{
	memset(&card, 0, sizeof(card));
	card.nrules = nrules;
	card.rules = rules;
	card.ngroups = 2;
	card.groups = groups;
	card.nbands = 3;
	card.bands = bands;
	card.min = -draw(40);
	card.max = 10 + draw(80);
	for (int g = 0; g < 2; g++)
	{
		groups[g].min = draw(2) ? -INFINITY : -draw(30);
		groups[g].max = draw(2) ? INFINITY : draw(60);
	}
	for (int i = 0; i < nrules; i++)
	{
		CardRule   *rule = &rules[i];

		memset(rule, 0, sizeof(*rule));
		rule->position = i;
		rule->group = draw(3) - 1;
		rule->mode = (CardMode) draw(6);
		/* style 0: points are never taken away */
		rule->points = (draw(3000) - (style == 0 ? 0 : 1000)) * (CARD_POINT / 100);
		if (style == 0 && rule->mode == CARD_SILENCE)
			rule->points = -rule->points;
		if (rule->mode == CARD_SILENCE || (rule->mode != CARD_FIT && draw(3) == 0))
			rule->window = 1 + draw(60);
		if (rule->mode == CARD_FIT)
			rule->fit = card.nfits++;
		else
		{
			card.reads_events = true;
			if (rule->mode != CARD_SILENCE)
				rule->decay = (CardDecay) draw(3);
		}
		rule->half_life = (1 + draw(200)) / 4.0;
		rule->step_keeps = draw(100) / 100.0;
		rule->step_days = 1 + draw(30);
		rule->min = draw(3) ? -INFINITY : -draw(20);
		rule->max = draw(3) ? INFINITY : draw(40);
		rule->weights = weights[i];
		for (int k = 0; k < CARD_KNOWN_WEIGHTS; k++)
			weights[i][k] = -1;
	}
	for (int b = 0; b < 3; b++)
	{
		bands[b].enter = 70 - 30 * b + draw(20);
		bands[b].leave = bands[b].enter - draw(25);
	}
	if (draw(2))
		bands[2].enter = bands[2].leave = 0;
	for (int i = 0; i < card.nfits; i++)
		fits[i] = (uint8_t) draw(3);
}

static void
draw_customer(int n, int style)
{
	nentries = n;
	for (int e = 0; e < n; e++)
	{
		HistoryDay	scratch[MAX_DAYS];
		HistoryDay	copy[MAX_DAYS];
		size_t		size;

		ndays[e] = (size_t) draw(MAX_DAYS + 1);
		for (size_t k = 0; k < ndays[e]; k++)
		{
			HistoryDay *day = &days[e][k];

			day->day = FIRST_DAY + draw(DAYS - 40);
			day->events = draw(4) > 0 ? 1 : draw(5) - (style == 2 ? 2 : 0);
			day->total = draw(5000) - (style == 2 ? 1500 : 0);
			if (day->events == 0 && day->total == 0)
				day->total = 1;
		}
		assert_int_equal(history_normalise(days[e], &ndays[e], scratch), HISTORY_OK);
		memcpy(copy, days[e], sizeof(copy));
		packed[e] = history_pack_days(&host, copy, ndays[e], 2, 0, &size);
		memset(&entries[e], 0, sizeof(CardEntry));
		entries[e].history.bytes = packed[e];
		entries[e].history.len = size;
		entries[e].rules = lists[e];
		entries[e].nrules = 0;
		for (int i = 0; i < card.nrules; i++)
			if (rules[i].mode != CARD_FIT && draw(3) == 0)
				lists[e][entries[e].nrules++] = (uint16_t) i;
	}
}

static bool
reads(int entry, int rule)
{
	for (int i = 0; i < entries[entry].nrules; i++)
		if (lists[entry][i] == rule)
			return true;
	return false;
}

/* What happened on a day in the histories of a rule; -1: in any */
static void
on_day(int rule, int day, int64_t *events, int64_t *total)
{
	*events = *total = 0;
	for (int e = 0; e < nentries; e++)
		for (size_t k = 0; k < ndays[e]; k++)
			if (days[e][k].day == day && (rule < 0 || reads(e, rule)))
			{
				*events += days[e][k].events;
				*total += days[e][k].total;
			}
}

static double
slow_weight(const CardRule *rule, int age)
{
	return rule->decay == CARD_HALF_LIFE ? pow(0.5, age / rule->half_life) :
		rule->decay == CARD_STEPS ? pow(rule->step_keeps, age / rule->step_days) : 1;
}

static double
slow_rule(int i, int asked)
{
	const CardRule *rule = &rules[i];
	double		points = (double) rule->points / CARD_POINT;
	double		sum = 0;
	int			from = rule->window == 0 || rule->mode == CARD_SILENCE ? FIRST_DAY :
		asked - rule->window + 1;
	int			last = 0;

	for (int day = from < FIRST_DAY ? FIRST_DAY : from; day <= asked; day++)
	{
		int64_t		events,
					total;

		on_day(i, day, &events, &total);
		if (events > 0)
			last = day;
		if (rule->mode == CARD_EACH)
			sum += points * (double) events * slow_weight(rule, asked - day);
		if (rule->mode == CARD_DAY && events > 0)
			sum += points * slow_weight(rule, asked - day);
		if (rule->mode == CARD_VALUE)
			sum += points * (double) total / 100 * slow_weight(rule, asked - day);
	}
	if (rule->mode == CARD_ONCE && last > 0)
		sum = points * slow_weight(rule, asked - last);
	if (rule->mode == CARD_SILENCE && last > 0 && asked - last >= rule->window)
		sum = points;
	if (rule->mode == CARD_FIT && fits[rule->fit] == CARD_FIT_YES)
		sum = points;
	return fmin(fmax(sum, rule->min), rule->max);
}

static bool
slow_score(int asked, double *score)
{
	double		sum[3] = {0};
	double		all;
	bool		known = false;

	if (!card.reads_events)
	{
		for (int i = 0; i < card.nfits; i++)
			known |= fits[i] != CARD_FIT_UNKNOWN;
	}
	for (int e = 0; e < nentries && card.reads_events; e++)
		for (size_t k = 0; k < ndays[e]; k++)
			known |= days[e][k].day <= asked && days[e][k].events > 0;
	if (!known)
		return false;
	for (int i = 0; i < card.nrules; i++)
		sum[rules[i].group + 1] += slow_rule(i, asked);
	all = sum[0] + fmin(fmax(sum[1], groups[0].min), groups[0].max) +
		fmin(fmax(sum[2], groups[1].min), groups[1].max);
	*score = 100 * (fmin(fmax(all, card.min), card.max) - card.min) / (card.max - card.min);
	return true;
}

/* Scores of all days, as the card gives them */
static double scores[DAYS];
static bool known_on[DAYS];

static int
slow_band(int asked)
{
	if (!known_on[asked])
		return -1;
	for (int b = 0; b < card.nbands; b++)
	{
		if (!card.reads_events && scores[asked] >= bands[b].enter)
			return b;
		for (int d = asked; card.reads_events && d >= 0; d--)
		{
			bool		event = false;

			if (!known_on[d] || scores[d] < bands[b].leave)
				break;
			for (int e = 0; e < nentries; e++)
				for (size_t k = 0; k < ndays[e]; k++)
					event |= days[e][k].day == FIRST_DAY + d && days[e][k].events > 0;
			if (event && scores[d] >= bands[b].enter)
				return b;
		}
	}
	return -1;
}

static int	by_hysteresis;
static int	by_several;

/* The same from the first day on, by sums that are carried along */
static int
path_band(CardCustomer *customer, int asked)
{
	bool		held[3];

	if (!known_on[asked] || !card.reads_events)
		return card_band(customer, FIRST_DAY + asked);
	if (!card_path(customer, FIRST_DAY + asked, held))
	{
		assert_int_equal(customer->nitems, 0);
		return -1;
	}
	for (int b = 0; b < card.nbands; b++)
		if (held[b] || (bands[b].enter <= 0 && scores[asked] >= bands[b].leave))
			return b;
	return -1;
}

static void
check_customer(void)
{
	CardCustomer *customer = malloc(sizeof(CardCustomer));

	assert_int_equal(card_open(customer, &host, &card, entries, nentries, fits, FIRST_DAY + DAYS),
					 HISTORY_OK);
	for (int d = 0; d < DAYS; d++)
	{
		double		slow;
		bool		known = slow_score(FIRST_DAY + d, &slow);

		known_on[d] = card_score(customer, FIRST_DAY + d, &scores[d]);
		assert_int_equal(known, known_on[d]);
		if (known && !(fabs(scores[d] - slow) < 1e-8))
			fail_msg("score %.17g, not %.17g, on day %d", scores[d], slow, d);
	}
	for (int d = 0; d < DAYS; d++)
	{
		int			band = card_band(customer, FIRST_DAY + d);

		assert_int_equal(band, slow_band(d));
		assert_int_equal(path_band(customer, d), band);
		by_hysteresis += band >= 0 && scores[d] < bands[band].enter;
	}
	card_close(customer);
	free(customer);
}

static void
test_random_cards(void **state)
{
	(void) state;
	seed = 14;
	for (int round = 0; round < TRIALS(600); round++)
	{
		draw_card(1 + draw(round % 20 == 0 ? MAX_RULES : 8), round % 3);
		draw_customer(draw(round % 10 == 0 ? MAX_ENTRIES + 1 : 6), round % 3);
		check_customer();
		for (int e = 0; e < nentries; e++)
			free(packed[e]);
	}
	assert_true(by_hysteresis > 1000);
}

/* The same days in other pieces and another order give the same bits. */
static void
test_same_bits(void **state)
{
	(void) state;
	seed = 15;
	for (int round = 0; round < TRIALS(200); round++)
	{
		CardCustomer *a = malloc(sizeof(CardCustomer));
		CardCustomer *b = malloc(sizeof(CardCustomer));
		CardEntry	turned[MAX_ENTRIES];
		double		x,
					y;

		draw_card(6, 2);
		draw_customer(5, 2);
		for (int e = 0; e < nentries; e++)
			turned[nentries - 1 - e] = entries[e];
		assert_int_equal(card_open(a, &host, &card, entries, nentries, fits, FIRST_DAY + 150),
						 HISTORY_OK);
		assert_int_equal(card_open(b, &host, &card, turned, nentries, fits, FIRST_DAY + 150),
						 HISTORY_OK);
		if (card_score(a, FIRST_DAY + 140, &x) && card_score(b, FIRST_DAY + 140, &y))
			assert_memory_equal(&x, &y, sizeof(double));
		card_close(a);
		card_close(b);
		free(a);
		free(b);
		for (int e = 0; e < nentries; e++)
			free(packed[e]);
	}
}

/* Bytes that are no history are an error, and nothing is left. */
static void
test_malformed(void **state)
{
	(void) state;
	seed = 16;
	for (int round = 0; round < TRIALS(3000); round++)
	{
		CardCustomer *customer = malloc(sizeof(CardCustomer));
		HistoryError error;

		draw_card(MAX_RULES, 1);
		draw_customer(3, 1);
		if (entries[1].history.len > 0)
			packed[1][draw((int) entries[1].history.len)] ^= (uint8_t) (1 << draw(8));
		if (draw(4) == 0)
			entries[2].history.len = (size_t) draw((int) entries[2].history.len + 1);
		error = card_open(customer, &host, &card, entries, nentries, fits, INT32_MAX);
		if (error == HISTORY_OK)
		{
			(void) card_band(customer, FIRST_DAY + DAYS);
			card_close(customer);
		}
		free(customer);
		for (int e = 0; e < nentries; e++)
			free(packed[e]);
	}
}

/*
 * A score that fades towards the one at which a band is left, for thousands of
 * years: what lies between two events isn't looked at day by day.
 */
static void
test_long_gap(void **state)
{
	HistoryDay	day[2] = {{1, 0, 0}, {1, 0, 2000000}};
	uint16_t	list[2] = {0, 1};
	CardEntry	entry = {.rules = list,.nrules = 2};
	CardCustomer *customer = malloc(sizeof(CardCustomer));
	size_t		size;
	uint8_t    *bytes = history_pack_days(&host, day, 2, 0, 0, &size);

	(void) state;
	draw_card(2, 0);
	for (int i = 0; i < 2; i++)
	{
		rules[i].mode = CARD_EACH;
		rules[i].group = -1;
		rules[i].window = 0;
		rules[i].decay = CARD_HALF_LIFE;
		rules[i].min = -INFINITY;
		rules[i].max = INFINITY;
	}
	card.nfits = 0;
	card.reads_events = true;
	card.min = -50;
	card.max = 50;
	rules[0].points = 30 * CARD_POINT;
	rules[0].half_life = 1000;
	rules[1].points = -5 * CARD_POINT;
	rules[1].half_life = 4000;
	card.nbands = 1;
	bands[0].enter = 60;
	bands[0].leave = 40;
	entry.history.bytes = bytes;
	entry.history.len = size;
	assert_int_equal(card_open(customer, &host, &card, &entry, 1, fits, INT32_MAX), HISTORY_OK);
	host_checks = 0;
	assert_int_equal(card_band(customer, 1999999), 0);
	assert_int_equal(card_band(customer, 2001000), 0);
	assert_true(host_checks < 2000);
	/* on the border itself: 50 is where both have faded to */
	bands[0].leave = 50;
	assert_int_equal(card_band(customer, 1999999), -1);
	card_close(customer);
	free(customer);
	free(bytes);
}

/*
 * Somebody who stays between the two scores of a band for 5,000 days with
 * events: as the definition says, and with few looks at all of the past.
 */
static void
test_long_stay(void **state)
{
	enum
	{
		STAY = 5000
	};
	HistoryDay *stay = malloc(STAY * sizeof(HistoryDay));
	double	   *all = malloc(2 * STAY * sizeof(double));
	bool	   *events = malloc(2 * STAY * sizeof(bool));
	uint16_t	list[6] = {0, 1, 2, 3, 4, 5};
	int			in_band = 0;

	(void) state;
	seed = 18;
	for (int round = 0; round < 4; round++)
	{
		CardEntry	entry = {.rules = list,.nrules = 6};
		CardCustomer *customer = malloc(sizeof(CardCustomer));
		bool		held[3] = {false, false, false};
		int			day = 0;
		double		lowest = 100;
		size_t		size;
		uint8_t    *bytes;

		memset(events, 0, 2 * STAY * sizeof(bool));
		for (int k = 0; k < STAY; k++)
		{
			stay[k] = (HistoryDay) {1 + draw(3), draw(500), day};
			events[day] = true;
			day += 1 + (round % 2) * draw(2);
		}
		bytes = history_pack_days(&host, stay, STAY, 2, 0, &size);
		entry.history.bytes = bytes;
		entry.history.len = size;
		draw_card(6, 0);
		for (int i = 0; i < 6; i++)
		{
			rules[i].mode = (CardMode) (i % 3);
			rules[i].group = -1;
			rules[i].min = -INFINITY;
			rules[i].max = i == 5 ? 12 : INFINITY;
			rules[i].window = i < 2 ? 0 : 20 + draw(400);
			rules[i].decay = i < 2 ? CARD_HALF_LIFE : (CardDecay) (i % 3);
			rules[i].half_life = 3 + draw(100);
			rules[i].step_keeps = draw(100) / 100.0;
			rules[i].step_days = 1 + draw(60);
			/* a rule that takes away comes and fades */
			rules[i].points = (1 + draw(300)) * (CARD_POINT / 100);
			if (round >= 2 && i == 4)
				rules[i].points = -rules[i].points;
		}
		card.nfits = 0;
		card.reads_events = true;
		card.min = 0;
		card.max = 4000;
		assert_int_equal(card_open(customer, &host, &card, &entry, 1, fits, day), HISTORY_OK);
		for (int d = 0; d < day; d++)
		{
			assert_true(card_score(customer, d, &all[d]));
			if (d > 1000)
				lowest = fmin(lowest, all[d]);
		}
		/* entered after the first days only, left never; entered now and then; left at times */
		bands[0] = (CardBand) {all[day / 5], lowest};
		bands[1] = (CardBand) {all[day / 2], all[day / 3] < all[day / 2] ? all[day / 3] : lowest};
		bands[2] = (CardBand) {all[day / 7] * 0.9, all[day / 7] * 0.8};
		for (int d = 0; d < day; d++)
		{
			int			slow = -1;

			for (int b = 2; b >= 0; b--)
			{
				held[b] = all[d] >= bands[b].leave &&
					(held[b] || (events[d] && all[d] >= bands[b].enter));
				if (held[b])
					slow = b;
			}
			if (d % 499 != 0 && d != day - 1)
				continue;
			customer->looks = 0;
			assert_int_equal(card_band(customer, d), slow);
			assert_true(customer->looks <= CARD_PATIENCE + 12);
			in_band += slow >= 0 && all[d] < bands[slow].enter;
		}
		card_close(customer);
		free(customer);
		free(bytes);
	}
	assert_true(in_band > 10);
	free(stay);
	free(all);
	free(events);
}

/* With events of all rules together: enough, and not one of them too many. */
static void
check_together(CardCustomer *customer, int day, double wanted)
{
	int64_t		needed[MAX_RULES];
	double		values[MAX_RULES];
	bool		reached = card_events_together(customer, day, wanted, needed);

	for (int less = -1; less < card.nrules; less++)
	{
		if (less >= 0 && (!reached || needed[less] == 0))
			continue;
		for (int i = 0; i < card.nrules; i++)
		{
			const CardRuleState *state = &customer->states[i];
			double		points = (double) rules[i].points / CARD_POINT;
			bool		today = state->active_days > 0 && state->last_day == day;
			bool		once = rules[i].mode == CARD_ONCE;
			bool		gives = points > 0 &&
				(rules[i].mode == CARD_EACH || once || (rules[i].mode == CARD_DAY && !today));
			int64_t		n = rules[i].mode == CARD_EACH ? CARD_MAX_NEEDED : 1;

			if (reached)
				n = needed[i] - (i == less);
			values[i] = state->value;
			assert_true(gives || !reached || needed[i] == 0);
			if (gives && n > 0)
				values[i] = fmin(fmax((once ? 0 : state->raw) + (double) n * points,
									  rules[i].min), rules[i].max);
		}
		assert_int_equal(card_combine(customer, values) >= wanted, reached && less < 0);
	}
	by_several += reached;
}

static void
test_events_needed(void **state)
{
	(void) state;
	by_several = 0;
	seed = 17;
	for (int round = 0; round < TRIALS(500); round++)
	{
		CardCustomer *customer = malloc(sizeof(CardCustomer));
		double		score;
		double		wanted = draw(101);

		draw_card(4, 1);
		draw_customer(4, 1);
		assert_int_equal(card_open(customer, &host, &card, entries, nentries, fits,
								   FIRST_DAY + 130), HISTORY_OK);
		if (card_score(customer, FIRST_DAY + 130, &score) && score < wanted)
			for (int i = 0; i < card.nrules; i++)
			{
				int64_t		n = card_events_needed(customer, FIRST_DAY + 130, i, wanted);
				double		before = customer->states[i].value;
				double		points = (double) rules[i].points / CARD_POINT;
				double		values[MAX_RULES];

				for (int k = 0; k < card.nrules; k++)
					values[k] = customer->states[k].value;
				for (int64_t m = n > 0 ? n - 1 : 0; rules[i].mode == CARD_EACH && m <= n; m++)
				{
					values[i] = fmin(fmax(customer->states[i].raw + (double) m * points,
										  rules[i].min), rules[i].max);
					assert_int_equal(n > 0 && m == n, card_combine(customer, values) >= wanted);
				}
				assert_true(n >= 0 && n <= CARD_MAX_NEEDED);
				assert_true(before == customer->states[i].value);
			}
		if (customer->known && customer->first_event <= FIRST_DAY + 130)
			check_together(customer, FIRST_DAY + 130, wanted);
		card_close(customer);
		free(customer);
		for (int e = 0; e < nentries; e++)
			free(packed[e]);
	}
	assert_true(by_several > 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_cards),
		cmocka_unit_test(test_same_bits),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_long_gap),
		cmocka_unit_test(test_long_stay),
		cmocka_unit_test(test_events_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
