#include "daemon/said.h"

#include <errno.h>
#include <string.h>

#include "wire/fields.h"

/* What waitpid says of a process that has ended; errno, as the kernel returns it. */
enum { STATUS_MOST = 0xffff, ERRNO_MOST = 4095 };

static struct ft_mp_reader reader_of(const struct ft_message_view *message)
{
    return (struct ft_mp_reader){message->payload, message->payload + message->len};
}

/* The value was all of it. */
static int get_end(int err, const struct ft_mp_reader *reader)
{
    return err == 0 && reader->at != reader->end ? -EBADMSG : err;
}

/* Any but that of init, which nobody forks, and of no process at all: it may be killed one day. */
static int get_pid(int err, struct ft_mp_reader *reader, pid_t *pid)
{
    uint64_t number = 0;
    err = ft_get_uint(err, reader, INT32_MAX, &number);
    if (err == 0 && number < 2)
        err = -EBADMSG;
    if (err == 0)
        *pid = (pid_t)number;
    return err;
}

static int get_number(int err, struct ft_mp_reader *reader, uint32_t *value)
{
    uint64_t number = 0;
    err = ft_get_uint(err, reader, UINT32_MAX, &number);
    if (err == 0)
        *value = (uint32_t)number;
    return err;
}

/* 0 or 1. */
static int get_flag(int err, struct ft_mp_reader *reader, bool *flag)
{
    uint64_t number = 0;
    err = ft_get_uint(err, reader, 1, &number);
    if (err == 0)
        *flag = number != 0;
    return err;
}

int ft_said_ready(const struct ft_message_view *message, struct ft_said_ready *said)
{
    struct ft_mp_reader reader = reader_of(message);
    memset(said, 0, sizeof *said);
    int err = ft_get_array(0, &reader, 5);
    err = ft_get_texts(err, &reader, &said->files);
    err = ft_get_texts(err, &reader, &said->installed);
    err = ft_get_texts(err, &reader, &said->folders);
    err = ft_get_texts(err, &reader, &said->reads);
    err = ft_get_str(err, &reader, &said->unfit);
    err = get_end(err, &reader);
    if (err < 0)
        ft_said_ready_release(said);
    return err;
}

void ft_said_ready_release(struct ft_said_ready *said)
{
    ft_texts_release(&said->files);
    ft_texts_release(&said->installed);
    ft_texts_release(&said->folders);
    ft_texts_release(&said->reads);
}

static int get_pid_or_errno(int err, struct ft_mp_reader *reader, pid_t *pid)
{
    int64_t number = 0;
    err = ft_get_int(err, reader, &number);
    if (err == 0 && (number < -ERRNO_MOST || number > INT32_MAX || number == 0 || number == 1))
        err = -EBADMSG;
    if (err == 0)
        *pid = (pid_t)number;
    return err;
}

int ft_said_started(const struct ft_message_view *message, struct ft_said_started *said)
{
    struct ft_mp_reader reader = reader_of(message);
    memset(said, 0, sizeof *said);
    int err = ft_get_array(0, &reader, 2);
    err = get_number(err, &reader, &said->number);
    err = get_pid_or_errno(err, &reader, &said->pid);
    return get_end(err, &reader);
}

int ft_said_declined(const struct ft_message_view *message, struct ft_said_declined *said)
{
    struct ft_mp_reader reader = reader_of(message);
    memset(said, 0, sizeof *said);
    int err = ft_get_array(0, &reader, 2);
    err = get_number(err, &reader, &said->number);
    err = ft_get_str(err, &reader, &said->why);
    return get_end(err, &reader);
}

int ft_said_ended(const struct ft_message_view *message, struct ft_said_ended *said)
{
    struct ft_mp_reader reader = reader_of(message);
    uint64_t status = 0;
    memset(said, 0, sizeof *said);
    int err = ft_get_array(0, &reader, 2);
    err = get_pid(err, &reader, &said->pid);
    err = ft_get_uint(err, &reader, STATUS_MOST, &status);
    said->status = (int)status;
    return get_end(err, &reader);
}

