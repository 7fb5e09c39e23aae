/* edge-run VERB MODEL [options]: see `usage`. */
#include <stdio.h>
#include <string.h>

#include "run/verb.h"

static const struct {
  const char *name;
  int (*run)(const arguments *given);
} verbs[] = {
    {"info", verb_info},   {"verify", verb_verify},   {"run", verb_run},
    {"bench", verb_bench}, {"profile", verb_profile},
};

static const char usage[] =
    "usage: edge-run VERB MODEL.tflite [options]\n"
    "  info      inputs, outputs, operators with their kernels, memory\n"
    "  verify    check that the model is valid and can run here\n"
    "  run       --input FILE... --output FILE...   .npy, or raw bytes under any other name\n"
    "  bench     --runs N (100) --json              times of whole runs\n"
    "  profile   --runs N (100)                     time and MACs of each operator\n"
    "options: --threads N (1), --quota BYTES (no limit)\n"
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
