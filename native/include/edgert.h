/* edgert: run a .tflite model on the CPU. The public interface; this comment is its manual.
 *
 *   edgert_model *model;  edgert_session *session;  char why[EDGERT_ERROR_BYTES];
 *   if (edgert_model_open("m.tflite", NULL, &model, why, sizeof why)) ...   the sentence is in `why`
 *   if (edgert_session_create(model, NULL, &session, why, sizeof why)) ...
 *   memcpy(edgert_session_input(session, 0), pixels, bytes);
 *   if (edgert_session_run(session)) puts(edgert_session_error(session));
 *   use(edgert_session_output(session, 0));
 *   edgert_session_destroy(session);  edgert_model_close(model);
 *
 * Rules: a model is immutable and may be shared by sessions in any threads; a session belongs to one
 * thread at a time. The library never prints, exits, aborts, or keeps global state. All memory a
 * session needs is taken in edgert_session_create; edgert_session_run allocates nothing. A caller
 * puts sizeof(struct) in `size` of an option struct, so that old callers keep working. */
#ifndef EDGERT_H
#define EDGERT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EDGERT_ABI_VERSION 1
#define EDGERT_MAX_RANK 8
#define EDGERT_ERROR_BYTES 1024

#if defined(__GNUC__)
#define EDGERT_API __attribute__((visibility("default")))
#else
#define EDGERT_API
#endif

typedef enum edgert_status {
  EDGERT_OK = 0,
  EDGERT_INVALID_ARGUMENT = 1, /* the caller's argument is wrong */
  EDGERT_IO = 2,               /* the file cannot be opened or read */
  EDGERT_MALFORMED = 3,        /* the bytes are not a valid model */
  EDGERT_UNSUPPORTED = 4,      /* a valid model that needs what this library lacks */
  EDGERT_OUT_OF_MEMORY = 5,    /* the allocator refused */
  EDGERT_QUOTA = 6,            /* the model needs more than the caller's quota */
  EDGERT_RUN_TIME = 7          /* a value met while running is out of its range (e.g. gather index) */
} edgert_status;

/* Numbers are those of the TFLite schema's TensorType. */
typedef enum edgert_type {
  EDGERT_FLOAT32 = 0,
  EDGERT_FLOAT16 = 1,
  EDGERT_INT32 = 2,
  EDGERT_UINT8 = 3,
  EDGERT_INT64 = 4,
  EDGERT_STRING = 5,
  EDGERT_BOOL = 6,
  EDGERT_INT16 = 7,
  EDGERT_INT8 = 9,
  EDGERT_FLOAT64 = 10,
  EDGERT_RESOURCE = 13,
  EDGERT_VARIANT = 14,
  EDGERT_UINT32 = 15,
  EDGERT_UINT16 = 16,
  EDGERT_INT4 = 17
} edgert_type;

typedef struct edgert_model edgert_model;
typedef struct edgert_session edgert_session;

/* `allocate` returns memory aligned to 64 bytes or NULL; `release` accepts NULL. */
typedef struct edgert_allocator {
  void *(*allocate)(void *context, size_t bytes);
  void (*release)(void *context, void *memory);
  void *context;
} edgert_allocator;

typedef struct edgert_model_options {
  size_t size;                       /* sizeof(edgert_model_options) */
  int32_t copy;                      /* 1: read the file into memory (it may change on disk); 0: map it */
  const edgert_allocator *allocator; /* NULL: the C library's */
} edgert_model_options;

typedef struct edgert_session_options {
  size_t size;                       /* sizeof(edgert_session_options) */
  int32_t threads;                   /* 1..64; 0 means 1. Results do not depend on it */
  int32_t profile;                   /* 1: keep the time of each node of the last run */
  size_t quota_bytes;                /* most memory the session may take, in bytes; 0: no limit */
  const edgert_allocator *allocator; /* NULL: the C library's */
  const char *kernels; /* NULL: the fastest; else the last instruction set to use, e.g. "generic" */
  int32_t unfused;     /* 1: every operator runs by itself, for measuring and finding faults */
} edgert_session_options;

typedef struct edgert_tensor_info {
  const char *name; /* lives as long as the session */
  edgert_type type;
  int32_t rank;
  int32_t dims[EDGERT_MAX_RANK];
  size_t bytes;
  int32_t quantized;  /* 1 when scale and zero_point hold (per-tensor) */
  float scale;        /* of the first channel */
  int32_t zero_point; /* of the first channel */
} edgert_tensor_info;

