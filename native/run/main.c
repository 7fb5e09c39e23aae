#include <stdio.h>

#include "edgert.h"

int main(void) {
  puts("edge-run: usage: edge-run info|verify|run|bench|profile MODEL");
  return 2;
}
