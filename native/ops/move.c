#include "move.h"

#include "kernels/kernels.h"
#include "shape.h"

/* Below this many bytes waking threads costs more than the copy. */
#define ER_MOVE_ALONE (64 * 1024)

typedef struct er_move {
  int32_t count;
  er_copy copies[];
} er_move;

edgert_status er_move_begin(er_plan *plan, er_node *node, int32_t count, er_copy **copies) {
  er_move *move = er_plan_alloc(plan, sizeof *move + (size_t)count * sizeof *move->copies);
  if (move == NULL) return er_plan_no_memory(plan);
  move->count = count;
  node->data = move;
  node->pieces = move->copies;
  node->piece_count = count;
  *copies = move->copies;
  return EDGERT_OK;
}

void er_move_between(er_copy *copy, int32_t input, int32_t output, int64_t element_bytes) {
  copy->input = input;
  copy->output = output;
  copy->block = element_bytes;
}

void er_move_along(er_copy *copy, int64_t count, int64_t in_stride, int64_t out_stride) {
  if (count == 1) return;
  copy->dims[copy->rank] = count;
  copy->in_stride[copy->rank] = in_stride * copy->block;
  copy->out_stride[copy->rank] = out_stride * copy->block;
  copy->rank += 1;
}

/* Whether dimension d steps exactly over all of dimension d + 1, on both sides. */
static bool joins(const er_copy *copy, int32_t d) {
  const int64_t inner = copy->dims[d + 1];
  return copy->in_stride[d] == copy->in_stride[d + 1] * inner &&
         copy->out_stride[d] == copy->out_stride[d + 1] * inner;
}

static void remove_dim(er_copy *copy, int32_t d) {
  copy->rank -= 1;
  for (int32_t i = d; i < copy->rank; ++i) {
    copy->dims[i] = copy->dims[i + 1];
    copy->in_stride[i] = copy->in_stride[i + 1];
    copy->out_stride[i] = copy->out_stride[i + 1];
  }
}

void er_move_finish(er_copy *copy) {
  for (int32_t d = copy->rank - 2; d >= 0; --d) {
    if (joins(copy, d)) {
      copy->dims[d + 1] *= copy->dims[d];
      remove_dim(copy, d);
    }
  }
  const int32_t last = copy->rank - 1;
  if (last >= 0 && copy->in_stride[last] == copy->block && copy->out_stride[last] == copy->block) {
    copy->block *= copy->dims[last];
    copy->rank -= 1;
  }
}

typedef struct er_move_part {
  const er_kernels *kernels;
  const er_copy *copy;
  void *out;
  const void *in;
} er_move_part;

static void move_part(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_move_part *part = arg;
  (void)thread;
  part->kernels->copy_strided(part->copy, first, last, part->out, part->in);
}

static int64_t bytes_of(const er_copy *copy) {
  int64_t bytes = copy->block;
  for (int32_t d = 0; d < copy->rank; ++d) bytes *= copy->dims[d];
  return bytes;
}

void er_move_once(const er_run *run, const er_copy *copy, void *out, const void *in) {
  const int64_t count = copy->rank > 0 ? copy->dims[0] : 1;
  if (copy->rank == 0 || count > INT32_MAX || bytes_of(copy) < ER_MOVE_ALONE) {
    run->kernels->copy_strided(copy, 0, count, out, in);
    return;
  }
  er_move_part part = {run->kernels, copy, out, in};
  er_parallel(run, (int32_t)count, move_part, &part);
}

edgert_status er_move_run(const er_run *run, const er_node *node) {
  const er_move *move = node->data;
  for (int32_t i = 0; i < move->count; ++i) {
    const er_copy *copy = &move->copies[i];
    er_move_once(run, copy, er_out_data(run, node, copy->output),
                 er_in_data(run, node, copy->input));
  }
  return EDGERT_OK;
}