typedef struct edgert_node_info {
  const char *op;     /* TFLite builtin name, e.g. "CONV_2D" */
  const char *kernel; /* chosen kernel, e.g. "conv_s8_generic" */
  const char *output; /* name of the first output tensor */
  edgert_type type;   /* of the first output */
  int32_t rank;       /* of the first output */
  int32_t dims[EDGERT_MAX_RANK];
  int64_t macs;        /* multiply-accumulates in one run */
  int64_t bytes;       /* of all inputs, constants and outputs: what a run moves at least */
  int64_t nanoseconds; /* of the last run when profiling, else 0 */
} edgert_node_info;

/** @return EDGERT_ABI_VERSION of the library that is loaded. */
EDGERT_API int32_t edgert_abi_version(void);
/** @return the library's version, e.g. "0.1.0". */
EDGERT_API const char *edgert_version(void);
/** @return the name of a status, e.g. "EDGERT_MALFORMED". */
EDGERT_API const char *edgert_status_name(edgert_status status);
/** @return the fastest instruction set that the library uses on this machine, e.g. "avx2". */
EDGERT_API const char *edgert_isa(void);
/** @return name `index` of those that edgert_session_options.kernels takes here, slowest first; NULL
 * beyond the last. */
EDGERT_API const char *edgert_kernels(int32_t index);
/** @return 1 when this library can run the builtin operator code of the TFLite schema, else 0. */
EDGERT_API int32_t edgert_supports(int32_t builtin_code);

/** Open and verify a model file.
 * @param path file name
 * @param options may be NULL
 * @param[out] model untouched on failure
 * @param[out] error a sentence on failure; may be NULL
 * @param error_bytes size of `error` in bytes */
EDGERT_API edgert_status edgert_model_open(const char *path, const edgert_model_options *options,
                                           edgert_model **model, char *error, size_t error_bytes);
/** Verify a model in memory.
 * @param data [bytes], must outlive the model unless options->copy is 1 */
EDGERT_API edgert_status edgert_model_from_memory(const void *data, size_t bytes,
                                                  const edgert_model_options *options,
                                                  edgert_model **model, char *error,
                                                  size_t error_bytes);
EDGERT_API void edgert_model_close(edgert_model *model); /* accepts NULL */

/** Plan a model and take all memory that running it needs. */
EDGERT_API edgert_status edgert_session_create(const edgert_model *model,
                                               const edgert_session_options *options,
                                               edgert_session **session, char *error,
                                               size_t error_bytes);
EDGERT_API void edgert_session_destroy(edgert_session *session); /* accepts NULL */

EDGERT_API int32_t edgert_session_input_count(const edgert_session *session);
EDGERT_API int32_t edgert_session_output_count(const edgert_session *session);
EDGERT_API edgert_status edgert_session_input_info(const edgert_session *session, int32_t index,
                                                   edgert_tensor_info *info);
EDGERT_API edgert_status edgert_session_output_info(const edgert_session *session, int32_t index,
                                                    edgert_tensor_info *info);
/** @return where to write input `index` (info.bytes bytes), or NULL when the index is wrong. */
EDGERT_API void *edgert_session_input(edgert_session *session, int32_t index);
/** @return output `index` (info.bytes bytes) of the last run, or NULL when the index is wrong. */
EDGERT_API const void *edgert_session_output(const edgert_session *session, int32_t index);
EDGERT_API edgert_status edgert_session_run(edgert_session *session);
/** Set all state (variables, LSTM cells) back to its start. */
EDGERT_API void edgert_session_reset(edgert_session *session);
/** @return the last error of this session, "" when there was none. */
EDGERT_API const char *edgert_session_error(const edgert_session *session);
/** @return bytes of the activation arena. */
EDGERT_API size_t edgert_session_arena_bytes(const edgert_session *session);
/** @return bytes of everything the session holds, arena included. */
EDGERT_API size_t edgert_session_total_bytes(const edgert_session *session);
EDGERT_API int32_t edgert_session_node_count(const edgert_session *session);
EDGERT_API edgert_status edgert_session_node_info(const edgert_session *session, int32_t index,
                                                  edgert_node_info *info);

#ifdef __cplusplus
}
#endif
#endif
