/* An SMTP server that accepts mail as fast as it can, stores none, and counts the copies per recipient.
 *
 * The target of `make bench`: one thread, epoll, loopback only. It enforces the command order of RFC 5321, PIPELINING
 * (RFC 2920) and CHUNKING (RFC 3030), which exposes clients that get out of step. A distant server is simulated by
 * delaying each reply, per connection. A single file, so that one compiler call builds it.
 *
 * Prints "listening PORT" first, and "messages N recipients N duplicates N ..." on SIGUSR1, on SIGUSR2 (and then
 * resets) and on SIGTERM, when it exits; "first" and "last" are the Unix times of the first and last message. With
 * --stamp PREFIX it prints "at TIME RECIPIENT" for every message to a recipient with that prefix.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { INPUT = 256 * 1024, OUTPUT = 64 * 1024, NAMES = 8 * 1024, EVENTS = 256 };
enum mode { COMMAND, CONTENT, CHUNK, OVER };

typedef struct {
    int fd, mail, open;
    int begun;           /* whether some content was used up */
    uint64_t mails;      /* taken in this session */
    enum mode mode;
    size_t have;         /* octets in `in` */
    uint64_t chunk;      /* octets of the chunk still to come */
    int chunk_last, chunk_bad;
    size_t names, count; /* recipients of this transaction: NUL-ended names, how many */
    unsigned held;       /* replies on their way */
    size_t out_len;
    char recipients[NAMES], out[OUTPUT], in[INPUT];
} client;

typedef struct held { struct held *next; client *to; uint64_t due; size_t len; char text[]; } held;
typedef struct { char *name; uint64_t hash; unsigned copies; } entry;

static int pipelining = 1, chunking = 0, poll_fd, timer_fd;
static uint64_t delay_ns, refuse_every, bounce_every, session_limit;
static uint64_t messages, copies, refused, bounced, octets, sessions, intruding, asked, first_ns, last_ns;
static held *first_held, *last_held;
static entry *table;
static size_t slots = 1 << 16, recipients;
static const char *dump_path, *stamp = "";
static size_t stamp_len;

static void die(const char *what) { perror(what); exit(1); }

