/*
 * ab_group.c
 *		Who is in which group of a test: by a hash of key and salt, and by
 *		nothing else, so that the answer is the same on every machine, in every
 *		version, for ever.
 */
#include "postgres.h"

#include "common/md5.h"
#include "common/string.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "compat.h"
#include "statistics.h"

PG_FUNCTION_INFO_V1(ab_group);

/* The text in UTF-8, whatever the database's encoding: a database that moves keeps its groups. */
static char *
utf8_text(text *value)
{
	char	   *characters = text_to_cstring(value);

	/* MULE_INTERNAL has no way to UTF-8. */
	if (pg_is_ascii(characters))
		return characters;
	return pg_server_to_any(characters, (int) strlen(characters), PG_UTF8);
}

/* (key, salt, shares): the first 52 bits of md5(salt || ':' || key), as a share of 1 */
Datum
ab_group(PG_FUNCTION_ARGS)
{
	int			count;
	const double *shares = check_shares(PG_GETARG_ARRAYTYPE_P(2), &count);
	char	   *hashed = psprintf("%s:%s", utf8_text(PG_GETARG_TEXT_PP(1)),
								  utf8_text(PG_GETARG_TEXT_PP(0)));
	const char *why = NULL;
	uint8		md5[MD5_DIGEST_LENGTH];
	uint64		bits = 0;
	double		share;
	double		below = 0.0;
	int			group = 1;

	if (!pg_md5_binary(hashed, strlen(hashed), md5, &why))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("could not compute %s hash: %s", "MD5", why)));
	for (int i = 0; i < 7; i++)
		bits = bits << 8 | md5[i];
	share = (double) (bits >> 4) * 0x1p-52;

	/* The last group takes what rounding leaves. */
	for (; group < count; group++)
	{
		below += shares[group - 1];
		if (share < below)
			break;
	}
	PG_RETURN_INT32(group);
}