int ft_said_configured(const struct ft_message_view *message, struct ft_said_configured *said)
{
    struct ft_mp_reader reader = reader_of(message);
    memset(said, 0, sizeof *said);
    int err = ft_get_array(0, &reader, 11);
    err = get_pid(err, &reader, &said->pid);
    err = ft_get_bytes(err, &reader, &said->plugins);
    err = ft_get_bytes(err, &reader, &said->kind);
    err = ft_get_str(err, &reader, &said->label);
    err = ft_get_texts(err, &reader, &said->paths);
    err = ft_get_texts(err, &reader, &said->files);
    err = ft_get_texts(err, &reader, &said->reads);
    err = ft_get_texts(err, &reader, &said->choices);
    err = ft_get_bytes(err, &reader, &said->whole_kind);
    err = ft_get_texts(err, &reader, &said->whole);
    err = ft_get_str(err, &reader, &said->narrow);
    err = get_end(err, &reader);
    if (err < 0)
        ft_said_configured_release(said);
    return err;
}

void ft_said_configured_release(struct ft_said_configured *said)
{
    ft_texts_release(&said->paths);
    ft_texts_release(&said->files);
    ft_texts_release(&said->reads);
    ft_texts_release(&said->choices);
    ft_texts_release(&said->whole);
}

int ft_said_pid(const struct ft_message_view *message, pid_t *pid)
{
    struct ft_mp_reader reader = reader_of(message);
    pid_t found = 0;
    int err = get_end(get_pid(0, &reader, &found), &reader);
    if (err == 0)
        *pid = found;
    return err;
}

int ft_said_checkpoint(const struct ft_message_view *message, struct ft_said_checkpoint *said)
{
    struct ft_mp_reader reader = reader_of(message);
    memset(said, 0, sizeof *said);
    int err = ft_get_array(0, &reader, 3);
    err = get_pid(err, &reader, &said->stays);
    err = get_pid(err, &reader, &said->goes_on);
    err = ft_get_str(err, &reader, &said->place);
    err = get_end(err, &reader);
    return err == 0 && said->stays == said->goes_on ? -EBADMSG : err;
}

/* Inputs travel as bytes that hold the value which ft_inputs_write() makes. */
static int get_inputs(int err, struct ft_mp_reader *reader, struct ft_inputs *inputs)
{
    struct ft_text bytes = {NULL, 0};
    err = ft_get_bytes(err, reader, &bytes);
    if (err < 0)
        return err;
    const uint8_t *at = (const uint8_t *)bytes.at;
    struct ft_mp_reader inner = {at, at + bytes.len};
    return get_end(ft_inputs_read(inputs, &inner), &inner);
}

/* Each checkpoint has what the one before it has, and none has more than there is. */
static int get_counts(int err, struct ft_mp_reader *reader, struct ft_said_collected *said)
{
    struct ft_mp_token token = {0};
    uint64_t least = 0;
    err = ft_get_kind(err, reader, FT_MP_ARRAY, &token);
    if (err == 0 && token.len > FT_SAID_COUNTS)
        err = -EBADMSG;
    for (uint32_t i = 0; err == 0 && i < token.len; i++) {
        err = ft_get_uint(err, reader, said->inputs.count, &said->counts[i]);
        if (err == 0 && said->counts[i] < least)
            err = -EBADMSG;
        least = said->counts[i];
    }
    if (err == 0)
        said->count = token.len;
    return err;
}

int ft_said_collected(const struct ft_message_view *message, struct ft_said_collected *said)
{
    struct ft_mp_reader reader = reader_of(message);
    memset(said, 0, sizeof *said);
    int err = ft_get_array(0, &reader, 9);
    err = get_inputs(err, &reader, &said->inputs);
    err = get_counts(err, &reader, said);
    err = ft_get_texts(err, &reader, &said->reads);
    err = ft_get_texts(err, &reader, &said->options);
    err = get_flag(err, &reader, &said->exact);
    err = ft_get_int(err, &reader, &said->until);
    err = ft_get_str(err, &reader, &said->unfit);
    err = ft_get_int(err, &reader, &said->unchanged);
    int64_t count = (int64_t)said->inputs.count;
    if (err == 0 && (said->unchanged < (count > 0 ? -1 : 0) || said->unchanged > count))
        err = -EBADMSG;
    err = ft_get_str(err, &reader, &said->once);
    err = get_end(err, &reader);
    if (err < 0)
        ft_said_collected_release(said);
    return err;
}

void ft_said_collected_release(struct ft_said_collected *said)
{
    ft_inputs_release(&said->inputs);
    ft_texts_release(&said->reads);
    ft_texts_release(&said->options);
}
