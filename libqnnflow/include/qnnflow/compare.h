/* SPDX-License-Identifier: MIT */
/*
 * compare.h - two units on one model, layer by layer: which layer differs, by how much, in how many numbers.
 */
#ifndef QNNFLOW_COMPARE_H
#define QNNFLOW_COMPARE_H

#include <qnnflow/model.h>

G_BEGIN_DECLS

/* One output of one node. Strings belong to the comparison. */
typedef struct {
  const char *node; /* name of the node, after optimisation */
  const char *op;   /* its operator */
  uint32_t output;  /* which of its outputs */
  gboolean
      integer; /* stored in steps of an encoding, or plain integers: `largest` counts steps; else real numbers */
  uint64_t elements; /* numbers in the tensor */
  uint64_t differ;   /* of them, those that are not equal */
  uint64_t
      beyond; /* of them, those more than one step apart; real numbers: more than 1e-3 of the largest magnitude */
  double largest;   /* the largest difference: in steps, or in parts of the reference's largest magnitude */
  const char *note; /* why it could not be compared, the numbers above being 0 then; NULL: it was */
} QfDifference;

typedef struct {
  QfDifference *layers; /* in the order of the nodes */
  uint32_t n_layers;
  const char *
      parted; /* qf_model_explain() of the other unit when it ran not all nodes of a chain itself; NULL: it did */
  GPtrArray *strings; /* what all these point to */
} QfComparison;

typedef enum {
  /* Each node runs alone on the other unit, with the values that the reference has at its inputs: differences do not add up */
  QF_COMPARE_EACH,
  /* The other unit runs the whole model, as it will in use: differences of earlier layers are in those of later ones */
  QF_COMPARE_CHAIN,
} QfCompareMode;

/*
 * Runs the model file @path as @reference says and compares with what @other gives. @inputs: the values of each input of the model as
 * qf_model_input() of the reference describes them, by index; borrowed. The backend "ref" takes the integer arithmetic of a unit that has its
 * own (htp, htp-sim: fixed) where @reference names none; what that unit leaves to others in a chain is in the same arithmetic only where
 * @other names it. Of the options only those of units and arithmetic may differ.
 * Returns a comparison to be freed with qf_comparison_free(), or NULL with the errors of qf_model_load() and qf_session_run(), or
 * QF_ERROR_DYNAMIC when shapes follow from values. Thread-safe.
 */
QF_API QfComparison *qf_compare(const char *path, const QfModelOptions *reference,
                                const QfModelOptions *other, const void *const *inputs, QfCompareMode mode,
                                GError **error);

/* NULL does nothing. */
QF_API void qf_comparison_free(QfComparison *comparison);

/* The layer with the largest difference; NULL when none differs. Steps come before parts of magnitudes. */
QF_API const QfDifference *qf_comparison_worst(const QfComparison *comparison);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfComparison, qf_comparison_free)

G_END_DECLS

#endif
