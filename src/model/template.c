/*
 * template.c
 *		SQL text with values in the place of their names.
 *
 * The views and functions of a model are templates of up to some hundred names.
 * They are filled whenever a model is made or changed, dozens of them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(fill);

/* The length of the name between braces that begins at p, or 0 where there is none. */
static int
name_length(const char *p, const char *end)
{
	const char *q = p;

	while (q < end && ((*q >= 'a' && *q <= 'z') || *q == '_'))
		q++;
	return q < end && *q == '}' ? (int) (q - p) : 0;
}

/* At most 100 characters of a name, for a message */
static char *
shown(const char *name, int length)
{
	return pnstrdup(name, pg_mbcharcliplen(name, length, 100));
}

/*
 * fill(template, VARIADIC pairs): each {name} of the template becomes the value
 * that follows the name in pairs. A value is not looked into. Every name must
 * have a value, and every value be asked for. Braces around anything but a name
 * stay as they are.
 */
Datum
fill(PG_FUNCTION_ARGS)
{
	text	   *template;
	const char *p;
	const char *end;
	Datum	   *pairs = NULL;
	bool	   *nulls = NULL;
	bool	   *used;
	int			n = 0;
	StringInfoData result;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the template must not be null")));
	template = PG_GETARG_TEXT_PP(0);
	if (!PG_ARGISNULL(1))
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT,
						  &pairs, &nulls, &n);
	if (n % 2 != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a template is filled with pairs of a name and a value")));
	used = palloc0(sizeof(bool) * (n / 2 + 1));

	initStringInfo(&result);
	p = VARDATA_ANY(template);
	end = p + VARSIZE_ANY_EXHDR(template);
	while (p < end)
	{
		const char *brace = memchr(p, '{', end - p);
		int			length;
		int			i;

		CHECK_FOR_INTERRUPTS();
		if (brace == NULL)
		{
			appendBinaryStringInfo(&result, p, end - p);
			break;
		}
		appendBinaryStringInfo(&result, p, brace - p);
		p = brace + 1;
		length = name_length(p, end);
		if (length == 0)
		{
			appendStringInfoChar(&result, '{');
			continue;
		}
		for (i = 0; i < n; i += 2)
		{
			if (!nulls[i] && VARSIZE_ANY_EXHDR(DatumGetPointer(pairs[i])) == (Size) length &&
				memcmp(VARDATA_ANY(DatumGetPointer(pairs[i])), p, length) == 0)
				break;
		}
		if (i >= n || nulls[i + 1])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the template asks for {%s}, which has no value",
							shown(p, length))));
		used[i / 2] = true;
		appendBinaryStringInfo(&result, VARDATA_ANY(DatumGetPointer(pairs[i + 1])),
							   VARSIZE_ANY_EXHDR(DatumGetPointer(pairs[i + 1])));
		p += length + 1;
	}

	for (int i = 0; i < n; i += 2)
	{
		if (!used[i / 2])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the template does not ask for {%s}",
							nulls[i] ? "" :
							shown(VARDATA_ANY(DatumGetPointer(pairs[i])),
								  VARSIZE_ANY_EXHDR(DatumGetPointer(pairs[i]))))));
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(result.data, result.len));
}
