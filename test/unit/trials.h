/*
 * trials.h
 *		How often a test with drawn input draws.
 *
 * The plain build compares every result.  Under the sanitizers, which look at
 * memory and arithmetic, a quarter of the draws goes through all of the code.
 */
#ifndef TRIALS_H
#define TRIALS_H

#ifdef FEWER_TRIALS
#define TRIALS(n) ((n) / 4)
#else
#define TRIALS(n) (n)
#endif

#endif							/* TRIALS_H */
