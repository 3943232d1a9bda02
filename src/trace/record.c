#include "trace/record.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { CHUNK_SIZE = 256 << 10, FIRST_ITEMS = 2048 };

struct record_chunk {
    struct record_chunk *before;
    size_t size, used; /* in bytes, this header included */
};

/* Memory full of zeros; NULL: there is none. */
static void *take(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void give_back(void *memory, size_t size)
{
    if (memory != NULL)
        munmap(memory, size);
}

struct ft_record_key ft_record_key(enum ft_trace_kind kind, enum ft_trace_aspect aspect, const char *path, size_t len)
{
    XXH64_hash_t seed = (XXH64_hash_t)kind << 8 | (XXH64_hash_t)aspect;
    return (struct ft_record_key){kind, aspect, path, len, XXH3_64bits_withSeed(path, len, seed)};
}

struct ft_trace_entry *ft_record_find(const struct ft_record *record, const struct ft_record_key *key)
{
    if (record->slot_count == 0)
        return NULL;
    size_t mask = record->slot_count - 1;
    for (size_t at = (size_t)key->hash & mask; record->slots[at] != 0; at = (at + 1) & mask) {
        struct record_item *item = &record->items[record->slots[at] - 1];
        if (item->hash == key->hash && item->entry.kind == key->kind && item->entry.aspect == key->aspect &&
            strncmp(item->entry.path, key->path, key->len) == 0 && item->entry.path[key->len] == '\0')
            return &item->entry;
    }
    return NULL;
}

static void put(uint32_t *slots, size_t slot_count, uint64_t hash, size_t number)
{
    size_t mask = slot_count - 1, at = (size_t)hash & mask;
    while (slots[at] != 0)
        at = (at + 1) & mask;
    slots[at] = (uint32_t)number + 1;
}

/* Make room for one more item; the slots are never more than half full. */
static int grow(struct ft_record *record)
{
    if (record->count < record->capacity)
        return 0;
    size_t capacity = record->capacity == 0 ? FIRST_ITEMS : record->capacity * 2, slot_count = capacity * 2;
    if (slot_count > UINT32_MAX)
        return -ENOMEM;
    struct record_item *items = take(capacity * sizeof *items);
    uint32_t *slots = take(slot_count * sizeof *slots);
    if (items == NULL || slots == NULL) {
        give_back(items, capacity * sizeof *items);
        give_back(slots, slot_count * sizeof *slots);
        return -ENOMEM;
    }
    if (record->count > 0)
        memcpy(items, record->items, record->count * sizeof *items);
    for (size_t i = record->hidden; i < record->count; i++)
        put(slots, slot_count, items[i].hash, i);
    give_back(record->items, record->capacity * sizeof *items);
    give_back(record->slots, record->slot_count * sizeof *slots);
    record->items = items;
    record->capacity = capacity;
    record->slots = slots;
    record->slot_count = slot_count;
    return 0;
}

/* Room for `size` bytes of text; NULL: there is no memory. */
static char *room(struct ft_record *record, size_t size)
{
    struct record_chunk *chunk = record->chunks;
    if (chunk == NULL || chunk->size - chunk->used < size) {
        size_t needed = sizeof *chunk + size;
        size_t taken = needed > CHUNK_SIZE ? needed : CHUNK_SIZE;
        chunk = take(taken);
        if (chunk == NULL)
            return NULL;
        *chunk = (struct record_chunk){record->chunks, taken, sizeof *chunk};
        record->chunks = chunk;
    }
    char *at = (char *)chunk + chunk->used;
    chunk->used += size;
    return at;
}

int ft_record_add(struct ft_record *record, const struct ft_record_key *key, int failed, const char *who)
{
    size_t who_len = strlen(who);
    int err = grow(record);
    if (err < 0)
        return err;
    char *path = room(record, key->len + 1 + who_len + 1);
    if (path == NULL)
        return -ENOMEM;
    memcpy(path, key->path, key->len);
    path[key->len] = '\0';
    memcpy(path + key->len + 1, who, who_len + 1);
    struct record_item *item = &record->items[record->count];
    item->hash = key->hash;
    item->entry = (struct ft_trace_entry){
        .kind = key->kind, .aspect = key->aspect, .failed = failed, .path = path, .who = path + key->len + 1};
    put(record->slots, record->slot_count, key->hash, record->count);
    record->count++;
    return 0;
}

void ft_record_hide(struct ft_record *record)
{
    record->hidden = record->count;
    if (record->slots != NULL)
        memset(record->slots, 0, record->slot_count * sizeof *record->slots);
}

void ft_record_clear(struct ft_record *record)
{
    give_back(record->items, record->capacity * sizeof *record->items);
    give_back(record->slots, record->slot_count * sizeof *record->slots);
    while (record->chunks != NULL) {
        struct record_chunk *chunk = record->chunks;
        record->chunks = chunk->before;
        give_back(chunk, chunk->size);
    }
    *record = (struct ft_record)FT_RECORD_INIT;
}
