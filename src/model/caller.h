/*
 * caller.h
 *		The role that calls a SECURITY DEFINER function, as a value.
 */
#ifndef CUSTOMER_SCORING_CALLER_H
#define CUSTOMER_SCORING_CALLER_H

extern Datum make_caller(Oid audience);

#endif							/* CUSTOMER_SCORING_CALLER_H */
