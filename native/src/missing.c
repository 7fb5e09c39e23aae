/* All operators that a model needs and this library lacks, in one sentence. */
#include <string.h>

#include "plan.h"
#include "schema.h"

enum { IF = 118, WHILE = 119, CALL_ONCE = 129, MOST_LISTED = 32 };

typedef struct missing_list {
  int32_t count;
  const er_operator *missing[MOST_LISTED];
} missing_list;

static void add(missing_list *list, const er_operator *op) {
  for (int32_t i = 0; i < list->count; i++) {
    const er_operator *listed = list->missing[i];
    if (listed->builtin == op->builtin && strcmp(listed->custom, op->custom) == 0) return;
  }
  if (list->count < MOST_LISTED) list->missing[list->count++] = op;
}

static int32_t calls(int32_t builtin) {
  return builtin == IF || builtin == WHILE ? 2 : builtin == CALL_ONCE ? 1 : 0;
}

/* Marks the subgraphs that `op` calls; wrong numbers are left to the operator's prepare. */
static bool mark(const er_plan *plan, const er_operator *op, uint8_t *reached) {
  bool fresh = false;
  er_table options = op->options;
  options.buffer = &plan->session->file;
  for (int32_t slot = 0; slot < calls(op->builtin); slot++) {
    int32_t number = er_i32(options, slot, 0);
    if (number < 0 || number >= plan->session->model->subgraph_count || reached[number]) continue;
    reached[number] = fresh = true;
  }
  return fresh;
}

static bool visit(const er_plan *plan, const er_subgraph *subgraph, uint8_t *reached,
                  missing_list *list) {
  bool fresh = false;
  for (int32_t i = 0; i < subgraph->operator_count; i++) {
    const er_operator *op = &subgraph->operators[i];
    if (!er_find_op(op->builtin)) add(list, op);
    if (mark(plan, op, reached)) fresh = true;
  }
  return fresh;
}

/* reached: 1 when a subgraph is called, 2 when it is visited too. */
static void visit_all(const er_plan *plan, uint8_t *reached, missing_list *list) {
  const edgert_model *model = plan->session->model;
  for (bool fresh = true; fresh;) {
    fresh = false;
    for (int32_t i = 0; i < model->subgraph_count; i++) {
      if (reached[i] != 1) continue;
      reached[i] = 2;
      if (visit(plan, &model->subgraphs[i], reached, list)) fresh = true;
    }
  }
}

static void name(er_message *why, const er_operator *op) {
  const char *builtin = er_builtin_name(op->builtin);
  if (op->builtin == ER_BUILTIN_CUSTOM) {
    er_say_more(why, "CUSTOM %.60s", op->custom);
  } else if (builtin) {
    er_say_more(why, "%s", builtin);
  } else {
    er_say_more(why, "operator code %d", op->builtin);
  }
}

edgert_status er_plan_refuse_missing(er_plan *plan) {
  missing_list list = {0};
  uint8_t *reached =
      er_memory_array(&plan->scratch, (size_t)plan->session->model->subgraph_count, 1);
  if (!reached) return er_plan_no_memory(plan);
  reached[0] = 1;
  visit_all(plan, reached, &list);
  if (list.count == 0) return EDGERT_OK;
  er_say(plan->why, EDGERT_UNSUPPORTED, "the model needs operators that this library lacks: ");
  for (int32_t i = 0; i < list.count; i++) {
    if (i) er_say_more(plan->why, ", ");
    name(plan->why, list.missing[i]);
  }
  if (list.count == MOST_LISTED) er_say_more(plan->why, " and perhaps more");
  return EDGERT_UNSUPPORTED;
}
