/* A TCG plugin for qemu-user that counts exactly.
 *
 * It counts how often each translated block runs, and writes what happened between the first and the
 * last marker. A marker is the system call 77777, which Linux does not have: harmless on a real
 * system (ENOSYS), callable from C and from Python, and seen here.
 *
 *   qemu-aarch64 -plugin blocks.so,out=FILE program...
 *
 * FILE, one record a line:
 *   M label total                               a marker; `total`: instructions since the start
 *   B address runs instructions bytes symbol    a block that ran between first and last marker
 *
 * qemu's header is not packaged by distributions, so the part of its API (version 1: QEMU 6 to 8) that
 * is needed is declared here. Counts are not atomic: trace one thread. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* ---- the plugin API -------------------------------------------------------------------------- */

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { QEMU_PLUGIN_INLINE_ADD_U64 = 0 };

typedef void (*translated_fn)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*called_fn)(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t a1,
                          uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                          uint64_t a7, uint64_t a8);
typedef void (*ended_fn)(qemu_plugin_id_t id, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_fn call);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t id, called_fn call);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, ended_fn call, void *data);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *counter,
                                              uint64_t step);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
const char *qemu_plugin_insn_symbol(const struct qemu_plugin_insn *insn);

EXPORT int qemu_plugin_version = 1;

/* ---- what is counted ------------------------------------------------------------------------- */

enum { MARKER = 77777, BUCKETS = 1 << 14, MOST_MARKS = 1 << 14 };

typedef struct block {
  struct block *next;
  uint64_t address;
  uint64_t runs;       /* since the program's start */
  uint64_t runs_first; /* at the first marker */
  uint64_t runs_last;  /* at the last marker so far */
  size_t instructions;
  size_t bytes;
  uint8_t *code;      /* [bytes] */
  const char *symbol; /* or NULL */
} block;

typedef struct mark {
  uint64_t label;
  uint64_t total; /* instructions since the program's start */
} mark;

static block *buckets[BUCKETS];
static mark marks[MOST_MARKS];
static size_t mark_count;
static const char *out_path;

/* ---- blocks ---------------------------------------------------------------------------------- */

static size_t code_bytes(const struct qemu_plugin_tb *tb) {
  size_t bytes = 0;
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
    bytes += qemu_plugin_insn_size(qemu_plugin_tb_get_insn(tb, i));
  }
  return bytes;
}

/* code: [code_bytes(tb)] */
static void copy_code(const struct qemu_plugin_tb *tb, uint8_t *code) {
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
    const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    memcpy(code, qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn));
    code += qemu_plugin_insn_size(insn);
  }
}

static block *new_block(const struct qemu_plugin_tb *tb, uint8_t *code, size_t bytes) {
  block *made = calloc(1, sizeof *made);
  if (!made) return NULL;
  const char *symbol = qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(tb, 0));
  made->address = qemu_plugin_tb_vaddr(tb);
  made->instructions = qemu_plugin_tb_n_insns(tb);
  made->bytes = bytes;
  made->code = code;
  made->symbol = symbol && *symbol ? strdup(symbol) : NULL;
  return made;
}

/* qemu translates a block again after a flush: the same code at the same place is one block. */
static block *find_or_add(const struct qemu_plugin_tb *tb) {
  size_t bytes = code_bytes(tb);
  uint8_t *code = malloc(bytes);
  if (!code) return NULL;
  copy_code(tb, code);
  block **bucket = &buckets[(qemu_plugin_tb_vaddr(tb) >> 1) % BUCKETS];
  for (block *old = *bucket; old; old = old->next) {
    if (old->address == qemu_plugin_tb_vaddr(tb) && old->bytes == bytes &&
        memcmp(old->code, code, bytes) == 0) {
      free(code);
      return old;
    }
  }
  block *made = new_block(tb, code, bytes);
  if (made) {
    made->next = *bucket;
    *bucket = made;
  }
  return made;
}

static void on_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  block *found = find_or_add(tb);
  if (!found) {
    fputs("blocks: out of memory\n", stderr);
    exit(1);
  }
  qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &found->runs, 1);
}

/* ---- markers --------------------------------------------------------------------------------- */

static void on_syscall(qemu_plugin_id_t id, unsigned vcpu, int64_t number, uint64_t a1, uint64_t a2,
                       uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7,
                       uint64_t a8) {
  (void)id, (void)vcpu, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
  if (number != MARKER || mark_count == MOST_MARKS) return;
  uint64_t total = 0;
  for (size_t i = 0; i < BUCKETS; i++) {
    for (block *each = buckets[i]; each; each = each->next) {
      total += each->runs * each->instructions;
      if (mark_count == 0) each->runs_first = each->runs;
      each->runs_last = each->runs;
    }
  }
  marks[mark_count++] = (mark){a1, total};
}

/* ---- the report ------------------------------------------------------------------------------ */

static void write_block(FILE *file, const block *each) {
  uint64_t runs = each->runs_last - each->runs_first;
  if (runs == 0) return;
  fprintf(file, "B %" PRIx64 " %" PRIu64 " %zu ", each->address, runs, each->instructions);
  for (size_t i = 0; i < each->bytes; i++) fprintf(file, "%02x", each->code[i]);
  fprintf(file, " %s\n", each->symbol ? each->symbol : "-");
}

static void on_end(qemu_plugin_id_t id, void *data) {
  (void)id, (void)data;
  FILE *file = fopen(out_path, "w");
  if (!file) {
    fprintf(stderr, "blocks: %s cannot be written\n", out_path);
    return;
  }
  for (size_t i = 0; i < mark_count; i++) {
    fprintf(file, "M %" PRIu64 " %" PRIu64 "\n", marks[i].label, marks[i].total);
  }
  for (size_t i = 0; i < BUCKETS; i++) {
    for (const block *each = buckets[i]; each; each = each->next) write_block(file, each);
  }
  fclose(file);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
  (void)info;
  if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) {
    fputs("blocks: give out=FILE\n", stderr);
    return -1;
  }
  out_path = strdup(argv[0] + 4);
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
  qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
  qemu_plugin_register_atexit_cb(id, on_end, NULL);
  return 0;
}
