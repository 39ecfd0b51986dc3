/*
 * memory.h
 *		Memory of the server: for growing arrays, and for pure C.
 */
#ifndef CUSTOMER_SCORING_MEMORY_H
#define CUSTOMER_SCORING_MEMORY_H

#include "host.h"

/* As large as a machine has it, the first time in the current memory context */
extern void *resize_memory(void *memory, size_t size);

extern const Host server_host;

/*
 * Room for one more than n elements: "first" of them where there is no array
 * yet, and then twice as many as before.
 */
#define ARRAY_ROOM(array, n, room, first) \
	do { \
		if ((n) >= (room)) \
		{ \
			(room) = Max((room) * 2, (first)); \
			(array) = resize_memory((array), (size_t) (room) * sizeof(*(array))); \
		} \
	} while (0)

#endif							/* CUSTOMER_SCORING_MEMORY_H */
