#include "kernels/dotprod/layer.h"
#include "kernels/neon/matmul.h"

void er_batch_matmul_dotprod(const er_matmul_shape *shape, const er_matmul_rule *rule,
                             const void *a, const void *b, void *output, int32_t product,
                             int16_t *scratch) {
  er_matmul_by_gemm(&er_gemm_sums_dotprod, shape, rule, a, b, output, product, scratch);
}
