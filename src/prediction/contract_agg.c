/*
 * contract_agg.c
 *		The aggregate contract_fit, and what is predicted of contracts by its
 *		documents. The mathematics are in math/contract.c.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "arguments.h"
#include "compat.h"
#include "json_members.h"
#include "math/contract.h"
#include "number_text.h"

PG_FUNCTION_INFO_V1(contract_fit_transition);
PG_FUNCTION_INFO_V1(contract_fit_combine);
PG_FUNCTION_INFO_V1(contract_fit_serialize);
PG_FUNCTION_INFO_V1(contract_fit_deserialize);
PG_FUNCTION_INFO_V1(contract_fit_final);
PG_FUNCTION_INFO_V1(contract_predict_survival);
PG_FUNCTION_INFO_V1(contract_predict_residual);

#define STATE_OWNER	"aggregate contract_fit"

static ContractCounts *
make_counts(MemoryContext context)
{
	return MemoryContextAllocZero(context, sizeof(ContractCounts));
}

/* Arguments: state, periods, ended. Rows with a NULL are left out. */
Datum
contract_fit_transition(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	ContractCounts *counts;
	int32		periods;
	bool		ended;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		RETURN_STATE();
	counts = PG_ARGISNULL(0) ? make_counts(context) : (ContractCounts *) PG_GETARG_POINTER(0);
	periods = PG_GETARG_INT32(1);
	ended = PG_GETARG_BOOL(2);
	if (periods < (ended ? 1 : 0) || periods > CONTRACT_MAX_PERIODS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("periods must be between %d and %d, but is %d", ended ? 1 : 0,
						CONTRACT_MAX_PERIODS, periods),
				 errhint("A contract that is not renewed for the first time has ended with its period 1; one in its first period has not ended after 0.")));
	if (ended)
		counts->ended[periods - 1]++;
	else
		counts->running[periods]++;
	PG_RETURN_POINTER(counts);
}

Datum
contract_fit_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	ContractCounts *counts = PG_ARGISNULL(0) ? NULL : (ContractCounts *) PG_GETARG_POINTER(0);
	const ContractCounts *other = (ContractCounts *) PG_GETARG_POINTER(1);

	RETURN_ONLY_STATE();
	if (counts == NULL)
		counts = make_counts(context);
	for (int i = 0; i < CONTRACT_MAX_PERIODS; i++)
		counts->ended[i] += other->ended[i];
	for (int i = 0; i <= CONTRACT_MAX_PERIODS; i++)
		counts->running[i] += other->running[i];
	PG_RETURN_POINTER(counts);
}

