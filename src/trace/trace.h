/*
 * What the preloaded library fleetest_trace.so and whoever switches it on have to agree about.
 *
 * The library stands in front of the C library and records which paths the process looks at, once it is told to.  It
 * cannot see: system calls that are made by way of syscall() or by themselves (the Go runtime, io_uring), statically
 * linked code, what the C library does for its own purposes (reading /etc/passwd, locales and time zones; shm_open and
 * sem_open), clone(), what is asked of a descriptor that is open already (fstat), where else than in the usual folders
 * a dlopen() has looked for what it has not found, and variables that are read from `environ`.
 *
 * It also has the process take files for terminals, for who asks by isatty() and for the size.  Who asks otherwise sees
 * a file: by fstat(), lseek() or /proc/self/fd, and so do the C library's own streams when they choose their buffers.
 */
#ifndef FT_TRACE_TRACE_H
#define FT_TRACE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#define FT_TRACE_VERSION 6

enum { FT_TRACE_TERMINALS = 3 }; /* how many files can be taken for terminals */

/* The name of the function that returns the library's `struct ft_trace_library`, for dlsym(). */
#define FT_TRACE_SYMBOL "ft_trace_library"

/* No number ever gets another meaning. */
enum ft_trace_kind {
    FT_TRACE_READ = 1,      /* opened for reading, or loaded as a library */
    FT_TRACE_STATUS = 2,    /* what is there, links followed */
    FT_TRACE_LINK = 3,      /* what is there, the last link not followed */
    FT_TRACE_LIST = 4,      /* a folder's names */
    FT_TRACE_CHANGE = 5,    /* opened for writing, made, removed, or given other properties */
    FT_TRACE_PROGRAM = 6,   /* started; for a command line "/bin/sh -c ...", for a fork the name of the function */
    FT_TRACE_SOCKET = 7,    /* connected or bound: "inet 127.0.0.1:80", "inet6 [::1]:80", "unix /path", "unix @name";
                               "name HOST": asked for by name; "listen" */
    FT_TRACE_VARIABLE = 8,  /* of the environment, asked for by C code */
    FT_TRACE_OPAQUE = 9,    /* the name of a function of which it is not known what it looks at */
    FT_TRACE_TERMINAL = 10, /* asked of a file that is taken for a terminal: "size", or the name of a function */
    FT_TRACE_MOMENT = 11,   /* asked for what is another each time: "time", "random", "process", "usage" of CPU time
                               and memory, the machine's "load", or "space" in a file system; a space, and who, if it
                               matters to them */
    FT_TRACE_ANOTHER = 12,  /* of READ, STATUS, LINK or LIST: there, and was not before, or not, and was; another file
                               than before, of READ and where all of its status counts */
};

/* How much of an answer the caller can use; likewise. */
enum ft_trace_aspect {
    FT_ASPECT_NONE = 0,     /* of the other kinds */
    FT_ASPECT_PRESENCE = 1, /* STATUS, LINK: whether it is there, of which type, where the link goes */
    FT_ASPECT_FULL = 2,     /* STATUS, LINK: size, times, all; READ: by a project, what pytest has read before */
    FT_ASPECT_MODULES = 3,  /* LIST: names of modules, as importlib looks for them */
    FT_ASPECT_COLLECT = 4,  /* LIST: what pytest would collect; STATUS, LINK: whether, by pytest */
    FT_ASPECT_ALL = 5,      /* LIST: all names */
};

/* What was there when somebody looked first, links followed unless the kind says otherwise. */
struct ft_trace_seen {
    uint32_t known; /* 0: nobody has asked */
    uint32_t mode;  /* as of stat(); 0: nothing was there */
    uint64_t device, inode, size;
    int64_t modified, changed; /* ns since 1970 */
};

struct ft_trace_entry {
    enum ft_trace_kind kind;
    enum ft_trace_aspect aspect;
    int failed;       /* the errno that the first call left; 0: it succeeded */
    const char *path; /* absolute, otherwise as it was given */
    const char *who;  /* what the callback wrote when it was first seen */
    struct ft_trace_seen seen; /* of READ, STATUS, LINK and LIST */
};

/* Called in the thread that looks at something, with or without Python's lock; all may be NULL. */
struct ft_trace_callbacks {
    /* How much the caller can use of a STATUS, LINK or LIST. */
    enum ft_trace_aspect (*aspect)(enum ft_trace_kind kind);
    /*
     * Write who it is, with a NUL behind; nothing: nobody who counts.  Called once for each entry, but each time that
     * a file is read again that pytest's plugins keep in its cache.
     */
    void (*who)(char *buffer, size_t size);
    /* Likewise who asks for what is another each time, if that matters to them; called each time. */
    void (*asker)(const char *what, char *buffer, size_t size);
};

struct ft_trace_library {
    uint32_t version;
    /* Forget what is there and record from now on. */
    void (*start)(const struct ft_trace_callbacks *callbacks);
    /* Record no more.  From here on no callback is begun. */
    void (*stop)(void);
    /*
     * Record nothing for a while, or go on.  A child that is forked meanwhile has what was recorded so far, and may go
     * on too, where any other child has nothing.  Not while other threads are there.
     */
    void (*hold)(int hold);
    /* Record also what was recorded before, once more: at that time it may be another.  Only if held. */
    void (*anew)(void);
    /* What was recorded, in order of first sight: one for each kind, aspect and path.  Only if stopped or held. */
    size_t (*count)(void);
    struct ft_trace_entry (*entry)(size_t number);
    /* Whether something is not in it: out of memory, or it came while the thread was busy recording. */
    int (*missed)(void);
    /* Forget it all. */
    void (*forget)(void);
    /*
     * Take the file behind this descriptor for a terminal from now on: whatever descriptor it has, as dup() makes them,
     * and not what gets the number later.  It had better be a file that nobody opens by name.  `terminal`: rows << 16 |
     * columns with a bit above them, as a request (wire/request.h) tells it; 0: no longer.  This has nothing to do with
     * recording being on or off, and stays as it is in the child of a fork.  By one thread at a time.  Returns 0 or a
     * negative errno: -EBADF, -ENOSPC if there are as many already.
     */
    int (*pretend)(int fd, uint64_t terminal);
    /* Take nothing for a terminal that is none. */
    void (*pretend_nothing)(void);
};

#endif
