/* SPDX-License-Identifier: MIT */
/*
 * doctor.h - the diagnose() functions of the backends over our kernels for Hexagon.
 */
#ifndef QF_HTP_DOCTOR_H
#define QF_HTP_DOCTOR_H

#include "../backend.h"

void qf_htp_diagnose(const QfUnitOptions *options, GString *text);
void qf_htp_diagnose_simulator(const QfUnitOptions *options, GString *text);

#endif
