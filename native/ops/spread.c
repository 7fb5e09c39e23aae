#include "spread.h"

/* Below this many elements waking threads costs more than the work. */
enum { LEAST_ELEMENTS = 16 * 1024 };

typedef struct er_spread_job {
  int64_t count, parts;
  void (*work)(void *arg, int64_t first, int64_t last);
  void *arg;
} er_spread_job;

static void work_parts(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_spread_job *job = arg;
  (void)thread;
  job->work(job->arg, job->count * first / job->parts, job->count * last / job->parts);
}

void er_spread(const er_run *run, int64_t count, int64_t weight,
               void (*work)(void *arg, int64_t first, int64_t last), void *arg) {
  if (run->threads == 1 || count < 2 || count < LEAST_ELEMENTS / weight) {
    if (count > 0) work(arg, 0, count);
    return;
  }
  const int64_t most = run->threads;
  er_spread_job job = {count, count < most ? count : most, work, arg};
  er_parallel(run, (int32_t)job.parts, work_parts, &job);
}
