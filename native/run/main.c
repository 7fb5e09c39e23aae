/* edge-run VERB MODEL [options]: see `usage`. */
#include <stdio.h>
#include <string.h>

#include "run/verb.h"

static const struct {
  const char *name;
  int (*run)(const arguments *given);
} verbs[] = {
    {"info", verb_info},         {"verify", verb_verify},   {"run", verb_run},
    {"classify", verb_classify}, {"compare", verb_compare}, {"bench", verb_bench},
    {"profile", verb_profile},
};

static const char usage[] =
    "usage: edge-run VERB MODEL.tflite [FILE...] [options]\n"
    "  info      inputs, outputs, operators with their kernels, memory; --arena-report: who lies "
    "where\n"
    "  verify    check that the model is valid and can run here\n"
    "  run       FILE or --input FILE for each input, --output FILE for each output\n"
    "  classify  FILE; --top N (5), --labels FILE (a name a line), --json\n"
    "  compare   FILE..., --expect FILE for each output, --tolerance X (0); 1 when they differ\n"
    "  bench     --runs N (100), --json or --csv: times of whole runs\n"
    "  profile   --runs N (100): time, MACs, rate and share of the core's peak by operator\n"
    "files: .npy arrays, images (PPM, PGM, BMP; JPEG and PNG where their libraries are), raw "
    "bytes\n"
    "images: value = (pixel * scale - mean) / std: --scale S, --mean R,G,B, --std R,G,B;\n"
    "  without them pixels go in as they are. --resize N: short side N, then the centre is cut "
    "out;\n"
    "  without it the largest centred part is resized. --filter bilinear (default) or bicubic\n"
    "options: --threads N (1), --cpu-mask HEX, --kernels NAME (the fastest), --quota BYTES (no "
    "limit)\n"
    "exit code: 0 done, 1 failed, 2 wrong usage, 3 the model needs what this program lacks\n";

int main(int argc, char **argv) {
  if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
    fputs(usage, stdout);
    return EXIT_DONE;
  }
  if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
    printf("edge-run %s (%s)\n", edgert_version(), edgert_isa());
    return EXIT_DONE;
  }
  for (size_t i = 0; argc >= 3 && i < sizeof verbs / sizeof verbs[0]; i++) {
    if (strcmp(argv[1], verbs[i].name) != 0) continue;
    arguments given;
    int code = parse_arguments(argc - 2, argv + 2, &given);
    return code == EXIT_DONE ? verbs[i].run(&given) : code;
  }
  fputs(usage, stderr);
  return EXIT_USAGE;
}
