/*
 * fit.c
 *		The document of a buy-till-you-die or spend fit: print it, read it, and
 *		remember what was read from one row to the next.
 *
 * Numbers are printed in the fewest digits that give the same double again. A
 * document may as well have been written by hand, from published parameters:
 * only family and parameters must be there.
 */
#include "postgres.h"

#include <math.h>

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "aggregate.h"
#include "arguments.h"
#include "compat.h"
#include "fit.h"
#include "json_members.h"
#include "math/opportunity.h"
#include "number_text.h"

/* Characters of the caller's that a message repeats */
#define SHOWN_BYTES		64

/* x is a whole number that the likelihoods still tell from the next */
#define MAX_X			1e9

static const char *const family_names[] = {"mbgnbd", "bgnbd", "paretonbd", "mbgcnbd", "bgbb", "gammagamma"};

#define FAMILIES		lengthof(family_names)

static const char *const parameter_names[FAMILIES][BTYD_NUMBERS] = {
	{"r", "alpha", "a", "b"},
	{"r", "alpha", "a", "b"},
	{"r", "alpha", "s", "beta"},
	{"r", "alpha", "a", "b", "k"},
	{"alpha", "beta", "gamma", "delta"},
	{"p", "q", "gamma"}
};

static const char *const status_names[] = {
	[BTYD_CONVERGED] = "converged",
	[BTYD_NOT_CONVERGED] = "not_converged",
	[BTYD_REFUSED] = "refused"
};

static const char *const reason_names[] = {
	[BTYD_REASON_NONE] = NULL,
	[BTYD_TOO_FEW_CUSTOMERS] = "too_few_customers",
	[BTYD_EVERYONE_BOUGHT_ONCE] = "everyone_bought_once",
	[BTYD_TOO_FEW_REPEAT_CUSTOMERS] = "too_few_repeat_customers",
	[BTYD_CONSTANT_DATA] = "constant_data",
	[BTYD_PARAMETER_AT_BOUNDARY] = "parameter_at_boundary",
	[BTYD_FLAT_LIKELIHOOD] = "flat_likelihood",
	[BTYD_NO_MAXIMUM_FOUND] = "no_maximum_found",
	[BTYD_MEAN_UNDEFINED] = "mean_undefined",
	[BTYD_CONSTANT_COVARIATE] = "constant_covariate",
	[BTYD_COLLINEAR_COVARIATES] = "collinear_covariates",
	[BTYD_COVARIATES_FAR_FROM_ZERO] = "covariates_far_from_zero"
};

/* Those that are fitted have standard errors; k is counted */
static inline int
fitted_of(FitFamily family)
{
	return family == FIT_GAMMAGAMMA ? SPEND_PARAMETERS : BTYD_PARAMETERS;
}

static inline int
parameters_of(FitFamily family)
{
	return fitted_of(family) + (family == FIT_MBGCNBD);
}

/* ---- checks ---- */

/* What the caller wrote, short enough for a message */
static char *
shown(const char *string, int length)
{
	return pnstrdup(string, (Size) pg_mbcliplen(string, length, SHOWN_BYTES));
}

static bool
is_name(const char *name, int length, const char *of)
{
	return length == (int) strlen(of) && memcmp(name, of, (size_t) length) == 0;
}

BtydFamily
check_btyd_family(text *name, int *k)
{
	const char *string = VARDATA_ANY(name);
	int			length = (int) VARSIZE_ANY_EXHDR(name);

	for (int i = 0; i < FIT_GAMMAGAMMA; i++)
	{
		*k = i == FIT_MBGCNBD ? 0 : 1;
		if (is_name(string, length, family_names[i]))
			return (BtydFamily) i;
	}
	for (*k = 1; *k <= ERLANG_MAX_K; (*k)++)
	{
		char		with_k[16];

		snprintf(with_k, sizeof(with_k), "%s-%d", family_names[FIT_MBGCNBD], *k);
		if (is_name(string, length, with_k))
			return BTYD_MBGCNBD;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("family \"%s\" does not exist", shown(string, length)),
			 errhint("Families are mbgnbd (recommended), bgnbd, paretonbd, mbgcnbd and bgbb; mbgcnbd-1 to mbgcnbd-%d for a k of your own.",
					 ERLANG_MAX_K)));
}

