/*
 * host.h
 *		What C without server headers needs of its caller: memory, and a look
 *		at interrupts. Tests bring their own; the server's is in memory.h.
 */
#ifndef CUSTOMER_SCORING_HOST_H
#define CUSTOMER_SCORING_HOST_H

#include <stddef.h>

typedef struct Host
{
	void	   *(*resize) (void *memory, size_t size);	/* NULL is new memory; never returns NULL */
	void		(*release) (void *memory);
	void		(*check) (void);	/* now and then; may not return */
} Host;

static inline void *
host_allocate(const Host *host, size_t size)
{
	return host->resize(NULL, size);
}

#endif							/* CUSTOMER_SCORING_HOST_H */
