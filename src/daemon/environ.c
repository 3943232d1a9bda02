#include "daemon/environ.h"

#include <string.h>

/* What is looked at before Python code runs.  A star at one end stands for anything. */
static const char *const early[] = {
    "PYTHON*", "LD_*",   "LC_*",     "MALLOC_*", "*_NUM_THREADS", "GLIBC_TUNABLES", "LANG",   "LANGUAGE",
    "LOCPATH", "TZ",     "TZDIR",    "HOME",     "OPENSSL_*",     "SSL_*",          "GCONV_PATH", "NLSPATH",
    "COV*",    "SETUPTOOLS_USE_DISTUTILS", /* by .pth files of coverage, pytest-cov and setuptools */
};

/* What says of the terminal and of the shell where they are, and what changes from one command to the next. */
static const char *const passing[] = {
    "_",   "SHLVL", "PWD",   "OLDPWD",    "WINDOWID",   "TERM_*", "TMUX*",
    "STY", "WT_*",  "VTE_*", "KONSOLE_*", "FLEETEST_*", /* and our own, which nobody else reads */
};

static struct ft_text name_of(struct ft_text variable)
{
    const char *equals = memchr(variable.at, '=', variable.len);
    return (struct ft_text){variable.at, equals == NULL ? variable.len : (size_t)(equals - variable.at)};
}

static bool matches(const char *pattern, struct ft_text name)
{
    size_t len = strlen(pattern);
    if (pattern[len - 1] == '*')
        return name.len >= len - 1 && memcmp(name.at, pattern, len - 1) == 0;
    if (pattern[0] == '*')
        return name.len >= len - 1 && memcmp(name.at + name.len - (len - 1), pattern + 1, len - 1) == 0;
    return ft_text_equal(name, (struct ft_text){pattern, len});
}

static bool matches_one(const char *const *patterns, size_t count, struct ft_text name)
{
    for (size_t i = 0; i < count; i++)
        if (matches(patterns[i], name))
            return true;
    return false;
}

static bool was_seen(struct ft_text name, const struct ft_texts *reads)
{
    if (matches_one(early, sizeof early / sizeof early[0], name))
        return true;
    bool all = false;
    for (size_t i = 0; i < reads->count; i++) {
        if (ft_text_equal(name, reads->items[i]))
            return true;
        all = all || ft_text_equal(reads->items[i], ft_text_of("*"));
    }
    return all && !matches_one(passing, sizeof passing / sizeof passing[0], name);
}

static bool contains(const struct ft_texts *environ, struct ft_text variable)
{
    for (size_t i = 0; i < environ->count; i++)
        if (ft_text_equal(environ->items[i], variable))
            return true;
    return false;
}

/* A variable of `left` that was seen and is not the same in `right`. */
static bool lacks(const struct ft_texts *left, const struct ft_texts *right, const struct ft_texts *reads,
                  struct ft_text *name)
{
    for (size_t i = 0; i < left->count; i++) {
        *name = name_of(left->items[i]);
        if (was_seen(*name, reads) && !contains(right, left->items[i]))
            return true;
    }
    return false;
}

bool ft_environ_differs(const struct ft_texts *was, const struct ft_texts *is, const struct ft_texts *reads,
                        struct ft_text *name)
{
    return lacks(was, is, reads, name) || lacks(is, was, reads, name);
}

/* The value of a variable; its `at` is NULL if it is not set. */
static struct ft_text value_of(const struct ft_texts *environ, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < environ->count; i++) {
        struct ft_text one = environ->items[i];
        if (one.len > len && memcmp(one.at, name, len) == 0 && one.at[len] == '=')
            return (struct ft_text){one.at + len + 1, one.len - len - 1};
    }
    return (struct ft_text){NULL, 0};
}

bool ft_environ_has_hash_seed(const struct ft_texts *environ)
{
    struct ft_text seed = value_of(environ, "PYTHONHASHSEED");
    return seed.len > 0 && !ft_text_equal(seed, ft_text_of("random"));
}

bool ft_environ_needs_folder(const struct ft_texts *environ)
{
    struct ft_text path = value_of(environ, "PYTHONPATH");
    const char *at = path.at, *end = at + path.len;
    while (path.len > 0) {
        if (at == end || *at != '/')
            return true;
        at = memchr(at, ':', (size_t)(end - at));
        if (at == NULL)
            break;
        at++;
    }
    return false;
}