int
check_unit_days(int unit_days)
{
	if (unit_days < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unit_days must be at least 1, but is %d", unit_days),
				 errhint("With 7, ages are counted in weeks.")));
	return unit_days;
}

/* A finite number, 0 or more; returns it without the sign of -0 */
double
check_amount(const char *argument, double value)
{
	if (!(value >= 0) || isinf(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be finite and at least 0, but is %g", argument, value)));
	return value + 0.0;
}

void
check_count(double x)
{
	if (!(x >= 0 && x <= MAX_X) || x != floor(x))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("x must be a whole number from 0 to %.0f, but is %g", MAX_X, x),
				 errdetail("x is the number of days with an event after the first.")));
}

/* Zero and less are answered elsewhere */
void
check_mean(double m)
{
	if (!isfinite(m))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("m must be finite, but is %g", m),
				 errdetail("m is the mean value of a repeat day.")));
}

void
check_customer(FitFamily family, double x, double t_x, double t)
{
	check_count(x);
	check_amount("t_x", t_x);
	check_amount("t", t);
	if (t_x > t)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("t_x must not be more than t, but is %g with t = %g", t_x, t),
				 errdetail("t_x is the age at the last event, t the age on the day of the question.")));
	if (x == 0 && t_x != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("t_x must be 0 where x is 0, but is %g", t_x),
				 errdetail("Without a repeat day, the last event is the first.")));
	if (family == FIT_BGBB && !are_opportunities(x, t_x, t))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("t_x and t must be whole numbers of opportunities up to %d, and x not more than t_x, but x is %g, t_x %g, t %g",
						MAX_OPPORTUNITIES, x, t_x, t),
				 errdetail("Family bgbb counts opportunities: x of t were taken, the last of them the one of number t_x.")));
}

bool
is_count(double x)
{
	return x >= 0 && x <= MAX_X && x == floor(x) && !signbit(x);
}

bool
is_customer(double x, double t_x, double t)
{
	return is_count(x) && isfinite(t) && t_x >= 0 && t_x <= t && (x > 0 || t_x == 0) &&
		!signbit(t_x) && !signbit(t);
}

/*
 * The logarithms of gaps that make t_x together are greatest where the gaps are
 * equal. Beyond that they are of another unit, or of somebody else.
 */
void
check_ln_gaps(double ln_gaps, double x, double t_x)
{
	if (isnan(ln_gaps) || isinf(ln_gaps) || (x == 0 && ln_gaps != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ln_gaps must be finite, and 0 where x is 0, but is %g with x = %g", ln_gaps, x)));
	if (x > 0 && t_x > 0 && ln_gaps > x * log(t_x / x) + 1e-6 * (1 + x))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ln_gaps must not be more than x * ln(t_x / x), but is %g with x = %g, t_x = %g", ln_gaps, x, t_x),
				 errhint("Give btyd(history, as_of, unit_days) and ln_gaps(history, as_of, unit_days) the same unit.")));
}

/* So many customers at most in one row */
#define MAX_WEIGHT		1000000000

/* How many customers a row stands for, after so many before */
int64
check_weight(int64 weight, int64 before)
{
	if (weight < 0 || weight > MAX_WEIGHT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("weight must be from 0 to %d, but is " INT64_FORMAT, MAX_WEIGHT, weight),
				 errdetail("weight is the number of customers that a row stands for.")));
	if (weight > AGGREGATE_MAX_ROWS - before)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many customers to fit: more than " INT64_FORMAT, AGGREGATE_MAX_ROWS)));
	return weight;
}

double
ridge_argument(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		null_argument("ridge", "0 is none.");
	return check_amount("ridge", PG_GETARG_FLOAT8(n));
}

/* ---- printing ---- */

static void
print_parameters(StringInfo out, FitFamily family, bool there, int n, const double *values)
{
	if (!there)
	{
		appendStringInfoString(out, "null");
		return;
	}
	for (int i = 0; i < n; i++)
	{
		appendStringInfo(out, "%c\"%s\":", i == 0 ? '{' : ',', parameter_names[family][i]);
		append_number(out, values[i]);
	}
	appendStringInfoChar(out, '}');
}

static void
print_string(StringInfo out, const char *string)
{
	if (string == NULL)
		appendStringInfoString(out, "null");
	else
		appendStringInfo(out, "\"%s\"", string);
}

