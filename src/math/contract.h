/*
 * contract.h
 *		The shifted-beta-geometric model of contracts that are renewed each period
 *		(Fader and Hardie 2007). Pure C, no server headers.
 *
 * A customer ends the contract with the same probability at each renewal, which
 * differs among customers as Beta(alpha, beta).
 */
#ifndef CONTRACT_H
#define CONTRACT_H

#include <stdbool.h>
#include <stdint.h>

#define CONTRACT_MAX_PERIODS	1000

typedef enum ContractStatus
{
	CONTRACT_CONVERGED,
	CONTRACT_TOO_FEW,			/* nobody has stood at a second renewal */
	CONTRACT_NOBODY_ENDED,
	CONTRACT_NOBODY_RENEWED,
	CONTRACT_AT_BOUNDARY,		/* customers hardly differ, or are of two extremes */
	CONTRACT_NOT_CONVERGED
} ContractStatus;

/* How many contracts have ended with their period number i + 1, and go on after so many periods */
typedef struct ContractCounts
{
	int64_t		ended[CONTRACT_MAX_PERIODS];
	int64_t		running[CONTRACT_MAX_PERIODS + 1];	/* from 0 periods on */
} ContractCounts;

typedef struct ContractFit
{
	ContractStatus status;
	double		alpha;			/* these if it converged */
	double		beta;
	double		alpha_error;
	double		beta_error;
	double		log_likelihood;
	int			iterations;
} ContractFit;

extern void contract_fit(const ContractCounts *counts, ContractFit *fit);

/* The logarithm of the share that still has the contract after so many periods */
extern double contract_log_survival(double alpha, double beta, double periods);

/*
 * How many more periods somebody will pay for who has had so many, each discounted by the rate of
 * interest per period from the next one on; infinite where the rate is 0 and alpha is not above 1.
 */
extern double contract_residual(double alpha, double beta, double periods, double rate);

#endif							/* CONTRACT_H */
