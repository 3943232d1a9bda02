/* daemon/environ: which changes of the environment a parked process must not miss. */
#include <string.h>

#include "check.h"
#include "daemon/environ.h"

enum { MOST = 6 };

/* A list that ends with NULL, as texts in `room`. */
static struct ft_texts texts_of(const char *const *strings, struct ft_text *room)
{
    struct ft_texts texts = {room, 0};
    while (texts.count < MOST && strings[texts.count] != NULL) {
        room[texts.count] = ft_text_of(strings[texts.count]);
        texts.count++;
    }
    return texts;
}

struct differs_case {
    const char *was[MOST], *is[MOST], *reads[MOST];
    const char *name; /* of the one that differs, or NULL */
};

static const struct differs_case differs_cases[] = {
    /* nothing, and the same */
    {.was = {NULL}, .is = {NULL}},
    {.was = {"HOME=/a", "X=1"}, .is = {"HOME=/a", "X=1"}, .reads = {"X"}},
    {.was = {"HOME=/a", "X=1", "LANG=C"}, .is = {"LANG=C", "HOME=/a", "X=1"}, .reads = {"X"}},
    {.was = {"X="}, .is = {"X="}, .reads = {"X"}},
    /* nobody has looked */
    {.was = {"X=1", "HOME=/a"}, .is = {"X=2", "HOME=/a"}},
    {.was = {"X=1"}, .is = {NULL}},
    {.was = {NULL}, .is = {"X=1"}, .reads = {"Y"}},
    /* names that only begin or end like one that was seen */
    {.was = {"TZX=1", "XTZ=1", "HOMES=1", "LANGU=1"}, .is = {NULL}},
    {.was = {"XPYTHON=1", "XLD_A=1", "NUM_THREADS=1", "A_NUM_THREADSX=1"}, .is = {NULL}},
    {.was = {"XY=1", "X_=1"}, .is = {"XY=2"}, .reads = {"X"}},
    {.was = {"python=1", "tz=1"}, .is = {NULL}},
    /* looked at before anybody can watch */
    {.was = {"PYTHONHASHSEED=0"}, .is = {"PYTHONHASHSEED=1"}, .name = "PYTHONHASHSEED"},
    {.was = {"PYTHON=0"}, .is = {"PYTHON=1"}, .name = "PYTHON"},
    {.was = {"LD_PRELOAD=a"}, .is = {"LD_PRELOAD=b"}, .name = "LD_PRELOAD"},
    {.was = {"LC_ALL=C"}, .is = {"LC_ALL=C.UTF-8"}, .name = "LC_ALL"},
    {.was = {"MALLOC_ARENA_MAX=1"}, .is = {"MALLOC_ARENA_MAX=2"}, .name = "MALLOC_ARENA_MAX"},
    {.was = {"OMP_NUM_THREADS=1"}, .is = {"OMP_NUM_THREADS=2"}, .name = "OMP_NUM_THREADS"},
    {.was = {"_NUM_THREADS=1"}, .is = {"_NUM_THREADS=2"}, .name = "_NUM_THREADS"},
    {.was = {"GLIBC_TUNABLES=a"}, .is = {"GLIBC_TUNABLES=b"}, .name = "GLIBC_TUNABLES"},
    {.was = {"LANG=C"}, .is = {"LANG=D"}, .name = "LANG"},
    {.was = {"LANGUAGE=C"}, .is = {"LANGUAGE=D"}, .name = "LANGUAGE"},
    {.was = {"TZ=UTC"}, .is = {"TZ=CET"}, .name = "TZ"},
    {.was = {"HOME=/a"}, .is = {"HOME=/b"}, .name = "HOME"},
    {.was = {"SSL_CERT_FILE=a"}, .is = {"SSL_CERT_FILE=b"}, .name = "SSL_CERT_FILE"},
    /* read by a module */
    {.was = {"X=1"}, .is = {"X=2"}, .reads = {"Y", "X"}, .name = "X"},
    {.was = {"X=1=2"}, .is = {"X=1=3"}, .reads = {"X"}, .name = "X"},
    {.was = {"X=1"}, .is = {"X=12"}, .reads = {"X"}, .name = "X"},
    {.was = {"A=1", "X=1", "B=1"}, .is = {"A=2", "B=2", "X=2"}, .reads = {"X"}, .name = "X"},
    /* set in only one of the two */
    {.was = {"TZ=UTC"}, .is = {NULL}, .name = "TZ"},
    {.was = {NULL}, .is = {"TZ=UTC"}, .name = "TZ"},
    {.was = {"X=1"}, .is = {NULL}, .reads = {"X"}, .name = "X"},
    {.was = {"A=1"}, .is = {"A=1", "X=1"}, .reads = {"X"}, .name = "X"},
    {.was = {NULL}, .is = {"X="}, .reads = {"X"}, .name = "X"},
    /* all were read: all but what a terminal or a shell sets for itself */
    {.was = {"X=1"}, .is = {"X=2"}, .reads = {"*"}, .name = "X"},
    {.was = {"X=1"}, .is = {NULL}, .reads = {"Y", "*"}, .name = "X"},
    {.was = {NULL}, .is = {"X=1"}, .reads = {"*", "Y"}, .name = "X"},
    {.was = {"TERM=a"}, .is = {"TERM=b"}, .reads = {"*"}, .name = "TERM"},
    {.was = {"X=1", "PWD=/a"}, .is = {"PWD=/a", "X=1"}, .reads = {"*"}},
    {.was = {"PWD=/a", "OLDPWD=/", "SHLVL=1", "_=a"}, .is = {"PWD=/b", "SHLVL=2"}, .reads = {"*"}},
    {.was = {"TERM_PROGRAM=a", "TMUX=c"}, .is = {"TMUX_PANE=1"}, .reads = {"*"}},
    {.was = {"SSH_AUTH_SOCK=a"}, .is = {"SSH_AUTH_SOCK=b"}, .reads = {"*"}, .name = "SSH_AUTH_SOCK"},
    {.was = {"PWDX=1"}, .is = {"PWDX=2"}, .reads = {"*"}, .name = "PWDX"},
    {.was = {"__=1"}, .is = {"__=2"}, .reads = {"*"}, .name = "__"},
    {.was = {"PWD=/a"}, .is = {"PWD=/b"}, .reads = {"PWD", "*"}, .name = "PWD"},
    /* no bytes but those of the name are looked at, and an entry without a value has a name too */
    {.was = {"X\xff=1"}, .is = {"X\xff=2"}, .reads = {"X\xff"}, .name = "X\xff"},
    {.was = {"X"}, .is = {NULL}, .reads = {"X"}, .name = "X"},
    {.was = {""}, .is = {"=x"}},
};

