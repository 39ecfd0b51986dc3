/*
 * random.h
 *		Numbers that look random and follow from a seed alone, the same on every
 *		machine: xoshiro256** of Blackman and Vigna (2018), filled by splitmix64,
 *		both in the public domain. Pure C, no server headers.
 */
#ifndef CUSTOMER_SCORING_RANDOM_H
#define CUSTOMER_SCORING_RANDOM_H

#include <stdint.h>

typedef struct Random
{
	uint64_t	s[4];
} Random;

static inline uint64_t
splitmix64(uint64_t *state)
{
	uint64_t	z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Every pair of a seed and a stream has numbers of its own. */
static inline void
random_seed(Random *random, int32_t seed, int32_t stream)
{
	uint64_t	state = ((uint64_t) (uint32_t) seed << 32) | (uint32_t) stream;

	for (int i = 0; i < 4; i++)
		random->s[i] = splitmix64(&state);
}

static inline uint64_t
random_rotate(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static inline uint64_t
random_next(Random *random)
{
	uint64_t   *s = random->s;
	const uint64_t result = random_rotate(s[1] * 5, 7) * 9;
	const uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = random_rotate(s[3], 45);
	return result;
}

/* Uniform on 0 .. n - 1, by the high half of a product; without bias */
static inline uint64_t
random_below(Random *random, uint64_t n)
{
	unsigned __int128 product = (unsigned __int128) random_next(random) * n;

	if ((uint64_t) product < n)
	{
		const uint64_t threshold = (0 - n) % n;

		while ((uint64_t) product < threshold)
			product = (unsigned __int128) random_next(random) * n;
	}
	return (uint64_t) (product >> 64);
}

/* Uniform on 0 .. 1, without 1 */
static inline double
random_double(Random *random)
{
	return (double) (random_next(random) >> 11) * 0x1p-53;
}

#endif							/* CUSTOMER_SCORING_RANDOM_H */
