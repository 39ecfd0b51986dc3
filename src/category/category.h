/*
 * category.h
 *		What a customer did by category of product, and what is worth knowing of
 *		all categories for that.
 */
#ifndef CATEGORY_H
#define CATEGORY_H

#include "fmgr.h"
#include "utils/numeric.h"

#include "history/stream_histories.h"

/* Weights of an event: of an order line, a filled basket, a view */
#define CATEGORY_LINE	10
#define CATEGORY_BASKET	3
#define CATEGORY_VIEW	1

/* After so many days an event counts half. */
#define CATEGORY_HALF_LIFE	180.0

/* Everybody has had so much in common with all others. */
#define CATEGORY_PRIOR	5.0

/* Events from which on a category can be preferred */
#define CATEGORY_ENOUGH	2

/* The two windows that a trend compares */
#define CATEGORY_TREND_DAYS	90

/* Ages whose weights are computed once */
#define CATEGORY_AGES	2048

/* The value of type _categories, read */
typedef struct Categories
{
	int			n;
	text	  **names;			/* ascending in the order of bytes */
	double	   *shares;			/* of the events of all customers; NULL: nobody had any */
	int			other;			/* the one that stands for all further kinds; -1: none */
	int			nkeys;
	uint32	   *keys;			/* ascending: STREAM_KEY(stream, kind) */
	int32	   *numbers;		/* their categories */
	int32	   *weights;
	bool		has_lines;		/* is there a stream of orders? */
	double		decay[CATEGORY_AGES];	/* 2^(-age / half-life) */
} Categories;

/* What a customer did of one category until a day */
typedef struct CategoryFacts
{
	double		weight;			/* of events, decayed */
	double		recent;			/* of events of the last days, as they are */
	double		before;			/* the same of as many days before these */
	int64		orders;
	int64		events;
	int32		last_day;
	bool		active;			/* is there a day with an event? */
	bool		bought;			/* the same of an order line */
	bool		has_total;		/* of order lines: total and decimals, or revenue */
	int			decimals;
	int64		total;
	Numeric		revenue;		/* where it doesn't fit; NULL: it does */
} CategoryFacts;

/* Argument 0, of type _categories; remembered by the call site */
extern const Categories *get_categories(FunctionCallInfo fcinfo, int argument);

/* The category of an entry and its weight; false: the entry is of none */
extern bool category_of_entry(const Categories *categories, const StreamEntry *entry, int *number,
							  int *weight);

/*
 * What a customer did of each category until a day: argument "streams" holds it,
 * and the next one is the day
 */
extern CategoryFacts *category_facts(FunctionCallInfo fcinfo, const Categories *categories,
									 int streams, bool with_revenue);

/* Is it one of the events that pairs and steps are about? */
static inline bool
category_is_step(const Categories *categories, int weight)
{
	return weight == CATEGORY_LINE || !categories->has_lines;
}

#endif							/* CATEGORY_H */
