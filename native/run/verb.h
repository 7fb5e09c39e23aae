/* The program edge-run: one verb a file, the table in main.c. */
#ifndef RUN_VERB_H
#define RUN_VERB_H

#include <stdbool.h>

#include "edgert.h"
#include "run/preprocess.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_UNSUPPORTED = 3, MOST_FILES = 64 };

typedef struct file_list {
  int32_t count;
  const char *at[MOST_FILES]; /* [count] file names */
} file_list;

typedef enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_CSV } report_format;

/* What stands on the command line after the verb. */
typedef struct arguments {
  const char *model;
  int32_t threads;
  int32_t runs;
  size_t quota_bytes;
  const char *kernels; /* an instruction set, NULL: the fastest */
  uint64_t cpu_mask;   /* bit i allows CPU i; 0 leaves the choice to the system */
  report_format format;
  bool arena_report;
  file_list inputs;
  file_list outputs;
  file_list expected;
  double tolerance; /* largest difference that `compare` accepts */
  const char *labels;
  int32_t top;
  preprocessing pixels;
} arguments;

/** @return EXIT_DONE, or EXIT_USAGE after saying on stderr what is wrong */
int parse_arguments(int count, char **words, arguments *given);

/* A model that is open, with a session when it can be planned. */
typedef struct opened {
  edgert_model *model;
  edgert_session *session;
} opened;

/** Open and plan; says why on stderr when it cannot. @return an exit code */
int open_session(const arguments *given, bool profile, opened *held);
void close_session(opened *held);
/** Say `why` on stderr. @return the exit code for the status */
int refuse(const char *model, edgert_status status, const char *why);
/** Say what is wrong with a file on stderr. @return EXIT_FAILED */
int complain(const char *path, const char *why);

/** Read the files --input: .npy, images or raw bytes. @return an exit code */
int read_inputs(const arguments *given, edgert_session *session);
/** Run once; says why on stderr when it cannot. @return an exit code */
int run_session(const arguments *given, edgert_session *session);
/** Fill all inputs with the same pseudo-random values at each call. */
void fill_inputs(edgert_session *session);
/** Write "FLOAT32 [1, 2, 3]". */
void print_shape(edgert_type type, int32_t rank, const int32_t *dims);
int64_t now_nanoseconds(void);
/** List what lies where in the arena. @return an exit code */
int print_arena(const arguments *given, const edgert_session *session);
/** @return the instruction set that the session uses at most */
const char *used_isa(const arguments *given);

int verb_info(const arguments *given);
int verb_verify(const arguments *given);
int verb_run(const arguments *given);
int verb_classify(const arguments *given);
int verb_compare(const arguments *given);
int verb_bench(const arguments *given);
int verb_profile(const arguments *given);

#endif
