/*
 * test_host.h
 *		The host of the tests: its new memory holds nothing to rely on.
 */
#ifndef TEST_HOST_H
#define TEST_HOST_H

#include <stdlib.h>
#include <string.h>

#include "host.h"

static int	host_checks;

static void *
host_resize(void *memory, size_t size)
{
	void	   *result = realloc(memory, size);

	if (result == NULL)
		abort();
	if (memory == NULL)
		memset(result, 0xff, size);
	return result;
}

static void
host_check(void)
{
	host_checks++;
}

static const Host host = {host_resize, free, host_check};

#endif							/* TEST_HOST_H */
