/*
 * card.h
 *		A scorecard in compiled form: points for what a customer did, evaluated
 *		over packed histories. Pure C, no server headers.
 *
 * The caller says of each history which rules read it (by role, kind or key);
 * everything else is a function of these histories and of a day.
 */
#ifndef CARD_H
#define CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "history/stream_codec.h"
#include "host.h"

#define CARD_MAX_RULES		500
#define CARD_MAX_BANDS		100

/* Points of a rule are whole numbers of 10^-6 points, at most a million points */
#define CARD_POINT_DECIMALS	6
#define CARD_POINT			INT64_C(1000000)
#define CARD_MAX_POINTS		(INT64_C(1000000) * CARD_POINT)

/* The most events that card_events_needed looks for */
#define CARD_MAX_NEEDED		INT64_C(1000000)

typedef enum CardMode
{
	CARD_EACH,					/* for each event */
	CARD_DAY,					/* for each day with an event */
	CARD_VALUE,					/* for each unit of the total */
	CARD_ONCE,					/* on the latest day with an event only */
	CARD_SILENCE,				/* once there has been no event for so many days */
	CARD_FIT					/* if a condition holds that the caller evaluates */
} CardMode;

typedef enum CardDecay
{
	CARD_NO_DECAY,
	CARD_HALF_LIFE,
	CARD_STEPS
} CardDecay;

/* The weights of ages below this are computed once for all customers */
#define CARD_KNOWN_WEIGHTS	1024

typedef struct CardRule
{
	int32_t		position;
	int			group;			/* index, or -1 */
	CardMode	mode;
	int64_t		points;			/* in units of 10^-CARD_POINT_DECIMALS */
	int32_t		window;			/* the last so many days; 0: all; of silence: how many */
	CardDecay	decay;
	double		half_life;		/* days */
	double		step_keeps;		/* what a step leaves: 0 to below 1 */
	int32_t		step_days;
	double		min;			/* of the rule's points; infinite where there is no bound */
	double		max;
	int			fit;			/* index among the conditions, for CARD_FIT */
	bool		unfed;			/* there are no events that it reads */
	double	   *weights;		/* CARD_KNOWN_WEIGHTS of them, negative until known; with a decay */
} CardRule;

typedef struct CardGroup
{
	double		min;
	double		max;
} CardGroup;

/* On the scale 0 to 100; leave is at most enter */
typedef struct CardBand
{
	double		enter;
	double		leave;
} CardBand;

typedef struct Card
{
	int			nrules;
	CardRule   *rules;			/* ascending positions */
	int			ngroups;
	CardGroup  *groups;
	int			nbands;
	CardBand   *bands;			/* the highest first */
	int			nfits;
	bool		reads_events;	/* a rule that is no CARD_FIT is there */
	double		min;			/* points shown as 0 ... */
	double		max;			/* ... and as 100 */
} Card;

/* A history of the customer, and the rules that read it, ascending */
typedef struct CardEntry
{
	StreamEntry history;
	const uint16_t *rules;
	int			nrules;
	int			decimals;		/* set by card_open */
} CardEntry;

typedef enum CardFit
{
	CARD_FIT_NO,
	CARD_FIT_YES,
	CARD_FIT_UNKNOWN
} CardFit;

/* One day of one history */
typedef struct CardItem
{
	int64_t		events;
	int64_t		total;
	int32_t		day;
	int32_t		entry;
} CardItem;

/* The server's memory is aligned to 8 bytes, and compilers expect 16 of such a type. */
typedef __int128 CardInt __attribute__((aligned(8)));

/* What a rule comes to on a day */
typedef struct CardRuleState
{
	int64_t		after;			/* the window is (after, day asked] */
	int64_t		day;			/* the day being added up */
	CardInt		day_events;
	CardInt		day_total;		/* in units of 10^-HISTORY_MAX_DECIMALS */
	CardInt		events;			/* in the window */
	CardInt		total;
	int64_t		active_days;
	int64_t		last_day;		/* with an event; if active_days > 0 */
	double		sum;			/* decayed, with what rounding has lost */
	double		lost;
	/* the answer, in points */
	double		undecayed;
	double		raw;			/* before the bounds of the rule */
	double		negative;		/* the part of raw that is below zero, of sums */
	double		value;			/* within the bounds */
} CardRuleState;

/* Bands of usual customers take a handful of scores; card_path() costs about so many. */
#define CARD_PATIENCE		24

#define CARD_SHORT_ITEMS	128
#define CARD_SHORT_RULES	16
#define CARD_SHORT_ENTRIES	16

/* A customer, with room on the stack for usual ones */
typedef struct CardCustomer
{
	const Host *host;
	const Card *card;
	const CardEntry *entries;
	const uint8_t *fits;		/* CardFit of each condition */
	CardItem   *items;			/* ascending days */
	size_t		nitems;
	int64_t		looks;			/* how many scores have been computed */
	int64_t		patience;		/* how many a band may take one by one, see card_band.c */
	bool		known;			/* there is an event ... */
	int64_t		first_event;	/* ... first on this day */
	CardRuleState *states;
	CardItem	short_items[CARD_SHORT_ITEMS];
	CardItem	short_scratch[CARD_SHORT_ITEMS];
	CardRuleState short_states[CARD_SHORT_RULES];
} CardCustomer;

/* What happened up to that day; nothing is left to be closed after an error. */
extern HistoryError card_open(CardCustomer *customer, const Host *host, const Card *card,
							  CardEntry *entries, int nentries, const uint8_t *fits, int64_t upto);
extern void card_close(CardCustomer *customer);

/*
 * The score, 0 to 100, on a day up to the one that the customer was opened
 * with; false if the card knows nothing of them by then. The states of the
 * rules are those of the latest question.
 */
extern bool card_score(CardCustomer *customer, int64_t day, double *score);

/* The points of groups, and of the card before its bounds, of the latest question */
extern double card_group_points(const CardCustomer *customer, int group);
extern double card_points(const CardCustomer *customer);

/* The index of the band on that day, or -1 */
extern int	card_band(CardCustomer *customer, int64_t day);

/*
 * How many events more on the day of the latest question this rule alone needs
 * for a score; 0 if no number of events is enough
 */
extern int64_t card_events_needed(const CardCustomer *customer, int64_t day, int rule,
								  double score);

/*
 * The same for all rules together, few of them and few events: how many of
 * each; false if the score is beyond them. Not the fewest of all that there are.
 */
extern bool card_events_together(const CardCustomer *customer, int64_t day, double score,
								 int64_t *needed);

/* For card_band.c, card_path.c and card_next.c */
extern double card_combine(const CardCustomer *customer, const double *values);
extern double card_weight(const CardRule *rule, int64_t age);
extern double card_points_times(const CardRule *rule, CardInt n);
extern CardInt card_item_total(const CardCustomer *customer, const CardItem *item);
extern void card_end_rule(const CardCustomer *customer, const CardRule *rule, CardRuleState *state,
						  int64_t asked);

/*
 * Which bands have been entered and not left on a day, one for each; false
 * where a rule's sums can't be carried from day to day.
 */
extern bool card_path(CardCustomer *customer, int64_t day, bool *held);

#endif							/* CARD_H */
