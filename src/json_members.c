/*
 * json_members.c
 *		Members of JSON objects, as documents of fits and cards have them.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "compat.h"
#include "json_members.h"

JsonbValue *
json_member(JsonbContainer *object, const char *key, JsonbValue *value)
{
	if (getKeyJsonValueFromContainer(object, key, (int) strlen(key), value) == NULL ||
		value->type == jbvNull)
		return NULL;
	return value;
}

bool
json_is_string(const JsonbValue *value, const char *wanted)
{
	return value != NULL && value->type == jbvString &&
		value->val.string.len == (int) strlen(wanted) &&
		memcmp(value->val.string.val, wanted, strlen(wanted)) == 0;
}

double
json_number(const JsonbValue *value)
{
	if (value == NULL || value->type != jbvNumeric ||
		numeric_is_nan(value->val.numeric) || numeric_is_inf(value->val.numeric))
		return NAN;
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											  NumericGetDatum(value->val.numeric)));
}

static JsonbContainer *
container(const JsonbValue *value)
{
	return value != NULL && value->type == jbvBinary ? value->val.binary.data : NULL;
}

JsonbContainer *
json_as_object(const JsonbValue *value)
{
	JsonbContainer *result = container(value);

	return result != NULL && JsonContainerIsObject(result) ? result : NULL;
}

JsonbContainer *
json_as_array(const JsonbValue *value)
{
	JsonbContainer *result = container(value);

	return result != NULL && JsonContainerIsArray(result) ? result : NULL;
}