static uint64_t clock_ns(clockid_t which) {
    struct timespec t;
    clock_gettime(which, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Recipients and their copies */

static entry *slot_of(entry *in, size_t size, const char *name, uint64_t hash) {
    size_t at = hash & (size - 1);
    while (in[at].name && (in[at].hash != hash || strcmp(in[at].name, name))) at = (at + 1) & (size - 1);
    return &in[at];
}

static void grow(void) {
    entry *wider = calloc(slots * 2, sizeof *wider);
    if (!wider) die("calloc");
    for (size_t i = 0; i < slots; i++)
        if (table[i].name) *slot_of(wider, slots * 2, table[i].name, table[i].hash) = table[i];
    free(table);
    table = wider;
    slots *= 2;
}

static void count_copy(const char *name) {
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (const char *c = name; *c; c++) hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    entry *e = slot_of(table, slots, name, hash ^= hash >> 32);
    if (!e->name) {
        if (!(e->name = strdup(name))) die("strdup");
        e->hash = hash;
        recipients++;
    }
    e->copies++;
    copies++;
    if (stamp_len && !strncmp(name, stamp, stamp_len)) {
        printf("at %.6f %s\n", (double)last_ns / 1e9, name);
        fflush(stdout);
    }
    if (recipients * 2 > slots) grow();
}

static void report(void) {
    printf("messages %lu recipients %zu duplicates %lu refused %lu bounced %lu octets %lu sessions %lu intruding %lu first %.6f last %.6f\n",
           messages, recipients, copies - recipients, refused, bounced, octets, sessions, intruding, (double)first_ns / 1e9, (double)last_ns / 1e9);
    fflush(stdout);
}

static void forget(void) {
    for (size_t i = 0; i < slots; i++) free(table[i].name);
    memset(table, 0, slots * sizeof *table);
    recipients = 0;
    messages = copies = refused = bounced = octets = sessions = intruding = first_ns = last_ns = 0;
}

static void dump(void) {
    FILE *file = dump_path ? fopen(dump_path, "w") : NULL;
    if (dump_path && !file) die(dump_path);
    for (size_t i = 0; file && i < slots; i++)
        if (table[i].name) fprintf(file, "%u %s\n", table[i].copies, table[i].name);
    if (file) fclose(file);
}

/* Replies: gathered while input is worked through, then written or held back in one piece */

static void reply(client *c, const char *text) {
    size_t len = strlen(text);
    if (c->out_len + len > OUTPUT) { c->open = 0; return; }
    memcpy(c->out + c->out_len, text, len);
    c->out_len += len;
}

static void put(client *c, const char *text, size_t len) {
    /* A client that does not read its replies is not worth waiting for. */
    if (c->open && send(c->fd, text, len, MSG_NOSIGNAL) != (ssize_t)len) c->open = 0;
}

static void set_timer(uint64_t due) {
    struct itimerspec at = {.it_value = {(time_t)(due / 1000000000u), (long)(due % 1000000000u)}};
    if (timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &at, NULL) < 0) die("timerfd_settime");
}

static void flush(client *c) {
    if (!c->out_len) return;
    if (!delay_ns) {
        put(c, c->out, c->out_len);
    } else {
        held *h = malloc(sizeof *h + c->out_len);
        if (!h) die("malloc");
        *h = (held){.to = c, .due = clock_ns(CLOCK_MONOTONIC) + delay_ns, .len = c->out_len};
        memcpy(h->text, c->out, c->out_len);
        if (last_held) last_held->next = h;
        else { first_held = h; set_timer(h->due); }
        last_held = h;
        c->held++;
    }
    c->out_len = 0;
}

static void leave(client *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    c->open = 0;
    if (!c->held) free(c);
}

static void release(void) {
    uint64_t ticks, now = clock_ns(CLOCK_MONOTONIC);
    if (read(timer_fd, &ticks, sizeof ticks) < 0 && errno != EAGAIN) die("timer");
    while (first_held && first_held->due <= now) {
        held *h = first_held;
        if (!(first_held = h->next)) last_held = NULL;
        h->to->held--;
        put(h->to, h->text, h->len);
        if (!h->to->open) leave(h->to);
        free(h);
    }
    if (first_held) set_timer(first_held->due);
}

/* The dialogue */

static void reset(client *c) { c->mail = 0; c->names = c->count = 0; }

static void take(client *c) {
    if (refuse_every && ++asked % refuse_every == 0) {
        refused++;
        reply(c, "451 4.3.0 Try again later\r\n");
    } else {
        messages++;
        last_ns = clock_ns(CLOCK_REALTIME);
        if (!first_ns) first_ns = last_ns;
        for (char *name = c->recipients; name < c->recipients + c->names; name += strlen(name) + 1) count_copy(name);
        reply(c, "250 2.0.0 Ok: taken\r\n");
    }
    reset(c);
}

static void ehlo(client *c) {
    reset(c);
    reply(c, "250-sink.example\r\n");
    if (pipelining) reply(c, "250-PIPELINING\r\n");
    if (chunking) reply(c, "250-CHUNKING\r\n");
    reply(c, "250-SIZE 0\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n");
}

static void rcpt(client *c, const char *line, size_t len) {
    const char *from = memchr(line, '<', len), *to = memrchr(line, '>', len);
    size_t size = from && to > from ? (size_t)(to - from - 1) : 0;
    static uint64_t seen;
    if (!c->mail) reply(c, "503 5.5.1 MAIL first\r\n");
    else if (!size) reply(c, "501 5.1.3 Bad recipient\r\n");
    else if (c->names + size + 1 > NAMES) reply(c, "452 4.5.3 Too many recipients\r\n");
    else if (bounce_every && ++seen % bounce_every == 0) { bounced++; reply(c, "550 5.1.1 No such user\r\n"); }
    else {
        memcpy(c->recipients + c->names, from + 1, size);
        c->recipients[c->names + size] = 0;
        c->names += size + 1;
        c->count++;
        reply(c, "250 2.1.5 Ok\r\n");
    }
}

static void bdat(client *c, const char *line, size_t len) {
    char number[32] = "", *end;
    memcpy(number, line + 5, len - 5 < 31 ? len - 5 : 31);
    c->chunk = strtoull(number, &end, 10);
    c->chunk_last = strcasestr(end, "LAST") != NULL;
    c->chunk_bad = !chunking || !c->mail || !c->count;
    c->mode = CHUNK;
}

static void command(client *c, const char *line, size_t len) {
    if (len >= 4 && !strncasecmp(line, "MAIL", 4)) {
        if (c->mail) reply(c, "503 5.5.1 Nested MAIL\r\n");
        else if (session_limit && c->mails++ >= session_limit) {
            c->mode = OVER; /* what comes behind it is read and thrown away, or the reply might be lost */
            reply(c, "421 4.7.0 Too many messages in this connection\r\n");
        } else { c->mail = 1; reply(c, "250 2.1.0 Ok\r\n"); }
    } else if (len >= 4 && !strncasecmp(line, "RCPT", 4)) rcpt(c, line, len);
    else if (len == 4 && !strncasecmp(line, "DATA", 4)) {
        if (!c->count) reply(c, "503 5.5.1 No valid recipients\r\n");
        else { c->mode = CONTENT; c->begun = 0; reply(c, "354 Go on\r\n"); }
    } else if (len > 5 && !strncasecmp(line, "BDAT ", 5)) bdat(c, line, len);
    else if (len >= 4 && !strncasecmp(line, "RSET", 4)) { reset(c); reply(c, "250 2.0.0 Ok\r\n"); }
    else if (len >= 4 && !strncasecmp(line, "EHLO", 4)) ehlo(c);
    else if (len >= 4 && !strncasecmp(line, "HELO", 4)) { reset(c); reply(c, "250 sink.example\r\n"); }
    else if (len >= 4 && !strncasecmp(line, "NOOP", 4)) reply(c, "250 2.0.0 Ok\r\n");
    else if (len >= 4 && !strncasecmp(line, "QUIT", 4)) reply(c, "221 2.0.0 Bye\r\n");
    else reply(c, "500 5.5.2 What?\r\n");
}

/* Return the first "\n." in the text, NULL if there is none. */
static const char *dotted_line(const char *at, const char *end) {
#ifdef __SSE2__
    const __m128i line = _mm_set1_epi8('\n'), dot = _mm_set1_epi8('.');
    for (; at + 17 <= end; at += 16) {
        __m128i here = _mm_loadu_si128((const __m128i *)at), next = _mm_loadu_si128((const __m128i *)(at + 1));
        int found = _mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(here, line), _mm_cmpeq_epi8(next, dot)));
        if (found) return at + __builtin_ctz((unsigned)found);
    }
