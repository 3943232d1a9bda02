/* What a Python process of fleetest's is started with. */
#ifndef FT_BASE_BOOTSTRAP_H
#define FT_BASE_BOOTSTRAP_H

/*
 * Comes after -c; then come a descriptor, the path of the native command, its version, and either FT_BOOTSTRAP_PARKED
 * or why the run is cold, what the user should run about that, and pytest's arguments.  It must parse in every Python
 * since 2.7, and it takes the current folder off sys.path before anything is imported, since the `pytest` command does
 * not have it there either.
 */
#define FT_BOOTSTRAP \
    "import sys\n" \
    "if sys.path and sys.path[0] == '': del sys.path[0]\n" \
    "try: from fleetest.launch import from_client as run\n" \
    "except ImportError as error:\n" \
    "    old = sys.version_info < (3, 9)\n" \
    "    if not old and (error.name or '').split('.')[0] != 'fleetest': raise\n" \
    "    why = 'is too old: 3.9 or later is needed' if old else" \
    " 'has no fleetest that it can load: install it there'\n" \
    "    what = (sys.executable,) + sys.version_info[:2] + (why,)\n" \
    "    sys.stderr.write('fleetest: %s (Python %d.%d) %s; or name another with --python PATH\\n' % what)\n" \
    "    sys.exit(102 if old else 103)\n" \
    "run()\n"

#define FT_BOOTSTRAP_PARKED "parked"

#endif
