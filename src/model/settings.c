/*
 * settings.c
 *		Settings of a model that are lists of names.
 *
 * The settings travel as one jsonb value. What makes the views of a model asks
 * it hundreds of times which attributes, channels and scorecards there are.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(setting_names);

static text *
as_text(JsonbValue *value)
{
	StringInfoData printed;

	if (value->type == jbvString)
		return cstring_to_text_with_len(value->val.string.val, value->val.string.len);
	initStringInfo(&printed);
	(void) JsonbToCString(&printed, &JsonbValueToJsonb(value)->root, -1);
	return cstring_to_text_with_len(printed.data, printed.len);
}

/* The names of one setting, if it is an array, after those that are there already. */
static ArrayBuildState *
add_names(ArrayBuildState *names, Jsonb *settings, text *setting)
{
	JsonbValue	found;
	JsonbContainer *list;

	if (!JB_ROOT_IS_OBJECT(settings) ||
		getKeyJsonValueFromContainer(&settings->root, VARDATA_ANY(setting),
									 VARSIZE_ANY_EXHDR(setting), &found) == NULL ||
		found.type != jbvBinary || !JsonContainerIsArray(found.val.binary.data))
		return names;
	list = found.val.binary.data;
	for (uint32 i = 0; i < JsonContainerSize(list); i++)
	{
		JsonbValue *name = getIthJsonbValueFromContainer(list, i);
		bool		isnull = name->type == jbvNull;

		names = accumArrayResult(names, isnull ? (Datum) 0 : PointerGetDatum(as_text(name)), isnull,
								 TEXTOID, CurrentMemoryContext);
	}
	return names;
}

/*
 * setting_names(settings, VARIADIC setting): the elements of these settings, as
 * texts, one list after the other. What is not there, or is no array, has none.
 */
Datum
setting_names(PG_FUNCTION_ARGS)
{
	ArrayBuildState *names = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	Datum	   *asked;
	bool	   *nulls;
	int			n;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_DATUM(makeArrayResult(names, CurrentMemoryContext));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT,
					  &asked, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			names = add_names(names, PG_GETARG_JSONB_P(0), DatumGetTextPP(asked[i]));
	}
	PG_RETURN_DATUM(makeArrayResult(names, CurrentMemoryContext));
}