#endif
    for (; at + 1 < end; at++)
        if (at[0] == '\n' && at[1] == '.') return at;
    return NULL;
}

/* Work through content; return the octets used up. What might be the beginning of the end is left for next time. */
static size_t content(client *c, const char *at, const char *end) {
    const char *from = at;
    static const char last[] = "\r\n.\r\n";
    if (!c->begun && end - at >= 3 && !memcmp(at, ".\r\n", 3)) { /* an empty message */
        c->mode = COMMAND;
        take(c);
        return 3;
    }
    for (const char *dot = from; (dot = dotted_line(dot, end)); dot++) {
        if (dot > from && end - dot >= 4 && !memcmp(dot - 1, last, 5)) {
            octets += (uint64_t)(dot + 1 - from);
            c->mode = COMMAND;
            take(c);
            return (size_t)(dot + 4 - from);
        }
    }
    size_t used = (size_t)(end - from) > 4 ? (size_t)(end - from) - 4 : 0;
    octets += used;
    c->begun |= used > 0;
    return used;
}

static size_t chunk(client *c, size_t there) {
    size_t used = there < c->chunk ? there : (size_t)c->chunk;
    c->chunk -= used;
    octets += used;
    if (!c->chunk) {
        c->mode = COMMAND;
        if (c->chunk_bad) reply(c, "503 5.5.1 No transaction\r\n");
        else if (c->chunk_last) take(c);
        else reply(c, "250 2.0.0 Ok\r\n");
    }
    return used;
}

