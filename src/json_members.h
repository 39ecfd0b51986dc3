/*
 * json_members.h
 *		Members of JSON objects, as documents of fits and cards have them.
 */
#ifndef CUSTOMER_SCORING_JSON_MEMBERS_H
#define CUSTOMER_SCORING_JSON_MEMBERS_H

#include "utils/jsonb.h"

/* A key's value, in *value; NULL where the key is not there or is null */
extern JsonbValue *json_member(JsonbContainer *object, const char *key, JsonbValue *value);

/* These take what json_member() returned, NULL too. */
extern bool json_is_string(const JsonbValue *value, const char *wanted);

/* NaN: no number; infinite: beyond the range of doubles */
extern double json_number(const JsonbValue *value);

/* NULL: not one */
extern JsonbContainer *json_as_object(const JsonbValue *value);
extern JsonbContainer *json_as_array(const JsonbValue *value);

#endif							/* CUSTOMER_SCORING_JSON_MEMBERS_H */