static void
print_array(StringInfo out, const char *key, int n, const double *values)
{
	appendStringInfo(out, "\"%s\":[", key);
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		append_number(out, values[i]);
	}
	appendStringInfoChar(out, ']');
}

/* What covariates do; NULL if the fit hasn't converged, and then so are the errors */
static void
print_covariates(StringInfo out, const CovariateFit *covariates, bool there)
{
	static const char *const keys[] = {"covariates", "covariate_errors"};
	const double *values[2][2] = {{covariates->orders, covariates->leaving},
	{covariates->orders_errors, covariates->leaving_errors}};

	for (int i = 0; i < 2; i++)
	{
		appendStringInfo(out, ",\"%s\":", keys[i]);
		if (!there)
		{
			/* it is a fit with covariates all the same */
			appendStringInfoString(out, i == 0 ? "{}" : "null");
			continue;
		}
		appendStringInfoChar(out, '{');
		print_array(out, "orders", covariates->ncovariates, values[i][0]);
		appendStringInfoChar(out, ',');
		print_array(out, "leaving", covariates->ncovariates, values[i][1]);
		appendStringInfoChar(out, '}');
	}
}

void
fit_print(StringInfo out, FitFamily family, const BtydFit *fit, bool is_replicate, int unit_days,
		  const SpendLeftOut *left_out, const CovariateFit *covariates)
{
	bool		converged = fit->status == BTYD_CONVERGED;
	bool		has_criteria = converged && fit->ridge == 0;
	int			degrees;

	appendStringInfo(out, "{\"family\":\"%s\",\"parameters\":", family_names[family]);
	print_parameters(out, family, converged || (is_replicate && fit->ended), parameters_of(family),
					 fit->parameters);
	appendStringInfoString(out, ",\"standard_errors\":");
	print_parameters(out, family, converged, fitted_of(family), fit->standard_errors);
	if (covariates != NULL)
		print_covariates(out, covariates, converged);
	if (left_out == NULL)
		appendStringInfo(out, ",\"unit_days\":%d", unit_days);
	else
		appendStringInfo(out, ",\"left_out\":{\"no_repeat\":" INT64_FORMAT ",\"zero_mean\":" INT64_FORMAT
						 ",\"negative_mean\":" INT64_FORMAT "},\"unit_days\":null",
						 left_out->no_repeat, left_out->zero_mean, left_out->negative_mean);
	appendStringInfo(out, ",\"n\":" INT64_FORMAT ",\"log_likelihood\":", (int64) fit->n);
	append_number(out, fit->log_likelihood);
	/* k is a parameter, too, where it was chosen */
	degrees = fitted_of(family) + (fit->nchoices > 0) +
		(covariates ? 2 * covariates->ncovariates : 0);
	append_member(out, "aic", has_criteria ? 2 * degrees - 2 * fit->log_likelihood : NAN);
	append_member(out, "bic",
				  has_criteria ? degrees * log((double) fit->n) - 2 * fit->log_likelihood : NAN);
	if (fit->ridge > 0)
		append_member(out, "ridge", fit->ridge);
	for (int i = 0; i < fit->nchoices; i++)
	{
		appendStringInfoString(out, i == 0 ? ",\"k_log_likelihoods\":[" : ",");
		append_number(out, fit->choices[i]);
	}
	if (fit->nchoices > 0)
		appendStringInfoChar(out, ']');
	appendStringInfo(out, ",\"iterations\":%d,\"gradient_norm\":", fit->iterations);
	append_number(out, fit->gradient_norm);
	appendStringInfoString(out, ",\"status\":");
	print_string(out, status_names[fit->status]);
	appendStringInfoString(out, ",\"reason\":");
	print_string(out, reason_names[fit->reason]);
	appendStringInfoChar(out, '}');
}

/* ---- reading ---- */

static void
malformed(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("fit is not the document of a fit"),
			 errdetail("%s", detail),
			 errhint("btyd_fit and spend_fit make such documents; by hand, "
					 "one is {\"family\": \"bgnbd\", \"unit_days\": 7, "
					 "\"parameters\": {\"r\": 0.2, \"alpha\": 4.4, \"a\": 0.8, \"b\": 2.4}}.")));
}

