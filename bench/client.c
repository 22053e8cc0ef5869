/* An SMTP client that sends the same mail repeatedly over several sessions, waiting for each reply.
 *
 * A substitute for Postfix's smtp-source: the same dialogue (RFC 5321, no pipelining) and sessions, each mail to another
 * recipient. Refused recipients are skipped. With EACH, a session ends after so many mails and a new one is opened,
 * which is optimal if the server's limit is known.
 *
 * Usage: client PORT SESSIONS MESSAGES OCTETS [EACH]. Exit code 0 if all were answered.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum step { BANNER, EHLO, MAIL, RCPT, DATA, CONTENT, RSET, QUIT };
typedef struct { int fd; enum step step; long number, given; size_t have; char line[1024]; } session;

static long messages, begun, answers, each;
static char *content;
static size_t content_len;

static void die(const char *what) { perror(what); exit(1); }

static void say(session *s, enum step step, const char *text, size_t len) {
    s->step = step;
    while (len) { /* blocking sockets: a server that accepts mail always reads */
        ssize_t sent = send(s->fd, text, len, MSG_NOSIGNAL);
        if (sent < 0) die("send");
        text += sent;
        len -= (size_t)sent;
    }
}

static void command(session *s, enum step step, const char *text) { say(s, step, text, strlen(text)); }

static void next_mail(session *s) {
    if (begun < messages && (!each || s->given < each)) { s->number = ++begun; s->given++; command(s, MAIL, "MAIL FROM:<sender@example.org>\r\n"); }
    else command(s, QUIT, "QUIT\r\n");
}

/* Go on after a reply's last line. Return whether the session goes on. */
static int answered(session *s) {
    static const char wanted[] = {'2', '2', '2', '2', '3', '2', '2', '2'};
    char text[64];
    if (s->step == RCPT && s->line[0] == '5') { answers++; command(s, RSET, "RSET\r\n"); return 1; }
    if (s->line[0] != wanted[s->step]) { fprintf(stderr, "refused: %s\n", s->line); exit(1); }
    switch (s->step) {
        case BANNER: command(s, EHLO, "EHLO client.example\r\n"); break;
        case CONTENT: answers++; /* fall through */
        case RSET:
        case EHLO: next_mail(s); break;
        case MAIL:
            snprintf(text, sizeof text, "RCPT TO:<%ldreader@example.org>\r\n", s->number);
            command(s, RCPT, text);
            break;
        case RCPT: command(s, DATA, "DATA\r\n"); break;
        case DATA: say(s, CONTENT, content, content_len); break;
        case QUIT: return 0;
    }
    return 1;
}

static int readable(session *s) {
    ssize_t got = recv(s->fd, s->line + s->have, sizeof s->line - 1 - s->have, 0);
    char *end;
    if (got <= 0) die("recv");
    s->have += (size_t)got;
    s->line[s->have] = 0;
    while ((end = strchr(s->line, '\n'))) {
        int last = end - s->line >= 4 && s->line[3] != '-', on = !last || answered(s);
        s->have -= (size_t)(end + 1 - s->line);
        memmove(s->line, end + 1, s->have + 1);
        if (!on) return 0;
    }
    return 1;
}

static void fill(size_t octets) {
    static const char head[] = "From: <sender@example.org>\r\nTo: <reader@example.org>\r\nSubject: A mail\r\n\r\n";
    content_len = octets + 5;
    if (octets < sizeof head || !(content = malloc(content_len))) die("octets");
    for (size_t i = 0; i < octets; i++) content[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' : 'x';
    memcpy(content, head, sizeof head - 1);
    memcpy(content + octets, "\r\n.\r\n", 5);
}

static int connected(int port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) < 0) die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void begin(session *s, int port, int poll_fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    if (!s) die("calloc");
    memset(s, 0, sizeof *s);
    s->fd = connected(port);
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, s->fd, &event) < 0) die("epoll_ctl");
}

int main(int argc, char **argv) {
    if (argc < 5) { fprintf(stderr, "usage: client PORT SESSIONS MESSAGES OCTETS [EACH]\n"); return 2; }
    int open = atoi(argv[2]), poll_fd = epoll_create1(0);
    messages = atol(argv[3]);
    fill((size_t)atol(argv[4]));
    each = argc > 5 ? atol(argv[5]) : 0;
    for (int i = 0; i < open; i++) {
        begin(calloc(1, sizeof(session)), atoi(argv[1]), poll_fd);
    }
    while (open) {
        struct epoll_event events[64];
        int ready = epoll_wait(poll_fd, events, 64, -1);
        for (int i = 0; i < ready; i++) {
            session *s = events[i].data.ptr;
            if (readable(s)) continue;
            close(s->fd);
            if (begun < messages) { begin(s, atoi(argv[1]), poll_fd); continue; }
            free(s);
            open--;
        }
    }
    return answers == messages ? 0 : 1;
}
