#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Names come from the file: control characters and stray UTF-8 must not reach a terminal. */
static void clean(char *text) {
  for (; *text; text++) {
    if (*text < 0x20 || *text > 0x7e) *text = '?';
  }
}

static void append(er_message *message, size_t at, const char *format, va_list values) {
  vsnprintf(message->text + at, sizeof message->text - at, format, values);
  clean(message->text + at);
}

edgert_status er_say(er_message *message, edgert_status status, const char *format, ...) {
  va_list values;
  va_start(values, format);
  append(message, 0, format, values);
  va_end(values);
  return status;
}

void er_say_more(er_message *message, const char *format, ...) {
  va_list values;
  va_start(values, format);
  append(message, strlen(message->text), format, values);
  va_end(values);
}

void er_hand_over(const er_message *message, char *text, size_t bytes) {
  if (text && bytes) snprintf(text, bytes, "%s", message->text);
}
