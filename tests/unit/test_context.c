/* daemon/context: what a process has from where it was started, and in what two of them differ. */
#include <grp.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "child.h"
#include "daemon/context.h"

/* ---- changes that a child makes; each returns 0, or an errno where it is not to be had ---- */

enum { NOT_HERE = ENOSYS, NOBODY = 65534, BEST_EFFORT_LAST = 2 << 13 | 7 };

static int result_of(long result)
{
    return result < 0 ? errno : 0;
}

static int keep_processor(void *argument)
{
    int nth = *(const int *)argument;
    cpu_set_t may, keep;
    CPU_ZERO(&keep);
    if (sched_getaffinity(0, sizeof may, &may) < 0 || CPU_COUNT(&may) < 2)
        return NOT_HERE;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &may) && nth-- == 0)
            CPU_SET(cpu, &keep);
    return result_of(sched_setaffinity(0, sizeof keep, &keep));
}

static int forbid_new_privileges(void *argument)
{
    (void)argument;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0)
        return NOT_HERE;
    return result_of(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static int filter_calls(void *argument)
{
    struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &all};
    (void)argument;
    return result_of(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
}

static int narrow_capabilities(void *argument)
{
    (void)argument;
    if (prctl(PR_CAPBSET_READ, 0, 0, 0, 0) != 1)
        return NOT_HERE;
    return result_of(prctl(PR_CAPBSET_DROP, 0, 0, 0, 0));
}

static int change_groups(void *argument)
{
    gid_t groups[] = {NOBODY, NOBODY - 1, NOBODY - 2};
    (void)argument;
    return result_of(setgroups(3, groups));
}

static int change_group(void *argument)
{
    (void)argument;
    return result_of(setresgid(NOBODY - 1, NOBODY - 1, NOBODY - 1));
}

static int change_user(void *argument)
{
    (void)argument;
    return result_of(setresuid(NOBODY - 1, NOBODY - 1, NOBODY - 1));
}

static int leave_space(void *argument)
{
    return result_of(unshare(*(const int *)argument));
}

static int change_root(void *argument)
{
    (void)argument;
    return result_of(chroot("/tmp"));
}

static int change_personality(void *argument)
{
    (void)argument;
    int old = personality(UINT_MAX);
    return old < 0 ? errno : result_of(personality((unsigned long)old ^ STICKY_TIMEOUTS));
}

static int change_policy(void *argument)
{
    struct sched_param param = {0};
    (void)argument;
    if (sched_getscheduler(0) == SCHED_BATCH)
        return NOT_HERE;
    return result_of(sched_setscheduler(0, SCHED_BATCH, &param));
}

static int raise_oom_score(void *argument)
{
    (void)argument;
    FILE *file = fopen("/proc/self/oom_score_adj", "r+");
    int old = 0;
    if (file == NULL || fscanf(file, "%d", &old) != 1 || old == 1000)
        return NOT_HERE;
    rewind(file);
    bool failed = fprintf(file, "%d", old + 1) < 0;
    return fclose(file) != 0 || failed ? errno : 0;
}

static int change_io_priority(void *argument)
{
    (void)argument;
    if (syscall(SYS_ioprio_get, 1, 0) == BEST_EFFORT_LAST)
        return NOT_HERE;
    return result_of(syscall(SYS_ioprio_set, 1, 0, BEST_EFFORT_LAST));
}

static int be_nicer(void *argument)
{
    (void)argument;
    errno = 0;
    return nice(3) == -1 ? errno : 0;
}

static int be_traced(void *argument)
{
    (void)argument;
    return result_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

/* ---- comparing ---- */

/* The context of a child that has made a change.  False: no such change can be made here. */
static bool context_of_child(struct ft_context *context, int (*change)(void *argument), void *argument)
{
    struct child child;
    int unavailable = child_start(&child, change, argument);
    int err = unavailable ? 0 : ft_context_read(context, child.pid);
    child_end(&child);
    assert_int_equal(err, 0);
    return !unavailable;
}

static void check_difference(const struct ft_context *daemon, const struct ft_context *client, const char *what,
                             bool narrow)
{
    struct ft_difference difference = ft_context_compare(daemon, client);
    if (what == NULL) {
        assert_null(difference.what);
        return;
    }
    assert_non_null(difference.what);
    assert_string_equal(difference.what, what);
    assert_int_equal(difference.narrow, narrow);
}

static void a_process_is_equal_to_itself(void **state)
{
    struct ft_context first, second;
    (void)state;
    assert_int_equal(ft_context_read(&first, getpid()), 0);
    assert_int_equal(ft_context_read(&second, getpid()), 0);
    check_difference(&first, &second, NULL, false);
    check_difference(&first, &first, NULL, false);
    ft_context_release(&first);
    ft_context_release(&second);
    assert_null(first.text);
    ft_context_release(&first);
}

static void what_is_read_is_there(void **state)
{
    struct ft_context context;
    struct stat root;
    (void)state;
    assert_int_equal(ft_context_read(&context, getpid()), 0);
    /* User, group, capabilities and processors are in every kernel. */
    assert_in_range(context.status[0].len, 7, 100);
    assert_in_range(context.status[1].len, 7, 100);
    assert_int_equal(context.status[8].len, 16);
    assert_in_range(context.status[11].len, 1, 10000);
    assert_int_equal(context.status[13].len, 1);
    for (int i = 0; i < 6; i++)
        assert_int_not_equal(context.spaces[i], 0);
    assert_int_equal(stat("/", &root), 0);
    assert_int_equal(context.root[0], root.st_dev);
    assert_int_equal(context.root[1], root.st_ino);
    assert_int_equal(context.policy, sched_getscheduler(0));
    ft_context_release(&context);
}

static void a_child_is_equal_to_its_parent(void **state)
{
    struct ft_context own, child;
    (void)state;
    assert_int_equal(ft_context_read(&own, getpid()), 0);
    assert_true(context_of_child(&child, NULL, NULL));
    check_difference(&own, &child, NULL, false);
    check_difference(&child, &own, NULL, false);
    ft_context_release(&child);
    ft_context_release(&own);
}

/* The nice value can be handed over as long as it is not below the daemon's: ft_context_compare_limits. */
static void a_nicer_child_is_equal_to_its_parent(void **state)
{
    struct ft_context own, child;
    (void)state;
    assert_int_equal(ft_context_read(&own, getpid()), 0);
    if (context_of_child(&child, be_nicer, NULL)) {
        check_difference(&own, &child, NULL, false);
        check_difference(&child, &own, NULL, false);
        ft_context_release(&child);
    }
    ft_context_release(&own);
}

static void a_child_that_has_changed_differs_and_may_have_less(void **state)
{
    static int uts = CLONE_NEWUTS, ipc = CLONE_NEWIPC, mounts = CLONE_NEWNS, pids = CLONE_NEWPID, first = 0;
    static const struct {
        const char *what;
        int (*change)(void *argument);
        void *argument;
        bool narrow; /* as a daemon, for its parent as a client */
    } cases[] = {
        {"CPU affinity", keep_processor, &first, true},
        {"no_new_privs", forbid_new_privileges, NULL, false},
        {"seccomp", filter_calls, NULL, false},
        {"capabilities", narrow_capabilities, NULL, true},
        {"groups", change_groups, NULL, false},
        {"group", change_group, NULL, false},
        {"user", change_user, NULL, false},
        {"UTS namespace", leave_space, &uts, false},
        {"IPC namespace", leave_space, &ipc, false},
        {"mount namespace", leave_space, &mounts, false},
        {"PID namespace", leave_space, &pids, false},
        {"root folder", change_root, NULL, false},
        {"personality", change_personality, NULL, false},
        {"scheduling policy", change_policy, NULL, false},
        {"I/O priority", change_io_priority, NULL, false},
        {"oom_score_adj", raise_oom_score, NULL, false},
    };
    struct ft_context own, child;
    (void)state;
    assert_int_equal(ft_context_read(&own, getpid()), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (!context_of_child(&child, cases[i].change, cases[i].argument))
            continue;
        check_difference(&own, &child, cases[i].what, false);
        check_difference(&child, &own, cases[i].what, cases[i].narrow);
        ft_context_release(&child);
    }
    ft_context_release(&own);
}

static void neither_has_less_where_each_has_a_processor_of_its_own(void **state)
{
    static int first = 0, second = 1;
    struct ft_context one, other;
    (void)state;
    if (!context_of_child(&one, keep_processor, &first))
        skip();
    assert_true(context_of_child(&other, keep_processor, &second));
    check_difference(&one, &other, "CPU affinity", false);
    check_difference(&other, &one, "CPU affinity", false);
    ft_context_release(&one);
    ft_context_release(&other);
}

static void a_client_that_is_traced_differs_and_a_daemon_does_not(void **state)
{
    struct ft_context own, child;
    (void)state;
    assert_int_equal(ft_context_read(&own, getpid()), 0);
    if (context_of_child(&child, be_traced, NULL)) {
        check_difference(&own, &child, "tracer", false);
        check_difference(&child, &child, "tracer", false);
        check_difference(&child, &own, NULL, false);
        ft_context_release(&child);
    }
    ft_context_release(&own);
}

static void a_process_that_is_gone_is_an_error(void **state)
{
    struct child child;
    struct ft_context context;
    (void)state;
    assert_int_equal(child_start(&child, NULL, NULL), 0);
    child_end(&child);
    assert_int_equal(ft_context_read(&context, child.pid), -ENOENT);
    assert_null(context.text);
}

static void a_process_that_has_ended_is_nobodys_equal(void **state)
{
    struct child child;
    struct ft_context own, context;
    siginfo_t ended;
    (void)state;
    assert_int_equal(ft_context_read(&own, getpid()), 0);
    assert_int_equal(child_start(&child, NULL, NULL), 0);
    assert_int_equal(kill(child.pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)child.pid, &ended, WEXITED | WNOWAIT), 0);
    int err = ft_context_read(&context, child.pid);
    child_end(&child);
    if (err == 0) {
        assert_non_null(ft_context_compare(&own, &context).what);
        ft_context_release(&context);
    } else {
        assert_null(context.text);
    }
    ft_context_release(&own);
}

/* ---- limits ---- */

/* What a client with the limits of this process would say. */
static struct ft_request own_limits(void)
{
    struct ft_request request = {.nice = getpriority(PRIO_PROCESS, 0)};
    for (int i = 0; i < FT_REQUEST_LIMITS; i++) {
        struct rlimit limit;
        assert_int_equal(getrlimit((__rlimit_resource_t)i, &limit), 0);
        request.limits[i][0] = limit.rlim_cur;
        request.limits[i][1] = limit.rlim_max;
    }
    return request;
}

static void check_limits(const struct ft_request *request, const char *what)
{
    struct ft_difference difference = ft_context_compare_limits(request);
    if (what == NULL) {
        assert_null(difference.what);
        return;
    }
    assert_non_null(difference.what);
    assert_string_equal(difference.what, what);
    assert_true(difference.narrow);
}

static void own_limits_and_lower_ones_can_be_had(void **state)
{
    struct ft_request request = own_limits();
    (void)state;
    check_limits(&request, NULL);
    request.nice = 19;
    check_limits(&request, NULL);
    for (int i = 0; i < FT_REQUEST_LIMITS; i++) {
        request.limits[i][0] = request.limits[i][1];
        check_limits(&request, NULL);
        request.limits[i][0] = request.limits[i][1] = 0;
        check_limits(&request, NULL);
    }
}

static void a_hard_limit_above_the_own_cannot_be_had(void **state)
{
    (void)state;
    for (int i = 0; i < FT_REQUEST_LIMITS; i++) {
        struct ft_request request = own_limits();
        if (request.limits[i][1] == UINT64_MAX)
            continue;
        request.limits[i][1]++;
        check_limits(&request, "resource limit");
        request.limits[i][1] = UINT64_MAX;
        check_limits(&request, "resource limit");
    }
}

static void a_nice_value_below_the_own_cannot_be_had(void **state)
{
    struct ft_request request = own_limits();
    (void)state;
    request.nice--;
    check_limits(&request, "nice value");
}

/* For a process with a lower hard limit than the request's: 0, or what is wrong. */
static int compare_below(void *argument)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1;
    limit.rlim_max = limit.rlim_cur = 100;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 2;
    struct ft_difference difference = ft_context_compare_limits(argument);
    if (difference.what == NULL || strcmp(difference.what, "resource limit") != 0)
        return 3;
    return difference.narrow ? 0 : 4;
}

