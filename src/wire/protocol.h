/*
 * The numbers of the wire protocol.  A number is never given another meaning: what is dropped stays
 * reserved.  docs/protocol.md describes the messages and their payloads.
 */
#ifndef FT_WIRE_PROTOCOL_H
#define FT_WIRE_PROTOCOL_H

/* In every frame; a peer that speaks another version is turned away at its first frame. */
#define FT_PROTOCOL_VERSION 1

/* A payload longer than this travels in several frames. */
#define FT_FRAME_MAX (256u * 1024u)

/* The longest message that is put together again from its pieces. */
#define FT_MESSAGE_MAX (2048ull * 1024u * 1024u)

/* How deep arrays, maps and tuples may be nested in a payload. */
#define FT_DEPTH_MAX 200

/* What a message is.  1 to 31: worker to controller, read by the engine. */
enum ft_message {
    FT_MSG_HELLO = 1,    /* map: the worker is ready for items */
    FT_MSG_START = 2,    /* item: it is about to run */
    FT_MSG_DONE = 3,     /* item: all of its reports were sent */
    FT_MSG_FINISHED = 4, /* map: the worker's session is over; it will exit */
    FT_MSG_SYNC = 5,     /* nil: has written to its output pipes; waits for FT_MSG_SYNCED */
    FT_MSG_TTY_WANT = 6, /* nil: would like the terminal; waits for FT_MSG_TTY_LENT */
    FT_MSG_TTY_BACK = 7, /* nil: is done with the terminal */
    FT_MSG_LEAVES = 8,   /* nil: after FT_MSG_FINISHED: it has done and written all, and exits with 0 at once */

    /* 32 to 63: worker to controller, handed to the session. */
    FT_MSG_LOGSTART = 32,  /* [item, nodeid, location] */
    FT_MSG_REPORT = 33,    /* [item, serialized report] */
    FT_MSG_LOGFINISH = 34, /* [item, nodeid, location] */
    FT_MSG_WARNING = 35,   /* [item, warning] */
    FT_MSG_TEXT = 36,      /* [item, text, current line]: for the controller's terminal writer */
    FT_MSG_XML = 37,       /* [item, nodeid, kind, name, value]: for the JUnit report */
    FT_MSG_LOGFILE = 38,   /* text: for --log-file */
    FT_MSG_COLLECTED = 39, /* [digest, node ids or nil]: what a spawned worker collected */
    FT_MSG_INTERNAL = 40,  /* text: INTERNALERROR in the worker */
    FT_MSG_PASSED = 42,    /* [item, when, duration, start, stop]: a report that carries nothing unusual */
    FT_MSG_ENDS = 43,      /* [item, map]: after this item the worker's session ends by itself */
    FT_MSG_INTERRUPT = 41, /* [item, map]: pytest.exit() or KeyboardInterrupt ended the worker's session */

    /* 64 to 95: controller to worker. */
    FT_MSG_RUN = 64,      /* [item ...]: run these next, in this order */
    FT_MSG_BREAK = 65,    /* nil: the last item has no successor for now */
    FT_MSG_FINISH = 66,   /* nil: after the last item end the session */
    FT_MSG_STOP = 67,     /* nil: forget the items not started and end the session */
    FT_MSG_SYNCED = 68,   /* nil */
    FT_MSG_TTY_LENT = 69, /* bool: the terminal is the worker's (false: there is none); nil: refused */
    FT_MSG_SEND_IDS = 70, /* nil: to a spawned worker whose digest differs: send the node ids */
    FT_MSG_FORK = 71,     /* map: the first message to a worker that is no copy of the session */

