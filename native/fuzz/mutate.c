/* A structure-aware mutator for libFuzzer: it walks from the root of a FlatBuffer to a random field
 * and gives that field another value, so that most mutants are still models and reach the checks
 * behind the reader. It knows no schema: what a field holds (a scalar, a table, a vector) is
 * guessed from the bytes. One mutation in three is libFuzzer's own, which breaks the reader's rules
 * too. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { DEEPEST = 12, MOST_VECTOR = 1 << 16 };

typedef struct bytes {
  uint8_t *data; /* [count] */
  size_t count;
  uint32_t random; /* state of xorshift32 (Marsaglia 2003), never 0 */
} bytes;

size_t LLVMFuzzerMutate(uint8_t *data, size_t count, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t count, size_t most, unsigned int seed);

static uint32_t draw(bytes *b, uint32_t below) {
  b->random ^= b->random << 13;
  b->random ^= b->random >> 17;
  b->random ^= b->random << 5;
  return b->random % below;
}

static bool fits(const bytes *b, size_t at, size_t width) {
  return width <= b->count && at <= b->count - width;
}

/* Little-endian load of `width` bytes at `at`, which must fit. */
static uint64_t load(const bytes *b, size_t at, size_t width) {
  uint64_t value = 0;
  memcpy(&value, b->data + at, width);
  return value;
}

/* @return where the vtable of the table at `at` stands, or 0 when there is no table */
static size_t vtable_of(const bytes *b, size_t at) {
  if (!fits(b, at, 4)) return 0;
  size_t vtable = at - (size_t)(int64_t)(int32_t)load(b, at, 4);
  if (!fits(b, vtable, 4) || vtable == 0) return 0;
  size_t count = load(b, vtable, 2);
  return count >= 4 && count % 2 == 0 && fits(b, vtable, count) ? vtable : 0;
}

static const uint32_t integers[] = {
    0,      1,       2,          3,          4,          5,          7,         8,
    9,      16,      17,         127,        128,        255,        256,       0x7FFF,
    0x8000, 0x10000, 0x01000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE};
/* 1, -1, 2^-126, the smallest denormal, infinity, NaN, 3e38, 2^-20 */
static const uint32_t reals[] = {0x3F800000, 0xBF800000, 0x00800000, 0x00000001,
                                 0x7F800000, 0x7FC00000, 0x7F61B1E6, 0x35800000};
#define PICK(b, table) (table)[draw(b, sizeof(table) / sizeof *(table))]

static uint64_t another(bytes *b, uint64_t old) {
  switch (draw(b, 5)) {
    case 0:
      return PICK(b, reals);
    case 1:
      return old + 1 + draw(b, 4);
    case 2:
      return old - 1 - draw(b, 4);
    case 3: { /* a number that stands elsewhere in the file */
      size_t words = b->count / 4;
      return words ? load(b, 4 * (size_t)draw(b, (uint32_t)words), 4) : 0;
    }
    default: /* widened with its sign, so that -1 is -1 at any width */
      return (uint64_t)(int64_t)(int32_t)PICK(b, integers);
  }
}

static void change(bytes *b, size_t at, size_t width) {
  if (!fits(b, at, width)) return;
  uint64_t value = another(b, load(b, at, width));
  memcpy(b->data + at, &value, width);
}

/* A vector: change its count, or go on with one element. @return the table to go on with, or 0 */
static size_t enter_vector(bytes *b, size_t at) {
  if (!fits(b, at, 4)) return 0;
  uint64_t count = load(b, at, 4);
  if (count == 0 || count > MOST_VECTOR || draw(b, 8) == 0) {
    change(b, at, 4);
    return 0;
  }
  size_t place = (size_t)draw(b, (uint32_t)count);
  size_t element = at + 4 + 4 * place;
  if (fits(b, element, 4)) {
    size_t target = element + load(b, element, 4);
    if (vtable_of(b, target)) return target;
  }
  static const size_t widths[] = {1, 4, 4, 8};
  size_t width = PICK(b, widths);
  change(b, at + 4 + width * place, width);
  return 0;
}

/* A random field of a table. @return the table to go on with, or 0 after a change */
static size_t enter_table(bytes *b, size_t table, size_t vtable) {
  uint32_t slots = (uint32_t)(load(b, vtable, 2) / 2 - 2);
  if (slots == 0) return 0;
  size_t slot = vtable + 4 + 2 * (size_t)draw(b, slots);
  size_t offset = load(b, slot, 2);
  size_t field = table + offset;
  if (offset == 0 || draw(b, 64) == 0) {
    change(b, slot, 2); /* another field, or one that was absent */
    return 0;
  }
  size_t target = fits(b, field, 4) ? field + load(b, field, 4) : 0;
  if (target % 4 == 0 && target > field && draw(b, 16)) {
    if (vtable_of(b, target)) return target;
    if (fits(b, target, 4)) return enter_vector(b, target);
  }
  static const size_t widths[] = {1, 1, 2, 4, 4, 8};
  change(b, field, PICK(b, widths));
  return 0;
}

static void mutate_field(bytes *b) {
  size_t table = fits(b, 0, 8) ? load(b, 0, 4) : 0;
  for (int depth = 0; table && depth < DEEPEST; depth++) {
    size_t vtable = vtable_of(b, table);
    table = vtable ? enter_table(b, table, vtable) : 0;
  }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t count, size_t most, unsigned int seed) {
  bytes b = {data, count, seed | 1U};
  if (draw(&b, 3) == 0) return LLVMFuzzerMutate(data, count, most);
  for (uint32_t i = 1 + draw(&b, 3); i > 0; i--) mutate_field(&b);
  return count;
}
