/*
 * foreign.h
 *		Relations of other roles: are they data alone?
 */
#ifndef CUSTOMER_SCORING_FOREIGN_H
#define CUSTOMER_SCORING_FOREIGN_H

#include "utils/rel.h"

extern const char *relation_trap(Relation relation);

#endif							/* CUSTOMER_SCORING_FOREIGN_H */
