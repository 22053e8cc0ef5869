/* A host's clock that is wrong by CLOCK_SHIFT seconds: LD_PRELOAD for its processes.

   Only the time of day is moved. What measures spans (CLOCK_MONOTONIC: sleeps, deadlines, select) is left alone, as it is
   on a host whose clock was set wrong. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long shift(void)
{
    static long seconds;
    static int known;

    if (!known) {
        const char *said = getenv("CLOCK_SHIFT");

        seconds = said ? atol(said) : 0;
        known = 1;
    }
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int) syscall(SYS_clock_gettime, clock, now);

    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += shift();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exactly;

    (void) zone;
    clock_gettime(CLOCK_REALTIME, &exactly);
    now->tv_sec = exactly.tv_sec;
    now->tv_usec = exactly.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *kept)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (kept)
        *kept = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *now, int base)
{
    return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, now) ? base : 0;
}

/* Deadlines by the time of day were computed with the wrong one: the kernel is told the right one. */
int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until)
{
    static int (*real)(sem_t *, const struct timespec *);
    struct timespec rightly = *until;

    if (!real)
        real = (int (*)(sem_t *, const struct timespec *)) dlsym(RTLD_NEXT, "sem_timedwait");
    rightly.tv_sec -= shift();
    return real(semaphore, &rightly);
}
