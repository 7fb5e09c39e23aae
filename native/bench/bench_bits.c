/* bench_bits LAYER [ROUNDS [MODEL.tflite ...]]: what fewer bits of weights bring. The gemms of
 * whole networks with weights of 8, 7 and 4 bits in turn, the least of many short rounds each, and
 * their sums over the network: a layer counts as often as it is there. Weights are random, or a
 * model's own 8 bits and what these are rounded to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "measure.h"

enum { WIDTHS = 3, EIGHT = 0, SEVEN = 1, FOUR = 2, ROUNDS = 150 };

static const int32_t most[WIDTHS] = {127, 63, 7};

/* For each width of the weights. */
typedef struct times {
  double macs;
  double ns[WIDTHS];
} times;

/* @param own [units, depth] of 8 bits, or NULL */
static int8_t *weights_of(const network_gemm *g, const int8_t *own, int32_t most) {
  return own ? take_rounded(own, (size_t)g->units * (size_t)g->depth, most)
             : take_weights(g->units, g->depth, most);
}

static times time_gemms(const er_kernels *k, const network_gemm *g, const int8_t *own,
                        int32_t rounds) {
  gemm_s8_job jobs[WIDTHS];
  subject subjects[WIDTHS];
  times t = {(double)g->rows * g->depth * g->units, {0}};
  for (int w = 0; w < WIDTHS; w++) {
    const er_gemm_s8 *gemm = w == FOUR ? &k->gemm_w4 : &k->gemm_s8;
    jobs[w] = gemm_s8_job_of(gemm, g->rows, g->depth, g->units, weights_of(g, own, most[w]));
    subjects[w] = gemm_s8_subject(&jobs[w]);
  }
  least_of_each(subjects, WIDTHS, rounds, t.ns);
  for (int w = 0; w < WIDTHS; w++) drop_gemm_s8_job(&jobs[w]);
  return t;
}

static void print_times(const char *network, const char *shape, int32_t count, const times *t,
                        double cycle) {
  printf("%s,%s,%d", network, shape, count);
  for (int w = 0; w < WIDTHS; w++) printf(",%.1f", t->macs / (t->ns[w] / cycle));
  printf(",%.2f,%.2f\n", t->ns[EIGHT] / t->ns[FOUR], t->ns[SEVEN] / t->ns[FOUR]);
  fflush(stdout);
}

static void add_times(const times *t, int32_t count, times *all) {
  all->macs += count * t->macs;
  for (int w = 0; w < WIDTHS; w++) all->ns[w] += count * t->ns[w];
}

/* @param own [layers] weights, or NULL */
static void bench_network(const er_kernels *k, const network_gemm *from, const int8_t *const *own,
                          int32_t layers, int32_t rounds) {
  times all = {0};
  for (const network_gemm *g = from; g < from + layers; g++) {
    const double cycle = nanoseconds_of_cycle(rounds);
    const times t = time_gemms(k, g, own ? own[g - from] : NULL, rounds);
    char shape[64];
    snprintf(shape, sizeof shape, "%dx%dx%d", g->rows, g->depth, g->units);
    print_times(g->network, shape, g->count, &t, cycle);
    add_times(&t, g->count, &all);
  }
  print_times(from->network, "all", 1, &all, nanoseconds_of_cycle(rounds));
}

static void bench_random(const er_kernels *k, int32_t rounds) {
  for (int32_t i = 0, end; i < network_gemm_count; i = end) {
    for (end = i; end < network_gemm_count; end++) {
      if (strcmp(network_gemms[end].network, network_gemms[i].network) != 0) break;
    }
    bench_network(k, network_gemms + i, NULL, end - i, rounds);
  }
}

static void bench_file(const er_kernels *k, const char *path, int32_t rounds) {
  file_gemms f = file_gemms_of(path);
  if (f.count > 0) bench_network(k, f.gemms, f.weights, f.count, rounds);
  drop_file_gemms(&f);
}

int main(int argc, char **argv) {
  er_kernels k;
  if (argc < 2 || !er_kernels_for(argv[1], &k)) {
    fprintf(stderr, "bench_bits LAYER [ROUNDS [MODEL.tflite ...]], e.g. avx2\n");
    return EXIT_FAILURE;
  }
  const int32_t rounds = argc > 2 ? atoi(argv[2]) : ROUNDS;
  printf("network,rows x depth x units,layers,w8 MAC/cycle,w7,w4,w8/w4 time,w7/w4\n");
  if (argc <= 3) bench_random(&k, rounds);
  for (int i = 3; i < argc; i++) bench_file(&k, argv[i], rounds);
  return EXIT_SUCCESS;
}
