/* Private to the verifier: its state and its three parts. */
#ifndef ER_VERIFY_H
#define ER_VERIFY_H

#include "model.h"

typedef struct er_verifier {
  edgert_model *model;
  er_message *why;
  er_vector buffers;    /* of Buffer tables */
  er_vector codes;      /* of OperatorCode tables */
  int32_t subgraph;     /* number of the one that is being read */
  int32_t tensor_count; /* of that subgraph */
} er_verifier;

/** Memory of the model, held to a multiple of the file's size: tables that overlap each other would
 * otherwise let a small file take any amount. @return NULL when refused; then er_verify_refused */
void *er_verify_take(er_verifier *verifier, uint64_t count, size_t element_bytes);
edgert_status er_verify_refused(er_verifier *verifier);
/** @return EDGERT_MALFORMED with a general sentence when a read has left the file, else EDGERT_OK
 */
edgert_status er_verify_reads(er_verifier *verifier);
/** Copy a vector of 32-bit numbers. */
edgert_status er_verify_indices(er_verifier *verifier, er_table table, int slot,
                                er_indices *indices);

/* verify_tensor.c */
edgert_status er_verify_tensor(er_verifier *verifier, er_table table, int32_t number,
                               er_tensor *tensor);
/* verify_operator.c */
edgert_status er_verify_operator(er_verifier *verifier, er_table table, int32_t number,
                                 er_operator *op);
/** Everything that is read was written before, and nothing is written twice. */
edgert_status er_verify_flow(er_verifier *verifier, const er_subgraph *subgraph);

#endif