static int compare_nicer(void *argument)
{
    if (be_nicer(NULL) != 0)
        return 1;
    struct ft_difference difference = ft_context_compare_limits(argument);
    if (difference.what == NULL || strcmp(difference.what, "nice value") != 0)
        return 2;
    return difference.narrow ? 0 : 3;
}

static void a_process_with_lower_limits_or_nicer_has_less_than_its_parent(void **state)
{
    struct ft_request request = own_limits();
    struct child child;
    (void)state;
    int said = child_start(&child, compare_below, &request);
    child_end(&child);
    assert_int_equal(said, 0);
    if (request.nice == 19)
        return;
    said = child_start(&child, compare_nicer, &request);
    child_end(&child);
    assert_int_equal(said, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_is_equal_to_itself),
        cmocka_unit_test(what_is_read_is_there),
        cmocka_unit_test(a_child_is_equal_to_its_parent),
        cmocka_unit_test(a_nicer_child_is_equal_to_its_parent),
        cmocka_unit_test(a_child_that_has_changed_differs_and_may_have_less),
        cmocka_unit_test(neither_has_less_where_each_has_a_processor_of_its_own),
        cmocka_unit_test(a_client_that_is_traced_differs_and_a_daemon_does_not),
        cmocka_unit_test(a_process_that_is_gone_is_an_error),
        cmocka_unit_test(a_process_that_has_ended_is_nobodys_equal),
        cmocka_unit_test(own_limits_and_lower_ones_can_be_had),
        cmocka_unit_test(a_hard_limit_above_the_own_cannot_be_had),
        cmocka_unit_test(a_nice_value_below_the_own_cannot_be_had),
        cmocka_unit_test(a_process_with_lower_limits_or_nicer_has_less_than_its_parent),
    };
    return cmocka_run_group_tests(tests, start_watchdog, NULL);
}
