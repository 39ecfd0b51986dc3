/*
 * scorecard.h
 *		Scorecards in tables, as the C files share them.
 */
#ifndef SCORECARD_H
#define SCORECARD_H

#include "utils/jsonb.h"

#include "named_data.h"

extern const DataKind scorecards;

/* The rows of a card as one document: card, min, max, rules, groups, bands */
extern Jsonb *scorecard_read(text *card, Oid function);

#endif							/* SCORECARD_H */
