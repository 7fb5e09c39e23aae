/* Pieces of a tensor that need not be copied: SPLIT, UNPACK, SLICE along the outermost dimension
 * that is not 1, and CONCATENATION and PACK likewise. */
#include "kernels/copy.h"
#include "storage.h"

/* ---- cutting: each output is part of the input ----------------------------------------------- */

static bool is_cut(const storage *s, const er_node *node, const er_copy *piece) {
  const int32_t root = s->roots[node->inputs[piece->input]];
  const int32_t output = node->outputs[piece->output];
  if (root == NO_ROOT || piece->rank != 0 || piece->out_offset != 0) return false;
  /* A caller may write an input between runs; an output must not change with it. */
  if ((s->ends[root] & FROM_CALLER) && (s->ends[output] & TO_CALLER)) return false;
  return s->roots[output] == output && s->graph->tensors[output].bytes == (size_t)piece->block;
}

static bool cut(storage *s, const er_node *node) {
  for (int32_t i = 0; i < node->piece_count; i++) {
    if (!is_cut(s, node, &node->pieces[i])) return false;
  }
  for (int32_t i = 0; i < node->piece_count; i++) {
    const er_copy *piece = &node->pieces[i];
    const int32_t input = node->inputs[piece->input];
    er_share(s, s->roots[input], s->offsets[input] + (size_t)piece->in_offset,
             node->outputs[piece->output]);
  }
  return true;
}

/* ---- joining: each input becomes part of the output ------------------------------------------ */

/* The input must have bytes of its own that the caller does not write, and be there only once. */
static bool is_joined(const storage *s, const er_node *node, int32_t i) {
  const er_copy *piece = &node->pieces[i];
  const int32_t input = node->inputs[piece->input];
  const int32_t root = s->roots[input];
  if (root == NO_ROOT || s->offsets[input] != 0 || (s->ends[root] & FROM_CALLER)) return false;
  for (int32_t k = 0; k < i; k++) {
    if (s->roots[node->inputs[node->pieces[k].input]] == root) return false;
  }
  const size_t bytes = (size_t)piece->block;
  return piece->rank == 0 && piece->in_offset == 0 && s->graph->tensors[input].bytes == bytes &&
         s->graph->tensors[root].bytes == bytes;
}

/* All that share the bytes of `root` move into those of `whole`. */
static void move_into(storage *s, int32_t root, int32_t whole, size_t offset) {
  for (int32_t t = 0; t < s->count; t++) {
    if (s->roots[t] != root) continue;
    s->roots[t] = whole;
    s->offsets[t] += offset;
  }
  if (s->first[root] < s->first[whole]) s->first[whole] = s->first[root];
  if (s->last[root] > s->last[whole]) s->last[whole] = s->last[root];
  s->ends[whole] |= s->ends[root];
}

static bool join(storage *s, const er_node *node) {
  const int32_t output = node->outputs[0];
  if (node->output_count != 1 || s->roots[output] != output) return false;
  size_t bytes = 0;
  for (int32_t i = 0; i < node->piece_count; i++) {
    if (!is_joined(s, node, i)) return false;
    bytes += (size_t)node->pieces[i].block;
  }
  if (bytes != s->graph->tensors[output].bytes) return false;
  for (int32_t i = 0; i < node->piece_count; i++) {
    const er_copy *piece = &node->pieces[i];
    move_into(s, s->roots[node->inputs[piece->input]], output, (size_t)piece->out_offset);
  }
  return true;
}

bool er_view(storage *s, const er_node *node) {
  return node->piece_count > 0 && (cut(s, node) || join(s, node));
}
