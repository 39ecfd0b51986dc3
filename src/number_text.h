/*
 * number_text.h
 *		Doubles as text, in documents and in messages.
 */
#ifndef CUSTOMER_SCORING_NUMBER_TEXT_H
#define CUSTOMER_SCORING_NUMBER_TEXT_H

#include "lib/stringinfo.h"

/* As JSON: the fewest digits that give the same double again, or null if it is not finite */
extern void append_number(StringInfo out, double value);

/* As a member of an object that has some already */
extern void append_member(StringInfo out, const char *key, double value);

/* For a message: 15 digits, NaN, Infinity or -Infinity */
extern const char *number_text(double value);

#endif							/* CUSTOMER_SCORING_NUMBER_TEXT_H */