static bool points_into(struct ft_text text, const struct ft_texts *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (text.at == list->items[i].at)
            return true;
    return false;
}

static void check_differs(const struct differs_case *one)
{
    struct ft_text rooms[3][MOST], name = {NULL, 0};
    struct ft_texts was = texts_of(one->was, rooms[0]), is = texts_of(one->is, rooms[1]);
    struct ft_texts reads = texts_of(one->reads, rooms[2]);
    assert_int_equal(ft_environ_differs(&was, &is, &reads, &name), one->name != NULL);
    if (one->name == NULL)
        return;
    assert_int_equal(name.len, strlen(one->name));
    assert_memory_equal(name.at, one->name, name.len);
    assert_true(points_into(name, &was) || points_into(name, &is));
    /* It is the same the other way round. */
    assert_true(ft_environ_differs(&is, &was, &reads, &name));
    assert_true(ft_text_equal(name, ft_text_of(one->name)));
}

static void a_variable_that_was_seen_must_be_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof differs_cases / sizeof differs_cases[0]; i++)
        check_differs(&differs_cases[i]);
}

static void texts_that_no_nul_ends_are_not_read_beyond_their_length(void **state)
{
    struct ft_text was_item = {"X=1|", 3}, is_item = {"X=1/", 3}, read_item = {"XY", 1}, name;
    struct ft_texts was = {&was_item, 1}, is = {&is_item, 1}, reads = {&read_item, 1};
    (void)state;
    assert_false(ft_environ_differs(&was, &is, &reads, &name));
    is_item = (struct ft_text){"X=1|", 4};
    assert_true(ft_environ_differs(&was, &is, &reads, &name));
    assert_true(ft_text_equal(name, ft_text_of("X")));
}

static void only_a_python_path_from_the_root_does_without_the_current_folder(void **state)
{
    static const struct {
        const char *environ[MOST];
        bool needs;
    } cases[] = {
        {{NULL}, false},
        {{"A=b", "PATH=bin"}, false},
        {{"PYTHONPATH="}, false}, /* Python takes it for unset */
        {{"PYTHONPATH=/a"}, false},
        {{"PYTHONPATH=/"}, false},
        {{"PYTHONPATH=/a:/b/c:/d"}, false},
        {{"PYTHONPATHS=a"}, false},
        {{"XPYTHONPATH=a"}, false},
        {{"PYTHONPATH"}, false},
        {{"PYTHONPATH=a"}, true},
        {{"PYTHONPATH=."}, true},
        {{"PYTHONPATH=../a"}, true},
        {{"PYTHONPATH=~/a"}, true},
        {{"PYTHONPATH=:"}, true},
        {{"PYTHONPATH=/a:"}, true},
        {{"PYTHONPATH=:/a"}, true},
        {{"PYTHONPATH=/a::/b"}, true},
        {{"PYTHONPATH=/a:b"}, true},
        {{"A=1", "PYTHONPATH=/a:b", "B=2"}, true},
        {{"PYTHONPATH=/a", "B=:"}, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ft_text room[MOST];
        struct ft_texts variables = texts_of(cases[i].environ, room);
        assert_int_equal(ft_environ_needs_folder(&variables), cases[i].needs);
    }
}

static void a_python_path_ends_where_its_text_ends(void **state)
{
    struct ft_text item = {"PYTHONPATH=/a:b", 13};
    struct ft_texts variables = {&item, 1};
    (void)state;
    assert_false(ft_environ_needs_folder(&variables));
    item.len = 14;
    assert_true(ft_environ_needs_folder(&variables));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_that_was_seen_must_be_the_same),
        cmocka_unit_test(texts_that_no_nul_ends_are_not_read_beyond_their_length),
        cmocka_unit_test(only_a_python_path_from_the_root_does_without_the_current_folder),
        cmocka_unit_test(a_python_path_ends_where_its_text_ends),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}
