/* edge-run verify: is the model valid, and can this program run it? */
#include <stdio.h>

#include "run/verb.h"

int verb_verify(const arguments *given) {
  opened held;
  int code = open_session(given, false, &held);
  if (code == EXIT_DONE) {
    printf("%s: valid, %d operators, arena %zu bytes, %zu bytes in all\n", given->model,
           edgert_session_node_count(held.session), edgert_session_arena_bytes(held.session),
           edgert_session_total_bytes(held.session));
  }
  close_session(&held);
  return code;
}
