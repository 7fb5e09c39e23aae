/* Every file that once made the fuzzer stop: it now runs or is refused. */
#include <dirent.h>
#include <string.h>

#include "small_models.h"

enum { QUOTA_BYTES = 1 << 26 };

static void load_and_run(const char *path) {
  char why[EDGERT_ERROR_BYTES] = "";
  edgert_model *model = NULL;
  edgert_session *session = NULL;
  edgert_session_options options = {.size = sizeof options, .quota_bytes = QUOTA_BYTES};
  edgert_status status = edgert_model_open(path, NULL, &model, why, sizeof why);
  if (status == EDGERT_OK) {
    status = edgert_session_create(model, &options, &session, why, sizeof why);
  }
  CHECK((status == EDGERT_OK) == (why[0] == 0));
  if (status == EDGERT_OK) edgert_session_run(session);
  edgert_session_destroy(session);
  edgert_model_close(model);
}

int main(void) {
  DIR *folder = opendir(EDGERT_TEST_CORPUS);
  CHECK(folder != NULL);
  int32_t files = 0;
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    char path[2048];
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", EDGERT_TEST_CORPUS, entry->d_name);
    load_and_run(path);
    files++;
  }
  if (folder) closedir(folder);
  CHECK(files > 0);
  return check_result();
}
