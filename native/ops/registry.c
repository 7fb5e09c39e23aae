/* The table of operators; ops/list.def names them. */
#include "op.h"

#define ER_OP(name) extern const er_op er_op_##name;
#include "ops/list.def"
#undef ER_OP

const er_op *const er_ops[] = {
#define ER_OP(name) &er_op_##name,
#include "ops/list.def"
#undef ER_OP
    NULL};

const er_op *er_find_op(int32_t builtin) {
  for (const er_op *const *op = er_ops; *op; op++) {
    if ((*op)->builtin == builtin) return *op;
  }
  return NULL;
}
