/*
 * number_text.c
 *		Doubles as text, in documents and in messages.
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"

#include "compat.h"
#include "number_text.h"

void
append_number(StringInfo out, double value)
{
	if (!isfinite(value))
	{
		appendStringInfoString(out, "null");
		return;
	}
	enlargeStringInfo(out, DOUBLE_SHORTEST_DECIMAL_LEN);
	out->len += double_to_shortest_decimal_bufn(value, out->data + out->len);
	out->data[out->len] = '\0';
}

void
append_member(StringInfo out, const char *key, double value)
{
	appendStringInfo(out, ", \"%s\": ", key);
	append_number(out, value);
}

const char *
number_text(double value)
{
	if (isnan(value))
		return "NaN";
	if (isinf(value))
		return value > 0 ? "Infinity" : "-Infinity";
	return psprintf("%.15g", value);
}
