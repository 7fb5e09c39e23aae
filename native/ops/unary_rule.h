/* What a unary operator makes of one stored integer, by the rules of docs/NUMERICS.md. */
#ifndef ER_OPS_UNARY_RULE_H
#define ER_OPS_UNARY_RULE_H

#include "activation.h"
#include "kernels/kernels.h"
#include "kernels/table16.h"

typedef struct er_unary_rule {
  er_unary op;
  float alpha;
  float in_scale, out_scale, out_inverse;
  int32_t in_zero, out_zero;
  er_range range;                 /* of the result */
  er_fixed ratio, below;          /* in / out, and the same times |alpha| for values below zero */
  int64_t near_ratio, near_below; /* the same in units of 1 / 256, with alpha's sign */
  er_fixed swish, gate;           /* 8-bit HARD_SWISH: to the output, and to units of 3 / 32768 */
  er_sigmoid16 sigmoid;           /* int16 LOGISTIC and TANH */
  const er_table16 *table;        /* int16 operators that interpolate */
  int32_t (*apply)(const struct er_unary_rule *rule, int32_t value); /* value: less in_zero */
} er_unary_rule;

/** @param input,output per-tensor quantized
 * @return false when the scales lie too far apart */
bool er_make_unary_rule(er_unary op, float alpha, const er_tensor *input, const er_tensor *output,
                        er_unary_rule *rule);
/** @return whether an 8-bit rule is two slopes that kernels know */
bool er_unary_slopes(const er_unary_rule *rule, er_slopes *slopes);
/** @return whether int16 values go through a table, which the caller then provides */
bool er_unary_interpolates(er_unary op);
/** Fill the table of an int16 rule and let the rule use it. */
void er_unary_use_table(er_unary_rule *rule, er_table16 *table);

#endif