Datum
contract_fit_serialize(PG_FUNCTION_ARGS)
{
	const ContractCounts *counts;
	StringInfoData buffer;

	(void) aggregate_context(fcinfo);
	counts = (ContractCounts *) PG_GETARG_POINTER(0);
	pq_begintypsend(&buffer);
	for (int i = 0; i < CONTRACT_MAX_PERIODS; i++)
		pq_sendint64(&buffer, counts->ended[i]);
	for (int i = 0; i <= CONTRACT_MAX_PERIODS; i++)
		pq_sendint64(&buffer, counts->running[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

static int64
receive_count(StringInfo buffer, int64 *all)
{
	int64		count = pq_getmsgint64(buffer);

	if (count < 0 || count > AGGREGATE_MAX_ROWS - *all)
		corrupt_state(STATE_OWNER);
	*all += count;
	return count;
}

Datum
contract_fit_deserialize(PG_FUNCTION_ARGS)
{
	ContractCounts *counts;
	StringInfoData buffer;
	int64		all = 0;

	(void) aggregate_context(fcinfo);
	state_read(fcinfo, &buffer);
	if (buffer.len != 8 * (2 * CONTRACT_MAX_PERIODS + 1))
		corrupt_state(STATE_OWNER);
	counts = make_counts(CurrentMemoryContext);
	for (int i = 0; i < CONTRACT_MAX_PERIODS; i++)
		counts->ended[i] = receive_count(&buffer, &all);
	for (int i = 0; i <= CONTRACT_MAX_PERIODS; i++)
		counts->running[i] = receive_count(&buffer, &all);
	PG_RETURN_POINTER(counts);
}

static const char *const status_reasons[] = {
	[CONTRACT_CONVERGED] = NULL,
	[CONTRACT_TOO_FEW] = "too_few_periods",
	[CONTRACT_NOBODY_ENDED] = "nobody_ended",
	[CONTRACT_NOBODY_RENEWED] = "nobody_renewed",
	[CONTRACT_AT_BOUNDARY] = "parameter_at_boundary",
	[CONTRACT_NOT_CONVERGED] = "no_maximum_found",
};

static void
append_pair(StringInfo out, const char *name, bool known, double alpha, double beta)
{
	appendStringInfo(out, ", \"%s\": ", name);
	if (!known)
	{
		appendStringInfoString(out, "null");
		return;
	}
	appendStringInfoString(out, "{\"alpha\": ");
	append_number(out, alpha);
	appendStringInfoString(out, ", \"beta\": ");
	append_number(out, beta);
	appendStringInfoChar(out, '}');
}

Datum
contract_fit_final(PG_FUNCTION_ARGS)
{
	const ContractCounts *counts;
	ContractFit fit;
	StringInfoData out;
	int64		ended = 0;
	int64		running = 0;
	bool		known;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	counts = (ContractCounts *) PG_GETARG_POINTER(0);
	for (int i = 0; i < CONTRACT_MAX_PERIODS; i++)
		ended += counts->ended[i];
	for (int i = 0; i <= CONTRACT_MAX_PERIODS; i++)
		running += counts->running[i];
	contract_fit(counts, &fit);
	known = fit.status == CONTRACT_CONVERGED;
	initStringInfo(&out);
	appendStringInfoString(&out, "{\"family\": \"sbg\"");
	append_pair(&out, "parameters", known, fit.alpha, fit.beta);
	append_pair(&out, "standard_errors", known, fit.alpha_error, fit.beta_error);
	append_member(&out, "log_likelihood", known ? fit.log_likelihood : NAN);
	appendStringInfo(&out, ", \"n\": " INT64_FORMAT ", \"n_ended\": " INT64_FORMAT ", \"status\": \"%s\", \"reason\": ",
					 ended + running, ended, known ? "converged" :
					 fit.status >= CONTRACT_AT_BOUNDARY ? "not_converged" : "refused");
	if (known)
		appendStringInfoString(&out, "null}");
	else
		appendStringInfo(&out, "\"%s\"}", status_reasons[fit.status]);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

/* ---- predictions ---- */

pg_noreturn static void
not_a_fit(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("fit is not a document of contract_fit: %s", what),
			 errhint("Give what contract_fit returned.")));
}

static double
parameter(JsonbContainer *parameters, const char *name)
{
	JsonbValue	value;
	double		result = json_number(json_member(parameters, name, &value));

	if (isnan(result))
		not_a_fit("a parameter is missing");
	if (!(result > 0.0 && isfinite(result)))
		not_a_fit("a parameter is not above 0");
	return result;
}

/* False if the fit has no parameters */
static bool
read_parameters(Jsonb *fit, double *alpha, double *beta)
{
	JsonbContainer *parameters;
	JsonbValue	value;
	JsonbValue *found;

	if (!JsonContainerIsObject(&fit->root))
		not_a_fit("it is not an object");
	if (!json_is_string(json_member(&fit->root, "family", &value), "sbg"))
		not_a_fit("its family is not \"sbg\"");
	found = json_member(&fit->root, "parameters", &value);
	if (found == NULL)
		return false;
	parameters = json_as_object(found);
	if (parameters == NULL)
		not_a_fit("its parameters are no object");
	*alpha = parameter(parameters, "alpha");
	*beta = parameter(parameters, "beta");
	return true;
}

static double
periods_argument(FunctionCallInfo fcinfo, int n)
{
	int32		periods = PG_GETARG_INT32(n);

	if (periods < 0 || periods > 1000000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("periods must be between 0 and 1000000, but is %d", periods)));
	return periods;
}

/* (fit, periods, after): the share that still has the contract "periods" renewals later */
Datum
contract_predict_survival(PG_FUNCTION_ARGS)
{
	double		periods = periods_argument(fcinfo, 1);
	double		after = periods_argument(fcinfo, 2);
	double		alpha;
	double		beta;

	if (!read_parameters(PG_GETARG_JSONB_P(0), &alpha, &beta))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(exp(contract_log_survival(alpha, beta + after, periods)));
}

/* (fit, periods, rate) */
Datum
contract_predict_residual(PG_FUNCTION_ARGS)
{
	double		periods = periods_argument(fcinfo, 1);
	double		rate = setting_argument(fcinfo, 2, "rate", "Use 0.1 for 10 % of interest per period.");
	double		alpha;
	double		beta;
	double		result;

	if (!read_parameters(PG_GETARG_JSONB_P(0), &alpha, &beta))
		PG_RETURN_NULL();
	result = contract_residual(alpha, beta, periods, rate);
	if (isnan(result))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(result);
}
