/* The layers of kernels beyond generic C: for each in layers.def, whether this machine runs it and
 * what it brings. Each lives in a folder of its own, compiled with its own instruction set; the
 * er_has_ functions live in detect.c, which is baseline code. */
#ifndef ER_LAYERS_H
#define ER_LAYERS_H

#include "kernels/kernels.h"

#define ER_LAYER(isa)      \
  bool er_has_##isa(void); \
  void er_add_##isa(er_kernels *kernels);
#include "kernels/layers.def"
#undef ER_LAYER

#endif