/*
 * Whether there are covariates, how many, and if asked for what they do. A fit without
 * parameters doesn't say.
 */
static void
read_covariates(JsonbContainer *document, Fit *fit, double *orders, double *leaving)
{
	static const char *const keys[] = {"orders", "leaving"};
	double	   *into[] = {orders, leaving};
	JsonbValue	value;
	JsonbValue *found = json_member(document, "covariates", &value);
	JsonbContainer *effects = json_as_object(found);

	fit->ncovariates = 0;
	if (found == NULL)
		return;
	if (effects == NULL)
		malformed("Its \"covariates\" must be an object.");
	for (int e = 0; e < 2; e++)
	{
		JsonbValue	list;
		JsonbContainer *array;
		int			n;

		found = json_member(effects, keys[e], &list);
		if (found == NULL && e == 0)
			return;
		array = json_as_array(found);
		n = array ? (int) JsonContainerSize(array) : 0;
		if (n < 1 || n > MAX_COVARIATES || (e == 1 && n != fit->ncovariates))
			malformed(psprintf("Its \"covariates\" must have as many \"orders\" as \"leaving\", from 1 to %d.",
							   MAX_COVARIATES));
		fit->ncovariates = n;
		for (int i = 0; i < n; i++)
		{
			double		effect = json_number(getIthJsonbValueFromContainer(array, (uint32) i));

			if (!isfinite(effect))
				malformed("Its \"covariates\" must be numbers.");
			if (into[e] != NULL)
				into[e][i] = effect;
		}
	}
}

static void
fit_read(JsonbContainer *document, Fit *fit)
{
	JsonbValue	value;
	JsonbValue *found;
	bool		converged = true;
	bool		there;

	memset(fit, 0, sizeof(Fit));
	if (!JsonContainerIsObject(document))
		malformed("It must be a JSON object.");

	found = json_member(document, "family", &value);
	if (found == NULL || found->type != jbvString)
		malformed("Its \"family\" must be a string.");
	for (;; fit->family++)
	{
		const char *name = family_names[fit->family];

		if (json_is_string(found, name))
			break;
		if (fit->family == FAMILIES - 1)
			malformed("Its \"family\" must be mbgnbd, bgnbd, paretonbd, mbgcnbd, bgbb or gammagamma.");
	}

	found = json_member(document, "unit_days", &value);
	if (found != NULL)
	{
		double		days = json_number(found);

		if (!(days >= 1 && days <= INT_MAX) || days != floor(days))
			malformed("Its \"unit_days\" must be a whole number of days, at least 1.");
		fit->unit_days = (int) days;
	}

	found = json_member(document, "status", &value);
	if (found != NULL)
		converged = json_is_string(found, "converged");

	found = json_member(document, "parameters", &value);
	if (found != NULL)
	{
		if (json_as_object(found) == NULL)
			malformed("Its \"parameters\" must be an object or null.");
		for (int i = 0; i < parameters_of(fit->family); i++)
		{
			JsonbValue	parameter;

			fit->parameters[i] = json_number(json_member(json_as_object(found),
													parameter_names[fit->family][i], &parameter));
			if (!(fit->parameters[i] > 0) || isinf(fit->parameters[i]))
				malformed(psprintf("Its parameter \"%s\" must be a positive number.",
								   parameter_names[fit->family][i]));
		}
		if (fit->family == FIT_MBGCNBD &&
			!(fit->parameters[4] == floor(fit->parameters[4]) &&
			  fit->parameters[4] <= ERLANG_MAX_K))
			malformed(psprintf("Its parameter \"k\" must be a whole number from 1 to %d.",
							   ERLANG_MAX_K));
	}

	there = found != NULL;
	/* k is a parameter, too, where it was chosen */
	fit->degrees = fitted_of(fit->family) +
		(json_member(document, "k_log_likelihoods", &value) != NULL ? 1 : 0);
	fit->log_likelihood = json_number(json_member(document, "log_likelihood", &value));
	fit->n = json_number(json_member(document, "n", &value));
	found = json_member(document, "ridge", &value);
	fit->ridge = found ? json_number(found) : 0;
	if (!(fit->ridge >= 0) || isinf(fit->ridge))
		malformed("Its \"ridge\" must be a number, at least 0.");
	read_covariates(document, fit, NULL, NULL);
	fit->degrees += 2 * fit->ncovariates;
	fit->usable = converged && there;
	if (fit->usable && fit->family == FIT_GAMMAGAMMA && fit->parameters[1] <= 1)
	{
		fit->usable = false;
		strlcpy(fit->reason, reason_names[BTYD_MEAN_UNDEFINED], FIT_REASON_SIZE);
	}
	else if (!fit->usable)
	{
		found = json_member(document, "reason", &value);
		if (found != NULL && found->type == jbvString)
		{
			int			length = pg_mbcliplen(found->val.string.val, found->val.string.len,
											  FIT_REASON_SIZE - 1);

			memcpy(fit->reason, found->val.string.val, (size_t) length);
			fit->reason[length] = '\0';
		}
		else
			strlcpy(fit->reason, "not_converged", FIT_REASON_SIZE);
		fit->ended = there && !(fit->family == FIT_GAMMAGAMMA && fit->parameters[1] <= 1) &&
			(strcmp(fit->reason, reason_names[BTYD_PARAMETER_AT_BOUNDARY]) == 0 ||
			 strcmp(fit->reason, reason_names[BTYD_FLAT_LIKELIHOOD]) == 0);
	}
}

