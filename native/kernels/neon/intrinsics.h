/* arm_neon.h, and what ARMv7 lacks of it: operations on the upper halves of vectors. */
#ifndef ER_NEON_INTRINSICS_H
#define ER_NEON_INTRINSICS_H

#include <arm_neon.h>

#ifndef __aarch64__
#define vmull_high_s8(a, b) vmull_s8(vget_high_s8(a), vget_high_s8(b))
#define vmlal_high_s8(sum, a, b) vmlal_s8(sum, vget_high_s8(a), vget_high_s8(b))
#define vaddw_high_s16(sum, a) vaddw_s16(sum, vget_high_s16(a))
#define vabal_high_s16(sum, a, b) vabal_s16(sum, vget_high_s16(a), vget_high_s16(b))
#define vqmovn_high_s16(low, a) vcombine_s8(low, vqmovn_s16(a))
#define vmovn_high_s32(low, a) vcombine_s16(low, vmovn_s32(a))
#define vdup_laneq_s16(a, lane) \
  vdup_lane_s16((lane) < 4 ? vget_low_s16(a) : vget_high_s16(a), (lane) % 4)
#define vdupq_laneq_s16(a, lane) \
  vdupq_lane_s16((lane) < 4 ? vget_low_s16(a) : vget_high_s16(a), (lane) % 4)
#define vtrn1q_s16(a, b) vtrnq_s16(a, b).val[0]
#define vuzp1q_s16(a, b) vuzpq_s16(a, b).val[0]
#endif

#endif
