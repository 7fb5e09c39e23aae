#include "window.h"

edgert_status er_want_rank(er_plan *plan, const er_node *node, const er_tensor *tensor,
                           int32_t rank, const char *what) {
  if (tensor->rank == rank) return EDGERT_OK;
  return er_plan_fail(plan, node, EDGERT_MALFORMED, "needs an %s of rank %d; '%s' has rank %d",
                      what, (int)rank, tensor->name, (int)tensor->rank);
}

void er_read_image(const er_tensor *input, er_conv_shape *shape) {
  shape->batch = input->dims[0];
  shape->in_h = input->dims[1];
  shape->in_w = input->dims[2];
  shape->in_c = input->dims[3];
}

/* One spatial direction. */
static edgert_status place(er_plan *plan, const er_node *node, int8_t padding, int32_t in,
                           int32_t filter, int32_t stride, int32_t dilation, int32_t *out,
                           int32_t *before) {
  if (filter < 1 || stride < 1 || dilation < 1) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "has filter size %d, stride %d and dilation %d; each must be at least 1",
                        (int)filter, (int)stride, (int)dilation);
  }
  const int64_t reach = (int64_t)(filter - 1) * dilation + 1;
  const int64_t size =
      padding == ER_PADDING_SAME ? ((int64_t)in + stride - 1) / stride : (in - reach) / stride + 1;
  if (reach > INT32_MAX / 4 || in > INT32_MAX / 4 || (padding == ER_PADDING_VALID && reach > in)) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "has a window of %lld that does not fit an input size of %d",
                        (long long)reach, (int)in);
  }
  const int64_t missing = (size - 1) * stride + reach - in;
  *out = (int32_t)size;
  *before = padding == ER_PADDING_SAME && missing > 0 ? (int32_t)(missing / 2) : 0;
  return EDGERT_OK;
}

/* A stride beyond the image and a dilation of one tap say nothing, yet a file may hold any number
 * there; these say the same nothing and keep products of them within 32 bits. */
static void drop_idle_steps(int32_t in, int32_t filter, int32_t *stride, int32_t *dilation) {
  if (*stride > in) *stride = in;
  if (filter == 1) *dilation = 1;
}

edgert_status er_place_window(er_plan *plan, const er_node *node, int8_t padding,
                              er_conv_shape *shape) {
  er_conv_shape *s = shape;
  if (padding != ER_PADDING_SAME && padding != ER_PADDING_VALID) {
    return er_plan_fail(plan, node, EDGERT_MALFORMED,
                        "has padding number %d; known are 0 (SAME) and 1 (VALID)", (int)padding);
  }
  ER_TRY(place(plan, node, padding, s->in_h, s->filter_h, s->stride_h, s->dilation_h, &s->out_h,
               &s->pad_top));
  ER_TRY(place(plan, node, padding, s->in_w, s->filter_w, s->stride_w, s->dilation_w, &s->out_w,
               &s->pad_left));
  drop_idle_steps(s->in_h, s->filter_h, &s->stride_h, &s->dilation_h);
  drop_idle_steps(s->in_w, s->filter_w, &s->stride_w, &s->dilation_w);
  const int32_t dims[] = {s->batch, s->out_h, s->out_w, s->out_c};
  ER_TRY(er_plan_set_shape(plan, node, 0, 4, dims));
  if (er_plan_output(plan, node, 0)->count > INT32_MAX) {
    return er_plan_fail(plan, node, EDGERT_UNSUPPORTED, "makes more than 2^31 elements");
  }
  return EDGERT_OK;
}

static void swap(int32_t *a, int32_t *b) {
  const int32_t first = *a;
  *a = *b, *b = first;
}

static void turn(er_conv_shape *s) {
  swap(&s->in_h, &s->in_w);
  swap(&s->out_h, &s->out_w);
  swap(&s->filter_h, &s->filter_w);
  swap(&s->stride_h, &s->stride_w);
  swap(&s->dilation_h, &s->dilation_w);
  swap(&s->pad_top, &s->pad_left);
  s->turned = !s->turned;
}

void er_turn_column(er_conv_shape *s) {
  enum { MOST_PIXELS = 1024 };
  if (s->in_w == 1 && s->out_w == 1 && s->filter_w == 1 && s->in_h <= MOST_PIXELS) turn(s);
}

void er_pad_inside(er_conv_shape *shape, const er_pad_shape *pad) {
  const bool turned = shape->turned;
  if (turned) turn(shape);
  shape->in_h = pad->in[1];
  shape->in_w = pad->in[2];
  shape->pad_top += pad->before[1];
  shape->pad_left += pad->before[2];
  if (turned) turn(shape);
}
