/* The convolutions of a .tflite file as gemms with its own weights. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "measure.h"
#include "src/model.h"

enum { CONV_2D = 3 };

static void add_convolution(const er_subgraph *graph, const er_operator *o, file_gemms *f) {
  if (o->builtin != CONV_2D || o->inputs.count < 2 || o->inputs.at[1] < 0) return;
  const er_tensor *weights = &graph->tensors[o->inputs.at[1]];
  const er_tensor *output = &graph->tensors[o->outputs.at[0]];
  if (weights->type != EDGERT_INT8 || !weights->constant || output->rank != 4) return;
  const int32_t units = weights->dims[0], rows = output->dims[1] * output->dims[2];
  f->gemms[f->count] = (network_gemm){NULL, 1, rows, (int32_t)(weights->count / units), units};
  f->weights[f->count++] = weights->constant;
}

file_gemms file_gemms_of(const char *path) {
  char why[256];
  file_gemms f = {0};
  if (edgert_model_open(path, NULL, &f.model, why, sizeof why) != EDGERT_OK) {
    fprintf(stderr, "%s\n", why);
    exit(EXIT_FAILURE);
  }
  const er_subgraph *graph = &f.model->subgraphs[0];
  f.gemms = take((size_t)graph->operator_count * sizeof *f.gemms);
  f.weights = take((size_t)graph->operator_count * sizeof *f.weights);
  for (int32_t i = 0; i < graph->operator_count; i++) {
    add_convolution(graph, &graph->operators[i], &f);
    if (f.count > 0) f.gemms[f.count - 1].network = path;
  }
  return f;
}

void drop_file_gemms(file_gemms *f) {
  free(f->gemms), free(f->weights);
  edgert_model_close(f->model);
}
