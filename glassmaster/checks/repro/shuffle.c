/*
 * A library to be preloaded: directories are listed in another order. Their entries are all read at once and handed out
 * in the order of a hash of their names, which no file system uses.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	DIR *dir;
	struct dirent **entries;
	size_t count, next;
	int error; /* errno after the last entry */
	struct listing *after;
};

static struct listing *listings;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t
hash(const char *name)
{
	uint64_t value = 14695981039346656037u;

	while (*name != '\0')
		value = (value ^ (unsigned char)*name++) * 1099511628211u;
	return value * 0x9e3779b97f4a7c15u;
}

static int
by_hash(const void *one, const void *other)
{
	const struct dirent *a = *(struct dirent *const *)one, *b = *(struct dirent *const *)other;
	uint64_t x = hash(a->d_name), y = hash(b->d_name);

	return x != y ? (x < y ? -1 : 1) : strcmp(a->d_name, b->d_name);
}

static struct listing *
read_all(DIR *dir)
{
	struct dirent *(*next)(DIR *) = (struct dirent *(*)(DIR *))dlsym(RTLD_NEXT, "readdir");
	struct listing *listing = calloc(1, sizeof(*listing));
	struct dirent *entry, *copy, **grown;

	if (listing == NULL)
		abort();
	listing->dir = dir;
	for (errno = 0; (entry = next(dir)) != NULL; errno = 0) {
		grown = realloc(listing->entries, (listing->count + 1) * sizeof(*grown));
		copy = malloc(entry->d_reclen);
		if (grown == NULL || copy == NULL)
			abort();
		memcpy(copy, entry, entry->d_reclen);
		listing->entries = grown;
		listing->entries[listing->count++] = copy;
	}
	listing->error = errno;
	if (listing->count > 0)
		qsort(listing->entries, listing->count, sizeof(*listing->entries), by_hash);
	return listing;
}

static struct listing **
find(DIR *dir)
{
	struct listing **at = &listings;

	while (*at != NULL && (*at)->dir != dir)
		at = &(*at)->after;
	return at;
}

static void
forget(DIR *dir)
{
	struct listing **at, *listing;
	size_t i;

	pthread_mutex_lock(&lock);
	at = find(dir);
	listing = *at;
	if (listing != NULL) {
		*at = listing->after;
		for (i = 0; i < listing->count; i++)
			free(listing->entries[i]);
		free(listing->entries);
		free(listing);
	}
	pthread_mutex_unlock(&lock);
}

struct dirent *
readdir(DIR *dir)
{
	struct listing *listing;
	struct dirent *entry = NULL;
	int before = errno;

	pthread_mutex_lock(&lock);
	listing = *find(dir);
	if (listing == NULL) {
		listing = read_all(dir);
		listing->after = listings;
		listings = listing;
	}
	errno = before;
	if (listing->next < listing->count)
		entry = listing->entries[listing->next++];
	else if (listing->error != 0)
		errno = listing->error;
	pthread_mutex_unlock(&lock);
	return entry;
}

/* The same structure where pointers have 64 bits. */
struct dirent64 *
readdir64(DIR *dir)
{
	return (struct dirent64 *)readdir(dir);
}

int
closedir(DIR *dir)
{
	int (*next)(DIR *) = (int (*)(DIR *))dlsym(RTLD_NEXT, "closedir");

	forget(dir);
	return next(dir);
}

void
rewinddir(DIR *dir)
{
	void (*next)(DIR *) = (void (*)(DIR *))dlsym(RTLD_NEXT, "rewinddir");

	forget(dir);
	next(dir);
}

/* Positions are numbers of entries; nobody asks for one before anything was read but to stay at the beginning. */
long
telldir(DIR *dir)
{
	struct listing *listing;
	long at;

	pthread_mutex_lock(&lock);
	listing = *find(dir);
	at = listing == NULL ? 0 : (long)listing->next;
	pthread_mutex_unlock(&lock);
	return at;
}

void
seekdir(DIR *dir, long at)
{
	struct listing *listing;

	pthread_mutex_lock(&lock);
	listing = *find(dir);
	if (listing != NULL)
		listing->next = (size_t)at;
	pthread_mutex_unlock(&lock);
}
