/* fleetest's own exit codes; 0 to 6 are pytest's.  docs/fleetest.1.md lists them for users. */
#ifndef FT_BASE_EXITCODE_H
#define FT_BASE_EXITCODE_H

enum ft_exit {
    FT_EXIT_USAGE = 4,          /* pytest's: wrong options */
    FT_EXIT_SYSTEM = 100,       /* the operating system refused something that is needed */
    FT_EXIT_NO_PYTHON = 101,    /* no Python to use was found */
    FT_EXIT_OLD_PYTHON = 102,   /* the Python, or its pytest, is missing or too old */
    FT_EXIT_NO_FLEETEST = 103,  /* the Python has no fleetest, or another version of it */
    FT_EXIT_LOST_SESSION = 104, /* the session ended without saying that the run was over */
    FT_EXIT_NO_DAEMON = 105,    /* there is no daemon to ask, or it does not answer */
};

#endif