    /* 96 to 127: client and controller. */
    FT_MSG_EXIT = 96,    /* exit code: the run is over */
    FT_MSG_RUNNING = 97, /* pid: a controller that the client did not start is ready; waits for FT_MSG_GO */
    FT_MSG_GO = 98,      /* bool: the terminal is attached; this controller it is that the client waits for */
    FT_MSG_TTY_ASK = 99, /* nil: is the client in the foreground of its terminal? */
    FT_MSG_TTY_STATE = 100, /* bool: it is */
    FT_MSG_SUSPENDED = 101, /* nil: after SIGTSTP: the workers have stopped */
    FT_MSG_RESUME = 102,    /* bool: the client goes on, in the foreground or not */
    FT_MSG_RESIZED = 103,   /* nil: the window has another size */
    FT_MSG_TTY_NEED = 104,  /* nil: as FT_MSG_TTY_ASK, but in the background the client stops until it is not */

    /* 128 to 159: client and daemon. */
    FT_MSG_ASK = 128,       /* array: run this, see wire/request.h; descriptors are attached */
    FT_MSG_COMMAND = 129,   /* name of a command */
    FT_MSG_PING = 130,      /* nil: is anybody there? */
    FT_MSG_TAKEN = 131,     /* nil: the request was understood */
    FT_MSG_PREPARING = 132, /* nil: a process has to be started first, or PING was asked */
    FT_MSG_REFUSED = 133,   /* [reason, advice]: the client has to do it alone */
    FT_MSG_ENDED = 134,     /* status as of waitpid: how the controller ended */
    FT_MSG_ANSWER = 135,    /* text: to FT_MSG_COMMAND */
    FT_MSG_EXPLAIN = 136,   /* as FT_MSG_ASK, but show what the session reads on its way to its tests */

    /* 160 to 191: daemon and parked process. */
    FT_MSG_READY = 160,       /* [files, folders, project's folders, names of variables, why unfit]: what was read */
    FT_MSG_START_RUN = 161,   /* [number of the run, how it starts]; descriptors are attached */
    FT_MSG_STARTED = 162,     /* [number of the run, pid; negative: errno] */
    FT_MSG_CHILD_ENDED = 163, /* [pid, status as of waitpid] */
    FT_MSG_PREPARE = 164,     /* [0, nil]: fork a process that prepares for a request; descriptors are attached */
    FT_MSG_CONFIGURED = 165,  /* [pid, plugins, configuration, label, paths, files, variables, options, and of the whole
                                 project: configuration, arguments, why not]: of it */
    FT_MSG_IMPORT = 166,      /* nil: import these plugins, and be ready */
    FT_MSG_START_EXPLAIN = 167, /* as FT_MSG_START_RUN, for FT_MSG_EXPLAIN */
    FT_MSG_START_COLLECT = 168, /* [0, nil]: fork a process that collects; descriptors as for FT_MSG_PREPARE */
    FT_MSG_BEGUN = 169,         /* pid: of such a one, at its beginning */
    FT_MSG_SNAPSHOT = 170,      /* [inputs, counts, variables, options, exact, until, why unfit, again, why once] */
    FT_MSG_START_WIDE = 172,    /* as FT_MSG_START_RUN, for a run that may select within what is collected */
    FT_MSG_DECLINED = 173,      /* [number of the run, why]: it may not, and no controller was forked */
    FT_MSG_CHECKPOINT = 171,    /* [pid, pid of who goes on, what it is about to do], and the socket to the former */
    FT_MSG_STANDS_BY = 174,     /* pid: a child that waits to be the next run's controller, and the socket to it */
    FT_MSG_ORDERED = 175,       /* pid: that child has taken an order */
};

/* Extension types of the payloads, for what msgpack lacks and a report may hold. */
enum ft_ext {
    FT_EXT_TUPLE = 1,     /* the elements as an array */
    FT_EXT_SET = 2,       /* the elements as an array */
    FT_EXT_FROZENSET = 3, /* the elements as an array */
    FT_EXT_COMPLEX = 4,   /* two float64 */
    FT_EXT_BIGINT = 5,    /* as Python writes it in base 16: -0x1f */
    FT_EXT_OPAQUE = 6,    /* array of type name, str(), repr() and plain value of what cannot travel */
    FT_EXT_WTF8 = 7,      /* a string with lone surrogates, as generalised UTF-8 */
};

#endif