/* ---- remembering ---- */

/* What a call site remembers: two arguments can be fits, one a list of them */
typedef struct Remembered
{
	char	   *bytes;			/* of the argument */
	Size		length;
	Fit		   *fits;
	int			count;
	double	   *effects;		/* of covariates, those on orders first; of one fit */
} Remembered;

#define REMEMBERED_ARGUMENTS 2

/* Of single fits so many, since each group of customers may have its own; of lists one */
#define REMEMBERED_FITS	64

typedef struct CallSite
{
	Remembered	argument[REMEMBERED_ARGUMENTS][REMEMBERED_FITS];
	int			last[REMEMBERED_ARGUMENTS]; /* the one that was used */
	int			next[REMEMBERED_ARGUMENTS]; /* to be replaced */
	uint64		serial;			/* of the last fit read */
	TupleDesc	desc;
	void	   *extra;
} CallSite;

static CallSite *
call_site(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
														  sizeof(CallSite));
	return fcinfo->flinfo->fn_extra;
}

static Remembered *
remembered(FunctionCallInfo fcinfo, int argument, bool list)
{
	CallSite   *site = call_site(fcinfo);
	const int	slots = list ? 1 : REMEMBERED_FITS;
	Remembered *known;
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(argument));
	Size		length = VARSIZE_ANY_EXHDR(packed);
	Jsonb	   *document;
	Fit		   *fits;
	double		effects[2][MAX_COVARIATES];
	int			count = 1;

	for (int i = 0; i < slots; i++)
	{
		int			at = (site->last[argument] + i) % slots;

		known = &site->argument[argument][at];
		if (known->fits != NULL && known->length == length &&
			memcmp(known->bytes, VARDATA_ANY(packed), length) == 0)
		{
			site->last[argument] = at;
			return known;
		}
	}

	/* read all of it before anything is replaced: this may fail */
	document = DatumGetJsonbP(PG_GETARG_DATUM(argument));
	if (!list)
	{
		fits = palloc(sizeof(Fit));
		fit_read(&document->root, fits);
		if (fits->ncovariates > 0)
			read_covariates(&document->root, fits, effects[0], effects[1]);
	}
	else
	{
		if (!JB_ROOT_IS_ARRAY(document) || JB_ROOT_IS_SCALAR(document))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("fits is not a JSON array of fits"),
					 errhint("btyd_fit_bootstrap makes such arrays.")));
		count = (int) JB_ROOT_COUNT(document);
		fits = palloc((Size) Max(count, 1) * sizeof(Fit));
		for (int i = 0; i < count; i++)
		{
			JsonbValue *element = getIthJsonbValueFromContainer(&document->root, (uint32) i);

			if (element->type != jbvBinary)
				malformed("It must be a JSON object.");
			fit_read(element->val.binary.data, &fits[i]);
			fits[i].usable = fits[i].usable || fits[i].ended;
		}
	}

	site->last[argument] = site->next[argument];
	site->next[argument] = (site->next[argument] + 1) % slots;
	known = &site->argument[argument][site->last[argument]];
	if (known->fits != NULL)
	{
		pfree(known->fits);
		pfree(known->bytes);
		if (known->effects != NULL)
			pfree(known->effects);
		memset(known, 0, sizeof(Remembered));
	}
	known->bytes = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, Max(length, 1));
	memcpy(known->bytes, VARDATA_ANY(packed), length);
	known->length = length;
	known->count = count;
	known->fits = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, (Size) Max(count, 1) * sizeof(Fit));
	memcpy(known->fits, fits, (Size) count * sizeof(Fit));
	known->fits->serial = ++site->serial;
	if (!list && fits->ncovariates > 0)
	{
		Size		size = (Size) fits->ncovariates * sizeof(double);

		known->effects = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, 2 * size);
		memcpy(known->effects, effects[0], size);
		memcpy(known->effects + fits->ncovariates, effects[1], size);
	}
	return known;
}

