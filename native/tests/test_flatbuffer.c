/* The reader against bytes written by hand: what is right is read, what leaves the buffer is
 * flagged. */
#include <string.h>

#include "check.h"
#include "flatbuffer.h"

/* A table with an int32 (slot 0), an absent slot 1, a string (slot 2) and an int32 vector (slot 3).
 */
static const uint8_t good[] = {
    16, 0, 0, 0, 'T', 'E', 'S', 'T', /* 0: root offset, identifier */
    12, 0, 16, 0, 4, 0, 0, 0,        /* 8: vtable of 12 bytes, table of 16; slots 0, 1 */
    /* 16: table; its vtable is 8 bytes before. The slots 2 and 3 overlay the vtable's end. */
    8, 0, 0, 0, 42, 0, 0, 0, 8, 0, 0, 0, 12, 0, 0, 0, 2, 0, 0, 0, 'h', 'i', 0, 0, /* 32: string */
    2, 0, 0, 0, 7, 0, 0, 0, 9, 0, 0, 0,                                           /* 40: vector */
};

/* The same with a vtable of its own behind the vector, so that no bytes overlap. */
static size_t make(uint8_t *bytes) {
  memset(bytes, 0, 80);
  memcpy(bytes, good, sizeof good);
  static const uint8_t vtable[] = {12, 0, 16, 0, 4, 0, 0, 0, 8, 0, 12, 0};
  memcpy(bytes + 52, vtable, sizeof vtable);
  int32_t back = 16 - 52;
  memcpy(bytes + 16, &back, sizeof back);
  return 64;
}

static void a_valid_table_is_read(void) {
  uint8_t bytes[80];
  er_buffer buffer = {bytes, make(bytes), false};
  er_table table = er_root(&buffer);
  CHECK(er_i32(table, 0, -1) == 42);
  CHECK(!er_has(table, 1) && er_i32(table, 1, -1) == -1);
  CHECK(!er_has(table, 9));
  CHECK(strcmp(er_string(table, 2), "hi") == 0);
  er_vector vector = er_vec(table, 3, 4);
  CHECK(vector.count == 2 && er_vec_i32(vector, 0) == 7 && er_vec_i32(vector, 1) == 9);
  CHECK(!buffer.bad);
}

static void an_index_beyond_a_vector_is_flagged(void) {
  uint8_t bytes[80];
  er_buffer buffer = {bytes, make(bytes), false};
  CHECK(er_vec_i32(er_vec(er_root(&buffer), 3, 4), 2) == 0);
  CHECK(buffer.bad);
}

static void read_all(er_buffer *buffer) {
  er_table table = er_root(buffer);
  er_i32(table, 0, 0);
  er_string(table, 2);
  er_vector vector = er_vec(table, 3, 4);
  for (uint32_t i = 0; i < vector.count && i < 100; i++) er_vec_i32(vector, i);
}

static void every_truncation_is_flagged(void) {
  uint8_t bytes[80];
  size_t whole = make(bytes);
  for (size_t length = 0; length < whole; length++) {
    er_buffer buffer = {bytes, length, false};
    read_all(&buffer);
    CHECK(buffer.bad);
  }
}

/* Run under ASan this proves that no value of any byte makes the reader leave its buffer. */
static void no_byte_makes_it_read_outside(void) {
  uint8_t bytes[80];
  size_t whole = make(bytes);
  for (size_t at = 0; at < whole; at++) {
    for (int value = 0; value < 256; value++) {
      uint8_t old = bytes[at];
      bytes[at] = (uint8_t)value;
      er_buffer buffer = {bytes, whole, false};
      read_all(&buffer);
      bytes[at] = old;
    }
  }
  er_buffer buffer = {bytes, whole, false};
  read_all(&buffer);
  CHECK(!buffer.bad);
}

typedef struct edit {
  const char *what;
  size_t at;
  uint32_t value;
  size_t bytes;
} edit;

static void each_kind_of_damage_is_flagged(void) {
  static const edit edits[] = {
      {"root beyond the end", 0, 4000, 4},
      {"root at 4 GB", 0, 0xFFFFFFFF, 4},
      {"root is zero", 0, 0, 4},
      {"root unaligned", 0, 17, 4},
      {"vtable before the start", 16, 17, 4},
      {"vtable past the end", 16, (uint32_t)-100, 4},
      {"vtable of odd size", 52, 13, 2},
      {"vtable under 4 bytes", 52, 2, 2},
      {"vtable longer than the file", 52, 4000, 2},
      {"table under 4 bytes", 54, 2, 2},
      {"table longer than the file", 54, 4000, 2},
      {"field past the table's end", 56, 14, 2},
      {"field over the table's vtable offset", 56, 2, 2},
      {"string beyond the end", 24, 4000, 4},
      {"string with a huge length", 32, 0xFFFFFFFF, 4},
      {"string without NUL", 32, 8, 4},
      {"vector with a huge count", 40, 0x40000000, 4},
      {"vector past the end", 40, 6, 4},
  };
  for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
    uint8_t bytes[80];
    er_buffer buffer = {bytes, make(bytes), false};
    memcpy(bytes + edits[i].at, &edits[i].value, edits[i].bytes);
    read_all(&buffer);
    if (!buffer.bad) fprintf(stderr, "not flagged: %s\n", edits[i].what);
    CHECK(buffer.bad);
  }
}

int main(void) {
  a_valid_table_is_read();
  an_index_beyond_a_vector_is_flagged();
  every_truncation_is_flagged();
  no_byte_makes_it_read_outside();
  each_kind_of_damage_is_flagged();
  return check_result();
}
