/*
 * one_customer.c
 *		The row of one customer, without planning a model's levels each time.
 *
 * A page of a shop asks customer_scores for one key, and most of what it then
 * waits for is the planner. So the function customer() of a model asks by a
 * query whose plan the session keeps, as PREPARE would, which pools of
 * connections often can't do. The query is the view's, with the rights of the
 * role that calls: it says what the view says. A plan is kept for each role,
 * because a planner looks at the rights of the role that it plans for. It knows
 * the view by its number, so that a model can be renamed.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(one_customer);

/* A pool that takes many roles, or has many models, lets go of all of them now and then. */
#define MAX_PLANS 64

typedef struct PlanKey
{
	Oid			view;
	Oid			role;
} PlanKey;

typedef struct KeptPlan
{
	PlanKey		key;
	SPIPlanPtr	plan;			/* NULL while there is none */
	int			uses;			/* by calls that are running */
	NameData	schema;			/* the names that the query has */
	NameData	name;
} KeptPlan;

static HTAB *
kept_plans(void)
{
	static HTAB *plans = NULL;

	if (plans == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(PlanKey);
		control.entrysize = sizeof(KeptPlan);
		plans = hash_create("plans for one customer", MAX_PLANS, &control, HASH_ELEM | HASH_BLOBS);
	}
	return plans;
}

static void
forget_plans(HTAB *plans)
{
	HASH_SEQ_STATUS scan;
	KeptPlan   *kept;

	hash_seq_init(&scan, plans);
	while ((kept = hash_seq_search(&scan)) != NULL)
	{
		if (kept->uses > 0)
			continue;
		if (kept->plan != NULL)
			SPI_freeplan(kept->plan);
		hash_search(plans, &kept->key, HASH_REMOVE, NULL);
	}
}

/* The same plan whatever the key: there is one row at most, found by an index. */
static SPIPlanPtr
make_plan(const char *schema, const char *name)
{
	Oid			type = TEXTOID;
	SPIPlanPtr	plan = SPI_prepare_cursor(psprintf("SELECT * FROM %s WHERE customer_key OPERATOR(pg_catalog.=) $1",
												   quote_qualified_identifier(schema, name)),
										  1, &type, CURSOR_OPT_GENERIC_PLAN);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor failed: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	return plan;
}

/*
 * Changes of the view make the server plan again by itself. What it can't follow
 * is another name: the plan is that of the query's text. (Apart from the function
 * that catches errors: gcc would warn of what longjmp does to its variables.)
 */
static pg_noinline KeptPlan *
find_plan(Oid view)
{
	HTAB	   *plans = kept_plans();
	PlanKey		key = {view, GetUserId()};
	char	   *schema = get_namespace_name(get_rel_namespace(view));
	char	   *name = get_rel_name(view);
	KeptPlan   *kept = hash_search(plans, &key, HASH_FIND, NULL);

	if (schema == NULL || name == NULL)
		elog(ERROR, "cache lookup failed for relation %u", view);
	if (kept == NULL)
	{
		if (hash_get_num_entries(plans) >= MAX_PLANS)
			forget_plans(plans);
		kept = hash_search(plans, &key, HASH_ENTER, NULL);
		kept->plan = NULL;
		kept->uses = 0;
	}
	if (kept->plan != NULL &&
		(strcmp(NameStr(kept->schema), schema) != 0 || strcmp(NameStr(kept->name), name) != 0))
	{
		if (kept->uses == 0)	/* else it is lost, for a call that has renamed the model */
			SPI_freeplan(kept->plan);
		kept->plan = NULL;
	}
	if (kept->plan == NULL)
	{
		namestrcpy(&kept->schema, schema);
		namestrcpy(&kept->name, name);
		kept->plan = make_plan(schema, name);
	}
	return kept;
}

static void
read_rows(KeptPlan *kept, Datum customer_key, ReturnSetInfo *result)
{
	SPIExecuteOptions options = {0};
	ParamListInfo params = makeParamList(1);
	int			status;

	params->params[0].value = customer_key;
	params->params[0].isnull = false;
	params->params[0].pflags = PARAM_FLAG_CONST;
	params->params[0].ptype = TEXTOID;
	options.params = params;
	options.read_only = true;	/* what the caller's statement sees */
	options.dest = CreateDestReceiver(DestTuplestore);
	SetTuplestoreDestReceiverParams(options.dest, result->setResult,
									result->econtext->ecxt_per_query_memory, false, result->setDesc,
									gettext_noop("the columns of the view are not those of its type"));
	status = SPI_execute_plan_extended(kept->plan, &options);
	if (status < 0)
		elog(ERROR, "SPI_execute_plan_extended failed: %s", SPI_result_code_string(status));
	options.dest->rDestroy(options.dest);
}

/*
 * _one_customer("row" anyelement, customer_key text): the rows of a view with
 * this customer_key; "row" is NULL of the type of its rows.
 */
Datum
one_customer(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			view = OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;
	KeptPlan   *kept;

	if (!OidIsValid(view) || get_rel_relkind(view) == RELKIND_COMPOSITE_TYPE)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("type %s is not that of the rows of a view",
						OidIsValid(type) ? format_type_be(type) : "unknown"),
				 errhint("_one_customer(NULL::shop.customer_scores, 'C00001')")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (PG_ARGISNULL(1))
		return (Datum) 0;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	kept = find_plan(view);
	kept->uses++;
	PG_TRY();
	{
		read_rows(kept, PG_GETARG_DATUM(1), result);
	}
	PG_FINALLY();
	{
		kept->uses--;
	}
	PG_END_TRY();
	SPI_finish();
	return (Datum) 0;
}
