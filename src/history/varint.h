/*
 * varint.h
 *		Integers of variable length, least significant seven bits first, as
 *		the packed history and the aggregate's log store them. Pure C.
 */
#ifndef VARINT_H
#define VARINT_H

#include <stddef.h>
#include <stdint.h>

#define VARINT_MAX_SIZE 10

static inline uint64_t
zigzag(int64_t value)
{
	return ((uint64_t) value << 1) ^ (uint64_t) (value >> 63);
}

static inline int64_t
unzigzag(uint64_t value)
{
	return (int64_t) (value >> 1) ^ -(int64_t) (value & 1);
}

static inline uint8_t *
put_varint(uint8_t *p, uint64_t value)
{
	while (value >= 0x80)
	{
		*p++ = (uint8_t) (value | 0x80);
		value >>= 7;
	}
	*p++ = (uint8_t) value;
	return p;
}

static inline size_t
varint_size(uint64_t value)
{
	size_t		size = 1;

	while (value >= 0x80)
	{
		value >>= 7;
		size++;
	}
	return size;
}

/*
 * Reads one, or returns NULL where the bytes end first, the value doesn't fit
 * 64 bits, or fewer bytes would have done: every value has one spelling only.
 */
static inline const uint8_t *
get_varint(const uint8_t *p, const uint8_t *end, uint64_t *value)
{
	uint64_t	result;
	int			shift;

	if (p >= end)
		return NULL;
	result = *p++;
	if (result < 0x80)
	{
		*value = result;
		return p;
	}
	result &= 0x7f;
	for (shift = 7; p < end; shift += 7)
	{
		uint64_t	byte = *p++;

		if (shift == 63 && byte > 1)
			return NULL;
		result |= (byte & 0x7f) << shift;
		if (byte < 0x80)
		{
			if (byte == 0)
				return NULL;
			*value = result;
			return p;
		}
		if (shift == 63)
			return NULL;
	}
	return NULL;
}

#endif							/* VARINT_H */
