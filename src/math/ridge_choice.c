/*
 * ridge_choice.c
 *		The ridge of a logistic regression by cross-validation: rows are dealt out
 *		to folds; each fold is predicted by fits of the others, one for each ridge.
 */
#include "ridge_choice.h"

#include <math.h>
#include <string.h>

/* Of so many equal rows from place "first" on, how many are dealt to a fold */
static double
dealt(double first, double count, int fold, int folds)
{
	return floor((first + count - fold + folds - 1) / folds) -
		floor((first - fold + folds - 1) / folds);
}

/* Minus the logarithm of the probability of the row's label, times its weight */
static double
row_loss(const double *row, int features, const LogitFit *fit)
{
	double		sum = fit->coefficients[0];
	double		margin;

	for (int j = 0; j < features; j++)
		sum += fit->coefficients[j + 1] * row[LOGIT_HEAD + j];
	margin = row[0] > 0.0 ? sum : -sum;
	return fabs(row[0]) * ((margin < 0.0 ? -margin : 0.0) + log1p(exp(-fabs(margin))));
}

/* A fold's part of the sums over all of them */
typedef struct Sums
{
	double		loss;
	double		weight;
	double		means;			/* of folds */
	double		squares;
} Sums;

void
ridge_cross_validate(const double *rows, size_t n, int features, int folds,
					 RidgeTrial *trials, int ntrials, const Host *host)
{
	size_t		width = (size_t) features + LOGIT_HEAD;
	size_t	   *order = host_allocate(host, n * sizeof(size_t));
	double	   *counts = host_allocate(host, n * sizeof(double));
	double	   *train = host_allocate(host, n * width * sizeof(double));
	double	   *held_out = host_allocate(host, n * sizeof(double));
	Sums	   *sums = host_allocate(host, (size_t) ntrials * sizeof(Sums));
	LogitFit   *fit = host_allocate(host, sizeof(LogitFit));

	memset(sums, 0, (size_t) ntrials * sizeof(Sums));
	for (int t = 0; t < ntrials; t++)
		trials[t].status = LOGIT_CONVERGED;
	n = logit_distinct(rows, n, features, order, counts, host);
	for (int fold = 0; fold < folds; fold++)
	{
		double		place = 0.0;
		size_t		trained = 0;

		for (size_t i = 0; i < n; i++)
		{
			const double *row = rows + order[i] * width;
			double	   *to = train + trained * width;

			if (i % 65536 == 0)
				host->check();
			held_out[i] = dealt(place, counts[i], fold, folds);
			place += counts[i];
			if (held_out[i] == counts[i])
				continue;
			memcpy(to, row, width * sizeof(double));
			to[1] = counts[i] - held_out[i];
			trained++;
		}
		for (int t = 0; t < ntrials; t++)
		{
			double		loss = 0.0;
			double		weight = 0.0;

			if (trials[t].status != LOGIT_CONVERGED)
				continue;
			logit_fit_rows(train, trained, features, &(LogitOptions) {.ridge = trials[t].ridge},
						   fit, NULL, host);
			trials[t].status = fit->status;
			if (fit->status != LOGIT_CONVERGED)
				continue;
			for (size_t i = 0; i < n; i++)
			{
				const double *row = rows + order[i] * width;

				if (i % 65536 == 0)
					host->check();
				if (held_out[i] == 0.0)
					continue;
				loss += held_out[i] * row_loss(row, features, fit);
				weight += held_out[i] * fabs(row[0]);
			}
			sums[t].loss += loss;
			sums[t].weight += weight;
			sums[t].means += loss / weight;
			sums[t].squares += loss / weight * (loss / weight);
		}
	}
	for (int t = 0; t < ntrials; t++)
	{
		double		mean = sums[t].means / folds;
		double		variance = (sums[t].squares - folds * mean * mean) / (folds - 1);

		trials[t].log_loss = sums[t].loss / sums[t].weight;
		trials[t].standard_error = sqrt((variance > 0.0 ? variance : 0.0) / folds);
		if (trials[t].status == LOGIT_CONVERGED && !isfinite(trials[t].log_loss))
			trials[t].status = LOGIT_OUT_OF_RANGE;
	}
	host->release(fit);
	host->release(sums);
	host->release(held_out);
	host->release(train);
	host->release(counts);
	host->release(order);
}
