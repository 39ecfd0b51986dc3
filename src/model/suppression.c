/*
 * suppression.c
 *		What keeps erased people erased: the token by which a model knows again
 *		a customer that it must not store; and what is left of a history once the
 *		customer's time of retention is over.
 */
#include "postgres.h"

#include "common/hmac.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"

#include "compat.h"
#include "history/history.h"

/* As many bytes as the hash has: more would add nothing. */
#define SUPPRESSION_KEY_BYTES	PG_SHA256_DIGEST_LENGTH

PG_FUNCTION_INFO_V1(suppression_token);
PG_FUNCTION_INFO_V1(new_suppression_key);
PG_FUNCTION_INFO_V1(history_without_negative_days);
PG_FUNCTION_INFO_V1(history_last_activity);

/*
 * suppression_token(key bytea, customer_key text): HMAC-SHA256 of the bytes of
 * customer_key. A plain hash could be looked up by trying all customer numbers
 * there are; this one takes the key as well.
 */
Datum
suppression_token(PG_FUNCTION_ARGS)
{
	bytea	   *key = PG_GETARG_BYTEA_PP(0);
	text	   *customer = PG_GETARG_TEXT_PP(1);
	bytea	   *token = (bytea *) palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	pg_hmac_ctx *hmac = pg_hmac_create(PG_SHA256);

	SET_VARSIZE(token, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	if (hmac == NULL ||
		pg_hmac_init(hmac, (uint8 *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key)) < 0 ||
		pg_hmac_update(hmac, (uint8 *) VARDATA_ANY(customer), VARSIZE_ANY_EXHDR(customer)) < 0 ||
		pg_hmac_final(hmac, (uint8 *) VARDATA(token), PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute HMAC: %s", pg_hmac_error(hmac));
	pg_hmac_free(hmac);
	PG_RETURN_BYTEA_P(token);
}

/* _new_suppression_key(): the random key of a new model */
Datum
new_suppression_key(PG_FUNCTION_ARGS)
{
	bytea	   *key = (bytea *) palloc(VARHDRSZ + SUPPRESSION_KEY_BYTES);

	(void) fcinfo;
	SET_VARSIZE(key, VARHDRSZ + SUPPRESSION_KEY_BYTES);
	if (!pg_strong_random(VARDATA(key), SUPPRESSION_KEY_BYTES))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random bytes")));
	PG_RETURN_BYTEA_P(key);
}

/*
 * without_negative_days(history, before date): the history without days before
 * that one on which less than nothing was ordered. Such a day remains when
 * orders are deleted of a customer who is no longer stored, or who is stored
 * without their old orders.
 */
Datum
history_without_negative_days(PG_FUNCTION_ARGS)
{
	OpenHistory open;
	DateADT		before = PG_GETARG_DATEADT(1);
	size_t		n;
	History    *result;

	history_open(&open, PG_GETARG_HISTORY_PP(0));
	n = history_drop_negative_days(open.days, open.n, before);
	result = n == open.n ? PG_GETARG_HISTORY_PP(0) : history_pack(open.days, n, open.decimals);
	history_close(&open);
	PG_RETURN_HISTORY_P(result);
}

/*
 * last_activity(history): the last day with an event, or where there is none,
 * with a correction; NULL for an empty history
 */
Datum
history_last_activity(PG_FUNCTION_ARGS)
{
	History    *history = PG_GETARG_HISTORY_PP(0);
	OpenHistory open;
	bool		found;
	int32		day;

	history_check(history_last_day(HISTORY_BYTES(history), HISTORY_LENGTH(history),
								   HISTORY_MAX_DAY, &found, &day));
	if (!found)
	{
		history_open(&open, history);
		found = open.n > 0;
		if (found)
			day = open.days[open.n - 1].day;
		history_close(&open);
	}
	if (!found)
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(day);
}
