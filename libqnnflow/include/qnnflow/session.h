/* SPDX-License-Identifier: MIT */
/*
 * session.h - running a model.
 *
 * A session holds the intermediate memory and the threads of one stream of runs over a shared QfModel.
 * It belongs to one thread at a time. qf_session_run() makes no heap allocation; with one thread it also
 * takes no lock and makes no system call.
 */
#ifndef QNNFLOW_SESSION_H
#define QNNFLOW_SESSION_H

#include <qnnflow/model.h>
#include <qnnflow/value.h>

G_BEGIN_DECLS

typedef struct _QfSession QfSession;

/* Zero-initialise; zero means the default. */
typedef struct {
  uint32_t
      n_threads; /* threads of a run, the caller's included; 0: one for each CPU this process may use, at most 4 */
  gboolean profile; /* TRUE: time every step; read with qf_profile_from_session() */
} QfSessionOptions;

/* Makes a session; holds a reference to @model. @options may be NULL. NULL with QF_ERROR_LIMIT when the
 * memory cannot be had. Thread-safe. */
QF_API QfSession *qf_session_new(QfModel *model, const QfSessionOptions *options, GError **error);

/* Stops the threads and frees the memory. free(NULL) does nothing. */
QF_API void qf_session_free(QfSession *session);

/* The model; borrowed. */
QF_API QfModel *qf_session_model(const QfSession *session);

/*
 * Binds input or output @index to the caller's memory: nothing is copied, the engine reads or writes it
 * in place during runs. @size_bytes must be at least the tensor's; the memory must outlive the runs or the
 * next bind. @data NULL goes back to the session's own buffer. An address that is not aligned to 64 bytes
 * works, more slowly. FALSE with QF_ERROR_ARGUMENT when the index or the size does not fit.
 */
QF_API gboolean qf_session_bind_input(QfSession *session, uint32_t index, const void *data, size_t size_bytes,
                                      GError **error);
QF_API gboolean qf_session_bind_output(QfSession *session, uint32_t index, void *data, size_t size_bytes,
                                       GError **error);

/* The memory that is bound now: the session's own (aligned to QF_ALIGNMENT) unless the caller bound some.
 * NULL when @index is out of range. */
QF_API void *qf_session_input_data(QfSession *session, uint32_t index);
QF_API const void *qf_session_output_data(QfSession *session, uint32_t index);

/* Iterations that all loops of a model may take together within a run. */
#define QF_MAX_ITERATIONS (1 << 22)

/*
 * Runs the model once, synchronously. Fails on a device fault (QF_ERROR_DEVICE), or when the loops of the model have gone through
 * QF_MAX_ITERATIONS iterations (QF_ERROR_LIMIT): outputs are undefined then, and the model's state stays what it was.
 */
QF_API gboolean qf_session_run(QfSession *session, GError **error);

/* What output @index was in the last run, with its actual dimensions: a new reference, NULL before the first run of a dynamic
 * model and when @index is out of range. Of other models the bytes are copied. */
QF_API QfValue *qf_session_output_value(QfSession *session, uint32_t index);

/*
 * Runs the model once on values: @inputs[k] is input k, and @outputs[k] gets a new reference to what came out, with its actual
 * dimensions. For every model; for one that cannot be one frozen graph (qf_model_is_dynamic()) it is the way to run it.
 * Allocates the outputs, and compiles for shapes that it meets for the first time: a dynamic model any, others those that the file
 * leaves open (see qf_model_reshape(); a model with states keeps its own). What is bound stays as it was. FALSE with QF_ERROR_ARGUMENT when the numbers of values are not the model's, _TYPE or _SHAPE when a value does not fit,
 * and whatever a dynamic model can meet; @outputs are all NULL then.
 */
QF_API gboolean qf_session_evaluate(QfSession *session, QfValue *const *inputs, uint32_t n_inputs,
                                    QfValue **outputs, uint32_t n_outputs, GError **error);

/*
 * A model may keep values from run to run (variables; recurrent state that the file does not show as inputs and outputs). They
 * belong to the session: each stream has its own. They begin with the model's initial values, and this gives these back.
 * Does nothing for a model without state.
 */
QF_API void qf_session_reset(QfSession *session);

/* Gives @to the state of @from, another session of the same model: a stream goes on where it was. FALSE with QF_ERROR_ARGUMENT when
 * the models are not the same. */
QF_API gboolean qf_session_copy_state(QfSession *to, const QfSession *from, GError **error);

/* Duration of the last run in nanoseconds; 0 before the first one. */
QF_API uint64_t qf_session_last_run_ns(const QfSession *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QfSession, qf_session_free)

G_END_DECLS

#endif
