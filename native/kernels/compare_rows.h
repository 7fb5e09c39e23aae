/* The six comparisons of a type, from a macro ROW(name, type, operator) that defines one. */
#ifndef ER_COMPARE_ROWS_H
#define ER_COMPARE_ROWS_H

#define ER_COMPARE_ROWS(ROW, type) \
  ROW(equal, type, ==)             \
  ROW(not_equal, type, !=)         \
  ROW(less, type, <)               \
  ROW(less_equal, type, <=)        \
  ROW(greater, type, >)            \
  ROW(greater_equal, type, >=)

/* By er_comparison; ROW defines name##_##type. */
#define ER_COMPARE_TABLE(type)                       \
  {equal_##type,      not_equal_##type, less_##type, \
   less_equal_##type, greater_##type,   greater_equal_##type}

#endif