static void work(client *c) {
    char *at = c->in, *end = c->in + c->have;
    while (c->open && at < end) {
        if (c->mode == OVER) {
            at = end;
        } else if (c->mode == CONTENT) {
            size_t used = content(c, at, end);
            at += used;
            if (c->mode == CONTENT) break;
        } else if (c->mode == CHUNK) {
            at += chunk(c, (size_t)(end - at));
        } else {
            char *line = memchr(at, '\n', (size_t)(end - at));
            if (!line) break;
            size_t len = (size_t)(line - at);
            command(c, at, len && at[len - 1] == '\r' ? len - 1 : len);
            at = line + 1;
            if (c->mode == CHUNK && !c->chunk) chunk(c, 0);
            /* More than it may: a client that pipelines without being asked to. */
            intruding += !pipelining && at < end && c->mode == COMMAND;
        }
    }
    c->have = (size_t)(end - at);
    if (c->have == INPUT) c->open = 0;
    if (c->have && at != c->in) memmove(c->in, at, c->have);
}

static void serve(client *c) {
    ssize_t got = recv(c->fd, c->in + c->have, INPUT - c->have, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) { leave(c); return; }
    c->have += (size_t)got;
    work(c);
    flush(c);
    if (!c->open) leave(c);
    else if (c->mode == OVER && !c->held) shutdown(c->fd, SHUT_WR);
}

static void welcome(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        client *c = malloc(sizeof *c);
        if (!c) die("malloc");
        memset(c, 0, offsetof(client, recipients));
        c->fd = fd;
        c->open = 1;
        sessions++;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
        reply(c, "220 sink.example ESMTP\r\n");
        flush(c);
    }
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 512) < 0) die("listen");
    getsockname(fd, (struct sockaddr *)&at, &len);
    printf("listening %d\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static int options(int argc, char **argv) {
    static const struct option known[] = {
        {"port", 1, 0, 'p'}, {"no-pipelining", 0, 0, 'n'}, {"chunking", 0, 0, 'c'}, {"delay-ms", 1, 0, 'd'},
        {"dump", 1, 0, 'f'}, {"refuse-every", 1, 0, 'r'}, {"bounce-every", 1, 0, 'b'}, {"stamp", 1, 0, 's'},
        {"session-limit", 1, 0, 'l'}, {0, 0, 0, 0}};
    int option, port = 0;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) switch (option) {
        case 'p': port = atoi(optarg); break;
        case 'n': pipelining = 0; break;
        case 'c': chunking = 1; break;
        case 'd': delay_ns = (uint64_t)(atof(optarg) * 1e6); break;
        case 'f': dump_path = optarg; break;
        case 'r': refuse_every = strtoull(optarg, NULL, 10); break;
        case 's': stamp = optarg; stamp_len = strlen(stamp); break;
        case 'l': session_limit = strtoull(optarg, NULL, 10); break;
        case 'b': bounce_every = strtoull(optarg, NULL, 10); break;
        default:
            fprintf(stderr, "usage: sink [--port N] [--no-pipelining] [--chunking] [--delay-ms RTT] [--dump FILE] [--stamp PREFIX]\n"
                            "            [--refuse-every K: 451 to every Kth message] [--bounce-every K: 550 to every Kth RCPT]\n"
                            "            [--session-limit N: 421 after so many messages of a session]\n");
            exit(2);
    }
    return port;
}

static int signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static void on_signal(int fd) {
    struct signalfd_siginfo what;
    if (read(fd, &what, sizeof what) != sizeof what) return;
    report();
    if (what.ssi_signo == SIGUSR2) forget();
    if (what.ssi_signo == SIGUSR1 || what.ssi_signo == SIGUSR2) return;
    dump();
    exit(0);
}

int main(int argc, char **argv) {
    int port = options(argc, argv);
    table = calloc(slots, sizeof *table);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    int signal_fd = signals(), listener = listen_on(port);
    int *const inner[] = {&listener, &signal_fd, &timer_fd};
    for (int i = 0; i < 3; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = inner[i]};
        if (!table || epoll_ctl(poll_fd, EPOLL_CTL_ADD, *inner[i], &event) < 0) die("start");
    }
    for (;;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(poll_fd, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == &listener) welcome(listener);
            else if (events[i].data.ptr == &signal_fd) on_signal(signal_fd);
            else if (events[i].data.ptr == &timer_fd) release();
            else serve(events[i].data.ptr);
        }
    }
}
