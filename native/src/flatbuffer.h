/* A bounds-checked, allocation-free reader of FlatBuffers (https://flatbuffers.dev/internals).
 * All loads go through memcpy; nothing recurses. A reader never fails: an absent or out-of-bounds
 * field reads as its default and raises the `bad` flag of the buffer, which the caller checks once.
 */
#ifndef ER_FLATBUFFER_H
#define ER_FLATBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct er_buffer {
  const uint8_t *data; /* [bytes] */
  size_t bytes;
  bool bad; /* a read left the buffer, or a table, vector or string is malformed */
} er_buffer;

typedef struct er_table {
  er_buffer *buffer;
  size_t at;     /* offset of the table; 0: absent table, all fields read as defaults */
  size_t vtable; /* offset of its vtable */
  uint16_t vtable_bytes;
  uint16_t table_bytes;
} er_table;

typedef struct er_vector {
  er_buffer *buffer;
  size_t at;      /* offset of the first element */
  uint32_t count; /* number of elements; 0 when absent */
} er_vector;

/* `slot` is the field's number in the schema, 0 for the first. */
er_table er_root(er_buffer *buffer);
bool er_has(er_table table, int slot);
int8_t er_i8(er_table table, int slot, int8_t fallback);
uint8_t er_u8(er_table table, int slot, uint8_t fallback);
bool er_bool(er_table table, int slot, bool fallback);
int32_t er_i32(er_table table, int slot, int32_t fallback);
uint32_t er_u32(er_table table, int slot, uint32_t fallback);
uint64_t er_u64(er_table table, int slot, uint64_t fallback);
float er_f32(er_table table, int slot, float fallback);
er_table er_sub(er_table table, int slot);
const char *er_string(er_table table, int slot); /* NUL-terminated; "" when absent */
er_vector er_vec(er_table table, int slot, size_t element_bytes);
int32_t er_vec_i32(er_vector vector, uint32_t index);
int64_t er_vec_i64(er_vector vector, uint32_t index);
float er_vec_f32(er_vector vector, uint32_t index);
er_table er_vec_table(er_vector vector, uint32_t index);

#endif
