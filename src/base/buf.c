#include "base/buf.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 256 };

int ft_buf_reserve(struct ft_buf *buf, size_t extra)
{
    if (extra > SIZE_MAX / 2 - buf->len)
        return -ENOMEM;
    if (buf->start + buf->len + extra <= buf->cap)
        return 0;
    if (buf->start > 0 && buf->len + extra <= buf->cap && buf->len <= buf->start) {
        memmove(buf->data, buf->data + buf->start, buf->len);
        buf->start = 0;
        return 0;
    }
    size_t cap = buf->cap > SMALLEST ? buf->cap : SMALLEST;
    while (cap < buf->len + extra)
        cap += cap / 2;
    unsigned char *data = malloc(cap);
    if (data == NULL)
        return -ENOMEM;
    if (buf->len > 0)
        memcpy(data, buf->data + buf->start, buf->len);
    free(buf->data);
    *buf = (struct ft_buf){.data = data, .start = 0, .len = buf->len, .cap = cap};
    return 0;
}

int ft_buf_append(struct ft_buf *buf, const void *data, size_t len)
{
    if (len == 0)
        return 0;
    int err = ft_buf_reserve(buf, len);
    if (err < 0)
        return err;
    memcpy(ft_buf_tail(buf), data, len);
    buf->len += len;
    return 0;
}

void ft_buf_consume(struct ft_buf *buf, size_t len)
{
    buf->start += len;
    buf->len -= len;
    if (buf->len == 0)
        buf->start = 0;
}

unsigned char *ft_buf_head(const struct ft_buf *buf)
{
    return buf->data == NULL ? NULL : buf->data + buf->start;
}

unsigned char *ft_buf_tail(const struct ft_buf *buf)
{
    return buf->data == NULL ? NULL : buf->data + buf->start + buf->len;
}

void ft_buf_grown(struct ft_buf *buf, size_t len)
{
    buf->len += len;
}

void ft_buf_release(struct ft_buf *buf)
{
    free(buf->data);
    *buf = (struct ft_buf)FT_BUF_INIT;
}
