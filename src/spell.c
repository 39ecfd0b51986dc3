/*
 * spell.c
 *		Texts of ours in the encoding of the database. The installation script is plain
 *		ASCII, for the server reads it in every encoding; other characters stand in it as
 *		references of HTML (&#233;), which are resolved here. What an encoding lacks is
 *		written with the nearest ASCII characters: a letter without its accent.
 */
#include "postgres.h"

#include "catalog/pg_conversion.h"
#include "catalog/pg_namespace.h"
#include "common/unicode_norm.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(spell);

/* What does not fall apart into an ASCII letter and accents. */
static const struct
{
	pg_wchar	character;
	const char *ascii;
}			nearest[] =
{
	{0x00ab, "\""}, {0x00bb, "\""}, {0x00c6, "AE"}, {0x00d7, "x"}, {0x00d8, "O"}, {0x00df, "ss"},
	{0x00e6, "ae"}, {0x00f8, "o"}, {0x0152, "OE"}, {0x0153, "oe"}, {0x2010, "-"}, {0x2013, "-"},
	{0x2014, "-"}, {0x2018, "'"}, {0x2019, "'"}, {0x201c, "\""}, {0x201d, "\""}, {0x2044, "/"},
	{0x20ac, "EUR"}, {0x2192, "->"}, {0x2212, "-"}, {0x2264, "<="}, {0x2265, ">="}
};

/* A character in the nearest ASCII, without its accents; ? if nothing is near */
static void
append_nearest(StringInfo out, pg_wchar character)
{
	pg_wchar	alone[2] = {character, 0};
	int			before = out->len;

	for (pg_wchar *piece = unicode_normalize(UNICODE_NFKD, alone); *piece; piece++)
	{
		if (*piece < 0x80)
			appendStringInfoChar(out, (char) *piece);
		for (size_t i = 0; i < lengthof(nearest); i++)
			if (nearest[i].character == *piece)
				appendStringInfoString(out, nearest[i].ascii);
	}
	if (out->len == before)
		appendStringInfoChar(out, '?');
}

/* A character as the encoding of the database has it, or nearly */
static void
append_character(StringInfo out, pg_wchar character)
{
	int			encoding = GetDatabaseEncoding();
	unsigned char utf8[MAX_MULTIBYTE_CHAR_LEN + 1] = "";
	unsigned char converted[MAX_CONVERSION_GROWTH * (MAX_MULTIBYTE_CHAR_LEN + 2)];
	int			length;
	Oid			conversion;

	unicode_to_utf8(character, utf8);
	length = pg_utf_mblen(utf8);

	/* What is in SQL_ASCII nobody knows; clients mostly have UTF-8. */
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
	{
		appendBinaryStringInfo(out, (char *) utf8, length);
		return;
	}

	/* Core's own conversion, whatever the search_path has; MULE_INTERNAL has none. */
	conversion = FindDefaultConversion(PG_CATALOG_NAMESPACE, PG_UTF8, encoding);
	if (OidIsValid(conversion) &&
		pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding, utf8, length,
									  converted, sizeof(converted), true) == length)
		appendStringInfoString(out, (char *) converted);
	else
		append_nearest(out, character);
}

/*
 * The character that a reference at this place stands for, and where it ends;
 * 0 if there is none. None stands for ASCII or a control character.
 */
static pg_wchar
reference(const char *at, const char *end, const char **after)
{
	pg_wchar	character = 0;

	if (end - at < 2 || at[0] != '&' || at[1] != '#')
		return 0;
	for (at += 2; at < end && *at >= '0' && *at <= '9' && character <= 0x10ffff; at++)
		character = character * 10 + (*at - '0');
	if (at >= end || *at != ';' || character < 0xa0 || !is_valid_unicode_codepoint(character) ||
		is_utf16_surrogate_first(character) || is_utf16_surrogate_second(character))
		return 0;
	*after = at + 1;
	return character;
}

/* spell(words): with the characters that its references stand for */
Datum
spell(PG_FUNCTION_ARGS)
{
	text	   *words = PG_GETARG_TEXT_PP(0);
	const char *at = VARDATA_ANY(words);
	const char *end = at + VARSIZE_ANY_EXHDR(words);
	StringInfoData out;

	initStringInfo(&out);
	while (at < end)
	{
		/* In no encoding of a server is an ASCII byte part of another character. */
		const char *after = at + 1;
		pg_wchar	character = reference(at, end, &after);

		if (character != 0)
			append_character(&out, character);
		else
			appendStringInfoCharMacro(&out, *at);
		at = after;
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
