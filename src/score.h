/*
 * score.h
 *		Checks that the scores of rows and the scores of windows share.
 */
#ifndef CUSTOMER_SCORING_SCORE_H
#define CUSTOMER_SCORING_SCORE_H

/* An error unless the value of that SQL argument is a finite number. */
extern void check_finite(const char *argument, double value);

#endif							/* CUSTOMER_SCORING_SCORE_H */
