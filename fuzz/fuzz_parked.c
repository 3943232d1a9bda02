/*
 * daemon/said on any payload: the first byte says which message it is of.  What is taken holds no process that may not
 * be killed, and points into the payload.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "any_said.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) ((condition) ? (void)0 : abort())

struct payload {
    const uint8_t *at;
    size_t len;
};

static void check_text(const struct payload *payload, struct ft_text text)
{
    const uint8_t *at = (const uint8_t *)text.at;
    MUST(text.len == 0 || (at >= payload->at && at + text.len <= payload->at + payload->len));
}

static void check_texts(const struct payload *payload, const struct ft_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        check_text(payload, texts->items[i]);
}

static void check_ready(const struct payload *payload, const struct ft_said_ready *said)
{
    check_texts(payload, &said->files);
    check_texts(payload, &said->installed);
    check_texts(payload, &said->folders);
    check_texts(payload, &said->reads);
    check_text(payload, said->unfit);
}

static void check_configured(const struct payload *payload, const struct ft_said_configured *said)
{
    MUST(said->pid > 1);
    check_text(payload, said->plugins);
    check_text(payload, said->kind);
    check_text(payload, said->label);
    check_texts(payload, &said->paths);
    check_texts(payload, &said->files);
    check_texts(payload, &said->reads);
    check_texts(payload, &said->choices);
    check_text(payload, said->whole_kind);
    check_texts(payload, &said->whole);
    check_text(payload, said->narrow);
}

static void check_collected(const struct payload *payload, const struct ft_said_collected *said)
{
    MUST(said->count <= FT_SAID_COUNTS);
    for (size_t i = 0; i < said->count; i++)
        MUST(said->counts[i] <= said->inputs.count && (i == 0 || said->counts[i - 1] <= said->counts[i]));
    MUST(said->unchanged >= -1 && said->unchanged <= (int64_t)said->inputs.count);
    check_texts(payload, &said->reads);
    check_texts(payload, &said->options);
    check_text(payload, said->unfit);
    check_text(payload, said->once);
}

static void check(enum message message, const struct payload *payload, const union said *said)
{
    switch (message) {
    case READY:
        check_ready(payload, &said->ready);
        break;
    case STARTED:
        MUST(said->started.pid > 1 || said->started.pid < 0);
        break;
    case DECLINED:
        check_text(payload, said->declined.why);
        break;
    case ENDED:
        MUST(said->ended.pid > 1);
        break;
    case CONFIGURED:
        check_configured(payload, &said->configured);
        break;
    case ONLY_PID:
        MUST(said->pid > 1);
        break;
    case CHECKPOINT:
        MUST(said->checkpoint.stays > 1 && said->checkpoint.goes_on > 1);
        check_text(payload, said->checkpoint.place);
        break;
    default:
        check_collected(payload, &said->collected);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return -1;
    enum message message = (enum message)(data[0] % MESSAGES);
    const struct payload payload = {data + 1, size - 1};
    union said said;
    int err = read_said(message, &(struct ft_message_view){0, payload.at, payload.len}, &said);
    MUST(err == 0 || err == -EBADMSG);
    if (err == 0) {
        check(message, &payload, &said);
        release_said(message, &said);
    }
    return 0;
}