static void
check_kind(const Fit *fit, FitKind kind)
{
	if (kind != FIT_OF_ANY && (kind == FIT_OF_SPEND) != (fit->family == FIT_GAMMAGAMMA))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fit of family %s where one of %s is needed", family_names[fit->family],
						kind == FIT_OF_SPEND ? "gammagamma" : "mbgnbd, bgnbd, paretonbd, mbgcnbd or bgbb"),
				 kind == FIT_OF_SPEND ? errhint("spend_fit makes one.") : errhint("btyd_fit makes one.")));
}

const Fit *
fit_argument(FunctionCallInfo fcinfo, int argument, FitKind kind)
{
	const Fit  *fit = remembered(fcinfo, argument, false)->fits;

	check_kind(fit, kind);
	if (fit->ncovariates > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fit has covariates, and says nothing of a customer without them"),
				 errhint("btyd_fit_at(fit, covariates) is the fit of such customers.")));
	return fit;
}

const Fit *
covariate_fit_argument(FunctionCallInfo fcinfo, int argument, const double **orders,
					   const double **leaving)
{
	const Remembered *known = remembered(fcinfo, argument, false);
	const Fit  *fit = known->fits;

	check_kind(fit, FIT_OF_ORDERS);
	if (fit->usable && fit->ncovariates == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fit has no covariates"),
				 errhint("It is the fit of all customers; btyd_fit(family, x, t_x, t, unit_days, covariates) makes one with covariates.")));
	if (fit->ncovariates > 0 && !btyd_has_covariates((BtydFamily) fit->family))
		malformed("A fit with \"covariates\" is of family mbgnbd, bgnbd or paretonbd.");
	*orders = known->effects;
	*leaving = known->effects + fit->ncovariates;
	return fit;
}

void
fit_print_at(StringInfo out, const Fit *fit, const double *parameters)
{
	appendStringInfo(out, "{\"family\":\"%s\",\"parameters\":", family_names[fit->family]);
	print_parameters(out, fit->family, true, parameters_of(fit->family), parameters);
	if (fit->unit_days > 0)
		appendStringInfo(out, ",\"unit_days\":%d", fit->unit_days);
	appendStringInfoString(out, ",\"status\":\"converged\"}");
}

const Fit *
fits_argument(FunctionCallInfo fcinfo, int argument, FitKind kind, int *count)
{
	Remembered *known = remembered(fcinfo, argument, true);

	for (int i = 0; i < known->count; i++)
		check_kind(&known->fits[i], kind);
	*count = known->count;
	return known->fits;
}

const Fit *
fit_or_fits_argument(FunctionCallInfo fcinfo, int argument, int *count)
{
	Jsonb	   *document = PG_GETARG_JSONB_P(argument);
	Remembered *known = remembered(fcinfo, argument,
								   JB_ROOT_IS_ARRAY(document) && !JB_ROOT_IS_SCALAR(document));

	*count = known->count;
	return known->fits;
}

void **
fit_call_extra(FunctionCallInfo fcinfo)
{
	return &call_site(fcinfo)->extra;
}

TupleDesc
fit_result_desc(FunctionCallInfo fcinfo)
{
	CallSite   *site = call_site(fcinfo);

	if (site->desc == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		TupleDesc	desc;

		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "the function must return a row type");
		site->desc = BlessTupleDesc(desc);
		MemoryContextSwitchTo(old);
	}
	return site->desc;
}
