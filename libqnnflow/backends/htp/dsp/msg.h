/* SPDX-License-Identifier: MIT */
/*
 * msg.h - the Hexagon program's side of a session: one packet in, one answer out. No packet, whatever is in it, harms it.
 *
 * A session has its own buffers and graphs; ports open one for each queue.
 */
#ifndef QF_HTP_DSP_MSG_H
#define QF_HTP_DSP_MSG_H

#include "port.h"
#include "wire.h"

typedef struct QfDspSession QfDspSession;

/* @arch: 68 for v68, 0 for none. NULL: no memory. */
QfDspSession *qf_dsp_session_open(QfDspPort *port, uint32_t arch, uint32_t simulated);
/* Drops what the host has left. */
void qf_dsp_session_close(QfDspSession *session);
/* Does what @packet says. It is read once, so it may lie in shared memory; any alignment. */
void qf_dsp_session_answer(QfDspSession *session, const void *packet, uint32_t size_bytes,
                           QfWireAnswer *answer);

#endif
