#include "flatbuffer.h"

#include <string.h>

/* All positions are computed in 64 bits, so that no sum of a size_t and a 32-bit offset wraps. */
static bool fits(const er_buffer *buffer, uint64_t at, uint64_t bytes) {
  return at <= buffer->bytes && bytes <= buffer->bytes - at;
}

static void load(er_buffer *buffer, uint64_t at, void *value, size_t bytes) {
  if (fits(buffer, at, bytes)) {
    memcpy(value, buffer->data + at, bytes);
  } else {
    memset(value, 0, bytes);
    buffer->bad = true;
  }
}

static er_table no_table(er_buffer *buffer) { return (er_table){.buffer = buffer}; }

static er_table bad_table(er_buffer *buffer) {
  buffer->bad = true;
  return no_table(buffer);
}

/* A table starts with the signed distance back to its vtable; the vtable with its own size in bytes
 * and the table's. */
static er_table open_table(er_buffer *buffer, uint64_t at) {
  int32_t back;
  uint16_t sizes[2];
  if (at % 4 != 0 || !fits(buffer, at, sizeof back)) return bad_table(buffer);
  load(buffer, at, &back, sizeof back);
  int64_t vtable = (int64_t)at - back;
  if (vtable < 0 || vtable % 2 != 0) return bad_table(buffer);
  load(buffer, (uint64_t)vtable, sizes, sizeof sizes);
  if (sizes[0] < sizeof sizes || sizes[0] % 2 != 0 || sizes[1] < sizeof back ||
      !fits(buffer, (uint64_t)vtable, sizes[0]) || !fits(buffer, at, sizes[1])) {
    return bad_table(buffer);
  }
  return (er_table){buffer, (size_t)at, (size_t)vtable, sizes[0], sizes[1]};
}

/* Position of a field of `bytes` bytes; 0 when it is absent. */
static size_t field(er_table table, int slot, size_t bytes) {
  uint16_t offset;
  size_t entry = 4 + 2 * (size_t)slot;
  if (table.at == 0 || entry + sizeof offset > table.vtable_bytes) return 0;
  load(table.buffer, table.vtable + entry, &offset, sizeof offset);
  if (offset == 0) return 0;
  if (offset < 4 || offset + bytes > table.table_bytes) {
    table.buffer->bad = true;
    return 0;
  }
  return table.at + offset;
}

/* Position that the 32-bit offset stored at `at` points to. */
static uint64_t follow(er_buffer *buffer, uint64_t at) {
  uint32_t distance;
  load(buffer, at, &distance, sizeof distance);
  return at + distance;
}

er_table er_root(er_buffer *buffer) {
  uint64_t at = follow(buffer, 0);
  return buffer->bad || at == 0 ? bad_table(buffer) : open_table(buffer, at);
}

bool er_has(er_table table, int slot) { return field(table, slot, 1) != 0; }

#define SCALAR(name, type)                                \
  type name(er_table table, int slot, type fallback) {    \
    type value = fallback;                                \
    size_t at = field(table, slot, sizeof value);         \
    if (at) load(table.buffer, at, &value, sizeof value); \
    return value;                                         \
  }

SCALAR(er_i8, int8_t)
SCALAR(er_u8, uint8_t)
SCALAR(er_i32, int32_t)
SCALAR(er_u32, uint32_t)
SCALAR(er_u64, uint64_t)
SCALAR(er_f32, float)

bool er_bool(er_table table, int slot, bool fallback) { return er_u8(table, slot, fallback) != 0; }

er_table er_sub(er_table table, int slot) {
  size_t at = field(table, slot, sizeof(uint32_t));
  return at ? open_table(table.buffer, follow(table.buffer, at)) : no_table(table.buffer);
}

er_vector er_vec(er_table table, int slot, size_t element_bytes) {
  er_vector vector = {.buffer = table.buffer};
  size_t at = field(table, slot, sizeof(uint32_t));
  if (at == 0) return vector;
  uint64_t start = follow(table.buffer, at);
  uint32_t count;
  load(table.buffer, start, &count, sizeof count);
  start += sizeof count;
  bool countable = element_bytes == 1 || count <= INT32_MAX; /* callers count lists in an int32_t */
  if (!countable || !fits(table.buffer, start, (uint64_t)count * element_bytes)) {
    table.buffer->bad = true;
    return vector;
  }
  vector.at = (size_t)start;
  vector.count = count;
  return vector;
}

const char *er_string(er_table table, int slot) {
  er_vector text = er_vec(table, slot, 1);
  if (text.at == 0) return "";
  uint8_t end = 1;
  load(text.buffer, (uint64_t)text.at + text.count, &end, 1);
  if (end == 0) return (const char *)text.buffer->data + text.at;
  text.buffer->bad = true;
  return "";
}

#define ELEMENT(name, type)                                                                  \
  type name(er_vector vector, uint32_t index) {                                              \
    type value = 0;                                                                          \
    if (index < vector.count) {                                                              \
      load(vector.buffer, vector.at + (uint64_t)index * sizeof value, &value, sizeof value); \
    } else {                                                                                 \
      vector.buffer->bad = true;                                                             \
    }                                                                                        \
    return value;                                                                            \
  }

ELEMENT(er_vec_i32, int32_t)
ELEMENT(er_vec_i64, int64_t)
ELEMENT(er_vec_f32, float)

er_table er_vec_table(er_vector vector, uint32_t index) {
  if (index >= vector.count) return bad_table(vector.buffer);
  return open_table(vector.buffer, follow(vector.buffer, vector.at + 4 * (uint64_t)index));
}
