/* Sentences for the caller: one fixed buffer, printable ASCII whatever the file holds. */
#ifndef ER_MESSAGE_H
#define ER_MESSAGE_H

#include "edgert.h"

typedef struct er_message {
  char text[EDGERT_ERROR_BYTES];
} er_message;

/** Write a sentence. @return status */
edgert_status er_say(er_message *message, edgert_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** Append to the sentence; what does not fit is left out. */
void er_say_more(er_message *message, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** Copy to the caller's buffer [bytes], which may be NULL. */
void er_hand_over(const er_message *message, char *text, size_t bytes);

#endif
