/* Sockets and the environment. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "trace/interpose.h"

/* ---- sockets ---- */

enum { ADDRESS_SIZE = 160 };

/* An address as text.  Returns whether it is of a kind that leaves the process. */
static bool print_address(char *text, const void *address, socklen_t size)
{
    struct sockaddr_in inet;
    struct sockaddr_in6 inet6;
    struct sockaddr_un local;
    char shown[INET6_ADDRSTRLEN];
    sa_family_t family = AF_UNSPEC;
    if (address != NULL && size >= sizeof family)
        memcpy(&family, address, sizeof family);
    if (family == AF_INET && size >= sizeof inet) {
        memcpy(&inet, address, sizeof inet);
        inet_ntop(AF_INET, &inet.sin_addr, shown, sizeof shown);
        snprintf(text, ADDRESS_SIZE, "inet %s:%u", shown, (unsigned)ntohs(inet.sin_port));
    } else if (family == AF_INET6 && size >= sizeof inet6) {
        memcpy(&inet6, address, sizeof inet6);
        inet_ntop(AF_INET6, &inet6.sin6_addr, shown, sizeof shown);
        snprintf(text, ADDRESS_SIZE, "inet6 [%s]:%u", shown, (unsigned)ntohs(inet6.sin6_port));
    } else if (family == AF_UNIX) {
        memset(&local, 0, sizeof local);
        memcpy(&local, address, size < sizeof local ? size : sizeof local);
        const char *path = local.sun_path;
        bool named = path[0] == '\0';
        snprintf(text, ADDRESS_SIZE, "unix %s%.*s", named ? "@" : "", (int)sizeof local.sun_path - named, path + named);
    } else {
        return false;
    }
    return true;
}

#define ADDRESSED(name) \
    INTERPOSED(int, name, (int fd, const void *address, socklen_t size)) \
    { \
        char text[ADDRESS_SIZE]; \
        int result = REAL(name)(fd, address, size); \
        if (recorder_is_on()) { \
            int saved = errno; \
            if (saved != EFAULT && print_address(text, address, size)) \
                recorder_text(FT_TRACE_SOCKET, text, result < 0 ? saved : 0); \
            errno = saved; \
        } \
        return result; \
    }

ADDRESSED(connect)
ADDRESSED(bind)

/* Without an address the system chooses one. */
INTERPOSED(int, listen, (int fd, int backlog))
{
    int result = REAL(listen)(fd, backlog);
    if (recorder_is_on())
        recorder_text(FT_TRACE_SOCKET, "listen", recorder_failed(result < 0));
    return result;
}

INTERPOSED(ssize_t, sendto,
           (int fd, const void *bytes, size_t count, int flags, const void *address, socklen_t size))
{
    char text[ADDRESS_SIZE];
    ssize_t sent = REAL(sendto)(fd, bytes, count, flags, address, size);
    if (recorder_is_on()) {
        int saved = errno;
        if (saved != EFAULT && print_address(text, address, size))
            recorder_text(FT_TRACE_SOCKET, text, sent < 0 ? saved : 0);
        errno = saved;
    }
    return sent;
}

INTERPOSED(int, getaddrinfo, (const char *host, const char *service, const void *hints, void *found))
{
    char text[ADDRESS_SIZE + 256];
    if (recorder_is_on() && host != NULL) {
        snprintf(text, sizeof text, "name %s", host);
        recorder_text(FT_TRACE_SOCKET, text, 0);
    }
    return REAL(getaddrinfo)(host, service, hints, found);
}

/* ---- variables ---- */

#define GETENV(name) \
    INTERPOSED(char *, name, (const char *variable)) \
    { \
        if (recorder_is_on() && variable != NULL) \
            recorder_text(FT_TRACE_VARIABLE, variable, 0); \
        return REAL(name)(variable); \
    }

GETENV(getenv)
GETENV(secure_getenv)
