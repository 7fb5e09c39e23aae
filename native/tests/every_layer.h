/* A test of all kernels that this machine can run, layer by layer, against the generic ones. */
#ifndef EVERY_LAYER_H
#define EVERY_LAYER_H

#include <stdio.h>

#include "check.h"
#include "kernels/kernels.h"
#include "random_numbers.h"

typedef void layer_test(const er_kernels *oracle, const er_kernels *kernels);

/* Each round has numbers of its own, the same for every layer. */
static void on_every_layer(int32_t rounds, layer_test *test) {
  er_kernels oracle, kernels;
  CHECK(er_kernels_for("generic", &oracle));
  const char *isa;
  for (int32_t i = 0; (isa = er_kernels_isa(i)) != NULL; i++) {
    printf("%s\n", isa);
    CHECK(er_kernels_for(isa, &kernels));
    for (int32_t round = 0; round < rounds; round++) {
      random_state = (uint64_t)round + 1;
      test(&oracle, &kernels);
    }
  }
}

#endif
